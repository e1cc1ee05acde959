"""Runs a ZpaGate in process and hands back its stack; builds hand-written tenants; decides points by a stack's filters."""

import hashlib
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi.runtime
from google.protobuf import json_format
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2
from pulumi_airlock.access.model import Access
from pulumi_airlock.gates.sources import resource_from_wire
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.gates.zpa import CloudConnector, ConnectorGroup, IdentityProvider, MachineGroup, read
from pulumi_airlock.proof.filters import Action, Filter, Match
from pulumi_airlock.proof.sets import Services

PROVIDER = "urn:pulumi:test::bank::pulumi:providers:zpa::tenant"
SEGMENT, GROUP = "zpa:index/applicationSegment:ApplicationSegment", "zpa:index/segmentGroup:SegmentGroup"
SERVERS, CONNECTORS = "zpa:index/serverGroup:ServerGroup", "zpa:index/connectorGroup:ConnectorGroup"
RULE, RULE_V1 = "zpa:index/policyAccessRuleV2:PolicyAccessRuleV2", "zpa:index/policyAccessRule:PolicyAccessRule"
REORDER = "zpa:index/policyAccessReorderRule:PolicyAccessReorderRule"
TIMEOUT = "zpa:index/policyAccessTimeOutRuleV2:PolicyAccessTimeOutRuleV2"
FORWARD = "zpa:index/policyAccessForwardingRuleV2:PolicyAccessForwardingRuleV2"
LOG, KEY = "zpa:index/lSSConfigController:LSSConfigController", "zpa:index/provisioningKey:ProvisioningKey"
GATE = "airlock:index:ZpaGate"


def made_up(*parts: str) -> str:
    return str(int(hashlib.sha256("|".join(parts).encode()).hexdigest()[:12], 16))


class _Recorder(mocks.MockMonitor):
    """Answers registrations with their inputs, and look-ups with made-up ids; after an update resources have ids."""

    def __init__(self, preview: bool) -> None:
        super().__init__(mocks=None)
        self.preview = preview
        self.outputs: dict[str, dict] = {}
        self.requests: dict[str, resource_pb2.RegisterResourceRequest] = {}
        self.calls: list[tuple[str, dict]] = []

    def RegisterResource(self, request):  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        self.requests[urn] = request
        id_ = "" if self.preview or not request.custom else made_up(request.type, request.name)
        answer = resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=request.object)
        if request.type == KEY and not self.preview:
            answer.object["provisioningKey"] = "key"
        return answer

    def RegisterResourceOutputs(self, request):  # noqa: N802
        self.outputs[request.urn] = json_format.MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)

    def Invoke(self, request):  # noqa: N802
        args = json_format.MessageToDict(request.args)
        self.calls.append((request.tok, args))
        name = str(args.get("name") or args.get("logType"))
        id_ = made_up(request.tok, name)
        answer = resource_pb2.ResourceInvokeResponse()
        getattr(answer, "return").update({"id": id_, "name": name, "postureUdid": id_, "json": "{}"})
        return answer

    def stack(self) -> Stack:
        return Stack(self._resource(urn, request) for urn, request in self.requests.items())

    def _resource(self, urn, request) -> Resource:
        id_ = {"id": made_up(request.type, request.name)} if request.custom and not self.preview else {}
        return resource_from_wire(
            urn=urn,
            type_=request.type,
            inputs=json_format.MessageToDict(request.object),
            outputs={**self.outputs.get(urn, {}), **id_},
            custom=request.custom,
            parent=request.parent,
            provider=PROVIDER if request.type.startswith("zpa:") else "",
            dependencies=request.dependencies,
            property_dependencies={key: value.urns for key, value in request.propertyDependencies.items()},
        )


def record(program: Callable[[], object], preview: bool = True) -> _Recorder:
    recorder = _Recorder(preview)
    pulumi.runtime.set_mocks(None, project="bank", stack="test", preview=preview, monitor=recorder)
    pulumi.runtime.test(program)()
    return recorder


