"""Replacements: what goes first, what goes with it, and a state from which an interrupted one goes on."""

from collections.abc import Callable

import pytest
from pulumi_airlock.errors import InputError
from pulumi_airlock.offline.operations import Journal
from pulumi_airlock.offline.plan import Plan
from pulumi_airlock.offline.project import Project
from pulumi_airlock.offline.session import Session
from pulumi_airlock.offline.steps import Step

Run = Callable[[str], Plan]

# Of what depends on the VPC, only the subnet must be replaced with it; and what is in the subnet, with that.
NETWORK = """
vpc = aws.ec2.Vpc("vpc", cidr_block="{cidr}", opts=Options(delete_before_replace={first}))
subnet = aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.0.0.0/24")
interface = aws.ec2.NetworkInterface("interface", subnet_id=subnet.id)
tagged = aws.sns.Topic("tagged", tags={{"vpc": vpc.id}})
after = aws.sns.Topic("after", opts=Options(depends_on=[vpc]))
"""


def done(plan: Plan) -> list[str]:
    """The operations on resources that change, in their order."""
    names = ((one.op.value, one.urn.rsplit("::", 1)[1], one.urn) for one in plan.operations)
    return [f"{op} {name}" for op, name, urn in names if op not in ("same", "replace") and "pulumi:" not in urn.split("::")[2]]


def step(plan: Plan, name: str) -> Step:
    (found,) = (one for one in plan.steps if one.name == name)
    return found


def test_a_replacement_is_created_and_what_it_replaces_goes_last_dependents_first(update: Run) -> None:
    update(NETWORK.format(cidr="10.0.0.0/16", first="None"))
    plan = update(NETWORK.format(cidr="10.1.0.0/16", first="None"))
    assert step(plan, "tagged").op.value == "update"
    assert [one for one in done(plan) if one != "update tagged"] == [
        "create-replacement vpc",
        "create-replacement subnet",
        "create-replacement interface",
        "delete-replaced interface",
        "delete-replaced subnet",
        "delete-replaced vpc",
    ]


def test_one_that_deletes_first_takes_the_dependents_that_it_would_replace_with_it(update: Run, preview: Run) -> None:
    update(NETWORK.format(cidr="10.0.0.0/16", first="True"))
    expected = [
        "delete-replaced interface",
        "delete-replaced subnet",
        "delete-replaced vpc",
        "create-replacement vpc",
        "create-replacement subnet",
        "create-replacement interface",
    ]
    changed = NETWORK.format(cidr="10.1.0.0/16", first="True")
    for plan in (preview(changed), update(changed)):
        assert [one for one in done(plan) if one != "update tagged"] == expected
        assert step(plan, "tagged").op.value == "update"
    assert step(plan, "vpc").reasons == ("cidrBlock",)
    assert step(plan, "subnet").because == step(plan, "vpc").urn
    assert not preview(changed).changes


def test_a_dependent_goes_first_and_comes_back_though_nothing_of_it_changes(update: Run) -> None:
    """Its key is the policy's number, which the replacement keeps."""
    source = """
    class Policy(pulumi.CustomResource):
        policyid: pulumi.Output[int]
        def __init__(self, name, vdomparam, opts):
            super().__init__("fortios:firewall/policy:Policy", name, {{"policyid": 7, "vdomparam": vdomparam}}, opts)
    policy = Policy("p", "{}", Options(delete_before_replace=True))
    aws.ssm.Parameter("v", name=policy.policyid.apply(str), type="String", value="same")
    """
    first = update(source.format("one"))
    plan = update(source.format("two"))
    assert done(plan) == ["delete-replaced v", "delete-replaced p", "create-replacement p", "create-replacement v"]
    assert not step(plan, "v").changes
    assert step(first, "v").id == step(plan, "v").id == "7"


