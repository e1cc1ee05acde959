"""What every part of an access file has in common: immutable, strict, and wrong with all of its problems at once."""

from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from ..errors import Problem
from .errors import AccessError
from .messages import problems_of

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass as _Meta
else:

    class _Meta(type(BaseModel)):
        """Makes a constructor raise `AccessError` instead of pydantic's own error, without touching how parts are validated."""

        def __call__(cls, *args, **kwargs):
            try:
                return super().__call__(*args, **kwargs)._sound()
            except ValidationError as error:
                raise _wrapped(cls, error, kwargs) from None


class Model(BaseModel, metaclass=_Meta):
    """Immutable, strict about unknown keys; camelCase in files, snake_case in Python."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True
    )

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """The object that plain data means. AccessError with every problem when it means none."""
        try:
            return super().model_validate(obj, **options)._sound()
        except ValidationError as error:
            raise _wrapped(cls, error, obj) from None

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """The object that a JSON text means. AccessError with every problem when it means none."""
        try:
            return super().model_validate_json(json_data, **options)._sound()
        except ValidationError as error:
            raise _wrapped(cls, error, None) from None

    def _sound(self) -> Self:
        """Itself, when all of its parts fit together."""
        return self


def _wrapped(cls: type[Model], error: ValidationError, data: Any) -> AccessError:
    name = data.get("name") if isinstance(data, dict) else None
    place = f'{cls.__name__} "{name}"' if isinstance(name, str) else cls.__name__
    return AccessError(Problem(place, path, message) for path, message in problems_of(error, cls))
