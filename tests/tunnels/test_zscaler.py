"""Tunnels to Zscaler: AWS begins them, both ends have the same keys and addresses, and what neither takes is refused."""

import pulumi
import pytest
from pulumi_airlock.errors import InputError
from pulumi_airlock.tunnels import IpsecProposal, TunnelEnd, ZscalerGre, ZscalerNode, ZscalerTunnel

CONNECTION = "aws:ec2/vpnConnection:VpnConnection"
CREDENTIALS = "zia:index:TrafficForwardingVpnCredentials"
STATIC = "zia:index:TrafficForwardingStaticIp"
LOCATION = "zia:index:LocationManagement"
ZURICH, FRANKFURT = ZscalerNode(address="198.51.100.1"), ZscalerNode(address="198.51.100.2")
ARGUMENTS = {"nodes": [ZURICH, FRANKFURT], "vpc_id": "vpc-1"}


def tunnel(**changes):
    return lambda: ZscalerTunnel("zscaler", **{**ARGUMENTS, **changes})


def of(found, kind):
    return sorted((one for one in found if one.type == kind), key=lambda one: one.name)


def test_aws_begins_each_tunnel_and_speaks_one_proposal(registered):
    found = registered(tunnel(proposal=IpsecProposal("aes256", "sha256", 14)))
    connections = of(found, CONNECTION)
    assert len(connections) == 2
    for one in connections:
        assert one.inputs["staticRoutesOnly"] is True
        for number in (1, 2):
            assert one.inputs[f"tunnel{number}StartupAction"] == "start"
            assert one.inputs[f"tunnel{number}IkeVersions"] == ["ikev2"]
            assert one.inputs[f"tunnel{number}Phase2EncryptionAlgorithms"] == ["AES256"]
    routes = of(found, "aws:ec2/vpnConnectionRoute:VpnConnectionRoute")
    assert [one.inputs["destinationCidrBlock"] for one in routes] == ["0.0.0.0/0", "0.0.0.0/0"]


def test_zscaler_knows_aws_addresses_with_their_keys(registered):
    found = registered(tunnel(nodes=[ZURICH]))
    keys = of(found, CREDENTIALS)
    assert [one.inputs["ipAddress"] for one in keys] == ["203.0.113.1", "203.0.113.2"]
    assert [one.inputs["preSharedKey"] for one in keys] == ["made.by.aws.1", "made.by.aws.2"]
    for one in keys:
        assert "preSharedKey" in one.secret
        assert one.links["ipAddress"] == {"zscaler-connection-0"}
    assert [one.inputs["ipAddress"] for one in of(found, STATIC)] == ["203.0.113.1", "203.0.113.2"]
    (location,) = of(found, LOCATION)
    assert location.inputs["ipAddresses"] == ["203.0.113.1", "203.0.113.2"]
    assert {"zscaler-key-0-1", "zscaler-key-0-2", "zscaler-address-0-1"} <= location.depends_on
    assert (location.inputs["ofwEnabled"], location.inputs["authRequired"]) == (True, False)


def test_what_is_made_is_put_in_force_and_logged(registered):
    found = registered(tunnel())
    (activation,) = of(found, "zia:index:Activation")
    assert "zscaler-location" in activation.depends_on
    (group,) = of(found, "aws:cloudwatch/logGroup:LogGroup")
    assert group.inputs["retentionInDays"] == 365
    for one in of(found, CONNECTION):
        assert one.inputs["tunnel2LogOptions"]["cloudwatchLogOptions"]["logEnabled"] is True


def test_keys_are_secret_at_preview_too(registered):
    found = registered(tunnel(), preview=True)
    for one in of(found, CREDENTIALS):
        assert "preSharedKey" in one.secret
    for one in of(found, CONNECTION):
        assert {"customerGatewayConfiguration", "tunnel1PresharedKey", "tunnel2PresharedKey"} <= one.secret_outputs


def test_own_keys_reach_both_ends_as_secrets(registered):
    ends = (
        TunnelEnd(preshared_key=pulumi.Output.secret("abcdefgh1")),
        TunnelEnd(preshared_key=pulumi.Output.secret("abcdefgh2")),
    )
    (one,) = of(registered(tunnel(nodes=[ZscalerNode(address="198.51.100.1", tunnels=ends)])), CONNECTION)
    assert {"tunnel1PresharedKey", "tunnel2PresharedKey"} <= one.secret


def test_a_transit_gateway_has_one_route_to_everywhere(registered):
    found = registered(tunnel(kind="transit", nodes=[ZURICH], subnet_ids=["subnet-1", "subnet-2"]), preview=True)
    (route,) = of(found, "aws:ec2transitgateway/route:Route")
    assert route.inputs["destinationCidrBlock"] == "0.0.0.0/0"
    assert route.links["transitGatewayAttachmentId"] == {"zscaler-connection-0"}


def test_the_gateway_is_for_the_network_gate(registered):
    made = []
    registered(lambda: made.append(tunnel()()))
    assert made[0].gateway.kind == "vpn"


def test_gre_begins_at_a_router_of_ones_own(registered):
    found = registered(lambda: ZscalerGre("router", source_address="203.0.113.9"))
    (gre,) = of(found, "zia:index:TrafficForwardingGreTunnel")
    assert gre.inputs["sourceIp"] == "203.0.113.9"
    (location,) = of(found, LOCATION)
    assert "router-tunnel" in location.depends_on


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"nodes": []}, "write Zscaler's nearest data centre"),
        ({"nodes": [ZURICH, ZURICH]}, "both are one node"),
        ({"nodes": [ZscalerNode(address="10.0.0.1")]}, "not reachable from AWS"),
        ({"kind": "transit", "subnet_ids": ["subnet-1"]}, "one static route to everywhere"),
        ({"kind": "transit", "nodes": [ZURICH]}, "attached to a VPC through a subnet"),
        ({"kind": "transit", "nodes": [ZURICH], "gateway_id": "tgw-1"}, "into one of the brought gateway's tables"),
        ({"kind": "gre"}, "write vpn or transit"),
        ({"proposal": IpsecProposal("aes256", "sha512", 20)}, "with sha512 Zscaler takes group 14 alone"),
        ({"proposal": IpsecProposal("3des")}, "is weak"),
        ({"location_name": "x" * 40}, "Zscaler takes 1–32"),
        ({"nodes": [ZscalerNode(address="198.51.100.1", tunnels=(TunnelEnd("10.0.0.0/30"), TunnelEnd()))]}, "write a /30 of"),
        (
            {"nodes": [ZscalerNode(address="198.51.100.1", tunnels=(TunnelEnd(preshared_key="short"), TunnelEnd()))]},
            "a pre-shared key of 5 characters",
        ),
    ],
)
def test_what_neither_end_takes_is_refused(registered, changes, says):
    with pytest.raises(InputError) as raised:
        registered(tunnel(**changes))
    assert says in str(raised.value)
    assert "short" not in str(raised.value)
