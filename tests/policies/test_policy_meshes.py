"""Policies on Linkerd and Consul, one test each."""

from policy_testing import UNKNOWN, on

SERVER = "kubernetes:policy.linkerd.io/v1beta3:Server"
INTENTIONS = "kubernetes:consul.hashicorp.com/v1alpha1:ServiceIntentions"
DEFAULTS = "kubernetes:consul.hashicorp.com/v1alpha1:ServiceDefaults"
MESH = "kubernetes:consul.hashicorp.com/v1alpha1:Mesh"


def test_server_denies():
    policy = on("linkerd-server-denies", SERVER)
    policy.passes(spec={"accessPolicy": "deny"})
    policy.passes(spec={})
    policy.fails("spec.accessPolicy is all-unauthenticated", spec={"accessPolicy": "all-unauthenticated"})
    policy.undecided("spec.accessPolicy", spec={"accessPolicy": UNKNOWN})


def test_no_any_intention():
    policy = on("consul-no-any-intention", INTENTIONS)
    policy.passes(spec={"destination": {"name": "*"}, "sources": [{"name": "*", "action": "deny"}]})
    policy.passes(spec={"destination": {"name": "db"}, "sources": [{"name": "etl", "action": "allow"}]})
    policy.fails("lets every service call *", spec={"destination": {"name": "*"}, "sources": [{"name": "*", "action": "allow"}]})
    policy.undecided("spec.sources[0]", spec={"destination": {"name": "*"}, "sources": [UNKNOWN]})


def test_mtls_strict():
    policy = on("consul-mtls-strict", DEFAULTS)
    policy.passes(spec={"mutualTLSMode": "strict"})
    policy.fails("spec.mutualTLSMode is permissive", spec={"mutualTLSMode": "permissive"})
    policy.undecided("spec.mutualTLSMode", spec={"mutualTLSMode": UNKNOWN})
    on("consul-mtls-strict", MESH).fails("is on", spec={"allowEnablingPermissiveMutualTLS": True})
