"""Policies on ZIA's locations and logs, and on what goes around Zscaler."""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations
from typing import Any

from pulumi_airlock.gates.zia.kinds import FIREWALL_RULE, LOCATION, URL_RULE
from pulumi_airlock.gates.zia.tenant import Tenant, tenants
from pulumi_airlock.tokens import MWAA_ENVIRONMENT, ZIA_GATE
from pulumi_policy import Severity

from .controls import Soc2
from .reading import UNKNOWN, Resource, Stack, Subject
from .registry import Config, Finding, Findings, plain_text, resource_policy, setting, stack_policy, undecided, wrong
from .zia import FIREWALL, PLACE, URL, limits

FEED = "zia:index:CloudNssFeed"
NSS = "zia:index:NssServer"
CREDENTIALS = "zia:index:TrafficForwardingVpnCredentials"
ENVIRONMENT = "aws:mwaa/environment:Environment"

_HEADLESS = ("SERVER", "WORKLOAD", "IOT")
_BY = ("ports", "ipAddresses", "vpnCredentials")


@resource_policy(
    "zia-location-firewall",
    types=(PLACE,),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Set `ofwEnabled`: without it, no firewall rule is looked at for what comes by this location.",
    remedy=lambda _, properties: properties.update(ofwEnabled=True),
)
def location_firewall(it: Subject) -> Findings:
    """The cloud firewall is on at every location."""
    yield from _switched_on(it, "ofwEnabled")


