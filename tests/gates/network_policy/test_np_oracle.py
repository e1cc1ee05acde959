"""The reader of NetworkPolicies against an oracle that decides pod by pod: connections, and the filters of the proof."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from np_filters import passes
from np_oracle import Oracle
from pulumi_airlock.gates.kubernetes import read_cluster, stack_from_manifests
from pulumi_airlock.gates.network_policy import Connectivity, read
from pulumi_airlock.proof.filters import Action, Filter
from pulumi_airlock.proof.sets import Hosts, Services

KEYS = ["app", "tier"]
VALUES = ["a", "b"]
NAMESPACES = ["x", "y"]
OUTSIDE = ["10.1.2.3", "10.1.9.9", "192.0.2.1", "2001:db8::1"]
SERVICES = [("TCP", 80), ("TCP", 81), ("TCP", 5432), ("UDP", 53), ("SCTP", 80)]

_labels = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=2)
_expression = st.one_of(
    st.builds(
        lambda key, operator, values: {"key": key, "operator": operator, "values": values},
        st.sampled_from(KEYS),
        st.sampled_from(["In", "NotIn"]),
        st.lists(st.sampled_from(VALUES), min_size=1, max_size=2, unique=True),
    ),
    st.builds(
        lambda key, operator: {"key": key, "operator": operator},
        st.sampled_from(KEYS),
        st.sampled_from(["Exists", "DoesNotExist"]),
    ),
)
_selector = st.one_of(
    st.just({}),
    st.builds(lambda labels: {"matchLabels": labels}, _labels),
    st.builds(lambda found: {"matchExpressions": found}, st.lists(_expression, min_size=1, max_size=2)),
)
_spaces = st.sampled_from(
    [
        {},
        {"matchLabels": {"team": "one"}},
        {"matchLabels": {"kubernetes.io/metadata.name": "y"}},
        {"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["one"]}]},
        {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]},
    ]
)
_block = st.sampled_from(
    [
        {"cidr": "10.1.0.0/16"},
        {"cidr": "10.1.0.0/16", "except": ["10.1.9.0/24"]},
        {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]},
        {"cidr": "::/0"},
    ]
)
_peer = st.one_of(
    st.builds(lambda pods: {"podSelector": pods}, _selector),
    st.builds(lambda spaces: {"namespaceSelector": spaces}, _spaces),
    st.builds(lambda spaces, pods: {"namespaceSelector": spaces, "podSelector": pods}, _spaces, _selector),
    st.builds(lambda block: {"ipBlock": block}, _block),
)
_port = st.sampled_from(
    [
        {"port": 80},
        {"port": 80, "endPort": 90},
        {"protocol": "UDP"},
        {"protocol": "SCTP", "port": 80},
        {"port": "web"},
        {"port": "sql", "protocol": "TCP"},
        {"port": "dns", "protocol": "UDP"},
        {"port": "dns", "protocol": "TCP"},
    ]
)


def _rule(key: str) -> Any:
    return st.fixed_dictionaries({}, optional={key: st.lists(_peer, max_size=2), "ports": st.lists(_port, max_size=2)})


_spec = st.fixed_dictionaries(
    {"podSelector": _selector},
    optional={
        "policyTypes": st.sampled_from([["Ingress"], ["Egress"], ["Ingress", "Egress"]]),
        "ingress": st.lists(_rule("from"), max_size=2),
        "egress": st.lists(_rule("to"), max_size=2),
    },
)
_PORTS = [
    {"name": "web", "containerPort": 80},
    {"name": "sql", "containerPort": 5432},
    {"name": "dns", "containerPort": 53, "protocol": "UDP"},
]

_ports = st.lists(st.sampled_from(_PORTS), max_size=2, unique_by=lambda one: one["name"])


def _pod(draw: Any, number: int) -> dict[str, Any]:
    ports = draw(st.lists(st.sampled_from(_PORTS), max_size=2, unique_by=lambda one: one["name"]))
    spec: dict[str, Any] = {"containers": [{"name": "c", "ports": ports}]}
    if draw(st.booleans()):
        spec["serviceAccountName"] = f"sa{number}"
    if draw(st.integers(0, 9)) == 0:
        spec["hostNetwork"] = True
    metadata = {"name": f"p{number}", "namespace": draw(st.sampled_from(NAMESPACES)), "labels": draw(_labels)}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    if draw(st.booleans()):
        pod["status"] = {"podIP": f"10.1.{draw(st.sampled_from([1, 9]))}.{number + 10}"}
    return pod


@st.composite
def clusters(draw: Any) -> tuple[Oracle, list[dict[str, Any]]]:
    namespaces = {"x": {"team": "one"}, "y": draw(st.sampled_from([{}, {"team": "one"}]))}
    pods = [_pod(draw, number) for number in range(draw(st.integers(2, 4)))]
    policies = [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"np{number}", "namespace": draw(st.sampled_from(NAMESPACES))},
            "spec": draw(_spec),
        }
        for number in range(draw(st.integers(1, 3)))
    ]
    spaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        for name, labels in namespaces.items()
    ]
    return Oracle(namespaces, pods, policies), [*spaces, *pods, *policies]


@given(clusters(), st.booleans())
@settings(max_examples=400, deadline=None)
def test_connections_are_the_oracles(case: tuple[Oracle, list[dict[str, Any]]], blocks_mean_pods: bool) -> None:
    oracle, documents = case
    oracle.blocks_mean_pods = blocks_mean_pods
    found = Connectivity(documents, blocks_mean_pods=blocks_mean_pods)
    listed = {(one.source, one.destination): one.services for one in found.connections()}
    ends: list[Any] = [*oracle.pods, *OUTSIDE]
    for source in ends:
        for destination in ends:
            if isinstance(source, str) and isinstance(destination, str):
                continue
            whole = None
            for protocol, port in SERVICES:
                expected = oracle.allows(source, destination, protocol, port)
                verdict = found.allowed(_name(source), _name(destination), protocol.lower(), port)
                assert verdict.allowed == expected, (_name(source), _name(destination), protocol, port)
                if source is not destination:
                    whole = found.services(_name(source), _name(destination)) if whole is None else whole
                    assert bool(whole & Services.of(protocol.lower(), port, port)) == expected
            if source is not destination:
                assert whole == _listed(listed, found, source, destination)


def _listed(listed: dict[tuple[str, str], Services], found: Connectivity, source: Any, destination: Any) -> Services:
    """What `connections` has for a pair, an address by its block."""
    names = [
        next(name for name, block in found.blocks.items() if block.covers_addresses(Hosts.from_cidr(one)))
        if isinstance(one, str)
        else f"{_name(one)}[Pod]"
        for one in (source, destination)
    ]
    return listed.get((names[0], names[1]), Services())


def _name(end: Any) -> str:
    return end if isinstance(end, str) else f"{end['metadata']['namespace']}/{end['metadata']['name']}"


@given(clusters())
@settings(max_examples=400, deadline=None)
def test_filters_decide_as_the_oracle_does(case: tuple[Oracle, list[dict[str, Any]]]) -> None:
    oracle, documents = case
    stack = stack_from_manifests(documents)
    filters = list(read(stack))
    by_pod = {one.owner.removeprefix("Pod "): one for one in read_cluster(stack).workloads if one.owner}
    for source in [*oracle.pods, *OUTSIDE]:
        for destination in oracle.pods:
            if source is destination:
                continue
            to = by_pod[destination["metadata"]["name"]]
            who = "" if isinstance(source, str) else by_pod[source["metadata"]["name"]].name
            address = Hosts.from_cidr(source) if isinstance(source, str) else Hosts()
            for protocol, port in SERVICES:
                decided = all(
                    _passes(one, who, address, to.names[0], Services.of(protocol.lower(), port, port)) for one in filters
                )
                assert decided == oracle.allows(source, destination, protocol, port), (who or source, to.name, protocol, port)


def _passes(one: Filter, who: str, address: Hosts, name: str, service: Services) -> bool:
    def holds(match: Any) -> bool:
        return (
            (match.who.workloads is None or who in match.who.workloads)
            and (match.who.sources is None or bool(address and match.who.sources.covers_addresses(address)))
            and name in match.hosts.names
            and bool(match.services & service)
        )

    if not holds(one.scope):
        return True
    assert all(rule.action is Action.ALLOW and not rule.unknown for rule in one.rules)
    return any(holds(rule.match) for rule in one.rules)


_subject = st.one_of(
    st.builds(lambda spaces: {"namespaces": spaces}, _spaces),
    st.builds(lambda spaces, pods: {"pods": {"namespaceSelector": spaces, "podSelector": pods}}, _spaces, _selector),
)
_admin_port = st.sampled_from(
    [
        {"portNumber": {"protocol": "TCP", "port": 80}},
        {"portRange": {"protocol": "TCP", "start": 80, "end": 90}},
        {"namedPort": "web"},
        {"portNumber": {"protocol": "UDP", "port": 53}},
    ]
)


def _admin_rule(key: str, *actions: str) -> Any:
    return st.fixed_dictionaries(
        {"action": st.sampled_from(actions), key: st.lists(_subject, min_size=1, max_size=2)},
        optional={"ports": st.lists(_admin_port, max_size=2)},
    )


def _admin_policy(number: int, kind: str, *actions: str) -> Any:
    return st.builds(
        lambda subject, ingress, egress, priority: {
            "apiVersion": "policy.networking.k8s.io/v1alpha1",
            "kind": kind,
            "metadata": {"name": f"{kind.lower()}-{number}"},
            "spec": {"priority": priority, "subject": subject, "ingress": ingress, "egress": egress},
        },
        _subject,
        st.lists(_admin_rule("from", *actions), max_size=2),
        st.lists(_admin_rule("to", *actions), max_size=2),
        st.integers(number * 10, number * 10 + 5),
    )


@given(
    clusters(),
    st.tuples(
        _admin_policy(1, "AdminNetworkPolicy", "Allow", "Deny", "Pass"), _admin_policy(0, "AdminNetworkPolicy", "Deny", "Allow")
    ),
    st.lists(_admin_policy(0, "BaselineAdminNetworkPolicy", "Allow", "Deny"), max_size=1),
)
@settings(max_examples=300, deadline=None)
def test_admin_tiers_are_the_same_to_the_filters_and_to_connections(case: Any, admin: Any, baseline: Any) -> None:
    stack = stack_from_manifests([*case[1], *admin, *baseline])
    found, filters = Connectivity(stack), list(read(stack))
    for source in found.workloads:
        for destination in found.workloads:
            if source is destination:
                continue
            for protocol, port in SERVICES:
                asked = Services.of(protocol.lower(), port, port)
                decided = passes(filters, stack, source, destination, asked)
                expected = bool(found.services(source, destination) & asked)
                assert decided in (None, expected), (source.name, destination.name, protocol, port)
