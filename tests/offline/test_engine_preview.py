"""What a preview shows: unknowns, links, URNs, providers; what of a program it refuses; the program's own traceback."""

from collections.abc import Callable

import pytest
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.stack import UNKNOWN
from pulumi_airlock.offline.plan import Plan
from pulumi_airlock.offline.program import ProgramError
from pulumi_airlock.offline.project import Project
from pulumi_airlock.offline.session import Session
from pulumi_airlock.offline.steps import Op, Step

Preview = Callable[[str], Plan]


def step(plan: Plan, name: str) -> Step:
    (found,) = (one for one in plan.steps if one.name == name)
    return found


def test_a_new_resource_has_no_id_yet_and_links_are_property_dependencies(tiny: Project) -> None:
    with Session(tiny, "dev") as session:
        stack = session.preview().stack()
    (vpc,) = stack.of_type("aws:ec2/vpc:Vpc")
    subnets = stack.of_type("aws:ec2/subnet:Subnet")
    assert len(subnets) == 2
    assert all(subnet.get("vpcId") is UNKNOWN and subnet.refers_to("vpcId") == (vpc,) for subnet in subnets)
    assert vpc.get("cidrBlock") == "10.0.0.0/16"
    assert vpc.get("id") is UNKNOWN
    assert vpc.urn == "urn:pulumi:dev::tiny::tiny:index:Network$aws:ec2/vpc:Vpc::network-vpc"
    assert [above.type for above in vpc.ancestors()] == ["tiny:index:Network", "pulumi:pulumi:Stack"]


def test_components_have_what_they_registered(tiny: Project) -> None:
    with Session(tiny, "dev") as session:
        (network,) = session.update().stack().of_type("tiny:index:Network")
    assert network.get("vpcId").startswith("vpc-")
    assert not network.custom


def test_default_and_explicit_providers(preview: Preview) -> None:
    plan = preview(
        """
        mine = aws.Provider("mine", region="eu-west-1")
        aws.sns.Topic("default")
        aws.sns.Topic("explicit", opts=Options(provider=mine))
        """
    )
    default, explicit = (step(plan, name).registration.provider for name in ("default", "explicit"))
    assert default.startswith("urn:pulumi:dev::tiny::pulumi:providers:aws::default_7_")
    assert explicit.startswith("urn:pulumi:dev::tiny::pulumi:providers:aws::mine::")
    made = next(one for one in plan.steps if one.name.startswith("default_"))
    assert made.registration.inputs["region"] == "eu-central-1"


def test_applies_wait_for_what_is_unknown(preview: Preview) -> None:
    plan = preview(
        """
        topic = aws.sns.Topic("topic")
        topic.arn.apply(lambda arn: 1 / 0)
        pulumi.export("name", topic.name.apply(str.upper))
        """
    )
    assert plan.outputs["name"].startswith("TOPIC-")


def test_a_duplicate_urn_is_refused_and_both_are_named(preview: Preview) -> None:
    with pytest.raises(InputError) as caught:
        preview('aws.sns.Topic("twice")\naws.sns.Topic("twice", opts=Options())\naws.sqs.Queue("twin")\naws.sqs.Queue("twin")')
    first, second = caught.value.problems
    assert "twice" in str(first)
    assert "registered twice" in str(first)
    assert "twin" in str(second)


def test_unanswered_functions_and_stacks_are_told_all_at_once_and_each_once(preview: Preview) -> None:
    with pytest.raises(InputError) as caught:
        preview(
            """
            for name in ("one", "two", "three"):
                pulumi.StackReference(name, stack_name="acme/network/prod")
                aws.ec2.get_ami_output(owners=["self"])
            zones = aws.get_availability_zones(state="impaired")
            zones.names[0]
            """
        )
    asked = {"no fixture answers aws:ec2/getAmi:getAmi(owners=['self'])", "no fixture answers stack acme/network/prod"}
    asked.add("no fixture answers aws:index/getAvailabilityZones:getAvailabilityZones(state='impaired')")
    assert {one.message.split("; add to")[0] for one in caught.value.problems} == asked
    assert len(caught.value.problems) == 3
    text = str(caught.value)
    assert '- token: aws:index/getAvailabilityZones:getAvailabilityZones\n    args: {"state": "impaired"}' in text
    assert "stackReferences:\n  acme/network/prod: {}" in text
    assert "fixtures/dev.yaml" in text


