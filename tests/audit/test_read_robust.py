"""Reading takes whatever a stack holds: nothing raises, nothing that is unknown is called good."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_airlock.audit import Standing, declared_siems, sinks
from pulumi_airlock.audit.read import slots_written_twice
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack


def urn(kind, name):
    return f"urn:pulumi:s::p::{kind}::{name}"


GROUP, FILTER = "aws:cloudwatch/logGroup:LogGroup", "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
STREAM = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
SIEM = {
    "name": "soc",
    "minimumRetentionDays": 365,
    "syslog": {"host": "logs", "port": 6514},
    "splunk": {"url": "https://hec"},
    "s3": {"bucket": "b", "region": "x"},
    "cloudwatch": {"destinationArn": "arn:aws:logs:x:1:destination:y", "inPlace": False},
}
PROCESSING = {"enabled": True, "processors": [{"type": "Decompression", "parameters": []}, {"type": "CloudWatchLogProcessing"}]}
BASE = (
    ("airlock:index:AuditTrail", "trail", {"siem": SIEM, "existingTrailArn": "arn"}, {}),
    (
        "aws:mwaa/environment:Environment",
        "e",
        {"name": "e", "networkConfiguration": {"subnetIds": ["subnet-1"]}},
        {"networkConfiguration": "subnet"},
    ),
    ("aws:ec2/subnet:Subnet", "subnet", {"id": "subnet-1", "vpcId": "vpc-1"}, {"vpcId": "vpc"}),
    ("aws:ec2/vpc:Vpc", "vpc", {"id": "vpc-1"}, {}),
    (
        "aws:ec2/flowLog:FlowLog",
        "to-bucket",
        {
            "vpcId": "vpc-1",
            "logDestinationType": "s3",
            "logDestination": "arn:aws:s3:::b/x",
            "trafficType": "ALL",
            "logFormat": "x",
        },
        {"vpcId": "vpc", "logDestination": "bucket"},
    ),
    (
        "aws:ec2/flowLog:FlowLog",
        "to-stream",
        {"vpcId": "vpc-1", "logDestinationType": "kinesis-data-firehose", "logDestination": "stream-arn"},
        {"vpcId": "vpc", "logDestination": "stream"},
    ),
    (
        "aws:ec2/flowLog:FlowLog",
        "to-group",
        {"vpcId": "vpc-1", "logDestination": "arn:aws:logs:x:1:log-group:g"},
        {"vpcId": "vpc", "logDestination": "group"},
    ),
    (
        "aws:ec2/vpnConnection:VpnConnection",
        "vpn",
        {"tunnel1LogOptions": {"cloudwatchLogOptions": {"logEnabled": True, "logGroupArn": "arn:aws:logs:x:1:log-group:g"}}},
        {"tunnel1LogOptions": "group"},
    ),
    (GROUP, "group", {"name": "g", "arn": "arn:aws:logs:x:1:log-group:g"}, {}),
    (GROUP, "task", {"name": "airflow-e-Task"}, {}),
    (FILTER, "filter", {"logGroup": "g", "destinationArn": "stream-arn", "filterPattern": ""}, {"destinationArn": "stream"}),
    (FILTER, "second", {"logGroup": "airflow-e-Task", "destinationArn": "arn:aws:logs:x:1:destination:y"}, {"logGroup": "task"}),
    (
        STREAM,
        "stream",
        {
            "arn": "stream-arn",
            "destination": "splunk",
            "splunkConfiguration": {
                "hecEndpoint": "https://hec",
                "s3Configuration": {"bucketArn": "arn:aws:s3:::b"},
                "processingConfiguration": PROCESSING,
            },
            "httpEndpointConfiguration": {"url": "https://x"},
            "extendedS3Configuration": {"bucketArn": "arn:aws:s3:::b"},
            "serverSideEncryption": {"enabled": True},
        },
        {"splunkConfiguration": "bucket"},
    ),
    (
        "aws:cloudtrail/trail:Trail",
        "calls",
        {
            "s3BucketName": "b",
            "cloudWatchLogsGroupArn": "arn:aws:logs:x:1:log-group:g:*",
            "eventSelectors": [{"includeManagementEvents": True, "readWriteType": "All"}],
            "advancedEventSelectors": [{"fieldSelectors": [{"field": "eventCategory", "equals": ["Management"]}]}],
            "enableLogging": True,
        },
        {"cloudWatchLogsGroupArn": "group"},
    ),
    ("aws:s3/bucket:Bucket", "bucket", {"bucket": "b", "id": "b"}, {}),
    ("pulumi:providers:fortios", "edge", {"hostname": "edge", "vdom": "root"}, {}),
    ("fortios:firewall/policy:Policy", "rule", {"action": "accept", "vdomparam": "root"}, {}),
    (
        "fortios:log/syslogd/v2/setting:Setting",
        "syslog",
        {"status": "enable", "server": "logs", "port": 6514, "mode": "reliable", "encAlgorithm": "high", "vdomparam": "root"},
        {},
    ),
    (
        "fortios:log/syslogd/v2/filter:Filter",
        "narrowed",
        {"severity": "information", "forwardTraffic": "enable", "localTraffic": "enable", "filter": ""},
        {},
    ),
    ("fortios:log/fortianalyzer/setting:Setting", "faz", {"status": "enable", "server": "faz", "encAlgorithm": "high"}, {}),
    ("zpa:index/policyAccessRuleV2:PolicyAccessRuleV2", "zpa-rule", {"action": "ALLOW"}, {}),
    (
        "zpa:index/lSSConfigController:LSSConfigController",
        "lss",
        {
            "config": {
                "lssHost": "logs",
                "lssPort": "6514",
                "useTls": True,
                "enabled": True,
                "filters": [],
                "sourceLogType": "zpn_trans_log",
            }
        },
        {},
    ),
    ("zia:index:URLFilteringRule", "zia-rule", {"action": "ALLOW"}, {}),
    (
        "zia:index:CloudNssFeed",
        "feed",
        {"connectionUrl": "https://hec", "feedStatus": "ENABLED", "nssLogType": "weblog", "rules": []},
        {},
    ),
    ("zia:index:NssServer", "nss", {"status": "ENABLED"}, {}),
)
"""A stack with every kind of resource that reading looks at, whole: (type, name, properties, links)."""
URNS = {name: urn(kind, name) for kind, name, _, _ in BASE}

LEAVES = st.one_of(
    *(st.none(), st.booleans(), st.integers(-1, 70000), st.floats(), st.just(UNKNOWN)),
    st.sampled_from(
        ["", "x", "enable", "s3", "cloud-watch-logs", "http_endpoint", "extended_s3", "http://[", "arn:aws:s3:::", "::"]
    ),
)
VALUES: Any = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "enabled"]), inner, max_size=2)
)


def places(value, path=()):
    """Every path into a value, itself included."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from places(item, (*path, key))


