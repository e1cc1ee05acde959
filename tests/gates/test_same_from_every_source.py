"""A stack is proven, explained and compared the same, whatever wrote it down: the CLI, its state, or Airlock.

What an update makes known in the stacks of this repository is one thing: the number of a FortiGate policy, which its label has
then. A file that lacks something is refused.
"""

import json
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates import read_all
from pulumi_airlock.gates.declaration import declared_access
from pulumi_airlock.gates.documents import parse_document, pending
from pulumi_airlock.gates.sources import load_stack, stack_of_document
from pulumi_airlock.gates.stack import UNKNOWN, Stack
from pulumi_airlock.offline.project import find_project
from pulumi_airlock.offline.session import Session
from pulumi_airlock.proof import explain
from pulumi_airlock.proof.difference import Case, difference
from pulumi_airlock.report.plain import plain
from pulumi_airlock.report.proof import prove_stack, to_json

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
QUESTIONS = [
    ("ledger_close.post_entries", "ledger-db:1521"),
    ("var_daily.run", "ledger-db:1521"),
    ("outside", "airflow-ui-finance:443"),
]
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


@dataclass(frozen=True)
class Written:
    """What a stack left behind: JSON documents of a preview before its first update, of its state, and of a preview after it."""

    live: Stack
    said: str
    """What is said of the live stack."""
    said_state: str
    before: dict[str, Any]
    state: dict[str, Any]
    after: dict[str, Any]


@pytest.fixture(scope="module", params=["dev-mwaa", "prod-mwaa"])
def written(request, tmp_path_factory) -> Written:
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "stacks", folder / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    with Session(find_project(folder), request.param) as session:
        plan = session.preview()
        with session.locked("test"):
            session.apply(session.update())
        state = json.loads(session.state_file.path.read_text())
        after = session.preview()
    live, settled = plan.stack(), stack_of_document(state, "state")
    return Written(live, _said(live), _said(settled), _copy(plan.document()), state, _copy(after.document()))


def _copy(document: Any) -> Any:
    return json.loads(json.dumps(document))


def _said(stack: Stack) -> str:
    """Everything that is proven and explained."""
    reading, access = read_all(stack), declared_access(stack)
    assert access is not None
    proof = to_json(prove_stack(stack, at=AT))
    answers = [plain(explain(access, reading.environments, reading.filters, *question, at=AT)) for question in QUESTIONS]
    return json.dumps([proof, answers], indent=1)


def _without_numbers(said: str) -> str:
    return re.sub(r"policy \d+ ", "policy ", said)


def _cases(*stacks: Stack) -> list[Case]:
    return [Case(declared_access(stack), (found := read_all(stack)).environments, found.filters) for stack in stacks]


def as_the_cli_prints(document: dict[str, Any]) -> dict[str, Any]:
    """What the CLI shows before a step is done: no outputs and no id of what is new or stays, these in the old state alone."""
    document = _copy(document)
    for step in document["steps"]:
        step["newState"].pop("outputs", None)
        step["newState"].pop("id", None)
    return {"config": {}, "steps": document["steps"], "changeSummary": document["changeSummary"], "duration": 1}


def test_airlocks_own_record_is_the_live_stack(written: Written):
    assert _said(stack_of_document(written.before, "record")) == written.said


def test_the_clis_preview_is_the_live_stack(written: Written):
    assert _said(stack_of_document(as_the_cli_prints(written.before), "preview")) == written.said


def test_the_state_after_an_update_is_the_same_but_for_the_numbers_of_policies(written: Written):
    state = stack_of_document(written.state, "state")
    assert written.said_state != written.said
    assert _without_numbers(written.said_state) == _without_numbers(written.said)
    found = difference(*_cases(written.live, state), at=AT)
    assert found.same
    assert found.changes == ()


@pytest.mark.parametrize("form", [_copy, as_the_cli_prints])
def test_a_preview_of_a_stack_that_is_there_is_its_state(written: Written, form: Callable[..., Any]):
    assert _said(stack_of_document(form(written.after), "preview")) == written.said_state


def _with_leftovers(document: dict[str, Any]) -> None:
    resources = document["deployment"]["resources"]
    opened = next(one for one in resources if one["type"].endswith(":SecurityGroupEgressRule"))
    wide = {**opened, "inputs": {**opened["inputs"], "cidrIpv4": "0.0.0.0/0"}, "outputs": {}, "delete": True}
    gone = {**wide, "urn": f"{opened['urn']}-gone", "delete": False, "pendingReplacement": True}
    resources += [wide, gone]


