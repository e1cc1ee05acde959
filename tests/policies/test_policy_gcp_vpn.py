import pytest
from policy_testing import UNKNOWN, Secret, on

TUNNEL = "gcp:compute/vPNTunnel:VPNTunnel"
ROUTER = "gcp:compute/router:Router"
PEER = "gcp:compute/routerPeer:RouterPeer"
CBC = {
    "phase1": {
        "encryptions": ["AES-CBC-256"],
        "integrities": ["HMAC-SHA2-256-128"],
        "prves": ["PRF-HMAC-SHA2-256"],
        "dhs": ["Group-14", "Group-20"],
    },
    "phase2": {"encryptions": ["AES-CBC-256"], "integrities": ["HMAC-SHA2-512-256"], "pfs": ["Group-14"]},
}
GCM = {
    "phase1": {"encryptions": ["AES-GCM-16-256"], "prves": ["PRF-HMAC-SHA2-384"], "dhs": ["Group-20"]},
    "phase2": {"encryptions": ["AES-GCM-16-256"], "pfs": ["Group-20"]},
}


def changed(phase, part, value):
    return {**CBC, phase: {**CBC[phase], part: value}}


def test_ikev2():
    policy = on("gcp-vpn-ikev2", TUNNEL)
    policy.passes(ikeVersion=2)
    policy.passes(name="without one, Google speaks 2")
    policy.fails("ikeVersion is 1", ikeVersion=1, sharedSecret=UNKNOWN)
    policy.undecided("ikeVersion", ikeVersion=UNKNOWN)


@pytest.mark.parametrize(
    ("phase", "part", "weak", "named"),
    [
        ("phase1", "encryptions", ["AES-CBC-256", "AES-CBC-128"], "accepts AES-CBC-128"),
        ("phase2", "encryptions", ["3DES"], "accepts 3DES"),
        ("phase1", "integrities", ["HMAC-SHA1-96"], "accepts HMAC-SHA1-96"),
        ("phase1", "integrities", [], "is not set"),
        ("phase1", "prves", ["PRF-HMAC-MD5"], "accepts PRF-HMAC-MD5"),
        ("phase1", "dhs", ["Group-14", "Group-5"], "accepts Group-5"),
        ("phase2", "pfs", ["Group-2", UNKNOWN], "accepts Group-2"),
        ("phase2", "pfs", [], "is not set"),
    ],
)
def test_each_weak_algorithm_is_named(phase, part, weak, named):
    on("gcp-vpn-strong-proposals", TUNNEL).fails(f"{phase}.{part} {named}", cipherSuite=changed(phase, part, weak))


def test_strong_proposals():
    policy = on("gcp-vpn-strong-proposals", TUNNEL)
    policy.passes(cipherSuite=CBC, vpnGateway=UNKNOWN)
    policy.passes(cipherSuite=GCM)
    policy.fails("cipherSuite.phase1.encryptions is not set: Google accepts weak ones", router=UNKNOWN)
    policy.undecided("cipherSuite.phase1.dhs", cipherSuite=changed("phase1", "dhs", UNKNOWN))
    policy.undecided("cipherSuite", cipherSuite=UNKNOWN)


def test_psk_secret():
    policy = on("gcp-vpn-psk-secret", TUNNEL)
    policy.passes(sharedSecret=Secret(UNKNOWN))
    policy.passes(sharedSecretWo=Secret("made by chance"))
    policy.fails("sharedSecret is plain text", sharedSecret="a secret message")
    policy.fails("sharedSecret is plain text", sharedSecret=UNKNOWN)


def test_bgp_authenticated():
    policy = on("gcp-vpn-bgp-authenticated", PEER)
    policy.passes(md5AuthenticationKey={"name": "one", "key": Secret(UNKNOWN)})
    policy.passes(md5AuthenticationKey=Secret({"name": "one", "key": "x"}))
    policy.fails("md5AuthenticationKey is not set", peerAsn=65000)
    policy.fails("md5AuthenticationKey is plain text", md5AuthenticationKey={"name": "one", "key": "x"})


def ranges(*cidrs):
    return {"advertiseMode": "CUSTOM", "advertisedIpRanges": [{"range": one} for one in cidrs]}


def test_advertised_routes():
    peer, router = on("gcp-vpn-advertised-routes", PEER), on("gcp-vpn-advertised-routes", ROUTER)
    peer.passes(**ranges("10.70.0.0/26"), advertisedGroups=[])
    router.passes(bgp=ranges())
    router.passes(name="for NAT")
    peer.fails("advertiseMode is DEFAULT", peerAsn=65000)
    router.fails("bgp.advertiseMode is DEFAULT", bgp={"asn": 64514})
    peer.fails("advertisedGroups is ALL_SUBNETS", **ranges(), advertisedGroups=["ALL_SUBNETS"])
    peer.fails("advertisedIpRanges[1].range is 0.0.0.0/0", **ranges("10.70.0.0/26", "0.0.0.0/0"))
    router.fails("bgp.advertisedIpRanges[0].range is ::/0", bgp=ranges("::/0"))
    peer.undecided("advertiseMode", advertiseMode=UNKNOWN)
    peer.undecided("advertisedIpRanges[0].range", **ranges(UNKNOWN))
    peer.undecided("advertisedGroups", **ranges(), advertisedGroups=UNKNOWN)


def test_learned_routes():
    policy = on("gcp-vpn-learned-routes", PEER)
    policy.passes(importPolicies=["learned"])
    policy.passes(importPolicies=[UNKNOWN])
    policy.fails("importPolicies is empty", peerAsn=65000)
    policy.undecided("importPolicies", importPolicies=UNKNOWN)
