"""Real packs, as processes, through the host: what the engine and its users see of them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_airlock.offline.packs import Level, PackSpec, PolicyPacks

PACKS = Path(__file__).parent / "packs"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
ROOT = "urn:pulumi:prod::bank::pulumi:pulumi:Stack::bank-prod"
SETTINGS: dict[str, Any] = {
    "project": "bank",
    "stack": "prod",
    "organization": "example",
    "config": {"bank:region": "eu-central-1", "bank:token": "t0ken-value"},
    "secret_keys": ["bank:token"],
    "tags": {"team": "platform"},
}


def struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(dict(properties), struct_pb2.Struct())


def urn(name: str, kind: str = "test:index:Bucket") -> str:
    return f"urn:pulumi:prod::bank::{kind}::{name}"


def request(name: str = "one", kind: str = "test:index:Bucket", **properties: Any) -> analyzer_pb2.AnalyzeRequest:
    return analyzer_pb2.AnalyzeRequest(urn=urn(name, kind), type=kind, name=name, properties=struct(properties))


@pytest.fixture(scope="module")
def house() -> Iterator[PolicyPacks]:
    with PolicyPacks.start([PackSpec(PACKS / "house")], **SETTINGS) as packs:
        yield packs


@pytest.fixture(scope="module")
def both() -> Iterator[PolicyPacks]:
    with PolicyPacks.start([PackSpec(PACKS / "house"), PackSpec(PACKS / "second")], **SETTINGS) as packs:
        yield packs


def test_a_mandatory_violation_carries_all_that_its_policy_says(house: PolicyPacks) -> None:
    (found,) = house.analyze(request(cidr="0.0.0.0/0"))
    assert found.level is Level.MANDATORY
    assert (found.pack, found.policy, found.urn) == ("house", "no-open-port", urn("one"))
    assert found.message == "one is open to 0.0.0.0/0"
    assert found.description == "No port is open to the world."
    assert (found.severity, found.framework) == ("critical", "SOC 2 2017 CC6.6")
    assert (found.remediation_steps, found.url) == ("Name the sources.", "https://example.com/open-port")


def test_a_policy_without_a_level_has_its_packs(house: PolicyPacks) -> None:
    (found,) = house.analyze(request(size=11))
    assert (found.policy, found.level) == ("small", Level.ADVISORY)
    assert found.message == "11 GB is over 10 GB", "the schema's defaults are the configuration"


def test_a_disabled_policy_says_nothing(house: PolicyPacks) -> None:
    assert house.analyze(request()) == []
    (info,) = house.infos
    assert info.policies["tagged"].level is Level.DISABLED


def test_a_pack_says_what_it_is(house: PolicyPacks) -> None:
    (info,) = house.infos
    assert (info.name, info.version, info.description) == ("house", "1.2.3", "A pack of the tests.")
    assert (info.policies["linked"].kind, info.policies["small"].kind) == ("stack", "resource")
    assert list(info.policies) == sorted(info.policies)


def test_an_asynchronous_policy_is_awaited(house: PolicyPacks) -> None:
    assert [one.message for one in house.analyze(request(late=True))] == ["too late"]


def test_a_policy_sees_the_stack_it_runs_for(house: PolicyPacks) -> None:
    expected = "example/bank/prod True eu-central-1 platform"
    assert house.analyze(request(expects=expected)) == []
    (found,) = house.analyze(request(expects="another"))
    assert found.message == f"it runs in {expected}"
    assert found.level is Level.MANDATORY, "the pack's initial configuration wins over the policy's own level"


def test_an_unknown_value_skips_a_policy_with_an_advisory_note(house: PolicyPacks) -> None:
    (found,) = house.analyze(request(cidr=UNKNOWN))
    assert (found.policy, found.level) == ("no-open-port", Level.ADVISORY)
    assert "string value at .cidr can't be known during preview" in found.message


def test_a_policy_that_does_not_apply_says_why(house: PolicyPacks) -> None:
    assert house.analyze(request("rule", "test:index:Rule")) == []
    reasons = {one.urn: one.message for one in house.not_applicable if one.policy == "only-buckets"}
    assert reasons[urn("rule", "test:index:Rule")] == "only buckets are looked at"


def test_a_remediation_changes_the_inputs_and_the_violation_is_gone(house: PolicyPacks) -> None:
    asked = request(encrypted=False, name_="kept")
    properties, (done,) = house.remediate(asked)
    assert properties is not None
    assert json_format.MessageToDict(properties) == {"encrypted": True, "name_": "kept"}
    assert (done.policy, done.applied, done.level, done.urn) == ("encrypted", True, Level.REMEDIATE, urn("one"))
    assert json_format.MessageToDict(asked.properties)["encrypted"] is False, "the request is the engine's"
    asked.properties.CopyFrom(properties)
    assert house.analyze(asked) == []


def test_what_a_remediation_leaves_is_mandatory(house: PolicyPacks) -> None:
    assert house.remediate(request(broken=True)) == (None, [])
    (found,) = house.analyze(request(broken=True))
    assert (found.policy, found.level) == ("unfixable", Level.MANDATORY)


def test_a_remediation_that_meets_an_unknown_says_so_and_changes_nothing(house: PolicyPacks) -> None:
    properties, (done,) = house.remediate(request(encrypted="1c4a061d-8072-4f0a-a4cb-0ff528b18fe7"))
    assert properties is None
    assert (done.applied, done.level) == (False, Level.ADVISORY)
    assert "boolean value at .encrypted can't be known during preview" in done.message


def test_a_remediation_keeps_unknowns_and_secrets_as_they_are(house: PolicyPacks) -> None:
    secret = {**SECRET, "value": "hunter2"}
    properties, _ = house.remediate(request(encrypted=False, keyId=UNKNOWN, password=secret, deep={"list": [secret, None]}))
    assert properties is not None
    assert json_format.MessageToDict(properties) == {
        "encrypted": True,
        "keyId": UNKNOWN,
        "password": secret,
        "deep": {"list": [secret, None]},
    }


def test_a_pack_sees_what_the_pack_before_it_fixed(both: PolicyPacks) -> None:
    properties, done = both.remediate(request(encrypted=False))
    assert properties is not None
    assert json_format.MessageToDict(properties) == {"encrypted": True, "label": "encrypted by then"}
    assert [one.pack for one in done] == ["house", "second"]


def test_packs_answer_side_by_side_in_the_order_given(both: PolicyPacks) -> None:
    pending = [both.analyze_later(request(f"r{index}", cidr="0.0.0.0/0")) for index in range(50)]
    for index, one in enumerate(pending):
        assert [(found.pack, found.urn) for found in one.result()] == [
            ("house", urn(f"r{index}")),
            ("second", urn(f"r{index}")),
        ]


def test_secrets_do_not_show_in_messages(house: PolicyPacks) -> None:
    (found,) = house.analyze(request(password={**SECRET, "value": 'it\'s\n"hunter2"'}))
    assert found.policy == "leak"
    assert "hunter2" not in found.message
    assert "t0ken-value" not in found.message, "nor a secret of the stack's configuration"
    assert found.message.count("[secret]") == 2


def test_secrets_do_not_show_in_the_messages_of_a_stack_policy(house: PolicyPacks) -> None:
    rule = analyzer_pb2.AnalyzerResource(
        urn=urn("s3cret", "test:index:Rule"),
        type="test:index:Rule",
        name="s3cret",
        properties=struct({"key": {**SECRET, "value": "s3cret"}}),
    )
    found = {one.policy: one for one in house.analyze_stack([rule])}
    assert "s3cret" not in found["linked"].message


def test_a_stack_policy_sees_parents_and_property_dependencies(house: PolicyPacks) -> None:
    group = analyzer_pb2.AnalyzerResource(urn=urn("group", "test:index:Group"), type="test:index:Group", name="group")
    linked, lost = (
        analyzer_pb2.AnalyzerResource(
            urn=urn(name, "test:index:Rule"),
            type="test:index:Rule",
            name=name,
            parent=group.urn,
            properties=struct({"groupId": UNKNOWN}),
            propertyDependencies={"groupId": analyzer_pb2.AnalyzerPropertyDependencies(urns=urns)},
        )
        for name, urns in (("linked", [group.urn]), ("lost", []))
    )
    bucket = analyzer_pb2.AnalyzerResource(urn=urn("bucket"), type="test:index:Bucket", name="bucket")
    (found,) = house.analyze_stack([group, linked, lost, bucket])
    assert (found.policy, found.urn, found.level) == ("linked", lost.urn, Level.MANDATORY)
    assert found.message == "lost belongs to no group; its parent is group"


def test_a_violation_of_no_resource_is_the_stacks(house: PolicyPacks) -> None:
    root = analyzer_pb2.AnalyzerResource(urn=ROOT, type="pulumi:pulumi:Stack", name="bank-prod")
    (found,) = house.analyze_stack([root])
    assert (found.policy, found.urn) == ("whole-stack", ROOT)


def test_no_packs_find_nothing() -> None:
    with PolicyPacks.start([], project="bank", stack="prod") as packs:
        assert packs.analyze(request(cidr="0.0.0.0/0")) == []
        assert packs.remediate(request()) == (None, [])
        assert packs.analyze_stack([]) == []


def test_an_update_is_no_preview_to_a_pack() -> None:
    settings = {**SETTINGS, "config": {}, "secret_keys": [], "tags": {}}
    with PolicyPacks.start([PackSpec(PACKS / "house")], dry_run=False, **settings) as packs:
        (found,) = packs.analyze(request(expects="another"))
    assert found.message == "it runs in example/bank/prod False None None"
