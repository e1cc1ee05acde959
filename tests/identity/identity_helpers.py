"""An access file, an `Identity` component run in process at preview or after an update, and stacks with something beside it."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pulumi.runtime
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2
from pulumi_airlock.access import Access
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.sources import resource_from_wire
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.identity import Entra, Identity, IdentityEnvironment, Oidc, Okta, identity_findings
from pulumi_airlock.identity.findings import IdentityFinding, Severity
from pulumi_airlock.offline.simulation import Simulator

ACCOUNT, REGION = "123456789012", "eu-central-1"
ISSUERS = {
    "okta": "https://bank.okta.example",
    "entra": "https://login.microsoftonline.example/tenant/v2.0",
    "oidc": "https://sso.bank.example/realms/bank",
}
WEB_SERVERS = {"ui-finance": "finance", "ui-risk": "risk"}
CLIENTS = {"finance/finance": "c-1", "finance/op": "c-2", "risk/risk": "c-3", "risk/op": "c-4"}
PROVIDERS = {"okta": Okta, "entra": Entra, "oidc": lambda: Oidc(client_ids=CLIENTS)}

DOCUMENT: dict[str, Any] = {
    "environments": [{"name": "finance", "dags": ["ledger_*", "finreport_*"]}, {"name": "risk", "dags": ["var_*"]}],
    "roles": [
        {"name": "finance", "base": "Public", "dags": {"ledger_*": ["can_read", "can_edit"], "finreport_*": ["can_read"]}},
        {"name": "risk", "base": "Viewer"},
        {"name": "op", "base": "Op"},
    ],
    "principals": [
        {"name": "ledger-close", "environment": "finance", "dags": ["ledger_*"], "role": "finance"},
        {"name": "var-engine", "environment": "risk", "dags": ["var_*"], "tasks": ["load_[ab]*"], "serviceAccount": "var-sa"},
        {"name": "controllers", "group": "airflow-finance", "role": "finance"},
        {"name": "analysts", "group": "airflow-risk", "role": "risk"},
        {"name": "operators", "group": "airflow-operators", "role": "op"},
    ],
    "zones": {"center": {"cidrs": ["10.20.0.0/16"], "gates": ["edge"]}, "ui": {"cidrs": ["10.40.0.0/20"], "gates": ["edge"]}},
    "destinations": [
        {"name": "ledger-db", "zone": "center", "cidrs": ["10.20.4.10/32"], "ports": ["1521/tcp"]},
        {"name": "ui-finance", "zone": "ui", "cidrs": ["10.40.0.0/25"], "ports": ["443/tcp"]},
        {"name": "ui-risk", "zone": "ui", "cidrs": ["10.40.1.0/25"], "ports": ["443/tcp"]},
    ],
    "routes": [
        {"name": "ledger", "from": ["ledger-close"], "to": ["ledger-db"], "session": "30m", "reason": "T-1"},
        {"name": "finance-ui", "from": ["controllers", "operators"], "to": ["ui-finance"], "reason": "T-2"},
        {"name": "risk-ui", "from": ["analysts", "operators"], "to": ["ui-risk"], "reason": "T-3"},
    ],
}


def access(kind: str = "okta", change: Callable[[dict[str, Any]], object] | None = None) -> Access:
    """The access file, changed in place if so wished."""
    import copy

    document = copy.deepcopy(DOCUMENT)
    document["identityProvider"] = {"kind": kind, "issuer": ISSUERS[kind], "audience": "airflow"}
    if change is not None:
        change(document)
    return Access.model_validate(document)


def entry(document: dict[str, Any], section: str, name: str) -> dict[str, Any]:
    return next(one for one in document[section] if one["name"] == name)


def execution_role(environment: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{environment}-tasks"


def environments() -> dict[str, IdentityEnvironment]:
    return {
        one: IdentityEnvironment(execution_role(one), callback_urls=[f"https://{one}.airflow.bank.example/oauth2/callback"])
        for one in ("finance", "risk")
    }


def make_identity(name: str = "identity", *, kind: str = "okta", access: Access, **given: Any) -> Identity:
    arguments: dict[str, Any] = {
        "owner": "platform@bank.example",
        "provider": PROVIDERS[kind](),
        "environments": environments(),
        "web_servers": WEB_SERVERS,
        "account_id": ACCOUNT,
        "region": REGION,
    }
    return Identity(name, access=access, **{**arguments, **given})


class _Recorder(mocks.MockMonitor):
    """Answers registrations as the offline engine does: with unknown ids at preview, simulated ones after an update."""

    def __init__(self, preview: bool) -> None:
        super().__init__(mocks=None)
        self.preview = preview
        self.simulator = Simulator(REGION, ACCOUNT)
        self.requests: dict[str, resource_pb2.RegisterResourceRequest] = {}
        self.outputs: dict[str, Mapping[str, Any]] = {}

    def RegisterResource(self, request):  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        assert urn not in self.requests, f"{urn} is registered twice"
        self.requests[urn] = request
        inputs = json_format.MessageToDict(request.object)
        id_, outputs = "", inputs
        if request.custom and self.preview:
            outputs = self.simulator.preview(urn, inputs)
        elif request.custom:
            id_, outputs = self.simulator.create(urn, inputs)
        self.outputs[urn] = outputs
        answer = struct_pb2.Struct()
        json_format.ParseDict(outputs, answer)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=answer)

    def stack(self) -> Stack:
        return Stack(
            resource_from_wire(
                urn=urn,
                type_=one.type,
                inputs=json_format.MessageToDict(one.object),
                outputs=self.outputs[urn],
                custom=one.custom,
                parent=one.parent,
                dependencies=one.dependencies,
                property_dependencies={key: found.urns for key, found in one.propertyDependencies.items()},
            )
            for urn, one in self.requests.items()
        )


def run(program: Callable[[], object], preview: bool = True) -> Stack:
    """The stack that a program registers."""
    recorder = _Recorder(preview)
    pulumi.runtime.set_mocks(None, project="bank", stack="test", preview=preview, monitor=recorder)
    pulumi.runtime.test(program)()
    return recorder.stack()


def whole(
    kind: str = "okta",
    *,
    declared: Access | None = None,
    compiled: Access | None = None,
    beside: Callable[[Identity], object] | None = None,
    preview: bool = True,
    **given: Any,
) -> Stack:
    """A stack that declares an access, has an `Identity` compiled from it (or from another), and something beside it."""

    def program() -> None:
        AccessDeclaration("access", declared or access(kind))
        identity = make_identity(kind=kind, access=compiled or access(kind), **given)
        if beside is not None:
            beside(identity)

    return run(program, preview)


def found(stack: Stack) -> list[IdentityFinding]:
    return list(identity_findings(stack))


def errors(stack: Stack) -> list[IdentityFinding]:
    return [one for one in found(stack) if one.severity is Severity.ERROR]


def of_type(stack: Stack, kind: str) -> dict[str, Any]:
    """Resources of a type (`iam/role:Role`), by name."""
    return {one.name: one for one in stack.resources if one.type.partition(":")[2] == kind}