def test_a_dependent_that_leaves_the_program_goes_before_the_replacement_and_for_good(update: Run, preview: Run) -> None:
    update(NETWORK.format(cidr="10.0.0.0/16", first="True"))
    changed = """vpc = aws.ec2.Vpc("vpc", cidr_block="10.1.0.0/16", opts=Options(delete_before_replace=True))"""
    operations = done(update(changed))
    assert operations[:4] == [
        "delete-replaced interface",
        "delete-replaced subnet",
        "delete-replaced vpc",
        "create-replacement vpc",
    ]
    forgotten = [one for one in operations[4:] if "delete" not in one]
    assert forgotten == ["remove-pending-replace interface", "remove-pending-replace subnet"]
    assert set(operations[4:]) - set(forgotten) == {"delete after", "delete tagged"}
    assert not preview(changed).changes


def test_a_protected_dependent_that_would_have_to_go_is_refused(update: Run, preview: Run) -> None:
    source = """
    vpc = aws.ec2.Vpc("vpc", cidr_block="{}", opts=Options(delete_before_replace=True))
    aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.0.0.0/24", opts=Options(protect=True))
    """
    update(source.format("10.0.0.0/16"))
    with pytest.raises(InputError, match=r"subnet: .*must be deleted before vpc is replaced, but it is protected"):
        preview(source.format("10.1.0.0/16"))


@pytest.mark.parametrize(
    ("named", "first"), [('name="fixed"', "delete-replaced group"), ('name_prefix="free-"', "create-replacement group")]
)
def test_what_keeps_its_given_name_goes_first(update: Run, named: str, first: str) -> None:
    source = f"""aws.ec2.SecurityGroup("group", {named}, description="{{}}")"""
    update(source.format("one"))
    assert done(update(source.format("two")))[0] == first


def test_replace_on_changes_and_its_dependents(update: Run, preview: Run) -> None:
    source = """
    topic = aws.sns.Topic("t", tags={{"a": "{}"}}, opts=Options(replace_on_changes=["tags.a"], delete_before_replace=True))
    aws.sns.Topic("d", display_name=topic.arn, opts=Options(replace_on_changes=["displayName"]))
    """
    update(source.format("1"))
    plan = preview(source.format("2"))
    assert done(plan) == ["delete-replaced d", "delete-replaced t", "create-replacement t", "create-replacement d"]
    assert step(plan, "t").reasons == ("tags",)


def test_replace_with_and_deleted_with_follow_what_they_name(update: Run, preview: Run) -> None:
    source = """
    vpc = aws.ec2.Vpc("vpc", cidr_block="{}", opts=Options(delete_before_replace={}))
    aws.sns.Topic("with", opts=Options(replace_with=[vpc]))
    aws.sns.Topic("of", opts=Options(deleted_with=vpc))
    """
    update(source.format("10.0.0.0/16", "None"))
    plan = preview(source.format("10.1.0.0/16", "None"))
    assert {name: step(plan, name).reasons for name in ("with", "of")} == {"with": ("replaceWith",), "of": ("deletedWith",)}
    assert done(plan)[-3:] == ["delete-replaced of", "delete-replaced with", "delete-replaced vpc"]
    plan = update(source.format("10.1.0.0/16", "True"))
    assert done(plan)[:4] == ["delete-replaced of", "delete-replaced with", "delete-replaced vpc", "create-replacement vpc"]


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        ("'one'", "'two'", ("replacementTrigger",)),
        ("'one'", "'one'", ()),
        ("{'a': [1]}", "{'a': [2]}", ("replacementTrigger",)),
        ("'one'", "pulumi.Output.secret('one')", ()),
        ("pulumi.Output.secret('one')", "pulumi.Output.secret('two')", ("replacementTrigger",)),
        ("None", "'one'", ()),
        ("'one'", "None", ()),
    ],
)
def test_the_replacement_trigger(update: Run, preview: Run, before: str, after: str, reasons: tuple[str, ...]) -> None:
    source = """aws.sns.Topic("t", opts=Options(replacement_trigger={}))"""
    update(source.format(before))
    assert step(preview(source.format(after)), "t").reasons == reasons


def test_an_unknown_trigger_replaces(update: Run, preview: Run) -> None:
    update("""aws.sns.Topic("t", opts=Options(replacement_trigger="one"))""")
    source = """aws.sns.Topic("t", opts=Options(replacement_trigger=aws.sns.Topic("new").arn))"""
    assert step(preview(source), "t").reasons == ("replacementTrigger",)


