"""A stack reads the same, wherever its resources come from."""

import json
from pathlib import Path

import pytest
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.sources import load_stack, plain, stack_from_policy
from pulumi_airlock.gates.stack import UNKNOWN
from pulumi_policy import PolicyProviderResource, PolicyResource, PolicyResourceOptions, StackValidationArgs
from pulumi_policy.policy import PolicyCustomTimeouts
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

GROUP = "urn:pulumi:dev::bank::aws:ec2/securityGroup:SecurityGroup::tasks"
RULE = "urn:pulumi:dev::bank::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::out"
PROVIDER = "urn:pulumi:dev::bank::pulumi:providers:aws::default"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "hush"}

STATES = [
    {
        "urn": GROUP,
        "type": GROUP.split("::")[2],
        "custom": True,
        "inputs": {"description": "tasks"},
        "provider": f"{PROVIDER}::x",
    },
    {
        "urn": RULE,
        "type": RULE.split("::")[2],
        "custom": True,
        "inputs": {"securityGroupId": UNKNOWN_STRING_VALUE, "cidrIpv4": "10.0.0.0/8", "description": SECRET},
        "outputs": {"cidrIpv4": "10.0.0.0/8", "arn": UNKNOWN_STRING_VALUE},
        "provider": f"{PROVIDER}::x",
        "propertyDependencies": {"securityGroupId": [GROUP]},
    },
]


def _check(stack):
    (group,) = stack.of_type("aws:ec2/securityGroup:SecurityGroup")
    (rule,) = stack.of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
    assert rule.refers_to("securityGroupId") == (group,)
    assert stack.referring_to(group, "securityGroupId") == (rule,)
    assert rule.get("securityGroupId") is UNKNOWN
    assert rule.get("cidrIpv4") == "10.0.0.0/8"
    assert rule.get("description") == "hush"
    assert rule.provider == PROVIDER


@pytest.mark.parametrize(
    "document",
    [
        {"version": 3, "deployment": {"resources": STATES}},
        {"steps": [{"op": "create", "urn": one["urn"], "newState": one} for one in STATES]},
    ],
    ids=["pulumi stack export", "pulumi preview --json"],
)
def test_a_file_gives_the_stack(document, tmp_path: Path):
    file = tmp_path / "stack.json"
    file.write_text(json.dumps(document))
    _check(load_stack(file))


def test_a_policy_packs_arguments_give_the_stack_with_its_unknowns():
    options = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [], None)
    provider = PolicyProviderResource("pulumi:providers:aws", {}, PROVIDER, "default")
    group, rule = (
        PolicyResource(
            one["type"], unknown_checking_proxy(plain_secret(one["inputs"])), one["urn"], "x", options, provider, None, [], {}
        )
        for one in STATES
    )
    rule.property_dependencies["securityGroupId"] = [group]
    _check(stack_from_policy(StackValidationArgs([group, rule], None, {})))


def plain_secret(inputs):
    """pulumi-policy hands secrets over as their values."""
    return {key: "hush" if value is SECRET else value for key, value in inputs.items()}


def test_a_deleted_resource_is_not_part_of_the_stack(tmp_path: Path):
    steps = [{"op": "create", "newState": STATES[0]}, {"op": "delete", "oldState": STATES[1], "newState": None}]
    file = tmp_path / "preview.json"
    file.write_text(json.dumps({"steps": steps}))
    assert [one.urn for one in load_stack(file).resources] == [GROUP]


def test_an_encrypted_secret_is_unknown_not_its_ciphertext():
    assert plain({**{k: v for k, v in SECRET.items() if k != "value"}, "ciphertext": "v1:xx"}) is UNKNOWN


@pytest.mark.parametrize(
    ("text", "complaint"), [("{", "is not JSON"), ("[]", "holds no resources"), ('{"a": 1}', "pulumi stack export")]
)
def test_a_file_that_is_no_stack_is_refused_with_what_was_expected(text, complaint, tmp_path: Path):
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(InputError, match=complaint):
        load_stack(file)


def test_a_missing_file_is_an_input_error(tmp_path: Path):
    with pytest.raises(InputError, match=r"nowhere\.json"):
        load_stack(tmp_path / "nowhere.json")
