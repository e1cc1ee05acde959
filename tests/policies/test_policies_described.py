"""What holds for every policy of the pack, so that none is added half."""

import ast
from pathlib import Path

import pytest
from least_privilege import docs, registry
from least_privilege.reading import kind_of
from pulumi_policy import EnforcementLevel

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "policies.md"
ALL = registry.load()

each = pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)


def test_the_pack_has_what_was_asked_for():
    assert len(ALL) >= 25
    assert {one.module for one in ALL} == set(registry.MODULES)


@each
def test_metadata_is_complete(one):
    policy = one.policy
    assert policy.severity
    assert policy.framework.name == "SOC 2"
    assert policy.framework.reference.startswith("CC")
    assert policy.framework.specification
    assert policy.remediation_steps.endswith((".", "`"))
    assert policy.url is None or policy.url.startswith("https://")
    assert policy.description.endswith(".")
    assert policy.tags
    assert policy.config_schema.properties["unknown"]["default"] == "ignore"
    assert policy.enforcement_level in (EnforcementLevel.MANDATORY, EnforcementLevel.ADVISORY)
    for schema in one.settings.values():
        assert schema["description"]
        assert "default" in schema


@each
def test_kinds_are_spelled_the_one_way(one):
    for kind in (*one.types, *one.beside):
        assert kind_of(kind) == kind, "matched by kind_of(type), so it must be what kind_of gives"


@each
def test_a_test_of_its_own_has_passing_failing_and_unknown_inputs(one):
    source = (HERE / f"test_policy_{one.module}.py").read_text(encoding="utf-8")
    tests = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    name = f"test_{one.check.__name__}"
    assert name in tests, f"write {name} in test_policy_{one.module}.py"
    body = tests[name]
    called = {node.func.attr for node in ast.walk(body) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    assert one.name in ast.unparse(body), "the test is not of this policy"
    assert {"passes", "fails"} <= called
    assert "undecided" in called or "UNKNOWN" in ast.unparse(body)
    assert not one.remedy or "remedied" in called


def test_names_are_unique_and_stable_in_form():
    names = [one.name for one in ALL]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and " " not in name and len(name) <= 60 for name in names)


def test_a_name_cannot_be_taken_twice():
    with pytest.raises(ValueError, match="two policies are named aws-kms-rotation: in aws_data"):
        registry._add(next(one for one in ALL if one.name == "aws-kms-rotation"))


def test_the_page_is_what_the_registry_says():
    command = "cd policy-packs/least-privilege && python -m least_privilege.docs ../../docs/policies.md"
    assert PAGE.read_text(encoding="utf-8") == docs.markdown(ALL), f"out of date; run: {command}"


@each
def test_the_page_has_a_row_for_it(one):
    page = PAGE.read_text(encoding="utf-8")
    assert f"| [`{one.name}`](#{one.name}) | " in page
    assert f"\n### {one.name}\n" in page
