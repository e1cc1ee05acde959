"""Runs a ZiaGate in process and hands back its stack; builds hand-written tenants; asks what both filters make of a
connection.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pulumi.runtime
from fortigate_helpers import Point, decide
from google.protobuf import json_format
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2
from pulumi_airlock.environments.mwaa.egress import ProxyEgress
from pulumi_airlock.gates.sources import resource_from_wire
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.gates.zia import TunnelEgress, ZiaGate, read
from pulumi_airlock.gates.zia.kinds import IDS, kind_of
from pulumi_airlock.tokens import MWAA_ENVIRONMENT

PROVIDER = "urn:pulumi:test::bank::pulumi:providers:zia::default"
FIREWALL, URL, LOCATION = "zia:index:FirewallFilteringRule", "zia:index:URLFilteringRule", "zia:index:LocationManagement"
FINANCE = ProxyEgress(host="proxy.example", cidrs=("203.0.113.0/26",), scheduler=10101, worker=10102, webserver=10103)
RISK = TunnelEgress(parent_id=900, cidrs=("10.40.2.0/25",))
ENVIRONMENTS = {"finance": FINANCE, "risk": RISK}


class _Recorder(mocks.MockMonitor):
    """Answers registrations with their inputs; after an update objects have the ids by which rules name them."""

    def __init__(self, preview: bool) -> None:
        super().__init__(mocks=None)
        self.preview = preview
        self.requests: dict[str, resource_pb2.RegisterResourceRequest] = {}
        self.outputs: dict[str, dict] = {}

    def RegisterResource(self, request):  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        assert urn not in self.requests, f"{urn} is registered twice"
        self.requests[urn] = request
        key = IDS.get(kind_of(request.type))
        number = 1000 + len(self.requests)
        computed: dict[str, Any] = {}
        if key and not self.preview:
            computed[key] = f"CUSTOM_{number}" if key == "categoryId" else number
        self.outputs[urn] = computed
        id_ = "" if self.preview or not request.custom else str(number)
        answer = resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=request.object)
        answer.object.update(computed)
        return answer

    def stack(self) -> Stack:
        return Stack(self._resource(urn, request) for urn, request in self.requests.items())

    def _resource(self, urn, request) -> Resource:
        return resource_from_wire(
            urn=urn,
            type_=request.type,
            inputs=json_format.MessageToDict(request.object),
            outputs=self.outputs[urn],
            custom=request.custom,
            parent=request.parent,
            provider=PROVIDER if request.type.startswith("zia:") else "",
            dependencies=request.dependencies,
            property_dependencies={key: value.urns for key, value in request.propertyDependencies.items()},
        )


def run_program(program: Callable[[], object], preview: bool = True) -> tuple[Stack, _Recorder]:
    recorder = _Recorder(preview)
    pulumi.runtime.set_mocks(None, project="bank", stack="test", preview=preview, monitor=recorder)
    pulumi.runtime.test(lambda: program() and None)()
    return recorder.stack(), recorder


def compiled(access, preview: bool = True, **arguments: Any) -> Stack:
    """The stack of a gate for an access file."""
    given = {"environments": ENVIRONMENTS, **arguments}
    return run_program(lambda: ZiaGate("zia", access=access, **given), preview)[0]


def urn_of(type_: str, name: str) -> str:
    return f"urn:pulumi:test::bank::{type_}::{name}"


def resource(
    type_: str, name: str, /, *, depends: Mapping[str, list[str]] | None = None, after: list[str] | None = None, **properties: Any
) -> Resource:
    """A hand-written resource. `depends`: property → URNs; `after`: URNs that it waits for."""
    urns = {urn for found in (depends or {}).values() for urn in found} | set(after or ())
    return Resource(
        urn=urn_of(type_, name),
        type=type_,
        properties=properties,
        custom=not type_.startswith("airlock:"),
        provider=PROVIDER,
        dependencies=tuple(urns),
        property_dependencies={key: tuple(found) for key, found in (depends or {}).items()},
    )


def location(name: str, number: int, /, **properties: Any) -> Resource:
    return resource(LOCATION, name, name=name, locationId=number, ofwEnabled=True, authRequired=False, **properties)


def airflow(name: str = "finance", **ports: int) -> Resource:
    """An environment's component, as far as it tells its way out."""
    told = {
        "proxy": "proxy.example",
        "cidrs": ["203.0.113.0/26"],
        "ports": ports or dict(FINANCE.ports),
        "noProxy": ["10.40.0.0/16"],
    }
    return resource(MWAA_ENVIRONMENT, name, egress=told)


def activation(*waits_for: Resource) -> Resource:
    return resource("zia:index:Activation", "activation", status="ACTIVE", after=[one.urn for one in waits_for])


def tenant(*resources: Resource, activated: bool = True, environments: tuple[Resource, ...] | None = None) -> Stack:
    """A stack of hand-written ZIA resources, activated, with an environment behind a proxy."""
    own = [airflow()] if environments is None else list(environments)
    return Stack([*own, *resources, *([activation(*resources)] if activated else [])])


def judge(stack: Stack) -> Callable[[Point], str]:
    """What the firewall and URL filtering together make of points; read once."""
    filters = tuple(read(stack))

    def answer(point: Point) -> str:
        answers = {decide(one, point) for one in filters}
        if "deny" in answers:
            return "deny"
        return "unproven" if "unproven" in answers else "allow"

    return answer


def both(stack: Stack, point: Point) -> str:
    """The same for one point."""
    return judge(stack)(point)
