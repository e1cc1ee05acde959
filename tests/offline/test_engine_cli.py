"""`airlock preview`, `up`, `destroy`: exit status, what is written, what is printed."""

import json
import shutil
from pathlib import Path

import pytest
from pulumi_airlock.cli import app
from pulumi_airlock.errors import InputError
from pulumi_airlock.offline.operations import Journal
from pulumi_airlock.offline.project import Project
from pulumi_airlock.offline.session import Session
from typer.testing import CliRunner, Result

HOUSE = Path(__file__).parent / "packs" / "house"


def airlock(tiny: Project, command: str, *args: str) -> Result:
    return CliRunner().invoke(app, [command, "--stack", "dev", "--cwd", str(tiny.root), *args])


def test_up_then_nothing_to_do_then_destroy(tiny: Project) -> None:
    first = airlock(tiny, "up", "--yes", "--no-policy-packs")
    assert first.exit_code == 0, first.output
    assert "8 created" in first.output
    assert "simulated" in first.output
    assert "8 unchanged" in airlock(tiny, "up", "--yes", "--no-policy-packs").output
    assert "8 deleted" in airlock(tiny, "destroy", "--yes").output


def test_nobody_to_ask_is_an_error_and_nothing_is_written(tiny: Project) -> None:
    assert airlock(tiny, "up", "--no-policy-packs").exit_code == 1
    assert not (tiny.root / ".airlock" / "tiny" / "dev.json").exists()


def test_secrets_and_differences_are_shown_masked(tiny: Project) -> None:
    shown = airlock(tiny, "preview", "--diff", "--no-policy-packs")
    assert "value: [secret]" in shown.output
    assert "hunter22" not in shown.output
    assert "(known after the update)" in shown.output


def test_a_mandatory_violation_refuses_the_update_before_anything_is_written(tiny: Project) -> None:
    (tiny.program / "__main__.py").write_text(
        "import pulumi\n"
        "class Rule(pulumi.CustomResource):\n"
        "    def __init__(self, name, cidr):\n"
        "        super().__init__('test:index:Rule', name, {'cidr': cidr})\n"
        "Rule('open', '0.0.0.0/0')\n"
    )
    refused = airlock(tiny, "up", "--yes", "--policy-pack", str(HOUSE))
    assert refused.exit_code == 2, refused.output
    assert "open is open to 0.0.0.0/0" in refused.output
    assert "nothing was changed" in refused.output
    assert not (tiny.root / ".airlock" / "tiny" / "dev.json").exists()


def test_a_stack_that_is_not_there_is_named_with_the_nearest(tiny: Project) -> None:
    result = CliRunner().invoke(app, ["preview", "--stack", "dve", "--cwd", str(tiny.root)])
    assert isinstance(result.exception, InputError)
    assert "did you mean 'dev'?" in str(result.exception)


def test_json_is_of_the_shape_that_pulumi_prints(tiny: Project) -> None:
    from pulumi_airlock.gates.sources import stack_from_document

    with Session(tiny, "dev") as session:
        document = session.preview().document()
    stack = stack_from_document(json.loads(json.dumps(document)))
    assert stack is not None
    assert len(stack.of_type("aws:ec2/subnet:Subnet")) == 2
    assert document["changeSummary"] == {"create": 8}


def test_remediated_inputs_are_what_is_planned(tiny: Project) -> None:
    from pulumi_airlock.offline.packs import PackSpec

    (tiny.program / "__main__.py").write_text(
        "import pulumi\n"
        "class Bucket(pulumi.CustomResource):\n"
        "    encrypted: pulumi.Output[bool]\n"
        "    def __init__(self, name, encrypted):\n"
        "        super().__init__('test:index:Bucket', name, {'encrypted': encrypted, 'tags': {'a': 'b'}})\n"
        "for n in range(20):\n"
        "    pulumi.export(f'n{n}', Bucket(f'bucket-{n}', n > 9).encrypted)\n"
    )
    with Session(tiny, "dev", packs=[PackSpec(HOUSE)]) as session:
        plan = session.preview()
    assert {step.registration.inputs["encrypted"] for step in plan.steps if step.type == "test:index:Bucket"} == {True}
    assert set(plan.outputs.values()) == {True}
    assert len([one for one in plan.remediations if one.applied]) == 10


