"""The reader against the oracle of Envoy: what is compiled, what hypothesis writes, and what people get wrong."""

import copy
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_airlock.access import Access
from pulumi_airlock.gates.kubernetes.objects import stack_from_manifests
from pulumi_airlock.gates.tcp_proxy import Settings, TaskIssuer, compile_proxy, envoy_configuration, read
from pulumi_airlock.gates.tcp_proxy.cel import closed, holds, times_of
from pulumi_airlock.proof.filters import Filter
from pulumi_airlock.proof.times import Once, Weekly
from tcp_proxy_oracle import Asked, lets_through, value_of
from tcp_proxy_points import decision

KEYS = json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "x": "", "y": ""}]})
MOMENTS = [
    datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
    datetime(2026, 11, 27, 23, 30, tzinfo=UTC),
    datetime(2031, 1, 5, 2, 0, tzinfo=UTC),
]
DAGS, TASKS = ("finance_daily", "finance_x", "ledger", "other", "a[b"), ("load", "check", "drop")


def issuer(name: str, environment: str, kind: str = "oidc", **more: Any) -> TaskIssuer:
    return TaskIssuer(name, kind, environment, f"https://{name}.test", "airlock-proxy", jwks=KEYS, **more)


FINANCE, MARKETS = issuer("finance", "finance"), issuer("markets", "markets")
PODS = issuer("pods", "finance", "projected", namespace="airflow", assurance="attested")


def config_map(files: Mapping[str, str]) -> Filter:
    """The filter of a pod that mounts these files."""
    volume = {"name": "config", "configMap": {"name": "envoy"}}
    pod = {"serviceAccountName": "proxy", "containers": [{"name": "envoy", "image": "envoy:1"}], "volumes": [volume]}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "proxy", "namespace": "airlock"}}
    manifests = [
        {**deployment, "spec": {"selector": {}, "template": {"metadata": {"labels": {"app": "proxy"}}, "spec": pod}}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "envoy", "namespace": "airlock"}, "data": dict(files)},
    ]
    (found,) = read(stack_from_manifests(manifests))
    return found


def access(routes: list[dict[str, Any]]) -> Access:
    return Access.model_validate(
        {
            "environments": [{"name": "finance"}, {"name": "markets"}],
            "principals": [
                {"name": "etl", "environment": "finance", "dags": ["finance_*"], "tasks": ["load", "c*"]},
                {"name": "ledger", "dags": ["ledger", "led[g]er2"]},
                {"name": "everything", "environment": "markets", "dags": ["*"]},
                {"name": "odd", "dags": ["*_?", "[fl]*r*"], "tasks": ["[!d]*"]},
            ],
            "zones": {"datacenter": {"gates": ["tcp_proxy"]}},
            "destinations": [
                {"name": "warehouse", "zone": "datacenter", "hosts": ["warehouse.test"], "ports": ["5432/tcp"]},
                {"name": "ledger-db", "zone": "datacenter", "cidrs": ["10.20.4.10/31"], "ports": ["1521-1522/tcp"]},
            ],
            "routes": routes,
        }
    )


WINDOWS = st.sampled_from(
    [
        None,
        {"days": ["mon"], "from": "08:00", "to": "18:00", "timezone": "Europe/Zurich"},
        {"days": ["fri", "sun"], "from": "22:00", "to": "04:00", "timezone": "America/New_York"},
        {"from": "23:00", "to": "01:00", "timezone": "UTC"},
    ]
)
ROUTES = st.lists(
    st.fixed_dictionaries(
        {
            "from": st.lists(st.sampled_from(["etl", "ledger", "everything", "odd"]), min_size=1, max_size=3, unique=True),
            "to": st.lists(st.sampled_from(["warehouse", "ledger-db"]), min_size=1, unique=True),
            "window": WINDOWS,
            "expires": st.sampled_from([None, "2028-06-30"]),
            "session": st.sampled_from([None, "10m", "1h"]),
        }
    ),
    max_size=4,
)