def test_stack_references_and_functions_are_answered_by_the_fixture(tiny: Project, preview: Preview) -> None:
    fixture = tiny.settings / "fixtures" / "dev.yaml"
    fixture.write_text(
        "stackReferences:\n  acme/network/prod: {vpc: vpc-1, token: {secret: sesame}}\n"
        "functions:\n"
        "  - {token: 'aws:ec2/getVpc:getVpc', result: {id: vpc-any}}\n"
        "  - {token: 'aws:ec2/getVpc:getVpc', args: {id: vpc-1}, result: {id: vpc-one}}\n"
    )
    plan = preview(
        """
        other = pulumi.StackReference("acme/network/prod")
        pulumi.export("vpc", other.require_output("vpc"))
        pulumi.export("token", other.require_output("token"))
        pulumi.export("any", aws.ec2.get_vpc().id)
        pulumi.export("one", aws.ec2.get_vpc_output(id=other.require_output("vpc")).id)
        """
    )
    assert plan.outputs["vpc"] == "vpc-1"
    assert plan.document()["outputs"] == {"vpc": "vpc-1", "token": "[secret]", "any": "vpc-any", "one": "vpc-one"}


@pytest.mark.parametrize(
    "source", ['raise KeyError("no such desk")', 'pulumi.Output.from_input(1).apply(lambda one: {}["no such desk"])']
)
def test_a_failing_program_shows_its_own_traceback(preview: Preview, source: str) -> None:
    with pytest.raises(ProgramError) as caught:
        preview(f'aws.sns.Topic("topic")\n{source}')
    text = str(caught.value)
    assert "KeyError: 'no such desk'" in text
    assert "program/__main__.py" in text
    assert "offline/" not in text
    assert "asyncio" not in text


def test_secrets_do_not_show_in_tracebacks_or_logs(preview: Preview) -> None:
    with pytest.raises(ProgramError) as caught:
        preview(
            """
            aws.ssm.Parameter("psk", type="SecureString", value=pulumi.Output.secret("open-sesame"))
            def fail(value):
                raise ValueError(f"{value} is too short")
            pulumi.Output.secret("open-sesame").apply(fail)
            """
        )
    assert "open-sesame" not in str(caught.value)
    assert "[secret] is too short" in str(caught.value)


def test_transforms_run(preview: Preview) -> None:
    plan = preview(
        """
        def tag(args):
            if args.type_ == "aws:sns/topic:Topic":
                return pulumi.ResourceTransformResult({**args.props, "tags": {"owner": "me"}}, args.opts)
        pulumi.runtime.register_resource_transform(tag)
        aws.sns.Topic("topic")
        """
    )
    assert step(plan, "topic").registration.inputs["tags"] == {"owner": "me"}


def test_programs_run_one_after_the_other_and_leave_no_module_behind(tiny: Project) -> None:
    import sys

    with Session(tiny, "dev") as session:
        assert session.preview().counts == session.preview().counts
        (tiny.program / "network.py").write_text("raise RuntimeError('changed')")
        with pytest.raises(ProgramError, match="changed"):
            session.preview()
    assert "network" not in sys.modules


def test_what_is_plain_beside_a_secret_is_not_masked_elsewhere(program: Callable[[str], Session]) -> None:
    session = program("""
        session = {"name": "key-of-edge", "key": pulumi.Output.secret("open-sesame")}
        secret = Options(additional_secret_outputs=["session"])
        pulumi.CustomResource("bgp:index:Peer", "peer", {"session": session}, secret)
    """)
    noted: set[str] = set()
    session._on_secrets = noted.update
    session.preview()
    assert noted == {"open-sesame"}


def test_an_encrypted_value_is_an_unknown_secret(tiny: Project, preview: Preview) -> None:
    settings = tiny.stack_file("dev")
    settings.write_text("encryptionsalt: v1:abc\nconfig:\n  tiny:psk: {secure: v1:xyz}\n  tiny:port: {secure: v1:xyz}\n")
    plan = preview(
        """
        config = pulumi.Config()
        value = config.require_secret("psk").apply(lambda text: 1 / 0)
        port = config.require_secret_int("port")
        aws.ssm.Parameter("one", type="SecureString", value=value)
        aws.ssm.Parameter("two", type="SecureString", value=config.require("psk"))
        pulumi.export("port", port)
        """
    )
    assert plan.encrypted == ("tiny:psk", "tiny:port")
    stack = plan.stack()
    assert [one.get("value") for one in stack.of_type("aws:ssm/parameter:Parameter")] == [UNKNOWN, UNKNOWN]
    assert plan.document()["outputs"]["port"] == "[secret]"
    assert {one.op for one in plan.steps} == {Op.CREATE}


def test_resource_hooks_are_not_run_and_one_warning_says_so(preview: Preview) -> None:
    plan = preview(
        """
        def fail(args):
            raise RuntimeError("it ran")
        hook = pulumi.ResourceHook("drain", fail, opts=pulumi.ResourceHookOptions(on_dry_run=True))
        for n in range(3):
            aws.sns.Topic(f"topic-{n}", opts=Options(hooks=pulumi.ResourceHookBinding(before_create=[hook])))
        """
    )
    (warning,) = (one for one in plan.logs if one.severity == "warning")
    assert warning.message == "resource hooks are not run offline: drain"
