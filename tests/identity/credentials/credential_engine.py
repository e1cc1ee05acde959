"""Runs a program in process and hands back what it registered: at preview, where ids are unknown, or after an update."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi.runtime
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2
from pulumi_airlock.access import Access
from pulumi_airlock.gates.sources import plain
from pulumi_airlock.identity.credentials import Credentials

ACCOUNT, REGION = "111122223333", "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/finance"
DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/deploy"
SECRET = "4dabf18193072939515e22adb298388d"


@dataclass(frozen=True)
class Registered:
    """One registration."""

    name: str
    type: str
    parent: str
    raw: Mapping[str, Any]
    depends_on: frozenset[str]
    request: Any

    @property
    def inputs(self) -> Mapping[str, Any]:
        return plain(dict(self.raw))

    def document(self, prop: str = "policy") -> dict[str, Any]:
        """A policy document's statements, by Sid."""
        return {one["Sid"]: one for one in json.loads(self.inputs[prop])["Statement"]}


class Engine(mocks.MockMonitor):
    """Answers as a provider would."""

    def __init__(self, preview: bool) -> None:
        super().__init__(mocks=None)
        self.preview = preview
        self.requests: list[tuple[str, Any]] = []
        self.warnings: list[str] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        assert urn not in [known for known, _ in self.requests], f"{urn} is registered twice"
        self.requests.append((urn, request))
        outputs = json_format.MessageToDict(request.object)
        id_ = ""
        if request.custom and not self.preview:
            id_ = f"id-{request.name}"
            outputs |= {"arn": f"arn:aws:mock:{REGION}:{ACCOUNT}:{request.name}"}
            outputs.setdefault("name", request.name)
            if request.type.endswith("GenericApi"):
                outputs["response"] = json.dumps({"results": {"access_token": f"canary-{outputs['forceRecreate']}"}})
        answer = struct_pb2.Struct()
        json_format.ParseDict(outputs, answer)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=answer)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        return super().RegisterResourceOutputs(request)

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        answer = struct_pb2.Struct()
        json_format.ParseDict({"accountId": ACCOUNT, "arn": "arn", "userId": "A", "id": ACCOUNT}, answer)
        return resource_pb2.ResourceInvokeResponse(**{"return": answer})

    def Log(self, request: Any) -> None:  # noqa: N802
        if request.severity == 2:
            self.warnings.append(request.message)

    def __iter__(self) -> Iterator[Registered]:
        for _, one in self.requests:
            yield Registered(
                one.name,
                one.type,
                one.parent.rsplit("::", 1)[-1],
                json_format.MessageToDict(one.object),
                frozenset(urn.rsplit("::", 1)[-1] for urn in one.dependencies),
                one,
            )

    def of(self, kind: str) -> dict[str, Registered]:
        """By the last word of the type."""
        return {one.name: one for one in self if one.type.rsplit(":", 1)[-1] == kind}


def run(program: Callable[[], object], preview: bool = False, engine: Engine | None = None) -> Engine:
    engine = engine or Engine(preview)
    pulumi.runtime.set_mocks(None, project="bank", stack="test", preview=engine.preview, monitor=engine)
    pulumi.runtime.settings.SETTINGS.engine = engine
    pulumi.runtime.set_all_config({"aws:region": REGION})
    pulumi.runtime.test(lambda: program() and None)()
    return engine


def route(name: str, kind: str, ref: str, **more: Any) -> dict[str, Any]:
    credential = {"kind": kind, "ref": ref, **({"rotate": more.pop("rotate")} if "rotate" in more else {})}
    return {"name": name, "from": ["ledger"], "to": ["db"], "session": "1h", "credential": credential, "reason": "FIN-1"} | more


ROUTES = (
    route("ledger-api", "secrets-manager", "api/ledger"),
    route("ledger-feed", "secrets-manager", "feed", rotate="7d"),
    route("ledger-rds", "rds-iam", "rds"),
    route("ledger-db", "vault", "database/creds/ledger", rotate="1d"),
    route("ledger-bq", "gcp-iam", "bq@bank.example"),
)


def access(*routes: Mapping[str, Any], rotation: str | None = "30d") -> Access:
    document: dict[str, Any] = {
        "principals": [
            {"name": "ledger", "dags": ["ledger_*"]},
            {"name": "people", "group": "airflow-finance"},
        ],
        "zones": {"dc": {"gates": ["fortigate"]}},
        "destinations": [{"name": "db", "zone": "dc", "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]}],
        "routes": list(routes or ROUTES),
    }
    return Access.model_validate(document | ({"rotation": rotation} if rotation else {}))


def credentials(declared: Access | None = None, **changed: Any) -> Credentials:
    """Sound arguments for `ROUTES`, with changes."""
    from pulumi_airlock.identity.credentials import (
        BroughtRotator,
        FortigateToken,
        RdsDatabase,
        TokenEndpoint,
        VaultLease,
        ZscalerToken,
    )

    arguments: dict[str, Any] = {
        "access": declared or access(),
        "owner": "platform@bank.example",
        "readers": {"ledger": ROLE},
        "rotators": {
            "api/ledger": TokenEndpoint(
                issue_url="https://api.corp.example/token",
                test_url="https://api.corp.example/me",
                initial=pulumi.Output.secret('{"token": "canary"}'),
            ),
            "feed": BroughtRotator(
                function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:feed", role_arn=f"arn:aws:iam::{ACCOUNT}:role/feed"
            ),
        },
        "gates": [
            FortigateToken(gate="fortigate", url="https://fw.corp.example:8443", users=("airlock-a", "airlock-b")),
            ZscalerToken(gate="zpa", vanity_domain="bank", api_client="iq3", manager="zia"),
            ZscalerToken(gate="zia", vanity_domain="bank", api_client="iq4"),
        ],
        "databases": {"rds": RdsDatabase(resource_id="db-ABCDEFGHIJKL01234", user="ledger")},
        "vault": VaultLease(ttl="1h"),
        "administrators": [DEPLOYER],
        "alarm_emails": ["oncall@bank.example"],
        **changed,
    }
    return Credentials("credentials", **{key: value for key, value in arguments.items() if value is not None})
