"""A whole stack with FortiOS by either Pulumi package: the same resources, the same proof, the same answers of the policy packs.

The package that Pulumi generates is imitated (`tests/gates/fortigate/generated` says how).
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pulumi_airlock.gates.fortigate.dialect import DIALECTS
from pulumi_airlock.gates.kinds import kind_of
from pulumi_airlock.offline.packs import PackSpec
from pulumi_airlock.offline.plan import Plan
from pulumi_airlock.offline.project import find_project
from pulumi_airlock.offline.session import Session
from pulumi_airlock.offline.steps import Op
from pulumi_airlock.report.proof import prove_if_declared

sys.path.insert(0, str(Path(__file__).parents[1] / "gates" / "fortigate" / "generated"))
from imitation import install

STACK = "prod-composer"


def _previewed(project: Path, dialect: str, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A preview with both packs of a stack whose settings have the dialect."""
    settings = project / "stacks" / f"Pulumi.{STACK}.yaml"
    settings.write_text(settings.read_text().replace("dialect: pulumiverse", f"dialect: {dialect}"))
    with monkeypatch.context() as patched:
        install(patched)
        packs = [PackSpec(project / "policy-packs" / name) for name in ("least-privilege", "access-proof")]
        with Session(find_project(project), STACK, packs=packs) as session:
            return session.preview()


@pytest.fixture
def plans(project: Path, monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    return [_previewed(project, dialect, monkeypatch) for dialect in DIALECTS]


def _made(plan: Plan) -> dict[tuple[str, str], Any]:
    """(Kind, name) → inputs. An AS number is text in one package, and a number in the other."""
    asked = [step.registration for step in plan.steps if step.registration is not None]
    known = [one for one in asked if not one.type.startswith("pulumi:providers:")]
    return {(kind_of(one.type), one.urn.rpartition("::")[2]): _as_text(one.inputs) for one in known}


def _as_text(inputs: dict[str, Any]) -> str:
    told = {"remoteAs": str(int(inputs["remoteAs"]))} if "remoteAs" in inputs else {}
    return json.dumps(inputs | told, sort_keys=True)


def test_a_stack_is_the_same_and_is_proven_the_same(plans: list[Plan]):
    ours, theirs = plans
    generated = {one.type for one in theirs.steps if one.type.startswith("fortios:")}
    assert len(generated) > 10
    assert all(one.startswith("fortios:index/") for one in generated)
    assert _made(ours) == _made(theirs)
    assert ours.counts == theirs.counts
    assert set(theirs.counts) == {Op.CREATE}

    told = [[(one.policy, one.level, one.urn.rpartition("::")[2]) for one in plan.diagnostics] for plan in plans]
    assert sorted(told[0], key=str) == sorted(told[1], key=str)
    spared = [{(one.policy, one.message) for one in plan.not_applicable} for plan in plans]
    assert spared[0] == spared[1]

    proofs = [prove_if_declared(plan.stack()) for plan in plans]
    assert proofs[0] is not None
    assert proofs[1] is not None
    for field in ("excess", "blocked", "unproven", "routes", "rules", "gates"):
        assert getattr(proofs[0], field) == getattr(proofs[1], field)
    assert proofs[0].rules


def test_without_the_generated_sdk_a_stack_says_how_to_make_it(airlock, project: Path):
    settings = project / "stacks" / f"Pulumi.{STACK}.yaml"
    settings.write_text(settings.read_text().replace("dialect: pulumiverse", "dialect: terraform-provider"))
    done = airlock("preview", "--stack", STACK, "--no-policy-packs")
    assert done.returncode == 1
    assert f"Pulumi.{STACK}.yaml: airlock:fortigate.dialect: 'terraform-provider' needs the Python package" in done.stderr
    assert "pulumi package add terraform-provider fortinetdev/fortios" in done.stderr
