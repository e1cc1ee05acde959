from policy_testing import UNKNOWN, on, resource

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
ENVIRONMENT = "airlock:index:HelmEnvironment"
CILIUM = "kubernetes:cilium.io/v2:CiliumNetworkPolicy"

PODS = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "data"}},
    "podSelector": {"matchLabels": {"app": "db"}},
}


def _ingress(*rules, **more):
    return {"spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": list(rules), **more}}


def _egress(*rules, **more):
    return {"spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": list(rules), **more}}


def test_no_allow_all():
    policy = on("network-policy-no-allow-all", POLICY)
    policy.passes(**_ingress())
    policy.passes(**_ingress({"from": [PODS]}))
    policy.passes(**_egress({"ports": [{"port": 443}]}))
    policy.fails("spec.ingress[0] names neither peers nor ports", **_ingress({}))
    policy.fails("spec.egress[1] names neither", **_egress({"to": [PODS]}, {"to": [], "ports": []}))
    policy.undecided("spec.egress", spec={"podSelector": {}, "egress": UNKNOWN})
    policy.undecided("spec.ingress[0]", **_ingress({"from": UNKNOWN}))


def test_no_any_peer():
    policy = on("network-policy-no-any-peer", POLICY)
    policy.passes(**_ingress({"from": [PODS], "ports": [{"port": 80}]}))
    policy.passes(**_egress({"ports": [{"port": 53, "protocol": "UDP"}]}))  # another policy's matter
    policy.fails("spec.ingress[0].from names no peers", **_ingress({"ports": [{"port": 80}]}))
    policy.fails("spec.egress[0].to names no peers", **_egress({"ports": [{"port": 443}, {"port": 53}]}))
    policy.undecided("spec.egress[0].to", **_egress({"to": UNKNOWN, "ports": [{"port": 443}]}))


