"""Reads a stack's settings from `Pulumi.<stack>.yaml` and checks them whole: every mistake is told at once."""

import json
from pathlib import Path
from typing import Any, Self

import pulumi
from pulumi_airlock.errors import InputError, Problem
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

HERE = Path(__file__).parent


class Part(BaseModel):
    """A part of the settings; its keys are camelCase in YAML."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class StackSettings(Part):
    """What every stack says."""

    access: str
    owner: str

    @property
    def access_file(self) -> Path:
        """The stack's access file."""
        return HERE / self.access

    @classmethod
    def load(cls) -> Self:
        """The settings of the stack that is running. InputError with every problem, each by its config key."""
        config = pulumi.Config("airlock")
        keys = [field.alias or name for name, field in cls.model_fields.items()]
        given = {key: _parsed(value) for key in keys if (value := config.get(key)) is not None}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            place = f"Pulumi.{pulumi.get_stack()}.yaml"
            raise InputError(
                Problem(place, "airlock:" + ".".join(map(str, one["loc"])), _told(one["type"], one["msg"], one["input"]))
                for one in error.errors()
            ) from None


def _told(kind: str, message: str, value: Any) -> str:
    return "is missing" if kind == "missing" else f"{message} (found {value!r})"


def _parsed(value: str) -> Any:
    """A structured value reaches the program as JSON, a plain one as text."""
    return json.loads(value) if value[:1] in ("{", "[") else value
