import pytest
from policy_testing import UNKNOWN, Secret, on

VPN = "aws:ec2/vpnConnection:VpnConnection"
STRONG = {
    f"tunnel{tunnel}Phase{phase}{part}": value
    for tunnel in (1, 2)
    for phase in (1, 2)
    for part, value in (
        ("EncryptionAlgorithms", ["AES256", "AES256-GCM-16"]),
        ("IntegrityAlgorithms", ["SHA2-256", "SHA2-512"]),
        ("DhGroupNumbers", [14, 19, 21]),
    )
}


def test_ikev2_only():
    policy = on("vpn-ikev2-only", VPN)
    policy.passes(tunnel1IkeVersions=["ikev2"], tunnel2IkeVersions=["ikev2"], customerGatewayId=UNKNOWN)
    policy.fails("tunnel2IkeVersions is not set", tunnel1IkeVersions=UNKNOWN)
    policy.fails("is ikev1, ikev2", tunnel1IkeVersions=["ikev2"], tunnel2IkeVersions=["ikev1", "ikev2"])
    policy.undecided("tunnel1IkeVersions", tunnel1IkeVersions=[UNKNOWN], tunnel2IkeVersions=["ikev2"])


@pytest.mark.parametrize(
    ("prop", "weak", "named"),
    [
        ("tunnel1Phase1EncryptionAlgorithms", ["AES256", "AES128"], "accepts AES128"),
        ("tunnel2Phase1IntegrityAlgorithms", ["SHA1"], "accepts SHA1"),
        ("tunnel1Phase2DhGroupNumbers", [2, 14, 22], "accepts 2, 22"),
        ("tunnel2Phase2DhGroupNumbers", [], "is not set"),
        ("tunnel2Phase2DhGroupNumbers", [UNKNOWN, 5], "accepts 5"),
    ],
)
def test_each_weak_proposal_is_named(prop, weak, named):
    on("vpn-strong-proposals", VPN).fails(f"{prop} {named}", **{**STRONG, prop: weak})


def test_strong_proposals():
    policy = on("vpn-strong-proposals", VPN)
    policy.passes(**STRONG, vpnGatewayId=UNKNOWN)
    policy.fails("tunnel1Phase1DhGroupNumbers is not set: AWS accepts weak ones", customerGatewayId=UNKNOWN)
    policy.undecided("tunnel1Phase1DhGroupNumbers", **{**STRONG, "tunnel1Phase1DhGroupNumbers": UNKNOWN})


def test_psk_secret():
    policy = on("vpn-psk-secret", VPN)
    policy.passes(type="ipsec.1")
    policy.passes(tunnel1PresharedKey=Secret("s3cr3t_s3cr3t"), tunnel2PresharedKey=Secret(UNKNOWN))
    policy.fails("tunnel2PresharedKey is plain text", tunnel1PresharedKey=Secret("s3cr3t"), tunnel2PresharedKey="plain_as_day")
    # That the value is unknown does not matter: that it is no secret is known.
    policy.fails("tunnel1PresharedKey is plain text", tunnel1PresharedKey=UNKNOWN)


def test_tunnel_logs():
    policy = on("vpn-tunnel-logs", VPN)
    on_ = {"cloudwatchLogOptions": {"logEnabled": True, "logGroupArn": UNKNOWN}}
    policy.passes(tunnel1LogOptions=on_, tunnel2LogOptions=on_)
    policy.fails("tunnel2LogOptions.cloudwatchLogOptions.logEnabled is off", tunnel1LogOptions=UNKNOWN)
    policy.undecided("tunnel1LogOptions", tunnel1LogOptions=UNKNOWN, tunnel2LogOptions=on_)
