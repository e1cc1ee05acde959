"""What a whole stack compiles, written as its vendors write it and imported again, is proven the same."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aws_render import printed
from fortios_render import backup
from pulumi_airlock.brownfield import Imported, Options, document_of, read_sources, text_of
from pulumi_airlock.brownfield.drafting import draft
from pulumi_airlock.gates import zpa
from pulumi_airlock.gates.declaration import required_access
from pulumi_airlock.gates.fortigate.device import kind_of
from pulumi_airlock.gates.sources import stack_of_document
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.offline.project import find_project
from pulumi_airlock.offline.session import Session
from pulumi_airlock.proof import Proof
from pulumi_airlock.report.proof import prove_stack
from pulumi_airlock.tokens import FORTIGATE_GATE
from zpa_render import answered

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
PROXY = "The proxy of the scheduler, worker, webserver"


@dataclass(frozen=True)
class Settled:
    """The stack prod-mwaa after its first update, and its proof."""

    stack: Stack
    proof: Proof


@pytest.fixture(scope="module")
def settled(tmp_path_factory) -> Settled:
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "stacks", folder / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    with Session(find_project(folder), "prod-mwaa") as session:
        session.preview()
        with session.locked("test"):
            session.apply(session.update())
        stack = stack_of_document(json.loads(session.state_file.path.read_text()), "state")
    return Settled(stack, prove_stack(stack, at=AT))


def imported(
    settled: Settled, folder: Path, gone: Callable[[Resource], bool], files: Mapping[str, str], *interfaces: str
) -> Imported:
    """The stack without some resources, and files in their place."""
    rest = Stack([one for one in settled.stack.resources if not gone(one)], settled.stack.name, settled.stack.project)
    (folder / "rest.json").write_text(text_of(document_of(rest, required_access(settled.stack))))
    for name, text in files.items():
        (folder / name).write_text(text)
    return read_sources([folder], Options(interfaces=interfaces))


def without_fortigate(settled: Settled, folder: Path, change: Callable[[str], str] = str) -> Imported:
    text = change(backup(settled.stack, "fortigate"))
    return imported(
        settled,
        folder,
        lambda one: bool(kind_of(one)) or one.type == FORTIGATE_GATE,
        {"fortigate.conf": text},
        "airflow-vpn",
    )


def test_a_fortigates_backup_is_proven_as_what_was_compiled(settled, tmp_path):
    proof = prove_stack(without_fortigate(settled, tmp_path).stack, at=AT)
    assert settled.proof.ok
    assert proof.ok
    assert proof.matrix == settled.proof.matrix


def test_a_change_in_the_backup_is_found_by_the_policy_that_it_is_in(settled, tmp_path):
    def widened(text: str) -> str:
        before, name, after = text.partition('set name "airlock-treasury-swift"')
        policy, end, rest = after.partition("    next\n")
        assert end
        return before + name + policy.replace("set dstaddr ", 'set dstaddr "all" ') + end + rest

    proof = prove_stack(without_fortigate(settled, tmp_path, widened).stack, at=AT)
    assert not proof.blocked
    assert {str(one.rule.label) for one in proof.excess if one.rule} | {one.gate for one in proof.internal} >= {"fortigate"}
    assert any("airlock-treasury-swift" in one.rule.label for one in (*proof.internal, *proof.excess) if one.rule)


def test_the_aws_clis_output_is_proven_as_the_resources_but_for_what_a_component_tells(settled, tmp_path):
    found = imported(
        settled,
        tmp_path,
        lambda one: one.type.startswith(("aws:ec2", "aws:vpc", "aws:mwaa")),
        {f"{name}.json": json.dumps(document) for name, document in printed(settled.stack).items()},
    )
    proof = prove_stack(found.stack, at=AT)
    assert proof.matrix == settled.proof.matrix
    assert not proof.blocked
    assert not proof.unproven
    # That the environments need their proxy, MwaaEnvironment says of itself; AWS knows of no proxy.
    assert {one.rule.label for one in proof.excess if one.rule} == {f'rule "{PROXY}"'}
    assert "a-key-that-nobody-may-see" not in text_of(document_of(found.stack, required_access(settled.stack)))


def test_zpas_answers_are_read_as_the_resources(settled, tmp_path):
    files = {f"{name}.json": json.dumps(document) for name, document in answered(settled.stack).items()}
    found = imported(settled, tmp_path, lambda one: one.type.startswith("zpa:"), files)

    def said(stack: Stack) -> list[tuple[object, ...]]:
        (one,) = zpa.read(stack)
        return [(one.gate, rule.action, rule.match, bool(rule.unknown)) for rule in one.rules]

    assert said(found.stack) == said(settled.stack)


def test_the_drafted_access_is_what_the_stack_lets_tasks_through(settled):
    """AWS, FortiGate, ZPA and ZIA together: what is drafted is never blocked, and leaves tasks nothing that is not declared."""
    drafted = draft(settled.stack, {}, AT)
    assert len(drafted.access.routes) > 15
    assert not drafted.proof.blocked
    assert not drafted.broad
    assert {one.witness.principal.partition(" in group")[0] for one in drafted.undeclared} == {"anything outside Airflow"}
    assert all(one.unknown[0].startswith("which addresses ") for one in drafted.unknown)
