"""What can be understood of an access document, even where parts of it are wrong: so that every problem is found in one go."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from .model import Access, Destination, Environment, Expectation, Principal, Role, Route, Zone
from .values import parse_duration

_Item = TypeVar("_Item", Environment, Role, Principal, Destination, Route, Expectation, Zone)


@dataclass(frozen=True, slots=True)
class Use:
    """A name that an entry uses, and where."""

    loc: tuple[str | int, ...]
    section: str
    """Where it should be declared: `environments`, `roles`, `zones`, `principals` or `destinations`."""
    name: str


@dataclass(frozen=True, slots=True)
class Draft:
    """The entries of each section that are valid in themselves, by their index, and every name that is written, right or not.

    A principal with a bad glob is missing from `principals`, but its name is in `names`: routes that name it are not at fault.
    """

    environments: Mapping[int, Environment]
    roles: Mapping[int, Role]
    principals: Mapping[int, Principal]
    zones: Mapping[str, Zone]
    destinations: Mapping[int, Destination]
    routes: Mapping[int, Route]
    expect: Mapping[int, Expectation]
    names: Mapping[str, tuple[tuple[str | int, str], ...]]
    """Of each section with names: (index, name) of every entry that has one, be it valid otherwise or not."""
    uses: tuple[Use, ...]
    """Every name that an entry uses, be the entry valid otherwise or not."""
    tested: tuple[tuple[int, str | None, str | None], ...]
    """(index, `from`, `to`) of every expectation, be it valid otherwise or not."""
    rotation: timedelta | None = None
    """The cadence of everything; None where nothing is said, or nothing that is one."""
    broken: frozenset[str] = frozenset()
    """Sections in which an entry is wrong, or has the name of another."""

    @classmethod
    def of(cls, access: Access) -> "Draft":
        """The draft of a valid document: all of it."""
        return cls._made(lambda section: getattr(access, section), lambda value, model: value)

    @classmethod
    def parse(cls, raw: Any) -> "Draft":
        """What of plain data is valid. Never raises."""
        document = raw if isinstance(raw, Mapping) else {}
        return cls._made(document.get, _validated)

    @classmethod
    def _made(cls, section_of: Any, valid: Any) -> "Draft":
        sections: dict[str, Any] = {}
        broken = set()
        written = {name: list(_entries(section_of(name))) for name in _SECTIONS}
        for name, model in _SECTIONS.items():
            found = ((index, valid(value, model)) for index, value in written[name])
            sections[name] = {index: item for index, item in found if item is not None}
            absent = section_of(name) is None and name in _OPTIONAL
            if len(sections[name]) != len(written[name]) or not (absent or _is_list(section_of(name))):
                broken.add(name)
        zones = section_of("zones")
        if not isinstance(zones, Mapping):
            zones = {}
            broken.add("zones")
        valid_zones = {str(name): zone for name, value in zones.items() if (zone := valid(value, Zone)) is not None}
        if len(valid_zones) != len(zones):
            broken.add("zones")
        names = {name: tuple((i, text) for i, item in written[name] if (text := _text(item, "name"))) for name in _NAMED}
        broken |= {name for name, listed in names.items() if len({text for _, text in listed}) != len(listed)}
        return cls(
            **sections,
            zones=valid_zones,
            names={**names, "zones": tuple((str(name), str(name)) for name in zones)},
            uses=tuple(use for name in _NAMED for index, item in written[name] for use in _uses(name, index, item)),
            rotation=_duration(section_of("rotation")),
            tested=tuple((index, _text(item, "from"), _text(item, "to")) for index, item in written["expect"]),
            broken=frozenset(broken),
        )

    def declared(self, section: str) -> frozenset[str]:
        """Every name that a section declares, be the entry valid otherwise or not."""
        return frozenset(name for _, name in self.names[section])

    def misnamed(self) -> bool:
        """Whether an entry uses a name that is not declared: then it is not known what was meant."""
        return any(use.name not in self.declared(use.section) for use in self.uses if use.section not in FREE)

    def whole(self, *sections: str) -> bool:
        """Whether nothing is wrong with any entry of these sections."""
        return self.broken.isdisjoint(sections)

    def partial(self) -> Access:
        """The valid parts as an access document, which need not fit together."""
        sections: dict[str, Any] = {name: tuple(getattr(self, name).values()) for name in _SECTIONS}
        return Access.model_construct(**sections, zones=dict(self.zones))


_SECTIONS: dict[str, Any] = {
    "environments": Environment,
    "roles": Role,
    "principals": Principal,
    "destinations": Destination,
    "routes": Route,
    "expect": Expectation,
}
_OPTIONAL = ("environments", "roles", "expect")
FREE = ("environments", "roles")
"""Sections without which a name may be anybody's: the stack's, or Airflow's own."""
_NAMED = ("environments", "roles", "principals", "destinations", "routes")


def _duration(text: Any) -> timedelta | None:
    try:
        return parse_duration(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _validated(value: Any, model: type[_Item]) -> _Item | None:
    try:
        found: _Item = model.__pydantic_validator__.validate_python(value, by_alias=True, by_name=False)
    except ValidationError:
        return None
    return found


def _uses(section: str, index: int, item: Any) -> Iterator[Use]:
    if section == "principals":
        for key, target in (("environment", "environments"), ("role", "roles")):
            if name := _text(item, key):
                yield Use((section, index, key), target, name)
    elif section == "destinations" and (name := _text(item, "zone")):
        yield Use((section, index, "zone"), "zones", name)
    elif section == "routes":
        for key, target in (("from", "principals"), ("to", "destinations")):
            for position, listed in _entries(_get(item, key)):
                if isinstance(listed, str):
                    yield Use((section, index, key, position), target, listed)


def _entries(section: Any) -> Iterator[tuple[int, Any]]:
    return enumerate(section if _is_list(section) else ())


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _text(item: Any, key: str) -> str | None:
    value = _get(item, key)
    return value if isinstance(value, str) else None


def _get(item: Any, key: str) -> Any:
    """A field of plain data or of a model, by its key in files."""
    if isinstance(item, Mapping):
        return item.get(key)
    return getattr(item, "from_" if key == "from" else key, None) if isinstance(item, BaseModel) else None
