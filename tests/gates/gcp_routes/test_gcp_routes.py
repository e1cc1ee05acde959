"""Where an environment of Cloud Composer has a way to: its network's own routes, static ones, and what BGP brings."""

import pulumi_gcp as gcp
import pytest
from gcp_programs import REGION, declared, environment, plain_environment
from pulumi_airlock.gates.gcp_firewall import GcpFirewallGate
from pulumi_airlock.gates.gcp_routes import read
from pulumi_airlock.proof.filters import Action, Combine, Kind
from pulumi_airlock.proof.sets import Hosts
from pulumi_airlock.tunnels import GcpVpn, TunnelEnd

PLACE = {"project": "bank-airflow", "region": REGION}


def vpc(**changes):
    given = {"auto_create_subnetworks": False, "delete_default_routes_on_create": True, **changes}
    return gcp.compute.Network("vpc", name="vpc", project="bank-airflow", **given)


def stack_with(more=lambda _: None, generation=3, network=vpc, **changes):
    """A network with one environment in it, and whatever else a test puts there."""

    def program():
        made = network()
        environment("finance", made, "10.70", generation, **changes)
        more(made)

    return program


def routes(stack):
    """Every way out: prefix set, label, and whether it is certain."""
    (found,) = read(stack)
    assert (found.combine, found.default, found.kind, found.always) == (Combine.ANY_ALLOW, Action.DENY, Kind.ROUTING, True)
    assert found.scope.who.environments == {"finance"}
    assert all(one.action is Action.ALLOW for one in found.rules)
    return {(str(one.match.hosts), one.source.label, not one.unknown) for one in found.rules}


SUBNET = (str(Hosts.from_cidr("10.70.0.0/24")), "subnet route", True)


def to(*cidrs):
    return str(Hosts.from_cidrs(cidrs))


def session(network, name="dc", **changes):
    router = gcp.compute.Router(f"{name}-router", name=f"{name}-router", network=network.id, **{**PLACE, **changes.pop("at", {})})
    gcp.compute.RouterPeer(f"{name}-peer", router=router.name, interface="if", peer_asn=65000, **{**PLACE, **changes})


def test_a_network_by_itself_leads_to_its_subnetworks_alone(run):
    assert routes(run(stack_with())) == {SUBNET}


@pytest.mark.parametrize(
    ("network", "way"),
    [
        ({"delete_default_routes_on_create": None}, ("0.0.0.0/0", "default route to the internet")),
        ({"auto_create_subnetworks": None}, ("10.128.0.0/9", "subnet routes of auto mode")),
    ],
)
def test_what_google_adds_unless_told_otherwise(run, network, way):
    assert (to(way[0]), way[1], True) in routes(run(stack_with(network=lambda: vpc(**network))))


def test_a_vpn_brings_the_networks_behind_the_device_alone(run):
    def tunnel(network):
        GcpVpn(
            "dc",
            device_address="198.51.100.7",
            device_cidrs=["10.20.0.0/16", "10.30.0.0/24"],
            cloud_cidrs=["10.70.0.0/24"],
            network_id=network.id,
            tunnels=(TunnelEnd("169.254.30.0/30"), TunnelEnd("169.254.31.0/30")),
            **PLACE,
        )

    stack = run(stack_with(tunnel))
    assert routes(stack) == {SUBNET, (to("10.20.0.0/16", "10.30.0.0/24"), "route learned by BGP", True)}
    (found,) = read(stack)
    learned = next(one.source for one in found.rules if one.source.label == "route learned by BGP")
    assert "dc-peer-1" in learned.urn
    assert "dc-learned" in learned.through[0]


def test_without_an_import_policy_a_session_may_bring_anything(run):
    assert routes(run(stack_with(session))) == {SUBNET, (to("0.0.0.0/0"), "routes learned by BGP", False)}
    (found,) = read(run(stack_with(session)))
    assert [one.unknown for one in found.rules if one.unknown] == [("dc-peer: what the peer announces by BGP",)]


def test_a_session_that_is_switched_off_brings_nothing(run):
    assert routes(run(stack_with(lambda network: session(network, enable=False)))) == {SUBNET}


@pytest.mark.parametrize(("mode", "counts"), [("REGIONAL", False), (None, False), ("GLOBAL", True)])
def test_a_router_of_another_region_counts_where_routing_is_global(run, mode, counts):
    def elsewhere(network):
        session(network, at={"region": "europe-west4"}, region="europe-west4")

    found = routes(run(stack_with(elsewhere, network=lambda: vpc(routing_mode=mode))))
    assert ("routes learned by BGP" in {label for _, label, _ in found}) is counts


def test_routes_that_are_written_down_as_learned(run):
    found = routes(run(stack_with(lambda network: session(network, custom_learned_ip_ranges=[{"range": "10.40.0.0/16"}]))))
    assert (to("10.40.0.0/16"), "custom learned route", True) in found


def static(network, name="dc", **changes):
    given = {"next_hop_ip": "10.70.0.9", "dest_range": "10.20.0.0/16", **changes}
    gcp.compute.Route(name, name=name, project="bank-airflow", network=network.id, **given)


def test_static_routes_and_where_they_lead(run):
    def written(network):
        static(network)
        static(network, "partners", dest_range="203.0.113.0/24", next_hop_ip=None, next_hop_gateway="default-internet-gateway")

    assert routes(run(stack_with(written))) == {
        SUBNET,
        (to("10.20.0.0/16"), "route to address", True),
        (to("203.0.113.0/24"), "route to gateway", True),
    }


@pytest.mark.parametrize(
    ("generation", "tags", "counts"), [(3, ["airflow"], False), (2, ["airflow"], True), (2, ["other"], False), (3, [], True)]
)
def test_a_route_for_tags_is_for_vms_that_have_one(run, generation, tags, counts):
    def program():
        made = vpc()
        plain_environment("finance", "10.70", made.id, tags=["airflow"] if generation == 2 else None, generation=generation)
        static(made, tags=tags)

    assert ((to("10.20.0.0/16"), "route to address", True) in routes(run(program))) is counts


def test_what_is_not_read_may_lead_anywhere(run):
    def more(network):
        gcp.compute.NetworkPeering("peering", name="peering", network=network.id, peer_network="projects/x/global/networks/y")

    assert (to("0.0.0.0/0"), "peering", False) in routes(run(stack_with(more)))


def test_environments_of_a_gate_with_the_same_routes_share_a_filter(run):
    def program():
        made = vpc()
        placed = [environment(name, made, base).network for name, base in (("finance", "10.70"), ("markets", "10.80"))]
        GcpFirewallGate("gcp_firewall", access=declared(), environments=placed)
        plain_environment("risk", "10.90", made.id, tags=["airflow"])

    found = {one.gate: sorted(one.scope.who.environments) for one in read(run(program))}
    assert found == {"gcp_firewall": ["finance", "markets"], "risk": ["risk"]}


def test_of_a_network_that_is_elsewhere_nobody_can_tell_here(run):
    def program():
        plain_environment("finance", "10.70", "projects/bank-network/global/networks/shared", generation=3)

    assert list(read(run(program))) == []


def test_routes_of_another_network_do_not_count(run):
    def other(_):
        second = gcp.compute.Network("other", name="other", project="bank-airflow", auto_create_subnetworks=False)
        static(second)
        session(second)

    assert routes(run(stack_with(other))) == {SUBNET}
