"""Google Cloud, as gcloud prints it: what Composer reaches by a network's firewall, policies and routes."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pulumi_airlock.access import loads
from pulumi_airlock.brownfield import (
    Draft,
    Imported,
    Options,
    access_file,
    document_of,
    draft,
    read_sources,
    text_of,
    without_strangers,
)
from pulumi_airlock.errors import InputError

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
V1 = "https://www.googleapis.com/compute/v1/projects/bank-net"
NETWORK = f"{V1}/global/networks/airflow"
SUBNETWORK = f"{V1}/regions/europe-west3/subnetworks/composer"


def described(kind: str, name: str, where: str, **fields: Any) -> dict[str, Any]:
    """A resource with what the API puts into each."""
    head = {"kind": f"compute#{kind}", "id": "4711", "creationTimestamp": "2026-03-01T02:03:04.000-08:00", "name": name}
    return {**head, "selfLink": f"{V1}/{where}/{name}", **fields}


FILES: dict[str, Any] = {
    "networks.json": [
        described(
            "network",
            "airflow",
            "global/networks",
            autoCreateSubnetworks=False,
            subnetworks=[SUBNETWORK],
            routingConfig={"routingMode": "REGIONAL", "bgpBestPathSelectionMode": "LEGACY"},
            networkFirewallPolicyEnforcementOrder="AFTER_CLASSIC_FIREWALL",
        )
    ],
    "subnets.json": [
        described(
            "subnetwork",
            "composer",
            "regions/europe-west3/subnetworks",
            network=NETWORK,
            region=f"{V1}/regions/europe-west3",
            ipCidrRange="10.60.0.0/24",
            purpose="PRIVATE",
        )
    ],
    "attachments.json": [
        described(
            "networkAttachment",
            "composer",
            "regions/europe-west3/networkAttachments",
            subnetworks=[SUBNETWORK],
            region=f"{V1}/regions/europe-west3",
        )
    ],
    "firewall.json": [
        described(
            "firewall",
            "to-ledger",
            "global/firewalls",
            network=NETWORK,
            direction="EGRESS",
            priority=900,
            destinationRanges=["10.20.4.0/24"],
            allowed=[{"IPProtocol": "tcp", "ports": ["1521", "5432-5433"]}],
            disabled=False,
            logConfig={"enable": True},
        ),
        described(
            "firewall",
            "no-egress",
            "global/firewalls",
            network=NETWORK,
            direction="EGRESS",
            priority=1000,
            destinationRanges=["0.0.0.0/0"],
            denied=[{"IPProtocol": "all"}],
            disabled=False,
        ),
    ],
    "routes.json": [
        described(
            "route",
            "default-route-1",
            "global/routes",
            network=NETWORK,
            destRange="0.0.0.0/0",
            priority=1000,
            nextHopGateway=f"{V1}/global/gateways/default-internet-gateway",
        ),
        described(
            "route",
            "to-site",
            "global/routes",
            network=NETWORK,
            destRange="10.20.0.0/16",
            priority=100,
            nextHopVpnTunnel=f"{V1}/regions/europe-west3/vpnTunnels/site",
        ),
        described("route", "subnet", "global/routes", network=NETWORK, destRange="10.60.0.0/24", nextHopNetwork=NETWORK),
    ],
    "routers.json": [
        described("router", "edge", "regions/europe-west3/routers", network=NETWORK, region=f"{V1}/regions/europe-west3")
    ],
    "policy.json": described(
        "firewallPolicy",
        "wall",
        "global/firewallPolicies",
        associations=[{"name": "wall-airflow", "attachmentTarget": NETWORK}],
        rules=[
            {
                "kind": "compute#firewallPolicyRule",
                "priority": 10,
                "direction": "EGRESS",
                "action": "allow",
                "match": {"destIpRanges": ["203.0.113.0/28"], "layer4Configs": [{"ipProtocol": "tcp", "ports": ["443"]}]},
            },
            {
                "kind": "compute#firewallPolicyRule",
                "priority": 2147483647,
                "direction": "EGRESS",
                "action": "goto_next",
                "match": {"destIpRanges": ["0.0.0.0/0"], "layer4Configs": [{"ipProtocol": "all"}]},
            },
        ],
    ),
    "environment.json": {
        "name": "projects/bank-net/locations/europe-west3/environments/markets",
        "uuid": "6f7f",
        "state": "RUNNING",
        "config": {
            "nodeConfig": {
                "composerNetworkAttachment": "projects/bank-net/regions/europe-west3/networkAttachments/composer",
                "serviceAccount": "airflow@bank-net.iam.gserviceaccount.com",
            },
            "softwareConfig": {
                "imageVersion": "composer-3-airflow-2.10.5-build.3",
                "envVariables": {"LEDGER_PASSWORD": "hunter2"},
            },
        },
    },
}


def read(folder: Path, **changed: Any) -> Imported:
    for name, document in {**FILES, **{f"{one}.json": document for one, document in changed.items()}}.items():
        if document is not None:
            (folder / name).write_text(json.dumps(document))
    return read_sources([folder], Options())


def drafted(found: Imported) -> Draft:
    return draft(without_strangers(found.stack)[0], {}, AT)


def reached(made: Draft) -> dict[tuple[str, ...], tuple[str, ...]]:
    return {one.cidrs: one.ports for one in made.access.destinations}


def before(order: str) -> list[dict[str, Any]]:
    (network,) = deepcopy(FILES["networks.json"])
    return [{**network, "networkFirewallPolicyEnforcementOrder": order}]


def test_a_network_lets_out_what_its_rules_say_and_its_routes_lead_to(tmp_path: Path) -> None:
    found = read(tmp_path)
    made = drafted(found)
    # VPC rules come first, and refuse everything else before the policy is asked.
    assert reached(made) == {("10.20.4.0/24",): ("1521/tcp", "5432-5433/tcp")}
    (route,) = made.access.routes
    assert (route.from_, route.reason) == (("markets",), 'imported: firewall rule 900 "to-ledger" at markets')
    assert found.notes == ()
    assert not made.proof.blocked
    text = access_file(made, ["gcloud"])
    assert loads(text) == made.access
    assert "hunter2" not in text_of(document_of(found.stack, made.access))


def test_a_policy_before_the_rules_decides_first(tmp_path: Path) -> None:
    made = drafted(read(tmp_path, networks=before("BEFORE_CLASSIC_FIREWALL")))
    assert reached(made) == {
        ("10.20.4.0/24",): ("1521/tcp", "5432-5433/tcp"),
        ("203.0.113.0/28",): ("443/tcp",),
    }


def test_without_a_route_nothing_is_reached(tmp_path: Path) -> None:
    made = drafted(read(tmp_path, routes=FILES["routes.json"][:1] and [FILES["routes.json"][2]]))
    assert made.access.routes == ()


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("firewall", "VPC firewall rules are not among the sources"),
        ("routes", "routes are not among the sources"),
        ("subnets", "subnetworks are not among the sources"),
        ("routers", "Cloud Routers are not among the sources"),
        ("policy", "firewall policies are not among the sources"),
    ],
)
def test_what_is_not_given_is_told(missing: str, said: str, tmp_path: Path) -> None:
    found = read(tmp_path, **{missing: None})
    assert any(one.startswith(said) for one in found.notes)


def test_without_rules_nothing_is_declared(tmp_path: Path) -> None:
    made = drafted(read(tmp_path, firewall=None))
    assert made.access.routes == ()
    assert made.unknown


@pytest.mark.parametrize("missing", ["subnets", "attachments"])
def test_without_addresses_nothing_is_declared_and_it_is_said_why(missing: str, tmp_path: Path) -> None:
    found = read(tmp_path, **{missing: None})
    assert drafted(found).access.routes == ()
    assert any(one.startswith("where the traffic of environment markets comes from is not known") for one in found.notes)


def test_a_policy_that_a_network_names_and_nobody_gave_is_not_known(tmp_path: Path) -> None:
    (network,) = before("BEFORE_CLASSIC_FIREWALL")
    network["firewallPolicy"] = f"{V1}/global/firewallPolicies/wall"
    made = drafted(read(tmp_path, networks=[network], policy=None))
    assert made.access.routes == ()
    assert any("wall" in reason for one in made.unknown for reason in one.unknown)


def test_a_policy_of_the_organization_is_in_force_where_the_project_is_under_it(tmp_path: Path) -> None:
    rule = {
        "priority": 1,
        "direction": "EGRESS",
        "action": "deny",
        "match": {"destIpRanges": ["10.20.4.0/25"], "layer4Configs": [{"ipProtocol": "all"}]},
    }
    policy = {
        **described("firewallPolicy", "9001", "locations/global/firewallPolicies", rules=[rule]),
        "shortName": "house",
        "parent": "organizations/77",
        "associations": [{"name": "folders/5", "attachmentTarget": "folders/5"}],
    }
    above = [{"id": "bank-net", "type": "project"}, {"id": "5", "type": "folder"}, {"id": "77", "type": "organization"}]
    made = drafted(read(tmp_path, house=policy, ancestors=above))
    assert reached(made) == {("10.20.4.128/25",): ("1521/tcp", "5432-5433/tcp")}


def test_an_empty_list_is_told(tmp_path: Path) -> None:
    """As `gcloud compute routers list` prints it where there are none."""
    found = read(tmp_path, routers=[])
    assert any("routers.json: an empty list" in one for one in found.notes)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([{"kind": "compute#firewall", "name": "x"}], r"a.json:1: \[0\].network: is not there, or no text: give the output of"),
        ([{"kind": "compute#firewall", "name": "x", "network": "n", "allowed": ["tcp"]}], r"allowed: is no list of objects"),
        ([{"kind": "compute#instance", "name": "x"}], r"compute#instance is not read: give networks, subnetworks"),
        ([{"kind": "compute#network", "name": "x", "routingConfig": "GLOBAL"}], r"a.json:1: \[0\]: routingConfig is no object"),
    ],
)
def test_a_document_that_is_not_as_gcloud_prints_it_is_refused(document: Any, problem: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=problem):
        read(tmp_path, a=document)
