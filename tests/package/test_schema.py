"""The schema is what every language's SDK is made of: complete, documented, and the one that is checked in."""

import inspect
import json
from functools import cache
from pathlib import Path
from typing import Any

import pulumi_airlock
import pytest
from engine_side import Package
from pulumi_airlock.package.schema import Schema
from pulumi_airlock.package.shapes import fields_of
from pulumi_airlock.package.surface import COMPONENTS, find

ROOT = Path(__file__).parents[2]
CHECKED_IN = ROOT / "components" / "schema.json"
OURS = Path(pulumi_airlock.__file__).parent


@cache
def _schema() -> dict[str, Any]:
    return Schema().document()


def test_the_checked_in_schema_is_that_of_the_components():
    assert json.loads(CHECKED_IN.read_text()) == _schema(), "components have changed: run `make golden`"


def test_the_provider_serves_the_checked_in_schema(package: Package):
    assert package.schema() == CHECKED_IN.read_text()


def test_every_public_component_is_in_it():
    """But for those that run processes of this machine, with dynamic resources: they need the program's own Python."""
    found = {
        line.split("class ")[1].split("(")[0]
        for file in OURS.rglob("*.py")
        if file.parent != OURS / "environments" / "local"
        for line in file.read_text().splitlines()
        if line.startswith("class ") and "pulumi.ComponentResource)" in line
    }
    assert {find(place).__name__ for place in COMPONENTS.values()} == {name for name in found if not name.startswith("_")}


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_argument_of_a_component_can_be_given(name: str):
    """What has a default and no form in other languages would be left out without a word."""
    constructor = find(COMPONENTS[name]).__init__
    arguments = set(inspect.signature(constructor).parameters) - {"self", "name", "opts"}
    assert {one.name for one in fields_of(constructor).values()} == arguments


def test_everything_is_documented():
    found = []
    for token, one in _schema()["resources"].items():
        properties = {**one["inputProperties"], **one["properties"]}
        found += [token] * (not one["description"])
        found += [f"{token}.{key}" for key, each in properties.items() if not each.get("description")]
    found += [token for token, one in _schema()["types"].items() if not one["description"]]
    assert found == []


def test_every_reference_leads_somewhere():
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if "$ref" in value else []
            return own + [each for one in value.values() for each in references(one)]
        return [each for one in value for each in references(one)] if isinstance(value, list) else []

    document = _schema()
    there = {f"#/{kind}/{token}" for kind in ("resources", "types") for token in document[kind]} | {"pulumi.json#/Any"}
    assert set(references(document)) <= there


def test_secrets_are_marked():
    document = _schema()
    gateway = document["resources"]["airlock:index:NginxGateway"]["inputProperties"]
    assert gateway["gatewaySecret"]["secret"]
    assert "secret" not in gateway["namespace"]
    assert document["types"]["airlock:index:TunnelEnd"]["properties"]["presharedKey"]["secret"]


def test_components_are_taken_where_python_takes_their_objects():
    inputs = _schema()["resources"]["airlock:index:AwsNetworkGate"]["inputProperties"]
    assert {"$ref": "#/resources/airlock:index:MwaaEnvironment"} in inputs["environments"]["items"]["oneOf"]
    assert {"$ref": "#/resources/airlock:index:SiteToSiteVpn"} in inputs["gateway"]["oneOf"]


def test_names_in_the_documentation_are_those_of_the_other_languages():
    description = _schema()["types"]["airlock:index:MachineGroup"]["description"]
    assert "`groupId`" in description
    assert "group_id" not in description


def test_the_library_has_no_plugin_to_download():
    """Pulumi looks for one of every distribution called pulumi-…, in each Python program, unless it says that it has none."""
    assert json.loads((OURS / "pulumi-plugin.json").read_text()) == {"resource": False}


def test_no_component_names_itself():
    """The SDK of TypeScript imports what a component names, and would import it into its own module."""
    assert [token for token, one in _schema()["resources"].items() if f'"#/resources/{token}"' in json.dumps(one)] == []
