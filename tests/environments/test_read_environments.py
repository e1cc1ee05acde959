"""A stack's environments as the proof sees them: at preview and afterwards, made by a component or written by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi_airlock.environments.mwaa import (
    AirflowVpc,
    ExistingSubnets,
    ExistingVpc,
    MwaaCode,
    MwaaEnvironment,
    MwaaScale,
    read,
    read_environments,
)
from pulumi_airlock.gates.sources import resource_from_wire
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.proof.filters import Action, Environment
from pulumi_airlock.proof.sets import Hosts, Services

UNKNOWN_ID = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def only(stack: Stack) -> Environment:
    (found,) = read_environments(stack)
    return found


def needs(environment: Environment) -> set[tuple[str, str]]:
    return {(str(one.hosts), str(one.services)) for one in environment.own}


def by_hand(subnet_ids: Callable[[aws.ec2.Vpc], list[Any]]) -> None:
    """An environment without a component, in a VPC with the endpoints of SQS and S3, and with one that MWAA does not need."""
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.70.0.0/16")
    inner = aws.ec2.Subnet("endpoints", vpc_id=vpc.id, cidr_block="10.70.9.0/24")
    other = aws.ec2.Subnet("other", vpc_id=vpc.id, cidr_block="10.70.8.0/24")
    aws.ec2.VpcEndpoint(
        "sqs", vpc_id=vpc.id, service_name="com.amazonaws.eu-west-1.sqs", vpc_endpoint_type="Interface", subnet_ids=[inner.id]
    )
    aws.ec2.VpcEndpoint(
        "partner", vpc_id=vpc.id, service_name="com.amazonaws.vpce.eu-west-1.vpce-svc-9", vpc_endpoint_type="Interface",
        subnet_ids=[other.id],
    )  # fmt: skip
    aws.ec2.VpcEndpoint("s3", vpc_id=vpc.id, service_name="com.amazonaws.eu-west-1.s3", vpc_endpoint_type="Gateway")
    aws.mwaa.Environment(
        "reports",
        dag_s3_path="dags",
        execution_role_arn="arn:aws:iam::111122223333:role/airflow",
        source_bucket_arn="arn:aws:s3:::dags",
        network_configuration={"subnet_ids": subnet_ids(vpc), "security_group_ids": ["sg-1"]},
    )


def two_subnets(vpc: aws.ec2.Vpc) -> list[Any]:
    return [aws.ec2.Subnet(f"private-{n}", vpc_id=vpc.id, cidr_block=f"10.70.{n}.0/24").id for n in (1, 2)]


def test_a_component_made_environment_has_the_components_name(run: Any, dags: Path) -> None:
    def program() -> None:
        vpc = AirflowVpc(
            "shared",
            owner="platform@bank.example",
            cidr="10.60.0.0/16",
            availability_zones=["eu-west-1a", "eu-west-1b"],
            endpoint_cidrs=["10.60.0.0/26", "10.60.0.64/26"],
        )
        for position, name in enumerate(["finance", "risk"], 1):
            MwaaEnvironment(
                name,
                owner=f"{name}@bank.example",
                vpc=vpc,
                airflow_version="2.10.3",
                scale=MwaaScale(environment_class="mw1.small"),
                code=MwaaCode(dags=dags),
                subnet_cidrs=[f"10.60.{position}.0/25", f"10.60.{position}.128/25"],
            )

    stack = run(program).stack()
    found = {one.name: one for one in read_environments(stack)}
    assert set(found) == {"finance", "risk"}
    assert found["finance"].sources == Hosts.from_cidr("10.60.1.0/24")
    assert found["risk"].sources == Hosts.from_cidr("10.60.2.0/24")
    assert needs(found["risk"]) == {
        ("10.60.2.0/24", "any"),
        ("10.60.0.0/25", "443/tcp"),
        ("pl:com.amazonaws.eu-west-1.s3", "443/tcp"),
    }
    assert all(one.who.environments == frozenset({"risk"}) for one in found["risk"].own)
    assert not list(read(stack))


def test_a_hand_written_environment_has_its_resources_name_and_its_subnets(run: Any) -> None:
    environment = only(run(lambda: by_hand(two_subnets)).stack())
    assert environment.name == "reports"
    assert environment.urn.endswith("aws:mwaa/environment:Environment::reports")
    assert environment.sources == Hosts.from_cidrs(["10.70.1.0/24", "10.70.2.0/24"])


def test_a_hand_written_environments_needs_are_those_of_mwaa_alone(run: Any) -> None:
    """The endpoint of a partner's service is no need of MWAA's: reaching it wants a route."""
    environment = only(run(lambda: by_hand(two_subnets)).stack())
    assert needs(environment) == {
        ("10.70.1.0/24 10.70.2.0/24", "any"),
        ("10.70.9.0/24", "443/tcp"),
        ("pl:com.amazonaws.eu-west-1.s3", "443/tcp"),
    }


def test_subnets_elsewhere_leave_everything_possible_and_say_so(run: Any) -> None:
    stack = run(lambda: by_hand(lambda _: ["subnet-0aaa", "subnet-0bbb"])).stack()
    environment = only(stack)
    assert environment.sources == Hosts.from_cidr("0.0.0.0/0")
    (unknown,) = read(stack)
    assert unknown.always
    assert unknown.gate == "reports"
    assert unknown.default is Action.ALLOW
    (rule,) = unknown.rules
    assert rule.unknown == ("reports.networkConfiguration.subnetIds (subnet-0aaa, subnet-0bbb)",)
    assert rule.match.who.environments == frozenset({"reports"})


def test_one_subnet_elsewhere_leaves_at_least_the_vpc(run: Any) -> None:
    environment = only(run(lambda: by_hand(lambda vpc: [two_subnets(vpc)[0], "subnet-0bbb"])).stack())
    assert environment.sources == Hosts.from_cidr("10.70.0.0/16")


def test_an_unknown_cidr_leaves_the_vpc_and_says_so(preview: Any) -> None:
    def subnets(vpc: aws.ec2.Vpc) -> list[Any]:
        allocated: pulumi.Output[str] = vpc.id.apply(lambda _: "10.70.1.0/24")
        return [aws.ec2.Subnet(f"private-{n}", vpc_id=vpc.id, cidr_block=allocated).id for n in (1, 2)]

    stack = preview(lambda: by_hand(subnets)).stack()
    assert only(stack).sources == Hosts.from_cidr("10.70.0.0/16")
    (unknown,) = read(stack)
    assert unknown.rules[0].unknown == ("private-1.cidrBlock", "private-2.cidrBlock")


def test_brought_subnets_are_known_by_what_the_component_was_told(run: Any, dags: Path) -> None:
    def program() -> None:
        MwaaEnvironment(
            "finance",
            owner="finance@bank.example",
            vpc=ExistingVpc(
                vpc_id="vpc-1", cidr="10.60.0.0/16", endpoint_cidrs=("10.60.9.0/24",), s3_prefix_list_id="pl-6da54004"
            ),
            subnets=ExistingSubnets(
                ids=("subnet-1", "subnet-2"),
                cidrs=("10.60.1.0/24", "10.60.2.0/24"),
                availability_zones=("eu-west-1a", "eu-west-1b"),
                route_table_ids=("rtb-1",),
            ),
            airflow_version="2.10.3",
            scale=MwaaScale(environment_class="mw1.small"),
            code=MwaaCode(dags=dags),
        )

    stack = run(program).stack()
    environment = only(stack)
    assert environment.sources == Hosts.from_cidrs(["10.60.1.0/24", "10.60.2.0/24"])
    assert any(one.hosts == Hosts.from_cidr("10.60.9.0/24") for one in environment.own)
    assert not list(read(stack))


@pytest.mark.parametrize(
    "configuration",
    [
        None,
        UNKNOWN_ID,
        {},
        {"subnetIds": None},
        {"subnetIds": UNKNOWN_ID},
        {"subnetIds": [UNKNOWN_ID, None, 7, {}]},
        {"subnetIds": "subnet-1"},
        "nonsense",
    ],
)
def test_strange_input_is_unknown_and_never_an_error(configuration: Any) -> None:
    urn = "urn:pulumi:test::bank::aws:mwaa/environment:Environment::odd"
    inputs = {} if configuration is None else {"networkConfiguration": configuration}
    stack = Stack([resource_from_wire(urn=urn, type_="aws:mwaa/environment:Environment", inputs=inputs)])
    environment = only(stack)
    assert environment.sources == Hosts.from_cidr("0.0.0.0/0")
    (unknown,) = read(stack)
    assert unknown.rules[0].unknown


def test_a_state_file_links_by_ids_alone() -> None:
    """An old export has no property dependencies for what was imported: ids tell as well."""

    def resource(kind: str, name: str, **outputs: Any) -> Any:
        return resource_from_wire(urn=f"urn:pulumi:p::s::aws:{kind}::{name}", type_=f"aws:{kind}", inputs={}, outputs=outputs)

    stack = Stack(
        [
            resource("ec2/vpc:Vpc", "vpc", id="vpc-1", cidrBlock="10.70.0.0/16"),
            resource("ec2/subnet:Subnet", "a", id="subnet-a", vpcId="vpc-1", cidrBlock="10.70.1.0/24"),
            resource("ec2/subnet:Subnet", "b", id="subnet-b", vpcId="vpc-1", cidrBlock="10.70.2.0/24"),
            resource("ec2/vpcEndpoint:VpcEndpoint", "s3", id="vpce-1", vpcId="vpc-1", serviceName="com.amazonaws.eu-west-1.s3"),
            resource("mwaa/environment:Environment", "e", networkConfiguration={"subnetIds": ["subnet-a", "subnet-b"]}),
        ]
    )
    environment = only(stack)
    assert environment.sources == Hosts.from_cidrs(["10.70.1.0/24", "10.70.2.0/24"])
    assert environment.own[0].services == Services.every()
    assert ("pl:com.amazonaws.eu-west-1.s3", "443/tcp") in needs(environment)