@settings(max_examples=20, deadline=None)
@given(ROUTES)
def test_what_is_compiled_lets_through_what_is_declared(routes: list[dict[str, Any]]) -> None:
    named = [
        {key: value for key, value in {**one, "name": f"r{number}", "reason": "T"}.items() if value is not None}
        for number, one in enumerate(routes)
    ]
    declared = access(named)
    plan = compile_proxy(declared, "tcp_proxy", [FINANCE, MARKETS], date(2026, 11, 1))
    found = config_map(envoy_configuration(plan, Settings()).files)
    for environment, dag, task, when in product(("finance", "markets"), DAGS, TASKS, MOMENTS):
        for host, port, destination in (("warehouse.test", 5432, "warehouse"), ("10.20.4.11", 1522, "ledger-db")):
            wanted = any(
                destination in route.to
                and any(declared.principal(name).covers(dag, task, environment) for name in route.from_)
                and _holds(route, when)
                for route in declared.routes
            )
            assert decision(found, environment, "", (dag, task), host, port, when) is wanted, (environment, dag, task, when)
    assert not any(decision(found, None, "", ("", ""), "warehouse.test", 5432, when) for when in MOMENTS)
    assert not any(decision(found, "finance", "", (dag, "load"), "warehouse.test", 22, MOMENTS[0]) for dag in DAGS)


def _holds(route: Any, when: datetime) -> bool:
    if route.expires and when.date() > route.expires:
        return False
    if route.window is None:
        return True
    here = when.astimezone(ZoneInfo(route.window.timezone))
    minute = here.weekday() * 1440 + here.hour * 60 + here.minute
    return any(first <= minute < last for first, last in route.window.spans())


# What hypothesis writes

MATCHERS = st.sampled_from(
    [
        {"exact": "finance_daily"},
        {"prefix": "finance_"},
        {"suffix": "y"},
        {"contains": "ance"},
        {"safe_regex": {"regex": "fin.*|led.+"}},
        {"safe_regex": {"regex": "(ledger|other)"}},
        {"exact": "load"},
        {"safe_regex": {"regex": "[cd].*"}},
        {"exact": "a[b"},
    ]
)


@st.composite
def claim(draw: st.DrawFn) -> dict[str, Any]:
    provider = draw(st.sampled_from(["finance", "markets"]))
    name = draw(st.sampled_from(["dag_id", "task_id", "environment"]))
    if name == "environment":
        matchers = [{"exact": draw(st.sampled_from(["finance", "markets"]))}]
    else:
        matchers = draw(st.lists(MATCHERS, min_size=1, max_size=2))
    values = [{"string_match": one} for one in matchers]
    value = values[0] if len(values) == 1 else {"or_match": {"value_matchers": values}}
    path = [{"key": key} for key in (provider, "airlock", name)]
    matcher: dict[str, Any] = {"filter": "envoy.filters.http.jwt_authn", "path": path, "value": value}
    if draw(st.booleans()):
        matcher["invert"] = True
    return {"sourced_metadata": {"metadata_matcher": matcher}}


def grown(leaves: st.SearchStrategy[Any], both: str, either: str, negation: str, inner: str) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda parts: st.one_of(
            st.lists(parts, min_size=1, max_size=3).map(lambda found: {both: {inner: found}}),
            st.lists(parts, min_size=1, max_size=3).map(lambda found: {either: {inner: found}}),
            parts.map(lambda found: {negation: found}),
        ),
        max_leaves=6,
    )


PRINCIPALS = grown(st.one_of(claim(), st.just({"any": True})), "and_ids", "or_ids", "not_id", "ids")
HEADER = {"header": {"name": ":authority", "string_match": {"exact": "warehouse.test:5432"}}}
PERMISSIONS = grown(st.one_of(claim(), st.just({"any": True}), st.just(HEADER)), "and_rules", "or_rules", "not_rule", "rules")
ZURICH = Weekly(((480, 1080), (5 * 1440, 5 * 1440 + 60)), "Europe/Zurich")
CONDITIONS = st.sampled_from(
    [
        None,
        holds((frozenset({ZURICH}),)),
        closed([(frozenset({ZURICH}),)]),
        holds((frozenset({ZURICH}), frozenset({Once(None, datetime(2030, 1, 1, tzinfo=UTC))}))),
        closed([(frozenset({ZURICH}), frozenset({Once(None, datetime(2030, 1, 1, tzinfo=UTC))})), (frozenset({ZURICH}),)]),
    ]
)


