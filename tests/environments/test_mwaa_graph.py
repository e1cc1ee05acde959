"""What a user of MwaaEnvironment and AirflowVpc relies on: which resource, how set, after which, under which parent."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi_airlock.environments.mwaa import (
    AirflowVpc,
    ExistingCode,
    ExistingSubnets,
    ExistingVpc,
    MwaaCode,
    MwaaEnvironment,
    MwaaLogs,
    MwaaScale,
    S3Object,
)
from pulumi_airlock.gates.stack import UNKNOWN

ENVIRONMENT = "mwaa/environment:Environment"
EGRESS = "vpc/securityGroupEgressRule:SecurityGroupEgressRule"
INGRESS = "vpc/securityGroupIngressRule:SecurityGroupIngressRule"
ENDPOINT = "ec2/vpcEndpoint:VpcEndpoint"


def vpc(**more: Any) -> AirflowVpc:
    return AirflowVpc(
        "shared",
        owner="platform@bank.example",
        cidr="10.60.0.0/16",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        endpoint_cidrs=["10.60.0.0/26", "10.60.0.64/26"],
        **more,
    )


def finance(code: Any, **more: Any) -> MwaaEnvironment:
    arguments: dict[str, Any] = {
        "owner": "finance@bank.example",
        "airflow_version": "2.10.3",
        "scale": MwaaScale(environment_class="mw1.small", max_workers=5),
        "subnet_cidrs": ["10.60.1.0/24", "10.60.2.0/24"],
        **more,
    }
    return MwaaEnvironment("finance", vpc=arguments.pop("vpc", None) or vpc(), code=code, **arguments)


@pytest.fixture
def code(dags: Path) -> MwaaCode:
    """DAGs, requirements, plugins and a start-up script."""
    folder = dags.parent
    (folder / "requirements.txt").write_text("--no-index\n--constraint /usr/local/airflow/dags/c.txt\npandas==2.1.1\n")
    (folder / "startup.sh").write_text("export TZ=UTC\n")
    with zipfile.ZipFile(folder / "plugins.zip", "w") as plugins:
        plugins.writestr("hello.py", "")
    return MwaaCode(
        dags=dags,
        requirements=folder / "requirements.txt",
        plugins=folder / "plugins.zip",
        startup_script=folder / "startup.sh",
    )


def test_without_nat_no_route_leaves_the_vpc(run: Any, code: MwaaCode) -> None:
    engine = run(lambda: finance(code))
    assert not engine.of("ec2/route:Route")
    assert not engine.of("ec2/natGateway:NatGateway")
    assert not engine.of("ec2/internetGateway:InternetGateway")


def test_every_service_that_mwaa_needs_has_an_endpoint(run: Any, code: MwaaCode) -> None:
    engine = run(lambda: finance(code))
    endpoints = {one.inputs["serviceName"]: one for one in engine.of(ENDPOINT).values()}
    needed = ["airflow.api", "airflow.env", "airflow.ops", "ecr.api", "ecr.dkr", "kms", "logs", "monitoring", "sqs"]
    assert set(endpoints) == {f"com.amazonaws.eu-west-1.{service}" for service in [*needed, "s3"]}
    for service in needed:
        one = endpoints[f"com.amazonaws.eu-west-1.{service}"]
        assert one.parent == "shared"
        assert one.inputs["vpcEndpointType"] == "Interface"
        assert one.inputs["privateDnsEnabled"] is True
        assert one.from_["subnetIds"] >= {"shared-endpoints-0", "shared-endpoints-1"}
        assert one.from_["securityGroupIds"] == {"shared-endpoints"}
    assert endpoints["com.amazonaws.eu-west-1.s3"].inputs["vpcEndpointType"] == "Gateway"
    attached = engine.of("ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation").values()
    assert {frozenset(one.from_["routeTableId"]) for one in attached} == {
        frozenset({"finance-private-0"}),
        frozenset({"finance-private-1"}),
    }


def test_the_tasks_reach_themselves_the_endpoints_and_s3_and_nothing_else(run: Any, code: MwaaCode) -> None:
    engine = run(lambda: finance(code))
    rules = engine.of(EGRESS)
    assert set(rules) == {"finance-self", "finance-s3", "finance-endpoints-0"}, "two networks side by side are one rule"
    for one in rules.values():
        assert one.parent == "finance"
        assert one.from_["securityGroupId"] == {"finance-tasks"}
    self_rule = rules["finance-self"]
    assert self_rule.inputs["ipProtocol"] == "-1"
    assert self_rule.from_["referencedSecurityGroupId"] == {"finance-tasks"}
    assert rules["finance-s3"].from_["prefixListId"] == {"shared-s3"}
    assert rules["finance-endpoints-0"].inputs["cidrIpv4"] == "10.60.0.0/25"
    for name in ("finance-s3", "finance-endpoints-0"):
        inputs = rules[name].inputs
        assert (inputs["ipProtocol"], inputs["fromPort"], inputs["toPort"]) == ("tcp", 443, 443)
    group = engine.of("ec2/securityGroup:SecurityGroup")["finance-tasks"].inputs
    assert "egress" not in group
    assert "ingress" not in group


def test_only_themselves_reach_the_tasks_and_the_environment_the_endpoints(run: Any, code: MwaaCode) -> None:
    rules = run(lambda: finance(code)).of(INGRESS)
    assert set(rules) == {"finance-self", "finance-endpoints"}
    assert rules["finance-self"].from_["securityGroupId"] == {"finance-tasks"}
    assert rules["finance-self"].from_["referencedSecurityGroupId"] == {"finance-tasks"}
    into_endpoints = rules["finance-endpoints"]
    assert into_endpoints.from_["securityGroupId"] == {"shared-endpoints"}
    assert into_endpoints.from_["referencedSecurityGroupId"] == {"finance-tasks"}
    assert into_endpoints.inputs["fromPort"] == into_endpoints.inputs["toPort"] == 443


def test_people_reach_the_private_web_server_from_where_they_are_said_to_be(run: Any, code: MwaaCode) -> None:
    engine = run(lambda: finance(code, ui_cidrs=["10.8.0.0/16", "10.9.4.0/24"]))
    opened = {one.inputs["cidrIpv4"]: one.inputs["toPort"] for one in engine.of(INGRESS).values() if "cidrIpv4" in one.inputs}
    assert opened == {"10.8.0.0/16": 443, "10.9.4.0/24": 443}
    assert engine.of(ENVIRONMENT)["finance-environment"].inputs["webserverAccessMode"] == "PRIVATE_ONLY"


def test_subnets_are_private_and_in_two_zones(run: Any, code: MwaaCode) -> None:
    engine = run(lambda: finance(code))
    subnets = [engine.of("ec2/subnet:Subnet")[f"finance-private-{n}"] for n in (0, 1)]
    assert [one.inputs["availabilityZone"] for one in subnets] == ["eu-west-1a", "eu-west-1b"]
    assert [one.inputs["cidrBlock"] for one in subnets] == ["10.60.1.0/24", "10.60.2.0/24"]
    assert not any(one.inputs["mapPublicIpOnLaunch"] for one in subnets)
    tables = engine.of("ec2/routeTable:RouteTable")
    assert not any("routes" in one.inputs for one in tables.values()), "inline routes remove those that gates add"


def test_nat_in_each_zone_serves_that_zone(run: Any, code: MwaaCode) -> None:
    engine = run(lambda: finance(code, vpc=vpc(nat="per-zone", public_cidrs=["10.60.0.128/28", "10.60.0.144/28"])))
    routes = engine.of("ec2/route:Route")
    for n in (0, 1):
        default = routes[f"finance-private-{n}-default"]
        assert default.inputs["destinationCidrBlock"] == "0.0.0.0/0"
        assert default.from_["natGatewayId"] == {f"shared-nat-{n}"}
        nat = engine.of("ec2/natGateway:NatGateway")[f"shared-nat-{n}"]
        assert "shared-public-default" in nat.depends_on
    # A way to the internet opens no port: a gate does that, for a route.
    assert not any(one.inputs.get("cidrIpv4") == "0.0.0.0/0" for one in engine.of(EGRESS).values())


def test_one_nat_serves_both_zones(run: Any, code: MwaaCode) -> None:
    engine = run(lambda: finance(code, vpc=vpc(nat="single", public_cidrs=["10.60.0.128/28"])))
    routes = engine.of("ec2/route:Route")
    assert {name for name in routes if name.startswith("finance")} == {"finance-private-0-default", "finance-private-1-default"}
    assert all(routes[f"finance-private-{n}-default"].from_["natGatewayId"] == {"shared-nat-0"} for n in (0, 1))


def test_a_brought_vpc_gets_endpoints_and_nothing_else(run: Any) -> None:
    engine = run(lambda: vpc(vpc_id="vpc-0abc"))
    assert not engine.of("ec2/vpc:Vpc")
    assert not engine.of("ec2/defaultSecurityGroup:DefaultSecurityGroup"), "somebody else's default group is not ours to empty"
    assert {one.inputs["vpcId"] for one in engine.of(ENDPOINT).values()} == {"vpc-0abc"}


def test_a_new_vpcs_default_group_lets_nothing_through(run: Any) -> None:
    group = run(vpc).of("ec2/defaultSecurityGroup:DefaultSecurityGroup")["shared-default"]
    assert "ingress" not in group.inputs
    assert "egress" not in group.inputs
    assert group.from_["vpcId"] == {"shared-vpc"}


def test_everything_brought_makes_no_network(run: Any, code: MwaaCode) -> None:
    brought = ExistingVpc(
        vpc_id="vpc-0abc", cidr="10.60.0.0/16", endpoint_cidrs=("10.60.9.0/24",), s3_prefix_list_id="pl-6da54004"
    )
    subnets = ExistingSubnets(
        ids=("subnet-1", "subnet-2"),
        cidrs=("10.60.1.0/24", "10.60.2.0/24"),
        availability_zones=("eu-west-1a", "eu-west-1b"),
        route_table_ids=("rtb-1",),
    )
    engine = run(lambda: finance(code, vpc=brought, subnets=subnets, subnet_cidrs=None))
    assert not engine.of("ec2/vpc:Vpc")
    assert not engine.of("ec2/subnet:Subnet")
    assert not engine.of("ec2/routeTable:RouteTable")
    assert engine.of(ENVIRONMENT)["finance-environment"].inputs["networkConfiguration"]["subnetIds"] == ["subnet-1", "subnet-2"]
    assert engine.of(EGRESS)["finance-s3"].inputs["prefixListId"] == "pl-6da54004"


def test_nothing_that_mwaa_checks_comes_after_the_environment(run: Any, code: MwaaCode) -> None:
    engine = run(lambda: finance(code, extra_policy_arns=["arn:aws:iam::111122223333:policy/read"]))
    before = engine.of(ENVIRONMENT)["finance-environment"].depends_on
    for name in ("finance-self", "finance-s3", "finance-endpoints", "finance-endpoints-0"):
        assert name in before, "the environment would not start"
    assert {"finance-role", "finance-role-key", "finance-role-0"} <= before, (
        "a role without its policies: INCORRECT_CONFIGURATION"
    )
    assert {"finance-private-0-s3", "finance-private-1-s3", "shared-sqs", "shared-ecr-dkr"} <= before, "no image, no queue"
    urns = engine.requests[engine.of(ENVIRONMENT)["finance-environment"].urn].dependencies
    kinds = {urn.split("::")[2].rsplit("$", 1)[-1] for urn in urns}
    assert "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock" in kinds, "MWAA refuses a bucket that may be public"
    assert "aws:s3/bucketVersioning:BucketVersioning" in kinds
    assert "aws:cloudwatch/logGroup:LogGroup" in kinds, "MWAA would make the groups without retention"


def test_the_bucket_is_private_versioned_encrypted_and_for_tls_alone(run: Any, code: MwaaCode) -> None:
    engine = run(lambda: finance(code))
    blocked = engine.of("s3/bucketPublicAccessBlock:BucketPublicAccessBlock")["finance-code"].inputs
    flags = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert all(blocked[flag] is True for flag in flags)
    versioning = engine.of("s3/bucketVersioning:BucketVersioning")["finance-code"].inputs
    assert versioning["versioningConfiguration"]["status"] == "Enabled"
    kind = "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    rule = engine.of(kind)["finance-code"].inputs["rules"][0]["applyServerSideEncryptionByDefault"]
    assert rule["sseAlgorithm"] == "aws:kms"
    assert engine.of(kind)["finance-code"].from_["rules"] == {"finance-key"}
    owned = engine.of("s3/bucketOwnershipControls:BucketOwnershipControls")["finance-code"].inputs
    assert owned["rule"]["objectOwnership"] == "BucketOwnerEnforced"
    statements = engine.of("s3/bucketPolicy:BucketPolicy")["finance-code"].document()
    assert statements["TlsOnly"]["Effect"] == "Deny"
    assert statements["TlsOnly"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statements["TlsOnly"]["Resource"][0] == "arn:aws:s3:::airflow-finance-111122223333-eu-west-1"


def test_code_is_uploaded_once_the_bucket_keeps_versions(run: Any, code: MwaaCode) -> None:
    engine = run(lambda: finance(code))
    objects = engine.of("s3/bucketObjectv2:BucketObjectv2")
    assert {one.inputs["key"] for one in objects.values()} == {
        "dags/finance/load.py",
        "dags/.airflowignore",
        "requirements.txt",
        "plugins.zip",
        "startup.sh",
    }
    for one in objects.values():
        assert one.parent == "finance"
        kinds = {urn.split("::")[2].rsplit("$", 1)[-1] for urn in engine.requests[one.urn].dependencies}
        assert "aws:s3/bucketVersioning:BucketVersioning" in kinds, "its version would be null"


def test_files_are_named_as_on_every_machine(preview: Any, code: MwaaCode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(code.dags).parent)
    objects = preview(lambda: finance(code)).of("s3/bucketObjectv2:BucketObjectv2")
    assert objects["finance-dags/finance/load.py"].inputs["source"]["path"] == "dags/finance/load.py"


def test_flows_are_logged_where_asked(run: Any) -> None:
    flows = run(lambda: vpc(flow_log_bucket_arn="arn:aws:s3:::bank-flow-logs")).of("ec2/flowLog:FlowLog")["shared-flows"]
    assert flows.inputs["trafficType"] == "ALL"
    assert flows.inputs["logDestination"] == "arn:aws:s3:::bank-flow-logs"
    assert flows.from_["vpcId"] == {"shared-vpc"}


def test_s3_means_the_banks_own_buckets(run: Any) -> None:
    """The prefix list is all of S3 in the region: the endpoint's policy keeps data from anybody else's bucket."""
    statements = run(lambda: vpc(s3_accounts=["444455556666"])).of(ENDPOINT)["shared-s3"].document()
    own = statements.pop("OwnBuckets")
    assert own["Condition"] == {"StringEqualsIfExists": {"aws:ResourceAccount": ["111122223333", "444455556666"]}}
    assert [one["Resource"] for one in statements.values()] == ["arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*"]


def test_further_services_get_endpoints_too(run: Any) -> None:
    endpoints = run(lambda: vpc(extra_services=["secretsmanager", "kms"])).of(ENDPOINT)
    assert endpoints["shared-secretsmanager"].inputs["serviceName"] == "com.amazonaws.eu-west-1.secretsmanager"
    assert [one.inputs["serviceName"] for one in endpoints.values()].count("com.amazonaws.eu-west-1.kms") == 1


def test_the_environment_has_the_versions_of_what_was_uploaded(update: Any, code: MwaaCode) -> None:
    engine = update(lambda: finance(code))
    environment = engine.of(ENVIRONMENT)["finance-environment"]
    for prop, name, path in (
        ("requirements", "finance-requirements", "requirements.txt"),
        ("plugins", "finance-plugins", "plugins.zip"),
        ("startupScript", "finance-startup-script", "startup.sh"),
    ):
        assert environment.inputs[f"{prop}S3Path"] == path
        assert environment.inputs[f"{prop}S3ObjectVersion"] == f"version-of-{name}"
        assert environment.from_[f"{prop}S3ObjectVersion"] == {name}


def test_a_changed_file_changes_its_object(preview: Any, code: MwaaCode) -> None:
    def hashes() -> dict[str, str]:
        objects = preview(lambda: finance(code)).of("s3/bucketObjectv2:BucketObjectv2")
        return {name: one.inputs["sourceHash"] for name, one in objects.items()}

    first = hashes()
    assert hashes() == first
    (Path(code.dags) / "finance" / "load.py").write_text("# another\n")
    changed = {name for name, value in hashes().items() if value != first[name]}
    assert changed == {"finance-dags/finance/load.py"}


def test_plugins_from_a_folder_change_with_any_of_its_files(preview: Any, dags: Path) -> None:
    plugins = dags.parent / "plugins"
    plugins.mkdir()
    (plugins / "one.py").write_text("")

    def digest() -> str:
        engine = preview(lambda: finance(MwaaCode(dags=dags, plugins=plugins)))
        found: str = engine.of("s3/bucketObjectv2:BucketObjectv2")["finance-plugins"].inputs["sourceHash"]
        return found

    first = digest()
    (plugins / "two.py").write_text("")
    second = digest()
    (plugins / "two.py").rename(plugins / "three.py")
    assert len({first, second, digest()}) == 3


def test_code_in_a_brought_bucket_is_wired_with_its_versions(run: Any) -> None:
    code = ExistingCode(
        bucket_arn="arn:aws:s3:::bank-dags",
        dags_path="airflow/dags",
        requirements=S3Object(path="airflow/requirements.txt", version="3sL4kqtJlcpXroDTDmJ"),
    )
    engine = run(lambda: finance(code))
    inputs = engine.of(ENVIRONMENT)["finance-environment"].inputs
    assert inputs["sourceBucketArn"] == "arn:aws:s3:::bank-dags"
    assert inputs["dagS3Path"] == "airflow/dags"
    assert inputs["requirementsS3ObjectVersion"] == "3sL4kqtJlcpXroDTDmJ"
    assert not engine.of("s3/bucket:Bucket")
    readable = engine.of("iam/rolePolicy:RolePolicy")["finance-role"].document()["ReadCode"]["Resource"]
    assert readable == ["arn:aws:s3:::bank-dags", "arn:aws:s3:::bank-dags/*"]


def test_only_mwaa_assumes_the_role_and_only_for_this_environment(run: Any, code: MwaaCode) -> None:
    role = run(lambda: finance(code, permissions_boundary_arn="arn:aws:iam::111122223333:policy/edge")).of("iam/role:Role")
    trust = role["finance-role"].document("assumeRolePolicy")["MwaaForThisEnvironment"]
    assert trust["Principal"] == {"Service": ["airflow.amazonaws.com", "airflow-env.amazonaws.com"]}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": "111122223333"}
    assert trust["Condition"]["ArnLike"] == {"aws:SourceArn": "arn:aws:airflow:eu-west-1:111122223333:environment/finance"}
    assert role["finance-role"].inputs["permissionsBoundary"] == "arn:aws:iam::111122223333:policy/edge"


def test_the_role_may_do_nothing_everywhere_without_a_condition(run: Any, code: MwaaCode) -> None:
    """The policy is known at preview, so that policies can look at it there."""
    statements = run(lambda: finance(code)).of("iam/rolePolicy:RolePolicy")["finance-role"].document()
    for sid, statement in statements.items():
        assert not any(action.endswith(":*") or action == "*" for action in statement["Action"]), sid
        if "*" in statement["Resource"]:
            assert statement["Condition"], sid
    everywhere = [action for one in statements.values() if "*" in one["Resource"] for action in one["Action"]]
    assert sorted(everywhere) == ["cloudwatch:PutMetricData", "logs:DescribeLogGroups", "s3:GetAccountPublicAccessBlock"]


def test_the_role_uses_the_key_through_queue_and_bucket_alone(update: Any, code: MwaaCode) -> None:
    statement = update(lambda: finance(code)).of("iam/rolePolicy:RolePolicy")["finance-role-key"].document()["UseKey"]
    assert statement["Resource"] == ["arn:aws:mock:eu-west-1:111122223333:finance-key"]
    services = ["sqs.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com"]
    assert statement["Condition"] == {"StringEquals": {"kms:ViaService": services}}


def test_a_brought_role_is_used_as_it_is(run: Any, code: MwaaCode) -> None:
    arn = "arn:aws:iam::111122223333:role/airflow"
    engine = run(lambda: finance(code, execution_role_arn=arn))
    assert engine.of(ENVIRONMENT)["finance-environment"].inputs["executionRoleArn"] == arn
    assert not engine.of("iam/role:Role")
    assert not engine.of("iam/rolePolicy:RolePolicy")


def test_the_key_rotates_and_logs_use_it_for_this_environment_alone(run: Any, code: MwaaCode) -> None:
    key = run(lambda: finance(code)).of("kms/key:Key")["finance-key"]
    assert key.inputs["enableKeyRotation"] is True
    statements = key.document()
    logs = statements["LogsOfThisEnvironment"]
    assert logs["Principal"] == {"Service": "logs.eu-west-1.amazonaws.com"}
    assert logs["Condition"]["ArnLike"] == {
        "kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-west-1:111122223333:log-group:airflow-finance-*"
    }
    account = statements["AccountDecidesThroughIam"]
    assert "kms:CreateGrant" in account["Action"], "MWAA could not make its grants"
    assert not any("*" in action for action in account["Action"])


def test_a_brought_key_encrypts_everything(run: Any, code: MwaaCode) -> None:
    arn = "arn:aws:kms:eu-west-1:111122223333:key/0d8b1d6e-0000-4000-8000-000000000000"
    engine = run(lambda: finance(code, kms_key_arn=arn))
    assert not engine.of("kms/key:Key")
    assert engine.of(ENVIRONMENT)["finance-environment"].inputs["kmsKey"] == arn
    assert {one.inputs["kmsKeyId"] for one in engine.of("cloudwatch/logGroup:LogGroup").values()} == {arn}


def test_five_streams_are_on_and_their_groups_keep_for_as_long_as_said(run: Any, code: MwaaCode) -> None:
    engine = run(lambda: finance(code, environment_name="fin", logs=MwaaLogs(task="DEBUG", retention_days=731)))
    groups = engine.of("cloudwatch/logGroup:LogGroup").values()
    suffixes = ("DAGProcessing", "Scheduler", "Task", "WebServer", "Worker")
    assert {one.inputs["name"] for one in groups} == {f"airflow-fin-{suffix}" for suffix in suffixes}
    assert {one.inputs["retentionInDays"] for one in groups} == {731}
    assert all(one.from_["kmsKeyId"] == {"finance-key"} for one in groups)
    streams = engine.of(ENVIRONMENT)["finance-environment"].inputs["loggingConfiguration"]
    assert len(streams) == 5
    assert all(one["enabled"] is True for one in streams.values())
    assert streams["taskLogs"]["logLevel"] == "DEBUG"


def test_own_endpoints_come_after_the_environment_has_told_their_services(update: Any, code: MwaaCode) -> None:
    engine = update(lambda: finance(code, endpoint_management="CUSTOMER"))
    for name, service in (("finance-database", "vpce-svc-1"), ("finance-webserver", "vpce-svc-2")):
        one = engine.of(ENDPOINT)[name]
        assert one.inputs["serviceName"] == f"com.amazonaws.vpce.eu-west-1.{service}"
        assert one.from_["serviceName"] == {"finance-environment"}
        assert one.from_["subnetIds"] == {"finance-private-0", "finance-private-1"}
        assert one.from_["securityGroupIds"] == {"finance-tasks"}


def test_a_public_web_server_needs_no_endpoint_of_its_own(run: Any, code: MwaaCode) -> None:
    more = {"endpoint_management": "CUSTOMER", "webserver_access_mode": "PUBLIC_ONLY"}
    endpoints = run(lambda: finance(code, **more)).of(ENDPOINT)
    assert "finance-database" in endpoints
    assert "finance-webserver" not in endpoints


def test_mwaa_makes_its_endpoints_unless_told_otherwise(run: Any, code: MwaaCode) -> None:
    endpoints = run(lambda: finance(code)).of(ENDPOINT)
    assert not any(name.startswith("finance") for name in endpoints)


def test_scale_and_operation_are_said_in_full(run: Any, code: MwaaCode) -> None:
    scale = MwaaScale(environment_class="mw1.medium", min_workers=2, max_workers=10, schedulers=3, max_webservers=4)
    options = {"core.parallelism": "64"}
    engine = run(lambda: finance(code, scale=scale, maintenance_window_start="SUN:03:30", airflow_options=options))
    inputs = engine.of(ENVIRONMENT)["finance-environment"].inputs
    expected = {
        "environmentClass": "mw1.medium",
        "minWorkers": 2,
        "maxWorkers": 10,
        "schedulers": 3,
        "minWebservers": 2,
        "maxWebservers": 4,
        "airflowVersion": "2.10.3",
        "weeklyMaintenanceWindowStart": "SUN:03:30",
        "workerReplacementStrategy": "GRACEFUL",
        "airflowConfigurationOptions": options,
        "endpointManagement": "SERVICE",
    }
    assert {key: inputs[key] for key in expected} == expected


def test_everything_that_takes_tags_names_its_owner(run: Any, code: MwaaCode) -> None:
    engine = run(lambda: finance(code, tags={"cost-center": "4711"}))
    untagged = ("Rule", "Association", "RolePolicy", "Alias", "Route", "Objectv2", "Configuration", "Controls", "Versioning")
    for request in engine.requests.values():
        if not request.custom or request.type.endswith(untagged) or "s3/bucketP" in request.type:
            continue
        tags = json.loads(json.dumps(dict(request.object["tags"])))
        assert tags["owner"] in ("finance@bank.example", "platform@bank.example"), request.name
    assert engine.of(ENVIRONMENT)["finance-environment"].inputs["tags"]["cost-center"] == "4711"


def test_what_cannot_be_made_again_is_protected_when_asked(run: Any, code: MwaaCode) -> None:
    engine = run(lambda: finance(code, protect_data=True))
    protected = {request.type for request in engine.requests.values() if request.protect}
    assert protected == {"aws:kms/key:Key", "aws:s3/bucket:Bucket", f"aws:{ENVIRONMENT}"}
    assert not any(request.protect for request in run(lambda: finance(code)).requests.values())


def test_a_replaced_environment_is_deleted_first(preview: Any, code: MwaaCode) -> None:
    engine = preview(lambda: finance(code))
    request = engine.requests[engine.of(ENVIRONMENT)["finance-environment"].urn]
    assert request.deleteBeforeReplace, "two environments cannot have one name"


def test_gates_get_plain_cidrs_and_ids_that_are_outputs(update: Any, code: MwaaCode) -> None:
    seen: dict[str, Any] = {}

    def program() -> None:
        environment = finance(code)
        network = environment.network
        seen.update(environment=network.environment, cidrs=network.subnet_cidrs, vpc=network.vpc_cidr)
        ids = [network.vpc_id, network.security_group_id, *network.subnet_ids, *network.route_table_ids]
        pulumi.Output.all(*ids, environment.arn, environment.webserver_url, environment.bucket_name).apply(
            lambda values: seen.update(values=values)
        )

    update(program)
    assert seen["environment"] == "finance"
    assert seen["cidrs"] == ("10.60.1.0/24", "10.60.2.0/24")
    assert seen["vpc"] == "10.60.0.0/16"
    assert seen["values"][1:4] == ["securitygroup-finance-tasks", "subnet-finance-private-0", "subnet-finance-private-1"]
    assert seen["values"][-2:] == ["abc.c3.eu-west-1.airflow.amazonaws.com", "airflow-finance-111122223333-eu-west-1"]


def test_components_register_what_they_are(preview: Any, code: MwaaCode) -> None:
    engine = preview(lambda: finance(code))
    stack = engine.stack()
    component = next(one for one in stack.resources if one.type == "airlock:index:MwaaEnvironment")
    assert component.get("subnetCidrs") == ["10.60.1.0/24", "10.60.2.0/24"]
    assert component.get("arn") is UNKNOWN


def test_what_is_not_certain_is_warned_about(preview: Any, dags: Path) -> None:
    requirements = dags.parent / "requirements.txt"
    requirements.write_text("pandas\n")
    code = MwaaCode(dags=dags, requirements=requirements)
    scale = MwaaScale(environment_class="mw1.4xlarge", max_workers=30)
    brought = ExistingVpc(
        vpc_id="vpc-1",
        cidr="10.60.0.0/16",
        endpoint_cidrs=("10.60.9.0/24",),
        s3_prefix_list_id="pl-1",
        s3_endpoint_id="vpce-1",
        availability_zones=("eu-west-1a", "eu-west-1b"),
        internet=True,
    )
    engine = preview(
        lambda: finance(code, vpc=brought, airflow_version="4.0.0", scale=scale, subnet_cidrs=["10.60.1.0/27", "10.60.2.0/27"])
    )
    text = "\n".join(engine.warnings)
    for part in (
        "mw1.4xlarge is not in the table",
        "Airflow 4.0.0 is newer",
        "pandas has no exact version",
        "no --constraint",
        "one zone",
    ):
        assert part in text, text
