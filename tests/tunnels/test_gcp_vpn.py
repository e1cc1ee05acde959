"""HA VPN and its FortiGate end: the graph that a user relies on, ends that agree, networks that alone are told and taken."""

import pulumi
import pytest
from pulumi_airlock.errors import InputError
from pulumi_airlock.tunnels import GcpSiteToSiteVpn, GcpVpn, IpsecProposal, TunnelEnd

TUNNEL = "gcp:compute/vPNTunnel:VPNTunnel"
ROUTER = "gcp:compute/router:Router"
ROUTER_INTERFACE = "gcp:compute/routerInterface:RouterInterface"
PEER = "gcp:compute/routerPeer:RouterPeer"
POLICY = "gcp:compute/routerRoutePolicy:RouterRoutePolicy"
PHASE1 = "fortios:vpn/ipsec/phase1interface:Phase1interface"
PHASE2 = "fortios:vpn/ipsec/phase2interface:Phase2interface"
INTERFACE = "fortios:system/interface:Interface"
NEIGHBOR = "fortios:router/bgp/neighbor:Neighbor"
RANDOM = "random:index/randomPassword:RandomPassword"
ENDS = (TunnelEnd("169.254.30.0/30"), TunnelEnd("169.254.31.0/30"))
ARGUMENTS = {
    "device_address": "198.51.100.7",
    "wan_interface": "wan1",
    "cloud_cidrs": ["10.70.0.0/26"],
    "device_cidrs": ["10.20.0.0/16", "10.30.0.0/24"],
    "network_id": "projects/bank-network/global/networks/airflow",
    "project": "bank-network",
    "region": "europe-west1",
    "tunnels": ENDS,
}


def vpn(**changes):
    return lambda: GcpSiteToSiteVpn("dc", **{**ARGUMENTS, **changes})


def of(found, kind):
    return sorted((one for one in found if one.type == kind), key=lambda one: one.name)


def only(found, kind):
    (one,) = of(found, kind)
    return one


@pytest.mark.parametrize(
    ("proposal", "phase1", "phase2", "on_device"),
    [
        (
            IpsecProposal("aes256", "sha512", 14, 7200, 1800),
            {
                "encryptions": ["AES-CBC-256"],
                "integrities": ["HMAC-SHA2-512-256"],
                "prves": ["PRF-HMAC-SHA2-512"],
                "dhs": ["Group-14"],
            },
            {"encryptions": ["AES-CBC-256"], "integrities": ["HMAC-SHA2-512-256"], "pfs": ["Group-14"]},
            ("aes256-sha512", "aes256-sha512", "14"),
        ),
        (
            IpsecProposal("aes256gcm", "sha384", 20),
            {"encryptions": ["AES-GCM-16-256"], "prves": ["PRF-HMAC-SHA2-384"], "dhs": ["Group-20"]},
            {"encryptions": ["AES-GCM-16-256"], "pfs": ["Group-20"]},
            ("aes256gcm-prfsha384", "aes256gcm", "20"),
        ),
    ],
    ids=["CBC", "GCM"],
)
def test_both_ends_speak_the_same_proposal(registered, proposal, phase1, phase2, on_device):
    found = registered(vpn(proposal=proposal))

    assert [one.inputs["cipherSuite"] for one in of(found, TUNNEL)] == [{"phase1": phase1, "phase2": phase2}] * 2
    assert {one.inputs["ikeVersion"] for one in of(found, TUNNEL)} == {2}
    for first, second in zip(of(found, PHASE1), of(found, PHASE2), strict=True):
        assert (first.inputs["proposal"], second.inputs["proposal"], first.inputs["dhgrp"]) == on_device
        assert (first.inputs["ikeVersion"], second.inputs["pfs"]) == ("2", "enable")
        assert (first.inputs["keylife"], second.inputs["keylifeseconds"]) == (proposal.phase1_lifetime, proposal.phase2_lifetime)


