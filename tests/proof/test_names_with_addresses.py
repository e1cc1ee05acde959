"""A name with several addresses: every connection goes to one of them, and all gates see the same one."""

from hypothesis import HealthCheck, Phase, given, settings
from oracle import AT, STACK
from oracle_cases import cases
from pulumi_airlock.access import Access
from pulumi_airlock.proof import Outcome, explain, prove
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Services

FINANCE = Environment("finance", "urn::f", Hosts.from_cidr("10.40.0.0/24"))
ADDRESSES = ("10.20.4.10/32", "10.20.7.99/32")


def access(*cidrs: str) -> Access:
    return Access.model_validate(
        {
            "principals": [{"name": "ledger", "dags": ["*"], "environment": "finance"}],
            "zones": {"center": {"cidrs": ["0.0.0.0/0"], "gates": ["group", "wall"]}},
            "destinations": [
                {"name": "db", "zone": "center", "hosts": ["db.corp.example"], "cidrs": list(cidrs), "ports": ["1521/tcp"]}
            ],
            "routes": [{"name": "books", "from": ["ledger"], "to": ["db"], "reason": "FIN-1"}],
        }
    )


def gate(name: str, *hosts: Hosts) -> Filter:
    rules = tuple(
        Rule(
            Action.ALLOW,
            Match(Who(sources=FINANCE.sources), one, Services.of("tcp", 1521, 1521)),
            Source(f"urn::{name}-{number}"),
        )
        for number, one in enumerate(hosts)
    )
    return Filter(name, "rules", Combine.ANY_ALLOW, Action.DENY, rules, f"urn::{name}")


def test_a_rule_for_each_address_lets_the_name_through() -> None:
    group = gate("group", *map(Hosts.from_cidr, ADDRESSES))
    wall = gate("wall", Hosts.from_names(["db.corp.example"]))
    assert prove(access(*ADDRESSES), [FINANCE], [group, wall], at=AT).ok


def test_an_address_that_one_gate_lacks_is_blocked_and_not_merely_unknown() -> None:
    group = gate("group", Hosts.from_cidr(ADDRESSES[0]))
    wall = gate("wall", Hosts.from_names(["db.corp.example"]))
    proof = prove(access(*ADDRESSES), [FINANCE], [group, wall], at=AT)
    assert [one.gate for one in proof.blocked] == ["group"]
    assert not proof.unproven
    assert explain(access(*ADDRESSES), [FINANCE], [group, wall], "ledger", "db.corp.example:1521", at=AT).outcome is Outcome.DENY


def test_two_gates_with_an_address_each_let_nothing_through() -> None:
    """No connection has both addresses: what each gate perhaps lets through, the two together surely do not."""
    first, second = (gate(name, Hosts.from_cidr(cidr)) for name, cidr in zip(("group", "wall"), ADDRESSES, strict=True))
    proof = prove(access(*ADDRESSES), [FINANCE], [first, second], at=AT)
    assert {one.gate for one in proof.blocked} == {"group", "wall"}
    assert not proof.unproven


def test_a_name_of_which_only_the_zone_is_known_stays_unknown() -> None:
    unknown = access()
    group = gate("group", Hosts.from_cidr(ADDRESSES[0]))
    wall = gate("wall", Hosts.from_names(["db.corp.example"]))
    proof = prove(unknown, [FINANCE], [group, wall], at=AT)
    assert [one.unknown for one in proof.unproven] == [("which addresses db.corp.example has",)]


def resolving(given: Access, *cidrs: str) -> Access:
    destinations = tuple(one.model_copy(update={"cidrs": cidrs}) if one.name == "db" else one for one in given.destinations)
    return given.model_copy(update={"destinations": destinations})


def lost(given: Access, filters: list[Filter], *cidrs: str) -> tuple[set[str], set[str]]:
    proof = prove(resolving(given, *cidrs), STACK, filters, at=AT)
    blocked = {name for one in proof.blocked if "db" in one.destinations for name in one.principals}
    doubted = {name for one in proof.unproven if one.declared and "db" in one.destinations for name in one.principals}
    return blocked, doubted


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(cases(http=True))
def test_two_addresses_lose_what_either_of_them_loses(case: tuple[Access, list[Filter]]) -> None:
    given_access, filters = case
    routes = tuple(one.model_copy(update={"to": ("db",)}) for one in given_access.routes)
    given_access = given_access.model_copy(update={"routes": routes})
    # Neither is an address of another destination, which would be declared, or lost, by itself.
    first, second = "10.20.0.100/32", "10.20.0.200/32"
    alone = [lost(given_access, filters, one) for one in (first, second)]
    both = lost(given_access, filters, first, second)
    assert both == (alone[0][0] | alone[1][0], alone[0][1] | alone[1][1])
