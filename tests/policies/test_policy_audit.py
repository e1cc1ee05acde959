"""Where logs go: a source without a sink, one in plain text, one elsewhere, one narrowed, one too short."""

from dataclasses import replace

import pytest
from policy_testing import UNKNOWN, Secret, on, resource

TRAIL = "airlock:index:AuditTrail"
MWAA = "aws:mwaa/environment:Environment"
SUBNET, VPC = "aws:ec2/subnet:Subnet", "aws:ec2/vpc:Vpc"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
FILTER = "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
STREAM = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
CLOUDTRAIL = "aws:cloudtrail/trail:Trail"
BUCKET = "aws:s3/bucket:Bucket"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
VPN = "aws:ec2/vpnConnection:VpnConnection"
POLICY = "fortios:firewall/policy:Policy"
SYSLOG, SYSLOG_FILTER = "fortios:log/syslogd/v2/setting:Setting", "fortios:log/syslogd/v2/filter:Filter"
BRIDGED_SYSLOG = "fortios:index/logSyslogd2Setting:LogSyslogd2Setting"
ZPA_RULE, LSS = "zpa:index/policyAccessRuleV2:PolicyAccessRuleV2", "zpa:index/lSSConfigController:LSSConfigController"
ZIA_RULE, NSS = "zia:index:FirewallFilteringRule", "zia:index:CloudNssFeed"
STREAMS = ("DAGProcessing", "Scheduler", "Task", "WebServer", "Worker")

SIEM = {
    "name": "soc",
    "minimumRetentionDays": 365,
    "syslog": {"host": "logs.bank.example", "port": 6514},
    "splunk": {"url": "https://hec.bank.example:8088", "index": "airflow"},
}


def named(kind, name, called, **props):
    """A resource with a name of its own in the cloud."""
    found = resource(kind, name, **props)
    return replace(found, props={**found.props, "name": called})


def trail(name="trail", siem=SIEM, **props):
    return resource(TRAIL, name, siem=siem, **props)


def stream(name="to-splunk", url="https://hec.bank.example:8088", encrypted=True, **splunk):
    configuration = {"hecEndpoint": url, "s3Configuration": {"bucketArn": "arn:aws:s3:::bank-archive"}, **splunk}
    return resource(
        STREAM,
        name,
        destination="splunk",
        splunkConfiguration=configuration,
        serverSideEncryption={"enabled": encrypted},
        arn=f"arn:aws:firehose:eu-west-1:1:deliverystream/{name}",
    )


def environment(skip=(), pattern=""):
    """An MWAA environment whose streams all reach the stream `to-splunk`, but for those to skip."""
    yield resource(VPC, "vpc")
    yield resource(SUBNET, "subnet", links={"vpcId": "vpc"})
    yield named(MWAA, "finance", "finance", links={"networkConfiguration": "subnet"}, networkConfiguration={"subnetIds": UNKNOWN})
    for suffix in STREAMS:
        group = f"airflow-finance-{suffix}"
        yield named(LOG_GROUP, f"group-{suffix}", group)
        if suffix not in skip:
            links = {"destinationArn": "to-splunk"}
            yield resource(FILTER, f"filter-{suffix}", logGroup=group, filterPattern=pattern, links=links)


def flow_log(**props):
    told = {"trafficType": "ALL", "logFormat": "${pkt-srcaddr} ${pkt-dstaddr}", "logDestinationType": "kinesis-data-firehose"}
    return resource(FLOW_LOG, "flows", links={"vpcId": "vpc", "logDestination": "to-splunk"}, **{**told, **props})


def cloudtrail(**props):
    group = named(LOG_GROUP, "trail-group", "trail-group", arn="arn:aws:logs:eu-west-1:1:log-group:trail-group")
    return [
        group,
        resource(FILTER, "trail-filter", logGroup="trail-group", filterPattern="", links={"destinationArn": "to-splunk"}),
        resource(
            CLOUDTRAIL,
            "calls",
            s3BucketName="bank-archive",
            isMultiRegionTrail=True,
            links={"cloudWatchLogsGroupArn": "trail-group"},
            **props,
        ),
    ]


def aws(**changes):
    return [trail(), stream(), *environment(**changes), flow_log(), *cloudtrail()]


