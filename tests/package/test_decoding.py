"""Decoding by itself: whatever a program gives is taken or refused with its place; it never ends in a traceback."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.output import UNKNOWN
from pulumi_airlock.errors import Problems
from pulumi_airlock.gates.kubernetes.anchors import Anchor
from pulumi_airlock.identity.okta import Okta
from pulumi_airlock.package.decode import Decoder, wire_path
from pulumi_airlock.package.shapes import fields_of
from pulumi_airlock.package.surface import COMPONENTS, find

FIELDS = {
    name: fields_of(find(COMPONENTS[name]).__init__) for name in ("MwaaEnvironment", "Identity", "MeshCertificates", "ZpaGate")
}
KEYS = sorted({key for fields in FIELDS.values() for key in fields} | {"kind", "name", "dags", "environmentClass", "strange"})

scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5) | st.just(UNKNOWN)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4), max_leaves=8
)


def _decoded(component: str, **inputs: Any) -> tuple[dict[str, Any], list[str]]:
    problems = Problems("it")
    found = asyncio.get_event_loop().run_until_complete(Decoder(problems).arguments(inputs, FIELDS[component]))
    try:
        problems.raise_any()
    except ValueError as error:
        return found, str(error).splitlines()
    return found, []


@given(st.sampled_from(sorted(FIELDS)), st.dictionaries(st.sampled_from(KEYS), values, max_size=5))
def test_whatever_is_given_is_taken_or_refused(component: str, inputs: dict[str, Any]):
    found, problems = _decoded(component, **inputs)
    for key in inputs.keys() - FIELDS[component].keys():
        assert any(line.startswith(f"it: {key}: unknown input") for line in problems)
    assert all(
        one.name in found or any(f" {key}" in line for line in problems) for key, one in FIELDS[component].items() if one.required
    )


def test_text_becomes_what_it_stands_for():
    anchors = [{"name": "2026", "trusted": "2026-11-02"}]
    found, problems = _decoded("MeshCertificates", mesh="istio", anchors=anchors, workload="12h", protect=False)
    assert problems == []
    assert found == {
        "mesh": "istio",
        "anchors": [Anchor("2026", trusted=date(2026, 11, 2))],
        "workload": timedelta(hours=12),
        "protect": False,
    }


def test_a_kind_tells_objects_with_the_same_fields_apart():
    found, _ = _decoded("Identity", provider={"kind": "okta", "jwksUri": "https://keys.bank.example"})
    assert found["provider"] == Okta(jwks_uri="https://keys.bank.example")


def test_numbers_that_are_whole_are_whole():
    scale = {"environmentClass": "mw1.small", "maxWorkers": 5.0}
    found, _ = _decoded("MwaaEnvironment", scale=scale)
    assert repr(found["scale"].max_workers) == "5"


def test_of_a_list_with_an_unknown_item_the_others_are_known():
    subnets = {
        "ids": ["subnet-1", UNKNOWN],
        "cidrs": ["10.0.0.0/26", "10.0.0.64/26"],
        "availabilityZones": ["a", "b"],
        "routeTableIds": ["rtb-1"],
    }
    found, problems = _decoded("MwaaEnvironment", subnets=subnets)
    assert [line for line in problems if "subnets" in line] == []
    known, unknown = found["subnets"].ids
    assert known == "subnet-1"
    assert isinstance(unknown, pulumi.Output)
    assert not asyncio.get_event_loop().run_until_complete(unknown.is_known())


def test_a_secret_is_not_told():
    _, problems = _decoded("MwaaEnvironment", scale=pulumi.Output.secret("hunter2"), owner=pulumi.Output.secret("hunter2"))
    assert {"it: owner: is a secret, and would be written down in plain: it can be none"} <= set(problems)
    assert any(line.startswith("it: scale: a secret is no object of environmentClass") for line in problems)
    assert "hunter2" not in str(problems)


@pytest.mark.parametrize(
    ("python", "wire"),
    [
        ("scale.max_workers", "scale.maxWorkers"),
        ('airflow_options["core.dags_folder"]', 'airflowOptions["core.dags_folder"]'),
        ("subnets.route_table_ids[1]", "subnets.routeTableIds[1]"),
        ("", ""),
    ],
)
def test_paths_are_told_as_the_program_has_them(python: str, wire: str):
    assert wire_path(python) == wire
