"""How people sign in: the SAML server, the user groups, the setting; what is refused; and who is in a hand-written group."""

import pulumi
import pytest
from fortigate_helpers import POLICY, Point, decide, named, policy, resource, run_program, urn_of
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_airlock.access.model import Access
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.fortigate import FortigateGate, SamlIdentity, read
from pulumi_airlock.gates.fortigate.hygiene import references
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack

GROUP, SAML, SETTING = "fortios:user/group:Group", "fortios:user/saml:Saml", "fortios:user/setting:Setting"
GATE = "airlock:index:FortigateGate"
PORTAL = "https://fw.corp.example:1003"


def identity(**changes) -> SamlIdentity:
    given = {
        "portal": PORTAL,
        "idp_entity_id": "https://bank.okta.example",
        "idp_single_sign_on_url": "https://bank.okta.example/sso",
        "idp_certificate": "okta-signing",
    }
    return SamlIdentity(**{**given, **changes})


def access(*sessions, kind="okta", groups=("airflow-finance", "airflow-audit"), **changes) -> Access:
    document = {
        "identityProvider": {"kind": kind, "issuer": "https://bank.okta.example", "audience": "airflow"},
        "principals": [
            {"name": "etl", "dags": ["finance_*"], "environment": "finance", "serviceAccount": "svc-etl"},
            {"name": "analysts", "group": groups[0], "sources": ["10.60.8.0/22"]},
            {"name": "auditors", "group": groups[1], "sources": ["10.60.24.0/24"]},
        ],
        "zones": {
            "datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["fortigate"]},
            "cloud": {"cidrs": ["10.99.0.0/16"], "gates": ["aws_network"]},
        },
        "destinations": [
            {"name": "warehouse", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]},
            {"name": "reports", "zone": "datacenter", "cidrs": ["10.20.5.10/32"], "ports": ["443/tcp"]},
            {"name": "lake", "zone": "cloud", "cidrs": ["10.99.1.0/24"], "ports": ["443/tcp"]},
        ],
        "routes": [
            {"name": "etl-warehouse", "from": ["etl"], "to": ["warehouse"], "session": "15m", "reason": "FIN-1"},
            *(
                {
                    "name": f"people-{number}",
                    "from": [who],
                    "to": [to],
                    "reason": "IAM-1",
                    **({"session": session} if session else {}),
                }
                for number, (who, to, session) in enumerate(sessions or [("analysts", "warehouse", "8h")])
            ),
        ],
        **changes,
    }
    return Access.model_validate(document)


def built(declared=None, *, preview=True, saml=None, **given):
    arguments = {
        "access": declared or access(),
        "sources": {"finance": ["10.40.0.0/26"]},
        "tunnel_interface": "airflow-vpn",
        "interfaces": {"datacenter": "port3"},
        "people_interface": "port2",
        "saml": saml or identity(),
        **given,
    }
    return run_program(lambda: FortigateGate("fortigate", **arguments), preview)


def one(stack, type_) -> Resource:
    (found,) = stack.of_type(type_)
    return found


def groups(stack) -> dict[str, Resource]:
    return {found.get("name"): found for found in stack.of_type(GROUP)}


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


# Reading


PERSON = Point(source="10.60.8.5", environment=None, group="airflow-finance")
AUDITOR = Point(source="10.60.8.5", environment=None, group="airflow-audit")
STRANGER = Point(source="10.60.8.5", environment=None)
TASK = Point(source="10.40.0.5")


def verdicts(*resources, points=(PERSON, AUDITOR, STRANGER, TASK)):
    (found,) = read(Stack(resources))
    return [decide(found, point) for point in points]


def server(name="okta", **changes):
    return resource(SAML, name, **{"name": name, "idpEntityId": "https://bank.okta.example", **changes})


def group(name="people", *, depends=None, **changes):
    given = {
        "name": name,
        "members": named("okta"),
        "matches": [{"serverName": "okta", "groupName": "airflow-finance"}],
        **changes,
    }
    return resource(GROUP, name, depends=depends, **given)


PEOPLE = policy("p", groups=named("people"))


