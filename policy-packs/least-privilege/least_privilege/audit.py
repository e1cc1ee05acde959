"""Policies on where logs go: every gate to the one SIEM that the stack declares, whole, encrypted, and kept long enough.

What a gate must have is judged against the `AuditTrail` of the stack. Without one there is nothing to compare with: that is said
once (`audit-siem-declared`, advisory), and the rest waits.
"""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pulumi_airlock.tokens import AUDIT_TRAIL
from pulumi_policy import EnforcementLevel, Severity

from .controls import Soc2
from .reading import UNKNOWN, Resource, Stack, Subject
from .registry import Config, Findings, plain_text, resource_policy, setting, stack_policy, undecided, wrong

if TYPE_CHECKING:
    from pulumi_airlock.audit.found import Declared, LogSource, Sink

STREAM = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
TRAIL = "aws:cloudtrail/trail:Trail"
NSS_FEED = "zia:index:CloudNssFeed"
LIFECYCLE = (
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
)
SOURCES = (
    "aws:mwaa/environment:Environment",
    "aws:ec2/vpnConnection:VpnConnection",
    "fortios:firewallpolicy",
    "zpa:index/policyAccessRule*",
    "zia:index:FirewallFilteringRule",
    "zia:index:URLFilteringRule",
)
"""What an auditor asks logs of."""
CARRIERS = (
    *("aws:ec2/subnet:Subnet", "aws:ec2/vpc:Vpc", "aws:ec2/defaultVpc:DefaultVpc", "aws:ec2/flowLog:FlowLog"),
    *("aws:cloudwatch/logGroup:LogGroup", "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter", STREAM, TRAIL),
    *("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2", *LIFECYCLE),
    *("fortios:logsyslog*", "fortios:logfortianalyzer*", "pulumi:providers:fortios"),
    *("zpa:index/lSSConfigController:LSSConfigController", NSS_FEED, "zia:index:NssServer"),
)
"""What brings them to a sink."""

_JUDGED_THERE = ("syslog", "lss", "nss")
"""Kinds of sinks whose encryption a gate's own policies judge."""

_URL = "https://docs.aws.amazon.com/wellarchitected/latest/security-pillar/sec_detect_investigate_events_app_service_logging.html"


def _read(stack: Stack) -> "tuple[tuple[Declared, ...], tuple[LogSource, ...]]":
    from pulumi_airlock.audit.read import declared_siems, sinks  # not before a stack has something that logs

    return declared_siems(stack), sinks(stack)


def _all_sinks(stack: Stack) -> "list[Sink]":
    """Every sink of every source, each once: several sources share a stream."""
    _, sources = _read(stack)
    return list({(sink.resource.urn, sink.path): sink for source in sources for sink in source.sinks}.values())


