import pytest
from policy_testing import UNKNOWN, Secret, on

PHASE1 = "fortios:vpn/ipsec/phase1interface:Phase1interface"
PHASE2 = "fortios:vpn/ipsec/phase2interface:Phase2interface"
BRIDGED = (
    "fortios:index/vpnipsecPhase1interface:VpnipsecPhase1interface",
    "fortios:index/vpnIpsecPhase1Interface:VpnIpsecPhase1Interface",
)


def test_ikev2():
    policy = on("fortigate-ikev2", PHASE1)
    policy.passes(ikeVersion="2", remoteGw=UNKNOWN)
    policy.passes(ikeVersion=2)
    policy.fails("ikeVersion is 1", remoteGw=UNKNOWN)
    policy.undecided("ikeVersion", ikeVersion=UNKNOWN)
    for type_ in BRIDGED:
        on("fortigate-ikev2", type_).fails("ikeVersion is 1", ikeVersion="1")


@pytest.mark.parametrize("weak", ["des-md5", "3des-sha256", "aes256-sha1", "aes128-sha256", "aes256", "aes256-null"])
def test_a_weak_proposal_is_named(weak):
    on("fortigate-strong-proposals", PHASE1).fails(f"proposal offers {weak}", proposal=f"aes256-sha256 {weak}", dhgrp="14")


@pytest.mark.parametrize("strong", ["aes256-sha512", "aes256gcm-prfsha384", "aes256gcm", "chacha20poly1305-prfsha256"])
def test_a_strong_proposal_is_accepted(strong):
    on("fortigate-strong-proposals", PHASE2).passes(proposal=strong, dhgrp="14 31", phase1name=UNKNOWN)


def test_strong_proposals():
    policy = on("fortigate-strong-proposals", PHASE1)
    policy.passes(proposal="aes256-sha256", dhgrp="14 21")
    policy.passes(proposal="aes256-sha256", dhgrp=14)
    policy.fails("dhgrp offers 5, 22", proposal=UNKNOWN, dhgrp="14 5 22")
    policy.fails("proposal is not set", dhgrp="14", psksecret=UNKNOWN)
    policy.undecided("proposal", proposal=UNKNOWN, dhgrp="14")


def test_psk_secret():
    policy = on("fortigate-psk-secret", PHASE1)
    policy.passes(psksecret=Secret(UNKNOWN), authmethod="psk")
    policy.passes(authmethod="signature")
    policy.fails("psksecret is plain text", psksecret="plain", remoteGw=UNKNOWN)
    policy.fails("psksecret is plain text", psksecret=UNKNOWN)


def test_bgp_password_secret():
    for kind in ("fortios:router/bgp/neighbor:Neighbor", "fortios:index/routerbgpNeighbor:RouterbgpNeighbor"):
        policy = on("fortigate-bgp-password-secret", kind)
        policy.passes(password=Secret(UNKNOWN), ip=UNKNOWN)
        policy.passes(ip="169.254.30.1")
        policy.fails("password is plain text", password="plain", ip=UNKNOWN)
        policy.fails("password is plain text", password=UNKNOWN)


def test_dead_peer_detection():
    policy = on("fortigate-dpd", PHASE1)
    policy.passes(dpd="on-idle", psksecret=Secret("x"))
    policy.fails("dpd is disable", dpd="disable", remoteGw=UNKNOWN)
    policy.undecided("dpd", dpd=UNKNOWN)
    after = policy.remedied(dpd="disable", psksecret=Secret("s3cr3t"), remoteGw=UNKNOWN)
    assert after["dpd"] == "on-idle"
    assert after["remoteGw"] == UNKNOWN
    # What was secret goes back as a secret.
    assert after["psksecret"]["value"] == "s3cr3t"
    assert len(after["psksecret"]) == 2


def test_perfect_forward_secrecy():
    policy = on("fortigate-pfs", PHASE2)
    policy.passes(pfs="enable", phase1name=UNKNOWN)
    policy.fails("pfs is disable", pfs="disable", phase1name=UNKNOWN)
    policy.undecided("pfs", pfs=UNKNOWN)
