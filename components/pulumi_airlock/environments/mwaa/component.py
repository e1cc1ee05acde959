"""The component of an MWAA environment: checks every argument, then puts the parts together."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from ...errors import Problems
from ...gates.aws_network import Gateway
from ...tokens import MWAA_ENVIRONMENT
from .artifacts import ExistingCode, MwaaCode, check_code, check_way_out, startup_text
from .checks import check_account, checked_tags, current_account, known, one_of, resolved_region
from .egress import ProxyEgress
from .egress_rules import open_to_proxy
from .encryption import make_key
from .limits import (
    AIRFLOW_VERSIONS,
    AS_OF,
    BUCKET_NAME,
    ENVIRONMENT_NAME,
    KEY_ARN,
    MAINTENANCE_START,
    MAX_SECURITY_GROUPS,
    ROLE_ARN,
)
from .logs import STREAMS, MwaaLogs, check_logs, logging_configuration, make_log_groups
from .network import EnvironmentNetwork
from .options import Options, check_options
from .placement import ExistingSubnets, check_existing_vpc, check_placement, make_placement
from .role import ExecutionRole, make_role
from .scale import MwaaScale, check_scale
from .storage import Generated, existing, text, upload
from .tasks import (
    MANIFEST,
    TaskProvider,
    check_tasks,
    permissions,
    plugins,
    requirements_text,
)
from .tasks import (
    airflow_options as options_of_tasks,
)
from .vpc import AirflowVpc, ExistingVpc

WebserverAccess = Literal["PRIVATE_ONLY", "PUBLIC_ONLY"]
EndpointManagement = Literal["SERVICE", "CUSTOMER"]
WorkerReplacement = Literal["GRACEFUL", "FORCED"]


class MwaaEnvironment(pulumi.ComponentResource):
    """An MWAA environment with everything that it needs, closed to all but that: gates open it, route by route.

    Args:
        owner: who answers for it; a tag of every resource.
        vpc: made (`AirflowVpc`, shared by several environments) or brought (`ExistingVpc`).
        airflow_version: `limits.AIRFLOW_VERSIONS`; no default, so that it never changes by itself.
        scale: class and numbers.
        code: local files (`MwaaCode`) or a bucket that somebody else fills (`ExistingCode`).
        subnet_cidrs: networks of two private subnets to make, one in each of the VPC's zones.
        subnets: brings them instead.
        account_id: the AWS account (12 digits); asked of AWS unless given.
        region: the provider's, unless given.
        environment_name: MWAA's name for it; the component's name unless given.
        bucket_name: for `MwaaCode`; `airflow-<environment>-<account>-<region>` unless given.
        webserver_access_mode: `PRIVATE_ONLY` (within the VPC), or `PUBLIC_ONLY` (from the internet, behind IAM).
        ui_cidrs: where people reach the private web server from (offices, VPN), on port 443.
        endpoint_management: who makes the endpoints of the database and the web server: MWAA (`SERVICE`), or this component, once
            the environment has told their services (`CUSTOMER`, which a VPC shared between accounts demands).
        execution_role_arn: brings the tasks' role instead of making one.
        permissions_boundary_arn: of the role that is made.
        extra_policy_arns: further policies of the role that is made.
        kms_key_arn: brings the key instead of making one; its policy must let CloudWatch Logs and MWAA use it.
        logs: levels and retention of the five streams.
        airflow_options: Airflow configuration, `section.option` → value.
        egress: the proxy that scheduler, workers and web servers go out through, each by its own port; told to them by the
            start-up script, in front of the code's own.
        tasks: Airlock's provider inside Airflow: each task gets the connections that its routes lead to, and no others.
        egress_gateway: where the proxy's networks are routed to; None where the VPC leads there already (NAT).
        maintenance_window_start: weekly, UTC, `SUN:03:30`.
        worker_replacement_strategy: at updates, `GRACEFUL` lets tasks finish (up to 12 hours), `FORCED` stops them.
        extra_security_group_ids: beside the environment's own.
        protect_data: Pulumi refuses to delete or replace the environment (its run history), its key and its bucket.
        tags: further tags for every resource.

    Raises:
        InputError: everything that MWAA would refuse, most of it 25 minutes later, at once, before anything is registered.
    """

    arn: pulumi.Output[str]
    """Of the environment."""
    webserver_url: pulumi.Output[str]
    """Its host name, without a scheme."""
    execution_role_arn: pulumi.Output[str]
    bucket_name: pulumi.Output[str]
    kms_key_arn: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    """The tasks' security group."""
    log_group_names: dict[str, pulumi.Output[str]]
    """Log stream (`dag_processing`, `scheduler`, `task`, `webserver`, `worker`) → its log group."""
    network: EnvironmentNetwork

    def __init__(
        self,
        name: str,
        *,
        owner: str,
        vpc: AirflowVpc | ExistingVpc,
        airflow_version: str,
        scale: MwaaScale,
        code: MwaaCode | ExistingCode,
        subnet_cidrs: Sequence[str] | None = None,
        subnets: ExistingSubnets | None = None,
        account_id: str | None = None,
        region: str | None = None,
        environment_name: str | None = None,
        bucket_name: str | None = None,
        webserver_access_mode: WebserverAccess = "PRIVATE_ONLY",
        ui_cidrs: Sequence[str] = (),
        endpoint_management: EndpointManagement = "SERVICE",
        execution_role_arn: pulumi.Input[str] | None = None,
        permissions_boundary_arn: pulumi.Input[str] | None = None,
        extra_policy_arns: Sequence[pulumi.Input[str]] = (),
        kms_key_arn: pulumi.Input[str] | None = None,
        logs: MwaaLogs | None = None,
        airflow_options: Options | None = None,
        egress: ProxyEgress | None = None,
        egress_gateway: Gateway | None = None,
        tasks: TaskProvider | None = None,
        maintenance_window_start: str | None = None,
        worker_replacement_strategy: WorkerReplacement = "GRACEFUL",
        extra_security_group_ids: Sequence[pulumi.Input[str]] = (),
        protect_data: bool = False,
        tags: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        environment_name = environment_name or name
        logs = logs or MwaaLogs()
        problems = Problems(name)
        region = resolved_region(region, problems, opts)
        all_tags = checked_tags(owner, tags, problems)
        internet = bool(vpc.internet or vpc.nat_gateway_ids)
        warnings = [
            *_check_name(environment_name, account_id, bucket_name, code, region, problems),
            *_check_version(airflow_version, problems),
            *check_scale(scale, problems),
            *check_placement(vpc, subnet_cidrs, subnets, scale, region, problems),
            *check_code(code, airflow_version, internet, problems),
            *check_way_out(code, egress, problems, routed=egress_gateway is not None),
        ]
        if isinstance(vpc, ExistingVpc):
            check_existing_vpc(vpc, problems)
        check_logs(logs, problems)
        check_options(airflow_options or {}, problems)
        if tasks is not None:
            warnings += check_tasks(tasks, code, airflow_version, airflow_options or {}, problems)
        _check_access(webserver_access_mode, ui_cidrs, endpoint_management, problems)
        _check_role(execution_role_arn, permissions_boundary_arn, extra_policy_arns, problems)
        _check_operation(kms_key_arn, maintenance_window_start, worker_replacement_strategy, extra_security_group_ids, problems)
        problems.raise_any()

        # Readers need it, and `pulumi preview --json` has no outputs of components.
        told: dict[str, Any] = {"endpointCidrs": list(vpc.endpoint_cidrs)}
        if egress is not None:
            told["egress"] = egress.described(region, vpc.cidr)
        super().__init__(MWAA_ENVIRONMENT, name, told, opts)
        for warning in warnings:
            pulumi.warn(f"{name}: {warning}", self)
        child = pulumi.ResourceOptions(parent=self)
        data = pulumi.ResourceOptions(parent=self, protect=protect_data or None)
        account = current_account(account_id, self)

        self.kms_key_arn = (
            make_key(name, environment_name, account, region, all_tags, data)
            if kms_key_arn is None
            else pulumi.Output.from_input(kms_key_arn)
        )
        placement = make_placement(name, vpc, subnet_cidrs or (), subnets, ui_cidrs, all_tags, child)
        if isinstance(code, ExistingCode):
            stored = existing(code)
        else:
            bucket = account.apply(
                lambda known_account: bucket_name or default_bucket_name(environment_name, known_account, region)
            )
            generated = _generated(code, startup_text(code, egress, region, vpc.cidr), tasks)
            shipped = {MANIFEST: tasks.manifest.text()} if tasks is not None else {}
            stored = upload(name, code, bucket, region, self.kms_key_arn, all_tags, data, generated, shipped)
        role = (
            make_role(
                name,
                environment_name,
                account,
                region,
                stored.bucket_arn,
                self.kms_key_arn,
                permissions_boundary_arn,
                extra_policy_arns,
                all_tags,
                child,
                permissions(tasks) if tasks is not None else None,
            )
            if execution_role_arn is None
            else ExecutionRole(pulumi.Output.from_input(execution_role_arn))
        )
        # Before the environment starts: what its start-up script installs goes through the proxy.
        way_out = [] if egress is None else list(open_to_proxy(name, egress, placement.network, egress_gateway, all_tags, child))
        log_groups = make_log_groups(name, environment_name, logs, self.kms_key_arn, all_tags, child)
        low_workers, high_workers = scale.workers
        low_webservers, high_webservers = scale.webservers
        environment = aws.mwaa.Environment(
            f"{name}-environment",
            name=environment_name,
            airflow_version=airflow_version,
            environment_class=scale.environment_class,
            min_workers=low_workers,
            max_workers=high_workers,
            schedulers=scale.scheduler_count,
            min_webservers=low_webservers,
            max_webservers=high_webservers,
            **stored.arguments,
            execution_role_arn=role.arn,
            kms_key=self.kms_key_arn,
            network_configuration={
                "subnet_ids": list(placement.network.subnet_ids),
                "security_group_ids": [placement.network.security_group_id, *extra_security_group_ids],
            },
            webserver_access_mode=webserver_access_mode,
            endpoint_management=endpoint_management,
            logging_configuration=logging_configuration(logs),
            airflow_configuration_options=dict(airflow_options or {}) | (options_of_tasks(tasks) if tasks else {}) or None,
            weekly_maintenance_window_start=maintenance_window_start,
            worker_replacement_strategy=worker_replacement_strategy,
            tags=all_tags,
            opts=_environment_options(data, [*placement.before, *stored.before, *role.before, *log_groups, *way_out]),
        )
        if endpoint_management == "CUSTOMER":
            self._make_own_endpoints(name, environment, placement.network, webserver_access_mode, all_tags)

        self.arn = environment.arn
        self.webserver_url = environment.webserver_url
        self.execution_role_arn = role.arn
        self.bucket_name = stored.bucket_name
        self.security_group_id = placement.network.security_group_id
        self.log_group_names = {stream: group.name for stream, group in zip(STREAMS, log_groups, strict=True)}
        self.network = placement.network
        self.register_outputs(
            {
                "arn": self.arn,
                "webserverUrl": self.webserver_url,
                "executionRoleArn": self.execution_role_arn,
                "bucketName": self.bucket_name,
                "kmsKeyArn": self.kms_key_arn,
                "securityGroupId": self.security_group_id,
                "vpcId": self.network.vpc_id,
                "vpcCidr": self.network.vpc_cidr,
                "subnetIds": list(self.network.subnet_ids),
                "subnetCidrs": list(self.network.subnet_cidrs),
                "routeTableIds": list(self.network.route_table_ids),
                **told,
            }
        )

    def _make_own_endpoints(
        self,
        name: str,
        environment: aws.mwaa.Environment,
        network: EnvironmentNetwork,
        webserver_access_mode: str,
        tags: dict[str, str],
    ) -> None:
        """The endpoints that MWAA waits for: their services exist once the environment does."""
        services = {"database": environment.database_vpc_endpoint_service}
        if webserver_access_mode == "PRIVATE_ONLY":
            services["webserver"] = environment.webserver_vpc_endpoint_service
        for what, service in services.items():
            aws.ec2.VpcEndpoint(
                f"{name}-{what}",
                vpc_id=network.vpc_id,
                service_name=service,
                vpc_endpoint_type="Interface",
                private_dns_enabled=False,
                subnet_ids=list(network.subnet_ids),
                security_group_ids=[network.security_group_id],
                tags={**tags, "Name": f"{name}-{what}"},
                opts=pulumi.ResourceOptions(parent=self),
            )


def _generated(code: MwaaCode, startup: str | None, tasks: TaskProvider | None) -> dict[str, Generated]:
    """What is uploaded in place of the code's own files."""
    made: dict[str, Generated] = {}
    if startup is not None:
        made["startup_script"] = text(startup)
    if tasks is not None:
        made |= {"requirements": text(requirements_text(code, tasks)), "plugins": plugins(code, tasks)}
    return made


def default_bucket_name(environment_name: str, account_id: str, region: str) -> str:
    """A name that no other account and no other environment has."""
    return f"airflow-{environment_name.lower().replace('_', '-')}-{account_id}-{region}"


def _environment_options(data: pulumi.ResourceOptions, before: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
    """After all that MWAA tries when it starts: without it, it ends as CREATE_FAILED 25 minutes later.

    A replacement is deleted first, since two environments cannot have one name.
    """
    return pulumi.ResourceOptions.merge(data, pulumi.ResourceOptions(depends_on=list(before), delete_before_replace=True))


def _check_name(
    environment_name: str,
    account_id: str | None,
    bucket_name: str | None,
    code: MwaaCode | ExistingCode,
    region: str,
    problems: Problems,
) -> list[str]:
    if not ENVIRONMENT_NAME.fullmatch(environment_name):
        problems.add("environment_name", f"{environment_name!r}: write a letter, then up to 79 letters, digits, - and _")
    check_account("account_id", account_id, problems)
    if isinstance(code, ExistingCode):
        if bucket_name is not None:
            problems.add("bucket_name", "the code is in a bucket of its own (code.bucket_arn): leave it out")
        return []
    if bucket_name is None and not region:
        return []  # said already: without a region there is no default
    bucket = bucket_name or default_bucket_name(environment_name, "0" * 12, region)
    if not BUCKET_NAME.fullmatch(bucket):
        size = f" ({len(bucket)} characters)" if len(bucket) > 63 else ""
        problems.add("bucket_name", f"{bucket!r}{size}: write 3 to 63 lower-case letters, digits and -")
    return []


def _check_version(version: str, problems: Problems) -> list[str]:
    if version in AIRFLOW_VERSIONS:
        return []
    listed = ", ".join(AIRFLOW_VERSIONS)
    try:
        number = tuple(int(part) for part in version.split("."))
    except ValueError:
        number = ()
    newest = max(tuple(map(int, one.split("."))) for one in AIRFLOW_VERSIONS)
    if len(number) == 3 and number > newest:
        return [f"Airflow {version} is newer than the table of {AS_OF} ({listed}): MWAA may not have it"]
    problems.add("airflow_version", f"{version!r}: MWAA has {listed}")
    return []


def _check_access(mode: str, ui_cidrs: Sequence[str], endpoint_management: str, problems: Problems) -> None:
    one_of("webserver_access_mode", mode, ("PRIVATE_ONLY", "PUBLIC_ONLY"), problems)
    one_of("endpoint_management", endpoint_management, ("SERVICE", "CUSTOMER"), problems)
    if mode == "PUBLIC_ONLY" and ui_cidrs:
        problems.add("ui_cidrs", "a public web server is not behind the security group: leave them out, or make it PRIVATE_ONLY")
    for position, cidr in enumerate(ui_cidrs):
        try:
            found = ipaddress.IPv4Network(cidr)
        except ValueError as error:
            problems.add(f"ui_cidrs[{position}]", f"{cidr!r} is no IPv4 network: {error}")
            continue
        if found.prefixlen < 8:
            problems.add(f"ui_cidrs[{position}]", f"{cidr} is open to the world; write the networks of offices and VPNs")


def _check_role(
    execution_role_arn: pulumi.Input[str] | None,
    permissions_boundary_arn: pulumi.Input[str] | None,
    extra_policy_arns: Sequence[pulumi.Input[str]],
    problems: Problems,
) -> None:
    if known(execution_role_arn) is not None and not ROLE_ARN.fullmatch(str(execution_role_arn)):
        problems.add("execution_role_arn", f"{execution_role_arn!r} is no role's ARN; write arn:aws:iam::account:role/name")
    if execution_role_arn is not None:
        for what, given in (("permissions_boundary_arn", permissions_boundary_arn), ("extra_policy_arns", extra_policy_arns)):
            if given:
                problems.add(what, "not used with a brought role: set it where the role is made")


def _check_operation(
    kms_key_arn: pulumi.Input[str] | None,
    maintenance_window_start: str | None,
    worker_replacement_strategy: str,
    extra_security_group_ids: Sequence[pulumi.Input[str]],
    problems: Problems,
) -> None:
    if known(kms_key_arn) is not None and not KEY_ARN.fullmatch(str(kms_key_arn)):
        problems.add("kms_key_arn", f"{kms_key_arn!r} is no key's ARN; write arn:aws:kms:region:account:key/id, never an alias")
    if maintenance_window_start is not None and not MAINTENANCE_START.fullmatch(maintenance_window_start):
        fix = "write DAY:HH:MM in UTC, in half hours: SUN:03:30"
        problems.add("maintenance_window_start", f"{maintenance_window_start!r}: {fix}")
    one_of("worker_replacement_strategy", worker_replacement_strategy, ("GRACEFUL", "FORCED"), problems)
    if len(extra_security_group_ids) >= MAX_SECURITY_GROUPS:
        fix = f"MWAA takes {MAX_SECURITY_GROUPS}, its own included"
        problems.add("extra_security_group_ids", f"{len(extra_security_group_ids)}: {fix}")
