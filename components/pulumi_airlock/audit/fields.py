"""One dictionary of fields: what every log calls the same thing, to follow one task run or one person through all gates.

The canonical names are those of OCSF (Open Cybersecurity Schema Framework 1.x: `time`, `src_endpoint.ip`, `actor.user.name` …)
or, where it has none, in its manner; `airflow.*` is ours. Per log, the field that is looked at first stands first.

Sources: Fortinet, "FortiOS Log Message Reference"; Zscaler, "About User Activity Log Fields", "NSS Feed Output Format" (firewall
and web logs); VPC User Guide, "Flow log records"; CloudTrail User Guide, "CloudTrail record contents", and IAM User Guide, "Pass
session tags in AWS STS"; Airflow, `log_filename_template`, from which MWAA makes names of log streams. `docs/audit.md` has the
table; `python -m pulumi_airlock.audit.dictionary` writes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Log:
    """A kind of log line."""

    title: str
    about: str
    """What one line is of."""
    parser: str = ""
    """The `format` of `pulumi_airlock.logs` that reads it; empty for logs that show no connections."""


LOGS: Final[Mapping[str, Log]] = {
    "fortigate": Log("FortiGate", "a session that ended, or was refused (`type=traffic`)", "fortigate"),
    "zpa": Log("ZPA LSS", "a connection to an application (`zpn_trans_log`, JSON)", "zpa-lss"),
    "zia-firewall": Log("ZIA NSS, firewall", "a session, or several alike", "zia-firewall"),
    "zia-web": Log("ZIA NSS, web", "an HTTP transaction", "zia-web"),
    "vpc": Log("VPC flow log", "packets of one flow in up to a minute", "vpc-flow"),
    "cloudtrail": Log("CloudTrail", "a call to AWS"),
    "mwaa": Log("MWAA", "a line of a task, in a record of CloudWatch Logs"),
}
"""Key → the log. The keys are those of `Field.names`."""


@dataclass(frozen=True, slots=True)
class Field:
    """One canonical field."""

    name: str
    meaning: str
    names: Mapping[str, tuple[str, ...]]
    """Log → what it calls it, the first that says something counts; a dot leads into an object."""
    attribute: str = ""
    """Of `logs.Connection`, where that has it."""
    joins: bool = field(default=False)
    """Whether it leads from one log to the next."""


FIELDS: Final[tuple[Field, ...]] = (
    Field(
        "time",
        "when it began; a FortiGate's `eventtime` (nanoseconds) is when it was logged, `duration` seconds later. "
        "Flow logs and ZIA's `epochtime`: seconds",
        {
            "fortigate": ("eventtime", "date"),
            "zpa": ("TimestampConnectionStart", "LogTimestamp"),
            "zia-firewall": ("time", "epochtime"),
            "zia-web": ("time", "epochtime"),
            "vpc": ("start",),
            "cloudtrail": ("eventTime",),
            "mwaa": ("timestamp",),
        },
        "time",
        joins=True,
    ),
    Field(
        "end_time",
        "when it ended",
        {"zpa": ("TimestampConnectionEnd",), "vpc": ("end",)},
    ),
    Field(
        "src_endpoint.ip",
        "who connects: a worker's, a person's, or (behind ZPA) an App Connector's address",
        {
            "fortigate": ("srcip",),
            "zpa": ("ClientPrivateIP", "ClientPublicIP"),
            "zia-firewall": ("csip",),
            "zia-web": ("cip",),
            "vpc": ("pkt-srcaddr", "srcaddr"),
            "cloudtrail": ("sourceIPAddress",),
        },
        "source",
        joins=True,
    ),
    Field(
        "src_endpoint.port",
        "its port: with address, destination and minute it names one session",
        {
            "fortigate": ("srcport",),
            "zia-firewall": ("csport",),
            "zia-web": ("clt_sport",),
            "vpc": ("srcport",),
        },
        "source_port",
        joins=True,
    ),
    Field(
        "src_endpoint.intermediate_ips",
        "the address that it is seen with behind NAT",
        {
            "fortigate": ("transip",),
            "zpa": ("ClientPublicIP",),
            "zia-firewall": ("tsip",),
            "zia-web": ("cintip",),
            "vpc": ("srcaddr",),
        },
    ),
    Field(
        "src_endpoint.location",
        "ZIA's location or sub-location: one for each of scheduler, worker and web server",
        {"zia-firewall": ("location",), "zia-web": ("location",)},
        "location",
        joins=True,
    ),
    Field("src_endpoint.interface_name", "the interface it came in by", {"fortigate": ("srcintf",)}),
    Field("src_endpoint.interface_uid", "the network interface that the flow was seen at", {"vpc": ("interface-id",)}, "device"),
    Field("src_endpoint.vpc_uid", "the VPC", {"vpc": ("vpc-id",)}),
    Field("src_endpoint.subnet_uid", "the subnet: with the access file, the environment", {"vpc": ("subnet-id",)}, joins=True),
    Field("src_endpoint.svc_name", "the AWS service that the source's address is of", {"vpc": ("pkt-src-aws-service",)}),
    Field(
        "proxy_endpoint.ip",
        "the App Connector that connects in a person's or a workload's name: `src_endpoint.ip` of the logs behind it",
        {"zpa": ("ConnectorIP",)},
        joins=True,
    ),
    Field("proxy_endpoint.port", "its port there", {"zpa": ("ConnectorPort",)}, joins=True),
    Field("proxy_endpoint.name", "its name", {"zpa": ("Connector",)}, "device"),
    Field(
        "dst_endpoint.ip",
        "where to, as an address",
        {
            "fortigate": ("dstip",),
            "zpa": ("ServerIP",),
            "zia-firewall": ("cdip",),
            "zia-web": ("sip",),
            "vpc": ("pkt-dstaddr", "dstaddr"),
        },
        "destination",
        joins=True,
    ),
    Field(
        "dst_endpoint.hostname",
        "where to, as a name",
        {
            "fortigate": ("hostname", "dstname"),
            "zpa": ("Host",),
            "zia-firewall": ("cdfqdn",),
            "zia-web": ("host",),
            "cloudtrail": ("eventSource",),
        },
        "name",
        joins=True,
    ),
    Field(
        "dst_endpoint.port",
        "the destination's port",
        {
            "fortigate": ("dstport",),
            "zpa": ("ServicePort", "ServerPort"),
            "zia-firewall": ("cdport",),
            "vpc": ("dstport",),
        },
        "port",
        joins=True,
    ),
    Field(
        "server_endpoint.ip",
        "where ZIA connected to, where the client connected to ZIA itself (an explicit proxy)",
        {"zia-firewall": ("sdip",)},
        "server",
    ),
    Field("server_endpoint.port", "the port there", {"zia-firewall": ("sdport",)}, "server_port"),
    Field("dst_endpoint.interface_name", "the interface it left by", {"fortigate": ("dstintf",)}),
    Field(
        "dst_endpoint.svc_name",
        "the AWS service that the destination's address is of",
        {"vpc": ("pkt-dst-aws-service",)},
        "service",
    ),
    Field(
        "connection_info.protocol_num",
        "the IP protocol: a number, or its name",
        {
            "fortigate": ("proto",),
            "zpa": ("IPProtocol",),
            "zia-firewall": ("ipproto",),
            "vpc": ("protocol",),
        },
        "protocol",
    ),
    Field(
        "connection_info.direction",
        "into or out of the interface",
        {"vpc": ("flow-direction",)},
    ),
    Field(
        "connection_info.tcp_flags",
        "TCP flags: 18 alone are a server's answers",
        {"vpc": ("tcp-flags",)},
    ),
    Field(
        "connection_info.boundary",
        "the way that it took: tunnel (ZIA), or number of the egress path (flow log)",
        {"zia-firewall": ("ttype",), "zia-web": ("trafficredirectmethod",), "vpc": ("traffic-path",)},
        "way",
    ),
    Field(
        "actor.user.name",
        "the person, or what stands for the workload",
        {
            "fortigate": ("user",),
            "zpa": ("Username",),
            "zia-firewall": ("login",),
            "zia-web": ("login",),
            "cloudtrail": ("userIdentity.arn", "userIdentity.userName"),
        },
        "user",
        joins=True,
    ),
    Field("actor.user.groups", "the group that let them in", {"fortigate": ("group",)}, "group"),
    Field(
        "actor.session.uid",
        "the caller's session: of the role (its name is after the last `/` of the ARN), or of ZPA's client",
        {"zpa": ("SessionID",), "cloudtrail": ("userIdentity.principalId",)},
        joins=True,
    ),
    Field(
        "actor.session.issuer",
        "the role that the session is of",
        {"cloudtrail": ("userIdentity.sessionContext.sessionIssuer.arn",)},
        joins=True,
    ),
    Field(
        "policy.name",
        "the rule that decided: of Airlock's own, the name tells the route",
        {
            "fortigate": ("policyname",),
            "zpa": ("Policy",),
            "zia-firewall": ("rulelabel",),
            "zia-web": ("urlfilterrulelabel", "rulelabel"),
        },
        "rule",
        joins=True,
    ),
    Field("policy.uid", "the rule's number or id", {"fortigate": ("policyid",)}, "rule_id"),
    Field(
        "app_name",
        "what the gate took the destination for",
        {"fortigate": ("app",), "zpa": ("Application",), "zia-firewall": ("nwapp",)},
    ),
    Field(
        "disposition",
        "let through or not, in the gate's words",
        {
            "fortigate": ("action",),
            "zpa": ("ConnectionStatus",),
            "zia-firewall": ("action",),
            "zia-web": ("action",),
            "vpc": ("action",),
            "cloudtrail": ("errorCode",),
        },
        "action",
    ),
    Field(
        "status_detail",
        "why",
        {
            "fortigate": ("msg", "utmaction"),
            "zpa": ("InternalReason",),
            "zia-web": ("reason",),
            "vpc": ("reject-reason",),
            "cloudtrail": ("errorMessage",),
        },
    ),
    Field(
        "traffic.bytes_out",
        "from the caller to the destination",
        {
            "fortigate": ("sentbyte",),
            "zpa": ("ZENTotalBytesRxClient",),
            "zia-firewall": ("outbytes",),
            "zia-web": ("reqsize",),
            "vpc": ("bytes",),
        },
    ),
    Field(
        "traffic.bytes_in",
        "back to the caller; a flow log has a line of its own for it",
        {
            "fortigate": ("rcvdbyte",),
            "zpa": ("ZENTotalBytesTxClient",),
            "zia-firewall": ("inbytes",),
            "zia-web": ("respsize",),
        },
    ),
    Field("traffic.packets_out", "packets", {"fortigate": ("sentpkt",), "vpc": ("packets",)}),
    Field("http_request.http_method", "the method", {"zia-web": ("reqmethod",)}, "method"),
    Field("http_request.url.url_string", "the URL, without its scheme", {"zia-web": ("url",)}),
    Field("http_request.user_agent", "the client's program", {"zia-web": ("ua",), "cloudtrail": ("userAgent",)}),
    Field("api.operation", "what was called", {"cloudtrail": ("eventName",)}),
    Field("resources.uid", "ARNs of what it was done to", {"cloudtrail": ("resources",)}),
    Field(
        "device.name",
        "which device, tenant or log group wrote the line",
        {"fortigate": ("devname", "devid"), "zpa": ("ClientZEN",), "zia-firewall": ("datacenter",), "mwaa": ("logGroup",)},
    ),
    Field(
        "cloud.account.uid",
        "the AWS account",
        {"vpc": ("account-id",), "cloudtrail": ("recipientAccountId",), "mwaa": ("owner",)},
    ),
    Field("cloud.region", "the AWS region", {"vpc": ("region",), "cloudtrail": ("awsRegion",)}),
    Field(
        "metadata.correlation_uid",
        "the log's own id of the session or call: joins lines of the same log",
        {
            "fortigate": ("sessionid",),
            "zpa": ("ConnectionID",),
            "zia-firewall": ("recordid",),
            "zia-web": ("recordid",),
            "cloudtrail": ("eventID", "requestID"),
            "mwaa": ("id",),
        },
    ),
    Field("message", "the line as it was written", {"mwaa": ("message",)}),
    Field(
        "airflow.dag_id",
        "the DAG: from the log stream's name, or a session tag where a role is assumed for a task",
        {
            "mwaa": ("logStream.dag_id",),
            "cloudtrail": ("requestParameters.principalTags.dag_id", "requestParameters.tags.dag_id"),
        },
        joins=True,
    ),
    Field("airflow.run_id", "the run, with `_` in the place of `:`", {"mwaa": ("logStream.run_id",)}, joins=True),
    Field(
        "airflow.task_id",
        "the task",
        {
            "mwaa": ("logStream.task_id",),
            "cloudtrail": ("requestParameters.principalTags.task_id", "requestParameters.tags.task_id"),
        },
        joins=True,
    ),
    Field("airflow.try_number", "the attempt", {"mwaa": ("logStream.attempt",)}),
)

_BY_NAME = {one.name: one for one in FIELDS}
_NOTHING = frozenset({"", "-", "None", "NA", "N/A"})


def named(name: str) -> Field:
    """The canonical field of this name. KeyError where there is none."""
    return _BY_NAME[name]


def normalise(log: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """A record under canonical names; what it does not say is left out.

    `record` is what a line says, as its own fields have it: an object of JSON, or the pairs of a line. For `mwaa`, an event of
    CloudWatch Logs with `logGroup` and `logStream` beside it. KeyError for a log that is none of `LOGS`.
    """
    if log not in LOGS:
        raise KeyError(f"no such log: {log!r}; one of {', '.join(LOGS)}")
    found: dict[str, Any] = {}
    for one in FIELDS:
        value = next((value for name in one.names.get(log, ()) if (value := _at(record, name)) is not None), None)
        if value is not None:
            found[one.name] = value
    return found


def _at(record: Mapping[str, Any], path: str) -> Any:
    """The value at a path, None where there is none; a log stream's name is taken apart."""
    first, _, rest = path.partition(".")
    value: Any = record.get(first)
    if first == "logStream" and rest:
        return stream_parts(str(value or "")).get(rest)
    for step in rest.split(".") if rest else ():
        value = _step(value, step)
    return None if isinstance(value, str) and value in _NOTHING else value


def _step(value: Any, step: str) -> Any:
    """Into an object by its key, or into a list of tags (`[{"key": …, "value": …}]`)."""
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list):
        return next((one.get("value") for one in value if isinstance(one, Mapping) and one.get("key") == step), None)
    return None


def stream_parts(name: str) -> dict[str, str]:
    """What the name of a task's log stream says: `dag_id=a/run_id=b/task_id=c/attempt=1.log`, as Airflow writes it since 2.3."""
    pairs = (part.partition("=") for part in name.removesuffix(".log").split("/"))
    return {key: value for key, equals, value in pairs if equals}