def _with_pending_operations(document: dict[str, Any]) -> None:
    one = document["deployment"]["resources"][-1]
    document["deployment"]["pending_operations"] = [{"resource": {**one, "urn": f"{one['urn']}-new"}, "type": "creating"}]


def _with_secrets_shown(document: dict[str, Any]) -> None:
    """`--show-secrets`: each is JSON within JSON."""
    text = re.sub(r'"ciphertext": ".*?"', '"plaintext": "\\\\"hush\\\\""', json.dumps(document))
    document.update(json.loads(text))


def _with_other_ids(document: dict[str, Any]) -> None:
    pattern = r"\b(sg|sgr|subnet|vpc|rtb|vpce|vgw|eni|acl|igw|nat|cgw|vpn)-[0-9a-f]{6,}"
    document.update(json.loads(re.sub(pattern, lambda found: f"{found[1]}-{found[0][-6:]}0ther", json.dumps(document))))


def _with_features(document: dict[str, Any]) -> None:
    document["version"] = 4
    document["features"] = ["hooks"]
    for one in document["deployment"]["resources"]:
        one.update({"created": "2026-01-01T00:00:00Z", "modified": "2026-01-01T00:00:00Z", "sourcePosition": "project:///x#1"})


@pytest.mark.parametrize(
    "change", [_with_leftovers, _with_pending_operations, _with_secrets_shown, _with_other_ids, _with_features]
)
def test_what_else_a_state_holds_changes_nothing(written: Written, change: Callable[[dict[str, Any]], None]):
    document = _copy(written.state)
    change(document)
    assert document != written.state
    assert _said(stack_of_document(document, "export")) == written.said_state


def test_the_order_in_which_a_program_registers_means_nothing(written: Written):
    document = _copy(written.state)
    random.Random(4).shuffle(document["deployment"]["resources"])  # noqa: S311
    shuffled = stack_of_document(document, "export")
    assert difference(*_cases(shuffled, stack_of_document(written.state, "state")), at=AT).changes == ()
    first, second = (json.loads(one)[0] for one in (_said(shuffled), written.said_state))
    assert {key: first[key] for key in ("ok", "matrix", "excess", "blocked", "unproven")} == {
        key: second[key] for key in ("ok", "matrix", "excess", "blocked", "unproven")
    }


def test_a_replacement_counts_as_what_comes_not_as_what_goes(written: Written):
    document = as_the_cli_prints(written.before)
    position, step = next(
        (place, one)
        for place, one in enumerate(document["steps"])
        if one["newState"]["type"].endswith(":SecurityGroupEgressRule")
    )
    old = {**step["newState"], "id": "sgr-old", "inputs": {**step["newState"]["inputs"], "cidrIpv4": "0.0.0.0/0"}}
    parts = [{**step, "op": op, "oldState": old, "replaceReasons": ["cidrIpv4"]} for op in ("create-replacement", "replace")]
    parts.append({"op": "delete-replaced", "urn": step["urn"], "oldState": old})
    for order in (parts, parts[::-1]):
        steps = [*document["steps"][:position], *order, *document["steps"][position + 1 :]]
        found = stack_of_document({**document, "steps": steps}, "preview")
        assert _said(found) == written.said


def test_a_masked_secret_is_unknown_in_a_preview_and_a_word_in_a_state():
    rule = {
        "urn": "urn:pulumi:dev::bank::x:y:Z::rule",
        "type": "x:y:Z",
        "custom": True,
        "inputs": {"cidr": "[secret]", "to": ["[secret]"]},
    }
    (masked,) = stack_of_document({"steps": [{"op": "create", "newState": rule}]}, "preview").resources
    assert masked.get("cidr") is UNKNOWN
    assert masked.get("to", 0) is UNKNOWN
    (plainly,) = stack_of_document({"version": 3, "deployment": {"resources": [rule]}}, "state").resources
    assert plainly.get("cidr") == "[secret]"
    assert plainly.stack.name == "dev"
    assert plainly.stack.project == "bank"


