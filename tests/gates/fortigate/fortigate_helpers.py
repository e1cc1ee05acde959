"""Runs a FortigateGate in process and hands back its stack; builds stacks by hand; decides points by a stack's filters."""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pulumi
import pulumi.runtime
from google.protobuf import json_format
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2
from pulumi_airlock.gates.kinds import kind_of
from pulumi_airlock.gates.sources import resource_from_wire
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.proof.filters import Action, Filter, Match
from pulumi_airlock.proof.sets import Services
from pulumi_airlock.proof.times import Once, Weekly

POLICY = "fortios:firewall/policy:Policy"
PROVIDER = "urn:pulumi:test::bank::pulumi:providers:fortios::datacenter"


class AnyDialect(Stack):
    """A stack that is asked for types in pulumiverse's words, whichever package its resources are of."""

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        kinds = [kind_of(one) for one in types]
        return tuple(one for kind in kinds for one in self.resources if kind_of(one.type) == kind)


class _Recorder(mocks.MockMonitor):
    """Answers registrations with their inputs; after an update policies have ids, in the order of their creation."""

    def __init__(self, preview: bool) -> None:
        super().__init__(mocks=None)
        self.preview = preview
        self.outputs: dict[str, dict] = {}
        self.requests: dict[str, resource_pb2.RegisterResourceRequest] = {}
        self.computed: dict[str, dict] = {}

    def RegisterResource(self, request):  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        self.requests[urn] = request
        computed: dict[str, Any] = {}
        if kind_of(request.type) == kind_of(POLICY) and not self.preview and "policyid" not in request.object:
            computed["policyid"] = sum(kind_of(one.type) == kind_of(POLICY) for one in self.requests.values())
        self.computed[urn] = computed
        id_ = "" if self.preview or not request.custom else str(computed.get("policyid", request.name))
        answer = resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=request.object)
        answer.object.update(computed)
        return answer

    def RegisterResourceOutputs(self, request):  # noqa: N802
        self.outputs[request.urn] = json_format.MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)

    def stack(self) -> Stack:
        return AnyDialect(self._resource(urn, request) for urn, request in self.requests.items())

    def _resource(self, urn, request) -> Resource:
        return resource_from_wire(
            urn=urn,
            type_=request.type,
            inputs=json_format.MessageToDict(request.object),
            outputs={**self.outputs.get(urn, {}), **self.computed[urn]},
            custom=request.custom,
            parent=request.parent,
            provider=PROVIDER if request.type.startswith("fortios:") else "",
            dependencies=request.dependencies,
            property_dependencies={key: value.urns for key, value in request.propertyDependencies.items()},
        )


def run_program(program: Callable[[], object], preview: bool = True) -> Stack:
    recorder = _Recorder(preview)
    pulumi.runtime.set_mocks(None, project="bank", stack="test", preview=preview, monitor=recorder)
    pulumi.runtime.test(program)()
    return recorder.stack()


def urn_of(type_: str, name: str) -> str:
    return f"urn:pulumi:test::bank::{type_}::{name}"


def resource(
    type_: str, name: str, /, *, depends: Mapping[str, list[str]] | None = None, after: list[str] | None = None, **properties: Any
):
    """A hand-written resource. `depends`: property → URNs; `after`: URNs that it waits for."""
    urns = {urn for found in (depends or {}).values() for urn in found} | set(after or ())
    return Resource(
        urn=urn_of(type_, name),
        type=type_,
        properties=properties,
        provider=PROVIDER,
        dependencies=tuple(urns),
        property_dependencies={key: tuple(found) for key, found in (depends or {}).items()},
    )


def named(*names: Any) -> list[dict[str, Any]]:
    return [{"name": name} for name in names]


def policy(name: str, /, **properties: Any) -> Resource:
    """A hand-written policy that accepts everything, but for what is given."""
    given = {
        "name": name,
        "action": "accept",
        "srcintfs": named("any"),
        "dstintfs": named("any"),
        "srcaddrs": named("all"),
        "dstaddrs": named("all"),
        "services": named("ALL"),
        "schedule": "always",
        **properties,
    }
    return resource(POLICY, name, **given)


@dataclass(frozen=True)
class Point:
    """One thing that somebody tries."""

    source: str = "10.0.1.10"
    host: str = "10.20.4.10"
    port: int = 5432
    protocol: str = "tcp"
    environment: str | None = "finance"
    group: str | None = None
    at: datetime = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # a Tuesday


def matches(match: Match, point: Point) -> bool:
    """A box and a point, field by field, as the definitions say; a name is matched by name, or by `all`."""
    who = match.who
    if who.environments is not None and (
        point.environment not in who.environments if who.environments else point.environment is not None
    ):
        return False
    if who.groups is not None and (point.environment is not None or point.group not in who.groups):
        return False
    if who.sources is not None and not _holds(who.sources, point.source):
        return False
    cell = next(iter(Services.of(point.protocol, point.port, point.port).cells.spans))[0]
    if not _holds(match.hosts, point.host) or cell not in match.services.cells:
        return False
    return all(any(_within(window, point.at) for window in windows) for windows in match.times)


def _holds(hosts, text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text in hosts.names
    return int(address) in (hosts.v4 if address.version == 4 else hosts.v6)


def _within(window, at: datetime) -> bool:
    if isinstance(window, Once):
        return (window.start is None or window.start <= at) and (window.end is None or at < window.end)
    assert isinstance(window, Weekly)
    local = at.astimezone(ZoneInfo(window.timezone))
    minute = local.weekday() * 1440 + local.hour * 60 + local.minute
    return any(first <= minute < last for first, last in window.spans)


def decide(found: Filter, point: Point) -> str:
    """`allow`, `deny`, or `unproven`: what first match makes of a point, whichever way the unknown rules turn out."""
    possible = set()
    for rule in found.rules:
        if matches(rule.match, point):
            possible.add(rule.action)
            if not rule.unknown:
                break
    else:
        possible.add(found.default)
    if len(possible) > 1:
        return "unproven"
    return "allow" if possible == {Action.ALLOW} else "deny"
