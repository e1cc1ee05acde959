"""Tests a policy the way the engine runs it: properties go over the wire and back, so that unknowns raise and secrets are marked.

    policy = on("aws-kms-rotation", "aws:kms/key:Key")
    policy.passes(enableKeyRotation=True)
    policy.fails("enableKeyRotation is off")
    policy.undecided("enableKeyRotation", enableKeyRotation=UNKNOWN)
    assert policy.remedied()["enableKeyRotation"] is True

Stack policies take resources: `on("aws-s3-versioning").fails("keeps no versions", [resource(BUCKET, "logs")])`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format, struct_pb2
from least_privilege import registry
from least_privilege.reading import analysing
from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyProviderResource,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    Secret,
    StackValidationArgs,
)
from pulumi_policy.deserialize import deserialize_properties, serialize_properties
from pulumi_policy.policy import _NotApplicableError
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

__all__ = ["UNKNOWN", "OnResource", "OnStack", "Secret", "on", "resource", "urn_of"]

UNKNOWN = UNKNOWN_STRING_VALUE
"""A value that is not known at preview, as it stands on the wire."""


def urn_of(type_: str, name: str) -> str:
    return f"urn:pulumi:test::airlock::{type_}::{name}"


def wire(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(serialize_properties(dict(properties)))
    return struct


def _options(protect: bool) -> PolicyResourceOptions:
    return PolicyResourceOptions(protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [], None)


def _merged(policy: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as a policy gets it: the CLI fills in the schema's defaults."""
    schema = policy.config_schema.properties
    assert set(config) <= set(schema), f"{policy.name} has no such configuration: {set(config) - set(schema)}"
    return {key: one["default"] for key, one in schema.items() if "default" in one} | dict(config)


@dataclass(frozen=True)
class Described:
    """A resource of a stack under test."""

    type: str
    name: str
    props: Mapping[str, Any]
    links: Mapping[str, tuple[str, ...]]
    parent: str
    provider: str


def resource(
    type_: str,
    name: str,
    /,
    *,
    links: Mapping[str, str | Iterable[str]] | None = None,
    parent: str = "",
    provider: str = "default",
    **props: Any,
) -> Described:
    """A resource for a stack: `links` are its property dependencies, by the names of the resources that they lead to."""
    found = {key: (value,) if isinstance(value, str) else tuple(value) for key, value in (links or {}).items()}
    return Described(type_, name, {**dict.fromkeys(found, UNKNOWN), **props}, found, parent, provider)


@dataclass(frozen=True)
class OnResource:
    """A policy on single resources, and the type of the resources that it is shown."""

    name: str
    type: str
    config: Mapping[str, Any] = field(default_factory=dict)
    provider: Mapping[str, Any] = field(default_factory=dict)
    protect: bool = False

    def messages(self, properties: Mapping[str, Any], config: Mapping[str, Any] | None = None) -> list[str]:
        policy, struct, found = _policy(self.name), wire(properties), []
        with analysing(struct):
            policy.validate(self._args(policy, struct, config or {}), lambda message, urn=None: found.append(message))
        return found

    def passes(self, **properties: Any) -> None:
        assert self.messages(properties) == []
        assert self.messages({**properties, "nobodyKnows": UNKNOWN}) == []

    def fails(self, says: str, **properties: Any) -> None:
        found = self.messages(properties)
        assert any(says in message for message in found), found
        # A value that has nothing to do with it is unknown: the SDK skips a policy that stumbles over one.
        assert self.messages({**properties, "nobodyKnows": UNKNOWN}) == found

    def undecided(self, path: str, **properties: Any) -> None:
        """Nothing definite is said, unless the policy is told to take the unknown for a violation; then it names the path."""
        assert self.messages(properties) == []
        found = self.messages(properties, {"unknown": "violation"})
        assert any(path in message and "cannot be known" in message for message in found), found

    def remedied(self, **properties: Any) -> Any:
        """The properties after the remediation, as they go back on the wire; None where it leaves them alone."""
        policy, struct = _policy(self.name), wire(properties)
        props = deserialize_properties(json_format.MessageToDict(struct), True)
        with analysing(struct):
            changed = policy.remediate(self._args(policy, struct, {}, props))
        if changed is None:
            return None
        after = serialize_properties(changed)
        assert self.messages(deserialize_properties(dict(after), True)) == []
        return after

    def _args(
        self, policy: Any, struct: struct_pb2.Struct, config: Mapping[str, Any], props: Any = None
    ) -> ResourceValidationArgs:
        props = unknown_checking_proxy(deserialize_properties(json_format.MessageToDict(struct)) if props is None else props)
        package = self.type.split(":")[0]
        kind = f"pulumi:providers:{package}"
        provider = PolicyProviderResource(kind, unknown_checking_proxy(dict(self.provider)), urn_of(kind, "default"), "default")
        merged = _merged(policy, {**self.config, **config})
        urn = urn_of(self.type, "it")
        return ResourceValidationArgs(self.type, props, urn, "it", _options(self.protect), provider, merged)


