"""A mesh's trust anchor and issuer: what is made, and what is refused."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.kubernetes.certificates import MeshCertificates
from pulumi_airlock.gates.stack import Stack

sys.path.insert(0, str(Path(__file__).parents[1] / "network_policy"))
from in_process import run

CERTIFICATE = "kubernetes:cert-manager.io/v1:Certificate"


@pytest.mark.parametrize("mesh", ["linkerd", "istio"])
def test_the_issuer_is_signed_by_the_anchor_and_renewed_with_a_new_key(mesh: str) -> None:
    stack = Stack(run(lambda: MeshCertificates("trust", mesh=mesh)))
    anchor, issuer = stack.of_type(CERTIFICATE)
    assert anchor.get("spec", "duration") == "8760h0m0s"
    assert issuer.get("spec", "duration") == "168h0m0s"
    assert issuer.get("spec", "renewBefore") == "84h0m0s"
    assert issuer.get("spec", "issuerRef", "name") == anchor.get("metadata", "name")
    assert {one.get("spec", "privateKey", "rotationPolicy") for one in (anchor, issuer)} == {"Always"}


def test_lifetimes_that_do_not_fit_are_refused_at_once() -> None:
    with pytest.raises(InputError) as caught:
        MeshCertificates("trust", mesh="consul", anchor=timedelta(days=9999), issuer=timedelta(days=99999))
    text = str(caught.value)
    assert "Consul keeps a CA of its own" in text
    assert "write between a day and 1825 days" in text
    assert "write between two hours and 90 days" in text
    with pytest.raises(InputError, match="over a third of the anchor's"):
        MeshCertificates("trust", mesh="linkerd", anchor=timedelta(days=3), issuer=timedelta(days=2))
