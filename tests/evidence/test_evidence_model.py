"""What counts as evidence, and what does not: silence about nothing never makes a criterion hold."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.offline.packs import Diagnostic, Level, NotApplicable, PackInfo, PolicyInfo
from pulumi_airlock.soc2 import files
from pulumi_airlock.soc2.criteria import CRITERIA, UNDECIDED
from pulumi_airlock.soc2.gather import Judged, gather
from pulumi_airlock.soc2.model import Control, Evaluated, Evidence, Result, standing

KEY = "aws:kms/key:Key"
URN = f"urn:pulumi:prod::bank::{KEY}::ledger"
EVALUATED = Evaluated(
    project="bank",
    stack="prod",
    source="preview.json",
    simulated=False,
    preview="0" * 64,
    resources=1,
    at=datetime(2026, 11, 26, tzinfo=UTC),
    as_of=datetime(2026, 11, 26, tzinfo=UTC),
    airlock="0.1.0",
    commit="4f6c",
)


def policy(name: str = "rotation", *, tags: tuple[str, ...] = ("soc2:CC6.1", f"type:{KEY}"), **given: Any) -> PolicyInfo:
    return PolicyInfo(name, "Keys rotate.", **{"level": Level.MANDATORY, "kind": "resource", "tags": tags, **given})


def evidence(*policies: PolicyInfo, types: tuple[str, ...] = (KEY,), **said: Any) -> Evidence:
    stack = Stack([Resource(f"urn:pulumi:prod::bank::{one}::ledger", one, {}) for one in types], "prod", "bank")
    pack = PackInfo("house", "1.0", "/house", "", {one.name: one for one in policies})
    return gather(EVALUATED, stack, Judged([pack], **said))


def control(made: Evidence, name: str = "rotation") -> Control:
    return made.control(f"house/{name}")


def result_of(made: Evidence, reference: str) -> str:
    return next(one.result for one in made.criteria if one.reference == reference)


def diagnostic(message: str = "is off", **given: Any) -> Diagnostic:
    return Diagnostic("house", "rotation", **{"urn": URN, "message": message, "level": Level.MANDATORY, **given})


def test_a_policy_that_saw_its_resources_and_found_nothing_holds():
    made = evidence(policy())
    assert (control(made).result, control(made).resources) == (Result.HOLDS, (URN,))
    assert result_of(made, "CC6.1") == "holds"


def test_a_policy_whose_kind_of_resource_is_not_there_is_no_evidence():
    made = evidence(policy(), types=("aws:s3/bucket:Bucket",))
    assert (control(made).result, control(made).reason) == (Result.NOT_APPLICABLE, f"the stack has none of {KEY}")
    assert result_of(made, "CC6.1") == "no evidence"


@pytest.mark.parametrize("level", [Level.MANDATORY, Level.ADVISORY])
def test_a_violation_makes_the_criterion_violated_at_whatever_level(level: Level):
    made = evidence(policy(level=level), policy("other"), diagnostics=[diagnostic(level=level)])
    assert [(one.message, one.resource) for one in control(made).findings] == [("is off", URN)]
    assert control(made, "other").result is Result.HOLDS
    assert result_of(made, "CC6.1") == "violated"


def test_what_is_not_known_is_undecided_and_not_held():
    noted = NotApplicable("house", "rotation", URN, f"{UNDECIDED}ledger: keyUsage cannot be known")
    made = evidence(policy(), not_applicable=[noted])
    assert control(made).result is Result.UNDECIDED
    assert control(made).findings[0].message == "ledger: keyUsage cannot be known"
    skipped = diagnostic("can't run policy 'rotation' from policy pack 'house@v1' during preview: unknown", level=Level.ADVISORY)
    assert control(evidence(policy(), diagnostics=[skipped])).result is Result.UNDECIDED


def test_a_disabled_policy_and_one_that_excuses_itself_are_no_evidence():
    assert "disables" in control(evidence(policy(level=Level.DISABLED))).reason
    excused = NotApplicable("house", "rotation", "", "nothing to encrypt")
    made = evidence(policy(kind="stack"), not_applicable=[excused])
    assert (control(made).result, control(made).reason) == (Result.NOT_APPLICABLE, "nothing to encrypt")


def test_a_pack_that_does_not_say_what_it_judges_proves_nothing_by_silence():
    made = evidence(policy(tags=("soc2:CC6.1",)))
    assert control(made).result is Result.UNDECIDED
    assert "does not say which resources" in control(made).reason


def test_a_stack_policy_looks_at_the_whole_stack_and_a_framework_names_the_criterion_too():
    made = evidence(policy(kind="stack", tags=(), framework="SOC 2 2017 CC6.6"))
    assert (control(made).criteria, control(made).whole_stack, control(made).result) == (("CC6.6",), True, Result.HOLDS)
    assert len(evidence(policy(tags=(f"type:{KEY}",), framework="PCI DSS 4.0 8.3")).controls) == 1  # the change alone


def test_every_criterion_is_told_of_and_those_with_nothing_have_nothing():
    made = evidence()
    assert [one.reference for one in made.criteria] == [one.reference for one in CRITERIA]
    assert {one.reference for one in made.criteria if one.result != "no evidence"} == {"CC8.1"}


@given(st.lists(st.sampled_from(Result)))
def test_a_criterion_is_never_better_than_its_worst_control(results: list[Result]):
    found = standing(results)
    assert (found == "holds") == (Result.HOLDS in results and not {Result.VIOLATED, Result.UNDECIDED} & set(results))
    assert (found == "no evidence") == (set(results) <= {Result.NOT_APPLICABLE})
    assert (found == "violated") == (Result.VIOLATED in results)


@pytest.mark.parametrize(("changed", "update"), [(True, {"changed": True}), (False, {"commit": ""})])
def test_a_change_that_nobody_can_have_reviewed_is_undecided(changed: bool, update: dict[str, Any]):
    made = gather(EVALUATED.model_copy(update=update), Stack([], "prod", "bank"), Judged())
    assert result_of(made, "CC8.1") == "undecided"
    assert ("4f6c" in made.control("change").reason) is changed


def test_the_plan_is_the_same_whenever_it_was_made_and_in_whatever_order():
    steps = [
        {"op": "create", "urn": "b", "newState": {"urn": "b", "type": KEY, "inputs": {"x": 1, "y": 2}, "created": "2026-01-01"}},
        {"op": "delete", "urn": "a", "oldState": {"urn": "a"}},
    ]
    again = [steps[1], {**steps[0], "newState": {"inputs": {"y": 2, "x": 1}, "type": KEY, "urn": "b", "created": "2026-02-02"}}]
    plan = files.canonical(files.canonical_plan({"steps": steps}))
    assert plan == files.canonical(files.canonical_plan({"steps": again}))
    assert plan != files.canonical(files.canonical_plan({"steps": steps[:1]}))
    other = [{**steps[0], "newState": {**steps[0]["newState"], "inputs": {"x": 1, "y": 3}}}, steps[1]]  # type: ignore[dict-item]
    assert plan != files.canonical(files.canonical_plan({"steps": other}))


def test_a_secrets_ciphertext_is_no_part_of_the_plan():
    def plan(value: Any) -> bytes:
        state = {"urn": "a", "type": KEY, "inputs": {"token": value}}
        return files.canonical(files.canonical_plan({"deployment": {"resources": [state]}}))

    signed = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
    assert plan({**signed, "ciphertext": "v1:a"}) == plan({**signed, "ciphertext": "v1:b"}) == plan("[secret]") != plan("open")


def test_a_file_that_claims_more_than_its_controls_say_is_refused(tmp_path):
    made = evidence(policy(), diagnostics=[diagnostic()])
    path = tmp_path / files.JSON
    path.write_bytes(files.to_json(made))
    assert files.read(path) == made
    content = path.read_text().replace('"result": "violated",\n      "title"', '"result": "holds",\n      "title"')
    assert content != path.read_text()
    path.write_text(content)
    with pytest.raises(InputError, match=r"CC6\.1: its controls do not say that it is 'holds'"):
        files.read(path)


def test_a_file_that_leaves_out_a_criterion_is_refused(tmp_path):
    made = evidence(policy(), diagnostics=[diagnostic()])
    document = json.loads(files.to_json(made))
    document["criteria"] = [one for one in document["criteria"] if one["reference"] != "CC6.1"]
    (tmp_path / files.JSON).write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"left out: CC6\.1"):
        files.read(tmp_path / files.JSON)


def test_a_sign_off_is_of_what_was_there_and_later_changes_show(tmp_path):
    made = evidence(policy())
    first = files.signed_off(made, "A. Auditor", "I have read it.", EVALUATED.at)
    both = files.signed_off(first, "B. Boss", "Approved.", EVALUATED.at)
    path = tmp_path / files.JSON
    path.write_bytes(files.to_json(both))
    assert [one.name for one in files.read(path).sign_offs] == ["A. Auditor", "B. Boss"]
    path.write_bytes(files.to_json(both).replace(b'"4f6c"', b'"beef"'))
    with pytest.raises(InputError, match=r"signOffs: A\. Auditor: signed off something else(.|\n)*B\. Boss"):
        files.read(path)