def test_an_update_has_the_new_inputs_and_keeps_its_id():
    old = {
        "urn": "urn:pulumi:dev::bank::x:y:Z::rule",
        "type": "x:y:Z",
        "custom": True,
        "id": "r-1",
        "inputs": {"a": 1},
        "outputs": {"a": 1},
    }
    new = {key: value for key, value in old.items() if key not in ("id", "outputs")} | {"inputs": {"a": 2}}
    (found,) = stack_of_document({"steps": [{"op": "update", "oldState": old, "newState": new}]}, "preview").resources
    assert (found.get("a"), found.get("id")) == (2, "r-1")


def test_what_an_interrupted_update_left_open_is_told(written: Written):
    document = _copy(written.state)
    assert pending(document) == ""
    _with_pending_operations(document)
    assert "-new (creating) is not known: `pulumi refresh`" in pending(document)


# --- wrong files

STATE = {"urn": "urn:pulumi:dev::bank::x:y:Z::one", "type": "x:y:Z"}
EVENT = {"sequence": 1, "timestamp": 2, "preludeEvent": {"config": {}}}
WRONG = {
    "a preview that failed": (
        {"steps": [{"op": "create", "newState": STATE}], "diagnostics": [{"severity": "error", "message": "no region"}]},
        "a run that failed.*no region",
    ),
    "a preview without what stays": (
        {"steps": [{"op": "same", "newState": STATE}], "changeSummary": {"same": 40, "create": 0}},
        "leaves out 39 resources.*--show-sames",
    ),
    "operations alone": ({"steps": [{"op": "create", "urn": STATE["urn"]}]}, "without their resources.*preview --json"),
    "one step without its resource": (
        {"steps": [{"op": "create", "newState": STATE}, {"op": "create", "urn": "u"}]},
        "no properties for 1 of its steps",
    ),
    "steps that are none": ({"steps": [1]}, "is no preview"),
    "a summary alone": ({"changeSummary": {"create": 1}}, "without steps"),
    "one event": (EVENT, "event log"),
    "a checkpoint": ({"version": 3, "checkpoint": {"latest": {}}}, "checkpoint.*stack export"),
    "an update plan": ({"resourcePlans": {}}, "--save-plan"),
    "an old state": ({"version": 2, "deployment": {"resources": []}}, "version 2.*3 and 4"),
    "a state to come": ({"version": 5, "deployment": {"resources": []}}, "version 5"),
    "resources that are none": ({"version": 3, "deployment": {"resources": [STATE, {"id": 1}]}}, r"resources\[1\]. has no urn"),
    "resources in no list": ({"version": 3, "deployment": {"resources": {"a": STATE}}}, "are no list"),
    "a proof": ({"ok": True, "excess": [], "blocked": []}, "is a proof"),
    "an access file": ({"apiVersion": "airlock/v1", "routes": []}, "is an access file"),
    "something else": ({"a": 1}, "holds no resources"),
}
WRONG_TEXTS = {
    "nothing": (b" \n", "is empty"),
    "a file that was cut": (b'{"steps": [{"op": "create", "newState": {"urn": "urn:pul', "ends in the middle"),
    "a file cut after a value": (b'{"steps": [', "ends in the middle"),
    "an event log": (b"\n".join(json.dumps(EVENT).encode() for _ in range(3)), "event log.*preview --json"),
    "what is printed for people": (b"Previewing update (dev)\n\n     Type  Name\n", "add `--json`"),
    "no text": (b"\xff\x00\xfe\x01", "cannot be read|is not JSON"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_document_that_is_no_whole_stack_is_refused_with_what_to_give(name: str):
    document, said = WRONG[name]
    with pytest.raises(InputError, match=f"(?s)file: .*{said}"):
        stack_of_document(document, "file")


@pytest.mark.parametrize("name", WRONG_TEXTS)
def test_a_file_that_is_no_json_is_refused_with_what_it_is(name: str):
    content, said = WRONG_TEXTS[name]
    with pytest.raises(InputError, match=said):
        parse_document(content, "file")


def test_a_file_of_powershell_is_read(tmp_path: Path):
    file = tmp_path / "state.json"
    file.write_text(json.dumps({"version": 3, "deployment": {"resources": [STATE]}}), encoding="utf-16")
    assert [one.urn for one in load_stack(file).resources] == [STATE["urn"]]


def test_a_stack_without_resources_is_one():
    assert stack_of_document({"version": 3, "deployment": {"manifest": {}}}, "state").resources == ()
    assert stack_of_document({"steps": [{"op": "delete", "oldState": STATE}]}, "preview").resources == ()
