"""How people sign in: the SAML server, the user groups, the setting; and what is refused."""

import pulumi
import pytest
from fortigate_helpers import POLICY, run_program
from fortigate_people_helpers import GATE, PORTAL, SAML, SETTING, access, built, groups, identity, one
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.fortigate import FortigateGate

pytestmark = pytest.mark.usefixtures("dialect")

# The graph


def test_the_server_is_the_identity_providers_and_checks_what_is_signed():
    server = one(built(saml=identity(idp_single_logout_url="https://bank.okta.example/slo", certificate="fw-saml")), SAML)
    assert server.properties == {
        "name": "airlock-idp",
        "entityId": f"{PORTAL}/remote/saml/metadata/",
        "singleSignOnUrl": f"{PORTAL}/remote/saml/login/",
        "singleLogoutUrl": f"{PORTAL}/remote/saml/logout/",
        "idpEntityId": "https://bank.okta.example",
        "idpSingleSignOnUrl": "https://bank.okta.example/sso",
        "idpSingleLogoutUrl": "https://bank.okta.example/slo",
        "idpCert": "okta-signing",
        "cert": "fw-saml",
        "userName": "username",
        "groupName": "group",
        "digestMethod": "sha256",
        "clockTolerance": 15,
        "limitRelaystate": "disable",
        "adfsClaim": "disable",
    }


def test_each_group_of_people_is_one_user_group_that_matches_it_and_is_removed_after_its_policies():
    stack = built(access(("analysts", "warehouse", "8h"), ("auditors", "reports", "1h")))
    assert set(groups(stack)) == {"airlock-airflow-finance", "airlock-airflow-audit"}
    group, server = groups(stack)["airlock-airflow-audit"], one(stack, SAML)
    assert group.get_list("members") == [{"name": "airlock-idp"}]
    assert group.get_list("matches") == [{"serverName": "airlock-idp", "groupName": "airflow-audit"}]
    assert server in group.refers_to("members")
    assert server in group.refers_to("matches")
    people = [found for found in stack.of_type(POLICY) if found.get_list("groups")]
    assert [found.get_list("groups") for found in people] == [
        [{"name": "airlock-airflow-finance"}],
        [{"name": "airlock-airflow-audit"}],
    ]
    assert group in people[1].refers_to("groups")
    assert all(found.parent == one(stack, GATE).urn for found in stack.resources if found.type.startswith("fortios:"))


def test_nobody_falls_through_before_the_setting_says_so():
    stack = built()
    setting = one(stack, SETTING)
    assert {key: setting.get(key) for key in ("authOnDemand", "authTimeoutType", "authSecureHttp", "authHttpBasic")} == {
        "authOnDemand": "always",
        "authTimeoutType": "hard-timeout",
        "authSecureHttp": "enable",
        "authHttpBasic": "disable",
    }
    waiting = {found.get("name") for found in stack.of_type(POLICY) if setting.urn in found.dependencies}
    assert waiting == {"airlock-people-0"}
    assert not built(saml=identity(settings=False)).of_type(SETTING)


@pytest.mark.parametrize(
    ("sessions", "minutes", "shortest"),
    [
        ([("analysts", "warehouse", "8h"), ("analysts", "reports", "30m")], {"airflow-finance": 30}, 30),
        ([("analysts", "warehouse", "8h"), ("auditors", "reports", "2h")], {"airflow-finance": 480, "airflow-audit": 120}, 120),
        ([("analysts", "warehouse", None)], {"airflow-finance": 240}, 240),
        ([("analysts", "warehouse", "7d")], {"airflow-finance": 10080}, 240),
        ([("analysts", "lake", "5m"), ("auditors", "warehouse", "6h")], {"airflow-audit": 360}, 240),
    ],
)
def test_a_sign_in_lasts_as_long_as_the_shortest_session_of_the_routes_that_pass_here(sessions, minutes, shortest):
    stack = built(access(*sessions), saml=identity(sign_in="4h"))
    assert {name.removeprefix("airlock-"): found.get("authtimeout") for name, found in groups(stack).items()} == minutes
    assert one(stack, SETTING).get("authTimeout") == shortest


def test_a_group_may_be_called_otherwise_in_assertions_and_on_the_device():
    ids = {"airflow-finance": "6f3c1b1e-0000-4000-8000-000000000001"}
    stack = built(access(kind="entra"), saml=identity(group_values=ids), user_groups={"airflow-finance": "FW-Finance"})
    assert groups(stack)["FW-Finance"].get("matches", 0, "groupName") == ids["airflow-finance"]
    component = one(stack, GATE)
    assert component.get("userGroups") == {"FW-Finance": "airflow-finance"}
    assert component.get("saml") == {"server": "airlock-idp", "entityId": "https://bank.okta.example", "groups": ids}


