from policy_testing import UNKNOWN, on, resource

POLICY = "kubernetes:cilium.io/v2:CiliumNetworkPolicy"
CLUSTERWIDE = "kubernetes:cilium.io/v2:CiliumClusterwideNetworkPolicy"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
NAMESPACE = "kubernetes:core/v1:Namespace"
ENVIRONMENT = "airlock:index:HelmEnvironment"

DNS_PODS = {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s:k8s-app": "kube-dns"}}
DNS_PORTS = [{"port": "53", "protocol": "ANY"}]
WEB = [{"ports": [{"port": "443", "protocol": "TCP"}]}]


def _egress(*rules, **more):
    return {"spec": {"endpointSelector": {}, "egress": list(rules), **more}}


def _ingress(*rules, **more):
    return {"spec": {"endpointSelector": {}, "ingress": list(rules), **more}}


def test_no_entity_all():
    policy = on("cilium-no-entity-all", POLICY)
    policy.passes(**_egress({"toEntities": ["kube-apiserver"], "toPorts": WEB}))
    policy.fails("spec.egress[0].toEntities[0] is all", **_egress({"toEntities": ["all"]}))
    policy.fails("whoever is beyond the cluster is let in", **_ingress({"fromEntities": ["world-ipv4"]}))
    policy.fails("specs[0].egress[0].toEntities[0] is world", specs=[{"egress": [{"toEntities": ["world"]}]}])
    policy.undecided("toEntities", **_egress({"toEntities": UNKNOWN}))
    on("cilium-no-entity-all", CLUSTERWIDE).fails("is all", **_egress({"toEntities": ["all"]}))


def test_no_any_endpoint():
    policy = on("cilium-no-any-endpoint", POLICY)
    policy.passes(**_egress({"toEndpoints": [{}]}))
    policy.passes(**_egress({"toEndpoints": [DNS_PODS]}))
    everywhere = {"matchExpressions": [{"key": "k8s:io.kubernetes.pod.namespace", "operator": "Exists"}]}
    policy.fails("spec.ingress[0].fromEndpoints[0] names no namespace", **_ingress({"fromEndpoints": [everywhere]}))
    policy.undecided("fromEndpoints", **_ingress({"fromEndpoints": UNKNOWN}))
    wide = on("cilium-no-any-endpoint", CLUSTERWIDE)
    wide.fails("names no namespace", **_egress({"toEndpoints": [{}]}))
    wide.fails("names no namespace", **_egress({"toEndpoints": [{"matchLabels": {"app": "db"}}]}))
    wide.passes(**_egress({"toEndpoints": [DNS_PODS]}))


def test_no_any_peer():
    policy = on("cilium-no-any-peer", POLICY)
    policy.passes(**_egress({}))
    policy.passes(**_egress({"toCIDR": ["10.0.0.0/24"], "toPorts": WEB}))
    policy.fails("spec.egress[0] names no peers", **_egress({"toPorts": WEB}))
    policy.undecided("spec.egress[0]", **_egress(UNKNOWN))


def test_no_world_cidr():
    policy = on("cilium-no-world-cidr", POLICY)
    policy.passes(**_egress({"toCIDR": ["10.0.0.0/8"]}, {"toCIDRSet": [{"cidrGroupRef": "bank"}]}))
    policy.fails("is 0.0.0.0/0", **_egress({"toCIDR": ["0.0.0.0/0"]}))
    policy.fails("is ::/0", **_ingress({"fromCIDRSet": [{"cidr": "::/0", "except": ["fc00::/7"]}]}))
    policy.undecided("toCIDR", **_egress({"toCIDR": [UNKNOWN]}))


def test_no_any_name():
    policy = on("cilium-no-any-name", POLICY)
    policy.passes(**_egress({"toFQDNs": [{"matchName": "api.example"}, {"matchPattern": "**.files.example"}]}))
    policy.fails("is *: any name", **_egress({"toFQDNs": [{"matchPattern": "*"}]}))
    policy.fails("is **.example: any name", **_egress({"toFQDNs": [{"matchPattern": "**.example"}]}))
    policy.undecided("toFQDNs", **_egress({"toFQDNs": [{"matchPattern": UNKNOWN}]}))


def test_dns_in_cluster():
    policy = on("cilium-dns-in-cluster", POLICY)
    rules = [{"ports": DNS_PORTS, "rules": {"dns": [{"matchPattern": "*"}]}}]
    policy.passes(**_egress({"toEndpoints": [DNS_PODS], "toPorts": rules}))
    policy.passes(**_egress({"toCIDR": ["192.0.2.0/24"], "toPorts": WEB}))
    policy.fails("toCIDR lets DNS leave", **_egress({"toCIDR": ["192.0.2.53/32"], "toPorts": rules}))
    policy.undecided("spec.egress[0]", **_egress(UNKNOWN))
    policy.fails("toEntities lets DNS leave", **_egress({"toEntities": ["world"], "toPorts": [{"ports": DNS_PORTS}]}))


def test_dns_names():
    policy = on("cilium-dns-names", POLICY)

    def asked(*names):
        return _egress({"toEndpoints": [DNS_PODS], "toPorts": [{"ports": DNS_PORTS, "rules": {"dns": list(names)}}]})

    policy.passes(**asked({"matchPattern": "**.cluster.local"}, {"matchName": "api.example"}))
    policy.fails("rules.dns[1].matchPattern is *", **asked({"matchName": "a.example"}, {"matchPattern": "*"}))
    policy.undecided("rules.dns", **asked(UNKNOWN))


def test_denies_by_default():
    policy = on("cilium-denies-by-default", POLICY)
    policy.passes(**_egress({"toCIDR": ["10.0.0.0/24"]}))
    policy.passes(spec={"endpointSelector": {}, "egressDeny": [{}], "enableDefaultDeny": {"egress": False}})
    policy.fails("enableDefaultDeny.egress is false", **_egress({"toCIDR": ["10.0.0.0/24"]}, enableDefaultDeny={"egress": False}))
    policy.undecided("enableDefaultDeny.egress", **_egress({}, enableDefaultDeny={"egress": UNKNOWN}))


def test_no_requires():
    policy = on("cilium-no-requires", POLICY)
    policy.passes(**_egress({"toCIDR": ["10.0.0.0/24"]}))
    policy.undecided("spec.egress[0]", **_egress({"toRequires": UNKNOWN}))
    policy.fails("egress[0].toRequires is no longer taken", **_egress({"toRequires": [{"matchLabels": {"a": "b"}}]}))


def _named(name, namespace="airflow", type_=POLICY, **spec):
    return resource(type_, name, metadata={"name": name, "namespace": namespace}, spec={"endpointSelector": {}, **spec})


def _environment():
    workload = {"namespace": "airflow", "serviceAccount": "etl", "labels": {"component": "worker"}}
    return resource(ENVIRONMENT, "finance", workloads=[workload])


def test_default_deny():
    policy = on("cilium-default-deny")
    both = {"ingress": [{}], "egress": [{}]}
    policy.passes([_environment(), _named("deny", **both)])
    policy.passes([_environment(), _named("deny", None, CLUSTERWIDE, **both)])
    policy.passes([_environment()])  # without Cilium's policies, those on NetworkPolicies judge
    policy.fails("no policy denies ingress of airflow/etl", [_environment(), _named("deny", egress=[{}])], at="finance")
    some = _named("some", **{**both, "endpointSelector": {"matchLabels": {"component": "worker"}}})
    policy.fails("of pods of other labels", [_environment(), some])
    relaxed = _named("deny", **both, enableDefaultDeny={"ingress": False, "egress": False})
    policy.fails("no policy denies egress", [_environment(), relaxed])
    policy.undecided("matchLabels", [_environment(), _named("deny", **{**both, "endpointSelector": {"matchLabels": UNKNOWN}})])


def _dns(*names):
    return {"toEndpoints": [DNS_PODS], "toPorts": [{"ports": DNS_PORTS, "rules": {"dns": list(names)}}]}


def test_names_shown():
    policy = on("cilium-names-shown")
    by_name = {"toFQDNs": [{"matchName": "api.example"}], "toPorts": WEB}
    policy.passes([_environment(), _named("etl", egress=[by_name, _dns({"matchName": "api.example"})])])
    policy.passes([_environment(), _named("etl", egress=[by_name]), _named("dns", egress=[_dns({"matchPattern": "*"})])])
    policy.passes([_environment(), _named("etl", egress=[{"toFQDNs": UNKNOWN, "toPorts": WEB}])])
    policy.fails("no DNS rule shows for airflow/etl", [_environment(), _named("etl", egress=[by_name])], at="etl")
    policy.fails("no DNS rule shows", [_environment(), _named("etl", egress=[by_name, _dns({"matchName": "other.example"})])])
    unseen = {"toEndpoints": [DNS_PODS], "toPorts": [{"ports": DNS_PORTS}]}
    policy.fails("no DNS rule shows", [_environment(), _named("etl", egress=[by_name, unseen])])


def _deployment(name, labels, namespace):
    pods = {"metadata": {"labels": labels}, "spec": {"serviceAccountName": name, "containers": [{"name": "c"}]}}
    return resource(DEPLOYMENT, name, metadata={"name": name, "namespace": namespace}, spec={"template": pods})


def test_requests_seen():
    policy = on("cilium-requests-seen")
    meshed = {"metadata": {"labels": {"istio-injection": "enabled"}}}
    spaces = [
        resource(NAMESPACE, one, metadata={"name": one, **meshed["metadata"]} if inside else {"name": one})
        for one, inside in (("airflow", True), ("data", True), ("plain", False))
    ]
    pods = [_deployment("ledger", {"app": "ledger"}, "data"), _deployment("old", {"app": "old"}, "plain"), _environment()]

    def web(app, namespace, **rules):
        peer = {"matchLabels": {"app": app, "k8s:io.kubernetes.pod.namespace": namespace}}
        return _named("web", egress=[{"toEndpoints": [peer], "toPorts": [{"ports": [{"port": "80"}], **rules}]}])

    http = {"rules": {"http": [{"method": "GET"}]}}
    policy.fails(
        "spec.egress[0] looks into airflow/etl → data/ledger, which Istio encrypts",
        [*spaces, *pods, web("ledger", "data", **http)],
        at="web",
    )
    policy.passes([*spaces, *pods, web("old", "plain", **http)])
    policy.passes([*spaces, *pods, web("ledger", "data")])
    policy.passes([*spaces, *pods, _named("web", egress=[{"toEndpoints": UNKNOWN, "toPorts": [http]}])])


def test_means_someone():
    policy = on("cilium-means-someone")
    db = _deployment("db", {"app": "db"}, "data")
    account = {"endpointSelector": {"matchLabels": {"io.cilium.k8s.policy.serviceaccount": "db"}}}
    policy.passes([db, _named("in", "data", **account)])
    policy.fails("selects no pod of data", [db, _named("in", "data", endpointSelector={"matchLabels": {"app": "bd"}})], at="in")
    policy.fails(
        "selects no pod of the cluster",
        [db, _named("in", None, CLUSTERWIDE, endpointSelector={"matchLabels": {"app": "bd"}})],
    )
    policy.passes([db, _named("in", "data", endpointSelector={"matchLabels": UNKNOWN})])
    policy.passes([db, _named("in", "elsewhere", endpointSelector={"matchLabels": {"app": "bd"}})])