def test_one_tunnel_on_each_interface_of_the_gateway_to_the_one_device(registered):
    found = registered(vpn())

    assert [one.inputs["vpnGatewayInterface"] for one in of(found, TUNNEL)] == [0, 1]
    assert [one.inputs["peerExternalGatewayInterface"] for one in of(found, TUNNEL)] == [0, 0]
    device = only(found, "gcp:compute/externalVpnGateway:ExternalVpnGateway")
    assert device.inputs["redundancyType"] == "SINGLE_IP_INTERNALLY_REDUNDANT"
    assert device.inputs["interfaces"] == [{"id": 0, "ipAddress": "198.51.100.7"}]
    assert only(found, "gcp:compute/haVpnGateway:HaVpnGateway").inputs["network"] == ARGUMENTS["network_id"]
    assert [one.inputs["remoteGw"] for one in of(found, PHASE1)] == ["203.0.113.1", "203.0.113.2"]


def test_both_ends_of_bgp_have_each_others_addresses_and_numbers(registered):
    found = registered(vpn(device_asn=65010, google_asn=64700))

    assert only(found, ROUTER).inputs["bgp"]["asn"] == 64700
    assert [one.inputs["ipRange"] for one in of(found, ROUTER_INTERFACE)] == ["169.254.30.1/30", "169.254.31.1/30"]
    peers = [(one.inputs["ipAddress"], one.inputs["peerIpAddress"], one.inputs["peerAsn"]) for one in of(found, PEER)]
    assert peers == [("169.254.30.1", "169.254.30.2", 65010), ("169.254.31.1", "169.254.31.2", 65010)]
    neighbours = [(one.inputs["ip"], one.inputs["remoteAs"]) for one in of(found, NEIGHBOR)]
    assert neighbours == [("169.254.30.1", 64700), ("169.254.31.1", 64700)]
    addresses = [(one.inputs["ip"], one.inputs["remoteIp"]) for one in of(found, INTERFACE)]
    assert addresses == [
        ("169.254.30.2 255.255.255.255", "169.254.30.1 255.255.255.252"),
        ("169.254.31.2 255.255.255.255", "169.254.31.1 255.255.255.252"),
    ]
    keepalive = only(found, ROUTER).inputs["bgp"]["keepaliveInterval"]
    assert {(one.inputs["keepAliveTimer"], one.inputs["holdtimeTimer"]) for one in of(found, NEIGHBOR)} == {
        (keepalive, 3 * keepalive)
    }


def test_the_device_is_told_of_the_tasks_networks_and_of_nothing_else(registered):
    found = registered(vpn())

    # CUSTOM without anything: a session that somebody adds tells nothing by itself.
    router = only(found, ROUTER).inputs["bgp"]
    assert (router["advertiseMode"], router["advertisedGroups"], router.get("advertisedIpRanges")) == ("CUSTOM", [], None)
    for one in of(found, PEER):
        assert (one.inputs["advertiseMode"], one.inputs["advertisedGroups"]) == ("CUSTOM", [])
        assert [each["range"] for each in one.inputs["advertisedIpRanges"]] == ["10.70.0.0/26"]
    lists = {one.inputs["name"]: one.inputs["rules"] for one in of(found, "fortios:router/prefixlist:Prefixlist")}
    assert [(one["action"], one["prefix"]) for one in lists["dc-in"]] == [
        ("permit", "10.70.0.0 255.255.255.192"),
        ("deny", "any"),
    ]


def test_the_networks_behind_the_device_are_taken_and_nothing_else(registered):
    found = registered(vpn())
    policy = only(found, POLICY)

    assert policy.inputs["type"] == "ROUTE_POLICY_TYPE_IMPORT"
    first, last = sorted(policy.inputs["terms"], key=lambda one: one["priority"])
    assert first["match"]["expression"] == "destination == '10.20.0.0/16' || destination == '10.30.0.0/24'"
    assert [one["expression"] for one in first["actions"]] == ["accept()"]
    assert "prefix('0.0.0.0/0').orLonger()" in last["match"]["expression"]
    assert [one["expression"] for one in last["actions"]] == ["drop()"]
    for one in of(found, PEER):
        assert one.links["importPolicies"] == {policy.name}


