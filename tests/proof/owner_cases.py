"""People before Airflow and tasks in a cluster: Nginx checks people, Istio requests; others add depth."""

from dataclasses import replace
from datetime import UTC, datetime

from pulumi_airlock.access import Access
from pulumi_airlock.proof import Proof, prove
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, HttpOperation, Match, Rule, Source, Who, Workloads
from pulumi_airlock.proof.sets import Hosts, Services

AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
HTTPS = Services.of("tcp", 443, 443)
UI, API = Hosts.from_names(["airflow.bank.example"]), Hosts.from_names(["ledger.data.svc.cluster.local"])
FINANCE, AUDIT = Who(groups=frozenset({"finance"})), Who(groups=frozenset({"audit"}))
ETL = Who(workloads=frozenset({"airflow/etl"}))
READ = frozenset({HttpOperation("GET", "/v1/*")})
VISIBLE = frozenset({HttpOperation("*", "/*", not_paths=frozenset({"/execution/*"}))})
PODS = Hosts.from_cidr("10.60.0.0/16")
ACCESS = Access.model_validate(
    {
        "principals": [
            {"name": "analysts", "group": "finance"},
            {"name": "auditors", "group": "audit"},
            {"name": "etl", "dags": ["etl_*"], "environment": "finance"},
        ],
        "zones": {
            "ui": {"cidrs": ["10.70.0.0/16"], "gates": ["zpa", "nginx", "istio"]},
            "cluster": {"cidrs": ["10.61.0.0/16"], "gates": ["fortigate", "cilium", "istio"]},
        },
        "destinations": [
            {"name": "airflow", "zone": "ui", "hosts": ["airflow.bank.example"], "ports": ["443/tcp"], "protocol": "https"},
            {
                "name": "ledger",
                "zone": "cluster",
                "hosts": ["ledger.data.svc.cluster.local"],
                "ports": ["443/tcp"],
                "protocol": "https",
            },
        ],
        "routes": [
            {
                "name": "analysts-ui",
                "from": ["analysts"],
                "to": ["airflow"],
                "http": [{"paths": ["/*"], "except": ["/execution/*"]}],
                "reason": "FIN-1",
            },
            {
                "name": "etl-ledger",
                "from": ["etl"],
                "to": ["ledger"],
                "http": [{"methods": ["GET"], "paths": ["/v1/*"]}],
                "reason": "FIN-2",
            },
        ],
    }
)
WORKLOADS = Workloads((("etl", "airflow/etl"),), "airflow/tasks")
ENVIRONMENTS = [Environment("finance", "urn::finance", PODS, workloads=WORKLOADS)]


def allow(name: str, who: Who, hosts: Hosts, operations: frozenset[HttpOperation] | None = None, **more: object) -> Rule:
    return Rule(Action.ALLOW, Match(who, hosts, HTTPS, operations), Source(f"urn::{name}", "", name), **more)


def gate(name: str, *rules: Rule) -> Filter:
    return Filter(name, f"rules of {name}", Combine.FIRST_MATCH, Action.DENY, rules, f"urn::{name}")


ANYBODY = Who()
USUAL = {
    "zpa": (allow("zpa-any", ANYBODY, UI),),
    "nginx": (allow("location", FINANCE, UI, VISIBLE),),
    "istio": (allow("from-nginx", ANYBODY, UI, VISIBLE), allow("istio-etl", ETL, API, READ)),
    "cilium": (allow("cilium-etl", ETL, API),),
    "fortigate": (allow("from-pods", Who(sources=PODS), API),),
}
"""Nginx checks people, Istio requests between services; the FortiGate and Cilium add depth, by address and by pod."""


CLOSED = replace(
    gate("finance", allow("out", ANYBODY, API)), scope=Match(who=Who(environments=frozenset({"finance"}))), always=True
)


def proven(**changed: tuple[Rule, ...]) -> Proof:
    return prove(ACCESS, ENVIRONMENTS, [CLOSED, *(gate(name, *rules) for name, rules in {**USUAL, **changed}.items())], at=AT)
