"""Policies on Linkerd, one test each."""

from policy_testing import UNKNOWN, on

POLICY = "kubernetes:policy.linkerd.io"
SERVER = f"{POLICY}/v1beta3:Server"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
NAMESPACE = "kubernetes:core/v1:Namespace"
RELEASE = "kubernetes:helm.sh/v3:Release"
DEFAULT = "config.linkerd.io/default-inbound-policy"
SKIP = "config.linkerd.io/skip-outbound-ports"


def _template(**annotations: object) -> dict[str, object]:
    return {"template": {"metadata": {"annotations": annotations}}}


def test_server_denies():
    policy = on("linkerd-server-denies", SERVER)
    policy.passes(spec={"accessPolicy": "deny"})
    policy.passes(spec={})
    policy.fails("spec.accessPolicy is all-unauthenticated", spec={"accessPolicy": "all-unauthenticated"})
    policy.undecided("spec.accessPolicy", spec={"accessPolicy": UNKNOWN})


def test_default_denies():
    policy = on("linkerd-default-denies", NAMESPACE)
    policy.passes(metadata={"annotations": {DEFAULT: "deny"}})
    policy.passes(metadata={"annotations": {DEFAULT: "all-authenticated"}})
    policy.passes(metadata={"name": "airflow"})
    policy.fails(f"{DEFAULT} is cluster-unauthenticated", metadata={"annotations": {DEFAULT: "cluster-unauthenticated"}})
    policy.undecided(DEFAULT, metadata={"annotations": UNKNOWN})
    on("linkerd-default-denies", DEPLOYMENT).fails("is audit", spec=_template(**{DEFAULT: "audit"}))
    chart = on("linkerd-default-denies", RELEASE)
    chart.passes(chart="airflow")
    chart.passes(chart="linkerd-control-plane", values={"proxy": {"defaultInboundPolicy": "deny"}})
    chart.fails("values.proxy.defaultInboundPolicy is all-unauthenticated", chart="linkerd/linkerd-control-plane", values={})
    chart.undecided("values.proxy.defaultInboundPolicy", chart="linkerd-control-plane", values=UNKNOWN)


def test_no_way_around():
    policy = on("linkerd-no-way-around", DEPLOYMENT)
    policy.passes(spec=_template(**{"config.linkerd.io/opaque-ports": "5432"}))
    policy.fails(f"{SKIP} is 5432: to these ports pods connect in plain text", spec=_template(**{SKIP: "5432"}))
    policy.fails("anybody is at the application", spec=_template(**{"config.linkerd.io/skip-inbound-ports": "8080"}))
    policy.undecided(SKIP, spec=_template(**{SKIP: UNKNOWN}))


def test_callers_named():
    policy = on("linkerd-callers-named", f"{POLICY}/v1alpha1:AuthorizationPolicy")
    policy.passes(spec={"requiredAuthenticationRefs": [{"kind": "ServiceAccount", "name": "etl"}]})
    policy.fails("spec.requiredAuthenticationRefs is empty", spec={"requiredAuthenticationRefs": []})
    policy.undecided("spec.requiredAuthenticationRefs", spec={"requiredAuthenticationRefs": UNKNOWN})
    identities = on("linkerd-callers-named", f"{POLICY}/v1alpha1:MeshTLSAuthentication")
    identities.passes(spec={"identities": ["*.airflow.serviceaccount.identity.linkerd.cluster.local"]})
    identities.fails("spec.identities[0] means whoever is of the mesh", spec={"identities": ["*"]})
    identities.undecided("spec.identities[0]", spec={"identities": [UNKNOWN]})
    older = on("linkerd-callers-named", f"{POLICY}/v1beta1:ServerAuthorization")
    older.passes(spec={"client": {"meshTLS": {"serviceAccounts": [{"name": "etl"}]}}})
    older.fails("spec.client.unauthenticated is on", spec={"client": {"unauthenticated": True}})
    older.fails("spec.client.meshTLS.unauthenticatedTLS is on", spec={"client": {"meshTLS": {"unauthenticatedTLS": True}}})
    older.fails("spec.client.meshTLS.identities[0] means", spec={"client": {"meshTLS": {"identities": ["*"]}}})
