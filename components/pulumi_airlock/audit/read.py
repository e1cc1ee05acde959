"""Reads which source of a stack logs where, whoever wrote it, and which SIEM was declared. Pure: no SDK."""

from collections.abc import Iterator

from ..environments.mwaa.read import environment_name
from ..gates.aws_network.links import ENVIRONMENT, SUBNET, Links
from ..gates.stack import UNKNOWN, Resource, Stack
from ..tokens import AUDIT_TRAIL
from .found import Declared, Gap, LogSource, Sink, Standing, as_text
from .read_aws import (
    FLOW_LOG,
    LOG_GROUP,
    TRAIL,
    flow_log_sinks,
    log_group_named,
    log_group_sinks,
    may_have_more,
    trail_sinks,
)
from .read_devices import fortigates, slots_written_twice, zia, zpa

__all__ = ["Declared", "Gap", "LogSource", "Sink", "Standing", "declared_siems", "sinks", "slots_written_twice"]

VPN = "aws:ec2/vpnConnection:VpnConnection"
_STREAMS = {
    "dagProcessingLogs": ("DAGProcessing", "dag-processing"),
    "schedulerLogs": ("Scheduler", "scheduler"),
    "taskLogs": ("Task", "task"),
    "webserverLogs": ("WebServer", "webserver"),
    "workerLogs": ("Worker", "worker"),
}
"""Property of an MWAA environment → how its log group's name ends, and how ours is called (`environments.mwaa.logs.STREAMS`)."""


def declared_siems(stack: Stack) -> tuple[Declared, ...]:
    """The SIEMs that the stack declares, one for each `AuditTrail`."""
    return tuple(Declared(one, frozenset(_inside(stack, one))) for one in stack.of_type(AUDIT_TRAIL))


def sinks(stack: Stack) -> tuple[LogSource, ...]:
    """Every source of logs that an auditor asks for, with the sinks that it reaches; a source without one has none.

    Sources: each FortiGate with policies, ZPA and ZIA tenant with rules, VPC with an MWAA environment, log stream of an MWAA
    environment, VPN connection, and the account (`cloudtrail`) of a stack that manages environments.
    """
    return (*fortigates(stack), *zpa(stack), *zia(stack), *_vpcs(stack), *_streams(stack), *_vpns(stack), *_account(stack))


def _inside(stack: Stack, component: Resource) -> Iterator[str]:
    for one in stack.resources:
        if component in one.ancestors():
            yield one.urn


def _vpcs(stack: Stack) -> Iterator[LogSource]:
    """Each VPC that an MWAA environment is in: by its resource, or by its id where it is brought."""
    links = Links(stack)
    seen: set[str] = set()
    for environment in stack.of_type(*ENVIRONMENT):
        subnets = links.follow(environment, ("networkConfiguration", "subnetIds"), SUBNET).resources
        if not subnets and f"vpc of {environment.urn}" not in seen:
            seen.add(f"vpc of {environment.urn}")
            where = f"{environment.name}.networkConfiguration.subnetIds"
            yield LogSource("vpc", f"the VPC of {environment_name(environment)}", environment, (), (where,))
        for subnet in subnets:
            vpc, id_ = links.vpc_of(subnet), subnet.get("vpcId")
            key = vpc.urn if vpc is not None else str(id_)
            if key not in seen:
                seen.add(key)
                yield _vpc(stack, links, vpc, id_, subnet)


def _vpc(stack: Stack, links: Links, vpc: Resource | None, id_: object, subnet: Resource) -> LogSource:
    ours, unknown = [], []
    for one in stack.of_type(FLOW_LOG):
        target = links.vpc_of(one)
        if (vpc is not None and target is vpc) or (isinstance(id_, str) and one.get("vpcId") == id_):
            ours.append(one)
        elif one.get("vpcId") is UNKNOWN and target is None:
            unknown.append(f"{one.name}.vpcId")
    found = tuple(sink for one in ours for sink in flow_log_sinks(stack, one))
    name = vpc.name if vpc is not None else str(id_) if isinstance(id_, str) else f"the VPC of {subnet.name}"
    return LogSource("vpc", name, vpc or subnet, found, tuple(unknown))


def _streams(stack: Stack) -> Iterator[LogSource]:
    """The five log streams of each MWAA environment: MWAA's name for the log group is known with the environment's."""
    for environment in stack.of_type(*ENVIRONMENT):
        for prop, (suffix, label) in _STREAMS.items():
            called = environment.get("name")
            name = f"airflow-{called}-{suffix}" if isinstance(called, str) else ""
            group = log_group_named(stack, name) if name else None
            group = group or _own_group(environment, label)
            path = f"loggingConfiguration.{prop}"
            found = tuple(log_group_sinks(stack, group, name, environment, path))
            unknown = may_have_more(stack, group) if name or group is not None else (f"{environment.name}.name",)
            yield LogSource("mwaa", f"{environment_name(environment)} {label}", environment, found, unknown)


def _own_group(environment: Resource, label: str) -> Resource | None:
    """The log group that the same component made for a stream, where names are not known yet."""
    siblings = environment.stack.of_type(LOG_GROUP)
    return next((one for one in siblings if one.parent == environment.parent and one.name.endswith(f"-{label}-logs")), None)


def _vpns(stack: Stack) -> Iterator[LogSource]:
    """Each VPN connection's tunnels."""
    for one in stack.of_type(VPN):
        found: list[Sink] = []
        for tunnel in (1, 2):
            prop = f"tunnel{tunnel}LogOptions"
            arn = one.get(prop, "cloudwatchLogOptions", "logGroupArn")
            on = one.get(prop, "cloudwatchLogOptions", "logEnabled", default=False)
            if arn is None or on is False:
                continue
            groups = one.refers_to(prop, LOG_GROUP)
            group = groups[0] if groups else None
            name = group.get("name") if group is not None else None
            found += log_group_sinks(stack, group, name if isinstance(name, str) else "", one, prop)
        yield LogSource("vpn", one.name, one, tuple(dict.fromkeys(found)))


def _account(stack: Stack) -> Iterator[LogSource]:
    """The account's own calls, for a stack that manages environments."""
    environments = stack.of_type(*ENVIRONMENT)
    if not environments:
        return
    found = [sink for trail in stack.of_type(TRAIL) for sink in trail_sinks(stack, trail)]
    for declared in declared_siems(stack):
        if declared.existing_trail is not None:
            found.append(Sink("trail", as_text(declared.existing_trail), declared.resource, "existingTrailArn", True))
    yield LogSource("cloudtrail", "the account", environments[0], tuple(found))
