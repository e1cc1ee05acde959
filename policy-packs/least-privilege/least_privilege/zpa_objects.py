"""Policies on what ZPA's rules rest on: segments and their groups, timeouts, App Connectors' keys, log receivers."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from pulumi_airlock.access.values import duration_text, parse_duration
from pulumi_airlock.gates.zpa.applications import Applications
from pulumi_airlock.gates.zpa.callers import Directory
from pulumi_airlock.gates.zpa.conditions import Conditions
from pulumi_airlock.gates.zpa.names import timeout_length
from pulumi_airlock.gates.zpa.tenant import (
    FORWARDING,
    KEY,
    LOG,
    MULTIMATCH,
    RULES,
    SEGMENT_GROUP,
    SEGMENTS,
    SERVER_GROUP,
    TIMEOUTS,
    Tenant,
    tenants,
)
from pulumi_airlock.tokens import ACCESS
from pulumi_policy import EnforcementLevel, Severity

from .controls import Soc2
from .reading import UNKNOWN, Resource, Stack, Subject
from .registry import Config, Findings, resource_policy, setting, stack_policy, undecided, wrong

_GATES = ("airlock:index:*",)


# Segments and groups


@resource_policy(
    "zpa-no-bypass",
    types=(*SEGMENTS, *FORWARDING),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Set `bypass_type` to NEVER; let no client forwarding rule BYPASS what a gate is to decide.",
    remedy=lambda it, properties: properties.update({"bypassType": "NEVER"} if it.kind in SEGMENTS else {}),
)
def no_bypass(it: Subject) -> Findings:
    """No traffic to an application goes past ZPA."""
    prop = "bypassType" if it.kind in SEGMENTS else "action"
    value = it.get(prop, default="NEVER" if prop == "bypassType" else None)
    if value is UNKNOWN:
        yield undecided(it, prop)
    elif value in ("ALWAYS", "ON_NET", "BYPASS"):
        yield wrong(it, prop, f"is {value}: clients go to the application directly, and no rule is asked")


@resource_policy(
    "zpa-no-wide-segment",
    types=SEGMENTS,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Name hosts, or wildcards under a domain of yours, and networks of the destination's size.",
    settings={"prefix": setting("The shortest prefix of an IPv4 network.", 16)},
)
def no_wide_segment(it: Subject) -> Findings:
    """No application segment holds every name, or whole networks of networks."""
    for path, text in it.items("domainNames"):
        if text is UNKNOWN:
            yield undecided(it, path)
        elif str(text).removeprefix("*").count(".") <= 1 and str(text).startswith("*"):
            yield wrong(it, path, f"is {text}: a whole top-level domain, or every name")
        elif (length := _prefix(text)) is not None and length < it.config["prefix"]:
            yield wrong(it, path, f"is {text}: wider than /{it.config['prefix']}")


def _prefix(text: Any) -> int | None:
    try:
        network = ip_network(str(text), strict=False)
    except ValueError:
        return None
    return network.prefixlen if network.version == 4 else None


@resource_policy(
    "zpa-no-all-ports",
    types=SEGMENTS,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="List the application's ports.",
    settings={"most": setting("The most ports in one range.", 1024)},
)
def no_all_ports(it: Subject) -> Findings:
    """No application segment has a range of very many ports: App Connectors probe each of them, and all are open."""
    for prop, first, last in _ranges(it):
        if UNKNOWN in (first, last):
            yield undecided(it, prop)
        elif (number := _count(first, last)) is not None and number > it.config["most"]:
            yield wrong(it, prop, f"holds {first}-{last}: {number} ports")


def _ranges(it: Subject) -> Iterator[tuple[str, Any, Any]]:
    for protocol in ("tcp", "udp"):
        prop = f"{protocol}PortRange"
        for entry in it.listed(prop):
            known = isinstance(entry, dict)
            yield prop, entry.get("from") if known else UNKNOWN, entry.get("to") if known else UNKNOWN
        flat = it.listed(f"{prop}s")
        yield from ((f"{prop}s", first, last) for first, last in zip(flat[::2], [*flat[1::2], UNKNOWN], strict=False))


def _count(first: Any, last: Any) -> int | None:
    try:
        return int(last) - int(first) + 1
    except (TypeError, ValueError):
        return None


@resource_policy(
    "zpa-multimatch",
    types=(*SEGMENTS, MULTIMATCH),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_3,
    fix="Set `match_style` to EXCLUSIVE, so that a host has one segment.",
)
def multimatch(it: Subject) -> Findings:
    """Every host belongs to one application segment: with multimatch, a rule on a wider segment decides about it, too."""
    style = it.get("matchStyle", default="EXCLUSIVE")
    if style is UNKNOWN:
        yield undecided(it, "matchStyle")
    elif style == "INCLUSIVE":
        yield wrong(it, "matchStyle", "is INCLUSIVE: rules on every segment that holds a host decide about it")


@resource_policy(
    "zpa-enabled-said",
    types=(*SEGMENTS, SEGMENT_GROUP, SERVER_GROUP),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC8_1,
    fix="Write `enabled=True` (or False).",
)
def enabled_said(it: Subject) -> Findings:
    """Segments, segment groups and server groups say whether they are enabled: left out, the provider sends false."""
    if it.get("enabled") is None:
        yield wrong(it, "enabled", "is left out, which the provider takes for false")


@resource_policy(
    "zpa-protect",
    types=(*SEGMENTS, SEGMENT_GROUP),
    severity=Severity.HIGH,
    soc2=Soc2.CC8_1,
    level=EnforcementLevel.ADVISORY,
    fix="Set the option `protect` (ZpaGate(protect=True)); lift it in an update of its own, once no rule names the segment.",
)
def protect(it: Subject) -> Findings:
    """Segments and segment groups are protected: ZPA strips a deleted one from every rule, which may then match everything."""
    if not it.protect:
        yield wrong(it, "", "is not protected: deleted, it is taken out of the conditions of every rule that names it")


# Timeouts


@resource_policy(
    "zpa-timeout",
    types=TIMEOUTS,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Set `reauth_timeout` and `reauth_idle_timeout` to at most the routes' sessions (`8 Hours`).",
    settings={"longest": setting("The longest time without authentication, as in the access file (`12h`, `1d`).", "1d")},
)
def timeout(it: Subject) -> Findings:
    """Every timeout rule makes its callers authenticate again, soon enough."""
    longest = parse_duration(it.config["longest"])
    for prop in ("reauthTimeout", "reauthIdleTimeout"):
        text = it.get(prop)
        if text is UNKNOWN:
            yield undecided(it, prop)
        elif text is not None:
            yield from _too_long(it, prop, str(text), longest, "allowed")


def _too_long(at: Subject | Resource, prop: str, text: str, longest: timedelta, whose: str) -> Findings:
    try:
        length = timeout_length(text)
    except ValueError:
        yield wrong(at, prop, f"is {text!r}: write 10 Minutes, 2 Hours, 1 Day")
        return
    if length is None:
        yield wrong(at, prop, "is Never: a session has no end")
    elif length > longest:
        yield wrong(at, prop, f"is {text}, longer than {duration_text(longest)}, which is {whose}")


@stack_policy(
    "zpa-timeout-session",
    types=TIMEOUTS,
    beside=(*SEGMENTS, SEGMENT_GROUP, *_GATES),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Shorten the timeout, or the routes' `session` in the access file says what is meant.",
)
def timeout_session(stack: Stack, _: Config) -> Findings:
    """No timeout lasts longer than every session that routes declare to the same destinations."""
    sessions = _sessions(stack)
    for tenant in tenants(stack):
        conditions = Conditions(tenant, Applications(tenant), Directory(tenant))
        for rule in tenant.of_type(*TIMEOUTS):
            text = rule.get("reauthTimeout")
            declared = [sessions[name] for name in _destinations(tenant, conditions, rule) if name in sessions]
            if not declared or text is None:
                continue
            if text is UNKNOWN:
                yield undecided(rule, "reauthTimeout")
            else:
                yield from _too_long(
                    rule, "reauthTimeout", str(text), max(declared), "the longest session a route declares there"
                )


def _sessions(stack: Stack) -> dict[str, timedelta]:
    """Destination → the longest session of a route to it."""
    found: dict[str, timedelta] = {}
    for declared in stack.of_type(ACCESS):
        for route in declared.get_list("document", "routes"):
            text = route.get("session") if isinstance(route, dict) else None
            if not isinstance(text, str):
                continue
            length = parse_duration(text)
            for name in route.get("to") or ():
                found[name] = max(length, found.get(name, length))
    return found


def _destinations(tenant: Tenant, conditions: Conditions, rule: Resource) -> Iterator[str]:
    """The destinations whose segments a rule names, as the tenant's gates say."""
    named = {
        str(segment): names
        for component in tenant.components
        for segment, names in (component.get("segments", default=None) or {}).items()
    }
    for branch in conditions.branches(rule):
        for app in branch.chosen.apps if branch.chosen else ():
            yield from named.get(app.label, ())


