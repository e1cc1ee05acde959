"""Simulated outputs: types that exist, values of the right form, always the same. URNs and property paths as the engine has."""

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.offline import paths, urns
from pulumi_airlock.offline.simulated_types import TYPES
from pulumi_airlock.offline.simulation import Simulator
from pulumi_airlock.offline.wire import from_struct, to_struct

JSON = st.recursive(
    st.booleans() | st.integers(-(2**50), 2**50) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    "package",
    [
        "pulumi_aws",
        "pulumi_azuread",
        "pulumi_gcp",
        "pulumi_kubernetes",
        "pulumi_okta",
        "pulumiverse_fortios",
        "zscaler_pulumi_zia",
        "zscaler_pulumi_zpa",
    ],
)
def test_every_simulated_type_is_one_of_its_package(package: str) -> None:
    spec = find_spec(package)
    assert spec
    assert spec.origin
    tokens = set(re.findall(r'"([a-z]+:[\w/.]+:\w+)"', Path(spec.origin).read_text()))
    prefix = next(iter(tokens)).split(":")[0] + ":"
    assert not {one for one in TYPES if one.startswith(prefix)} - tokens


def test_a_type_of_fortios_is_simulated_alike_whichever_package_it_is_of() -> None:
    simulator = Simulator("eu-central-1", "123456789012")
    for pulumiverse, generated in (
        ("fortios:firewall/policy:Policy", "fortios:index/firewallPolicy:FirewallPolicy"),
        (
            "fortios:vpn/ipsec/phase1interface:Phase1interface",
            "fortios:index/vpnipsecPhase1interfaceV2:VpnipsecPhase1interfaceV2",
        ),
        ("fortios:log/syslogd/v2/setting:Setting", "fortios:index/logsyslogd2Setting:Logsyslogd2Setting"),
    ):
        assert simulator.type(generated) is simulator.type(pulumiverse) is not simulator.type("fortios:index/other:Other")


@pytest.mark.parametrize("type_", TYPES)
def test_values_are_made_up_of_any_inputs_and_always_the_same(type_: str) -> None:
    urn = urns.make("dev", "bank", "", type_, "one")
    simulator = Simulator("eu-central-1", "123456789012")
    assert simulator.create(urn, {}) == simulator.create(urn, {})
    id_, outputs = simulator.create(urn, {"name": "given"})
    assert id_
    # What is left of a placeholder; JSON, and JSON within a text, may stay.
    assert "{" not in json.dumps(outputs).replace('{"', "").replace('{\\"', "")
    assert outputs["name"] == "given"


def test_another_region_is_in_the_arn() -> None:
    simulator = Simulator("eu-central-1", "123456789012")
    urn = urns.make("dev", "bank", "", "aws:ec2/vpc:Vpc", "one")
    assert re.fullmatch(
        r"arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-[0-9a-f]{17}", simulator.create(urn, {"region": "eu-west-1"})[1]["arn"]
    )


@given(st.dictionaries(st.text(), JSON))
def test_properties_survive_the_wire(properties: dict[str, object]) -> None:
    assert from_struct(to_struct(properties)) == properties


@pytest.mark.parametrize(
    ("version", "url", "name"),
    [
        ("7.51.1", "", "default_7_51_1"),
        ("", "", "default"),
        ("0.0.6", "github://api.github.com/pulumiverse", "default_0_0_6_github_/api.github.com/pulumiverse"),
        ("1.0.0-alpha.1+git", "", "default_1_0_0_alpha_1_git"),
    ],
)
def test_default_providers_are_named_as_the_engine_names_them(version: str, url: str, name: str) -> None:
    assert urns.default_provider_name(version, url) == name


def test_the_stack_is_no_part_of_a_type_and_other_parents_are() -> None:
    root = urns.make("dev", "bank", "", "pulumi:pulumi:Stack", "bank-dev")
    box = urns.make("dev", "bank", root, "a:index:Box", "box")
    assert box == "urn:pulumi:dev::bank::a:index:Box::box"
    assert (
        urns.make("dev", "bank", box, "b:index:Thing", "in::side") == "urn:pulumi:dev::bank::a:index:Box$b:index:Thing::in::side"
    )
    assert urns.name_of("urn:pulumi:dev::bank::b:index:Thing::in::side") == "in::side"


@pytest.mark.parametrize(
    ("text", "steps"),
    [("a.b[0].c", ("a", "b", 0, "c")), ('a["x.y"].z', ("a", "x.y", "z")), ("tags.*", ("tags", "*")), ("a[*].b", ("a", "*", "b"))],
)
def test_property_paths(text: str, steps: tuple[str | int, ...]) -> None:
    assert paths.parse(text) == steps


def _object(kind: str, **metadata: str) -> tuple[str, dict[str, Any]]:
    return urns.make("dev", "bank", "", f"kubernetes:{kind}", "one"), {"metadata": metadata}


@pytest.mark.parametrize("kind", ["core/v1:ConfigMap", "cilium.io/v2:CiliumNetworkPolicy"])
def test_kubernetes_objects_of_every_kind_have_namespace_and_name_as_their_id(kind: str) -> None:
    simulator = Simulator("eu-central-1", "123456789012")
    assert simulator.create(*_object(kind, name="a", namespace="airflow"))[0] == "airflow/a"
    assert simulator.create(*_object(kind, name="a"))[0] == "a"
    assert re.fullmatch(r"airflow/one-\w{7}", simulator.create(*_object(kind, namespace="airflow"))[0])


def test_a_kubernetes_object_that_keeps_its_name_goes_before_its_replacement_comes() -> None:
    simulator = Simulator("eu-central-1", "123456789012")
    named, unnamed = {"metadata": {"name": "a", "namespace": "airflow"}}, {"metadata": {"namespace": "airflow"}}
    config_map = "kubernetes:core/v1:ConfigMap"
    assert simulator.deletes_first(config_map, named, named)
    assert not simulator.deletes_first(config_map, named, {"metadata": {"name": "a", "namespace": "other"}})
    assert not simulator.deletes_first(config_map, unnamed, unnamed)