def fortigate(kind=SYSLOG, **props):
    told = {"status": "enable", "server": "logs.bank.example", "port": 6514, "mode": "reliable", "encAlgorithm": "high"}
    return [resource(POLICY, "rule", action="accept"), resource(kind, "syslog", **{**told, **props})]


def zpa(log_type="zpn_trans_log", **config):
    told = {"lssHost": "logs.bank.example", "lssPort": "6514", "useTls": True, "enabled": True, "sourceLogType": log_type}
    return [resource(ZPA_RULE, "rule", action="ALLOW"), resource(LSS, "lss", config={**told, **config})]


def zia(**props):
    return [
        resource(ZIA_RULE, "rule", action="ALLOW"),
        resource(NSS, "feed", **{"connectionUrl": "https://hec.bank.example:8088/services/collector/event", **props}),
    ]


# The SIEM


def test_siem_declared():
    policy = on("audit-siem-declared")
    policy.passes(aws())
    policy.fails("declares no SIEM", list(environment(skip=STREAMS)))
    policy.fails("declares no SIEM", [resource(MWAA, "finance", kmsKey=UNKNOWN)])
    policy.not_applicable([resource(BUCKET, "other")])


def test_one_siem():
    policy = on("audit-one-siem")
    policy.passes([trail(), trail("second")])
    policy.passes([trail(), trail("second", SIEM | {"minimumRetentionDays": 400})])
    other = SIEM | {"name": "other", "splunk": {"url": "https://elsewhere.example", "index": "x"}}
    policy.fails("leads to other, trail to soc", [trail(), trail("second", other)], at="second")
    policy.undecided("siem", [trail(), trail("second", UNKNOWN)])


# A sink for every source


def test_source_has_sink():
    policy = on("audit-source-has-sink")
    policy.passes(aws())
    policy.fails("(mwaa finance task) has no way to soc: its logs end in log group airflow-finance-Task", aws(skip=("Task",)))
    policy.undecided("logs of vpc vpc", [trail(), stream(url=UNKNOWN), *environment(), flow_log(), *cloudtrail()])
    without_flows = [one for one in aws() if one.name != "flows"]
    policy.fails("(vpc vpc) has no way to soc: it logs nowhere", without_flows, at="vpc")
    without_filter = [one for one in aws() if one.name != "trail-filter"]
    policy.fails("(cloudtrail the account) has no way to soc", without_filter, at="finance")


def test_a_trail_elsewhere_is_taken_at_its_word():
    found = [trail(existingTrailArn="arn:aws:cloudtrail:eu-west-1:2:trail/organisation"), stream(), *environment(), flow_log()]
    on("audit-source-has-sink").passes(found)


def test_a_log_group_that_the_siem_reads_in_place_is_a_sink():
    in_place = {"name": "soc", "cloudwatch": {"inPlace": True}}
    on("audit-source-has-sink", kinds=["mwaa"]).passes([trail(siem=in_place), *environment(skip=STREAMS)])


def test_what_reaches_another_siem_does_not_count():
    elsewhere = [trail(), stream(url="https://other.example"), *environment(), flow_log(), *cloudtrail()]
    on("audit-source-has-sink").fails("its logs end in log group airflow-finance-Task, splunk https://other.example", elsewhere)


def test_a_sink_that_is_not_known_yet_decides_nothing():
    policy = on("audit-source-has-sink")
    policy.undecided("logs of cloudtrail", [trail(), stream(url=UNKNOWN), *environment(), flow_log(), *cloudtrail()])
    unlinked = [one for one in aws() if one.name != "filter-Task"]
    policy.undecided("logs of mwaa finance task", [*unlinked, resource(FILTER, "somewhere", logGroup=UNKNOWN, filterPattern="")])


def test_a_vpn_logs():
    policy = on("audit-source-has-sink", kinds=["vpn"])
    options = {"cloudwatchLogOptions": {"logEnabled": True, "logGroupArn": UNKNOWN}}
    tunnel = resource(VPN, "vpn", links={"tunnel1LogOptions": "vpn-group"}, tunnel1LogOptions=options)
    group = named(LOG_GROUP, "vpn-group", UNKNOWN)
    subscription = resource(
        FILTER, "vpn-filter", filterPattern="", links={"logGroup": "vpn-group", "destinationArn": "to-splunk"}
    )
    policy.passes([trail(), stream(), group, tunnel, subscription])
    policy.fails("(vpn vpn) has no way to soc", [trail(), stream(), group, tunnel], at="vpn")
    policy.fails("it logs nowhere", [trail(), resource(VPN, "vpn")])


