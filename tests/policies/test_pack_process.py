"""The pack as Pulumi runs it: a process that prints a port and answers the analyzer protocol."""

import os
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from policy_testing import UNKNOWN, Secret, urn_of, wire
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

PACK = Path(__file__).parents[2] / "policy-packs" / "least-privilege"
RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
PHASE1 = "fortios:vpn/ipsec/phase1interface:Phase1interface"
BUCKET = "aws:s3/bucket:Bucket"
OPEN = {
    "cidrIpv4": "0.0.0.0/0",
    "ipProtocol": "tcp",
    "fromPort": 22,
    "toPort": 22,
    "securityGroupId": UNKNOWN,
    "description": "x",
}


@pytest.fixture(scope="module", params=["file", "folder"])
def pack(request, tmp_path_factory):
    """Started from another folder, with only what Pulumi puts into the environment: as a file, and by Pulumi's own runner."""
    arguments = [str(PACK / "__main__.py")] if request.param == "file" else ["-m", "pulumi.policy", "127.0.0.1:1", str(PACK)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        line = process.stdout.readline()
        if not line.strip().isdigit():
            process.kill()
            pytest.fail(f"printed {line!r}: {process.communicate()[1].decode()}")
        with grpc.insecure_channel(f"127.0.0.1:{int(line)}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
    finally:
        process.kill()
        process.communicate()


def request(type_, name="it", **properties):
    return analyzer_pb2.AnalyzeRequest(type=type_, urn=urn_of(type_, name), name=name, properties=wire(properties))


def test_it_says_what_it_is(pack):
    info = pack.GetAnalyzerInfo(analyzer_pb2.google_dot_protobuf_dot_empty__pb2.Empty())
    assert info.name == "airlock-least-privilege"
    assert len(info.policies) >= 25
    by_name = {one.name: one for one in info.policies}
    rotation = by_name["aws-kms-rotation"]
    assert (rotation.enforcementLevel, rotation.severity) == (analyzer_pb2.MANDATORY, analyzer_pb2.POLICY_SEVERITY_MEDIUM)
    assert rotation.framework.reference == "CC6.1"
    assert "cis-aws-3.0.0:3.6" in rotation.tags


def test_a_resource_meets_its_policies_alone_and_an_unknown_value_skips_none(pack):
    answer = pack.Analyze(request(RULE, **OPEN))
    assert [(one.policyName, one.urn) for one in answer.diagnostics] == [("aws-no-world-open-ingress", urn_of(RULE, "it"))]
    assert "0.0.0.0/0: ingress from the whole internet on 22/tcp" in answer.diagnostics[0].message
    assert not answer.not_applicable


def test_plain_and_secret_are_told_apart_over_the_wire(pack):
    good = {"ikeVersion": "2", "proposal": "aes256-sha256", "dhgrp": "14", "dpd": "on-idle"}
    assert not pack.Analyze(request(PHASE1, psksecret=Secret("s"), **good)).diagnostics
    assert [one.policyName for one in pack.Analyze(request(PHASE1, psksecret="s", **good)).diagnostics] == [
        "fortigate-psk-secret"
    ]


def test_a_stack_policy_links_resources_over_the_wire(pack):
    bucket = analyzer_pb2.AnalyzerResource(
        type=BUCKET, urn=urn_of(BUCKET, "dags"), name="dags", properties=wire({"bucket": UNKNOWN})
    )
    kind = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    block = analyzer_pb2.AnalyzerResource(
        type=kind, urn=urn_of(kind, "block"), name="block", properties=wire({"bucket": UNKNOWN})
    )
    block.propertyDependencies["bucket"].urns.append(bucket.urn)

    def found(*resources):
        return {one.policyName for one in pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources)).diagnostics}

    assert "aws-s3-public-access-blocked" in found(bucket)
    assert "aws-s3-public-access-blocked" not in found(bucket, block)


def test_a_policy_below_a_gate_is_the_gates_own_whatever_stands_between(pack):
    kinds = {"gate": "airlock:index:FortigateGate", "mine": "acme:index:Rules", "own": "fortios:firewall/policy:Policy"}
    accept = wire({"action": "accept", "status": "enable"})

    def found(**parents):
        resources = []
        for name, parent in parents.items():
            kind = kinds.get(name, kinds["own"])
            one = analyzer_pb2.AnalyzerResource(type=kind, urn=urn_of(kind, name), name=name, properties=accept)
            one.parent = urn_of(kinds[parent], parent) if parent else ""
            one.provider.urn = urn_of("pulumi:providers:fortios", "dc")
            resources.append(one)
        answer = pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources))
        return [one.urn.rpartition("::")[2] for one in answer.diagnostics if one.policyName == "fortigate-foreign-policy"]

    assert found(gate="", mine="gate", own="mine") == []
    assert found(gate="", own="gate", mine="", foreign="mine") == ["foreign"]


def test_what_a_stack_does_not_have_is_not_applicable(pack):
    answer = pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=[]))
    reasons = {one.policy_name: one.reason for one in answer.not_applicable}
    assert "none of fortios:firewallpolicy" in reasons["fortigate-foreign-policy"]
    assert not answer.diagnostics


def test_a_remediation_is_made_where_the_level_asks_for_it(pack):
    key = request("aws:kms/key:Key", policy=UNKNOWN)
    assert not pack.Remediate(key).remediations
    config = analyzer_pb2.ConfigureAnalyzerRequest()
    config.policyConfig["aws-kms-rotation"].enforcementLevel = analyzer_pb2.REMEDIATE
    pack.Configure(config)
    try:
        (made,) = pack.Remediate(key).remediations
    finally:
        pack.Configure(analyzer_pb2.ConfigureAnalyzerRequest())
    assert made.policyName == "aws-kms-rotation"
    assert dict(made.properties) == {"policy": UNKNOWN, "enableKeyRotation": True}
