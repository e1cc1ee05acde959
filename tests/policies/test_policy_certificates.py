"""Policies on cert-manager's certificates, one test each."""

from policy_testing import UNKNOWN, on

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