@pytest.mark.parametrize("preview", [True, False])
def test_keys_are_made_and_are_secret_from_end_to_end(registered, preview):
    found = registered(vpn(), preview=preview)

    assert [one.name for one in of(found, RANDOM)] == ["dc-gcp-bgp-key-1", "dc-gcp-bgp-key-2", "dc-gcp-key-1", "dc-gcp-key-2"]
    assert all(one.inputs["length"] == 32 for one in of(found, RANDOM))
    for number, one in enumerate(of(found, TUNNEL), start=1):
        assert one.links["sharedSecret"] == {f"dc-gcp-key-{number}"}
        assert "sharedSecret" in one.secret_outputs
        assert preview or "sharedSecret" in one.secret
    for number, one in enumerate(of(found, PEER), start=1):
        assert one.links["md5AuthenticationKey"] == {f"dc-gcp-bgp-key-{number}"}
        assert preview or "md5AuthenticationKey" in one.secret
    for number, one in enumerate(of(found, PHASE1), start=1):
        assert one.links["psksecret"] == {f"dc-gcp-key-{number}"}
        assert preview or "psksecret" in one.secret
    for number, one in enumerate(of(found, NEIGHBOR), start=1):
        assert one.links["password"] == {f"dc-gcp-bgp-key-{number}"}
        assert "password" in one.secret_outputs
        assert preview or "password" in one.secret


def test_a_key_may_be_brought(registered):
    ends = (TunnelEnd("169.254.30.0/30", preshared_key=pulumi.Output.secret("Vm8+a/brought+key/of+one1=")), ENDS[1])
    found = registered(vpn(tunnels=ends))

    assert [one.name for one in of(found, RANDOM)] == ["dc-gcp-bgp-key-1", "dc-gcp-bgp-key-2", "dc-gcp-key-2"]
    assert of(found, TUNNEL)[0].inputs["sharedSecret"] == "Vm8+a/brought+key/of+one1="
    assert of(found, PHASE1)[0].inputs["psksecret"] == "Vm8+a/brought+key/of+one1="
    assert "psksecret" in of(found, PHASE1)[0].secret


def test_a_key_that_is_an_output_is_checked_when_it_is_known(registered):
    ends = (TunnelEnd("169.254.30.0/30", preshared_key=pulumi.Output.secret("hunter2")), ENDS[1])
    with pytest.raises(Exception, match="a pre-shared key of 7 characters that Google refuses"):
        registered(vpn(tunnels=ends))


def test_a_tunnel_that_is_replaced_goes_first_with_all_that_is_on_it(registered):
    found = registered(vpn())

    for kind in (TUNNEL, ROUTER_INTERFACE, PEER):
        assert all(one.deleted_first for one in of(found, kind)), kind
    # Phase 1 is changed where it is.
    assert not any(one.deleted_first for one in of(found, PHASE1))


def test_labels_and_place(registered):
    found = registered(vpn(labels={"owner": "airflow-platform"}))

    for kind in (TUNNEL, "gcp:compute/haVpnGateway:HaVpnGateway", "gcp:compute/externalVpnGateway:ExternalVpnGateway"):
        assert {one.inputs["labels"]["owner"] for one in of(found, kind)} == {"airflow-platform"}
    for kind in (TUNNEL, ROUTER, ROUTER_INTERFACE, PEER, POLICY):
        assert {(one.inputs["project"], one.inputs["region"]) for one in of(found, kind)} == {("bank-network", "europe-west1")}