@stack_policy(
    "audit-siem-declared",
    types=SOURCES,
    beside=(AUDIT_TRAIL,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Declare the SIEM with `AuditTrail(name, siem=Siem(…), …)`, and hand it the environments and gates.",
    level=EnforcementLevel.ADVISORY,
)
def siem_declared(stack: Stack, _: Config) -> Findings:
    """A stack with gates or Airflow environments declares the SIEM that they log to."""
    if not stack.of_type(AUDIT_TRAIL):
        yield wrong(None, "", "the stack declares no SIEM: whether anybody sees what its gates do is not known")


@stack_policy(
    "audit-one-siem",
    types=(AUDIT_TRAIL,),
    severity=Severity.HIGH,
    soc2=Soc2.CC7_2,
    fix="Declare one `Siem` and hand it to every `AuditTrail`: what one person or task did is found in one place.",
)
def one_siem(stack: Stack, _: Config) -> Findings:
    """All audit trails of a stack lead to one SIEM."""
    from pulumi_airlock.audit.read import declared_siems

    first, *others = declared_siems(stack)
    for other in others:
        if UNKNOWN in (first.resource.get("siem"), other.resource.get("siem")):
            yield undecided(other.resource, "siem")
        elif other.intakes != first.intakes:
            said = f"leads to {other.name or 'a SIEM without a name'}"
            yield wrong(
                other.resource,
                "siem",
                f"{said}, {first.resource.name} to {first.name}: not the same SIEM, or not the same way in",
            )


@stack_policy(
    "audit-source-has-sink",
    types=SOURCES,
    beside=(AUDIT_TRAIL, *CARRIERS),
    severity=Severity.HIGH,
    soc2=Soc2.CC7_2,
    fix="Hand it to the stack's `AuditTrail`; a ZPA or ZIA gate takes the trail's `lss_receiver` or `nss_target`.",
    url=_URL,
    settings={
        "required": setting("Whether it counts in stacks that declare no SIEM, too: every source is then without a sink.", False),
        "kinds": setting("Kinds of sources that must have one.", ["fortigate", "zpa", "zia", "vpc", "mwaa", "vpn", "cloudtrail"]),
        "forwarders": setting("Addresses (globs) that are known to hand logs on to the SIEM: a Lambda function's ARN.", []),
        "zpaLogTypes": setting("Log types that a ZPA tenant streams at least.", ["zpn_trans_log"]),
    },
)
def source_has_sink(stack: Stack, config: Config) -> Findings:
    """Every gate and every source of logs reaches the declared SIEM.

    Sources: each FortiGate with policies, ZPA or ZIA tenant with rules, VPC with an MWAA environment, log stream of an
    environment, VPN connection, and the account's CloudTrail.
    """
    declared, sources = _read(stack)
    if not declared and not config["required"]:
        return
    for source in sources:
        if source.kind in config["kinds"]:
            yield from _reaches(source, declared, config)


def _reaches(source: "LogSource", declared: "tuple[Declared, ...]", config: Config) -> Findings:
    from pulumi_airlock.audit.found import Standing

    standings = [(sink, one.standing(sink)) for sink in source.sinks for one in declared]
    reached = [sink for sink, standing in standings if standing is Standing.SIEM or _is_one(sink, config["forwarders"])]
    open_ = bool(source.unknown) or any(standing is Standing.UNKNOWN for _, standing in standings)
    if not reached and open_:
        yield undecided(source.resource, f"logs of {source.kind} {source.name}")
    elif not reached:
        where = ", ".join(dict.fromkeys(f"{sink.kind} {sink.address}" for sink in source.sinks if sink.address is not UNKNOWN))
        to = declared[0].name if declared else "a declared SIEM"
        ends = f"its logs end in {where}" if where else "it logs nowhere"
        yield wrong(source.resource, "", f"({source.kind} {source.name}) has no way to {to}: {ends}")
    elif source.kind == "zpa":
        missing = [one for one in config["zpaLogTypes"] if one not in {sink.content for sink in reached}]
        if missing:
            yield wrong(source.resource, "", f"({source.kind} {source.name}) streams no {', '.join(missing)}")


@stack_policy(
    "audit-sink-encrypted",
    types=(AUDIT_TRAIL, *SOURCES),
    beside=CARRIERS,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Deliver to an https URL, and encrypt the stream in between (`serverSideEncryption`).",
)
def sink_encrypted(stack: Stack, _: Config) -> Findings:
    """Logs are encrypted on their way, and in every stream on it: they tell who may reach what.

    Syslog, ZPA's streaming and ZIA's feeds have policies of their own: `fortigate-syslog-tls`, `zpa-log-tls`, `zia-feed-tls`.
    """
    for sink in _all_sinks(stack):
        if sink.kind in _JUDGED_THERE:
            continue
        if sink.encrypted is UNKNOWN and sink.kind != "other":
            yield undecided(sink.resource, sink.path)
        elif sink.encrypted is False:
            value = sink.resource.get(*sink.plain_at.split(".")) if sink.plain_at else None
            said = f"is {value}" if value is not None else "is not set"
            yield wrong(sink.resource, sink.plain_at, f"{said}: logs travel in plain text")


@stack_policy(
    "audit-no-other-sink",
    types=(AUDIT_TRAIL,),
    beside=(*SOURCES, *CARRIERS),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Take the other sink out, or name its address in `allowed`, so that somebody has decided that logs go there.",
    settings={
        "allowed": setting("Addresses (globs) that may get logs beside the SIEM: a bucket, `host:port`, a URL, an ARN.", [])
    },
)
def no_other_sink(stack: Stack, config: Config) -> Findings:
    """No log leaves for anywhere but the declared SIEM."""
    from pulumi_airlock.audit.found import Standing

    declared, _ = _read(stack)
    for sink in _all_sinks(stack):
        standings = {one.standing(sink) for one in declared}
        if Standing.SIEM in standings or not standings & {Standing.ELSEWHERE, Standing.UNKNOWN}:
            continue
        if sink.address is UNKNOWN:
            yield undecided(sink.resource, sink.path)
        elif not _is_one(sink, config["allowed"]):
            yield wrong(sink.resource, sink.path, f"sends logs to {sink.address}, which is not {declared[0].name}")


def _is_one(sink: "Sink", patterns: Iterable[str]) -> bool:
    return sink.address is not UNKNOWN and any(fnmatchcase(str(sink.address), one) for one in patterns)


@stack_policy(
    "audit-nothing-dropped",
    types=(AUDIT_TRAIL,),
    beside=(*SOURCES, *CARRIERS),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Send everything: severity information, all traffic, no filter pattern, all management events.",
)
def nothing_dropped(stack: Stack, _: Config) -> Findings:
    """On the way to the SIEM nothing is left out by a filter, a severity, a format or a selector."""
    from pulumi_airlock.audit.found import Standing

    declared, sources = _read(stack)
    # A second subscription may narrow what it likes, as long as the SIEM gets all.
    told = {
        (gap.resource.urn, gap.path): gap
        for source in sources
        for sink in source.sinks
        for gap in sink.gaps
        if any(one.standing(sink) in (Standing.SIEM, Standing.UNKNOWN) for one in declared)
    }
    for gap in told.values():
        yield wrong(gap.resource, gap.path, gap.message) if gap.message else undecided(gap.resource, gap.path)


@stack_policy(
    "audit-retention",
    types=(AUDIT_TRAIL,),
    beside=(*SOURCES, *CARRIERS),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Keep logs for as long as the SIEM's declaration says (`minimumRetentionDays`), or declare what is meant.",
)
def retention(stack: Stack, _: Config) -> Findings:
    """Where the stack itself keeps logs, in an archive or in log groups that the SIEM reads, they stay as long as declared."""
    from pulumi_airlock.audit.found import Standing

    declared, _sources = _read(stack)
    for one in declared:
        kept = [sink for sink in _all_sinks(stack) if one.standing(sink) in (Standing.SIEM, Standing.ARCHIVE)]
        stores = {sink.store.urn: sink.store for sink in kept if sink.store is not None}
        if stores and one.minimum_days is UNKNOWN:
            yield undecided(one.resource, "siem.minimumRetentionDays")
            continue
        for store in stores.values():
            yield from _kept(stack, store, one.minimum_days)


def _kept(stack: Stack, store: Resource, minimum: int) -> Findings:
    for resource, path, days in _lifetimes(stack, store):
        if days is UNKNOWN:
            yield undecided(resource, path)
        elif days and days < minimum:
            yield wrong(resource, path, f"is {days:g} days; the SIEM's declaration says {minimum} at least")


def _lifetimes(stack: Stack, store: Resource) -> Iterator[tuple[Resource, str, Any]]:
    """(Resource, path, days) of everything that ends what a store keeps; 0 days: never."""
    if store.type == "aws:cloudwatch/logGroup:LogGroup":
        yield store, "retentionInDays", store.get("retentionInDays", default=0)
        return
    names = {store.get(prop) for prop in ("bucket", "id")} - {None, UNKNOWN}
    for one in stack.of_type(*LIFECYCLE):
        if store not in one.refers_to("bucket") and one.get("bucket") not in names:
            continue
        for position, rule in enumerate(one.get_list("rules")):
            path = f"rules[{position}].expiration.days"
            if not isinstance(rule, dict):
                yield one, path, UNKNOWN
            elif rule.get("status", "Enabled") == "Enabled":
                ends = rule.get("expiration") or {}
                yield one, path, UNKNOWN if ends is UNKNOWN else ends.get("days") or 0


@stack_policy(
    "audit-syslog-slot-once",
    types=("fortios:logsyslog*",),
    beside=("fortios:firewallpolicy", "pulumi:providers:fortios"),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Take one of the two out, or give it another slot: a device has four.",
)
def syslog_slot_once(stack: Stack, _: Config) -> Findings:
    """No two resources write one syslog slot of a FortiGate: each would write over the other, and one receiver get nothing."""
    from pulumi_airlock.audit.read import slots_written_twice

    for first, second, sure in slots_written_twice(stack):
        yield wrong(second, "", f"writes the same slot as {first.name}") if sure else undecided(second, "vdomparam")


@resource_policy(
    "audit-token-secret",
    types=(STREAM,),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Give the token from a secret (`pulumi.Output.secret`), or keep it in Secrets Manager (`secretsManagerConfiguration`).",
    url="https://docs.aws.amazon.com/firehose/latest/dev/using-secrets-manager.html",
)
def token_secret(it: Subject) -> Findings:
    """The token that logs are sent with is a secret: whoever has it can flood the SIEM with logs of their own.

    ZIA's feeds are judged by `zia-feed-secrets`.
    """
    for block, prop in (("splunkConfiguration", "hecToken"), ("httpEndpointConfiguration", "accessKey")):
        if it.get(block) is UNKNOWN and it.secret(block) is not True:
            yield undecided(it, block)
        elif it.get(block) is not UNKNOWN and it.get(block, prop) is not None:
            yield from plain_text(it, block)


@resource_policy(
    "audit-trail-tamper-evident",
    types=(TRAIL,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Set `enableLogFileValidation` to true, and `kmsKeyId` to a key of yours that CloudTrail may use.",
    url="https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html",
    remedy=lambda _, properties: properties.update(enableLogFileValidation=True) if properties.get("kmsKeyId") else None,
)
def trail_tamper_evident(it: Subject) -> Findings:
    """A CloudTrail trail has digests of its files, so that a changed one shows, and is encrypted with a customer's key."""
    validated = it.get("enableLogFileValidation", default=False)
    if validated is UNKNOWN:
        yield undecided(it, "enableLogFileValidation")
    elif validated is not True:
        yield wrong(it, "enableLogFileValidation", "is off: nobody can tell whether a log file was changed")
    key = it.get("kmsKeyId", default="")
    if key is UNKNOWN:
        yield undecided(it, "kmsKeyId")
    elif not key:
        yield wrong(it, "kmsKeyId", "is not set")
