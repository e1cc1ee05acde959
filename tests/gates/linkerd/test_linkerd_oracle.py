"""The reader of Linkerd's objects against an oracle that decides connection by connection."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from istio_filters import passes
from linkerd_oracle import OUTSIDER, PORT_NAMES, Pod, allows
from pulumi_airlock.gates.kubernetes import stack_from_manifests
from pulumi_airlock.gates.linkerd import read

PODS = [
    Pod("data", "db", {"app": "db", "tier": "a"}, probe=(8080, "/healthz"), address="10.1.0.1"),
    Pod("data", "web", {"app": "web", "tier": "a"}, address="10.1.0.2"),
    Pod("data", "plain", {"app": "plain", "tier": "a"}, {"linkerd.io/inject": "disabled"}, proxy=False, address="10.1.0.3"),
    Pod("airflow", "etl", {"app": "etl"}, address="10.2.0.1"),
    Pod("airflow", "var", {"app": "var"}, address="203.0.113.7"),
    Pod("lab", "stray", {"app": "stray"}, proxy=False, address="10.3.0.1"),
]
PORTS = (8080, 9000, 7000)
REQUESTS: list[tuple[str, str] | None] = [
    None,
    *((method, path) for method in ("GET", "POST") for path in ("/", "/v1", "/v1/", "/v1/x", "/v10", "/healthz")),
]
SPACES = ("data", "airflow")
POLICIES = (
    "deny",
    "deny",
    "all-authenticated",
    "all-unauthenticated",
    "cluster-authenticated",
    "cluster-unauthenticated",
    "audit",
)
GROUPS = {"MeshTLSAuthentication": "v1alpha1", "NetworkAuthentication": "v1alpha1", "AuthorizationPolicy": "v1alpha1"}
_TIMES = st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"])
_LABELS = st.sampled_from([{}, {}, {"app": "db"}, {"tier": "a"}, {"app": "web"}])
_accounts = st.fixed_dictionaries(
    {"kind": st.just("ServiceAccount"), "name": st.sampled_from(["etl", "var", "web", "plain", "stray", "gone"])},
    optional={"namespace": st.sampled_from(["airflow", "data", "lab"])},
)
_spaces = st.fixed_dictionaries({"kind": st.just("Namespace"), "name": st.sampled_from(["airflow", "data", "lab"])})
_SUFFIX = "serviceaccount.identity.linkerd.cluster.local"
_identities = st.lists(
    st.sampled_from(["*", f"*.airflow.{_SUFFIX}", f"etl.airflow.{_SUFFIX}", f"*irflow.{_SUFFIX}", f"web.data.{_SUFFIX}"]),
    min_size=1,
    max_size=2,
)
_networks = st.lists(
    st.fixed_dictionaries(
        {"cidr": st.sampled_from(["10.0.0.0/8", "10.2.0.0/16", "0.0.0.0/0", "203.0.113.0/24"])},
        optional={"except": st.just(["10.1.0.2/32"])},
    ),
    min_size=1,
    max_size=2,
)
_paths = st.sampled_from(
    [
        {"type": "Exact", "value": "/v1"},
        {"type": "Exact", "value": "/v1/x"},
        {"type": "Exact", "value": "/"},
        {"type": "PathPrefix", "value": "/"},
        {"type": "PathPrefix", "value": "/v1"},
        {"type": "PathPrefix", "value": "/v1/"},
        {"type": "PathPrefix", "value": "/v1/x"},
        {"type": "RegularExpression", "value": "/v1/.*"},
        {"type": "RegularExpression", "value": "/v1.*"},
        {"type": "RegularExpression", "value": "/v1/x"},
    ]
)
_match = st.fixed_dictionaries({}, optional={"path": _paths, "method": st.sampled_from(["GET", "POST"])})


def _object(kind: str, name: str, space: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    version = GROUPS.get(kind, "v1beta1" if kind == "ServerAuthorization" else "v1beta3")
    made = {"name": name, "namespace": space, **metadata}
    return {"apiVersion": f"policy.linkerd.io/{version}", "kind": kind, "metadata": made, "spec": spec}


@st.composite
def _servers(draw: Any) -> list[dict[str, Any]]:
    found = []
    for number in range(draw(st.integers(1, 3))):
        spec: dict[str, Any] = {"port": draw(st.sampled_from([8080, 9000, "http", "data"]))}
        spec |= draw(st.sampled_from([{}, {"accessPolicy": "deny"}, *({"accessPolicy": one} for one in POLICIES)]))
        spec |= draw(
            st.sampled_from([{}, {}, *({"proxyProtocol": one} for one in ("unknown", "HTTP/1", "HTTP/2", "opaque", "TLS"))])
        )
        labels = draw(_LABELS)
        if draw(st.integers(0, 9)):
            spec["podSelector"] = {"matchLabels": labels} if labels else {}
        else:
            spec["externalWorkloadSelector"] = {}
        made = {"creationTimestamp": draw(_TIMES), "labels": draw(st.sampled_from([{}, {"kind": "a"}]))}
        found.append(_object("Server", f"s{number}", draw(st.sampled_from(["data", "data", "airflow"])), spec, **made))
    return found


@st.composite
def _documents(draw: Any) -> list[dict[str, Any]]:
    found = draw(_servers())
    for number in range(draw(st.integers(0, 3))):
        parents = draw(st.lists(st.sampled_from(["s0", "s1", "s2"]), min_size=1, max_size=2, unique=True))
        rules = draw(
            st.lists(
                st.builds(lambda matches: {"matches": matches} if matches else {}, st.lists(_match, max_size=2)),
                min_size=1,
                max_size=2,
            )
        )
        refs = [{"group": "policy.linkerd.io", "kind": "Server", "name": one} for one in parents]
        spec = {"parentRefs": refs, "rules": rules}
        found.append(_object("HTTPRoute", f"r{number}", "data", spec, creationTimestamp=draw(_TIMES)))
    for number in range(2):
        ids = draw(st.sampled_from(["identities", "identityRefs"]))
        values = draw(_identities if ids == "identities" else st.lists(st.one_of(_accounts, _spaces), min_size=1, max_size=2))
        space = draw(st.sampled_from(SPACES))
        found.append(_object("MeshTLSAuthentication", f"m{number}", space, {ids: values}))
    found.append(_object("NetworkAuthentication", "n0", "data", {"networks": draw(_networks)}))
    for number in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["Server", "Server", "HTTPRoute", "HTTPRoute", "Namespace"]))
        name = draw(st.sampled_from({"Server": ["s0", "s1", "s2"], "HTTPRoute": ["r0", "r1", "r2"], "Namespace": ["data"]}[kind]))
        named = st.fixed_dictionaries(
            {"kind": st.just("MeshTLSAuthentication"), "name": st.sampled_from(["m0", "m1", "typo"])},
            optional={"namespace": st.sampled_from(SPACES)},
        )
        network = st.fixed_dictionaries({"kind": st.just("NetworkAuthentication"), "name": st.sampled_from(["n0", "n0", "typo"])})
        refs = draw(st.lists(st.one_of(named, named, _accounts, network), max_size=2))
        group = "" if kind == "Namespace" else "policy.linkerd.io"
        spec = {"targetRef": {"group": group, "kind": kind, "name": name}, "requiredAuthenticationRefs": refs}
        found.append(_object("AuthorizationPolicy", f"p{number}", draw(st.sampled_from(["data", "data", "airflow"])), spec))
    for number in range(draw(st.integers(0, 1))):
        server = draw(st.sampled_from([{"name": "s0"}, {"selector": {"matchLabels": {"kind": "a"}}}, {"selector": {}}]))
        accounts = st.lists(_accounts.map(lambda one: {k: v for k, v in one.items() if k != "kind"}), min_size=1, max_size=2)
        client = draw(
            st.one_of(
                st.just({"unauthenticated": True}),
                st.just({"meshTLS": {"unauthenticatedTLS": True}}),
                st.builds(lambda one: {"meshTLS": {"identities": one}}, _identities),
                st.builds(lambda one: {"meshTLS": {"serviceAccounts": one}}, accounts),
            )
        )
        client = {**client, **draw(st.one_of(st.just({}), st.builds(lambda one: {"networks": one}, _networks)))}
        found.append(_object("ServerAuthorization", f"a{number}", "data", {"server": server, "client": client}))
    return found


_annotations = st.fixed_dictionaries(
    {},
    optional={
        "config.linkerd.io/skip-inbound-ports": st.sampled_from(["9000", "7000,9000"]),
        "config.linkerd.io/opaque-ports": st.just("8080"),
        "config.linkerd.io/proxy-require-identity-inbound-ports": st.just("7000"),
        "config.linkerd.io/default-inbound-policy": st.sampled_from(POLICIES),
    },
)


def _cluster(pods: list[Pod], default: str) -> list[dict[str, Any]]:
    said = {"linkerd.io/inject": "enabled", "config.linkerd.io/default-inbound-policy": default}
    found: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "annotations": annotations}}
        for name, annotations in {"data": said, "airflow": said, "lab": {}}.items()
    ]
    for one in pods:
        metadata = {"name": one.account, "namespace": one.namespace, "labels": {**one.labels}, "annotations": one.annotations}
        container: dict[str, Any] = {"name": "c", "ports": [{"name": n, "containerPort": p} for n, p in PORT_NAMES.items()]}
        if one.probe:
            container["livenessProbe"] = {"httpGet": {"port": one.probe[0], "path": one.probe[1]}}
        pod = {"serviceAccountName": one.account, "containers": [container]}
        found.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod})
        service = {"selector": {"app": one.account}, "ports": [{"port": port, "name": f"p{port}"} for port in PORTS]}
        place = {"name": one.account, "namespace": one.namespace}
        found.append({"apiVersion": "v1", "kind": "Service", "metadata": place, "spec": service})
    return found


def _compare(
    documents: list[dict[str, Any]],
    default: str,
    annotations: dict[str, str],
    seen: Counter[bool | None],
    given: list[dict[str, Any]] | None = None,
) -> None:
    pods = [Pod(**{**vars(PODS[0]), "annotations": annotations}), *PODS[1:]]
    filters = list(read(stack_from_manifests([*_cluster(pods, default), *(documents if given is None else given)])))
    for server in pods[:4]:
        for caller in (*pods, OUTSIDER):
            if caller.account == server.account:
                continue
            for port in PORTS:
                for request in REQUESTS:
                    expected = allows(documents, default, caller, server, port, request)
                    name = f"{caller.namespace}/{caller.account}" if caller.namespace else ""
                    host = f"{server.account}.{server.namespace}.svc.cluster.local"
                    answer = passes(filters, name, caller.address, host, port, request)
                    seen[answer] += 1
                    if given is None or answer is not None:
                        assert answer is expected, (caller, server, port, request)


def test_the_reader_says_what_the_oracle_says() -> None:
    seen: Counter[bool | None] = Counter()

    @settings(max_examples=80, deadline=None)
    @given(_documents(), st.sampled_from(POLICIES), _annotations)
    def compare(documents: list[dict[str, Any]], default: str, annotations: dict[str, str]) -> None:
        _compare(documents, default, annotations, seen)

    compare()
    assert seen[True] > 1000
    assert seen[False] > 1000
    assert not seen[None]


@st.composite
def _routed(draw: Any) -> list[dict[str, Any]]:
    """One Server, with routes that compete for requests, each of them for somebody else."""
    spec = {"port": 8080, "podSelector": {"matchLabels": {"app": "db"}}}
    found = [_object("Server", "s0", "data", spec, creationTimestamp="2026-01-01T00:00:00Z")]
    for number in range(draw(st.integers(2, 4))):
        matches = draw(st.lists(_match, min_size=1, max_size=2))
        parents = [{"group": "policy.linkerd.io", "kind": "Server", "name": "s0"}]
        route = {"parentRefs": parents, "rules": [{"matches": matches}]}
        found.append(_object("HTTPRoute", f"r{number}", "data", route, creationTimestamp=draw(_TIMES)))
        account = {"kind": "ServiceAccount", "namespace": "airflow", "name": draw(st.sampled_from(["etl", "var"]))}
        target = {"group": "policy.linkerd.io", "kind": "HTTPRoute", "name": f"r{number}"}
        policy = {"targetRef": target, "requiredAuthenticationRefs": [account]}
        found.append(_object("AuthorizationPolicy", f"p{number}", "data", policy))
    return found


def test_of_routes_that_compete_the_one_counts_that_the_proxy_takes() -> None:
    seen: Counter[bool | None] = Counter()

    @settings(max_examples=300, deadline=None)
    @given(_routed(), st.booleans())
    def compare(documents: list[dict[str, Any]], aged: bool) -> None:
        given = documents if aged else [_ageless(one) for one in documents]
        filters = list(read(stack_from_manifests([*_cluster(PODS, "deny"), *given])))
        for caller in PODS[3:5]:
            for request in REQUESTS:
                expected = allows(documents, "deny", caller, PODS[0], 8080, request)
                name, host = f"{caller.namespace}/{caller.account}", "db.data.svc.cluster.local"
                answer = passes(filters, name, caller.address, host, 8080, request)
                seen[answer] += 1
                assert answer is expected or (answer is None and not aged), (caller.account, request)

    compare()
    assert min(seen[True], seen[False], seen[None]) > 50


def _ageless(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "metadata": {key: value for key, value in one["metadata"].items() if key != "creationTimestamp"}}


def test_what_a_preview_does_not_know_it_does_not_guess() -> None:
    seen: Counter[bool | None] = Counter()

    @settings(max_examples=40, deadline=None)
    @given(_documents(), st.sampled_from(POLICIES))
    def compare(documents: list[dict[str, Any]], default: str) -> None:
        _compare(documents, default, {}, seen, [_ageless(one) for one in documents])

    compare()
    assert min(seen[True], seen[False], seen[None]) > 0
