"""Policies on how people get through a FortiGate: by which server they sign in, who is in a group, and for how long.

Tasks never sign in: a policy that asks for a user group does not match them.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pulumi_airlock.tokens import ACCESS, FORTIGATE_GATE
from pulumi_policy import Severity

from .controls import Soc2
from .fortigate import POLICY
from .reading import UNKNOWN, Stack, Subject
from .registry import Config, Findings, resource_policy, stack_policy, undecided, wrong

if TYPE_CHECKING:
    from .fortigate_sign_in import SignIn

SERVER, GROUP = "fortios:usersaml", "fortios:usergroup"

_BESIDE = ("fortios:*", "pulumi:providers:fortios", FORTIGATE_GATE, ACCESS)


def _sign_ins(stack: Stack) -> Iterator["SignIn"]:
    """Each FortiGate of a stack, as people sign in there. Its reader is not loaded for other stacks: starting up counts."""
    from .fortigate_sign_in import sign_ins

    yield from sign_ins(stack)


# The server


@resource_policy(
    "fortigate-saml-signed",
    types=(SERVER,),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Set `idpCert` to the identity provider's certificate, and have it sign both response and assertion.",
    url="https://community.fortinet.com/t5/FortiGate/Troubleshooting-Tip-SAML-Authentication-fails-after-firmware/ta-p/407859",
)
def saml_signed(it: Subject) -> Findings:
    """A SAML server checks the identity provider's signature, on the response and on the assertion."""
    certificate, both = it.get("idpCert", default=""), it.get("requireSignedRespAndAsrt")
    if UNKNOWN is certificate:
        yield undecided(it, "idpCert")
    elif not certificate:
        yield wrong(it, "idpCert", "is missing: anybody's assertion would do")
    # Since 7.0.18, 7.2.13, 7.4.10 and 7.6.5 (Fortinet gives its default both ways); older SDKs do not know it.
    if both is UNKNOWN:
        yield undecided(it, "requireSignedRespAndAsrt")
    elif both == "disable":
        yield wrong(it, "requireSignedRespAndAsrt", "is disable: an unsigned assertion may be put into a signed response")


def _sha256(_: Subject, properties: dict[str, Any]) -> None:
    properties["digestMethod"] = "sha256"


