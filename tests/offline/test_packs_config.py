"""Configuration of policies: as the Pulumi CLI's `--policy-pack-config` has it, and clear when it is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import analyzer_pb2
from pulumi_airlock.errors import Problems
from pulumi_airlock.offline.packs import Level, PackSpec, PolicyInfo, PolicyPackError, PolicyPacks, load_config
from pulumi_airlock.offline.packs.config import PolicyConfig, parse_config, reconcile
from pulumi_airlock.offline.packs.schema import violations

PACKS = Path(__file__).parent / "packs"
LEVELS = [level.value for level in Level]


def started(config: Any) -> PolicyPacks:
    return PolicyPacks.start([PackSpec(PACKS / "house", config)], project="bank", stack="prod")


def levels(config: Any) -> dict[str, Level]:
    with started(config) as packs:
        (info,) = packs.infos
        return {name: policy.level for name, policy in info.policies.items()}


def test_all_sets_every_policy_and_a_policys_own_entry_wins() -> None:
    found = levels({"all": "disabled", "tagged": "mandatory", "small": {"enforcementLevel": "advisory", "largest": 5}})
    assert found.pop("tagged") is Level.MANDATORY
    assert found.pop("small") is Level.ADVISORY
    assert set(found.values()) == {Level.DISABLED}


def test_configured_properties_reach_the_policy_beside_the_schemas_defaults() -> None:
    request = analyzer_pb2.AnalyzeRequest(
        urn="urn:pulumi:prod::bank::test:index:Bucket::one", type="test:index:Bucket", name="one"
    )
    request.properties.update({"size": 7})
    with started({"small": {"largest": 5}, "tagged": "mandatory"}) as packs:
        found = {one.policy: one for one in packs.analyze(request)}
    assert found["small"].message == "7 GB is over 5 GB"
    assert found["tagged"].level is Level.MANDATORY


def test_a_configuration_file_is_read_as_the_cli_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "policies.json"
    path.write_text(json.dumps({"no-open-port": "advisory"}), encoding="utf-8")
    assert levels(path)["no-open-port"] is Level.ADVISORY
    path.write_text(" \n", encoding="utf-8")
    assert load_config(path) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "policies.json:1: is not JSON"),
        ("[]", "[] is not an object"),
    ],
)
def test_a_configuration_file_that_is_none_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "policies.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyPackError) as caught:
        load_config(path)
    assert expected in str(caught.value)


def test_every_problem_of_a_configuration_is_told_at_once() -> None:
    config = {
        "smal": "mandatory",
        "no-open-port": "fatal",
        "small": {"largest": 0, "unit": "KB"},
        "tagged": 3,
        "all": {"largest": 3},
        "environments": ["prod"],
    }
    with started(config) as packs, pytest.raises(PolicyPackError) as caught:
        _ = packs.infos
    text = str(caught.value)
    assert "smal: no such policy in the pack; did you mean 'small'?" in text
    assert "no-open-port: 'fatal' is not an enforcement level: expected one of advisory, mandatory, remediate, disabled" in text
    assert "small.largest: 0 is less than the minimum 1" in text
    assert 'small.unit: "KB" is not one of "GB", "TB"' in text
    assert "tagged: 3 is neither a level" in text
    assert "all: sets levels alone, and cannot take largest" in text
    assert "environments: Pulumi ESC environments are not read offline" in text
    assert len(caught.value.problems) == 7
    assert all(problem.place == str(PACKS / "house") for problem in caught.value.problems)


@given(
    own=st.sampled_from(list(Level)),
    initial=st.dictionaries(st.sampled_from(["all", "a"]), st.sampled_from(list(Level))),
    user=st.dictionaries(st.sampled_from(["all", "a"]), st.sampled_from(list(Level))),
)
def test_the_strongest_layer_that_speaks_of_a_policy_decides(own: Level, initial: Any, user: Any) -> None:
    policies = {"a": PolicyInfo("a", "", own, "resource"), "b": PolicyInfo("b", "", own, "resource")}
    layers = [{name: PolicyConfig(level) for name, level in layer.items()} for layer in (initial, user)]
    found = reconcile(policies, layers[0], layers[1], Problems(""))
    assert found["a"].level is (user.get("a") or user.get("all") or initial.get("a") or initial.get("all") or own)
    assert found["b"].level is (user.get("all") or initial.get("all") or own)


@given(st.dictionaries(st.text(min_size=1), st.one_of(st.sampled_from(LEVELS), st.dictionaries(st.text(), st.integers()))))
def test_parsing_keeps_every_property_and_never_the_level_among_them(config: Any) -> None:
    problems = Problems("")
    parsed = parse_config({name: value for name, value in config.items() if name != "environments"}, problems)
    for name, one in parsed.items():
        value = config[name]
        expected = {} if isinstance(value, str) else {key: item for key, item in value.items() if key != "enforcementLevel"}
        assert one.properties == expected


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "integer"}, 3.0, 3.5),
        ({"type": "number"}, 3, True),
        ({"type": ["string", "null"]}, None, 3),
        ({"enum": ["a", 1]}, 1, True),
        ({"const": "a"}, "a", "b"),
        ({"minimum": 1, "maximum": 3}, 2, 4),
        ({"exclusiveMinimum": 1}, 2, 1),
        ({"exclusiveMaximum": 1}, 0, 1),
        ({"multipleOf": 5}, 15, 16),
        ({"minLength": 2}, "ab", "a"),
        ({"maxLength": 2}, "ab", "abc"),
        ({"pattern": "^a"}, "ab", "ba"),
        ({"minItems": 1}, [1], []),
        ({"maxItems": 1}, [1], [1, 2]),
        ({"uniqueItems": True}, [1, 2], [1, 1]),
        ({"items": {"type": "string"}}, ["a"], ["a", 1]),
        ({"required": ["a"]}, {"a": 1}, {"b": 1}),
        ({"properties": {"a": {"type": "string"}}, "additionalProperties": False}, {"a": "b"}, {"b": 1}),
        ({"additionalProperties": {"type": "string"}}, {"b": "a"}, {"b": 1}),
        ({"anyOf": [{"type": "string"}, {"minimum": 3}]}, 3, 2),
        ({"oneOf": [{"minimum": 1}, {"minimum": 3}]}, 2, 4),
        ({"allOf": [{"minimum": 1}, {"maximum": 3}]}, 2, 4),
        ({"not": {"type": "string"}}, 2, "a"),
    ],
)
def test_a_schema_lets_the_good_through_and_not_the_bad(schema: Any, good: Any, bad: Any) -> None:
    assert list(violations(schema, good)) == []
    assert list(violations(schema, bad)) != []


def test_a_violation_names_the_place_within_the_value() -> None:
    schema = {"properties": {"sources": {"items": {"properties": {"port": {"type": "integer"}}}}}}
    assert list(violations(schema, {"sources": [{"port": 1}, {"port": "ssh"}]})) == [
        ("sources[1].port", '"ssh" is not of type "integer"')
    ]