def test_packs_are_told_that_an_update_is_no_preview_and_may_still_refuse_it(tiny: Project) -> None:
    pack = ("--policy-pack", str(HOUSE.parent / "phase"))
    assert airlock(tiny, "preview", *pack).exit_code == 0
    refused = airlock(tiny, "up", "--yes", *pack)
    assert refused.exit_code == 2, refused.output
    assert "network-vpc is really updated" in refused.output
    assert not (tiny.root / ".airlock" / "tiny" / "dev.json").exists()


def test_replacements_are_shown_with_how_why_and_in_which_order(tiny: Project) -> None:
    program = tiny.program / "__main__.py"
    source = (
        "import pulumi\nimport pulumi_aws as aws\n"
        "first = pulumi.ResourceOptions(delete_before_replace=True)\n"
        "vpc = aws.ec2.Vpc('vpc', cidr_block='10.0.0.0/16', opts=first)\n"
        "aws.ec2.Subnet('subnet', vpc_id=vpc.id, cidr_block='10.0.0.0/24')\n"
        "aws.ec2.Vpc('other', cidr_block='10.0.0.0/16')\n"
    )
    program.write_text(source)
    assert airlock(tiny, "up", "--yes", "--no-policy-packs").exit_code == 0
    program.write_text(source.replace("0.0/16", "0.0/17"))
    shown = airlock(tiny, "preview", "--no-policy-packs").output
    assert "∓ vpc  aws:ec2/vpc:Vpc  replaced for cidrBlock: deleted, then created" in shown
    assert "∓ subnet  aws:ec2/subnet:Subnet  deleted, then created: goes before vpc does" in shown
    assert "± other  aws:ec2/vpc:Vpc  replaced for cidrBlock: created, then the old one deleted" in shown
    assert "3 to replace (2 of them deleted first)" in shown
    with Session(tiny, "dev") as session:
        document = session.preview().document()
    assert document["changeSummary"] == {"same": 2, "replace": 3}
    steps = [f"{one['op']} {one['urn'].rsplit('::')[-1]}" for one in document["steps"] if one["op"] not in ("same", "replace")]
    assert [one for one in steps if "other" not in one] == [
        "delete-replaced subnet",
        "delete-replaced vpc",
        "create-replacement vpc",
        "create-replacement subnet",
    ]
    assert [one for one in steps if "other" in one] == ["create-replacement other", "delete-replaced other"]


def test_what_an_interrupted_update_left_over_is_shown_and_cleared_away(tiny: Project) -> None:
    program = tiny.program / "__main__.py"
    program.write_text("import pulumi_aws as aws\naws.ec2.Vpc('vpc', cidr_block='10.0.0.0/16')\n")
    assert airlock(tiny, "up", "--yes", "--no-policy-packs").exit_code == 0
    program.write_text("import pulumi_aws as aws\naws.ec2.Vpc('vpc', cidr_block='10.0.0.0/17')\n")
    with Session(tiny, "dev") as session:
        plan = session.update()
        journal = Journal(session.state_file.read(), plan.renamed, session.state_file.sealer())
        for operation in plan.operations[:-1]:
            journal.note(operation)
        session.state_file.write(journal.states())
    shown = airlock(tiny, "up", "--yes", "--no-policy-packs").output
    assert "- vpc  aws:ec2/vpc:Vpc  left over from an interrupted update" in shown
    assert "1 left over from an interrupted update, deleted, 3 unchanged" in shown
    assert "3 unchanged" in airlock(tiny, "preview", "--no-policy-packs").output


BANK = Path(__file__).parent / "projects" / "bank"


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A project whose stack `loose` opens more than its access file declares; `tight` does not."""
    return Path(shutil.copytree(BANK, tmp_path / "bank"))


@pytest.mark.parametrize("command", [["preview"], ["up", "--yes"]])
@pytest.mark.parametrize(("stack", "status"), [("tight", 0), ("loose", 3)])
def test_access_that_is_not_declared_fails_and_nothing_is_written(
    bank: Path, command: list[str], stack: str, status: int
) -> None:
    result = CliRunner().invoke(app, [*command, "--stack", stack, "--cwd", str(bank), "--no-policy-packs"])
    assert result.exit_code == status, result.output
    written = (bank / ".airlock" / "bank" / f"{stack}.json").exists()
    assert written == (command[0] == "up" and status == 0)
    if status:
        assert "to-10.20.4.0/28" in result.output
