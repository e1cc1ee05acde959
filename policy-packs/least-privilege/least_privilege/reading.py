"""How policies look at a resource: around unknown values, through the SDK's proxies, and past the many spellings of a type.

The SDK hands a policy proxies that raise at the first unknown value, and then skips the whole policy. Here an unknown value is
`UNKNOWN`, a value like any other, and everything around it can still be judged.

The SDK also unwraps secrets before a policy sees them. Whether a value is secret is therefore read from the request itself, which
`dispatch` puts in `REQUEST`; without it nobody can tell, and the answer is `UNKNOWN`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from pulumi_airlock.gates.kinds import kind_of
from pulumi_airlock.gates.sources import plain, stack_from_policy
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_policy import PolicyResource, ResourceValidationArgs, Secret, StackValidationArgs

__all__ = [
    "UNKNOWN",
    "Resource",
    "Stack",
    "Subject",
    "analysing",
    "editable",
    "kind_of",
    "of_kind",
    "plain",
    "stack_of",
    "subject_of",
]

REQUEST: ContextVar[Any] = ContextVar("REQUEST", default=None)
"""The wire's properties (a protobuf Struct) of the resource under analysis; None where the SDK alone is at work."""

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  # the wire's mark of a secret, not one


@contextmanager
def analysing(properties: Any) -> Iterator[None]:
    """While it lasts, policies can tell secrets in these wire properties."""
    token = REQUEST.set(properties)
    try:
        yield
    finally:
        REQUEST.reset(token)


def of_kind(stack: Stack, *kinds: str) -> list[Resource]:
    """The stack's resources of any of these kinds, in the stack's order."""
    return [one for one in stack.resources if kind_of(one.type) in kinds]


@dataclass(frozen=True)
class Subject:
    """One resource, as a policy on single resources sees it: its inputs, options and provider, and the policy's configuration."""

    resource: Resource
    config: Mapping[str, Any]
    protect: bool = False
    provider: Mapping[str, Any] = field(default_factory=dict)
    """The provider's own properties, such as `defaultTags`; JSON inside them is decoded."""
    raw: Any = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        """The resource's type, in its one spelling."""
        return kind_of(self.resource.type)

    def get(self, *path: str | int, default: Any = None) -> Any:
        """The value at a path; `UNKNOWN` where it or anything above it is unknown, `default` where it is absent or null."""
        return self.resource.get(*path, default=default)

    def items(self, *path: str | int) -> Iterator[tuple[tuple[str | int, ...], Any]]:
        """Each entry of the list at a path, with its own path. One `UNKNOWN` at the path itself where the list is unknown."""
        if self.get(*path) is UNKNOWN:
            yield path, UNKNOWN
            return
        for index, item in enumerate(self.resource.get_list(*path)):
            yield (*path, index), item

    def listed(self, prop: str) -> list[Any]:
        """The entries of a list, one value standing for a list of one; `[UNKNOWN]` where the list is unknown."""
        return self.resource.get_list(prop)

    def mapping(self, *path: str | int) -> Any:
        """The mapping at a path, empty where there is none; `UNKNOWN` where it is unknown."""
        value = self.get(*path, default={})
        return value if value is UNKNOWN or isinstance(value, Mapping) else {}

    def number(self, prop: str, default: float) -> Any:
        """The number of a property; `UNKNOWN` where it is unknown, or no number."""
        value = self.get(prop, default=default)
        try:
            return value if value is UNKNOWN else float(value)
        except (TypeError, ValueError):
            return UNKNOWN

    def secret(self, prop: str) -> Any:
        """Whether the top-level property is marked secret, or holds a secret: True, False, or `UNKNOWN` where nobody can tell."""
        if _holds_secret(_target(self.raw).get(prop)):
            return True
        wire = REQUEST.get()
        if wire is None:
            return UNKNOWN
        return prop in wire.fields and _wire_secret(wire.fields[prop])


def _target(value: Any) -> Any:
    """What is behind one of the SDK's proxies: they answer to this key, and to nothing else without raising at unknowns."""
    proxied = (isinstance(value, Mapping) and not isinstance(value, dict)) or (
        isinstance(value, Sequence) and not isinstance(value, str | bytes | list | tuple)
    )
    return value["__target"] if proxied else value


def _holds_secret(value: Any) -> bool:
    value = _target(value)
    if isinstance(value, Secret):
        return True
    if isinstance(value, dict):
        return any(map(_holds_secret, value.values()))
    return isinstance(value, list) and any(map(_holds_secret, value))


def _wire_secret(value: Any) -> bool:
    match value.WhichOneof("kind"):
        case "struct_value":
            fields = value.struct_value.fields
            return (_SIGNATURE in fields and fields[_SIGNATURE].string_value == _SECRET) or any(
                map(_wire_secret, fields.values())
            )
        case "list_value":
            return any(map(_wire_secret, value.list_value.values))
        case _:
            return False


def editable(value: Any) -> Any:
    """A copy of what the SDK handed over that a remediation may change and return: secrets stay secret, unknowns unknown."""
    value = _target(value)
    if isinstance(value, dict):
        return {key: editable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [editable(item) for item in value]
    return Secret(editable(value.value)) if isinstance(value, Secret) else value


def subject_of(args: ResourceValidationArgs, config: Mapping[str, Any]) -> Subject:
    """The resource that a resource policy is asked about."""
    one = PolicyResource(args.resource_type, args.props, args.urn, args.name, args.opts, args.provider, None, [], {})
    resource = stack_from_policy(StackValidationArgs([one])).resources[0]
    provider = {key: _decoded(plain(item)) for key, item in editable(args.provider.props).items()} if args.provider else {}
    return Subject(resource, config, bool(args.opts and args.opts.protect), provider, args.props)


def stack_of(args: StackValidationArgs) -> Stack:
    """The stack that a stack policy is asked about."""
    return stack_from_policy(args)


def _decoded(value: Any) -> Any:
    """A provider's properties travel as text: what is not a string in the program is JSON."""
    if isinstance(value, Secret):
        return _decoded(value.value)
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
