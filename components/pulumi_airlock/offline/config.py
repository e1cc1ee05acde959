"""A stack's configuration: `Pulumi.<stack>.yaml` over the defaults of Pulumi.yaml, as the Pulumi CLI hands it to a program.

Encrypted values are decrypted with the stack's passphrase (see `decryption`); without it each becomes an `UnknownSecret`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import pulumi
from pulumi.output import Unknown

from ..errors import Problems
from .decryption import Decrypt, decrypter
from .project import Project, read_yaml
from .wire import UNKNOWN_STRING, secret


class UnknownSecret(str, Unknown):
    """An encrypted configuration value that nobody gave the passphrase of.

    `Config.get_secret` and its relatives give an unknown secret Output of it: no `apply` runs on it, and a property that is set
    from it is unknown. Plain `Config.get` and `require` must give text at once, and give this: as a property's whole value it
    is unknown as well, but text that a program builds from it is not.
    """

    __slots__ = ()

    def __new__(cls) -> "UnknownSecret":
        """It has no value but the sentinel."""
        return super().__new__(cls, UNKNOWN_STRING)


@dataclass(frozen=True, slots=True)
class StackConfig:
    """Configuration by full key, `namespace:key`. Structured values are JSON text, as programs are given them."""

    values: Mapping[str, str] = field(default_factory=dict)
    secret_keys: frozenset[str] = frozenset()
    plaintexts: frozenset[str] = frozenset()
    """Every secret text among the values, also those within structured ones: what must not be shown."""

    @property
    def encrypted(self) -> tuple[str, ...]:
        """The keys whose value is, or holds, something unknown because it is encrypted."""
        return tuple(key for key, value in self.values.items() if UNKNOWN_STRING in value)

    def of_package(self, package: str) -> dict[str, Any]:
        """What a package's default provider is configured with; secrets are marked."""
        prefix = f"{package}:"
        return {
            key.removeprefix(prefix): secret(value) if key in self.secret_keys else value
            for key, value in self.values.items()
            if key.startswith(prefix)
        }


def load_config(project: Project, stack: str) -> StackConfig:
    """The stack's configuration. InputError with every problem: bad values, and required ones that are missing."""
    path = project.stack_file(stack)
    document = read_yaml(path) if path.is_file() else {}
    problems = Problems(str(path))
    given = document.get("config") or {}
    if not isinstance(given, Mapping):
        problems.add("config", f"expected keys and values, found {given!r}")
        given = {}
    all_values = _with_defaults(project, given, problems)
    opened = _Opened(decrypter(document, path) if any(map(_is_secret, all_values.values())) else None)
    values: dict[str, str] = {}
    secrets: set[str] = set()
    for key, value in all_values.items():
        try:
            values[key] = opened.text(value)
        except ValueError as error:
            problems.add(f"config.{key}", f"cannot be decrypted: {error}; set it again with `pulumi config set --secret`")
            continue
        if _is_secret(value) or _declared(project, key).get("secret"):
            secrets.add(key)
            opened.plaintexts.add(values[key])
    problems.raise_any()
    return StackConfig(values, frozenset(secrets), frozenset(one for one in opened.plaintexts if UNKNOWN_STRING not in one))


