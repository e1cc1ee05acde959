"""Gates that carry traffic on from hosts of their own: what stands behind an App Connector, or before a proxy, meets these."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pulumi_airlock.access import Access
from pulumi_airlock.proof import Outcome, Proof, explain, prove
from pulumi_airlock.proof.difference import Case, difference, with_ways
from pulumi_airlock.proof.difference.ways import Ways
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match, Relay, Rule, Source, Who
from pulumi_airlock.proof.relays import around, carried
from pulumi_airlock.proof.sets import Hosts, Services

AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
HTTPS = Services.of("tcp", 443, 443)
UI = Hosts.from_cidr("10.40.0.0/25")
CONNECTORS = ("10.40.15.0/28", "10.40.15.16/28")
PROXY = Match(hosts=Hosts.from_cidrs(["192.0.2.10/32", "192.0.2.11/32"]), services=Services.of("tcp", 9443, 9443))
FINANCE = Who(environments=frozenset({"finance"}))

ACCESS = Access.model_validate(
    {
        "environments": [{"name": "finance", "dags": ["ledger_*"]}],
        "principals": [
            {"name": "ledger", "dags": ["ledger_*"], "environment": "finance"},
            {"name": "controllers", "group": "airflow-finance", "sources": ["10.60.8.0/22"]},
        ],
        "zones": {
            "airflow": {"cidrs": ["10.40.0.0/20"], "gates": ["zpa", "aws"]},
            "internet": {"gates": ["aws", "zia"]},
        },
        "destinations": [
            {"name": "ui", "zone": "airflow", "cidrs": ["10.40.0.0/25"], "ports": ["443/tcp"]},
            {"name": "rates", "zone": "internet", "hosts": ["rates.ecb.example"], "ports": ["443/tcp"]},
        ],
        "routes": [
            {"name": "people-ui", "from": ["controllers"], "to": ["ui"], "reason": "IAM-1"},
            {"name": "ledger-rates", "from": ["ledger"], "to": ["rates"], "reason": "FIN-1"},
        ],
        "expect": [
            {"from": "controllers", "to": "ui:443", "allow": True},
            {"from": "outside", "to": "ui:443", "allow": False},
            {"from": "ledger_close.post", "to": "rates:443", "allow": True},
        ],
    }
)


def allow(name: str, match: Match) -> Rule:
    return Rule(Action.ALLOW, match, Source(f"urn::{name}"))


def from_networks(*cidrs: str, hosts: Hosts = UI) -> list[Rule]:
    """Rules of a security group: one for each network."""
    return [allow(f"from-{cidr}", Match(Who(sources=Hosts.from_cidr(cidr)), hosts, HTTPS)) for cidr in cidrs]


def to_proxy(*more: Rule) -> list[Rule]:
    each = [Hosts.from_range(address, address) for address in ("192.0.2.10", "192.0.2.11")]
    return [*(allow(f"to-{one}", Match(hosts=one, services=PROXY.services)) for one in each), *more]


def filters(
    ingress: list[Rule] | None = None,
    egress: list[Rule] | None = None,
    zia: list[Rule] | None = None,
    zpa: list[Rule] | None = None,
) -> list[Filter]:
    rates = Match(FINANCE, Hosts.from_names(["rates.ecb.example"]), HTTPS)
    people = Match(Who(groups=frozenset({"airflow-finance"})), UI, HTTPS)
    groups = Filter("aws", "security group", Combine.ANY_ALLOW, Action.DENY, (), "urn::group", always=True)
    return [
        replace(
            groups,
            name="security group, egress",
            rules=tuple(to_proxy() if egress is None else egress),
            scope=Match(who=FINANCE),
        ),
        replace(
            groups,
            name="security group, ingress",
            rules=tuple(from_networks(*CONNECTORS) if ingress is None else ingress),
            scope=Match(who=Who(outside=frozenset({"finance"})), hosts=UI),
        ),
        Filter(
            "zpa",
            "access rules",
            Combine.FIRST_MATCH,
            Action.DENY,
            tuple([allow("rule", people)] if zpa is None else zpa),
            "urn::zpa",
            relays=(Relay(UI, Hosts.from_cidrs(CONNECTORS)),),
        ),
        Filter(
            "zia",
            "cloud firewall",
            Combine.FIRST_MATCH,
            Action.DENY,
            tuple([allow("rates", rates)] if zia is None else zia),
            "urn::zia",
            relays=(Relay(Hosts.every(), entry=PROXY, environments=frozenset({"finance"})),),
        ),
    ]


def environments() -> list[Environment]:
    to_proxy_itself = Match(hosts=PROXY.hosts, services=PROXY.services)
    return [Environment("finance", "urn::finance", UI, own=(Match(hosts=UI), to_proxy_itself))]


def proven(found: list[Filter]) -> Proof:
    return prove(ACCESS, environments(), carried(ACCESS, found), at=AT, around=tuple(around(ACCESS, found)))


def messages(proof: Proof) -> list[str]:
    return [one.message for one in (*proof.excess, *proof.blocked, *proof.unproven, *proof.failed)]


def test_people_behind_connectors_and_tasks_behind_a_proxy_are_proven():
    assert messages(proven(filters())) == []


def test_the_security_group_is_explained_by_the_connectors_address():
    found = explain(ACCESS, environments(), carried(ACCESS, filters()), "controllers", "ui:443", at=AT)
    assert found.outcome is Outcome.ALLOW
    assert [(row.gate, row.source.urn) for row in found.rows] == [("zpa", "urn::rule"), ("aws", f"urn::from-{CONNECTORS[0]}")]


def test_a_security_group_without_the_connectors_blocks_people():
    proof = proven(filters(ingress=[]))
    assert {(one.gate, one.routes) for one in proof.blocked} == {("aws", ("people-ui",))}


def test_one_of_two_connectors_is_not_enough_to_prove():
    proof = proven(filters(ingress=from_networks(CONNECTORS[0])))
    assert ("from which of the addresses of zpa (10.40.15.0/27) it comes",) in {one.unknown for one in proof.unproven}


def test_people_let_in_past_zpa_are_excess():
    proof = proven(filters(ingress=from_networks(*CONNECTORS, "10.60.8.0/22")))
    assert [one.message.partition(": ")[0] for one in proof.excess] == ["around zpa"] * len(proof.excess)
    assert {one.rule.urn for one in proof.excess if one.rule} == {"urn::from-10.60.8.0/22"}


def test_what_lets_people_in_past_zpa_is_a_difference():
    def side(found: list[Filter]) -> tuple[Case, Ways]:
        here = tuple(environments())
        return Case(ACCESS, here, carried(ACCESS, found)), (here, tuple(around(ACCESS, found)))

    (old, old_ways), (new, new_ways) = side(filters()), side(filters(ingress=from_networks(*CONNECTORS, "10.60.8.0/22")))
    through = difference(old, new, at=AT)
    assert through.same
    found = with_ways(through, old_ways, new_ways, at=AT)
    assert {one.message.partition(": ")[0] for one in found.excess} == {"around zpa"}
    assert [one.name for one in found.changes] == ["from-10.60.8.0/22"]
    assert found.ineffective == ()


def test_a_group_that_no_route_names_is_excess_at_zpa():
    stranger = allow("guests", Match(Who(groups=frozenset({"guests"})), UI, HTTPS))
    (found,) = proven(filters(zpa=[stranger, *filters()[2].rules])).excess
    assert (found.gate, found.rule and found.rule.urn) == ("zpa", "urn::guests")


def test_tasks_let_out_past_the_proxy_are_excess():
    direct = allow("direct", Match(hosts=Hosts.from_cidr("0.0.0.0/0"), services=HTTPS))
    proof = proven(filters(egress=to_proxy(direct)))
    assert {one.rule.urn for one in proof.excess if one.rule} == {"urn::direct"}
    assert any(one.message.startswith("around zia: ") for one in proof.excess)


def test_a_proxy_that_lets_more_out_is_excess_although_no_zone_has_the_host():
    wide = allow("any", Match(FINANCE, services=HTTPS))
    proof = proven(filters(zia=[wide]))
    assert {one.rule.urn for one in proof.excess if one.rule} == {"urn::any"}
    assert "hosts outside of every zone" in {place for one in proof.excess for place in one.destinations}


def test_without_the_way_to_the_proxy_tasks_are_blocked_at_the_security_group():
    proof = proven(filters(egress=[]))
    assert {(one.gate, one.routes) for one in proof.blocked} == {("aws", ("ledger-rates",))}


@pytest.mark.parametrize("port", [9443, 9444])
def test_another_port_of_the_proxy_is_another_way(port: int):
    egress = [allow("to-proxy", Match(hosts=PROXY.hosts, services=Services.of("tcp", port, port)))]
    assert bool(proven(filters(egress=egress)).blocked) is (port != 9443)


def test_rules_about_other_hosts_stay_as_they_are():
    other = allow("other", Match(Who(sources=Hosts.from_cidr("10.60.0.0/16")), Hosts.from_cidr("10.40.8.0/24"), HTTPS))
    found = carried(ACCESS, filters(ingress=[other]))
    assert found[1].rules == ()  # its scope is the web server alone, which this rule does not lead to
    wide = replace(filters(ingress=[other])[1], scope=Match())
    assert carried(ACCESS, [wide, *filters()[2:3]])[0].rules == (other,)


def test_a_gate_with_nothing_left_before_a_gateway_is_still_there():
    """Its only filter is about hosts that the gateway leads to, which nobody connects to directly."""
    upstream = Match(hosts=Hosts.from_cidr("10.40.2.0/28"), services=Services.of("tcp", 8080, 8080))
    gateway = Filter(
        "zpa",
        "people",
        Combine.FIRST_MATCH,
        Action.DENY,
        (),
        "urn::zpa",
        relays=(Relay(UI, workload="airflow/nginx", onward=upstream),),
    )
    behind = Filter("aws", "of the web server", Combine.ANY_ALLOW, Action.DENY, (), "urn::ui", scope=Match(hosts=UI))
    assert [one.gate for one in carried(ACCESS, [gateway, behind])] == ["zpa", "aws"]


def test_that_nothing_else_leads_where_connectors_are_the_last_gate_is_taken_for_granted_and_told() -> None:
    told = "nothing but zpa leads to zone airflow, as no gate stands behind it"
    zone = ACCESS.zones["airflow"]
    last = ACCESS.model_copy(update={"zones": {**ACCESS.zones, "airflow": zone.model_copy(update={"gates": ("aws", "zpa")})}})
    environments = [Environment("finance", "urn", Hosts.from_cidrs(["10.40.8.0/24"]))]
    assert told in {one.message for one in prove(last, environments, filters(), at=AT).assumptions}
    assert told not in {one.message for one in prove(ACCESS, environments, filters(), at=AT).assumptions}
