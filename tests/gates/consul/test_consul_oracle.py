"""The reader of Consul's intentions against an oracle that decides connection by connection."""

from collections import Counter
from typing import Any

from consul_oracle import OUTSIDER, PREFIX, Pod, allows, from_peers
from hypothesis import given, settings
from hypothesis import strategies as st
from istio_filters import passes
from pulumi_airlock.gates.consul import read
from pulumi_airlock.gates.kubernetes import stack_from_manifests
from pulumi_airlock.gates.stack import Resource, Stack

PODS = [
    Pod("data", "db", address="10.1.0.1"),
    Pod("data", "web", address="10.1.0.2"),
    Pod("airflow", "etl", address="10.2.0.1"),
    Pod("airflow", "var", address="10.2.0.2"),
    Pod("lab", "stray", proxy=False, address="10.3.0.1"),
]
PORTS = (8080, 9000, 20200)
REQUESTS: list[tuple[str, str] | None] = [
    None,
    *((method, path) for method in ("GET", "POST") for path in ("/", "/v1", "/v1/", "/v1/x", "/v10", "/healthz")),
]
NAMES = ("db", "web", "etl", "var", "stray", "*", "*")
_http = st.one_of(
    st.builds(lambda path: {"pathExact": path}, st.sampled_from(["/v1", "/v1/x", "/"])),
    st.builds(lambda path: {"pathPrefix": path}, st.sampled_from(["/v1", "/v1/", "/"])),
    st.builds(lambda path: {"pathRegex": path}, st.sampled_from(["/v1/.*", "/v1/x", "/v1.*"])),
    st.just({}),
)
_permission = st.builds(
    lambda action, http, methods: {"action": action, "http": {**http, **methods} or {"pathPrefix": "/"}},
    st.sampled_from(["allow", "allow", "deny"]),
    _http,
    st.sampled_from([{}, {}, {"methods": ["GET"]}, {"methods": ["GET", "POST"]}]),
)
_source = st.builds(
    lambda name, more, what: {"name": name, **more, **what},
    st.sampled_from(NAMES),
    st.sampled_from([{}, {}, {}, {}, {"peer": "other"}, {"namespace": "default"}]),
    st.one_of(
        st.builds(lambda action: {"action": action}, st.sampled_from(["allow", "deny"])),
        st.builds(lambda permissions: {"permissions": permissions}, st.lists(_permission, min_size=1, max_size=3)),
    ),
)


def _object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "data"}
    return {"apiVersion": "consul.hashicorp.com/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


@st.composite
def _documents(draw: Any) -> list[dict[str, Any]]:
    found = []
    # Of one destination there is one intention, and in it of one source one entry: Consul takes no others.
    for number, name in enumerate(draw(st.lists(st.sampled_from(["db", "web", "*"]), min_size=1, max_size=3, unique=True))):
        sources = draw(
            st.lists(
                _source,
                min_size=1,
                max_size=4,
                unique_by=lambda one: (one["name"], *sorted(one.keys() - {"action", "permissions"})),
            )
        )
        found.append(_object("ServiceIntentions", f"i{number}", {"destination": {"name": name}, "sources": sources}))
    modes = st.sampled_from([{}, {}, {"mutualTLSMode": "strict"}, {"mutualTLSMode": "permissive"}])
    protocols = st.sampled_from(["http", "http", "tcp", "grpc", ""])
    for name in draw(st.sets(st.sampled_from(["db", "web"]))):
        spec: dict[str, Any] = {**draw(modes), "protocol": draw(protocols)}
        if draw(st.integers(0, 3)) == 0:
            spec["expose"] = {"paths": [{"listenerPort": 20200, "localPathPort": 8080, "path": "/healthz"}]}
        found.append(_object("ServiceDefaults", name, {key: value for key, value in spec.items() if value}))
    if draw(st.booleans()):
        spec = {**draw(modes), "config": {"protocol": draw(st.sampled_from(["http", "tcp"]))}}
        found.append(_object("ProxyDefaults", "global", spec))
    if draw(st.booleans()):
        found.append(_object("Mesh", "mesh", {"allowEnablingPermissiveMutualTLS": draw(st.booleans())}))
    return found


_annotations = st.fixed_dictionaries(
    {},
    optional={
        f"{PREFIX}transparent-proxy-exclude-inbound-ports": st.sampled_from(["9000", "9000,8080"]),
        f"{PREFIX}transparent-proxy": st.sampled_from(["true", "true", "false"]),
    },
)


def _cluster(pods: list[Pod]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for one in pods:
        marks = {f"{PREFIX}connect-inject": "true"} if one.proxy else {}
        metadata = {"name": one.account, "namespace": one.namespace, "labels": {"app": one.account}}
        pod = {"serviceAccountName": one.account, "containers": [{"name": "c"}]}
        annotated = {**metadata, "annotations": {**marks, **one.annotations}}
        found.append({"apiVersion": "v1", "kind": "Pod", "metadata": annotated, "spec": pod})
        service = {"selector": {"app": one.account}, "ports": [{"port": port, "name": f"p{port}"} for port in PORTS]}
        place = {"name": one.account, "namespace": one.namespace}
        found.append({"apiVersion": "v1", "kind": "Service", "metadata": place, "spec": service})
    return found


def _chart(acls: bool) -> Resource:
    values = {"global": {"acls": {"manageSystemACLs": acls}}}
    return Resource("urn:consul", "kubernetes:helm.sh/v3:Release", {"chart": "hashicorp/consul", "values": values})


def test_the_reader_says_what_the_oracle_says() -> None:
    seen: Counter[bool | None] = Counter()

    @settings(max_examples=120, deadline=None)
    @given(_documents(), st.sampled_from([True, False, None]), _annotations)
    def compare(documents: list[dict[str, Any]], default: bool | None, annotations: dict[str, str]) -> None:
        pods = [Pod("data", "db", annotations, address="10.1.0.1"), *PODS[1:]]
        stack = stack_from_manifests([*_cluster(pods), *documents])
        chart = [] if default is None else [_chart(not default)]
        filters = list(read(Stack([*stack.resources, *chart])))
        for server in (pods[0], pods[1], pods[4]):
            for caller in (*pods, OUTSIDER):
                for port in PORTS if caller is not server else ():
                    for request in REQUESTS:
                        either = {allows(documents, one, caller, server, port, request) for one in (True, False)}
                        expected = next(iter(either)) if len(either) == 1 else default
                        if caller is OUTSIDER and not expected and from_peers(documents, server):
                            expected = None  # Who comes from there is beyond what the stack knows.
                        name = f"{caller.namespace}/{caller.account}" if caller.namespace else ""
                        host = f"{server.account}.{server.namespace}.svc.cluster.local"
                        answer = passes(filters, name, caller.address, host, port, request)
                        seen[answer] += 1
                        assert answer is expected, (caller, server, port, request)

    compare()
    assert min(seen[True], seen[False], seen[None]) > 1000
