"""A proxy's resources in AWS, as children of its component."""

import json
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from . import fargate
from .files import Configuration
from .plan import HEALTH_PORT, ProxyPlan
from .platforms import OnFargate
from .programs import program

_KINDS = {"json": "application/json", "cfg": "text/plain", "crt": "application/x-pem-file"}


class Fargate:
    """Makes everything; `rules`: what its security group lets out."""

    def __init__(
        self,
        plan: ProxyPlan,
        platform: OnFargate,
        found: Configuration,
        rules: Sequence[tuple[str, int, str]],
        parent: pulumi.Resource,
    ) -> None:
        self._plan, self._platform, self._name = plan, platform, plan.gate
        self._child, self._parent = pulumi.ResourceOptions(parent=parent), parent
        self._tags = {**platform.tags, "Name": plan.gate}
        self._port, self._runs = found.settings.port, program(found, plan.gate).name
        self._bucket = self._files(found)
        self._group, balancers = self._network(rules)
        self._serve(found, balancers)

    # Its configuration

    def _files(self, found: Configuration) -> aws.s3.Bucket:
        name, key = self._name, self._platform.kms_key_arn
        bucket = aws.s3.Bucket(f"{name}-config", bucket_prefix=f"{name[:30]}-config-", tags=self._tags, opts=self._child)
        private = aws.s3.BucketPublicAccessBlock(
            f"{name}-config",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child,
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-config", bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=self._child
        )
        versioned = aws.s3.BucketVersioning(
            f"{name}-config", bucket=bucket.id, versioning_configuration={"status": "Enabled"}, opts=self._child
        )
        sealed = {"sse_algorithm": "aws:kms", "kms_master_key_id": key}
        encrypted = aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-config",
            bucket=bucket.id,
            rules=[{"apply_server_side_encryption_by_default": sealed, "bucket_key_enabled": True}],
            opts=self._child,
        )
        aws.s3.BucketPolicy(
            f"{name}-config",
            bucket=bucket.id,
            policy=bucket.arn.apply(_tls_only),
            opts=pulumi.ResourceOptions(parent=self._parent, depends_on=[private]),
        )
        after = pulumi.ResourceOptions(parent=self._parent, depends_on=[versioned, encrypted])
        for path, content in fargate.objects(found.files, found.keys, self._platform.authority):
            aws.s3.BucketObjectv2(
                f"{name}-{path.replace('/', '-')}",
                bucket=bucket.id,
                key=path,
                content=content,
                content_type=_KINDS[path.rpartition(".")[2]],
                opts=after,
            )
        return bucket

    # Who reaches it, and whom it reaches

    def _network(self, rules: Sequence[tuple[str, int, str]]) -> tuple[aws.ec2.SecurityGroup, aws.ec2.SecurityGroup]:
        name, platform = self._name, self._platform
        front, tasks = (
            aws.ec2.SecurityGroup(f"{name}-{label}", vpc_id=platform.vpc_id, description=about, tags=self._tags, opts=self._child)
            for label, about in (("balancer", "Tasks of Airflow to the proxy"), ("tasks", "The proxy to its targets"))
        )
        for environment, group in platform.callers.items():
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-from-{environment}",
                security_group_id=front.id,
                referenced_security_group_id=group,
                ip_protocol="tcp",
                from_port=self._port,
                to_port=self._port,
                description=f"Tasks of {environment}",
                opts=self._child,
            )
        for label, port in (("tunnels", self._port), ("health", HEALTH_PORT)):
            for kind, mine, other in (
                (aws.vpc.SecurityGroupEgressRule, front, tasks),
                (aws.vpc.SecurityGroupIngressRule, tasks, front),
            ):
                kind(
                    f"{name}-{label}",
                    security_group_id=mine.id,
                    referenced_security_group_id=other.id,
                    ip_protocol="tcp",
                    from_port=port,
                    to_port=port,
                    description=f"Load balancer to the proxy: {label}",
                    opts=self._child,
                )
        for network, port, why in rules:
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-to-{network.replace('/', '-').replace(':', '.')}-{port}",
                security_group_id=tasks.id,
                **({"cidr_ipv6": network} if ":" in network else {"cidr_ipv4": network}),
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                description=why,
                opts=self._child,
            )
        for one in platform.prefix_lists:
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-to-{one}",
                security_group_id=tasks.id,
                prefix_list_id=one,
                ip_protocol="tcp",
                from_port=443,
                to_port=443,
                description="AWS: configuration",
                opts=self._child,
            )
        return tasks, front

    # What runs

    def _serve(self, found: Configuration, front: aws.ec2.SecurityGroup) -> None:
        name, platform = self._name, self._platform
        log = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=f"/airlock/{name}",
            retention_in_days=platform.log_days,
            kms_key_id=platform.kms_key_arn,
            tags=self._tags,
            opts=self._child,
        )
        policy = pulumi.Output.all(self._bucket.arn, platform.kms_key_arn).apply(
            lambda both: fargate.task_policy(platform, both[0], both[1])
        )
        task = self._role("task", policy)
        execution = self._role("execution", log.arn.apply(lambda arn: fargate.execution_policy(platform, arn)))
        described = self._bucket.id.apply(
            lambda bucket: json.dumps(fargate.containers(platform, found, bucket, f"/airlock/{name}", name))
        )
        definition = aws.ecs.TaskDefinition(
            f"{name}-task",
            family=name,
            cpu=str(platform.cpu),
            memory=str(platform.memory),
            network_mode="awsvpc",
            requires_compatibilities=["FARGATE"],
            runtime_platform={"operating_system_family": "LINUX", "cpu_architecture": "X86_64"},
            task_role_arn=task.arn,
            execution_role_arn=execution.arn,
            container_definitions=described,
            volumes=[{"name": "files"}],
            tags=self._tags,
            opts=self._child,
        )
        targets, listener = self._balance(front)
        aws.ecs.Service(
            f"{name}-service",
            name=name,
            cluster=platform.cluster_arn,
            task_definition=definition.arn,
            launch_type="FARGATE",
            desired_count=platform.replicas,
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            deployment_circuit_breaker={"enable": True, "rollback": True},
            enable_execute_command=False,
            health_check_grace_period_seconds=90,
            network_configuration={
                "subnets": [one.id for one in platform.subnets],
                "security_groups": [self._group.id],
                "assign_public_ip": False,
            },
            load_balancers=[{"target_group_arn": targets.arn, "container_name": self._runs, "container_port": self._port}],
            tags=self._tags,
            opts=pulumi.ResourceOptions(parent=self._parent, depends_on=[listener]),
        )

    def _role(self, label: str, policy: pulumi.Output[str]) -> aws.iam.Role:
        role = aws.iam.Role(f"{self._name}-{label}", assume_role_policy=fargate.TRUST, tags=self._tags, opts=self._child)
        aws.iam.RolePolicy(f"{self._name}-{label}", role=role.id, policy=policy, opts=self._child)
        return role

    def _balance(self, front: aws.ec2.SecurityGroup) -> tuple[aws.lb.TargetGroup, aws.lb.Listener]:
        name, platform = self._name, self._platform
        balancer = aws.lb.LoadBalancer(
            f"{name}-balancer",
            load_balancer_type="network",
            internal=True,
            subnets=[one.id for one in platform.subnets],
            security_groups=[front.id],
            enable_cross_zone_load_balancing=True,
            tags=self._tags,
            opts=self._child,
        )
        targets = aws.lb.TargetGroup(
            f"{name}-targets",
            port=self._port,
            protocol="TCP",
            target_type="ip",
            vpc_id=platform.vpc_id,
            # The log shows the task's address, not the load balancer's.
            preserve_client_ip="true",
            deregistration_delay=platform.drain,
            connection_termination=False,
            health_check={"protocol": "HTTP", "port": str(HEALTH_PORT), "path": "/ready", "interval": 10, "matcher": "200"},
            tags=self._tags,
            opts=self._child,
        )
        # TCP: mutual TLS is between the task and Envoy, which alone has the key.
        listener = aws.lb.Listener(
            f"{name}-listener",
            load_balancer_arn=balancer.arn,
            port=self._port,
            protocol="TCP",
            default_actions=[{"type": "forward", "target_group_arn": targets.arn}],
            tags=self._tags,
            opts=self._child,
        )
        if platform.zone_id is not None:
            aws.route53.Record(
                f"{name}-name",
                zone_id=platform.zone_id,
                name=platform.host,
                type="A",
                aliases=[{"name": balancer.dns_name, "zone_id": balancer.zone_id, "evaluate_target_health": True}],
                opts=self._child,
            )
        return targets, listener


def make(
    plan: ProxyPlan, platform: OnFargate, found: Configuration, rules: Sequence[tuple[str, int, str]], parent: pulumi.Resource
) -> tuple[tuple[()], tuple[()]]:
    """Makes everything; nothing of it is in a cluster."""
    Fargate(plan, platform, found, rules, parent)
    return (), ()


def _tls_only(arn: str) -> str:
    everything = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"]}
    statements = [{"Sid": "TlsOnly", **everything, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
