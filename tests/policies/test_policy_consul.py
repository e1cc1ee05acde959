"""Policies on Consul, one test each."""

import json

from policy_testing import UNKNOWN, on

GROUP = "kubernetes:consul.hashicorp.com/v1alpha1"
INTENTIONS = f"{GROUP}:ServiceIntentions"
DEFAULTS = f"{GROUP}:ServiceDefaults"
POD = "kubernetes:core/v1:Pod"
AUTHORITY = "consul:index/certificateAuthority:CertificateAuthority"
PROXY = "consul.hashicorp.com/transparent-proxy"
GOOD = {"LeafCertTTL": "24h0m0s", "IntermediateCertTTL": "720h", "RootCertTTL": "8760h"}


def test_no_any_intention():
    policy = on("consul-no-any-intention", INTENTIONS)
    policy.passes(spec={"destination": {"name": "*"}, "sources": [{"name": "*", "action": "deny"}]})
    policy.passes(spec={"destination": {"name": "db"}, "sources": [{"name": "etl", "action": "allow"}]})
    policy.fails("lets every service call *", spec={"destination": {"name": "*"}, "sources": [{"name": "*", "action": "allow"}]})
    part = {"name": "*", "permissions": [{"action": "allow", "http": {"pathExact": "/health"}}]}
    policy.fails("lets every service call db", spec={"destination": {"name": "db"}, "sources": [part]})
    policy.undecided("spec.sources[0]", spec={"destination": {"name": "*"}, "sources": [UNKNOWN]})


def test_mtls_strict():
    policy = on("consul-mtls-strict", DEFAULTS)
    policy.passes(spec={"mutualTLSMode": "strict"})
    policy.fails("spec.mutualTLSMode is permissive", spec={"mutualTLSMode": "permissive"})
    policy.undecided("spec.mutualTLSMode", spec={"mutualTLSMode": UNKNOWN})
    on("consul-mtls-strict", f"{GROUP}:ProxyDefaults").fails("is permissive", spec={"mutualTLSMode": "permissive"})
    on("consul-mtls-strict", f"{GROUP}:Mesh").fails("is on", spec={"allowEnablingPermissiveMutualTLS": True})


def test_no_exposed_paths():
    policy = on("consul-no-exposed-paths", DEFAULTS)
    policy.passes(spec={"protocol": "http"})
    exposed = {"paths": [{"listenerPort": 20200, "path": "/metrics"}]}
    policy.fails("spec.expose.paths[0] gives /metrics to anybody", spec={"expose": exposed})
    policy.fails("spec.expose.checks is on", spec={"expose": {"checks": True}})
    policy.undecided("spec.expose.paths", spec={"expose": {"paths": UNKNOWN}})


def test_no_way_around():
    policy = on("consul-no-way-around", POD)
    policy.passes(metadata={"annotations": {PROXY: "true", "consul.hashicorp.com/connect-inject": "true"}})
    policy.fails(f"{PROXY} is false: the application's ports are open", metadata={"annotations": {PROXY: "false"}})
    outbound = f"{PROXY}-exclude-outbound-cidrs"
    policy.fails(f"{outbound} is 10.0.0.0/8", metadata={"annotations": {outbound: "10.0.0.0/8"}})
    policy.undecided(outbound, metadata={"annotations": {outbound: UNKNOWN}})


def test_ca_lifetimes():
    policy = on("consul-ca-lifetimes", AUTHORITY)
    policy.passes(configJson=json.dumps(GOOD))
    policy.fails("configJson.LeafCertTTL is 72 hours, over 24", configJson=json.dumps({**GOOD, "LeafCertTTL": "72h"}))
    policy.fails("RootCertTTL is missing, and Consul's own is 3650 days, over 1825", configJson=json.dumps({"LeafCertTTL": "1h"}))
    forced = {**GOOD, "ForceWithoutCrossSigning": True}
    policy.fails("configJson.ForceWithoutCrossSigning is on", configJson=json.dumps(forced))
    policy.fails("is no JSON", configJson="{")
    policy.undecided("configJson", configJson=UNKNOWN)
