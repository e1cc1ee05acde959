"""A stack's Composer environments as the proof sees them: made by a component or written by hand, at preview and afterwards."""

import subprocess
import sys
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pytest
from programs import IMAGE_2, IMAGE_3, environment
from pulumi_airlock import environments
from pulumi_airlock.environments.composer import read, read_environments
from pulumi_airlock.gates import read_all
from pulumi_airlock.gates.sources import resource_from_wire
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.proof.filters import Action, Environment
from pulumi_airlock.proof.sets import Hosts

EVERYWHERE = Hosts.from_cidr("0.0.0.0/0")
PRIVATE_APIS = ("199.36.153.8/30", "443/tcp")


def only(stack: Stack) -> Environment:
    (found,) = read_environments(stack)
    return found


def needs(found: Environment) -> set[tuple[str, str]]:
    return {(str(one.hosts), str(one.services)) for one in found.own}


def by_hand(generation: int, **node: Any) -> None:
    gcp.composer.Environment(
        "by-hand",
        region="europe-west1",
        config={"software_config": {"image_version": IMAGE_3 if generation == 3 else IMAGE_2}, "node_config": node},
    )


def subnetwork(name: str = "airflow", cidr: str = "10.90.0.0/26", **more: Any) -> gcp.compute.Subnetwork:
    return gcp.compute.Subnetwork(name, network="projects/p/global/networks/n", ip_cidr_range=cidr, region="europe-west1", **more)


def test_composer_3_comes_from_the_attachments_subnetwork(run: Any) -> None:
    stack = run(environment).stack()
    found = only(stack)
    assert (found.name, str(found.sources)) == ("finance", "10.70.0.0/26")
    assert needs(found) == {("10.70.0.0/26", "any"), PRIVATE_APIS}
    assert not list(read(stack))


def test_composer_2_comes_from_nodes_and_pods(run: Any) -> None:
    found = only(run(lambda: environment(2, placement={"google_apis": "restricted"})).stack())
    assert found.sources == Hosts.from_cidrs(["10.70.0.0/24", "10.72.0.0/21"])
    assert needs(found) == {
        (str(found.sources), "any"),
        ("199.36.153.4/30", "443/tcp"),
        ("10.73.0.0/24", "any"),
        ("10.74.0.0/28", "tcp"),
        ("10.75.0.0/28", "3306-3307/tcp"),
    }


def test_an_attachment_written_by_hand_is_followed(run: Any) -> None:
    def program() -> None:
        attachment = gcp.compute.NetworkAttachment(
            "to-vpc", region="europe-west1", connection_preference="ACCEPT_AUTOMATIC", subnetworks=[subnetwork().id]
        )
        by_hand(3, composer_network_attachment=attachment.id)

    stack = run(program).stack()
    found = only(stack)
    assert (found.name, str(found.sources)) == ("by-hand", "10.90.0.0/26")
    # Nobody says which of the two the VPC's DNS answers with.
    assert {str(one.hosts) for one in found.own} == {
        "10.90.0.0/26",
        str(Hosts.from_cidrs(["199.36.153.4/30", "199.36.153.8/30"])),
    }
    assert not list(read(stack))


def test_a_subnetwork_and_pods_written_by_hand_are_followed(run: Any) -> None:
    def program() -> None:
        ranges = [
            {"range_name": "other", "ip_cidr_range": "10.92.0.0/21"},
            {"range_name": "pods", "ip_cidr_range": "10.91.0.0/21"},
        ]
        by_hand(
            2,
            subnetwork=subnetwork(secondary_ip_ranges=ranges).self_link,
            ip_allocation_policy={"cluster_secondary_range_name": "pods", "services_ipv4_cidr_block": "10.93.0.0/24"},
        )

    stack = run(program).stack()
    assert only(stack).sources == Hosts.from_cidrs(["10.90.0.0/26", "10.91.0.0/21"])
    assert ("10.93.0.0/24", "any") in needs(only(stack))
    assert not list(read(stack))


def test_pods_of_composer_3_have_no_addresses_in_the_vpc(run: Any) -> None:
    assert str(only(run(lambda: by_hand(3, subnetwork=subnetwork().self_link)).stack()).sources) == "10.90.0.0/26"


def test_a_subnetwork_by_its_name_is_found(update: Any) -> None:
    def program() -> None:
        subnetwork("other", "10.94.0.0/24")
        subnetwork()
        by_hand(2, subnetwork="airflow", ip_allocation_policy={"cluster_ipv4_cidr_block": "10.91.0.0/21"})

    assert only(update(program).stack()).sources == Hosts.from_cidrs(["10.90.0.0/26", "10.91.0.0/21"])


