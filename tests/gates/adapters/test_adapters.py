"""Proxies that somebody else runs: what is compiled for each is read back, proven, and what none can say is refused."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from adapter_program import ACCESS, BOUNDARY, CLOUDS, DOCUMENT, HOOP, PLACES, PODS, PRODUCTS, TODAY, changed, compiled
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_airlock.access import Access
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.adapters import Boundary, Hoop, Join, Plan, Product, Teleport, compile_plan, read
from pulumi_airlock.gates.adapters.read import parsed
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_airlock.proof import prove
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match, Rule, Source, Who, Workloads
from pulumi_airlock.proof.relays import around, carried
from pulumi_airlock.proof.sets import Hosts, Services
from ruamel.yaml import YAML

AT = datetime(2026, 11, 24, 3, tzinfo=UTC)
TARGETS = {"warehouse.corp.example 5432/tcp", "10.20.4.20/32 1521/tcp", "10.20.4.21/32 1521/tcp"}


def proven(stack: Stack, access: Access = ACCESS, more: Sequence[Match] = ()) -> Any:
    """Tasks of both environments reach the proxy alone (and whatever else is open to them)."""
    to_proxy = Match(hosts=Hosts.from_cidr("10.50.0.0/26"), services=Services.of("tcp", 443, 443))
    rules = tuple(Rule(Action.ALLOW, one, Source("urn::open")) for one in (to_proxy, *more))
    network = Filter("network", "network", Combine.ANY_ALLOW, Action.DENY, rules, "urn::network", always=True)
    scope = Match(who=Who(environments=frozenset({"finance", "risk"})))
    filters = [replace(network, scope=scope), *read(stack)]
    entries = tuple(relay.entry for one in filters for relay in one.relays if relay.entry is not None)
    runs = {"finance": Workloads((("etl", "airflow/etl"),), "airflow/others"), "risk": Workloads((("risk", "risk/risk-tasks"),))}
    here = [
        Environment(name, f"urn::{name}", Hosts.from_cidr(cidr), entries, runs[name])
        for name, cidr in (("finance", "10.40.0.0/26"), ("risk", "10.40.1.0/26"))
    ]
    return prove(access, here, carried(access, filters), at=AT, around=tuple(around(access, filters)))


def edited(stack: Stack, change: Callable[[Any], Any]) -> Stack:
    """With every JSON or YAML document of the component changed; for YAML the list of its documents."""

    def one(each: Resource) -> Resource:
        if not each.get("documents"):
            return each
        texts = {}
        for name, text in each.get("documents").items():
            document = parsed(text)
            texts[name] = json.dumps(change(document) or document)
        return replace(each, properties={**each.properties, "documents": texts})

    return Stack([one(each) for each in stack.resources])


@pytest.mark.parametrize("name", PRODUCTS)
def test_what_is_compiled_is_proven(name: str) -> None:
    found = proven(compiled(PRODUCTS[name]))
    assert not [one.message for one in (*found.excess, *found.blocked, *found.unproven)]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("product", [BOUNDARY, PODS], ids=["boundary", "teleport"])
def test_it_is_read_from_where_it_is_kept(place: str, product: Product) -> None:
    stack = compiled(product, keep=PLACES[place])
    (found,) = read(stack)
    assert found.gate == "proxy"
    assert {f"{one.match.hosts} {one.match.services}" for one in found.rules} == TARGETS
    kept = {stack.find(one.source.urn).type for one in found.rules}  # type: ignore[union-attr]
    expected = {"nowhere": "OwnProxy", "config-map": "ConfigMap", "bucket": "BucketObjectv2"}
    assert all(one.endswith(expected[place]) for one in kept)


def test_documents_that_belong_to_no_component_are_read_by_the_product_s_name() -> None:
    (kept,) = (one for one in compiled(BOUNDARY, keep=PLACES["config-map"]).resources if one.type.endswith("ConfigMap"))
    (found,) = read(Stack([replace(kept, parent="")]))
    assert found.gate == "boundary"
    # Nobody says whose user it is.
    assert {one.unknown for one in found.rules} == {
        ("boundary.tf.json: who u_finance1234 is",),
        ("boundary.tf.json: who u_risk1234 is",),
    }


def test_an_identity_says_what_it_is_worth() -> None:
    worth = {name: {each.rpartition(", ")[2].split(":")[0] for each in _trusts(product)} for name, product in PRODUCTS.items()}
    assert worth == {
        "boundary": {"asserted"},
        "hoop": {"asserted"},
        "teleport-pods": {"attested"},
        "teleport-clouds": {"asserted"},
    }


def _trusts(product: Product) -> tuple[str, ...]:
    (found,) = read(compiled(product))
    return found.trusts


def test_a_grant_that_somebody_adds_is_excess() -> None:
    def wider_boundary(document: Any) -> None:
        document["resource"]["boundary_role"]["etl-warehouse"]["principal_ids"].append("u_risk1234")

    def wider_hoop(document: Any) -> None:
        if isinstance(document, dict):
            for one in document["resource"]["hoop_plugin_connection"].values():
                one["config"] = ["airflow-finance", "airflow-risk"]

    for product, change in ((BOUNDARY, wider_boundary), (HOOP, wider_hoop)):
        found = proven(edited(compiled(product), change))
        assert {name for one in found.excess for name in one.destinations} == {"warehouse"}
        assert all("risk" in one.message for one in found.excess)


def test_what_terraform_computes_is_unproven() -> None:
    def computed(document: Any) -> None:
        resource = document["resource"]
        role = {**resource["boundary_role"]["etl-warehouse"], "principal_ids": "${var.users}"}
        targets = {"boundary_target": resource["boundary_target"]}
        document["resource"] = [{"boundary_role": {"etl-warehouse": [role]}}, targets]

    (found,) = read(edited(compiled(BOUNDARY), computed))
    assert {one.unknown for one in found.rules} == {("boundary.tf.json: who ${var.users} is",)}


def test_a_role_of_teleport_that_selects_every_application_is_excess_and_more_is_unproven() -> None:
    def wider(document: Any) -> None:
        for one in document or ():
            if (one.get("kind"), one["metadata"]["name"]) == ("role", "both"):
                one["spec"]["allow"]["app_labels"] = {"*": "*"}

    found = proven(edited(compiled(PODS), wider))
    assert {name for one in found.excess for name in one.destinations} == {"warehouse"}
    assert any("resources that are not in the stack" in one.message for one in found.unproven)


@pytest.mark.parametrize("name", PRODUCTS)
def test_documents_that_lead_nowhere_refuse_and_a_way_around_is_still_found(name: str) -> None:
    stack = edited(compiled(PRODUCTS[name]), lambda document: {"nothing": True})
    found = proven(stack)
    assert {route for one in found.blocked for route in one.routes} == {one["name"] for one in DOCUMENT["routes"]}
    assert not found.excess
    direct = Match(hosts=Hosts.from_cidr("10.20.4.0/24"), services=Services.of("tcp"))
    said = [one.message for one in proven(stack, more=[direct]).excess]
    assert said
    assert all(one.startswith("around proxy: ") for one in said)


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_route_that_the_documents_lack_is_blocked(name: str) -> None:
    stack = compiled(PRODUCTS[name], changed(routes=DOCUMENT["routes"][:1]))
    assert {one.routes for one in proven(stack).blocked} == {("both",)}


@pytest.mark.parametrize("name", PRODUCTS)
def test_documents_that_nobody_knows_yet_are_unproven(name: str) -> None:
    (one,) = (each for each in compiled(PRODUCTS[name]).resources if each.get("product"))
    found = proven(Stack([replace(one, properties={**one.properties, "documents": UNKNOWN})]))
    assert not found.ok
    assert found.unproven


def test_sessions_are_as_long_as_the_route_says() -> None:
    access = changed(routes=[{**DOCUMENT["routes"][0], "session": "90m"}, DOCUMENT["routes"][1]])
    resources = json.loads(_documents(BOUNDARY, access)["boundary.tf.json"])["resource"]
    lengths = {one["description"].partition(":")[0]: one["session_max_seconds"] for one in resources["boundary_target"].values()}
    assert lengths == {"warehouse, route etl-warehouse": 5400, "ledger-db, route both": 28800}
    options = {
        one["metadata"]["name"]: one["spec"]["options"]
        for one in parsed(_documents(PODS, access)["teleport.yaml"])
        if one["kind"] == "role"
    }
    assert options["etl-warehouse"] == {"max_session_ttl": "1h30m0s", "disconnect_expired_cert": True}


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_route_that_is_over_is_in_no_document(name: str) -> None:
    product = PRODUCTS[name]
    after = compile_plan(ACCESS, "proxy", product, date(2030, 7, 1), timedelta(hours=8))
    texts = [" ".join(product.documents(plan).values()) for plan in (_plan(product), after)]
    assert ["warehouse" in one for one in texts] == [True, False]


def test_a_bot_s_own_file_leads_to_its_own_targets_by_ports_that_stay() -> None:
    ports = {}
    for access in (ACCESS, changed(routes=DOCUMENT["routes"][:1])):
        file = YAML(typ="safe", pure=True).load(_documents(PODS, access)["tbot-airflow-etl.yaml"])
        assert file["onboarding"] == {"join_method": "kubernetes", "token": "airflow-etl"}
        ports[len(file["services"])] = {one["app_name"]: one["listen"] for one in file["services"]}
    assert {len(one) for one in ports.values()} == {1, 3}
    assert ports[1].items() <= ports[3].items()
    assert "tbot-risk-risk-tasks.yaml" in _documents(PODS)


def _documents(product: Product, access: Access = ACCESS) -> Mapping[str, str]:
    return product.documents(_plan(product, access))


def _plan(product: Product, access: Access = ACCESS) -> Plan:
    return compile_plan(access, "proxy", product, TODAY, timedelta(hours=8))


# What is refused

WINDOW = {"days": ["mon"], "from": "02:00", "to": "04:00", "timezone": "UTC"}


@pytest.mark.parametrize(
    ("product", "sections", "said"),
    [
        (BOUNDARY, {"routes": [{**DOCUMENT["routes"][0], "window": WINDOW}]}, "window: boundary knows no time of day"),
        (
            HOOP,
            {"routes": [{**DOCUMENT["routes"][0], "session": "1h"}]},
            "session: 1h: hoop ends only sessions that people approve",
        ),
        (PODS, {"routes": [{**DOCUMENT["routes"][0], "session": "24h"}]}, "session: 1d: a bot's credentials last 12h at most"),
        (
            CLOUDS,
            {"principals": [{**DOCUMENT["principals"][0], "tasks": ["load_*"]}, DOCUMENT["principals"][1]]},
            '"etl" is some tasks of finance, and teleport knows them all by one account (arn:aws:sts::111122223333',
        ),
        (
            BOUNDARY,
            {"principals": [{"name": "etl", "group": "finance"}, DOCUMENT["principals"][1]]},
            'from: "etl" is people: the adapter is for tasks; grant them access in boundary itself',
        ),
        (
            BOUNDARY,
            {
                "environments": [*DOCUMENT["environments"], {"name": "sales"}],
                "principals": [{**DOCUMENT["principals"][0], "environment": "sales"}, DOCUMENT["principals"][1]],
            },
            '"etl" runs in sales, of which boundary knows no account: give one',
        ),
    ],
    ids=["window", "hoop-session", "long-session", "some-tasks", "people", "no-account"],
)
def test_what_a_product_cannot_say_is_refused_with_the_reason(product: Product, sections: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        compile_plan(changed(**sections), "proxy", product, TODAY, timedelta(hours=8))
    assert said in str(error.value)
    assert str(error.value).startswith("route etl-warehouse: ")


def test_service_accounts_of_pods_tell_some_tasks_from_others() -> None:
    access = changed(principals=[{**DOCUMENT["principals"][0], "tasks": ["load_*"]}, DOCUMENT["principals"][1]])
    assert proven(compiled(PODS, access), access).ok


def test_everything_wrong_is_told_at_once() -> None:
    wrong = Teleport(proxy="proxy", joins=[Join("finance", "iam", role="finance"), Join("finance", "kubernetes")])
    with pytest.raises(InputError) as error:
        compiled(wrong, port=0, sources=[], cidrs=["10.50.0.300/26"])
    paths = {one.path for one in error.value.problems}
    assert paths == {
        "port", "sources", "cidrs", "product.proxy", "product.joins[0].role", "product.joins[1].namespace",
        "product.joins[1].environment", "from",
    }  # fmt: skip
    with pytest.raises(InputError, match="members of admin and auditor see every connection"):
        compiled(Hoop(agent="x", subjects={"finance": "a", "risk": "b"}, group="admin"))
    with pytest.raises(InputError, match='"u_auth" is no single user'):
        compiled(Boundary(project="p_1", users={"finance": "u_auth", "risk": "u_1"}))


# Over many access files

NAMES = st.sampled_from(["warehouse.corp.example", "ledger.corp.example", "10.20.4.9", "2001:db8::9"])


@st.composite
def accesses(draw: st.DrawFn) -> Access:
    places = draw(st.lists(st.tuples(NAMES, st.integers(1, 65535)), min_size=1, max_size=4, unique=True))
    destinations = [
        {
            "name": f"d{number}",
            "zone": "datacenter",
            "ports": [f"{port}/tcp"],
            **({"hosts": [host]} if host[0] in "wl" else {"cidrs": [f"{host}/{128 if ':' in host else 32}"]}),
        }
        for number, (host, port) in enumerate(places)
    ]
    route = st.tuples(
        st.lists(st.sampled_from(["etl", "risk"]), min_size=1, unique=True),
        st.lists(st.sampled_from([one["name"] for one in destinations]), min_size=1, unique=True),
    )
    routes = [
        {"name": f"route-{number}", "from": people, "to": to, "reason": "T"}
        for number, (people, to) in enumerate(draw(st.lists(route, min_size=1, max_size=4)))
    ]
    zones = {"datacenter": {"cidrs": ["10.20.0.0/16", "2001:db8::/32"], "gates": ["proxy"]}}
    return changed(zones=zones, destinations=destinations, routes=routes)


@settings(deadline=None, max_examples=60)
@given(access=accesses(), name=st.sampled_from(sorted(PRODUCTS)))
def test_whatever_is_declared_is_what_the_documents_say(access: Access, name: str) -> None:
    product = PRODUCTS[name]
    documents = {file: parsed(text) for file, text in _documents(product, access).items()}
    ways = list(import_module(f"pulumi_airlock.gates.adapters.{product.kind}").read(documents))
    here = {product.account(where, access.principal(one)).name: where for one, where in (("etl", "finance"), ("risk", "risk"))}
    said = {(here[one.account], f"{one.hosts} {one.services}") for one in ways}
    wanted = set()
    for route in access.routes:
        for destination in map(access.destination, route.to):
            hosts = Hosts.from_names(destination.hosts) | Hosts.from_cidrs(destination.cidrs)
            where = f"{hosts} {destination.ports[0]}"
            wanted |= {({"etl": "finance", "risk": "risk"}[principal], where) for principal in route.from_}
    assert said == wanted
    assert not any(one.unknown for one in ways)


FIELDS = ("spec", "allow", "roles", "app_labels", "*", "metadata", "labels", "kind", "resource", "boundary_role", "config")
LEAVES = ["*", "u_auth", "ids=*;actions=*", "tcp://[::1", "x", ""]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 70_000) | st.sampled_from(LEAVES),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=60)
@given(name=st.sampled_from(sorted(PRODUCTS)), strange=VALUES, where=st.integers(0, 200))
def test_strange_documents_are_read_without_an_error(name: str, strange: Any, where: int) -> None:
    """Somebody's own documents: any field of what is compiled may be anything."""
    product = PRODUCTS[name]
    documents = {file: _with(parsed(text), strange, [where]) for file, text in _documents(product).items()}
    for one in import_module(f"pulumi_airlock.gates.adapters.{product.kind}").read(documents):
        assert isinstance(one.unknown, str)


def _with(value: Any, strange: Any, left: list[int]) -> Any:
    """A document with another value at one of its places."""
    left[0] -= 1
    if left[0] == 0:
        return strange
    if isinstance(value, dict):
        return {key: _with(one, strange, left) for key, one in value.items()}
    return [_with(one, strange, left) for one in value] if isinstance(value, list) else value