@pytest.mark.parametrize("kind", [SYSLOG, BRIDGED_SYSLOG])
def test_a_fortigate_logs_to_the_siem_whatever_package_says_so(kind):
    policy = on("audit-source-has-sink")
    policy.passes([trail(), *fortigate(kind)])
    policy.fails("(fortigate default) has no way to soc: it logs nowhere", [trail(), *fortigate(kind, status="disable")])
    policy.fails("syslog old.bank.example:514", [trail(), *fortigate(kind, server="old.bank.example", port=514)])
    policy.undecided("logs of fortigate", [trail(), *fortigate(kind, server=UNKNOWN)])


def test_another_devices_syslog_is_not_this_ones():
    rule = resource(POLICY, "rule", action="accept", provider="edge")
    theirs = resource(SYSLOG, "syslog", provider="lab", status="enable", server="logs.bank.example", port=6514)
    on("audit-source-has-sink").fails("(fortigate edge) has no way to soc", [trail(), rule, theirs], at="rule")


def test_zscalers_tenants_stream_to_the_siem():
    policy = on("audit-source-has-sink")
    policy.passes([trail(), *zpa()])
    policy.fails("(zpa default) has no way to soc", [trail(), *zpa(lssHost="other.example")], at="rule")
    policy.fails("(zpa default) has no way to soc", [trail(), *zpa(enabled=False)])
    policy.fails("streams no zpn_trans_log", [trail(), *zpa("zpn_audit_log")])
    policy.undecided("logs of zpa", [trail(), *zpa(lssPort=UNKNOWN)])
    policy.passes([trail(), *zia()])
    policy.fails("(zia default) has no way to soc", [trail(), *zia(feedStatus="DISABLED")])
    policy.undecided("logs of zia", [trail(), *zia(connectionUrl=UNKNOWN)])
    policy.undecided("logs of zia", [trail(), resource(ZIA_RULE, "rule"), resource("zia:index:NssServer", "nss")])


def test_a_forwarder_counts_where_somebody_says_that_it_does():
    to = "arn:aws:lambda:eu-west-1:1:function:to-the-soc"
    handed_on = [resource(FILTER, "forward", logGroup="airflow-finance-Task", filterPattern="", destinationArn=to)]
    found = [*aws(skip=("Task",)), *handed_on]
    policy = on("audit-source-has-sink", kinds=["mwaa"])
    policy.fails(f"its logs end in log group airflow-finance-Task, other {to}", found)
    on("audit-source-has-sink", kinds=["mwaa"], forwarders=["arn:aws:lambda:*:to-the-soc"]).passes(found)
    unknown = [resource(FILTER, "forward", logGroup="airflow-finance-Task", filterPattern="", destinationArn=UNKNOWN)]
    policy.undecided("logs of mwaa finance task", [*aws(skip=("Task",)), *unknown])


def test_a_fortianalyzer_is_another_sink():
    analyzer = resource("fortios:log/fortianalyzer/setting:Setting", "faz", status="enable", server="faz.bank.example")
    found = [trail(), *fortigate(), analyzer]
    on("audit-no-other-sink").fails("sends logs to faz.bank.example, which is not soc", found, at="faz")
    on("audit-no-other-sink", allowed=["faz.bank.example"]).passes(found)
    plain = resource(
        "fortios:index/logFortianalyzerSetting:LogFortianalyzerSetting", "faz", status="enable", encAlgorithm="disable"
    )
    on("audit-sink-encrypted").fails("encAlgorithm is disable", [*fortigate(), plain], at="faz")


def test_without_a_siem_it_counts_where_it_is_asked_for():
    alone = fortigate(status="disable")
    on("audit-source-has-sink").passes(alone)
    on("audit-source-has-sink", required=True).fails("has no way to a declared SIEM", alone)
    on("audit-source-has-sink", required=True, kinds=["zpa"]).passes(alone)


# On the way


