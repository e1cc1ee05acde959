"""A mesh's trust anchors, bundle and issuer: what is made, what is refused, and a replacement step by step in the real engine."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from in_process import run
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.kubernetes.certificates import Anchor, MeshCertificates
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.offline.project import find_project
from pulumi_airlock.offline.session import Session

CERTIFICATE = "kubernetes:cert-manager.io/v1:Certificate"
BUNDLE = "kubernetes:trust.cert-manager.io/v1alpha1:Bundle"
TODAY = date(2026, 11, 26)
OLD = Anchor("2025", trusted=date(2026, 1, 10))
RETIRED = Anchor("2025", trusted=date(2026, 1, 10), retired=TODAY)


def _made(mesh: str, *anchors: Anchor, **given: object) -> Stack:
    chosen = {"anchors": anchors} if anchors else {}
    return Stack(run(lambda: MeshCertificates("trust", mesh=mesh, today=TODAY, **chosen, **given)))  # type: ignore[arg-type]


def _trusted(stack: Stack) -> list[str]:
    (bundle,) = stack.of_type(BUNDLE)
    return [one["secret"]["name"] for one in bundle.get_list("spec", "sources")]


def _signer(stack: Stack) -> str:
    issuer = stack.of_type(CERTIFICATE)[-1]
    return str(issuer.get("spec", "issuerRef", "name"))


def _refused(mesh: str, *anchors: Anchor) -> str:
    with pytest.raises(InputError) as caught:
        _made(mesh, *anchors)
    return str(caught.value)


@pytest.mark.parametrize("mesh", ["linkerd", "istio"])
def test_the_issuer_is_signed_by_an_anchor_of_the_bundle_and_renewed_with_a_new_key(mesh: str) -> None:
    stack = _made(mesh)
    anchor, issuer = stack.of_type(CERTIFICATE)
    assert anchor.get("spec", "duration") == "8760h0m0s"
    assert issuer.get("spec", "duration") == "168h0m0s"
    assert issuer.get("spec", "renewBefore") == "84h0m0s"
    assert issuer.get("spec", "issuerRef", "name") == anchor.get("spec", "secretName")
    assert _trusted(stack) == [anchor.get("spec", "secretName")]
    assert {one.get("spec", "privateKey", "rotationPolicy") for one in (anchor, issuer)} == {"Always"}


def test_the_key_of_an_anchor_stays_where_the_mesh_does_not_reach() -> None:
    anchor, issuer = _made("linkerd").of_type(CERTIFICATE)
    assert anchor.get("metadata", "namespace") == "cert-manager"
    assert issuer.get("metadata", "namespace") == "linkerd"


def test_the_charts_are_told_how_long_workloads_certificates_hold() -> None:
    given: dict[str, MeshCertificates] = {}
    for mesh in ("linkerd", "istio"):
        run(lambda mesh=mesh: given.update({mesh: MeshCertificates("trust", mesh=mesh, workload=timedelta(hours=2))}))  # type: ignore[misc]
    assert given["linkerd"].values["identity"]["issuer"]["issuanceLifetime"] == "2h0m0s"
    assert given["istio"].values["app"]["server"]["maxCertificateDuration"] == "2h0m0s"
    mounted = given["istio"].values["volumes"][0]["configMap"]["name"]
    assert mounted == given["istio"].bundle


def test_lifetimes_that_do_not_fit_are_refused_at_once() -> None:
    with pytest.raises(InputError) as caught:
        MeshCertificates(
            "trust", mesh="consul", anchor=timedelta(days=9999), issuer=timedelta(days=99999), workload=timedelta(days=3)
        )
    text = str(caught.value)
    assert "gates.consul.ConsulCertificates" in text
    assert "write between a day and 1825 days" in text
    assert "write between two hours and 90 days" in text
    assert "write between an hour and 1 day" in text
    with pytest.raises(InputError, match="over a third of the anchor's"):
        MeshCertificates("trust", mesh="linkerd", anchor=timedelta(days=3), issuer=timedelta(days=2))
    with pytest.raises(InputError, match="over half of the issuer's"):
        MeshCertificates("trust", mesh="linkerd", issuer=timedelta(hours=12))


def test_a_new_anchor_is_trusted_before_it_signs_and_the_old_one_after() -> None:
    told = date(2026, 11, 20)
    stages = [
        ([OLD], ["2025"], "2025"),
        ([OLD, Anchor("2026", trusted=told)], ["2025", "2026"], "2025"),
        ([OLD, Anchor("2026", trusted=told, restarted=told, signs=date(2026, 11, 24))], ["2025", "2026"], "2026"),
        ([RETIRED, Anchor("2026", trusted=told, restarted=told, signs=date(2026, 11, 24))], ["2026"], "2026"),
    ]
    for anchors, trusted, signer in stages:
        stack = _made("linkerd", *anchors)
        assert _trusted(stack) == [f"linkerd-trust-anchor-{one}" for one in trusted]
        assert _signer(stack) == f"linkerd-trust-anchor-{signer}"


def test_an_anchor_that_proxies_may_not_know_does_not_sign() -> None:
    new = Anchor("2026", trusted=date(2026, 11, 20), signs=date(2026, 11, 26))
    assert "anchors[1] 2026.restarted: is missing" in _refused("linkerd", OLD, new)
    _made("istio", OLD, new)  # proxies there are told with their next certificate
    soon = Anchor("2026", trusted=date(2026, 11, 25), signs=TODAY)
    assert "some proxies trust the anchor only with their next certificate, by 2026-11-27" in _refused("istio", OLD, soon)
    assert "anchors[1] 2026.trusted: is missing" in _refused("istio", OLD, Anchor("2026", signs=TODAY))


def test_an_anchor_whose_certificates_may_be_shown_stays() -> None:
    told = date(2026, 11, 20)
    yesterday = Anchor("2026", trusted=told, restarted=told, signs=date(2026, 11, 25))
    assert "workloads may show certificates of it until 2026-11-27 (2026 signs since 2026-11-25)" in _refused(
        "linkerd", RETIRED, yesterday
    )
    assert "it signs the issuer: let another sign before" in _refused("linkerd", RETIRED)
    assert "it signs the issuer" in _refused("linkerd", RETIRED, Anchor("2026", trusted=told))
    _made("linkerd", OLD, Anchor("2026", trusted=told, retired=TODAY))  # one that never signed may go at once


def test_a_step_that_has_not_come_or_is_out_of_order_is_refused() -> None:
    text = _refused(
        "linkerd", OLD, Anchor("2026", trusted=date(2026, 11, 20), restarted=date(2026, 11, 19), signs=date(2027, 1, 1))
    )
    assert "2026-11-19 is before trusted, 2026-11-20" in text
    assert "2027-01-01 is to come: write it in the update of that day" in text
    assert "a name of its own" in _refused("linkerd", OLD, Anchor("2025", trusted=TODAY))
    with pytest.raises(InputError, match="a mesh without a trust anchor trusts nobody"):
        MeshCertificates("trust", mesh="linkerd", anchors=[])


def test_an_anchor_at_its_end_needs_a_successor() -> None:
    old = Anchor("2025", trusted=date(2025, 12, 1))
    assert "ends on 2026-12-01, and an issuer made now would outlive it: add its successor" in _refused("istio", old)
    _made("istio", old, Anchor("2026", trusted=TODAY))
    _made("istio", Anchor("2025", trusted=date(2025, 12, 10)))


PROGRAM = """
from datetime import date
from pulumi_airlock.gates.kubernetes.certificates import Anchor, MeshCertificates
MeshCertificates("trust", mesh="linkerd", anchors=[{}], today=date(2026, 11, 26))
"""
OLD_TEXT = 'Anchor("2025", trusted=date(2026, 1, 10){})'
NEW_TEXT = 'Anchor("2026", trusted=date(2026, 11, 20), restarted=date(2026, 11, 21), signs=date(2026, 11, 24))'


@pytest.fixture
def update(tmp_path: Path) -> Callable[..., None]:
    (tmp_path / "Pulumi.yaml").write_text("name: trust\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")

    def one(*anchors: str) -> None:
        (tmp_path / "__main__.py").write_text(PROGRAM.format(", ".join(anchors)))
        with Session(find_project(tmp_path), "dev") as session, session.locked("test"):
            session.apply(session.update())

    return one


def test_an_anchor_is_not_deleted_before_an_update_that_retires_it(update: Callable[..., None]) -> None:
    update(OLD_TEXT.format(""))
    with pytest.raises(InputError, match=r"trust-certificate-linkerd-trust-anchor-2025: .*protected"):
        update(NEW_TEXT)
    update(OLD_TEXT.format(""), NEW_TEXT)
    with pytest.raises(InputError, match=r"trust-certificate-linkerd-trust-anchor-2025: .*protected"):
        update(NEW_TEXT)
    update(OLD_TEXT.format(", retired=date(2026, 11, 26)"), NEW_TEXT)
    update(NEW_TEXT)
