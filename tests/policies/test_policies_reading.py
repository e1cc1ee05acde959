"""How the pack reads resources: any shape, any unknown, and never an exception."""

from contextlib import suppress

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st
from least_privilege import registry
from least_privilege.reading import kind_of
from policy_testing import UNKNOWN, OnResource, OnStack, Secret, on, resource, wire
from pulumi_policy.policy import _NotApplicableError


@pytest.mark.parametrize(
    ("types", "kind"),
    [
        (
            ("fortios:firewall/policy:Policy", "fortios:index/firewallPolicy:FirewallPolicy", "fortios:index:FirewallPolicy"),
            "firewallpolicy",
        ),
        (
            (
                "fortios:vpn/ipsec/phase1interface:Phase1interface",
                "fortios:index/vpnipsecPhase1interface:VpnipsecPhase1interface",
                "fortios:index/vpnIpsecPhase1Interface:VpnIpsecPhase1Interface",
                "fortios:index/vpnipsecPhase1interfaceV2:VpnipsecPhase1interfaceV2",
            ),
            "vpnipsecphase1interface",
        ),
        (("fortios:firewall/policy6:Policy6",), "firewallpolicy6"),
        (
            ("fortios:log/syslogd/v2/setting:Setting", "fortios:index/logsyslogd2Setting:Logsyslogd2Setting"),
            "logsyslogd2setting",
        ),
    ],
)
def test_every_spelling_of_a_fortios_type_is_one_kind(types, kind):
    assert {kind_of(type_) for type_ in types} == {f"fortios:{kind}"}


@pytest.mark.parametrize("type_", ["aws:ec2/vpc:Vpc", "pulumi:providers:fortios", "airlock:index:Access", "fortios", "", "a:b"])
def test_other_types_are_their_own_kind(type_):
    assert kind_of(type_) == type_


def _keys():
    """The properties that policies look at, so that random input meets their code."""
    return (
        *(
            "ingress",
            "egress",
            "cidrBlocks",
            "protocol",
            "policy",
            "assumeRolePolicy",
            "inlinePolicies",
            "managedPolicyArns",
            "tags",
        ),
        *(
            "srcaddrs",
            "dstaddrs",
            "services",
            "action",
            "status",
            "schedule",
            "logtraffic",
            "comments",
            "proposal",
            "dhgrp",
            "neighbors",
        ),
        *("airflowConfigurationOptions", "loggingConfiguration", "entries", "tunnel1IkeVersions", "tunnel1Phase1DhGroupNumbers"),
        *(
            "document",
            "routes",
            "principals",
            "destinations",
            "window",
            "credential",
            "versioningConfiguration",
            "rules",
            "retentionInDays",
        ),
    )


_JSON = '{"Statement": [{"Action": "*", "Resource": "*", "Principal": "*"}]}'
_LEAF = st.sampled_from(
    [UNKNOWN, None, True, False, 0, 7.5, "", "x", "0.0.0.0/0", "all", "enable", "accept", "{", _JSON, Secret("s")]
)
_VALUE = st.recursive(
    _LEAF,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*_keys(), "name", "enabled", "cidr"]), inner, max_size=3)
    ),
    max_leaves=8,
)
_PROPERTIES = st.dictionaries(st.sampled_from(_keys()), _VALUE, max_size=5)


def _type_of(one):
    kind = one.types[0]
    return {"fortios:*": "fortios:user/group:Group", "aws:*": "aws:ec2/instance:Instance"}.get(
        kind, f"fortios:index:{kind[8:]}" if kind.startswith("fortios:") else kind
    )


@settings(max_examples=150, deadline=None)
@given(_PROPERTIES)
def test_no_policy_raises_on_strange_or_unknown_input(properties):
    for one in registry.load():
        type_ = _type_of(one)
        if one.stack:
            with suppress(_NotApplicableError):
                OnStack(one.name).findings([resource(type_, "it", **properties)], {"unknown": "violation"})
        else:
            OnResource(one.name, type_).messages(properties, {"unknown": "violation"})


def test_without_the_request_nobody_can_tell_a_secret_and_nothing_definite_is_said():
    from least_privilege.reading import REQUEST

    policy = on("fortigate-psk-secret", "fortios:vpn/ipsec/phase1interface:Phase1interface")
    assert policy.messages({"psksecret": "plain"}) != []
    args = policy._args(next(one.policy for one in registry.load() if one.name == policy.name), wire({"psksecret": "plain"}), {})
    found = []
    assert REQUEST.get() is None
    next(one.policy for one in registry.load() if one.name == policy.name).validate(
        args, lambda message, urn=None: found.append(message)
    )
    assert found == []


def test_a_message_never_shows_a_secret():
    phase1 = "fortios:vpn/ipsec/phase1interface:Phase1interface"
    for one in registry.load():
        if not one.stack and one.concerns(phase1):
            secret = {"psksecret": Secret("hunter2"), "ppkSecret": "hunter2", "dpd": "disable"}
            assert not any("hunter2" in message for message in OnResource(one.name, phase1).messages(secret))


def test_the_wire_of_the_helper_is_the_wire_of_the_sdk():
    struct = wire({"a": Secret("x"), "b": [UNKNOWN]})
    assert json_format.MessageToDict(struct)["a"]["value"] == "x"