def test_sink_encrypted():
    policy = on("audit-sink-encrypted")
    policy.passes([*aws(), *fortigate()])
    policy.passes([trail(), *zpa(), *zia()[1:]])
    policy.passes([*fortigate(mode="udp"), *zpa(useTls=False)[1:], *zia(connectionUrl="http://x")[1:]])  # said by the gates' own
    on("fortigate-syslog-tls", SYSLOG).fails("mode is udp", status="enable", mode="udp", encAlgorithm="high")
    on("zpa-log-tls", LSS).fails("useTls", config={"useTls": False})
    on("zia-feed-tls", NSS).fails("connectionUrl", connectionUrl="http://x")
    policy.fails("hecEndpoint is http://hec", [stream(url="http://hec"), *environment()], at="to-splunk")
    policy.fails("serverSideEncryption.enabled is False", [stream(encrypted=False), *environment()], at="to-splunk")
    policy.undecided("hecEndpoint", [stream(url=UNKNOWN), *environment()])


def test_no_other_sink():
    policy = on("audit-no-other-sink", allowed=["bank-archive"])
    policy.passes(aws())
    on("audit-no-other-sink").fails("sends logs to bank-archive, which is not soc", aws())
    policy.passes([trail(), resource(BUCKET, "own", bucket="bank-archive"), *cloudtrail(), *environment(), stream()])
    second = resource(FILTER, "copy", logGroup="airflow-finance-Task", destinationArn="arn:aws:logs:x:2:destination:theirs")
    policy.fails("sends logs to arn:aws:logs:x:2:destination:theirs", [*aws(), second], at="copy")
    policy.fails("sends logs to old:514", [trail(), *fortigate(server="old", port=514)], at="syslog")
    policy.undecided(
        "destinationArn", [*aws(), resource(FILTER, "copy", logGroup="airflow-finance-Task", destinationArn=UNKNOWN)]
    )


def test_nothing_dropped():
    policy = on("audit-nothing-dropped")
    policy.passes(aws())
    policy.passes([trail(), *fortigate(), *zpa()[1:], resource(SYSLOG_FILTER, "all", severity="information")])
    policy.fails("filterPattern lets through only what matches 'ERROR'", aws(pattern="ERROR"), at="filter-Task")
    narrowed = [one for one in aws() if one.name != "flows"]
    policy.fails("trafficType is REJECT", [*narrowed, flow_log(trafficType="REJECT")], at="flows")
    policy.fails("logFormat lacks pkt-srcaddr and pkt-dstaddr", [*narrowed, flow_log(logFormat="${srcaddr} ${dstaddr}")])
    policy.undecided("logFormat", [*narrowed, flow_log(logFormat=UNKNOWN)])
    device = [trail(), *fortigate()]
    policy.fails("severity is warning", [*device, resource(SYSLOG_FILTER, "some", severity="warning")], at="some")
    policy.fails("forwardTraffic is disable", [*device, resource(SYSLOG_FILTER, "some", forwardTraffic="disable")], at="some")
    policy.undecided("severity", [*device, resource(SYSLOG_FILTER, "some", severity=UNKNOWN)])
    policy.fails("config.filters keeps back BRK", [trail(), *zpa(filters=["BRK"])], at="lss")
    policy.fails("users narrows the feed", [trail(), *zia(users=[7])], at="feed")


def test_message_extraction_drops_what_names_the_task():
    processors = [{"type": "Decompression"}, {"type": "CloudWatchLogProcessing"}]
    extracting = stream(processingConfiguration={"enabled": True, "processors": processors})
    found = [trail(), extracting, *environment(), flow_log(), *cloudtrail()]
    on("audit-nothing-dropped").fails("drops log group and stream, which alone name the DAG, the run and the task", found)


@pytest.mark.parametrize(
    ("props", "says"),
    [
        ({"enableLogging": False}, "enableLogging is off"),
        ({"includeGlobalServiceEvents": False}, "includeGlobalServiceEvents is off"),
        ({"eventSelectors": [{"includeManagementEvents": False}]}, "leaves management events out"),
        ({"eventSelectors": [{"excludeManagementEventSources": ["kms.amazonaws.com"]}]}, "leaves management events out"),
        ({"eventSelectors": [{"readWriteType": "WriteOnly"}]}, "reading a secret is a read"),
        ({"advancedEventSelectors": [{"fieldSelectors": [{"field": "eventCategory", "equals": ["Data"]}]}]}, "has none"),
    ],
)
def test_a_trail_leaves_nothing_out(props, says):
    found = [trail(), stream(), *environment(), flow_log(), *cloudtrail(**props)]
    on("audit-nothing-dropped").fails(says, found, at="calls")