def run_program(program: Callable[[], object], preview: bool = True) -> Stack:
    return record(program, preview).stack()


FRANKFURT = ConnectorGroup(location="Frankfurt, DE", latitude=50.11, longitude=8.68, country_code="DE", cidrs=["10.50.0.0/28"])
WORKLOADS = {"finance": CloudConnector(name="cc-finance"), "markets": MachineGroup(group_id="777")}
PEOPLE = IdentityProvider(name="Okta")


def access(routes=None, **changes) -> Access:
    document = {
        "principals": [
            {"name": "etl", "dags": ["finance_*"], "environment": "finance"},
            {"name": "feeds", "dags": ["markets_*"], "environment": "markets"},
            {"name": "analysts", "group": "airflow-finance"},
            {"name": "auditors", "group": "airflow-audit"},
        ],
        "zones": {
            "datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["zpa"]},
            "partners": {"cidrs": ["203.0.113.0/26"], "gates": ["zpa"]},
            "cloud": {"cidrs": ["10.99.0.0/16"], "gates": ["aws_network"]},
        },
        "destinations": [
            {
                "name": "warehouse",
                "zone": "datacenter",
                "hosts": ["wh.corp.example"],
                "cidrs": ["10.20.4.10/32"],
                "ports": ["5432/tcp"],
            },
            {"name": "ledger", "zone": "datacenter", "cidrs": ["10.20.5.0/28"], "ports": ["1521/tcp", "53/udp"]},
            {"name": "portal", "zone": "datacenter", "hosts": ["*.corp.example"], "ports": ["443/tcp", "8000-8010/tcp"]},
            {"name": "sftp", "zone": "partners", "cidrs": ["203.0.113.10/32"], "ports": ["22/tcp", "icmp"]},
            {"name": "lake", "zone": "cloud", "cidrs": ["10.99.1.0/24"], "ports": ["443/tcp"]},
        ],
        "routes": routes or [route("finance-warehouse", ["warehouse"])],
        **changes,
    }
    return Access.model_validate(document)


def route(name: str, to: list[str], *, who=("etl",), **more) -> dict[str, Any]:
    return {"name": name, "from": list(who), "to": list(to), "reason": f"because of {name}", **more}


def urn_of(type_: str, name: str) -> str:
    return f"urn:pulumi:test::bank::{type_}::{name}"


def resource(
    type_: str,
    name: str,
    /,
    *,
    depends: Mapping[str, list[str]] | None = None,
    after: list[str] | None = None,
    parent: str = "",
    **properties: Any,
) -> Resource:
    """A hand-written resource. `depends`: property → URNs; `after`: URNs that it waits for."""
    urns = {urn for found in (depends or {}).values() for urn in found} | set(after or ())
    return Resource(
        urn=urn_of(type_, name),
        type=type_,
        properties={"name": name, **properties},
        custom=not type_.startswith("airlock:"),
        provider="" if type_.startswith("airlock:") else PROVIDER,
        parent=parent,
        dependencies=tuple(urns),
        property_dependencies={key: tuple(found) for key, found in (depends or {}).items()},
    )


def segment(name: str, /, domains: list[Any], tcp: tuple[int, int] | None = (443, 443), **properties: Any) -> Resource:
    given = {"tcpPortRange": [{"from": str(tcp[0]), "to": str(tcp[1])}]} if tcp else {}
    return resource(
        SEGMENT,
        name,
        **{
            "id": f"s-{name}",
            "domainNames": domains,
            "enabled": True,
            "bypassType": "NEVER",
            "segmentGroupId": "g-1",
            **given,
            **properties,
        },
    )


def group(name: str = "all", /, **properties: Any) -> Resource:
    return resource(GROUP, name, **{"id": "g-1", "enabled": True, **properties})


def values(kind: str, *listed: Any) -> dict[str, Any]:
    return {"operator": "OR", "operands": [{"objectType": kind, "values": list(listed)}]}