def test_the_parts_belong_to_the_vpn(registered):
    found = registered(vpn())

    assert {one.parent.rsplit("::")[-1] for one in found if one.type.startswith(("gcp:", "random:"))} == {"dc-gcp"}
    assert {one.parent.rsplit("::")[-1] for one in found if one.type.startswith("fortios:")} == {"dc-fortigate"}
    assert {one.parent.rsplit("::")[-1] for one in found if one.name in ("dc-gcp", "dc-fortigate")} == {"dc"}
    assert {one.inputs["description"] for one in of(found, INTERFACE)} == {
        f"Google VPN dc-fortigate, tunnel {number}" for number in (1, 2)
    }


def test_googles_end_stands_alone(registered):
    made = []
    given = {key: value for key, value in ARGUMENTS.items() if key != "wan_interface"}
    found = registered(lambda: made.append(GcpVpn("dc", **given)))

    assert not [one for one in found if one.type.startswith("fortios:")]
    assert len(made[0].tunnels) == 2


def test_all_problems_of_both_ends_are_told_at_once():
    with pytest.raises(InputError) as caught:
        vpn(
            device_address="10.0.0.1",
            device_cidrs=["10.20.0.0/16", "10.20.4.0/24", "nonsense"],
            cloud_cidrs=["0.0.0.0/0"],
            network_id="airflow",
            project="Bank",
            region="europe-west1-b",
            device_asn=16550,
            google_asn=15169,
            tunnels=(TunnelEnd("169.254.169.252/30", preshared_key="short"), TunnelEnd()),
            proposal=IpsecProposal("3des", "sha1", 17, 90000, 60),
            labels={"Owner": "me"},
            device_name="much-too-long-a-name",
        )()

    paths = [one.path for one in caught.value.problems]
    assert len(set(caught.value.problems)) == len(caught.value.problems)
    assert set(paths) >= {
        "device_address",
        "device_cidrs",
        "device_cidrs[1]",
        "device_cidrs[2]",
        "cloud_cidrs[0]",
        "network_id",
        "project",
        "region",
        "device_asn",
        "google_asn",
        "tunnels[0].inside_cidr",
        "tunnels[0].preshared_key",
        "tunnels[1].inside_cidr",
        "proposal.encryption",
        "proposal.integrity",
        "proposal.dh_group",
        "proposal.phase1_lifetime",
        "proposal.phase2_lifetime",
        'labels["Owner"]',
        "device_name",
    }
    assert "short" not in [word.strip("'") for word in str(caught.value).split()], "a key that is refused is never shown"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tunnels": ENDS[:1]}, "HA VPN has two"),
        ({"tunnels": (ENDS[0], ENDS[0])}, r"169.254.30.0/30 is tunnels\[0\]'s already"),
        ({"tunnels": (TunnelEnd("169.254.9.0/29"), ENDS[1])}, "write a /30"),
        ({"tunnels": (TunnelEnd(), ENDS[1])}, "for both ends of BGP"),
        ({"google_asn": 16550}, "Google takes the private numbers"),
        ({"device_asn": 64514}, "Google's own number as well"),
        ({"proposal": IpsecProposal("aes256", "sha256", 17)}, "17 is not what Google and FortiOS both speak"),
        ({"proposal": IpsecProposal("aes256", "sha256", 24)}, r"24 is weak \(RFC 8247\)"),
        ({"proposal": IpsecProposal(phase1_lifetime=36001)}, "Google takes 900–36000"),
        ({"device_cidrs": []}, "no route to the device would be learned"),
        ({"device_cidrs": ["10.70.0.0/24"]}, "one address, two ends"),
        ({"device_cidrs": [f"10.{second}.{third}.0/24" for second in (20, 21) for third in range(60)]}, "120 are over 100"),
        ({"cloud_cidrs": []}, "told of no network"),
        ({"zone_name": "wan1"}, "share their names"),
    ],
)
def test_each_refusal_says_what_is_wrong(changes, message):
    with pytest.raises(InputError, match=message):
        vpn(**changes)()


@pytest.mark.parametrize("name", ["DC", "1dc", "dc" * 19])
def test_names_fit_google(name):
    with pytest.raises(InputError, match=r"name: .*lower-case letters"):
        GcpSiteToSiteVpn(name, **ARGUMENTS)
