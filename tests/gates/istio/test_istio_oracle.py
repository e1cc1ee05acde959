"""The reader of Istio's policies against an oracle that decides connection by connection."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from istio_filters import passes
from istio_oracle import OUTSIDER, Pod, Request, allows
from pulumi_airlock.gates.istio import read
from pulumi_airlock.gates.kubernetes import stack_from_manifests

PODS = [
    Pod("x", "p0", {"app": "a", "tier": "one"}, "sidecar", "10.0.0.1"),
    Pod("x", "p1", {"app": "b"}, "sidecar", "10.0.1.1"),
    Pod("y", "p2", {"app": "a"}, "sidecar", "10.0.0.2", kept_out=9000),
    Pod("z", "p3", {"app": "a"}, "", "10.0.1.3"),
    Pod("w", "p4", {"app": "a"}, "ztunnel", "10.0.0.4"),
]
SPACES = {
    "x": {"istio-injection": "enabled"},
    "y": {"istio.io/rev": "1-27"},
    "z": {},
    "w": {"istio.io/dataplane-mode": "ambient"},
}
PORTS = {8080: "", 9000: "tcp", 8000: "http"}
REQUESTS = [Request("GET", "/a"), Request("POST", "/a/b"), Request("GET", "/b"), Request("PUT", "/a*b"), None]


def _some(values: list[str]) -> Any:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


_PRINCIPALS = [
    "cluster.local/ns/x/sa/p0",
    "cluster.local/ns/z/sa/p3",
    "cluster.local/ns/x/*",
    "*/sa/p1",
    "*",
    "other/ns/x/sa/p0",
    "*/ns/y/sa/p2",
    "cluster.local/ns/w/sa/p4",
]
_NAMESPACES = ["x", "y", "z", "*", "x*", "*y", "w"]
_source = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "principals": _some(_PRINCIPALS),
            "notPrincipals": _some(_PRINCIPALS),
            "namespaces": _some(_NAMESPACES),
            "notNamespaces": _some(_NAMESPACES),
            "ipBlocks": _some(["10.0.0.0/24", "10.0.1.1", "0.0.0.0/0"]),
            "notIpBlocks": _some(["10.0.0.0/24", "192.0.2.0/24"]),
        },
    ),
    st.fixed_dictionaries(
        {},
        optional={"serviceAccounts": _some(["x/p0", "p1", "y/p2", "z/p3"]), "notServiceAccounts": _some(["p0", "x/p1", "y/p9"])},
    ),
    st.fixed_dictionaries({"requestPrincipals": _some(["*", "iss/sub"])}),
    st.fixed_dictionaries({"notRequestPrincipals": _some(["*"])}, optional={"namespaces": _some(_NAMESPACES)}),
).filter(bool)
_PATHS = ["/a", "/a*", "*b", "*", "/a*b", "*/b", "/b"]
_METHODS = ["GET", "POST", "*"]
_OPERATION = {
    "ports": _some(["8080", "9000", "8000"]),
    "notPorts": _some(["8080", "9000"]),
    "methods": _some(_METHODS),
    "notMethods": _some(_METHODS[:2]),
    "paths": _some(_PATHS),
    "notPaths": _some(_PATHS),
}
_operation = st.fixed_dictionaries({}, optional=_OPERATION).filter(bool)
_condition = st.one_of(
    st.builds(lambda values: {"key": "source.principal", "values": values}, _some(_PRINCIPALS)),
    st.builds(lambda values: {"key": "source.namespace", "notValues": values}, _some(_NAMESPACES)),
    st.builds(lambda values: {"key": "destination.port", "values": values}, _some(["8080", "9000"])),
    st.builds(lambda values: {"key": "source.ip", "values": values}, _some(["10.0.0.0/24"])),
)


def _rule(source: Any, operation: Any) -> Any:
    return st.fixed_dictionaries(
        {},
        optional={
            "from": st.lists(st.builds(lambda one: {"source": one}, source), min_size=1, max_size=2),
            "to": st.lists(st.builds(lambda one: {"operation": one}, operation), min_size=1, max_size=2),
            "when": st.lists(_condition, min_size=1, max_size=2),
        },
    )


_selector = st.sampled_from(
    [{}, {"selector": {"matchLabels": {"app": "a"}}}, {"selector": {"matchLabels": {"app": "a", "tier": "one"}}}]
)
_space = st.sampled_from(["x", "x", "y", "w", "w", "istio-system"])


@st.composite
def _documents(draw: Any, source: Any = _source, operation: Any = _operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 4))):
        spec = dict(draw(_selector))
        spec |= draw(st.sampled_from([{}, {}, {"action": "DENY"}, {"action": "DENY"}, {"action": "AUDIT"}]))
        spec |= draw(
            st.one_of(
                st.just({}), st.builds(lambda rules: {"rules": rules}, st.lists(_rule(source, operation), min_size=1, max_size=2))
            )
        )
        annotations = {"istio.io/dry-run": "true"} if draw(st.integers(0, 9)) == 0 else {}
        found.append(_object("AuthorizationPolicy", f"ap{number}", draw(_space), spec, annotations))
    taken: set[tuple[str, bool]] = set()
    modes = st.sampled_from(["STRICT", "PERMISSIVE", "DISABLE", "UNSET"])
    for number in range(draw(st.integers(0, 3))):
        spec = dict(draw(_selector))
        space = draw(_space)
        # Of two at one place the older one counts, which is another test's matter.
        if (space, bool(spec)) in taken:
            continue
        taken.add((space, bool(spec)))
        spec |= {"mtls": {"mode": draw(modes)}}
        if spec.get("selector"):
            spec |= {"portLevelMtls": {str(port): {"mode": draw(modes)} for port in draw(st.sets(st.sampled_from([8080, 9000])))}}
        found.append(_object("PeerAuthentication", f"pa{number}", space, spec, {}))
    return found


def _object(kind: str, name: str, namespace: str, spec: dict[str, Any], annotations: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "annotations": annotations}
    return {"apiVersion": "security.istio.io/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _cluster() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}} for name, labels in SPACES.items()
    ]
    for one in PODS:
        metadata = {"name": one.account, "namespace": one.namespace, "labels": {**one.labels, "pod": one.account}}
        spec = {"serviceAccountName": one.account, "containers": [{"name": "c"}]}
        kept_out = {"annotations": {"traffic.sidecar.istio.io/excludeInboundPorts": str(one.kept_out)}} if one.kept_out else {}
        found.append({"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, **kept_out}, "spec": spec})
        ports = [{"port": port, "name": f"{kind}-{port}" if kind else f"p{port}"} for port, kind in PORTS.items()]
        spec = {"selector": {"pod": one.account}, "ports": ports}
        found.append({"apiVersion": "v1", "kind": "Service", "metadata": {**metadata, "labels": {}}, "spec": spec})
    return found


CLUSTER = _cluster()


def _compare(documents: list[dict[str, Any]], seen: Counter[bool | None], *, unknown: bool = False) -> None:
    filters = list(read(stack_from_manifests([*CLUSTER, *documents])))
    for server in PODS:
        for caller in (*PODS, OUTSIDER):
            if caller is server:
                continue
            for port, protocol in PORTS.items():
                for request in REQUESTS:
                    if request is None and protocol == "http":
                        continue
                    expected = allows(documents, caller, server, port, request, protocol)
                    name = f"{caller.namespace}/{caller.account}" if caller.namespace else ""
                    host = f"{server.account}.{server.namespace}.svc.cluster.local"
                    asked = (request.method, request.path) if request else None
                    answer = passes(filters, name, caller.address, host, port, asked)
                    seen[answer] += 1
                    if not (unknown and answer is None):
                        assert answer is expected, (caller, server, port, request)


def test_the_reader_says_what_the_oracle_says() -> None:
    seen: Counter[bool | None] = Counter()

    @settings(max_examples=150, deadline=None)
    @given(_documents())
    def compare(documents: list[dict[str, Any]]) -> None:
        _compare(documents, seen)

    compare()
    assert seen[True]
    assert seen[False]
    assert not seen[None]


_vague_source = st.one_of(_source, st.builds(lambda one, two: {**two, "remoteIpBlocks": one}, _some(["10.0.0.0/24"]), _source))
_vague_operation = st.fixed_dictionaries(
    {},
    optional={
        **_OPERATION,
        "hosts": _some(["svc", "other", "s*"]),
        "notHosts": _some(["svc"]),
        "paths": _some([*_PATHS, "/{*}", "/a/{**}"]),
        "notPaths": _some(["/{*}", "/b"]),
        "methods": _some(["GE*", "POST"]),
    },
).filter(bool)


def test_what_it_does_not_know_it_does_not_guess() -> None:
    seen: Counter[bool | None] = Counter()

    @settings(max_examples=100, deadline=None)
    @given(_documents(_vague_source, _vague_operation))
    def compare(documents: list[dict[str, Any]]) -> None:
        _compare(documents, seen, unknown=True)

    compare()
    assert min(seen[True], seen[False], seen[None]) > 0
