"""Policies on cert-manager's certificates, one test each."""

import json

from policy_testing import UNKNOWN, on, resource

CERTIFICATE = "kubernetes:cert-manager.io/v1:Certificate"


def test_lifetime():
    policy = on("certificate-lifetime", CERTIFICATE)
    policy.passes(spec={"duration": "168h0m0s"})
    policy.passes(spec={})
    policy.passes(spec={"isCA": True, "duration": "8760h", "issuerRef": {"name": "anchor-self"}})
    policy.fails("is 365 days, over 90", spec={"duration": "8760h", "isCA": True, "issuerRef": {"name": "anchor"}})
    policy.fails("is 3650 days, over 1825", spec={"isCA": True, "duration": "87600h", "issuerRef": {"name": "selfsigned"}})
    policy.fails("no duration", spec={"duration": "a year"})
    policy.undecided("spec.duration", spec={"duration": UNKNOWN})


def test_new_key():
    policy = on("certificate-new-key", CERTIFICATE)
    policy.passes(spec={"privateKey": {"rotationPolicy": "Always"}})
    policy.fails("spec.privateKey.rotationPolicy is Never", spec={})
    policy.undecided("spec.privateKey.rotationPolicy", spec={"privateKey": {"rotationPolicy": UNKNOWN}})


RELEASE = "kubernetes:helm.sh/v3:Release"
ISSUER = "kubernetes:cert-manager.io/v1:ClusterIssuer"
BUNDLE = "kubernetes:trust.cert-manager.io/v1alpha1:Bundle"


def test_workload_lifetime():
    policy = on("workload-certificate-lifetime", RELEASE)
    policy.passes(chart="airflow")
    policy.passes(chart="linkerd-control-plane", values={})
    policy.fails(
        "issuanceLifetime is 720 hours, over 24",
        chart="linkerd-control-plane",
        values={"identity": {"issuer": {"issuanceLifetime": "720h0m0s"}}},
    )
    policy.passes(chart="jetstack/cert-manager-istio-csr", values={})
    policy.fails(
        "maxCertificateDuration is 48 hours, over 24",
        chart="cert-manager-istio-csr",
        values={"app": {"server": {"maxCertificateDuration": "48h"}}},
    )
    policy.fails(
        "values.env.MAX_WORKLOAD_CERT_TTL is missing, and the mesh's own is 2160 hours, over 24", chart="istiod", values={}
    )
    policy.passes(chart="istiod", values={"global": {"caAddress": "cert-manager-istio-csr.cert-manager.svc:443"}})
    policy.passes(chart="istiod", values={"env": {"MAX_WORKLOAD_CERT_TTL": "24h"}})
    policy.fails(
        "SECRET_TTL is a day, which is no duration",
        chart="istiod",
        values={
            "env": {"MAX_WORKLOAD_CERT_TTL": "24h"},
            "meshConfig": {"defaultConfig": {"proxyMetadata": {"SECRET_TTL": "a day"}}},
        },
    )
    policy.passes(chart="ztunnel", values={})
    policy.fails("values.env.SECRET_TTL is 168 hours, over 24", chart="ztunnel", values={"env": {"SECRET_TTL": "168h"}})
    policy.undecided("MAX_WORKLOAD_CERT_TTL", chart="istiod", values={"env": UNKNOWN})


def test_workload_lifetime_of_consul_and_of_single_pods():
    policy = on("workload-certificate-lifetime", RELEASE)
    short = json.dumps({"connect": [{"ca_config": [{"leaf_cert_ttl": "24h0m0s"}]}]})
    policy.passes(chart="consul", values={"server": {"extraConfig": short}})
    vault = {"global": {"secretsBackend": {"vault": {"connectCA": {"additionalConfig": short}}}}}
    policy.passes(chart="hashicorp/consul", values=vault)
    policy.fails("extraConfig is missing, and the mesh's own is 72 hours, over 24", chart="consul", values={})
    policy.undecided("values.server.extraConfig", chart="consul", values={"server": {"extraConfig": UNKNOWN}})
    pod = on("workload-certificate-lifetime", "kubernetes:core/v1:Pod")
    config = 'proxyMetadata:\n  SECRET_TTL: "168h0m0s"\n'
    pod.fails("is 168 hours, over 24", metadata={"annotations": {"proxy.istio.io/config": config}})
    pod.passes(metadata={"annotations": {"proxy.istio.io/config": '{"holdApplicationUntilProxyStarts": true}'}})


def test_anchor_trusted():
    policy = on("mesh-anchor-trusted")
    old, new = (resource(ISSUER, one, metadata={"name": one}, spec={"ca": {"secretName": one}}) for one in ("old", "new"))
    spec = {"secretName": "linkerd-identity-issuer", "issuerRef": {"name": "new"}}
    issuer = resource(CERTIFICATE, "issuer", metadata={"name": "linkerd-identity-issuer"}, spec=spec)

    def bundle(*names: str):
        sources = [{"secret": {"name": name, "key": "tls.crt"}} for name in names]
        return resource(BUNDLE, "roots", metadata={"name": "linkerd-identity-trust-roots"}, spec={"sources": sources})

    policy.passes([bundle("old", "new"), issuer, old, new])
    policy.fails("spec.sources holds no new, which signs linkerd-identity-issuer", [bundle("old"), issuer, old, new], at="roots")
    policy.undecided("spec.sources", [bundle(UNKNOWN), issuer, old, new])
