"""Policies on FortiGate firewall policies: what they let through, what they log, and who wrote them."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from pulumi_airlock.tokens import FORTIGATE_GATE
from pulumi_policy import Severity

from .controls import Soc2
from .reading import UNKNOWN, Resource, Stack, Subject, of_kind
from .registry import Config, Findings, resource_policy, setting, stack_policy, undecided, wrong

POLICY = "fortios:firewallpolicy"
SERVICE = "fortios:firewallservicecustom"

EVERY_ADDRESS = frozenset({"all", "any"})
EVERY_SERVICE = frozenset({"ALL", "ALL_TCP", "ALL_UDP"})
_ALWAYS = ("always", None)


def _decides(one: Subject | Resource, *actions: str) -> Any:
    """Whether an enabled policy takes one of these actions: True, False, or `UNKNOWN`. FortiOS's defaults: enabled, deny."""
    status, action = one.get("status", default="enable"), one.get("action", default="deny")
    if status == "disable" or (action is not UNKNOWN and action not in actions):
        return False
    return UNKNOWN if UNKNOWN in (status, action) else True


def accepts(one: Subject | Resource) -> bool:
    """Whether a policy lets traffic through, or may: an unknown action is taken for accept, so that the rest of it is judged."""
    return _decides(one, "accept", "ipsec") is not False


def _names(one: Subject | Resource, *props: str) -> list[Any]:
    """The names in reference lists (`[{name}]`); `UNKNOWN` for what is unknown among them."""
    resource = one.resource if isinstance(one, Subject) else one
    entries = [entry for prop in props for entry in resource.get_list(prop)]
    found = [entry.get("name") if isinstance(entry, dict) else entry for entry in entries]
    return [name if name is UNKNOWN else str(name) for name in found]


_Field = tuple[tuple[str, ...], frozenset[str], str]
_SOURCE: _Field = (("srcaddrs", "srcaddr6s"), EVERY_ADDRESS, "internetServiceSrc")
_DESTINATION: _Field = (("dstaddrs", "dstaddr6s"), EVERY_ADDRESS, "internetService")
_SERVICES: _Field = (("services",), EVERY_SERVICE, "internetService")


def _universal(one: Subject | Resource, field: _Field) -> Any:
    """The name that makes a field match everything; None where it does not; `UNKNOWN` where nobody can tell."""
    props, every, instead = field
    if one.get(instead) == "enable":  # the field is not looked at then
        return None
    names = _names(one, *props)
    found = [name for name in names if name is not UNKNOWN and name in every]
    return found[0] if found else (UNKNOWN if UNKNOWN in names else None)


def _not_universal(it: Subject, field: _Field, what: str) -> Findings:
    if not accepts(it):
        return
    found = _universal(it, field)
    if found is UNKNOWN:
        yield undecided(it, field[0][0])
    elif found is not None:
        yield wrong(it, field[0][0], f"is {found}: {what}")


@resource_policy(
    "fortigate-no-any-any",
    types=(POLICY,),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Name the source and the destination, as address objects of the route's principals and destinations.",
)
def no_any_any(it: Subject) -> Findings:
    """No policy accepts traffic from everywhere to everywhere."""
    if not accepts(it):
        return
    source, destination = _universal(it, _SOURCE), _universal(it, _DESTINATION)
    if None in (source, destination):
        return
    if UNKNOWN in (source, destination):
        yield undecided(it, "srcaddrs" if source is UNKNOWN else "dstaddrs")
    else:
        yield wrong(it, "", "accepts traffic from all to all")


