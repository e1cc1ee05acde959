"""`airlock preview`, `up`, `destroy`: exit status, what is written, what is printed."""

import json
from pathlib import Path

from pulumi_airlock.cli import app
from pulumi_airlock.errors import InputError
from pulumi_airlock.offline.project import Project
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
    from pulumi_airlock.offline.session import Session

    with Session(tiny, "dev") as session:
        document = session.preview().document()
    stack = stack_from_document(json.loads(json.dumps(document)))
    assert stack is not None
    assert len(stack.of_type("aws:ec2/subnet:Subnet")) == 2
    assert document["changeSummary"] == {"create": 8}


def test_remediated_inputs_are_what_is_planned(tiny: Project) -> None:
    from pulumi_airlock.offline.packs import PackSpec
    from pulumi_airlock.offline.session import Session

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