@resource_policy(
    "zia-location-tls-inspection",
    types=(PLACE,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_7,
    fix="Set `sslScanEnabled`, and give the environments the authority that signs (`ProxyEgress.ca_bundle`).",
)
def location_tls_inspection(it: Subject) -> Findings:
    """TLS is inspected at every location: without it, ZIA sees of a request its host alone."""
    yield from _switched_on(it, "sslScanEnabled")


def _switched_on(it: Subject, prop: str) -> Iterator[Finding]:
    value = it.get(prop, default=False)
    if value is UNKNOWN:
        yield undecided(it, prop)
    elif value is not True:
        yield wrong(it, prop, "is off")


@resource_policy(
    "zia-location-no-sign-in",
    types=(PLACE,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Set `authRequired` and `surrogateIp` to false at locations of servers; give people locations of their own.",
)
def location_no_sign_in(it: Subject) -> Findings:
    """A location of servers or workloads asks nobody to sign in: no task can, and what is then let through is another rule's."""
    profile = it.get("profile")
    if profile is not UNKNOWN and profile not in _HEADLESS:
        return
    for prop in ("authRequired", "surrogateIp"):
        value = it.get(prop, default=False)
        if value is UNKNOWN or (value is True and profile is UNKNOWN):
            yield undecided(it, prop if value is UNKNOWN else "profile")
        elif value is True:
            yield wrong(it, prop, f"is on, and the location is one of {profile}")


@resource_policy(
    "zia-location-told",
    types=(PLACE,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Give the location a proxy port, addresses or VPN credentials of its own.",
)
def location_told(it: Subject) -> Findings:
    """Traffic can be told to come by a location: by a proxy port, an address, or VPN credentials."""
    told = limits(it, *_BY)
    if told is UNKNOWN:
        yield undecided(it, "ports")
    elif not told:
        yield wrong(it, "", "has no port, no address and no VPN credentials: no traffic comes by it")


@stack_policy(
    "zia-locations-apart",
    types=(PLACE,),
    beside=("airlock:index:*",),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Give scheduler, worker and web server of every environment a port (or subnets) and a location of their own.",
)
def locations_apart(stack: Stack, _: Config) -> Findings:
    """No two locations have a port or an address in common, and no location holds the ports of two components."""
    for tenant in tenants(stack):
        places = tenant.of_kind(LOCATION)
        for one in places:
            mine = {name for name, port in _component_ports(stack) if port in _numbers(one, "ports")}
            if len(mine) > 1:
                yield wrong(one, "ports", f"are shared by {', '.join(sorted(mine))}: ZIA cannot tell them apart")
            for prop in ("ports", "ipAddresses"):
                if UNKNOWN in one.get_list(prop):
                    yield undecided(one, prop)
        for one, other in combinations(places, 2):
            if _numbers(one, "ports") & _numbers(other, "ports"):
                yield wrong(other, "ports", f"holds a port of {one.name}'s")
            if _same_parent(one, other) and _overlap(one, other):
                yield wrong(other, "ipAddresses", f"overlaps those of {one.name}")


def _component_ports(stack: Stack) -> Iterator[tuple[str, int]]:
    for one in stack.of_type(MWAA_ENVIRONMENT):
        ports = one.get("egress", "ports", default={})
        for component, port in ports.items() if isinstance(ports, Mapping) else ():
            if isinstance(port, int | float):
                yield f"{one.name}'s {component}", int(port)


def _numbers(one: Resource, prop: str) -> set[int]:
    return {int(value) for value in one.get_list(prop) if isinstance(value, int | float)}


def _networks(one: Resource) -> Iterator[IPv4Network | IPv6Network]:
    for value in one.get_list("ipAddresses"):
        try:
            yield ip_network(str(value), strict=False)
        except ValueError:
            continue  # a range, or unknown


def _overlap(one: Resource, other: Resource) -> bool:
    return any(mine.version == theirs.version and mine.overlaps(theirs) for mine in _networks(one) for theirs in _networks(other))


def _same_parent(one: Resource, other: Resource) -> bool:
    return {parent.urn for parent in one.refers_to("parentId")} == {parent.urn for parent in other.refers_to("parentId")} and (
        one.get("parentId") is UNKNOWN or one.get("parentId") == other.get("parentId")
    )


# Logs


@stack_policy(
    "zia-log-feed",
    types=(FIREWALL, URL),
    beside=(FEED, NSS),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Add an enabled `CloudNssFeed` for web logs and one for firewall logs (`ZiaGate(siem=…)`).",
    settings={"elsewhere": setting("Whether the tenant has feeds that no stack manages.", False)},
)
def log_feed(stack: Stack, config: Config) -> Findings:
    """The logs of URL filtering and of the cloud firewall reach a SIEM."""
    if config["elsewhere"]:
        return
    for tenant in tenants(stack):
        if tenant.of_kind("NssServer"):
            continue
        for kind, log in ((URL_RULE, "web"), (FIREWALL_RULE, "firewall")):
            rules = tenant.of_kind(kind)
            states = [_feeds(one, log) for one in tenant.of_kind("CloudNssFeed")]
            if not rules or True in states:
                continue
            if UNKNOWN in states:
                yield undecided(rules[0], f"{log} log")
            else:
                yield wrong(rules[0], "", f"is logged nowhere: the stack has no enabled feed of the {log} log")


def _feeds(one: Resource, log: str) -> Any:
    status, kind = one.get("feedStatus", default="ENABLED"), one.get("nssLogType")
    if status == "DISABLED" or (kind is not UNKNOWN and not str(kind or "").lower().startswith((log, log[:2] + "log"))):
        return False
    return UNKNOWN if UNKNOWN in (status, kind) else True


@resource_policy(
    "zia-feed-secrets",
    types=(FEED,),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Wrap them with `pulumi.Output.secret`, or read them from secret configuration: the SDK marks the token alone.",
)
def feed_secrets(it: Subject) -> Findings:
    """Credentials of a log feed are secrets: in the state, in previews, and in whatever reads them."""
    yield from plain_text(it, "clientSecret", "authenticationToken", "connectionHeaders")


@resource_policy(
    "zia-feed-tls",
    types=(FEED,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Write https:// URLs.",
)
def feed_tls(it: Subject) -> Findings:
    """Logs and their credentials travel over TLS."""
    for prop in ("connectionUrl", "authenticationUrl"):
        url = it.get(prop)
        if url is UNKNOWN:
            yield undecided(it, prop)
        elif url is not None and not str(url).lower().startswith("https://"):
            yield wrong(it, prop, "is not https://")


@resource_policy(
    "zia-psk-secret",
    types=(CREDENTIALS,),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Wrap it with `pulumi.Output.secret`, or read it from secret configuration.",
)
def psk_secret(it: Subject) -> Findings:
    """Pre-shared keys of VPN credentials are secrets."""
    yield from plain_text(it, "preSharedKey")


# Around Zscaler


@stack_policy(
    "zia-environment-around",
    types=(ENVIRONMENT,),
    beside=("zia:index:*", "airlock:index:*"),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Give the environment its way out: `MwaaEnvironment(egress=…)`, and the same to `ZiaGate(environments=…)`.",
)
def environment_around(stack: Stack, _: Config) -> Findings:
    """In a stack that manages ZIA, every Airflow environment is told to go out through it, and ZIA has its locations."""
    found = [one for one in tenants(stack) if one.of_kind(LOCATION)]
    if not found:
        return
    tunnelled = {name for gate in stack.of_type(ZIA_GATE) for name, mode in _modes(gate) if mode == "tunnel"}
    for one in stack.of_type(ENVIRONMENT):
        component = next((above for above in one.ancestors() if above.type == MWAA_ENVIRONMENT), None)
        name = (component or one).name
        if name in tunnelled:
            continue
        ports = component.get("egress", "ports") if component is not None else None
        if ports is UNKNOWN:
            yield undecided(component, "egress.ports")
        elif not isinstance(ports, Mapping):
            yield wrong(one, "", "is told no way out through Zscaler: its tasks go around it, or nowhere")
        else:
            yield from _without_location(one, ports, found)


def _without_location(one: Resource, ports: Mapping[str, Any], found: list[Tenant]) -> Findings:
    places = [place for tenant in found for place in tenant.of_kind(LOCATION)]
    known = {port for place in places for port in _numbers(place, "ports")}
    for component, port in ports.items():
        if port is not UNKNOWN and port not in known:
            if any(UNKNOWN in place.get_list("ports") for place in places):
                yield undecided(one, f"egress.ports.{component}")
            else:
                yield wrong(one, "", f"sends its {component} to port {port:.0f}, at which no location of the stack is")


def _modes(gate: Resource) -> Iterator[tuple[str, Any]]:
    told = gate.get("environments", default={})
    for name, one in told.items() if isinstance(told, Mapping) else ():
        if isinstance(one, Mapping):
            yield name, one.get("mode")
