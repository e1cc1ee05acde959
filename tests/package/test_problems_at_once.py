"""Two wrong arguments are two problems at once, whichever check finds them; and neither has others follow from it."""

from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pulumi_airlock.errors import Problem
from wrong_values import Component, InProcess

PROGRAMS = Path(__file__).parent / "programs"


class Wrong(NamedTuple):
    """A wrong value of one argument, in place of what the program gives."""

    argument: str
    value: Any
    path: str
    """Where its problem is."""


FORTIGATE = [
    Wrong("sources", {"finance": ["not one!"]}, "sources[finance]"),
    Wrong("interfaces", {"datacenter": [""]}, "interfaces[datacenter]"),
    Wrong("interfaces", {}, "interfaces"),
    Wrong("peopleInterface", "", "people_interface"),
    Wrong("timezone", "Mars/Olympus", "timezone"),
    Wrong("userGroups", {"ledger": "ledger"}, "user_groups[ledger]"),
    Wrong("dialect", "not one!", "dialect"),
]
GCP_FIREWALL = [
    Wrong("environments", [], "environments"),
    Wrong("firstPriority", -1.0, "first_priority"),
    Wrong("enforcementOrder", "not one!", "enforcement_order"),
    Wrong("ancestors", ["not one!"], "ancestors[0]"),
    Wrong("proxies", {"nowhere": {"cidrs": ["10.0.0.0/28"], "port": 8443.0}}, "proxies[nowhere]"),
]
AWS_NETWORK = [
    Wrong("gateway", "not one!", "gateway"),
    Wrong("gateway", {"subsidiaries": "not one!"}, "gateway[subsidiaries]"),
    Wrong("gateway", {"subsidiaries": {"kind": "not one!", "id": "vpce-0123456789abcdef0"}}, "gateway[subsidiaries].kind"),
    Wrong("connectors", {"airflow": ["not one!", "10.40.13.0/28"]}, "connectors[airflow][0]"),
    Wrong("proxies", {"nowhere": {"cidrs": ["10.0.0.0/28"], "port": 8443.0}}, "proxies[nowhere]"),
    Wrong("maxRoutes", 0.0, "environments[finance].routes"),
]
_PLACEMENT = {
    "networkId": "projects/bank-airflow/global/networks/airflow",
    "subnetworkId": "projects/bank-airflow/regions/europe-west6/subnetworks/airflow",
    "subnetworkCidr": "10.80.0.0/26",
}
COMPOSER = [
    Wrong("owner", "", "owner"),
    Wrong("imageVersion", "latest", "image_version"),
    Wrong("imageVersion", "composer-3-airflow-2", "image_version"),
    Wrong("region", "not one!", "region"),
    Wrong("placement", {**_PLACEMENT, "subnetworkCidr": "not one!"}, "placement.subnetwork_cidr"),
    Wrong("placement", {**_PLACEMENT, "googleApis": "public"}, "placement.google_apis"),
    Wrong("scale", {"size": "not one!"}, "scale.size"),
    Wrong("scale", {"worker": {"cpu": -1.0}}, "scale.worker.cpu"),
    Wrong("software", {"pypiPackages": {"numpy": "not one!"}}, 'software.pypi_packages["numpy"]'),
    Wrong("software", {"airflowConfig": {"none": "1"}}, 'software.airflow_config["none"]'),
    Wrong("software", {"secrets": {"secrets": []}}, "software.secrets.secrets"),
    Wrong("snapshots", {"location": "not one!", "schedule": "30 3 * * *"}, "snapshots.location"),
    Wrong("userSecrets", {"not one!": {"a": "b"}}, 'user_secrets["not one!"]'),
]
CASES = {
    ("google", "FortigateGate"): FORTIGATE,
    ("google", "GcpFirewallGate"): GCP_FIREWALL,
    ("operations", "AwsNetworkGate"): AWS_NETWORK,
    ("google", "ComposerEnvironment"): COMPOSER,
}


@cache
def _made(program: str) -> InProcess:
    """All of a program, whose values are right."""
    process = InProcess(PROGRAMS / "fixtures.yaml")
    process.program(PROGRAMS / f"{program}.yaml")
    return process


def _told(program: str, kind: str, *wrong: Wrong) -> set[Problem]:
    process = _made(program)
    component = next(one for one in process.asked if one.kind == kind)
    inputs = {**component.inputs, **{one.argument: one.value for one in wrong}}
    return set(process.refused(Component(kind, component.name, inputs)))


@pytest.mark.parametrize(("program", "kind"), CASES)
def test_two_wrong_arguments_are_told_at_once_and_nothing_else_is(program: str, kind: str) -> None:
    assert _told(program, kind) == set()
    alone = [(one, _told(program, kind, one)) for one in CASES[program, kind]]
    for one, told in alone:
        assert {each.path for each in told} == {one.path}, told
    for (first, told), (second, also) in combinations(alone, 2):
        if first.argument != second.argument:
            assert _told(program, kind, first, second) == told | also, (first, second)


@pytest.mark.parametrize(
    ("image", "paths"),
    [("composer-3-airflow-2", {"image_version", "placement.pod_cidr"}), ("latest", {"image_version"})],
)
def test_inputs_of_the_other_generation_are_told_as_soon_as_an_image_names_one(image: str, paths: set[str]) -> None:
    wrong = Wrong("imageVersion", image, "image_version")
    placement = Wrong("placement", {**_PLACEMENT, "podCidr": "10.81.0.0/21"}, "placement.pod_cidr")
    assert {one.path for one in _told("google", "ComposerEnvironment", wrong, placement)} == paths