class _Opened:
    """Opens encrypted values, and keeps what came out."""

    def __init__(self, decrypt: Decrypt | None) -> None:
        self._decrypt = decrypt
        self.plaintexts: set[str] = set()

    def text(self, value: Any) -> str:
        """A value as programs are given it. ValueError where it cannot be decrypted."""
        found = self._open(value)
        # Sorted, as the Pulumi CLI hands structured values over.
        return found if isinstance(found, str) else json.dumps(found, separators=(",", ":"), sort_keys=True, default=str)

    def _open(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            if set(value) == {"secure"}:
                return self._decrypted(str(value["secure"]))
            return {str(key): self._open(item) for key, item in value.items()}
        return [self._open(item) for item in value] if isinstance(value, list) else value

    def _decrypted(self, text: str) -> str:
        if self._decrypt is None:
            return UnknownSecret()
        plain = self._decrypt(text)
        self.plaintexts.add(plain)
        return plain


def _with_defaults(project: Project, given: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    found = {_full_key(project, key): value for key, value in given.items()}
    for key in project.config:
        full, declared = _full_key(project, key), _declared(project, _full_key(project, key))
        if full in found:
            if "type" in declared:
                _check_type(full, found[full], declared, problems)
        elif "value" in declared or "default" in declared:
            found[full] = declared.get("value", declared.get("default"))
        elif "type" in declared:
            problems.add(f"config.{full}", f"missing: Pulumi.yaml declares it ({declared['type']}) without a default")
    return found


def _declared(project: Project, full_key: str) -> Mapping[str, Any]:
    """What Pulumi.yaml says of a key; a plain value there is a value."""
    short = full_key.removeprefix(f"{project.name}:")
    for key in (full_key, short):
        if key in project.config:
            declared = project.config[key]
            known = {"type", "value", "default", "secret", "description", "items"}
            return declared if isinstance(declared, Mapping) and known & declared.keys() else {"value": declared}
    return {}


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str, int, float, bool),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _check_type(key: str, value: Any, declared: Mapping[str, Any], problems: Problems) -> None:
    wanted = str(declared["type"])
    if wanted not in _TYPES:
        problems.add(f"config.{key}", f"Pulumi.yaml declares the type {wanted!r}; expected one of {', '.join(_TYPES)}")
    elif not _is_secret(value) and not isinstance(value, _TYPES[wanted]) and not _reads_as(wanted, value):
        problems.add(f"config.{key}", f"{value!r} is not of type {wanted}, which Pulumi.yaml declares")


def _reads_as(wanted: str, value: Any) -> bool:
    """`pulumi config set` writes numbers and booleans as text."""
    if not isinstance(value, str):
        return False
    return value in ("true", "false") if wanted == "boolean" else wanted == "integer" and value.lstrip("-").isdigit()


def _full_key(project: Project, key: str) -> str:
    return key if ":" in key else f"{project.name}:{key}"


def _is_secret(value: Any) -> bool:
    if isinstance(value, Mapping):
        return set(value) == {"secure"} or any(map(_is_secret, value.values()))
    return isinstance(value, list) and any(map(_is_secret, value))


@contextmanager
def encrypted_values_are_unknown() -> Iterator[None]:
    """While in here, typed readers (`Config.get_secret_int`, …) give an unknown secret Output for an encrypted value too."""
    originals = {name: getattr(pulumi.Config, name) for name in _TYPED}
    for name, original in originals.items():
        setattr(pulumi.Config, name, _tolerant(original))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(pulumi.Config, name, original)


@contextmanager
def secrets_noted(note: Callable[[str], None]) -> Iterator[None]:
    """While in here, `note` is given every text that the program makes a secret, so that it can be kept out of messages."""
    original = pulumi.Output.secret

    def secret(value: Any) -> Any:
        if isinstance(value, str) and not isinstance(value, UnknownSecret):
            note(value)
        return original(value)

    setattr(pulumi.Output, "secret", staticmethod(secret))  # noqa: B010  # mypy takes it for a method otherwise
    try:
        yield
    finally:
        setattr(pulumi.Output, "secret", staticmethod(original))  # noqa: B010


_TYPED = tuple(f"{verb}_secret_{kind}" for verb in ("get", "require") for kind in ("bool", "int", "float", "object"))


def _tolerant(original: Any) -> Any:
    @wraps(original)
    def read(self: pulumi.Config, key: str, *args: Any, **kwargs: Any) -> Any:
        value = pulumi.runtime.get_config(self.full_key(key))
        return pulumi.Output.secret(value) if isinstance(value, UnknownSecret) else original(self, key, *args, **kwargs)

    return read
