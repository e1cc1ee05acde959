"""Policies on the rules of Zscaler Internet Access: what they let through, in which order, and whether they are in force."""

from typing import Any

from pulumi_airlock.gates.zia.kinds import FIREWALL_RULE, LOCATION, URL_RULE
from pulumi_airlock.gates.zia.tenant import tenants
from pulumi_policy import Severity

from .controls import Soc2
from .reading import UNKNOWN, Resource, Stack, Subject
from .registry import Config, Findings, resource_policy, stack_policy, undecided, wrong

FIREWALL = "zia:index:FirewallFilteringRule"
URL = "zia:index:URLFilteringRule"
PLACE = "zia:index:LocationManagement"
ACTIVATION = "zia:index:Activation"

_LIMIT = {
    FIREWALL: ("destAddresses", "destIpGroups", "destCountries", "destIpCategories"),
    URL: ("urlCategories",),
}
_WHO = (
    "locations",
    "locationGroups",
    "groups",
    "departments",
    "users",
    "workloadGroups",
    "srcIps",
    "srcIpGroups",
    "sourceIpGroups",
)
_SERVICES = ("nwServices", "nwServiceGroups", "nwApplications", "nwApplicationGroups", "appServices", "appServiceGroups")
_BLOCKS = ("BLOCK", "BLOCK_DROP", "BLOCK_RESET", "BLOCK_ICMP")


def _does(one: Subject | Resource, *actions: str) -> Any:
    """Whether an enabled rule takes one of these actions: True, False, or `UNKNOWN`."""
    state, action = one.get("state", default="ENABLED"), one.get("action")
    if state == "DISABLED" or (action is not UNKNOWN and action not in actions):
        return False
    return UNKNOWN if UNKNOWN in (state, action) else True


def _allows(one: Subject | Resource) -> bool:
    """Whether a rule lets traffic through, or may; CAUTION and ISOLATE do so in the end."""
    return _does(one, "ALLOW", "CAUTION", "ISOLATE", "EVAL_NWAPP") is not False


def limits(one: Subject | Resource, *props: str) -> Any:
    """Whether any of the lists limits a rule: True, False, or `UNKNOWN`."""
    resource = one.resource if isinstance(one, Subject) else one
    values = [resource.get(prop) for prop in props]
    if any(
        value is not UNKNOWN and resource.get_list(prop) not in ([], ["ANY"]) for prop, value in zip(props, values, strict=True)
    ):
        return True
    return UNKNOWN if UNKNOWN in values else False


# Rules


@resource_policy(
    "zia-no-any-destination",
    types=(FIREWALL, URL),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Name the destinations: groups of addresses and names in a firewall rule, custom categories in a URL rule.",
)
def no_any_destination(it: Subject) -> Findings:
    """No rule of the cloud firewall or of URL filtering lets through to every destination."""
    if not _allows(it):
        return
    props = _LIMIT[it.kind]
    limited = limits(it, *props)
    if limited is UNKNOWN:
        yield undecided(it, props[0])
    elif not limited:
        yield wrong(it, props[0], "names no destination, and the rule lets through: wherever it goes")


@resource_policy(
    "zia-no-any-source",
    types=(FIREWALL, URL),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Name the locations of the environments that a route lets out, or the people's groups.",
)
def no_any_source(it: Subject) -> Findings:
    """No rule lets through whoever comes: it names locations, or groups."""
    if not _allows(it):
        return
    limited = limits(it, *_WHO)
    if limited is UNKNOWN:
        yield undecided(it, "locations")
    elif not limited:
        yield wrong(it, "locations", "names nobody, and the rule lets through: whoever comes, by whichever location")


