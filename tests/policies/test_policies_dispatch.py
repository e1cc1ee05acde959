"""The pack's servicer: the SDK's own, with less to do."""

import pulumi_policy.policy as sdk
import pytest
from least_privilege import dispatch, registry
from policy_testing import UNKNOWN, urn_of, wire
from pulumi.runtime.proto import analyzer_pb2

RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


def servicer(of):
    policies = [one.policy for one in registry.load()]
    return of("pack", "1.0.0", policies, sdk.EnforcementLevel.MANDATORY, None, None, None, None, None, None, None)


@pytest.fixture
def decoded(monkeypatch):
    """How often the SDK decodes a resource: that is what its analysis costs."""
    calls = []
    original = sdk.deserialize_properties
    monkeypatch.setattr(sdk, "deserialize_properties", lambda *given: calls.append(1) or original(*given))
    return calls


def rule(type_=RULE):
    properties = wire({"cidrIpv4": "0.0.0.0/0", "ipProtocol": "-1", "securityGroupId": UNKNOWN})
    return {"type": type_, "urn": urn_of(type_, "it"), "name": "it", "properties": properties}


def test_a_resource_is_decoded_for_its_own_policies_alone(decoded):
    concerned = [one for one in registry.load() if not one.stack and one.concerns(RULE)]
    answer = servicer(dispatch.DispatchingServicer).Analyze(analyzer_pb2.AnalyzeRequest(**rule()), None)
    assert len(decoded) == len(concerned) < 5
    plain = servicer(dispatch._Servicer).Analyze(analyzer_pb2.AnalyzeRequest(**rule()), None)
    assert len(decoded) > 40, "the SDK decodes it for every policy"
    assert answer.diagnostics == plain.diagnostics


def test_a_stack_is_decoded_for_the_policies_that_look_at_it(decoded):
    request = analyzer_pb2.AnalyzeStackRequest(resources=[analyzer_pb2.AnalyzerResource(**rule()) for _ in range(3)])
    answer = servicer(dispatch.DispatchingServicer).AnalyzeStack(request, None)
    looking = [one for one in registry.load() if one.stack and one.looks_at(RULE)]
    assert len(decoded) == 3 * len(looking)
    plain = servicer(dispatch._Servicer).AnalyzeStack(request, None)
    assert answer.diagnostics == plain.diagnostics
    assert {one.policy_name for one in answer.not_applicable} == {one.policy_name for one in plain.not_applicable}


def test_another_build_of_the_sdk_is_left_alone(monkeypatch):
    class Other:
        def __init__(self):
            self.policies = []

    monkeypatch.setattr(dispatch, "_Servicer", Other)
    before = sdk._PolicyAnalyzerServicer
    assert dispatch.install() is False
    assert sdk._PolicyAnalyzerServicer is before


def test_the_sdk_that_is_installed_is_the_one_it_knows(monkeypatch):
    monkeypatch.setattr(sdk, "_PolicyAnalyzerServicer", sdk._PolicyAnalyzerServicer)
    assert dispatch.install() is True
    assert sdk._PolicyAnalyzerServicer is dispatch.DispatchingServicer