def test_an_import_takes_the_id_that_is_given(update: Run, preview: Run) -> None:
    source = """
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=Options({}))
    pulumi.export("id", vpc.id)
    """
    plan = preview(source.format('import_="vpc-0a"'))
    assert done(plan) == ["import vpc"]
    assert plan.outputs["id"] == "vpc-0a"
    update(source.format('import_="vpc-0a"'))
    assert not preview(source.format('import_="vpc-0a"')).changes
    assert not preview(source.format("")).changes
    plan = update(source.format('import_="vpc-0b"'))
    assert step(plan, "vpc").reasons == ("import",)
    assert (step(plan, "vpc").id, plan.outputs["id"]) == ("vpc-0b", "vpc-0b")


def test_what_is_imported_is_not_replaced(update: Run, preview: Run) -> None:
    source = """aws.ec2.Vpc("vpc", cidr_block="{}", opts=Options(import_="vpc-0a"))"""
    update(source.format("10.0.0.0/16"))
    with pytest.raises(InputError, match="must be replaced for cidrBlock: take `import_` off it"):
        preview(source.format("10.1.0.0/16"))


@pytest.mark.parametrize("first", ["True", "None"])
def test_an_update_that_is_interrupted_anywhere_is_carried_on_by_the_next(
    tiny: Project, update: Run, preview: Run, program: Callable[[str], Session], first: str
) -> None:
    update(NETWORK.format(cidr="10.0.0.0/16", first=first))
    changed = NETWORK.format(cidr="10.1.0.0/16", first=first).split("after =")[0]
    with program(changed) as session, session.locked("test"):
        plan = session.update()
        before = session.state_file.read()
        for stop in range(len(plan.operations) + 1):
            journal = Journal(before, plan.renamed, session.state_file.sealer())
            for operation in plan.operations[:stop]:
                journal.note(operation)
            session.state_file.write(journal.states())
            assert in_needed_order(session)
            again = session.update()
            # Nothing is created twice or deleted twice.
            rest = [f"{one.op.value} {one.urn}" for one in plan.operations[stop:] if one.op.value.startswith("delete")]
            redone = [f"{one.op.value} {one.urn}" for one in again.operations if one.op.value.startswith("delete")]
            assert set(redone) <= set(rest), stop
            session.apply(again)
            assert session.preview().settled
            assert {one.urn for one in session.state_file.read()} == {one.urn for one in plan.steps if one.registration}
            assert not session.state_file.read().leftover


def in_needed_order(session: Session) -> bool:
    """Whether every resource in the state comes after what it needs."""
    seen: set[str] = set()
    for state in session.state_file.read():
        if not set(state.needs()) <= seen:
            return False
        seen.add(state.urn)
    return True


CLUSTER = """
import pulumi_kubernetes as k8s
k8s.core.v1.ConfigMap("settings", metadata={{"name": "settings", "namespace": "airflow"}}, data={{"key": "{value}"}})
k8s.apps.v1.Deployment(
    "web",
    metadata={{"name": "web", "namespace": "{namespace}", "labels": {{"value": "{value}"}}}},
    spec={{
        "selector": {{"match_labels": {{"app": "{app}"}}}},
        "template": {{
            "metadata": {{"labels": {{"app": "{app}"}}}},
            "spec": {{"containers": [{{"name": "web", "image": "{value}"}}]}},
        }},
    }},
)
"""


def test_of_kubernetes_what_the_api_server_does_not_let_change_replaces(update: Run) -> None:
    first = {"value": "1", "app": "web", "namespace": "airflow"}
    update(CLUSTER.format(**first))
    assert done(update(CLUSTER.format(**{**first, "value": "2"}))) == [
        "delete-replaced settings",
        "create-replacement settings",
        "update web",
    ]
    assert "create-replacement web" in done(update(CLUSTER.format(**{**first, "value": "2", "app": "ui"})))
    moved = done(update(CLUSTER.format(**{**first, "value": "2", "app": "ui", "namespace": "other"})))
    assert moved == ["create-replacement web", "delete-replaced web"]