PLACES = [(name, path) for _, name, told, _ in BASE for path in places(told) if path]


def changed(value, path, new):
    """A copy with another value at a path; as it is where something above the path has changed already."""
    if not path:
        return new
    if isinstance(value, dict) and path[0] in value:
        return {**value, path[0]: changed(value[path[0]], path[1:], new)}
    if isinstance(value, list) and isinstance(path[0], int) and path[0] < len(value):
        return [changed(item, path[1:], new) if index == path[0] else item for index, item in enumerate(value)]
    return value


def build(changes=(), unlinked=(), gone=()):
    made = []
    for kind, name, told, links in BASE:
        if name in gone:
            continue
        for where, path, new in changes:
            if where == name:
                told = changed(told, path, new)
        found = {prop: (URNS[target],) for prop, target in links.items() if name not in unlinked}
        provider = URNS["edge"] if kind.startswith("fortios:") else ""
        custom = not kind.startswith("airlock:")
        made.append(Resource(URNS[name], kind, told, custom=custom, provider=provider, property_dependencies=found))
    return Stack(made)


def test_the_stack_that_is_changed_has_every_kind_of_sink():
    stack = build()
    (declared,) = declared_siems(stack)
    found = [sink for source in sinks(stack) for sink in source.sinks]
    assert {sink.kind for sink in found} == {
        *("syslog", "lss", "nss", "splunk", "s3", "cloudwatch", "log group", "trail", "fortianalyzer"),
    }
    assert {source.kind for source in sinks(stack)} == {"fortigate", "zpa", "zia", "vpc", "mwaa", "vpn", "cloudtrail"}
    assert {declared.standing(sink) for sink in found} == {Standing.SIEM, Standing.HERE, Standing.ELSEWHERE}


NAMES = st.sets(st.sampled_from(sorted(URNS)), max_size=3)


@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3), NAMES, NAMES)
@settings(max_examples=300, deadline=None)
def test_nothing_raises(changes, unlinked, gone):
    stack = build([(name, path, new) for (name, path), new in changes], unlinked, gone)
    declared = declared_siems(stack)
    list(slots_written_twice(stack))
    for source in sinks(stack):
        assert source.name
        for sink in source.sinks:
            assert sink.encrypted in (True, False) or sink.encrypted is UNKNOWN
            for one in declared:
                standing = one.standing(sink)
                if sink.address is UNKNOWN and sink.kind not in ("trail", "log group"):
                    assert standing is not Standing.SIEM
                assert one.minimum_days is UNKNOWN or one.minimum_days == int(one.minimum_days)
                assert isinstance(one.intakes, dict)


@pytest.mark.parametrize(("name", "path"), PLACES, ids=lambda one: one if isinstance(one, str) else ".".join(map(str, one)))
def test_what_is_unknown_is_never_called_a_gap_or_plain(name, path):
    """Everything is well in the whole stack but what is unknown: nothing definite may be said against it."""
    if (name, path[0]) == ("to-bucket", "logFormat"):
        return  # a format that is known is told in `test_policy_audit`
    before = {
        (gap.resource.urn, gap.path) for source in sinks(build()) for sink in source.sinks for gap in sink.gaps if gap.message
    }
    stack = build([(name, path, UNKNOWN)])
    for source in sinks(stack):
        for sink in source.sinks:
            assert sink.encrypted is not False
            for gap in sink.gaps:
                assert not gap.message or (gap.resource.urn, gap.path) in before, (gap.path, gap.message)


@pytest.mark.parametrize("address", ["https://hec.bank.example:8088/services/collector", "https://HEC.bank.example:8088"])
def test_a_collector_is_told_by_host_and_port(address):
    siem = {"name": "soc", "splunk": {"url": "https://hec.bank.example:8088"}}
    feed = Resource("urn:pulumi:s::p::zia:index:CloudNssFeed::feed", "zia:index:CloudNssFeed", {"connectionUrl": address})
    rule = Resource("urn:pulumi:s::p::zia:index:URLFilteringRule::rule", "zia:index:URLFilteringRule", {})
    trail = Resource("urn:pulumi:s::p::airlock:index:AuditTrail::t", "airlock:index:AuditTrail", {"siem": siem}, custom=False)
    stack = Stack([trail, feed, rule])
    (source,), (declared,) = sinks(stack), declared_siems(stack)
    assert declared.standing(source.sinks[0]) is Standing.SIEM