def test_no_world():
    policy = on("network-policy-no-world", POLICY)
    world = {"cidr": "0.0.0.0/0"}
    public = {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]}
    policy.passes(**_egress({"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}))
    policy.passes(**_egress({"to": [{"ipBlock": public}], "ports": [{"port": 443}]}))
    policy.fails("is 0.0.0.0/0 on every port", **_egress({"to": [{"ipBlock": public}]}))
    policy.fails("with private networks", **_egress({"to": [{"ipBlock": world}], "ports": [{"port": 443}]}))
    policy.fails(
        "is ::/0: whoever finds a way in", **_ingress({"from": [{"ipBlock": {"cidr": "::/0"}}], "ports": [{"port": 443}]})
    )
    policy.undecided("ipBlock.cidr", **_egress({"to": [{"ipBlock": {"cidr": UNKNOWN}}]}))


def test_dns_in_cluster():
    policy = on("network-policy-dns-in-cluster", POLICY)
    dns = [{"port": 53, "protocol": "UDP"}, {"port": 53}]
    policy.passes(**_egress({"to": [PODS], "ports": dns}))
    policy.passes(**_ingress({"ports": dns}))
    policy.fails("spec.egress[0].to names no resolver", **_egress({"ports": dns}))
    policy.fails("DNS is open to the world", **_egress({"to": [PODS, {"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": dns}))
    policy.undecided("spec.egress[0].to", **_egress({"to": UNKNOWN, "ports": dns}))


def test_no_any_namespace():
    policy = on("network-policy-no-any-namespace", POLICY)
    policy.passes(**_ingress({"from": [PODS, {"podSelector": {}}]}))
    policy.passes(**_ingress({"from": [{"namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "Exists"}]}}]}))
    policy.fails("all pods of every namespace", **_ingress({"from": [{"namespaceSelector": {}}]}))
    everywhere = {"namespaceSelector": {"matchLabels": {}}, "podSelector": {"matchLabels": {"app": "db"}}}
    policy.fails("pods with such labels of every namespace", **_egress({"to": [everywhere]}))
    policy.undecided("namespaceSelector", **_ingress({"from": [{"namespaceSelector": UNKNOWN}]}))


def test_types_of_rules():
    policy = on("network-policy-types", POLICY)
    policy.passes(**_ingress({"from": [PODS]}))
    policy.passes(spec={"podSelector": {}, "egress": [{"to": [PODS]}]})
    policy.fails("policyTypes leaves Egress out", **_ingress({"from": [PODS]}, egress=[{"to": [PODS]}]))
    policy.undecided("spec.policyTypes", spec={"podSelector": {}, "policyTypes": UNKNOWN, "egress": [{}]})


def _environment():
    workload = {"namespace": "airflow", "serviceAccount": "airflow-scheduler", "labels": {"component": "scheduler"}}
    return resource(ENVIRONMENT, "finance", workloads=[workload])


def _named(name, namespace, **spec):
    return resource(POLICY, name, metadata={"name": name, "namespace": namespace}, spec=spec)


def test_default_deny():
    policy = on("network-policy-default-deny")
    both = _named("deny", "airflow", podSelector={}, policyTypes=["Ingress", "Egress"])
    policy.passes([_environment(), both])
    policy.passes(
        [
            _environment(),
            _named("in", "airflow", podSelector={}),
            _named("out", "airflow", podSelector={}, policyTypes=["Egress"]),
        ]
    )
    policy.fails("no policy denies all ingress by default", [_environment()], at="finance")
    policy.fails("no policy denies all egress by default", [_environment(), _named("in", "airflow", podSelector={})])
    some = _named("some", "airflow", podSelector={"matchLabels": {"component": "worker"}}, policyTypes=["Ingress", "Egress"])
    policy.fails("no policy denies all egress", [_environment(), some])
    policy.fails(
        "no policy denies all egress", [_environment(), _named("deny", "elsewhere", podSelector={}, policyTypes=["Egress"])]
    )
    policy.passes([_environment(), resource(CILIUM, "deny", metadata={"name": "deny", "namespace": "airflow"})])
    policy.undecided("spec.policyTypes", [_environment(), _named("deny", "airflow", podSelector={}, policyTypes=UNKNOWN)])
    assert "the stack has none of" in policy.not_applicable([both])


def _deployment(name="db", namespace="data", labels=None, ports=()):
    pods = {"metadata": {"labels": labels or {"app": name}}, "spec": {"containers": [{"name": "c", "ports": list(ports)}]}}
    return resource(DEPLOYMENT, name, metadata={"name": name, "namespace": namespace}, spec={"template": pods})


def test_means_someone():
    policy = on("network-policy-means-someone")
    db = _deployment()
    policy.passes([db, _named("in", "data", podSelector={"matchLabels": {"app": "db"}}, ingress=[{"from": [PODS]}])])
    policy.fails("means no pod of data: app=bd", [db, _named("in", "data", podSelector={"matchLabels": {"app": "bd"}})], at="in")
    typo = {"podSelector": {"matchLabels": {"app": "wbe"}}}
    policy.fails("spec.ingress[0].from[0] means no pod", [db, _named("in", "data", podSelector={}, ingress=[{"from": [typo]}])])
    # Of a namespace of which no pod is known, nothing can be said.
    policy.passes([db, _named("in", "other", podSelector={"matchLabels": {"app": "web"}})])
    elsewhere = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}
    policy.passes([db, _named("in", "data", podSelector={}, ingress=[{"from": [elsewhere]}])])
    policy.passes([db, _named("in", "data", podSelector={"matchLabels": {"app": UNKNOWN}})])


def test_named_ports():
    policy = on("network-policy-named-ports")
    db = _deployment(ports=[{"name": "sql", "containerPort": 5432}])

    def rule(**port):
        return _named("in", "data", podSelector={}, ingress=[{"ports": [port]}])

    policy.passes([db, rule(port="sql")])
    policy.passes([db, rule(port=5432)])
    policy.fails("ports[0].port is sqll", [db, rule(port="sqll")], at="in")
    policy.fails("is sql: no pod", [db, rule(port="sql", protocol="UDP")])
    out = _named("out", "data", podSelector={}, policyTypes=["Egress"], egress=[{"to": [PODS], "ports": [{"port": "web"}]}])
    policy.fails("spec.egress[0].ports[0].port is web", [db, out])
    policy.passes([_named("out", "data", podSelector={}, policyTypes=["Egress"], egress=[{"ports": [{"port": "web"}]}])])
    policy.undecided("ports[0]", [db, rule(port=UNKNOWN)])
