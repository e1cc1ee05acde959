"""Stacks to look at: a small one that is proven, the same with every kind of failure in it, and large ones."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pulumi_airlock.access import Access
from pulumi_airlock.proof import Proof, prove
from pulumi_airlock.proof.evidence import Evidence, evidence
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.times import Once, Weekly
from pulumi_airlock.report.page import render_page

AT = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
ZURICH_NIGHT = {"days": ["mon", "tue"], "from": "22:00", "to": "02:00", "timezone": "Europe/Zurich"}
NIGHT = Weekly(((1320, 1560), (2760, 3000)), "Europe/Zurich")
FINANCE, RISK = Hosts.from_cidr("10.40.0.0/25"), Hosts.from_cidr("10.40.0.128/25")
EVIL = '</script><img src=x onerror="alert(1)">'
"""A text that closes a script, and would be an element where a page takes text for markup."""


@dataclass(frozen=True)
class Case:
    access: Access
    environments: tuple[Environment, ...]
    filters: tuple[Filter, ...]

    def proof(self) -> Proof:
        return prove(self.access, self.environments, self.filters, at=AT)

    def evidence(self, proof: Proof) -> Evidence:
        return evidence(self.access, self.environments, self.filters, proof, at=AT)

    def page(self, title: str = "Stack prod", source: str = "--stack prod") -> str:
        proof = self.proof()
        return render_page(proof, self.evidence(proof), self.access, title=title, generated_from=source, at=AT)

    def with_rules(self, gate: str, *rules: Rule) -> "Case":
        """With more rules at the head of a gate."""
        filters = tuple(replace(one, rules=(*rules, *one.rules)) if one.gate == gate else one for one in self.filters)
        return replace(self, filters=filters)

    def without_rule(self, gate: str, label: str) -> "Case":
        filters = tuple(
            replace(one, rules=tuple(rule for rule in one.rules if rule.source.label != label)) if one.gate == gate else one
            for one in self.filters
        )
        return replace(self, filters=filters)


def document(**changes: Any) -> dict[str, Any]:
    return {
        "environments": [{"name": "finance", "dags": ["ledger_*"]}, {"name": "risk", "dags": ["var_*", "stress_*", "adhoc_*"]}],
        "principals": [
            {"name": "ledger", "dags": ["ledger_*"], "environment": "finance", "owner": "ledger@bank.example"},
            {"name": "var", "dags": ["var_*"], "environment": "risk"},
            {"name": "stress", "dags": ["stress_*"], "environment": "risk"},
            {"name": "analysts", "group": "risk-people", "sources": ["10.60.0.0/24"]},
        ],
        "zones": {
            "center": {"cidrs": ["10.20.0.0/16"], "gates": ["wall", "proxy"]},
            "partners": {"cidrs": ["203.0.113.0/24"], "gates": ["wall", "proxy"]},
        },
        "destinations": [
            {"name": "ledger-db", "zone": "center", "cidrs": ["10.20.4.10/32"], "ports": ["1521/tcp"], "class": "confidential"},
            {
                "name": "reports",
                "zone": "center",
                "hosts": ["reports.bank.example"],
                "cidrs": ["10.20.5.0/28"],
                "ports": ["443/tcp"],
            },
            {"name": "risk-db", "zone": "center", "cidrs": ["10.20.6.1/32", "10.20.6.2/32"], "ports": ["5432-5433/tcp"]},
            {"name": "upload", "zone": "partners", "cidrs": ["203.0.113.5/32"], "ports": ["22/tcp"]},
        ],
        "routes": [
            {
                "name": "close",
                "from": ["ledger"],
                "to": ["ledger-db"],
                "reason": "FIN-1",
                "window": ZURICH_NIGHT,
                "session": "1h",
            },
            {"name": "print", "from": ["ledger"], "to": ["reports"], "reason": "FIN-2", "expires": "2030-06-30"},
            {"name": "model", "from": ["var", "stress", "analysts"], "to": ["risk-db"], "reason": "RISK-1"},
            {"name": "file", "from": ["stress"], "to": ["upload"], "reason": "RISK-2"},
        ],
        "expect": [
            {"from": "ledger_close.load", "to": "ledger-db:1521", "allow": True},
            {"from": "outside", "to": "ledger-db:1521", "allow": False},
        ],
    } | changes


def rule(label: str, match: Match, action: Action = Action.ALLOW, **more: Any) -> Rule:
    return Rule(action, match, Source(f"urn:pulumi:prod::bank::t:{label}::{label}", "", f'policy "{label}"'), **more)


def to(cidrs: str, ports: str, who: Who | None = None, *windows: Weekly) -> Match:
    first, _, last = ports.partition("-")
    services = Services.of("tcp", int(first), int(last or first))
    return Match(who or Who(), Hosts.from_cidrs(cidrs.split()), services, times=(frozenset(windows),) if windows else ())


def by_task(*names: str) -> Who:
    return Who(principals=frozenset(names))


def small() -> Case:
    """Two environments, people, three gates: proven."""
    environments = (Environment("finance", "urn:pulumi:prod::bank::t::finance", FINANCE), Environment("risk", "urn:r", RISK))
    group = [
        rule("to-center", to("10.20.0.0/16", "1-9999")),
        rule("to-partners", to("203.0.113.0/24", "22", Who(environments=frozenset({"risk"})))),
    ]
    tasks = Match(Who(environments=frozenset({"finance", "risk"})))
    people = Who(sources=Hosts.from_cidr("10.60.0.0/24"), groups=frozenset({"risk-people"}))
    expires = (frozenset({Once(None, datetime(2030, 7, 1, tzinfo=UTC))}),)
    wall = [
        rule("close", to("10.20.4.10/32", "1521", Who(sources=FINANCE), NIGHT)),
        rule("print", replace(to("10.20.5.0/28", "443", Who(sources=FINANCE)), times=expires)),
        rule("model", to("10.20.6.1/32", "5432-5433", Who(sources=RISK))),
        rule("model-2", to("10.20.6.2/32", "5432-5433", Who(sources=RISK))),
        rule("people", to("10.20.6.1/32 10.20.6.2/32", "5432-5433", people)),
        rule("file", to("203.0.113.5/32", "22", Who(sources=RISK))),
    ]
    proxy = [
        rule("ledger", to("10.20.4.10/32", "1521", by_task("ledger"))),
        rule("reports", to("10.20.5.0/28", "443", by_task("ledger"))),
        rule("risk", to("10.20.6.1/32 10.20.6.2/32", "5432-5433", by_task("var", "stress", "analysts"))),
        rule("upload", to("203.0.113.5/32", "22", by_task("stress"))),
    ]
    urn = "urn:pulumi:prod::bank::t::"
    filters = (
        Filter(
            "aws", "security group tasks", Combine.ANY_ALLOW, Action.DENY, tuple(group), f"{urn}tasks", scope=tasks, always=True
        ),
        Filter("wall", "firewall policies", Combine.FIRST_MATCH, Action.DENY, tuple(wall), f"{urn}wall"),
        Filter("proxy", "task proxy", Combine.ANY_ALLOW, Action.DENY, tuple(proxy), f"{urn}proxy"),
    )
    return Case(Access.model_validate(document()), environments, filters)


def broken() -> Case:
    """The small one with excess, something blocked, something unknown, and an expectation that fails."""
    late = rule("late", to("10.20.5.0/28", "443", Who(sources=RISK)), unknown=("late.srcaddrs",))
    case = small().with_rules("wall", rule("any-any", to("10.20.4.0/24", "1521")), late)
    case = case.with_rules("proxy", rule("any-task", to("10.20.4.0/23", "1-9999"))).without_rule("wall", 'policy "model-2"')
    expect = [{"from": "outside", "to": "ledger-db:1521", "allow": False}]
    return replace(case, access=Access.model_validate(case.access.model_dump(mode="json", by_alias=True) | {"expect": expect}))