def test_values_that_are_not_known_before_the_update_mean_what_the_gate_says():
    """An object id that another resource has: unknown at preview, and the group is still the one that it was made for."""
    stack = built(access(kind="entra"), saml=identity(group_values={"airflow-finance": "00000000-0000-0000-0000-000000000001"}))

    def hidden(found: Resource) -> Resource:
        properties = dict(found.properties)
        if found.type == GROUP:
            properties |= {"matches": [{"serverName": UNKNOWN, "groupName": UNKNOWN}], "members": [{"name": UNKNOWN}]}
        if found.type == POLICY and found.property_dependencies.get("groups"):
            properties |= {"groups": [{"name": UNKNOWN}]}
        return Resource(
            found.urn,
            found.type,
            properties,
            found.custom,
            found.parent,
            found.provider,
            found.dependencies,
            found.property_dependencies,
        )

    for shown in (stack, Stack(map(hidden, stack.resources))):
        (found,) = read(shown)
        points = (PERSON, AUDITOR, STRANGER, TASK, Point(source="10.60.8.5", environment=None, group="another"))
        assert [decide(found, point) for point in points] == ["allow", "deny", "deny", "allow", "deny"], found.rules


def test_a_match_that_somebody_changed_on_our_own_group_is_what_counts():
    stack = built()

    def changed(found: Resource) -> Resource:
        if found.type != GROUP:
            return found
        properties = {**found.properties, "matches": [{"serverName": "airlock-idp", "groupName": "airflow-audit"}]}
        return Resource(found.urn, found.type, properties, True, found.parent, found.provider, (), found.property_dependencies)

    (found,) = read(Stack(map(changed, stack.resources)))
    assert [decide(found, point) for point in (PERSON, AUDITOR)] == ["deny", "allow"]


def test_a_hand_written_group_may_match_another_group_of_the_identity_provider():
    assert verdicts(PEOPLE, server(), group()) == ["allow", "deny", "deny", "deny"]
    assert verdicts(PEOPLE, server(), group(matches=[{"serverName": "okta", "groupName": "airflow-audit"}])) == [
        "deny",
        "allow",
        "deny",
        "deny",
    ]
    both = [{"serverName": "okta", "groupName": name} for name in ("airflow-audit", "airflow-finance")]
    assert verdicts(PEOPLE, server(), group(matches=both)) == ["allow", "allow", "deny", "deny"]


def test_an_object_id_in_a_hand_written_group_is_the_group_that_the_gate_knows_by_it():
    gate = Resource(
        urn_of(GATE, "edge"),
        GATE,
        {"saml": {"server": "okta", "entityId": "e", "groups": {"airflow-finance": "id-1"}}},
        custom=False,
    )
    ours = policy("ours", groups=named("nobody"))
    object.__setattr__(ours, "parent", gate.urn)
    theirs = group(matches=[{"serverName": "okta", "groupName": "id-1"}])
    assert verdicts(gate, ours, PEOPLE, server(), theirs, points=[PERSON, AUDITOR]) == ["allow", "deny"]


@pytest.mark.parametrize(
    ("other", "verdict"),
    [
        ({"idpEntityId": "https://partner.idp.example"}, "deny"),
        ({"idpEntityId": "https://bank.okta.example"}, "allow"),
        ({"idpEntityId": UNKNOWN}, "unproven"),
    ],
)
def test_a_group_of_another_identity_provider_is_another_group_even_if_it_is_called_the_same(other, verdict):
    told = {"saml": {"server": "airlock-idp", "entityId": "https://bank.okta.example", "groups": {}}, "peopleInterface": "port2"}
    gate = Resource(urn_of(GATE, "edge"), GATE, told, custom=False)
    ours = policy("ours", groups=named("nobody"))
    object.__setattr__(ours, "parent", gate.urn)
    assert verdicts(gate, ours, PEOPLE, server(**other), group(), points=[PERSON]) == [verdict]


def test_without_a_match_everybody_of_the_server_is_in_the_group_and_no_task():
    (found,) = read(Stack([PEOPLE, server(), group(matches=[])]))
    assert [decide(found, point) for point in (PERSON, AUDITOR, STRANGER, TASK)] == ["unproven", "unproven", "unproven", "deny"]
    reasons = {reason for rule in found.rules for reason in rule.unknown}
    assert reasons == {"people.matches: none of okta's groups, so everybody whom it signs in"}
    # One server is matched, the other one's people are all in it.
    second = server("entra", idpEntityId="x")
    assert verdicts(PEOPLE, server(), second, group(members=named("okta", "entra"))) == ["allow", "unproven", "unproven", "deny"]


def test_a_user_of_the_device_in_a_group_is_somebody():
    local = resource("fortios:user/local:Local", "jane", name="jane", type="password")
    assert verdicts(PEOPLE, server(), local, group(members=named("okta", "jane"))) == ["allow", "unproven", "unproven", "deny"]


