"""The pack audit-evidence as Pulumi runs it: a process that is shown a stack, asks the other packs, and adds up."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_airlock.offline.packs import Diagnostic, Level, PackSpec, PolicyPacks
from pulumi_airlock.offline.project import find_project
from pulumi_airlock.offline.wire import secret, to_struct
from pulumi_airlock.soc2 import files
from pulumi_airlock.soc2.criteria import OURS

ROOT = Path(__file__).parents[2]
PACK = ROOT / "policy-packs" / "audit-evidence"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
KEY = "aws:kms/key:Key"
PHASE1 = "fortios:vpn/ipsec/phase1interface:Phase1interface"


def resource(type_: str, name: str, /, **properties: Any) -> analyzer_pb2.AnalyzerResource:
    struct: struct_pb2.Struct = to_struct(properties)
    urn = f"urn:pulumi:prod::bank::{type_}::{name}"
    package = type_.split(":")[0]
    provider = analyzer_pb2.AnalyzerProviderResource(type=f"pulumi:providers:{package}", urn=f"{urn}-p", name="default")
    return analyzer_pb2.AnalyzerResource(type=type_, urn=urn, name=name, properties=struct, provider=provider)


# As an engine shows them at preview: what the provider computes is unknown, and a secret is marked.
STACK = [
    resource("pulumi:pulumi:Stack", "bank-prod"),
    resource(KEY, "ledger", enableKeyRotation=True, keyUsage=UNKNOWN, arn=UNKNOWN, tags={"owner": "x"}),
    resource(
        PHASE1, "vpn", ikeVersion="2", proposal="aes256-sha256", dhgrp="14", dpd="on-idle", psksecret=secret("hunter2-hunter2")
    ),
]


def asked(config: Mapping[str, Any], resources: list[analyzer_pb2.AnalyzerResource]) -> list[Diagnostic]:
    spec = PackSpec(PACK, {"soc2-evidence": dict(config)})
    with PolicyPacks.start([spec], project="bank", stack="prod") as packs:
        return packs.analyze_stack(resources)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evidence")


@pytest.fixture(scope="module")
def found(folder: Path) -> list[Diagnostic]:
    """What the pack says of the stack; it writes its evidence too."""
    config = {
        "output": str(folder),
        "commit": "4f6c",
        "packConfig": {"least-privilege": {"aws-kms-deletion-window": "disabled"}},
    }
    return asked(config, STACK)


def control(folder: Path, name: str) -> dict[str, Any]:
    controls = json.loads((folder / files.JSON).read_text())["controls"]
    return next(one for one in controls if one["id"].rsplit("/", 1)[-1] == name)


def test_criteria_without_evidence_are_findings_on_the_stack_and_none_of_them_fails_it(found: list[Diagnostic], folder: Path):
    assert {one.level for one in found} == {Level.ADVISORY}
    evidence = files.read(folder / files.JSON)
    lacking = {one.reference for one in evidence.criteria if one.result != "holds" and one.reference in OURS}
    assert lacking == {one.message.split(" ")[0] for one in found}
    assert any(one.message.endswith("after: no evidence") for one in found), found  # CC6.2: the stack declares no access
    assert all(one.urn == STACK[0].urn for one in found)


def test_it_writes_what_the_packs_beside_it_said(found: list[Diagnostic], folder: Path):
    assert control(folder, "aws-kms-rotation")["result"] == "holds"
    assert control(folder, "aws-kms-rotation")["resources"] == [STACK[1].urn]
    assert {one.name for one in files.read(folder / files.JSON).evaluated.packs} == {
        "airlock-least-privilege",
        "airlock-access-proof",
    }
    assert "bank / prod" in (folder / files.HTML).read_text()


def test_the_packs_are_shown_secrets_as_secrets_and_the_files_do_not_have_them(found: list[Diagnostic], folder: Path):
    assert control(folder, "fortigate-psk-secret")["result"] == "holds"
    assert all("hunter2" not in one.read_text() for one in folder.iterdir())


def test_the_packs_configuration_is_that_of_the_stack(found: list[Diagnostic], folder: Path):
    disabled = control(folder, "aws-kms-deletion-window")
    assert (disabled["result"], disabled["level"]) == ("not applicable", "disabled")


def test_a_pack_that_cannot_be_asked_is_said_and_is_no_evidence():
    (one,) = asked({"packs": ["../nowhere"]}, STACK[:1])
    assert "There is no evidence" in one.message
    assert "is not a policy pack" in one.message
    (itself,) = asked({"packs": ["../least-privilege", "."]}, STACK[:1])
    assert "names this pack itself" in itself.message
    (other,) = asked({"packConfig": {"least-privileges": {}}}, STACK[:1])
    assert "packConfig.least-privileges: no such pack; these are asked: access-proof, least-privilege" in other.message


def test_airlocks_own_previews_do_not_ask_twice():
    assert PACK.is_dir()
    assert [one.name for one in find_project(ROOT).policy_packs] == ["access-proof", "least-privilege"]