@resource_policy(
    "fortigate-no-all-sources",
    types=(POLICY,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Name the environment's subnets, or the people's network, as address objects.",
)
def no_all_sources(it: Subject) -> Findings:
    """No policy accepts traffic from every source: to a FortiGate, the address is what tells workloads apart."""
    yield from _not_universal(it, _SOURCE, "whoever sends it")


@resource_policy(
    "fortigate-no-all-destinations",
    types=(POLICY,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Name the destinations as address objects (FQDN where the addresses change).",
)
def no_all_destinations(it: Subject) -> Findings:
    """No policy accepts traffic to every destination."""
    yield from _not_universal(it, _DESTINATION, "wherever it goes")


@resource_policy(
    "fortigate-no-all-services",
    types=(POLICY,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Name the services, one for each port that a route leads to.",
)
def no_all_services(it: Subject) -> Findings:
    """No policy accepts every service."""
    yield from _not_universal(it, _SERVICES, "every port")


@resource_policy(
    "fortigate-no-any-interface",
    types=(POLICY,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_6,
    fix="Name the interfaces or zones; anti-spoofing is only as good as they are.",
)
def no_any_interface(it: Subject) -> Findings:
    """No policy accepts traffic on, or towards, any interface."""
    if not accepts(it):
        return
    for prop in ("srcintfs", "dstintfs"):
        names = _names(it, prop)
        if "any" in names:
            yield wrong(it, prop, "is any")
        elif UNKNOWN in names:
            yield undecided(it, prop)


@resource_policy(
    "fortigate-log-all",
    types=(POLICY,),
    severity=Severity.HIGH,
    soc2=Soc2.CC7_2,
    fix="Set `logtraffic` to all; `utm` logs what a security profile objects to, and nothing else.",
    remedy=lambda _, properties: properties.update(logtraffic="all"),
)
def log_all(it: Subject) -> Findings:
    """Every enabled policy logs all of its sessions, those it denies included."""
    decides = _decides(it, "accept", "deny", "ipsec")
    logged = it.get("logtraffic", default="utm")
    if decides is False or logged == "all":
        return
    if logged is UNKNOWN:
        yield undecided(it, "logtraffic")
    else:
        yield wrong(it, "logtraffic", f"is {logged}")


@resource_policy(
    "fortigate-schedule-timeout",
    types=(POLICY,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Set `scheduleTimeout` to enable: without it, a session that is open when the window ends stays open.",
    url="https://community.fortinet.com/t5/FortiGate/Technical-Tip-How-to-apply-a-schedule-to-a-firewall-policy/ta-p/193508",
    remedy=lambda _, properties: properties.update(scheduleTimeout="enable"),
)
def schedule_timeout(it: Subject) -> Findings:
    """A policy that holds at certain times ends its sessions with them."""
    schedule, timeout = it.get("schedule"), it.get("scheduleTimeout", default="disable")
    if not accepts(it) or schedule in _ALWAYS or timeout == "enable":
        return
    if UNKNOWN in (schedule, timeout):
        yield undecided(it, "schedule" if schedule is UNKNOWN else "scheduleTimeout")
    else:
        yield wrong(it, "scheduleTimeout", f"is {timeout}, and the schedule is {schedule}")


@resource_policy(
    "fortigate-no-plaintext-services",
    types=(POLICY, SERVICE),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Use the encrypted service: HTTPS, SSH, SFTP, FTPS.",
    settings={
        "services": setting(
            "Names of services (globs) that send passwords or data in the clear.",
            ["HTTP", "TELNET", "FTP", "FTP_*", "TFTP", "RLOGIN", "RSH", "REXEC", "POP3", "IMAP"],
        ),
        "ports": setting(
            "Ports of such services, for services of one's own.", ["21", "23", "80", "110", "143", "512", "513", "514"]
        ),
    },
)
def no_plaintext_services(it: Subject) -> Findings:
    """No policy accepts a service that is not encrypted, and no service of one's own is such a one under another name."""
    if it.kind == SERVICE:
        yield from _plaintext_ports(it)
        return
    if not accepts(it) or it.get("internetService") == "enable":
        return
    names = _names(it, "services")
    for name in names:
        if name is not UNKNOWN and any(fnmatchcase(name.upper(), pattern) for pattern in it.config["services"]):
            yield wrong(it, "services", f"holds {name}")
    if UNKNOWN in names:
        yield undecided(it, "services")


def _plaintext_ports(it: Subject) -> Findings:
    ranges = it.get("tcpPortrange", default="")
    if ranges is UNKNOWN:
        yield undecided(it, "tcpPortrange")
        return
    # `80 8000-8010:1024-65535`: destination ports, each perhaps with source ports after a colon.
    destinations = [part.partition(":")[0] for part in str(ranges).split()]
    found = [
        part for part in destinations if part in it.config["ports"] or part in (f"{one}-{one}" for one in it.config["ports"])
    ]
    if found:
        yield wrong(it, "tcpPortrange", f"holds {', '.join(found)}")


_NEGATES = (
    "srcaddrNegate",
    "dstaddrNegate",
    "srcaddr6Negate",
    "dstaddr6Negate",
    "serviceNegate",
    "internetServiceNegate",
    "internetServiceSrcNegate",
    "internetService6Negate",
    "internetService6SrcNegate",
)


@resource_policy(
    "fortigate-no-negate",
    types=(POLICY,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="List what is meant. Set the negate option to disable in so many words: left out, it keeps what the device has.",
)
def no_negate(it: Subject) -> Findings:
    """No policy accepts everything except what it lists."""
    if not accepts(it):
        return
    for prop in _NEGATES:
        value = it.get(prop, default="disable")
        if value is UNKNOWN:
            yield undecided(it, prop)
        elif value == "enable":
            yield wrong(it, prop, "turns the list into its opposite")


@resource_policy(
    "fortigate-policy-reason",
    types=(POLICY,),
    severity=Severity.LOW,
    soc2=Soc2.CC8_1,
    fix="Write the ticket or the route's reason into `comments`.",
    settings={"pattern": setting("What a reason looks like (a regular expression that is searched for).", r"[A-Z][A-Z0-9]+-\d+")},
)
def policy_reason(it: Subject) -> Findings:
    """Every policy that accepts traffic says by whose decision."""
    comment = it.get("comments", default="")
    if not accepts(it):
        return
    if comment is UNKNOWN:
        yield undecided(it, "comments")
    elif not re.search(it.config["pattern"], str(comment)):
        yield wrong(it, "comments", f"names no ticket (nothing like {it.config['pattern']})" if comment else "is empty")


@stack_policy(
    "fortigate-deny-all-last",
    types=(POLICY,),
    severity=Severity.HIGH,
    soc2=Soc2.CC7_2,
    fix="Add a policy that denies all from all for ALL services, logs all, and stands last.",
)
def deny_all_last(stack: Stack, _: Config) -> Findings:
    """On every FortiGate with accepting policies, one policy denies and logs the rest: the implicit one may not log."""
    for policies in _devices(stack):
        accepting = [one for one in policies if _decides(one, "accept", "ipsec") is not False]
        verdicts = [_denies_all(one) for one in policies]
        if not accepting or any(verdict is True for verdict in verdicts):
            continue
        if UNKNOWN in verdicts:
            yield undecided(policies[verdicts.index(UNKNOWN)], "")
        else:
            yield wrong(accepting[-1], "", "is followed by no policy that denies all and logs it")


def _devices(stack: Stack) -> Iterator[list[Resource]]:
    """The policies of each FortiGate and VDOM."""
    devices: dict[tuple[str, str], list[Resource]] = {}
    for one in of_kind(stack, POLICY):
        devices.setdefault(_device(one), []).append(one)
    yield from devices.values()


def _device(one: Resource) -> tuple[str, str]:
    """What tells FortiGates and their VDOMs apart in a program."""
    return one.provider, str(one.get("vdomparam", default=""))


def _denies_all(one: Resource) -> Any:
    """Whether this is the last policy that denies and logs all: True, False or `UNKNOWN`."""
    logged, schedule, service = one.get("logtraffic"), one.get("schedule"), _universal(one, _SERVICES)
    parts = (
        _decides(one, "deny"),
        not any(one.get(prop) == "enable" for prop in _NEGATES),
        logged if logged is UNKNOWN else logged == "all",
        schedule if schedule is UNKNOWN else schedule in _ALWAYS,
        _universal(one, _SOURCE),
        _universal(one, _DESTINATION),
        service if service is UNKNOWN else service == "ALL",
    )
    if False in parts or None in parts:
        return False
    return UNKNOWN if UNKNOWN in parts else True


@stack_policy(
    "fortigate-foreign-policy",
    types=(POLICY,),
    beside=("airlock:index:*",),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC8_1,
    fix="Declare a route in the access file, and take the policy out; or manage it on a device of its own.",
)
def foreign_policy(stack: Stack, _: Config) -> Findings:
    """On a FortiGate that a FortigateGate manages, nothing else accepts traffic: a policy beside it is access nobody declared."""
    owned = [(one, gate) for one in of_kind(stack, POLICY) for gate in one.ancestors() if gate.type == FORTIGATE_GATE]
    managed = {_device(one): gate for one, gate in owned}
    for one in of_kind(stack, POLICY):
        gate = managed.get(_device(one))
        if gate is None or any(above.type.startswith("airlock:index:") for above in one.ancestors()):
            continue
        accepts = _decides(one, "accept", "ipsec")
        if accepts is UNKNOWN:
            yield undecided(one, "action" if one.get("action") is UNKNOWN else "status")
        elif accepts:
            yield wrong(one, "", f"accepts traffic on the FortiGate that {gate.name} manages, and no route declares it")