@pytest.mark.parametrize(
    ("generation", "node", "reason"),
    [
        (3, {}, "by-hand.config.nodeConfig"),
        (
            3,
            {"composer_network_attachment": "projects/p/regions/r/networkAttachments/a"},
            "composerNetworkAttachment (projects/p",
        ),
        (2, {"subnetwork": "projects/p/regions/r/subnetworks/s"}, "by-hand.config.nodeConfig.subnetwork (projects/p"),
        (2, {"subnetwork": "s", "ip_allocation_policy": {"cluster_ipv4_cidr_block": "/21"}}, "ipAllocationPolicy"),
        (2, {"subnetwork": "s", "ip_allocation_policy": {"cluster_secondary_range_name": "pods"}}, "ipAllocationPolicy"),
    ],
)
def test_what_is_not_known_may_be_anywhere(generation: int, node: dict[str, Any], reason: str, run: Any) -> None:
    stack = run(lambda: by_hand(generation, **node)).stack()
    assert only(stack).sources == EVERYWHERE
    (found,) = read(stack)
    (rule,) = found.rules
    assert any(reason in one for one in rule.unknown), rule.unknown
    assert (found.gate, found.always, rule.action, found.default) == ("by-hand", True, Action.DENY, Action.ALLOW)


def test_two_subnetworks_of_an_attachment_that_cannot_be_told_apart_leave_it_open(preview: Any) -> None:
    def program() -> None:
        both = [subnetwork().id, subnetwork("second", "10.95.0.0/26").id]
        attachment = gcp.compute.NetworkAttachment(
            "to-vpc", region="europe-west1", connection_preference="ACCEPT_AUTOMATIC", subnetworks=both
        )
        by_hand(3, composer_network_attachment=attachment.id)

    assert list(read(preview(program).stack())), "two ids are unknown: which value is which?"


def test_an_endpoints_subnetwork_is_not_taken_for_the_nodes(preview: Any) -> None:
    def program() -> None:
        elsewhere = pulumi.Output.from_input("").apply(lambda _: "x")
        gcp.composer.Environment(
            "by-hand",
            config={
                "software_config": {"image_version": IMAGE_2},
                "node_config": {
                    "subnetwork": gcp.compute.Address("a").subnetwork.apply(lambda _: elsewhere),
                    "ip_allocation_policy": {"cluster_ipv4_cidr_block": "10.91.0.0/21"},
                },
                "private_environment_config": {"cloud_composer_connection_subnetwork": subnetwork().self_link},
            },
        )

    stack = preview(program).stack()
    assert only(stack).sources == EVERYWHERE
    assert list(read(stack))


def test_a_subnetwork_of_elsewhere_is_not_taken_for_one_of_here(update: Any) -> None:
    """The endpoint's subnetwork is a dependency of the same property, and its id is known to be another."""

    def program() -> None:
        gcp.composer.Environment(
            "by-hand",
            config={
                "software_config": {"image_version": IMAGE_2},
                "node_config": {"subnetwork": "projects/p/regions/r/subnetworks/elsewhere"},
                "private_environment_config": {"cloud_composer_connection_subnetwork": subnetwork().self_link},
            },
        )

    assert only(update(program).stack()).sources == EVERYWHERE


def test_an_unknown_range_is_not_guessed(preview: Any) -> None:
    def program() -> None:
        unknown: pulumi.Output[str] = gcp.compute.Subnetwork("x", network="n", region="r").ip_cidr_range
        by_hand(2, subnetwork=subnetwork().self_link, ip_allocation_policy={"cluster_ipv4_cidr_block": unknown})

    (found,) = read(preview(program).stack())
    assert any("ipAllocationPolicy" in one or "subnetwork" in one for one in found.rules[0].unknown)


def test_strange_resources_do_not_raise() -> None:
    for config in (None, [], "x", {"nodeConfig": [1]}, {"nodeConfig": {"subnetwork": 7}, "softwareConfig": 3}):
        urn = "urn:pulumi:t::p::gcp:composer/environment:Environment::odd"
        odd = resource_from_wire(urn=urn, type_="gcp:composer/environment:Environment", inputs={"config": config}, outputs=None)
        assert only(Stack([odd])).sources == EVERYWHERE


def test_it_is_read_with_every_other_kind(update: Any) -> None:
    stack = update(lambda: by_hand(3)).stack()
    assert [one.name for one in environments.read_environments(stack)] == ["by-hand"]
    assert {one.gate for one in read_all(stack).filters} == {"by-hand"}


PROGRAM = """
import sys
sys.modules["pulumi_gcp"] = None  # importing it fails
from pulumi_airlock.environments.composer import ComposerNetwork, read, read_environments
from pulumi_airlock.gates.stack import Stack
assert not list(read_environments(Stack([]))) and not list(read(Stack([])))
"""


def test_reading_works_without_pulumi_gcp() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