def test_a_long_name_is_cut_and_stays_its_own():
    long = "airflow-finance-controllers-and-auditors"
    names = set(
        groups(built(access(("analysts", "warehouse", None), ("auditors", "warehouse", None), groups=(long, f"{long}-2"))))
    )
    assert len(names) == 2
    assert all(len(name) <= 35 for name in names)


def test_the_user_groups_are_outputs_by_the_identity_providers_names():
    seen = []

    def program():
        gate = FortigateGate(
            "fortigate",
            access=access(),
            sources={"finance": ["10.40.0.0/26"]},
            tunnel_interface="airflow-vpn",
            interfaces={"datacenter": "port3"},
            people_interface="port2",
            saml=identity(),
        )
        return pulumi.Output.all(**gate.user_groups).apply(seen.append)

    run_program(program, preview=False)
    assert seen == [{"airflow-finance": "airlock-airflow-finance"}]


# Refusals


def problems(declared=None, **given):
    with pytest.raises(InputError) as caught:
        built(declared, **given)
    return [str(found) for found in caught.value.problems]


def test_every_problem_is_told_at_once():
    wrong = identity(
        portal="http://fw.corp.example/login",
        idp_entity_id="",
        idp_single_sign_on_url="http://bank.okta.example/sso",
        idp_certificate="x" * 36,
        certificate="",
        user_attribute="",
        clock_tolerance=301,
        sign_in="2d",
        server="s" * 36,
        group_values={"airflow-fiance": "x"},
    )
    found = "\n".join(problems(saml=wrong))
    for said in (
        "fortigate: saml.portal: 'http://fw.corp.example/login': write scheme, host and port alone",
        "saml.idp_entity_id: '' has 0 characters; FortiOS takes 1–255",
        "saml.idp_single_sign_on_url: 'http://bank.okta.example/sso' is not encrypted",
        "saml.idp_certificate: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' has 36 characters; FortiOS takes 1–35",
        "saml.certificate: '' has 0 characters",
        "saml.user_attribute: '' has 0 characters",
        "saml.clock_tolerance: 301 seconds; FortiOS takes 0–300",
        "saml.sign_in: '2d' is 2880 minutes; FortiOS takes 1–1440",
        "saml.server: 'ssssssssssssssssssssssssssssssssssss' has 36 characters",
        "saml.group_values[airflow-fiance]: no principal has the group 'airflow-fiance'; did you mean \"airflow-finance\"?",
    ):
        assert said in found


@pytest.mark.parametrize(
    "portal", ["https://fw:port", "https://", "https://u@fw.example", "https://fw.example/", "fw.example:1003"]
)
def test_a_portal_is_scheme_host_and_port(portal):
    assert any("saml.portal" in found for found in problems(saml=identity(portal=portal)))


@pytest.mark.parametrize("name", ["etl", "svc-etl"])
@pytest.mark.parametrize("where", ["user_groups", "saml.group_values"])
def test_a_user_group_for_workloads_is_refused_with_the_reason(name, where):
    given = {"user_groups": {name: "FW-etl"}} if where == "user_groups" else {"saml": identity(group_values={name: "x"})}
    (found,) = problems(**given)
    assert f"fortigate: {where}[{name}]: 'etl' are workloads: a task cannot sign in" in found
    assert "knows workloads by source address" in found


def test_people_do_not_come_in_where_the_environments_do():
    (found,) = problems(people_interface="airflow-vpn")
    assert "'airflow-vpn' is where the environments come in: a task cannot sign in" in found


def test_entra_sends_object_ids_so_that_each_group_needs_one():
    (found,) = problems(access(kind="entra"))
    assert "saml.group_values[airflow-finance]: missing: Entra calls its groups by object id" in found
    ids = ("6f3c1b1e-0000-4000-8000-000000000001", "6f3c1b1e-0000-4000-8000-000000000002")
    assert groups(built(access(kind="entra", groups=ids)))


def test_two_groups_that_an_assertion_calls_the_same_are_refused():
    same = identity(group_values={"airflow-audit": "airflow-finance"})
    (found,) = problems(access(("analysts", "warehouse", None), ("auditors", "warehouse", None)), saml=same)
    assert (
        "already what an assertion calls 'airflow-audit'" in found or "already what an assertion calls 'airflow-finance'" in found
    )


def test_two_groups_of_one_name_on_the_device_are_refused():
    both = {"airflow-finance": "people", "airflow-audit": "people"}
    found = problems(access(("analysts", "warehouse", None), ("auditors", "warehouse", None)), user_groups=both)
    assert (
        "fortigate: user_groups: 'people' would be both 'airflow-finance' and 'airflow-audit': give them different names" in found
    )


def test_a_session_that_no_user_group_can_have_is_refused():
    (found,) = problems(access(("analysts", "warehouse", "31d")))
    assert "routes[people-0].session: '31d' is over 30d, the longest sign-in of a user group" in found