@pytest.mark.parametrize("hidden", [{"matches": UNKNOWN}, {"matches": [{"serverName": "okta", "groupName": UNKNOWN}]}])
def test_an_unknown_match_may_be_anybodys(hidden):
    assert verdicts(PEOPLE, server(), group(**hidden)) == ["unproven", "unproven", "unproven", "deny"]


def test_a_group_is_found_by_dependency_where_its_name_is_not_known():
    hidden = group(name=UNKNOWN)
    asking = resource(POLICY, "p", depends={"groups": [hidden.urn]}, **{**policy("p").properties, "groups": [{"name": UNKNOWN}]})
    assert verdicts(asking, server(), hidden) == ["allow", "deny", "deny", "deny"]
    nothing_known = group(name=UNKNOWN, matches=[], members=[])
    assert verdicts(asking, server(), nothing_known) == ["unproven", "unproven", "unproven", "deny"]


def test_a_server_is_found_by_dependency_where_its_name_is_not_known():
    okta = server()
    hidden = group(
        members=[{"name": UNKNOWN}],
        matches=[{"serverName": UNKNOWN, "groupName": "airflow-finance"}],
        depends={"members": [okta.urn], "matches": [okta.urn]},
    )
    assert verdicts(PEOPLE, okta, hidden) == ["allow", "deny", "deny", "deny"]


# Who has not signed in


def setting(value):
    return resource(SETTING, "setting", authOnDemand=value)


@pytest.mark.parametrize(
    ("value", "verdict"), [("always", "deny"), ("implicitly", "unproven"), (UNKNOWN, "unproven"), (None, "unproven")]
)
def test_people_are_refused_for_sure_only_where_they_have_to_sign_in(value, verdict):
    """A policy that refuses a group, and one behind it that asks nobody: who has not signed in falls through."""
    refusing = policy("no", groups=named("people"), action="deny")
    open_to_all = policy("open")
    after = resource(POLICY, "open", after=[refusing.urn], **open_to_all.properties)
    assert verdicts(refusing, after, server(), group(), setting(value), points=[PERSON]) == [verdict]
    assert verdicts(refusing, after, server(), group(), setting(value), points=[AUDITOR]) == ["allow"]


@pytest.mark.parametrize(("value", "verdict"), [("always", "deny"), ("implicitly", "allow")])
def test_a_policy_for_people_stops_tasks_where_everybody_has_to_sign_in(value, verdict):
    told = {"tunnelInterfaces": ["vpn"], "sources": {"finance": ["10.40.0.0/26"]}, "peopleInterface": "port2"}
    gate = Resource(urn_of(GATE, "edge"), GATE, told, custom=False)
    people = policy("p", groups=named("people"), srcintfs=named("vpn"))
    tasks = policy("tasks", srcintfs=named("vpn"))
    after = resource(POLICY, "tasks", after=[people.urn], **tasks.properties)
    object.__setattr__(after, "parent", gate.urn)
    assert verdicts(gate, people, after, server(), group(), setting(value), points=[TASK]) == [verdict]


# Names that lead nowhere


def test_a_member_that_nothing_defines_and_a_server_that_no_group_uses_are_told():
    found = list(references(Stack([PEOPLE, server("spare"), group(members=named("otka"))])))
    told = {(one.fault.value, one.what, one.name) for one in found}
    assert ("undefined", "user or server", "otka") in told
    assert ("unused", "SAML server", "spare") in told
    whole = list(references(built()))
    assert not [one for one in whole if one.what in ("SAML server", "user group", "user or server")]


# Anything may stand there


TEXTS = st.sampled_from(["okta", "people", "always", "id-1", ""])
KEYS = st.sampled_from(["name", "serverName", "groupName", "groups"])
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | TEXTS | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["name", "members", "matches", "match"]), ODD), ODD, ODD, ODD)
def test_strange_values_stop_no_reading(given_group, told, id_, demand):
    gate = Resource(urn_of(GATE, "edge"), GATE, {"saml": told, "userGroups": told, "peopleInterface": "port2"}, custom=False)
    asking = policy("p", groups=named("people"))
    object.__setattr__(asking, "parent", gate.urn)
    strange = resource(GROUP, "g", **{"name": "people", **given_group})
    stack = Stack([gate, asking, strange, server(idpEntityId=id_), setting(demand)])
    assert len(list(read(stack))) == 1
    list(references(stack))