@resource_policy(
    "fortigate-saml-digest",
    types=(SERVER,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Set `digestMethod` to sha256, at the identity provider too.",
    remedy=_sha256,
)
def saml_digest(it: Subject) -> Findings:
    """SAML messages are signed with SHA-256. FortiOS's default was SHA-1 for long, so that it has to be said."""
    digest = it.get("digestMethod", default="sha1")
    if digest is UNKNOWN:
        yield undecided(it, "digestMethod")
    elif digest != "sha256":
        yield wrong(it, "digestMethod", f"is {digest}")


@resource_policy(
    "fortigate-saml-https",
    types=(SERVER,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Write https URLs, with the portal's port for HTTPS (1003).",
)
def saml_https(it: Subject) -> Findings:
    """Assertions and sign-ins travel over HTTPS alone."""
    for prop in ("singleSignOnUrl", "singleLogoutUrl", "idpSingleSignOnUrl", "idpSingleLogoutUrl"):
        url = it.get(prop, default="")
        if url is UNKNOWN:
            yield undecided(it, prop)
        elif url and not str(url).lower().startswith("https://"):
            yield wrong(it, prop, f"is {url}: not encrypted")


# The groups


@stack_policy(
    "fortigate-user-group-matches",
    types=(GROUP,),
    beside=_BESIDE,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_3,
    fix="Give the group a match for each of its servers: the identity provider's group that is meant.",
)
def user_group_matches(stack: Stack, _: Config) -> Findings:
    """A user group in use names a group of each of its servers: without, everybody who can sign in is in it."""
    for device in _sign_ins(stack):
        for group, policy in device.groups_in_use():
            if UNKNOWN in (group.get("matches"), group.get("members")):
                yield undecided(group, "matches" if group.get("matches") is UNKNOWN else "members")
                continue
            for server in device.wholes(group):
                yield wrong(group, "matches", f"names no group of {server}: everybody whom it signs in passes {policy.name}")


@stack_policy(
    "fortigate-no-local-users",
    types=(POLICY,),
    beside=_BESIDE,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Let people sign in with the identity provider, and name its groups: who leaves is out of them.",
)
def no_local_users(stack: Stack, _: Config) -> Findings:
    """No policy lets in users of the device itself, by name or within a group: nothing takes away what they had."""
    for device in _sign_ins(stack):
        for policy in device.accepting:
            users = policy.get("users")
            if users is UNKNOWN:
                yield undecided(policy, "users")
            elif users:
                yield wrong(policy, "users", f"names {', '.join(device.names(policy, 'users'))}, not a group")
        for group, _policy in device.groups_in_use():
            if group.get("members") is UNKNOWN:
                yield undecided(group, "members")
            for user in device.singles(group):
                yield wrong(group, "members", f"holds {user}, a user of the device itself")


# The policies


@stack_policy(
    "fortigate-no-task-signs-in",
    types=(POLICY,),
    beside=_BESIDE,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Take the groups out and name the environment's addresses; or give the policy the interface that people come in by.",
)
def no_task_signs_in(stack: Stack, _: Config) -> Findings:
    """No policy asks for a user where the environments come in: a task cannot sign in, and rules for people would decide."""
    for device in _sign_ins(stack):
        for policy in device.policies:
            asked, tunnels = device.asks(policy), device.tunnels
            if asked is None or policy.get("status") == "disable" or not tunnels:
                continue
            shared, complete = device.comes_in(policy, tunnels)
            if shared and asked is not UNKNOWN:
                yield wrong(policy, asked, f"asks tasks who come in by {', '.join(shared)} to sign in, which they cannot")
            elif shared or not complete:
                yield undecided(policy, "groups" if shared else "srcintfs")


@stack_policy(
    "fortigate-people-by-group",
    types=(POLICY,),
    beside=_BESIDE,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Name the user groups it is for. What people need before they sign in (the identity provider) is `captivePortalExempt`.",
)
def people_by_group(stack: Stack, _: Config) -> Findings:
    """Where people come in, every policy that accepts says for which groups."""
    for device in _sign_ins(stack):
        for policy in device.accepting:
            asked, exempt = device.asks(policy), policy.get("captivePortalExempt", default="disable")
            if not device.doors or (asked is not None and asked is not UNKNOWN) or exempt == "enable":
                continue
            here, complete = device.comes_in(policy, device.doors)
            if here and asked is None and exempt is not UNKNOWN:
                yield wrong(policy, "groups", f"is empty, and people come in by {', '.join(here)}: whoever is there passes")
            elif here or not complete:
                yield undecided(policy, "groups" if here else "srcintfs")


@stack_policy(
    "fortigate-auth-on-demand",
    types=(POLICY,),
    beside=_BESIDE,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Set `authOnDemand` of the VDOM's `user/setting` to always.",
    url="https://community.fortinet.com/t5/FortiGate/Technical-Tip-Active-authentication-firewall-policy-fall-through/ta-p/192567",
)
def auth_on_demand(stack: Stack, _: Config) -> Findings:
    """Where a policy for a group stands before one that asks nobody, people have to sign in: else they fall through to it."""
    for device in _sign_ins(stack):
        pair, setting = device.falls_through(), device.setting
        if pair is None:
            continue
        why = f"who has not signed in for {pair[0].name} falls through to {pair[1].name}"
        told = setting.get("authOnDemand", default="implicitly") if setting is not None else None
        if setting is None:
            yield wrong(pair[0], "groups", f"asks, and nothing sets authOnDemand: {why}")
        elif told is UNKNOWN:
            yield undecided(setting, "authOnDemand")
        elif told != "always":
            yield wrong(setting, "authOnDemand", f"is {told}: {why}")


# How long


@stack_policy(
    "fortigate-sign-in-within-session",
    types=(GROUP,),
    beside=_BESIDE,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Set the group's `authtimeout` to the session's minutes, and `authTimeoutType` of the `user/setting` to hard-timeout.",
    url="https://docs.fortinet.com/document/fortigate/7.2.0/administration-guide/779401/user-and-user-group-timeouts",
)
def sign_in_within_session(stack: Stack, _: Config) -> Findings:
    """People sign in again when their routes' shortest session is over: the group's timeout, counted from the sign-in on."""
    for device in _sign_ins(stack):
        setting = device.setting
        kind: Any = setting.get("authTimeoutType", default="idle-timeout") if setting is not None else "idle-timeout"
        for group, _policy in device.groups_in_use():
            limit = device.shortest_session(group)
            if limit is None:
                continue
            route, minutes = limit
            if kind is UNKNOWN:
                yield undecided(setting, "authTimeoutType")
            elif kind != "hard-timeout":
                why = f"is {kind}: a sign-in may outlast the {minutes} minutes of route {route}"
                yield wrong(setting or group, "authTimeoutType", why)
            lasts = device.minutes(group)
            if lasts is UNKNOWN:
                yield undecided(group, "authtimeout")
            elif lasts > minutes:
                yield wrong(group, "authtimeout", f"is {lasts:g} minutes; route {route} has sessions of {minutes}")