@resource_policy(
    "zia-no-any-service",
    types=(FIREWALL,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Name the network services, one for the ports of each destination.",
)
def no_any_service(it: Subject) -> Findings:
    """No firewall rule lets through every port."""
    if not _allows(it):
        return
    limited = limits(it, *_SERVICES)
    if limited is UNKNOWN:
        yield undecided(it, "nwServices")
    elif not limited:
        yield wrong(it, "nwServices", "names no service, and the rule lets through: every port")


@resource_policy(
    "zia-full-logging",
    types=(FIREWALL,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Set `enableFullLogging`: without it, sessions are counted together every quarter of an hour.",
    url="https://help.zscaler.com/zia/modifying-default-firewall-filtering-rule",
    remedy=lambda _, properties: properties.update(enableFullLogging=True),
)
def full_logging(it: Subject) -> Findings:
    """Every enabled firewall rule logs each session, those it blocks included."""
    if it.get("state", default="ENABLED") == "DISABLED":
        return
    logged = it.get("enableFullLogging", default=False)
    if logged is UNKNOWN:
        yield undecided(it, "enableFullLogging")
    elif logged is not True:
        yield wrong(it, "enableFullLogging", "is off")


@stack_policy(
    "zia-block-last",
    types=(FIREWALL, URL),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Block every destination for these locations behind the last rule: URL filtering allows what no rule names.",
)
def block_last(stack: Stack, _: Config) -> Findings:
    """Behind the rules that let through stands one that blocks the rest, in the cloud firewall and in URL filtering."""
    for tenant in tenants(stack):
        for kind, props in ((FIREWALL_RULE, (*_LIMIT[FIREWALL], *_SERVICES)), (URL_RULE, _LIMIT[URL])):
            rules = tenant.of_kind(kind)
            allowing = [one for one in rules if _allows(one)]
            verdicts = {one.urn: _blocks_the_rest(one, props, allowing) for one in rules}
            if not allowing or True in verdicts.values():
                continue
            unsure = next((one for one in rules if verdicts[one.urn] is UNKNOWN), None)
            if unsure is not None:
                yield undecided(unsure, "")
            else:
                what = "cloud firewall" if kind == FIREWALL_RULE else "URL filtering"
                yield wrong(allowing[-1], "", f"is followed by no rule of the {what} that blocks the rest")


def _blocks_the_rest(one: Resource, props: tuple[str, ...], allowing: list[Resource]) -> Any:
    does, limited = _does(one, *_BLOCKS), limits(one, *props)
    if does is False or limited is True:
        return False
    order, others = one.get("order"), [other.get("order") for other in allowing]
    if UNKNOWN in (does, limited, order, *others):
        return UNKNOWN
    return one.get("defaultRule") is True or all(isinstance(other, int | float) and other < order for other in others)


@stack_policy(
    "zia-rule-order",
    types=(FIREWALL, URL),
    severity=Severity.HIGH,
    soc2=Soc2.CC8_1,
    fix="Give every rule a number of its own: of two with one number, nobody knows which one is looked at first.",
)
def rule_order(stack: Stack, _: Config) -> Findings:
    """No two enabled rules of one tenant have the same order and rank."""
    for tenant in tenants(stack):
        for kind in (FIREWALL_RULE, URL_RULE):
            rules = [one for one in tenant.of_kind(kind) if one.get("state") != "DISABLED" and one.get("defaultRule") is not True]
            taken: dict[tuple[Any, Any], Resource] = {}
            for one in rules:
                place = (one.get("order"), one.get("rank", default=7))
                if UNKNOWN in place:
                    yield undecided(one, "order" if place[0] is UNKNOWN else "rank")
                elif place in taken:
                    yield wrong(one, "order", f"is {place[0]:.0f} with rank {place[1]:.0f}, as that of {taken[place].name}")
                taken.setdefault(place, one)


@stack_policy(
    "zia-activated",
    types=(FIREWALL, URL, PLACE),
    beside=(ACTIVATION, "airlock:index:*"),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC8_1,
    fix="Add an `Activation` with status ACTIVE that depends on every location and rule: nothing else puts them in force.",
)
def activated(stack: Stack, _: Config) -> Findings:
    """What is configured is put in force: an activation waits for every location and rule."""
    for tenant in tenants(stack):
        relevant = tenant.of_kind(LOCATION, FIREWALL_RULE, URL_RULE)
        waits = tenant.activated
        for one in tenant.of_kind("Activation"):
            if one.get("status") is UNKNOWN:
                yield undecided(one, "status")
        if waits is None:
            if relevant:
                yield wrong(relevant[0], "", "is never activated: the stack has no activation")
            continue
        for one in relevant:
            if one.urn not in waits:
                yield wrong(one, "", "is not activated: no activation waits for it")