@dataclass(frozen=True)
class OnStack:
    """A policy on whole stacks."""

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)

    def findings(self, resources: Iterable[Described], config: Mapping[str, Any] | None = None) -> list[tuple[str, str]]:
        """Each message, with the name of the resource that it is about."""
        policy, found = _policy(self.name), []
        args = StackValidationArgs(_stack(_shown(self.name, resources)), _merged(policy, {**self.config, **(config or {})}))
        policy.validate(args, lambda message, urn=None: found.append((message, (urn or "").rpartition("::")[2])))
        return found

    def passes(self, resources: Iterable[Described]) -> None:
        assert self.findings(resources) == []

    def fails(self, says: str, resources: Iterable[Described], at: str | None = None) -> None:
        listed = list(resources)
        found = self.findings(listed)
        assert any(says in message and at in (None, name) for message, name in found), found
        noise = [
            Described(one.type, one.name, {**one.props, "nobodyKnows": UNKNOWN}, one.links, one.parent, one.provider)
            for one in listed
        ]
        assert self.findings(noise) == found

    def undecided(self, path: str, resources: Iterable[Described]) -> None:
        listed = list(resources)
        assert self.findings(listed) == []
        found = self.findings(listed, {"unknown": "violation"})
        assert any(path in message and "cannot be known" in message for message, _ in found), found

    def not_applicable(self, resources: Iterable[Described]) -> str:
        try:
            self.findings(resources)
        except _NotApplicableError as error:
            return str(error.reason)
        raise AssertionError("the policy took itself to be applicable")


def on(name: str, type_: str = "", *, provider: Mapping[str, Any] | None = None, protect: bool = False, **config: Any) -> Any:
    """The policy of that name, ready for a test: on resources of a type, or, without one, on stacks."""
    return OnResource(name, type_, config, provider or {}, protect) if type_ else OnStack(name, config)


def _policy(name: str) -> Any:
    return next(one.policy for one in registry.load() if one.name == name)


def _shown(policy: str, resources: Iterable[Described]) -> list[Described]:
    """What the pack's servicer shows a policy of a stack: what it says that it looks at, and what is above that.

    A resource that it is not shown is one that no link leads to either.
    """
    listed = list(resources)
    (looking,) = [one for one in registry.load() if one.name == policy]
    parents = {one.name: one.parent for one in listed}
    shown = set()
    for one in listed:
        name = one.name if looking.looks_at(one.type) else ""
        while name in parents:
            shown.add(name)
            name = parents[name]
    return [
        Described(one.type, one.name, one.props, {key: tuple(set(names) & shown) for key, names in one.links.items()}, *rest)
        for one in listed
        if one.name in shown
        for rest in [(one.parent, one.provider)]
    ]


def _stack(resources: Iterable[Described]) -> list[PolicyResource]:
    listed = list(resources)
    built = {}
    for one in listed:
        package = one.type.split(":")[0]
        kind = f"pulumi:providers:{package}"
        provider = PolicyProviderResource(kind, unknown_checking_proxy({}), urn_of(kind, one.provider), one.provider)
        props = unknown_checking_proxy(deserialize_properties(json_format.MessageToDict(wire(one.props))))
        own = None if package == "airlock" else provider
        built[one.name] = PolicyResource(
            one.type, props, urn_of(one.type, one.name), one.name, _options(False), own, None, [], {}
        )
    assert len(built) == len(listed), "two resources of one name"
    for one in listed:
        found = built[one.name]
        found.parent = built[one.parent] if one.parent else None
        found.property_dependencies = {key: [built[name] for name in names] for key, names in one.links.items()}
        found.dependencies = [target for targets in found.property_dependencies.values() for target in targets]
    return list(built.values())
