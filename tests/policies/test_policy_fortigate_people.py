from dataclasses import replace

import pytest
from policy_testing import UNKNOWN, on, resource

POLICY, GATE = "fortios:firewall/policy:Policy", "airlock:index:FortigateGate"
GROUP, SAML, SETTING, LOCAL = (
    "fortios:user/group:Group",
    "fortios:user/saml:Saml",
    "fortios:user/setting:Setting",
    "fortios:user/local:Local",
)


def made(type_, label, *, links=None, parent="", **props):
    """A resource that may have a property `name`, which is not its own name."""
    found = resource(type_, label, links=links, parent=parent)
    return replace(found, props={**found.props, **props})


def names(*found):
    return [{"name": name} for name in found]


# The server


SERVER = {
    "name": "okta",
    "idpCert": "okta-signing",
    "digestMethod": "sha256",
    "singleSignOnUrl": "https://fw.bank.example:1003/remote/saml/login/",
    "idpSingleSignOnUrl": "https://bank.okta.example/sso",
}


@pytest.mark.parametrize("shape", [SAML, "fortios:index/userSaml:UserSaml"])
def test_saml_signed(shape):
    policy = on("fortigate-saml-signed", shape)
    policy.passes(**SERVER)
    policy.passes(**SERVER | {"requireSignedRespAndAsrt": "enable"})
    policy.fails("idpCert is missing", **SERVER | {"idpCert": ""})
    policy.fails("requireSignedRespAndAsrt is disable", **SERVER | {"requireSignedRespAndAsrt": "disable", "idpCert": UNKNOWN})
    policy.undecided("idpCert", **SERVER | {"idpCert": UNKNOWN})
    policy.undecided("requireSignedRespAndAsrt", **SERVER | {"requireSignedRespAndAsrt": UNKNOWN})


def test_saml_digest():
    policy = on("fortigate-saml-digest", SAML)
    policy.passes(**SERVER)
    policy.fails("digestMethod is sha1", **SERVER | {"digestMethod": "sha1"})
    policy.fails("digestMethod is sha1", **{key: value for key, value in SERVER.items() if key != "digestMethod"})
    policy.undecided("digestMethod", **SERVER | {"digestMethod": UNKNOWN})
    assert policy.remedied(**SERVER | {"digestMethod": "sha1", "idpCert": UNKNOWN}) == SERVER | {"idpCert": UNKNOWN}
    assert policy.remedied(**SERVER | {"digestMethod": UNKNOWN}) is None


def test_saml_https():
    policy = on("fortigate-saml-https", SAML)
    policy.passes(**SERVER)
    policy.fails("singleSignOnUrl is http://fw", **SERVER | {"singleSignOnUrl": "http://fw", "idpSingleSignOnUrl": UNKNOWN})
    policy.undecided("idpSingleSignOnUrl", **SERVER | {"idpSingleSignOnUrl": UNKNOWN})


# A device


OURS = {
    "gate": "fortigate",
    "tunnelInterfaces": ["vpn"],
    "peopleInterface": "port2",
    "sources": {"finance": ["10.40.0.0/26"]},
    "userGroups": {"people": "airflow-finance"},
}


def gate(**changes):
    return resource(GATE, "fortigate", **OURS | changes)


def rule(name, *, after=None, links=None, **changes):
    props = {
        "name": name,
        "action": "accept",
        "status": "enable",
        "srcintfs": names("port2"),
        "dstintfs": names("port3"),
        "srcaddrs": names("all"),
        "dstaddrs": names("all"),
        "services": names("ALL"),
        **changes,
    }
    found = {**({"comments": after} if after else {}), **(links or {})}
    return made(POLICY, name, links=found, parent="fortigate", **props)


def group(**changes):
    props = {"name": "people", "members": names("okta"), "matches": [{"serverName": "okta", "groupName": "airflow-finance"}]}
    return made(GROUP, "people", **props | changes)


def server(name="okta"):
    return made(SAML, name, **SERVER | {"name": name})


def setting(**changes):
    return resource(
        SETTING, "setting", **{"authOnDemand": "always", "authTimeoutType": "hard-timeout", "authTimeout": 60} | changes
    )


def people(**changes):
    return rule("people-ui", groups=names("people"), **changes)


def test_user_group_matches():
    policy = on("fortigate-user-group-matches")
    policy.passes([gate(), people(), group(), server()])
    policy.passes([gate(), rule("p"), group(matches=[]), server()])
    policy.passes([gate(), people(status="disable"), group(matches=[]), server()])
    policy.fails(
        "names no group of okta: everybody whom it signs in passes people-ui",
        [gate(), people(), group(matches=[]), server()],
        "people",
    )
    two = group(members=names("okta", "entra"))
    policy.fails("names no group of entra", [gate(), people(), two, server(), server("entra")])
    policy.undecided("matches", [gate(), people(), group(matches=UNKNOWN), server()])
    policy.undecided("members", [gate(), people(), group(members=UNKNOWN), server()])
    assert "usergroup" in policy.not_applicable([gate(), people()])


def test_a_match_whose_value_is_unknown_is_a_match():
    match = [{"serverName": "okta", "groupName": UNKNOWN}]
    assert (
        on("fortigate-user-group-matches", unknown="violation").findings([gate(), people(), group(matches=match), server()]) == []
    )


def test_no_local_users():
    policy = on("fortigate-no-local-users")
    jane = made(LOCAL, "jane", name="jane", type="password")
    policy.passes([gate(), people(users=[]), group(), server(), jane])
    policy.fails("members holds jane", [gate(), people(), group(members=names("okta", "jane")), server(), jane], "people")
    policy.fails("users names jane, not a group", [gate(), rule("p", users=names("jane"), groups=UNKNOWN), jane], "p")
    policy.passes([gate(), rule("p", users=names("jane"), action="deny"), jane])
    policy.undecided("users", [gate(), rule("p", users=UNKNOWN)])
    policy.undecided("members", [gate(), people(), group(members=UNKNOWN), server()])


