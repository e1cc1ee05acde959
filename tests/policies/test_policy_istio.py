"""Policies on Istio, one test each."""

from policy_testing import UNKNOWN, on, resource

PEER = "kubernetes:security.istio.io/v1:PeerAuthentication"
AUTHORIZATION = "kubernetes:security.istio.io/v1:AuthorizationPolicy"
DESTINATION = "kubernetes:networking.istio.io/v1:DestinationRule"
ENVIRONMENT = "airlock:index:HelmEnvironment"


def test_mtls_strict():
    policy = on("istio-mtls-strict", PEER)
    policy.passes(spec={"mtls": {"mode": "STRICT"}})
    policy.passes(spec={})
    policy.fails("spec.mtls.mode is PERMISSIVE", spec={"mtls": {"mode": "PERMISSIVE"}})
    policy.fails("spec.portLevelMtls.8080 is DISABLE", spec={"portLevelMtls": {"8080": {"mode": "DISABLE"}}})
    policy.undecided("spec.mtls.mode", spec={"mtls": {"mode": UNKNOWN}})


def test_no_empty_rule():
    policy = on("istio-no-empty-rule", AUTHORIZATION)
    policy.passes(spec={})
    policy.passes(spec={"action": "DENY", "rules": [{}]})
    policy.passes(spec={"rules": [{"from": [{"source": {"serviceAccounts": ["airflow/etl"]}}]}]})
    policy.fails("spec.rules[0] is empty", spec={"rules": [{}]})
    policy.undecided("spec.rules[0]", spec={"rules": [UNKNOWN]})


def test_callers_named():
    policy = on("istio-callers-named", AUTHORIZATION)
    policy.passes(spec={"rules": [{"from": [{"source": {"serviceAccounts": ["airflow/etl"]}}], "to": [{"operation": {}}]}]})
    policy.passes(spec={"rules": [{}]})  # another policy's matter
    policy.fails("spec.rules[0].from names no callers", spec={"rules": [{"to": [{"operation": {"ports": ["80"]}}]}]})
    policy.fails(
        "spec.rules[0].from[0].source means every identity", spec={"rules": [{"from": [{"source": {"principals": ["*"]}}]}]}
    )
    policy.undecided("spec.rules[0]", spec={"rules": [UNKNOWN]})


def test_client_tls():
    policy = on("istio-client-tls", DESTINATION)
    policy.passes(spec={"trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}})
    policy.fails("spec.trafficPolicy.tls.mode is DISABLE", spec={"trafficPolicy": {"tls": {"mode": "DISABLE"}}})
    policy.undecided("spec.trafficPolicy.tls.mode", spec={"trafficPolicy": {"tls": {"mode": UNKNOWN}}})
    off = {"tls": {"mode": "DISABLE"}}
    port = {"portLevelSettings": [{"port": {"number": 80}, **off}]}
    policy.fails("spec.trafficPolicy.portLevelSettings[0].tls.mode is DISABLE", spec={"trafficPolicy": port})
    policy.fails("spec.subsets[0].trafficPolicy.tls.mode is DISABLE", spec={"subsets": [{"name": "a", "trafficPolicy": off}]})


def test_no_way_around():
    policy = on("istio-no-way-around", "kubernetes:apps/v1:Deployment")

    def template(key: str, value: str):
        return {"template": {"metadata": {"annotations": {f"traffic.sidecar.istio.io/{key}": value}}}}

    policy.passes(spec=template("includeInboundPorts", "*"))
    policy.fails("excludeOutboundPorts is 5432: to these ports", spec=template("excludeOutboundPorts", "5432"))
    policy.fails("excludeInboundPorts is 8080", spec=template("excludeInboundPorts", "8080"))
    policy.fails("includeOutboundIPRanges is empty: everything else", spec=template("includeOutboundIPRanges", ""))
    policy.undecided("excludeOutboundIPRanges", spec=template("excludeOutboundIPRanges", UNKNOWN))


def test_default_deny():
    policy = on("istio-default-deny")
    environment = resource(ENVIRONMENT, "finance", namespace="airflow", mesh="istio")
    place = {"name": "x", "namespace": "airflow"}
    deny = resource(AUTHORIZATION, "deny", metadata=place, spec={})
    strict = resource(PEER, "strict", metadata=place, spec={"mtls": {"mode": "STRICT"}})
    open_ = resource(AUTHORIZATION, "open", metadata=place, spec={"rules": [{}]})
    policy.passes([environment, deny, strict])
    policy.passes([resource(ENVIRONMENT, "finance", namespace="airflow", mesh="")])
    policy.fails("airflow has no AuthorizationPolicy without rules", [environment, open_, strict], at="finance")
    policy.fails("airflow has no PeerAuthentication with mode STRICT", [environment, deny], at="finance")
    later = resource(PEER, "later", metadata=place, spec={"mtls": {"mode": UNKNOWN}})
    policy.undecided("spec.mtls.mode", [environment, deny, later])