# App Connectors and logs


@resource_policy(
    "zpa-key-uses",
    types=(KEY,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Set `max_usage` to the number of App Connectors that are to enrol.",
    settings={"most": setting("The most App Connectors that may enrol with one key.", 10)},
)
def key_uses(it: Subject) -> Findings:
    """A provisioning key enrols few App Connectors: whoever has it can put a host of theirs into the way of traffic."""
    uses = it.get("maxUsage")
    if uses is UNKNOWN:
        yield undecided(it, "maxUsage")
    elif not str(uses).isdigit():
        yield wrong(it, "maxUsage", f"is {uses}: there is no limit")
    elif int(uses) > it.config["most"]:
        yield wrong(it, "maxUsage", f"is {uses}: more than {it.config['most']} may enrol with it")


@resource_policy(
    "zpa-log-tls",
    types=(LOG,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Set `use_tls` to True: it is off unless asked for.",
    remedy=lambda it, properties: properties.__setitem__("config", {**properties.get("config", {}), "useTls": True}),
)
def log_tls(it: Subject) -> Findings:
    """Log receivers are sent to over TLS."""
    value = it.get("config", "useTls", default=False)
    if value is UNKNOWN:
        yield undecided(it, "config.useTls")
    elif value is not True:
        yield wrong(it, "config.useTls", "is off: who went where travels in plain text")


@stack_policy(
    "zpa-log-receiver",
    types=RULES,
    beside=(LOG, *_GATES),
    severity=Severity.HIGH,
    soc2=Soc2.CC7_2,
    fix="Add a log receiver (ZpaGate(log_receivers=…)) for each of these logs.",
    settings={"logs": setting("Logs that must be sent (`source_log_type`).", ["zpn_trans_log", "zpn_auth_log"])},
)
def log_receiver(stack: Stack, config: Config) -> Findings:
    """Every tenant with access rules sends its activity and its sign-ins to a log receiver."""
    for tenant in tenants(stack):
        rules = tenant.of_type(*RULES)
        if not rules:
            continue
        sent = [one.get("config", "sourceLogType") for one in tenant.of_type(LOG) if one.get("config", "enabled") is not False]
        unsure = next(
            (one for one in tenant.of_type(LOG) if UNKNOWN in (one.get("config"), one.get("config", "sourceLogType"))), None
        )
        missing = [kind for kind in config["logs"] if kind not in sent]
        if missing and unsure is not None:
            yield undecided(unsure, "config.sourceLogType")
        elif missing:
            at = tenant.components[0] if tenant.components else rules[0]
            yield wrong(at, "", f"sends no {missing[0]} anywhere: what its rules decide is not kept")