# Policies


def test_no_task_signs_in():
    policy = on("fortigate-no-task-signs-in")
    policy.passes([gate(), people(), rule("tasks", srcintfs=names("vpn")), group()])
    policy.passes([gate(), people(srcintfs=names("vpn"), status="disable"), group()])
    policy.fails(
        "groups asks tasks who come in by vpn to sign in", [gate(), people(srcintfs=names("vpn"), action=UNKNOWN)], "people-ui"
    )
    policy.fails("come in by any to sign in", [gate(), people(srcintfs=names("any"))])
    policy.fails("users asks tasks", [gate(), rule("p", users=names("svc-etl"), srcintfs=names("port2", "vpn"))])
    policy.fails("fssoGroups asks tasks", [gate(), rule("p", fssoGroups=names("svc"), srcintfs=names("vpn"), action="deny")])
    zone = made("fortios:system/zone:Zone", "zone", name="edge", interfaces=[{"interfaceName": "vpn"}])
    policy.fails("come in by vpn", [gate(), zone, people(srcintfs=names("edge"))])
    policy.undecided("srcintfs", [gate(), people(srcintfs=UNKNOWN)])
    policy.undecided("groups", [gate(), rule("p", groups=UNKNOWN, srcintfs=names("vpn"))])


def test_people_by_group():
    policy = on("fortigate-people-by-group")
    policy.passes([gate(), people(), rule("tasks", srcintfs=names("vpn"))])
    policy.passes([gate(), rule("to-okta", captivePortalExempt="enable")])
    policy.passes([gate(), rule("deny", action="deny")])
    policy.passes([gate(peopleInterface=None), rule("open")])
    policy.fails("groups is empty, and people come in by port2", [gate(), rule("open", dstaddrs=UNKNOWN)], "open")
    policy.fails("people come in by any", [gate(), rule("open", srcintfs=names("any"), groups=[])])
    policy.undecided("groups", [gate(), rule("open", groups=UNKNOWN)])
    policy.undecided("groups", [gate(), rule("open", captivePortalExempt=UNKNOWN)])
    policy.undecided("srcintfs", [gate(), rule("open", srcintfs=UNKNOWN)])


def test_auth_on_demand():
    policy = on("fortigate-auth-on-demand")
    later = rule("open", after="people-ui")
    policy.passes([gate(), people(), later, setting()])
    policy.passes([gate(), people(), rule("tasks", srcintfs=names("vpn"))])
    policy.passes([gate(), people(), rule("deny", action="deny", after="people-ui")])
    policy.passes([gate(), rule("first"), people(after="first")])
    policy.fails(
        "authOnDemand is implicitly: who has not signed in for people-ui falls through to open",
        [gate(), people(), later, setting(authOnDemand="implicitly")],
        "setting",
    )
    policy.fails("authOnDemand is implicitly", [gate(), people(), later, resource(SETTING, "setting", authTimeout=5)])
    policy.fails("nothing sets authOnDemand", [gate(), people(), later], "people-ui")
    policy.fails("falls through to open", [gate(), rule("open"), people()])
    policy.fails("falls through to open", [gate(), people(action="deny"), later])
    policy.undecided("authOnDemand", [gate(), people(), later, setting(authOnDemand=UNKNOWN)])


# How long


def access(**changes):
    route = {"name": "ui", "from": ["analysts"], "to": ["reports"], "session": "1h", **changes}
    document = {
        "principals": [{"name": "analysts", "group": "airflow-finance"}, {"name": "etl", "dags": ["x"]}],
        "zones": {"center": {"gates": ["fortigate"]}, "cloud": {"gates": ["aws_network"]}},
        "destinations": [{"name": "reports", "zone": "center"}, {"name": "lake", "zone": "cloud"}],
        "routes": [route, {"name": "etl", "from": ["etl"], "to": ["reports"], "session": "5m"}],
    }
    return resource("airlock:index:Access", "access", document=document)


def test_sign_in_within_session():
    policy = on("fortigate-sign-in-within-session")

    def stack(*more, declared=None, **changes):
        return [gate(), people(), group(**changes), server(), declared or access(), *more]

    policy.passes(stack(setting(), authtimeout=60))
    policy.passes(stack(setting(), authtimeout=0))
    policy.passes(stack(setting(authTimeout=600), authtimeout=600, declared=access(session=None)))
    policy.passes(stack(setting(authTimeout=600), authtimeout=600, declared=access(to=["lake"])))
    policy.fails("authtimeout is 61 minutes; route ui has sessions of 60", stack(setting(), authtimeout=61), "people")
    policy.fails("authtimeout is 480 minutes", stack(setting(authTimeout=480), authtimeout=0), "people")
    policy.fails(
        "authTimeoutType is idle-timeout: a sign-in may outlast the 60 minutes of route ui", stack(authtimeout=5), "people"
    )
    policy.fails("authTimeoutType is new-session", stack(setting(authTimeoutType="new-session"), authtimeout=UNKNOWN), "setting")
    policy.undecided("authtimeout", stack(setting(), authtimeout=UNKNOWN))
    policy.undecided("authTimeoutType", stack(setting(authTimeoutType=UNKNOWN), authtimeout=60))


def test_a_sign_in_is_measured_by_the_group_that_the_device_really_matches():
    policy = on("fortigate-sign-in-within-session")
    other = group(authtimeout=600, matches=[{"serverName": "okta", "groupName": "airflow-audit"}])
    policy.passes([gate(), people(), other, server(), access(), setting()])
