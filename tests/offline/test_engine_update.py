"""Updates against a state: what is created, updated, replaced, deleted, left alone; what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pulumi_airlock.errors import InputError
from pulumi_airlock.offline.plan import Plan
from pulumi_airlock.offline.project import Project
from pulumi_airlock.offline.session import Session
from pulumi_airlock.offline.state import LockedError

Run = Callable[[str], Plan]


def ops(plan: Plan) -> dict[str, str]:
    return {one.name: one.op.value for one in plan.steps if not one.type.startswith("pulumi:")}


def test_a_second_update_changes_nothing(tiny: Project) -> None:
    with Session(tiny, "dev") as session, session.locked("test"):
        session.apply(session.update())
        before = session.state_file.path.read_bytes()
        plan = session.update()
        assert not plan.changes
        session.apply(plan)
        assert session.preview().settled
        assert session.state_file.path.read_bytes() == before


def test_ids_are_kept_by_updates_and_changed_by_replacements(update: Run, preview: Run) -> None:
    source = """
    vpc = aws.ec2.Vpc("v", cidr_block="{}", tags={{"a": "{}"}})
    aws.ec2.Subnet("s", vpc_id=vpc.id, cidr_block="10.0.0.0/24")
    """
    first = {one.name: one.id for one in update(source.format("10.0.0.0/16", "1")).steps}
    plan = update(source.format("10.0.0.0/16", "2"))
    assert ops(plan) == {"v": "update", "s": "same"}
    assert {one.name: one.id for one in plan.steps} == first
    # The replaced VPC's id is unknown at preview, so what is in it must be replaced too.
    assert ops(preview(source.format("10.1.0.0/16", "2"))) == {"v": "replace", "s": "replace"}
    plan = update(source.format("10.1.0.0/16", "2"))
    assert ops(plan) == {"v": "replace", "s": "replace"}
    assert {one.name: one.id for one in plan.steps}["v"] != first["v"]
    assert not preview(source.format("10.1.0.0/16", "2")).changes


def test_what_is_gone_is_deleted_dependents_first(update: Run, preview: Run) -> None:
    update('vpc = aws.ec2.Vpc("v", cidr_block="10.0.0.0/16")\naws.ec2.Subnet("s", vpc_id=vpc.id, cidr_block="10.0.0.0/24")')
    assert [one.name for one in preview("").steps if one.op.value == "delete"][:2] == ["s", "v"]


def test_aliases_and_the_aliases_of_parents_keep_resources(update: Run) -> None:
    source = """
    class Box(pulumi.ComponentResource):
        def __init__(self, name, opts=None):
            super().__init__("tiny:index:Box", name, {{}}, opts)
            aws.sns.Topic(f"{{name}}-topic", opts=Options(parent=self))
    Box({})
    aws.sqs.Queue({})
    """
    update(source.format('"old"', '"before"'))
    plan = update(
        source.format(
            '"new", Options(aliases=[pulumi.Alias(name="old")])', '"after", opts=Options(aliases=[pulumi.Alias(name="before")])'
        )
    )
    assert ops(plan) == {"new": "same", "new-topic": "same", "after": "same"}


def test_protected_resources_are_neither_deleted_nor_replaced(update: Run, preview: Run) -> None:
    source = 'aws.ec2.Vpc("v", cidr_block="{}", opts=Options(protect=True))\naws.sns.Topic("t", opts=Options(protect=True))'
    update(source.format("10.0.0.0/16"))
    with pytest.raises(InputError) as caught:
        preview('aws.ec2.Vpc("v", cidr_block="10.9.0.0/16", opts=Options(protect=True))')
    assert [one.place for one in caught.value.problems] == ["v", "t"]
    assert ops(preview(source.format("10.0.0.0/16").replace("True", "False"))) == {"v": "same", "t": "same"}


@pytest.mark.parametrize(
    ("path", "changed"), [("tags", "same"), ("tags.a", "same"), ('tags["a"]', "same"), ("tags.*", "same"), ("tags.b", "update")]
)
def test_ignored_changes_stay_as_they_were(update: Run, path: str, changed: str) -> None:
    source = """aws.sns.Topic("t", tags={{"a": "{}"}}, opts=Options(ignore_changes=['{}']))"""
    update(source.format("1", path))
    assert ops(update(source.format("2", path))) == {"t": changed}


def test_a_resource_that_is_retained_is_let_go(update: Run, preview: Run) -> None:
    update('aws.sns.Topic("t", opts=Options(retain_on_delete=True))')
    assert ops(preview("")) == {"t": "discard"}


def test_a_changed_file_is_a_change_and_gives_a_new_version(tiny: Project, update: Run, preview: Run) -> None:
    dag = tiny.program / "dag.py"
    dag.write_text("one")
    source = """
    dag = aws.s3.BucketObjectv2("dag", bucket="code", key="dag.py", source=pulumi.FileAsset("dag.py"))
    aws.ssm.Parameter("version", type="String", value=dag.version_id)
    """
    update(source)
    assert ops(preview(source)) == {"dag": "same", "version": "same"}
    dag.write_text("two")
    assert ops(preview(source)) == {"dag": "update", "version": "update"}


def test_secrets_are_not_in_the_state_and_their_change_is_seen(tiny: Project, update: Run, preview: Run) -> None:
    source = 'aws.ssm.Parameter("p", type="SecureString", value=pulumi.Output.secret("{}"))'
    update(source.format("open-sesame"))
    files = [one for one in Path(tiny.root / ".airlock").rglob("*") if one.is_file()]
    assert not any(b"open-sesame" in one.read_bytes() for one in files)
    assert ops(preview(source.format("open-sesame"))) == {"p": "same"}
    plan = preview(source.format("shut-sesame"))
    assert ops(plan) == {"p": "update"}
    assert "sesame" not in json.dumps(plan.document())


def test_a_generated_secret_stays_the_same(update: Run, preview: Run) -> None:
    source = """
    connection = aws.ec2.VpnConnection("vpn", customer_gateway_id="cgw-1", vpn_gateway_id="vgw-1", type="ipsec.1")
    aws.ssm.Parameter("psk", type="SecureString", value=connection.tunnel1_preshared_key)
    """
    update(source)
    assert not preview(source).changes


def test_a_state_of_another_version_is_refused(tiny: Project, update: Run, preview: Run) -> None:
    update('aws.sns.Topic("t")')
    path = tiny.root / ".airlock" / "tiny" / "dev.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 2}))
    with pytest.raises(InputError, match=r"version 2, this Airlock reads 3"):
        preview('aws.sns.Topic("t")')


def test_a_second_run_is_told_who_holds_the_stack(tiny: Project) -> None:
    held = Session(tiny, "dev")
    with held.locked("airlock up --stack dev"), pytest.raises(LockedError, match=r"`airlock up --stack dev`, process \d+ on"):
        with_another_run(tiny)
    with_another_run(tiny)


def with_another_run(tiny: Project) -> None:
    with Session(tiny, "dev").locked("another"):
        pass


def test_destroy_forgets_everything(tiny: Project) -> None:
    with Session(tiny, "dev") as session, session.locked("test"):
        session.apply(session.update())
        session.apply(session.destruction())
        assert not session.state_file.path.exists()
        assert not session.destruction().steps