def test_a_trail_with_unknown_selectors_is_undecided():
    found = [trail(), stream(), *environment(), flow_log(), *cloudtrail(advancedEventSelectors=UNKNOWN)]
    on("audit-nothing-dropped").undecided("advancedEventSelectors", found)


# Kept


def archive(days):
    """A bucket that the trail itself made, and CloudTrail writes to."""
    rules = days if days is UNKNOWN else [{"id": "audit", "status": "Enabled", "expiration": {"days": days}}]
    return [
        trail(),
        resource(BUCKET, "archive", parent="trail", bucket="bank-archive"),
        resource(LIFECYCLE, "archive-life", parent="trail", bucket="bank-archive", rules=rules),
        stream(),
        *environment(),
        flow_log(),
        *cloudtrail(),
    ]


def test_retention():
    policy = on("audit-retention")
    policy.passes(archive(365))
    policy.passes(aws())
    policy.fails("expiration.days is 90 days; the SIEM's declaration says 365 at least", archive(90), at="archive-life")
    policy.undecided("expiration.days", archive(UNKNOWN))


def test_log_groups_that_the_siem_reads_are_kept_as_long():
    policy = on("audit-retention")
    siem = {"name": "soc", "minimumRetentionDays": 365, "cloudwatch": {"inPlace": True}}

    def kept(days):
        groups = [one for one in environment(skip=STREAMS) if one.name != "group-Task"]
        return [trail(siem=siem), *groups, named(LOG_GROUP, "group-Task", "airflow-finance-Task", retentionInDays=days)]

    policy.passes(kept(400))
    policy.passes(kept(None))
    policy.fails("retentionInDays is 30 days", kept(30), at="group-Task")
    policy.undecided("retentionInDays", kept(UNKNOWN))


# Devices, tokens, trails


def test_syslog_slot_once():
    policy = on("audit-syslog-slot-once")
    rule, first = fortigate()
    policy.passes([rule, first])
    policy.passes([rule, first, resource("fortios:log/syslogd/v3/setting:Setting", "third", status="enable")])
    policy.fails("writes the same slot as syslog", [rule, first, resource(SYSLOG, "again", status="enable")], at="again")
    policy.fails("writes the same slot as syslog", [rule, first, resource(BRIDGED_SYSLOG, "again", status="enable")])
    elsewhere = [resource(SYSLOG, "again", status="enable", vdomparam="lab"), resource(POLICY, "lab", vdomparam="lab")]
    policy.passes([rule, first, *elsewhere])
    unsure = [resource(SYSLOG, name, status="enable", vdomparam=UNKNOWN) for name in ("one", "two")]
    policy.undecided("vdomparam", [rule, *unsure])


def test_token_secret():
    policy = on("audit-token-secret", STREAM)
    policy.passes(splunkConfiguration={"hecEndpoint": "https://x", "secretsManagerConfiguration": {"enabled": True}})
    policy.passes(splunkConfiguration={"hecToken": Secret("t0ken")})
    policy.fails("splunkConfiguration is plain text", splunkConfiguration={"hecToken": "t0ken"})
    policy.fails("httpEndpointConfiguration is plain text", httpEndpointConfiguration={"accessKey": "t0ken"})
    policy.undecided("splunkConfiguration", splunkConfiguration=UNKNOWN)
    on("zia-feed-secrets", NSS).fails("connectionHeaders", connectionHeaders=["Authorization:Splunk t0ken"])


def test_trail_tamper_evident():
    policy = on("audit-trail-tamper-evident", CLOUDTRAIL)
    policy.passes(enableLogFileValidation=True, kmsKeyId="arn:aws:kms:eu-west-1:1:key/1")
    policy.fails("enableLogFileValidation is off", kmsKeyId="arn")
    policy.fails("kmsKeyId is not set", enableLogFileValidation=True)
    policy.undecided("kmsKeyId", enableLogFileValidation=True, kmsKeyId=UNKNOWN)
    policy.undecided("enableLogFileValidation", enableLogFileValidation=UNKNOWN, kmsKeyId="arn")
    assert policy.remedied(kmsKeyId="arn") == {"kmsKeyId": "arn", "enableLogFileValidation": True}
