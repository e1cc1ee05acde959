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
