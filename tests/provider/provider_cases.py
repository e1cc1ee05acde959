"""A manifest as Pulumi's side writes it, for tests of the provider that reads it."""

from collections.abc import Mapping
from typing import Any

from airlock_provider.audit import TaskRun
from airlock_provider.manifest import Manifest, parse
from pulumi_airlock.access import Access
from pulumi_airlock.access.manifest import ConnectionSettings, Proxy, ProxyRule, TaskIdentity, manifest

ACCESS: dict[str, Any] = {
    "principals": [
        {"name": "ledger-close", "dags": ["ledger_*"], "serviceAccount": "ledger"},
        {"name": "loads", "dags": ["*"], "tasks": ["load_*"]},
    ],
    "zones": {"datacenter": {"gates": ["aws_network", "tcp_proxy"]}, "partners": {"gates": ["aws_network"]}},
    "destinations": [
        {
            "name": "ledger-db",
            "zone": "datacenter",
            "hosts": ["ledger.corp.example"],
            "ports": ["5432/tcp"],
            "protocol": "postgres",
        },
        {"name": "rates", "zone": "partners", "hosts": ["api.rates.example"], "ports": ["443/tcp"], "protocol": "https"},
        {"name": "stream", "zone": "datacenter", "cidrs": ["10.1.2.0/28"], "ports": ["9093-9095/tcp"], "protocol": "kafka"},
        {"name": "idle", "zone": "partners", "hosts": ["idle.example"], "ports": ["443/tcp"]},
    ],
    "routes": [
        {
            "name": "close",
            "from": ["ledger-close"],
            "to": ["ledger-db"],
            "window": {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "22:00", "to": "04:00", "timezone": "Europe/Zurich"},
            "session": "1h",
            "requires": ["token-fresh"],
            "reason": "FIN-1",
            "expires": "2030-06-30",
        },
        {"name": "rates", "from": ["loads"], "to": ["rates"], "reason": "MKT-1"},
        {"name": "stream", "from": ["ledger-close"], "to": ["stream"], "window": {"dagrun": "ledger_daily"}, "reason": "FIN-2"},
    ],
}
IDENTITY = TaskIdentity("https://issuer.example", "airlock-proxy", "oidc", "asserted", endpoint="https://issuer.example/token")
PROXY = Proxy(
    "tcp_proxy",
    "proxy.airlock.internal:8443",
    ("datacenter",),
    rules={"ledger.corp.example:5432": ProxyRule("deny-ledger-db-5432", "allow-ledger-db-5432")},
)


def written(
    access: Mapping[str, Any] = ACCESS,
    identity: TaskIdentity = IDENTITY,
    proxies: tuple[Proxy, ...] = (PROXY,),
    connections: Mapping[str, ConnectionSettings] | None = None,
) -> str:
    """The text of a manifest, by the code that writes them."""
    return manifest(Access.model_validate(access), "finance", proxies, identity, connections).text()


def read(**given: Any) -> Manifest:
    """The same, as the provider reads it."""
    return parse(written(**given))


def run_of(dag_id: str = "ledger_daily", task_id: str = "close", **more: Any) -> TaskRun:
    return TaskRun("finance", dag_id, task_id, "scheduled__2026-11-26T00:00:00+00:00", **more)