def pairs(kind: str, *listed: tuple[Any, Any]) -> dict[str, Any]:
    entries = [{"lhs": lhs, "rhs": rhs} for lhs, rhs in listed]
    return {"operator": "OR", "operands": [{"objectType": kind, "entryValues": entries}]}


def rule(name: str, /, *conditions: dict[str, Any], action: Any = "ALLOW", type_: str = RULE, **properties: Any) -> Resource:
    return resource(type_, name, **{"id": f"r-{name}", "action": action, "conditions": list(conditions), **properties})


def gate(**properties: Any) -> Resource:
    """A ZpaGate that says who is who: it has no rules of its own here."""
    given = {
        "gate": "zpa",
        "connectors": {},
        "workloads": [
            {"environment": "finance", "kind": "EDGE_CONNECTOR_GROUP", "id": "cc-1"},
            {"environment": "markets", "kind": "MACHINE_GRP", "id": "mg-1"},
        ],
        "scimGroups": [
            {"group": "airflow-finance", "id": "sg-1", "idp": "idp"},
            {"group": "airflow-audit", "id": "sg-2", "idp": "idp"},
        ],
        "postures": ["managed"],
        "accessRules": [],
        **properties,
    }
    return resource(GATE, "zpa", **given)


def tenant(*resources: Resource, **of_gate: Any) -> Stack:
    """A tenant with a gate that only says who is who, and hand-written resources."""
    owned = resource(GROUP, "zpa-group", parent=urn_of(GATE, "zpa"), id="g-zpa", enabled=True)
    return Stack([gate(**of_gate), owned, *resources])


@dataclass(frozen=True)
class Point:
    """One thing that somebody tries."""

    host: str = "10.20.4.10"
    port: int = 5432
    protocol: str = "tcp"
    environment: str | None = "finance"
    group: str | None = None


def matches(match: Match, point: Point) -> bool:
    """A box and a point, field by field, as the definitions say; a name is matched by name, or by every name."""
    who = match.who
    if who.environments is not None and (
        point.environment not in who.environments if who.environments else point.environment is not None
    ):
        return False
    if who.groups is not None and (point.environment is not None or point.group not in who.groups):
        return False
    if who.outside is not None and point.environment in who.outside:
        return False
    cell = next(iter(Services.of(point.protocol, point.port, point.port).cells.spans))[0]
    return holds(match.hosts, point.host) and cell in match.services.cells


def holds(hosts, text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text in hosts.names
    return int(address) in (hosts.v4 if address.version == 4 else hosts.v6)


def decide(found: Filter, point: Point) -> str:
    """`allow`, `deny`, or `unproven`: what first match makes of a point, whichever way the unknown rules turn out."""
    possible = set()
    for one in found.rules:
        if matches(one.match, point):
            possible.add(one.action)
            if not one.unknown:
                break
    else:
        possible.add(found.default)
    if len(possible) > 1:
        return "unproven"
    return "allow" if possible == {Action.ALLOW} else "deny"


WAREHOUSE = segment("warehouse", ["wh.corp.example", "10.20.4.10"], (5432, 5432))
TASKS = (values("CLIENT_TYPE", "zpn_client_type_edge_connector"), values("EDGE_CONNECTOR_GROUP", "cc-1"))
ANALYSTS = (values("CLIENT_TYPE", "zpn_client_type_zapp"), pairs("SCIM_GROUP", ("idp", "sg-1")))
APP = values("APP", "s-warehouse")

TASK, PERSON = Point(), Point(environment=None, group="airflow-finance")
STRANGER = Point(environment="elsewhere")


def order(*names, name="order", **more):
    entries = [{"id": f"r-{one}", "order": str(number)} for number, one in enumerate(names, 1)]
    return resource(REORDER, name, **{"policyType": "ACCESS_POLICY", "rules": entries, **more})


def reading(*resources, **of_gate):
    found = list(read(tenant(*resources, **of_gate)))
    assert len(found) == 1
    return found[0]


def reasons(found):
    return {reason for one in found.rules for reason in one.unknown}