@st.composite
def policy(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {
        "principals": draw(st.lists(PRINCIPALS, min_size=1, max_size=2)),
        "permissions": draw(st.lists(PERMISSIONS, min_size=1, max_size=2)),
    }
    condition = draw(CONDITIONS)
    return found | ({} if condition is None else {"condition": condition})


RULES = st.fixed_dictionaries(
    {"action": st.sampled_from(["ALLOW", "DENY"]), "policies": st.dictionaries(st.sampled_from("abc"), policy(), max_size=2)}
)
REQUIRES = st.sampled_from(
    [
        None,
        {"provider_name": "finance"},
        {"requires_any": {"requirements": [{"provider_name": "finance"}, {"provider_name": "markets"}]}},
    ]
)


def handwritten(requires: Any, every: Any, own: Any) -> tuple[dict[str, str], list[Any], dict[str, Any]]:
    """A configuration: files, filters, and what the virtual host overrides."""
    plan = compile_proxy(access([]), "tcp_proxy", [FINANCE, MARKETS], date(2026, 11, 1))
    files = dict(envoy_configuration(plan, Settings()).files)
    boot, targets = json.loads(files["envoy.json"]), json.loads(files["targets.json"])
    filters = manager(boot)["http_filters"]
    rules = [] if requires is None else [{"match": {"connect_matcher": {}}, "requires": requires}]
    filters[0]["typed_config"]["rules"] = rules
    kind = filters[1]["typed_config"]["@type"]
    filters[1:3] = [{"name": "rbac", "typed_config": {"@type": kind, **({} if every is None else {"rules": every})}}]
    host = targets["resources"][0]["virtual_hosts"][0]
    overrides = {} if own is None else {"rbac": {"@type": f"{kind}PerRoute", "rbac": {"rules": own}}}
    host["typed_per_filter_config"] = overrides
    targets["resources"][0]["virtual_hosts"] = [host]
    return {**files, "envoy.json": json.dumps(boot), "targets.json": json.dumps(targets)}, filters, overrides


def manager(boot: Any) -> Any:
    return boot["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]


@settings(max_examples=60, deadline=None)
@given(REQUIRES, st.one_of(st.none(), RULES), st.one_of(st.none(), RULES))
def test_whatever_is_written_is_read_as_envoy_decides(requires: Any, every: Any, own: Any) -> None:
    files, filters, overrides = handwritten(requires, every, own)
    found = config_map(files)
    for environment, dag, task, when in product(("finance", "markets"), DAGS, ("load", "drop"), MOMENTS[:2]):
        claims = {"airlock": {"environment": environment, "dag_id": dag, "task_id": task}}
        # A task may come with a token of any issuer, where nothing says which environment an issuer vouches for; or without.
        ways = [Asked(one, claims, when) for one in ("finance", "markets", None)]
        wanted = any(lets_through(filters, overrides, one, "warehouse.test:5432") for one in ways)
        assert decision(found, environment, "", (dag, task), "warehouse.test", 5432, when) is wanted


def test_windows_come_back_as_they_were() -> None:
    weekly = Weekly(((0, 60), (1380, 1500), (10020, 10080)), "Europe/Zurich")
    once = Once(None, datetime(2030, 7, 1, tzinfo=UTC))
    assert times_of(holds((frozenset({weekly}),))) == (frozenset({weekly}),)
    assert times_of(holds((frozenset({weekly}), frozenset({once})))) == (frozenset({weekly}), frozenset({once}))
    back = times_of(closed([(frozenset({weekly}),)]))
    assert back == (frozenset({Weekly(((60, 1380), (1500, 10020)), "Europe/Zurich")}),)


CUTS = st.lists(st.integers(0, 10080), min_size=2, max_size=6, unique=True).map(sorted)
ZONES = st.sampled_from(["UTC", "Europe/Zurich", "America/New_York", "Asia/Kolkata"])
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


@settings(max_examples=200, deadline=None)
@given(CUTS, ZONES, INSTANTS)
def test_a_window_holds_when_the_clock_says_so(cuts: list[int], zone: str, when: datetime) -> None:
    weekly = Weekly(tuple(zip(cuts[::2], cuts[1::2], strict=False)), zone)
    here = when.astimezone(ZoneInfo(zone))
    minute = here.weekday() * 1440 + here.hour * 60 + here.minute
    inside = any(first <= minute < last for first, last in weekly.spans)
    times = (frozenset({weekly}),)
    assert value_of(holds(times), when) is inside
    assert value_of(closed([times]), when) is not inside
    assert times_of(holds(times)) == times


# What people get wrong


def changed(edit: Any, routes: list[dict[str, Any]] | None = None, issuers: tuple[TaskIssuer, ...] = (FINANCE,)) -> Filter:
    """The filter of a compiled configuration that somebody edited."""
    given_routes = routes or [{"name": "r", "from": ["ledger"], "to": ["warehouse"], "reason": "T"}]
    plan = compile_proxy(access(given_routes), "tcp_proxy", issuers, date(2026, 11, 1))
    files = dict(envoy_configuration(plan, Settings()).files)
    documents = {name: json.loads(text) for name, text in files.items()}
    edit(documents)
    return config_map({name: json.dumps(one) for name, one in documents.items()})


def lets(found: Filter, dag: str = "other", host: str = "warehouse.test", port: int = 5432, workload: str = "") -> bool | None:
    return decision(found, "finance", workload, (dag, "load"), host, port, MOMENTS[0])


def hosts(documents: Any) -> Any:
    return documents["targets.json"]["resources"][0]["virtual_hosts"]


def test_as_it_is_compiled() -> None:
    found = changed(lambda _: None)
    assert (lets(found, "ledger"), lets(found)) == (True, False)
    rule = next(one for one in found.rules if one.action.value == "allow")
    assert rule.source.label == 'policy "allow-warehouse-5432/r"'
    assert found.relays[0].workload == "airlock/proxy"


def test_shadow_rules_enforce_nothing() -> None:
    def shadow(documents: Any) -> None:
        own = hosts(documents)[0]["typed_per_filter_config"]
        for one in own.values():
            one["rbac"]["shadow_rules"] = one["rbac"].pop("rules")

    found = changed(shadow)
    assert lets(found) is True


def test_a_token_that_connect_is_not_asked_for() -> None:
    def forgotten(documents: Any) -> None:
        filters = manager(documents["envoy.json"])["http_filters"]
        del filters[0]["typed_config"]["rules"][0]
        for one in hosts(documents)[0]["typed_per_filter_config"].values():
            del one["rbac"]

    found = changed(forgotten)
    assert decision(found, None, "", ("", ""), "warehouse.test", 5432, MOMENTS[0]) is True


def test_a_wildcard_that_resolves_what_is_asked_for() -> None:
    def wide(documents: Any) -> None:
        cluster = {"name": "any", "cluster_type": {"name": "envoy.clusters.dynamic_forward_proxy"}}
        documents["clusters.json"]["resources"].append(cluster)
        last = hosts(documents)[-1]
        last["routes"] = [{"match": {"connect_matcher": {}}, "route": {"cluster": "any"}}]

    found = changed(wide)
    assert lets(found, "other", "10.99.0.1", 22) is True
    assert lets(found, "other", "payroll.test", 443) is True
    # Also what has a virtual host of its own: whoever writes another case of its name gets there.
    assert lets(found, "ledger") is True


def test_a_virtual_host_without_rules_is_closed_by_default() -> None:
    def bare(documents: Any) -> None:
        hosts(documents)[0].pop("typed_per_filter_config")

    assert lets(changed(bare), "ledger") is False


def test_a_listener_of_tcp_lets_everybody_through() -> None:
    def backdoor(documents: Any) -> None:
        kind = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
        filters = [{"name": "tcp", "typed_config": {"@type": kind, "stat_prefix": "x", "cluster": "warehouse.test:5432"}}]
        listener = {"name": "side", "address": {"socket_address": {"address": "127.0.0.1", "port_value": 5432}}}
        documents["envoy.json"]["static_resources"]["listeners"].append({**listener, "filter_chains": [{"filters": filters}]})

    found = changed(backdoor)
    assert decision(found, None, "", ("", ""), "warehouse.test", 5432, MOMENTS[0]) is True


@pytest.mark.parametrize(
    "principal",
    [
        {"authenticated": {"principal_name": {"prefix": "spiffe://"}}},
        {"filter_state": {"key": "x"}},
        {"header": {"name": "x-dag", "string_match": {"exact": "ledger"}}},
    ],
)
def test_what_nobody_can_tell_is_unknown(principal: Any) -> None:
    def other(documents: Any) -> None:
        own = hosts(documents)[0]["typed_per_filter_config"]
        del own["airlock.deny"]
        own["airlock.allow"]["rbac"]["rules"]["policies"] = {"x": {"permissions": [{"any": True}], "principals": [principal]}}

    found = changed(other)
    assert lets(found) is None
    assert all(one.unknown for one in found.rules if one.action.value == "allow")


def test_service_accounts_are_workloads() -> None:
    found = changed(lambda _: None, issuers=(PODS,))
    assert lets(found, workload="airflow/ledger") is True
    assert lets(found, "ledger", workload="airflow/other") is False


def test_a_file_that_is_missing_may_let_anything_through() -> None:
    found = changed(lambda documents: documents.pop("clusters.json"))
    assert lets(found, "other", "10.99.0.1", 22) is None


def test_reading_does_not_touch_what_it_reads() -> None:
    seen: list[Any] = []
    changed(lambda documents: seen.append(copy.deepcopy(documents)))
    assert seen
