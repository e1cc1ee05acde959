"""The component: which way each source has to each kind of SIEM, who may write there, what stays secret, what is refused."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pulumi
import pulumiverse_fortios as fortios
import pytest
import zscaler_pulumi_zia as zia
import zscaler_pulumi_zpa as zpa
from pulumi_airlock.audit import (
    Archive,
    AuditTrail,
    CloudTrail,
    CloudWatchIntake,
    ExistingTrail,
    FortigateSyslog,
    HttpsIntake,
    S3Intake,
    Siem,
    SplunkIntake,
    Standing,
    SyslogIntake,
    bucket_statements,
    declared_siems,
    hec_header,
    sinks,
)
from pulumi_airlock.environments.mwaa import AirflowVpc, MwaaCode, MwaaEnvironment, MwaaScale
from pulumi_airlock.environments.mwaa.flow_format import LOG_FORMAT
from pulumi_airlock.errors import InputError, Problems
from pulumi_airlock.gates.zia.feed import NssFeed, check_feed, make_feeds
from pulumi_airlock.gates.zpa import LogReceiver

PAGE = Path(__file__).parents[2] / "docs" / "audit.md"
CA = "-----BEGIN CERTIFICATE-----\nMIIBsjCC\n-----END CERTIFICATE-----\n"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-0000-4000-8000-123456789012"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:hec-abc123"
DESTINATION = "arn:aws:logs:eu-west-1:444455556666:destination:soc"

SPLUNK = SplunkIntake(url="https://hec.bank.example:8088", index="airflow", token_secret_arn=SECRET)
S3 = S3Intake(bucket="soc-logs", region="eu-west-1", kms_key_arn=KEY, prefix="airflow")
CLOUDS = {
    "splunk": SPLUNK,
    "s3": S3,
    "cloudwatch": CloudWatchIntake(destination_arn=DESTINATION),
    "in place": CloudWatchIntake(in_place=True),
}
STREAM = "kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
FILTER = "cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
TRAIL = "cloudtrail/trail:Trail"
FLOW_LOG = "ec2/flowLog:FlowLog"


def siem(cloud=SPLUNK, **changes):
    told = {"name": "soc", "syslog": SyslogIntake(host="logs.bank.example", ca_pem=CA), "cloud": cloud}
    return Siem(**{**told, **changes})


def trail(cloud=SPLUNK, name="audit", **changes):
    told = {
        "owner": "soc@bank.example",
        "siem": siem(cloud),
        "vpc_ids": {"airflow": "vpc-1"},
        "log_groups": {"vpn": "/aws/vendedlogs/vpn"},
        "cloudtrail": CloudTrail(data_bucket_arns=["arn:aws:s3:::dags", "arn:aws:s3:::more/"]),
    }
    return lambda: AuditTrail(name, **{**told, **changes})


# The way to the SIEM


def test_splunk_gets_log_groups_and_flow_logs_by_two_streams(run):
    found = run(trail())
    streams = found.of(STREAM)

    assert set(streams) == {"audit-logs", "audit-flows"}
    for one in streams.values():
        splunk = one.inputs["splunkConfiguration"]
        assert splunk["hecEndpoint"] == "https://hec.bank.example:8088"
        assert splunk["secretsManagerConfiguration"]["secretArn"] == SECRET
        assert "hecToken" not in splunk
        assert splunk["s3BackupMode"] == "AllEvents"
        assert one.inputs["serverSideEncryption"]["keyType"] == "CUSTOMER_MANAGED_CMK"
        assert one.parent == "audit"
    kinds = {
        name: [processor["type"] for processor in one.inputs["splunkConfiguration"]["processingConfiguration"]["processors"]]
        for name, one in streams.items()
    }
    # Flow logs are not compressed, and a stream that decompresses refuses them.
    assert kinds == {"audit-logs": ["Decompression", "AppendDelimiterToRecord"], "audit-flows": ["AppendDelimiterToRecord"]}
    assert {one.links["destinationArn"].pop() for one in found.of(FILTER).values()} == {"audit-logs"}
    assert set(found.of(FILTER)) == {"audit-vpn", "audit-trail"}
    flows = found.one(FLOW_LOG)
    assert flows.links["logDestination"] == {"audit-flows"}
    assert flows.inputs["logDestinationType"] == "kinesis-data-firehose"
    # AWS's own role of log delivery writes to streams with this tag alone.
    assert streams["audit-flows"].inputs["tags"]["LogDeliveryEnabled"] == "true"
    assert "LogDeliveryEnabled" not in streams["audit-logs"].inputs["tags"]


def test_flow_logs_tell_all_traffic_and_who_really_talks(run):
    flows = run(trail()).one(FLOW_LOG)

    assert (flows.inputs["trafficType"], flows.inputs["logFormat"], flows.inputs["maxAggregationInterval"]) == (
        "ALL",
        LOG_FORMAT,
        60,
    )
    assert flows.inputs["vpcId"] == "vpc-1"


def test_a_token_that_is_given_is_secret_from_end_to_end(run):
    token = SplunkIntake(url="https://hec.bank.example:8088", index="airflow", token="t0ken")
    found = run(trail(token))

    for one in found.of(STREAM).values():
        assert one.secret == {"splunkConfiguration"}
        assert one.inputs["splunkConfiguration"]["hecToken"] == "t0ken"
    streams = [one for one in found.requests.values() if one.type.endswith(STREAM)]
    assert [list(one.additionalSecretOutputs) for one in streams] == [["splunkConfiguration"]] * 2
    described = found.one("airlock:index:AuditTrail")
    assert "t0ken" not in json.dumps(described.inputs)


def test_messages_are_extracted_where_that_is_asked_for(preview):
    cloud = SplunkIntake(url="https://hec.bank.example", index="airflow", token_secret_arn=SECRET, extract_messages=True)
    logs = preview(trail(cloud)).of(STREAM)["audit-logs"]
    processors = logs.inputs["splunkConfiguration"]["processingConfiguration"]["processors"]
    assert [one["type"] for one in processors] == ["Decompression", "CloudWatchLogProcessing"]


def test_the_siems_bucket_is_written_to_directly_where_a_service_can(run):
    found = run(trail(S3))

    assert set(found.of(STREAM)) == {"audit-logs"}
    stored = found.one(STREAM).inputs["extendedS3Configuration"]
    assert (stored["bucketArn"], stored["prefix"], stored["kmsKeyArn"]) == ("arn:aws:s3:::soc-logs", "airflow/logs/", KEY)
    flows = found.one(FLOW_LOG).inputs
    assert (flows["logDestinationType"], flows["logDestination"]) == ("s3", "arn:aws:s3:::soc-logs/airflow/")
    calls = found.one(TRAIL).inputs
    assert (calls["s3BucketName"], calls["s3KeyPrefix"], calls["kmsKeyId"]) == ("soc-logs", "airflow", KEY)
    assert "cloudWatchLogsGroupArn" not in calls
    # The bucket is somebody else's: nothing of it is made or changed here.
    assert not found.of("s3/bucket:Bucket")
    assert not found.of("s3/bucketPolicy:BucketPolicy")


def test_a_destination_takes_log_groups_without_a_role(run):
    found = run(trail(CloudWatchIntake(destination_arn=DESTINATION)))

    assert set(found.of(FILTER)) == {"audit-vpn", "audit-flows", "audit-trail"}
    for one in found.of(FILTER).values():
        assert one.inputs["destinationArn"] == DESTINATION
        assert "roleArn" not in one.inputs
    assert not found.of(STREAM)
    assert found.one(FLOW_LOG).inputs["logDestinationType"] == "cloud-watch-logs"


def test_log_groups_that_the_siem_reads_in_place_need_no_subscription(run):
    found = run(trail(CloudWatchIntake(in_place=True)))

    assert not found.of(FILTER)
    groups = found.of("cloudwatch/logGroup:LogGroup")
    assert set(groups) == {"audit-flows", "audit-trail"}
    assert {one.inputs["retentionInDays"] for one in groups.values()} == {365}
    assert all("kmsKeyId" in one.inputs for one in groups.values())


def test_log_groups_keep_logs_for_the_shortest_time_that_is_long_enough(preview):
    kept = siem(CloudWatchIntake(in_place=True), minimum_retention_days=600)
    groups = preview(trail(siem=kept)).of("cloudwatch/logGroup:LogGroup")
    assert {one.inputs["retentionInDays"] for one in groups.values()} == {731}


# CloudTrail


def test_a_trail_sees_every_call_everywhere_and_what_happens_to_dags(run):
    calls = run(trail()).one(TRAIL)

    for prop in ("isMultiRegionTrail", "includeGlobalServiceEvents", "enableLogFileValidation", "enableLogging"):
        assert calls.inputs[prop] is True
    management, objects = calls.inputs["advancedEventSelectors"]
    assert management["fieldSelectors"] == [{"field": "eventCategory", "equals": ["Management"]}]
    assert {one["field"]: one.get("equals") or one.get("startsWiths") for one in objects["fieldSelectors"]} == {
        "eventCategory": ["Data"],
        "resources.type": ["AWS::S3::Object"],
        "resources.ARN": ["arn:aws:s3:::dags/", "arn:aws:s3:::more/"],
    }
    # The bucket's policy first: CloudTrail tries to write when it is created.
    assert "audit-archive" in calls.depends_on


def test_an_organisations_trail_is_named_and_nothing_is_made(run):
    arn = "arn:aws:cloudtrail:eu-west-1:999988887777:trail/organisation"
    found = run(trail(CloudWatchIntake(destination_arn=DESTINATION), cloudtrail=ExistingTrail(arn=arn)))

    assert found.one("AuditTrail").inputs["existingTrailArn"] == arn
    assert not found.of(TRAIL)
    assert not found.of("s3/bucket:Bucket")


# The archive, keys and roles


def test_the_archive_is_private_locked_encrypted_and_ends(run):
    found = run(trail(archive=Archive(retention_days=730, object_lock="COMPLIANCE")))

    bucket = found.one("s3/bucket:Bucket")
    assert bucket.inputs["bucket"] == "audit-logs-111122223333-eu-west-1"
    assert bucket.inputs["objectLockEnabled"] is True
    lock = found.one("BucketObjectLockConfiguration").inputs["rule"]["defaultRetention"]
    assert lock == {"mode": "COMPLIANCE", "days": 730}
    (rule,) = found.one("BucketLifecycleConfiguration").inputs["rules"]
    assert (rule["expiration"]["days"], rule["noncurrentVersionExpiration"]["noncurrentDays"]) == (730, 730)
    (encrypted,) = found.one("BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert encrypted["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
    closed = found.one("BucketPublicAccessBlock").inputs
    assert all(closed[flag] for flag in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"))


def test_the_archive_takes_logs_of_this_trail_alone(run):
    policy = run(trail()).one("s3/bucketPolicy:BucketPolicy").document()

    assert {policy[sid]["Effect"] for sid in ("TlsOnly", "Tls12")} == {"Deny"}
    trail_arn = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit-trail"
    assert policy["TrailWrites"]["Condition"]["StringEquals"]["aws:SourceArn"] == trail_arn
    assert policy["TrailWrites"]["Resource"] == "arn:aws:s3:::audit-logs-111122223333-eu-west-1/AWSLogs/111122223333/*"
    # Nobody may read by the bucket's own policy.
    allowed = {one["Action"] for one in policy.values() if one["Effect"] == "Allow"}
    assert allowed == {"s3:GetBucketAcl", "s3:PutObject"}


def test_the_key_is_for_the_log_services_of_this_account(update):
    policy = update(trail()).one("kms/key:Key").document()

    services = {sid: one["Principal"].get("Service") for sid, one in policy.items()}
    assert services == {
        "AccountDecidesThroughIam": None,
        "LogsOfThisAccount": "logs.eu-west-1.amazonaws.com",
        "TrailEncrypts": "cloudtrail.amazonaws.com",
        "TrailLooks": "cloudtrail.amazonaws.com",
    }
    assert all("Condition" in one for sid, one in policy.items() if sid != "AccountDecidesThroughIam")


@pytest.mark.parametrize("kind", CLOUDS)
def test_every_role_is_for_one_service_of_this_account_and_names_what_it_uses(update, kind):
    found = update(trail(CLOUDS[kind]))
    roles = found.of("iam/role:Role")

    assert roles
    for role in roles.values():
        (statement,) = role.document("assumeRolePolicy").values()
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "111122223333"}
        assert ":111122223333:" in statement["Condition"]["ArnLike"]["aws:SourceArn"]
    for policy in found.of("iam/rolePolicy:RolePolicy").values():
        for statement in policy.document().values():
            assert "*" not in statement["Resource"]
            assert not any(action.endswith(":*") for action in statement["Action"])


def test_the_owner_of_a_brought_bucket_is_told_what_to_allow(update):
    told = {one["Sid"]: one for one in bucket_statements(S3, name="audit", account_id="111122223333")}
    found = update(trail(S3))

    written = "arn:aws:s3:::soc-logs/airflow/AWSLogs/111122223333/*"
    assert (told["TrailWrites"]["Resource"], told["DeliveryWrites"]["Resource"]) == (written, written)
    name = found.one(TRAIL).inputs["name"]
    assert told["TrailWrites"]["Condition"]["StringEquals"]["aws:SourceArn"].endswith(f":trail/{name}")
    assert told["DeliveryWrites"]["Condition"]["StringEquals"]["aws:SourceAccount"] == "111122223333"
    role = told["StreamWrites"]["Condition"]["ArnLike"]["aws:PrincipalArn"]
    assert role == "arn:aws:iam::111122223333:role/audit-writer-*"
    # What the stream's role may do, the bucket must let it, but for the keys and the error log.
    policy = found.of("iam/rolePolicy:RolePolicy")["audit-writer"].document()
    assert set(told["StreamWrites"]["Action"]) == {*policy["Bucket"]["Action"], *policy["Objects"]["Action"]}
    assert set(policy["Bucket"]["Resource"] + policy["Objects"]["Resource"]) == set(told["StreamWrites"]["Resource"])


def test_only_the_stream_may_be_written_to_by_subscriptions(update):
    policy = update(trail()).of("iam/rolePolicy:RolePolicy")["audit-subscriber"].document()["Put"]
    assert policy["Action"] == ["firehose:PutRecord", "firehose:PutRecordBatch"]
    assert policy["Resource"] == ["arn:aws:mock:eu-west-1:111122223333:audit-logs"]


def test_protection_is_for_what_holds_data(preview):
    protected = {one.name for one in preview(trail(protect_data=True)).requests.values() if one.protect}
    assert protected == {"audit-archive", "audit-key"}
    kinds = {one.type for one in preview(trail(protect_data=True)).requests.values() if one.protect}
    assert kinds == {"aws:s3/bucket:Bucket", "aws:kms/key:Key"}


# FortiGates

EDGE = {"edge": FortigateSyslog(slot=2)}


def device(**changes):
    told = {"owner": "soc@bank.example", "siem": siem(cloud=None), "fortigates": EDGE}
    return lambda: AuditTrail("audit", **{**told, **changes})


def test_a_fortigate_logs_reliably_over_tls_to_a_receiver_that_it_knows_the_ca_of(run):
    found = run(device())

    setting = found.one("fortios:log/syslogd/v2/setting:Setting").inputs
    assert (
        setting
        | {
            "status": "enable",
            "server": "logs.bank.example",
            "port": 6514,
            "mode": "reliable",
            "encAlgorithm": "high",
            "sslMinProtoVersion": "TLSv1-2",
            "format": "rfc5424",
        }
        == setting
    )
    assert found.one("fortios:certificate/ca:Ca").inputs["ca"] == CA
    assert {"audit-edge-syslog-ca", "audit-edge-syslog-filter"} <= found.one("v2/setting:Setting").depends_on
    narrowed = found.one("fortios:log/syslogd/v2/filter:Filter").inputs
    assert (narrowed["severity"], narrowed["forwardTraffic"], narrowed["ztnaTraffic"]) == ("information", "enable", "enable")
    logged = found.one("fortios:log/setting:Setting").inputs
    assert (logged["fwpolicyImplicitLog"], logged["fwpolicy6ImplicitLog"], logged["logPolicyName"]) == ("enable",) * 3
    assert not any(one.type.startswith("aws:") for one in found.requests.values())


@pytest.mark.parametrize("slot", [1, 2, 3, 4])
@pytest.mark.parametrize("vdom", [None, "edge"])
def test_each_slot_is_a_setting_of_its_own_and_a_vdoms_an_override(preview, slot, vdom):
    one = FortigateSyslog(slot=slot, take_over=slot == 1, vdom=vdom, certificate="Fortinet_Local", source_ip="10.0.0.1")
    found = preview(device(fortigates={"edge": one}))
    where = f"fortios:log/syslogd{f'/v{slot}' if slot > 1 else ''}"
    kind = "overridesetting:Overridesetting" if vdom else "setting:Setting"
    setting = found.one(f"{where}/{kind}").inputs
    assert (setting.get("vdomparam"), setting["certificate"], setting["sourceIp"]) == (vdom, "Fortinet_Local", "10.0.0.1")
    assert (
        found.one(f"{where}/{'overridefilter:Overridefilter' if vdom else 'filter:Filter'}").inputs["severity"] == "information"
    )
    assert found.one("fortios:log/setting:Setting").inputs.get("syslogOverride") == ("enable" if vdom else None)
    assert bool(found.warnings) == (slot == 1)


def test_two_devices_have_their_own_providers(preview):
    def program():
        one, two = (fortios.Provider(name, hostname=f"{name}.bank.example", token="x") for name in ("one", "two"))
        device(fortigates={"one": FortigateSyslog(slot=2, provider=one), "two": FortigateSyslog(slot=3, provider=two)})()

    found = preview(program)
    providers = {one.name: one.provider.split("::")[-2] for one in found.requests.values() if one.name.endswith("-syslog")}
    assert providers == {"audit-one-syslog": "one", "audit-two-syslog": "two"}


# What gates are told


def test_gates_are_told_of_the_receiver_and_the_target(update):
    told = {}

    def program():
        splunk = SplunkIntake(url="https://hec.bank.example:8088/services/collector", index="airflow", token="t0ken")
        made = trail(splunk)()
        told["lss"], told["nss"] = made.lss_receiver, made.nss_target
        (told["header"],) = made.nss_target.headers
        told["https"] = siem(
            https=HttpsIntake(url="https://in.soc.example/zia", token="Bearer x", siem_type="QRADAR")
        ).nss_target()
        pulumi.Output.from_input(told["header"].is_secret()).apply(lambda value: told.setdefault("secret", value))
        told["header"].apply(lambda value: told.setdefault("value", value))

    update(program)
    assert (told["lss"].host, told["lss"].port, told["lss"].tls) == ("logs.bank.example", 6514, True)
    assert (told["nss"].url, told["nss"].siem) == ("https://hec.bank.example:8088/services/collector/event", "SPLUNK")
    assert (told["secret"], told["value"]) == (True, "Authorization:Splunk t0ken")
    assert (told["https"].url, told["https"].siem) == ("https://in.soc.example/zia", "QRADAR")


def test_without_the_intake_there_is_nothing_to_tell():
    assert Siem(name="soc", cloud=SPLUNK).lss_receiver() is None
    assert Siem(name="soc", cloud=SPLUNK).nss_target() is None  # the token is in Secrets Manager alone
    assert siem(S3).nss_target() is None


def test_what_zscalers_gates_make_of_it_reaches_the_siem(run):
    def program():
        made = trail(SplunkIntake(url="https://hec.bank.example:8088", index="airflow", token="t0ken"))()
        target, receiver = made.nss_target, made.lss_receiver
        feed = NssFeed(url=target.url, siem=target.siem, headers=target.headers)
        problems = Problems("zia")
        check_feed(feed, problems)
        problems.raise_any()
        make_feeds("zia", "airlock-", feed, pulumi.ResourceOptions())
        zia.URLFilteringRule("rule", name="rule", action="ALLOW", order=1, protocols=["ANY_RULE"])
        config = {"lss_host": receiver.host, "lss_port": str(receiver.port), "use_tls": receiver.tls, "enabled": True}
        config |= {"name": "log", "format": "{}", "source_log_type": "zpn_trans_log"}
        zpa.LSSConfigController("log", config=config)
        zpa.PolicyAccessRuleV2("access", name="access", action="ALLOW")

    found = run(program)
    stack = found.stack()
    (declared,) = declared_siems(stack)
    sources = {source.kind: source.sinks for source in sinks(stack)}
    assert {sink.content for sink in sources["zia"]} == {"weblog", "firewalllog"}
    assert [sink.content for sink in sources["zpa"]] == ["zpn_trans_log"]
    for sink in (*sources["zia"], *sources["zpa"]):
        assert declared.standing(sink) is Standing.SIEM
        assert sink.encrypted is True
        assert not sink.gaps
    assert all("connectionHeaders" in one.secret for one in found.of("zia:index:CloudNssFeed").values())


@pytest.mark.parametrize("held", ['{"hec_token": "t0ken"}', "t0ken", " t0ken\n"])
def test_a_token_is_taken_out_of_what_secrets_manager_holds(update, held):
    said = []

    def program():
        header = hec_header(held)
        header.apply(said.append)
        pulumi.Output.from_input(header.is_secret()).apply(said.append)

    update(program)
    assert sorted(map(str, said)) == ["Splunk t0ken", "True"]


# Read back


@pytest.mark.parametrize("kind", CLOUDS)
def test_what_is_made_is_read_back(run, kind, tmp_path: Path):
    (tmp_path / "load.py").write_text("")

    def program():
        vpc = AirflowVpc(
            "airflow",
            owner="a@b.example",
            cidr="10.0.0.0/20",
            availability_zones=["eu-west-1a", "eu-west-1b"],
            endpoint_cidrs=["10.0.14.0/26", "10.0.14.64/26"],
        )
        environment = MwaaEnvironment(
            "finance",
            owner="a@b.example",
            vpc=vpc,
            subnet_cidrs=["10.0.0.0/26", "10.0.0.64/26"],
            airflow_version="3.0.6",
            scale=MwaaScale(environment_class="mw1.small"),
            code=MwaaCode(dags=tmp_path),
        )
        edge = fortios.Provider("edge", hostname="edge.bank.example", token="x")
        ends = {"srcintfs": [{"name": "a"}], "dstintfs": [{"name": "b"}]}
        fortios.firewall.Policy("rule", action="accept", **ends, opts=pulumi.ResourceOptions(provider=edge))
        trail(
            CLOUDS[kind],
            environments=[environment],
            vpc_ids={"airflow": vpc.vpc_id},
            log_groups={},
            fortigates={"edge": FortigateSyslog(slot=2, provider=edge)},
        )()

    stack = run(program).stack()
    (declared,) = declared_siems(stack)
    found = {f"{one.kind} {one.name}": one for one in sinks(stack)}

    assert (declared.name, declared.minimum_days) == ("soc", 365)
    assert set(found) == {
        "fortigate edge",
        "vpc airflow-vpc",
        *(f"mwaa finance {stream}" for stream in ("dag-processing", "scheduler", "task", "webserver", "worker")),
        "cloudtrail the account",
    }
    for name, source in found.items():
        standings = {declared.standing(sink) for sink in source.sinks}
        assert Standing.SIEM in standings, name
        assert standings <= {Standing.SIEM, Standing.ARCHIVE, Standing.HERE}, name
        assert all(sink.encrypted is True and not sink.gaps for sink in source.sinks), name
        assert not source.unknown, name


# Refused

REFUSED = {
    "syslog in plain text": (
        {"siem": siem(syslog=SyslogIntake(host="logs.bank.example", port=514, ca_pem=CA))},
        "siem.syslog.port: 514 is syslog in plain text",
    ),
    "a URL for a host": (
        {"siem": siem(syslog=SyslogIntake(host="udp://logs", ca_pem=CA))},
        "siem.syslog.host: 'udp://logs' is a URL",
    ),
    "no CA": ({"siem": siem(syslog=SyslogIntake(host="logs.bank.example"))}, "siem.syslog.ca_pem: missing"),
    "two CAs": ({"siem": siem(syslog=SyslogIntake(host="logs", ca_pem=CA, public_ca=True))}, "keep one of the two"),
    "no certificate": ({"siem": siem(syslog=SyslogIntake(host="logs", ca_pem="MIIB"))}, "is no certificate in PEM"),
    "no intake": ({"siem": Siem(name="soc")}, "siem: has no intake"),
    "plain HTTP": (
        {"siem": siem(SplunkIntake(url="http://hec.bank.example", index="airflow", token="x"))},
        "siem.cloud.url: 'http://hec.bank.example' is not reached over TLS",
    ),
    "a password in the URL": (
        {"siem": siem(SplunkIntake(url="https://a:b@hec.bank.example", index="airflow", token="x"))},
        "siem.cloud.url: holds a credential",
    ),
    "another path": ({"siem": siem(SplunkIntake(url="https://hec/en-US", index="i", token="x"))}, "is no path of the HTTP Event"),
    "no token": ({"siem": siem(SplunkIntake(url="https://hec", index="i"))}, "give one of token= (from a secret)"),
    "an empty token": ({"siem": siem(SplunkIntake(url="https://hec", index="i", token=" "))}, "siem.cloud.token: empty"),
    "no index": ({"siem": siem(SplunkIntake(url="https://hec", index="", token="x"))}, "siem.cloud.index: empty"),
    "a bucket elsewhere": (
        {"siem": siem(S3Intake(bucket="soc-logs", region="us-east-1", kms_key_arn=KEY))},
        "siem.cloud.region: us-east-1: the logs are of eu-west-1",
    ),
    "a bucket's alias for a key": (
        {"siem": siem(S3Intake(bucket="soc-logs", region="eu-west-1", kms_key_arn="alias/soc"))},
        "siem.cloud.kms_key_arn: 'alias/soc' is no key's ARN",
    ),
    "a slash": ({"siem": siem(S3Intake(bucket="soc-logs", region="eu-west-1", kms_key_arn=KEY, prefix="/x"))}, "without slashes"),
    "a destination elsewhere": (
        {"siem": siem(CloudWatchIntake(destination_arn=DESTINATION.replace("eu-west-1", "us-east-1")))},
        "is of us-east-1: a subscription's destination is of eu-west-1",
    ),
    "a log group for a destination": (
        {"siem": siem(CloudWatchIntake(destination_arn="arn:aws:logs:eu-west-1:444455556666:log-group:x"))},
        "is none; write arn:aws:logs:region:account:destination:name",
    ),
    "nowhere in CloudWatch": ({"siem": siem(CloudWatchIntake())}, "give it, or in_place=True"),
    "an archive that forgets early": (
        {"archive": Archive(retention_days=90, glacier_after_days=None)},
        "keeps logs 365 days at least",
    ),
    "Glacier after the end": ({"archive": Archive(glacier_after_days=400)}, "archive.glacier_after_days: 400: between 1 and 364"),
    "an archive beside the SIEM's bucket": ({"siem": siem(S3), "archive": Archive()}, "archive: the SIEM is a bucket itself"),
    "AWS's logs without a way": (
        {"siem": siem(cloud=None), "cloudtrail": None},
        "siem.cloud: missing: AWS's logs do not speak syslog",
    ),
    "a trail without a way": ({"siem": siem(cloud=None), "vpc_ids": {}, "log_groups": {}}, "cloudtrail: has nowhere to go"),
    "a trail that is none": ({"cloudtrail": ExistingTrail(arn="organisation")}, "'organisation' is no trail's"),
    "a FortiGate without a receiver": (
        {"siem": siem(syslog=None), "fortigates": EDGE},
        'fortigates["edge"]: a FortiGate speaks syslog alone',
    ),
    "slot 1 unawares": ({"fortigates": {"edge": FortigateSyslog(slot=1)}}, "say take_over=True to write over what is there"),
    "slot 5": ({"fortigates": {"edge": FortigateSyslog(slot=5)}}, "slots 1 to 4"),
    "taking over what is free": ({"fortigates": {"edge": FortigateSyslog(slot=2, take_over=True)}}, "not used with slot 2"),
    "a format of nobody's": ({"fortigates": {"edge": FortigateSyslog(slot=2, format="xml")}}, "'xml' is none of default, csv"),
    "a facility of nobody's": (
        {"fortigates": {"edge": FortigateSyslog(slot=2, facility="local9")}},
        "'local9' is no syslog facility",
    ),
    "no owner": ({"owner": " "}, "owner: empty"),
    "a label that is no name": ({"vpc_ids": {"my vpc": "vpc-1"}}, 'vpc_ids["my vpc"]: a label is part of a resource'),
    "a key's alias": ({"kms_key_arn": "alias/logs"}, "kms_key_arn: 'alias/logs' is no key's ARN"),
    "plain HTTP for ZIA": (
        {"siem": siem(https=HttpsIntake(url="http://in", token="x"))},
        "siem.https.url: 'http://in' is not reached",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_mistakes_are_refused_before_anything_is_registered(preview, case):
    changes, says = REFUSED[case]
    caught = []

    def program():
        with pytest.raises(InputError) as raised:
            trail(**changes)()
        caught.append(str(raised.value))

    found = preview(program)
    assert says in caught[0]
    assert not found.of("AuditTrail")


def test_all_mistakes_are_told_at_once(preview):
    def program():
        wrong = siem(
            SplunkIntake(url="http://hec", index=""), syslog=SyslogIntake(host="logs", port=514), minimum_retention_days=0
        )
        with pytest.raises(InputError) as raised:
            trail(siem=wrong, owner="", fortigates={"edge": FortigateSyslog(slot=1)})()
        assert len(raised.value.problems) == 8

    preview(program)


def test_a_stack_without_a_fortigate_needs_no_sdk_of_one():
    program = (
        'import sys; sys.modules["pulumiverse_fortios"] = None; from pulumi_airlock.audit import AuditTrail, FortigateSyslog'
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_documentations_program_runs(preview, tmp_path: Path):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(blocks) == 2
    (tmp_path / "load.py").write_text("")

    def program():
        network = {"availability_zones": ["eu-west-1a", "eu-west-1b"], "endpoint_cidrs": ["10.0.14.0/26", "10.0.14.64/26"]}
        vpc = AirflowVpc("airflow", owner="a@b.example", cidr="10.0.0.0/20", **network)
        given = {"owner": "a@b.example", "vpc": vpc, "airflow_version": "3.0.6", "code": MwaaCode(dags=tmp_path)}
        given["scale"] = MwaaScale(environment_class="mw1.small")
        said = {
            "finance": MwaaEnvironment("finance", subnet_cidrs=["10.0.0.0/26", "10.0.0.64/26"], **given),
            "markets": MwaaEnvironment("markets", subnet_cidrs=["10.0.1.0/26", "10.0.1.64/26"], **given),
            "vpc": vpc,
            "vpn": SimpleNamespace(log_group_name="/aws/vendedlogs/vpn"),
            "device": fortios.Provider("edge", hostname="edge.bank.example", token="x"),
            "ca": CA,
            "token": "t0ken",
            "token_arn": SECRET,
            "dag_bucket_arns": ["arn:aws:s3:::dags"],
            "LogReceiver": LogReceiver,
            "NssFeed": NssFeed,
        }
        for block in blocks:
            exec(block, said)  # noqa: S102  # the documentation's own

    found = preview(program)
    assert len(found.of(FILTER)) == 12  # five for each environment, the VPN's, CloudTrail's
