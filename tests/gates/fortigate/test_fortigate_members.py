"""Who is in a user group, the gate's own and hand-written ones; and what it means that people have to sign in."""

import pytest
from fortigate_helpers import POLICY, Point, decide, named, policy, resource, urn_of
from fortigate_people_helpers import GATE, GROUP, SAML, SETTING, access, built, identity
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_airlock.gates.fortigate import read
from pulumi_airlock.gates.fortigate.hygiene import references
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack

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
