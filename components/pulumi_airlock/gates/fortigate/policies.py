"""What one policy matches: its fields as bounds, its interfaces, and the boxes that come of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from ...proof.filters import Action, Match, Who
from ...proof.sets import Hosts, Intervals, Names, Services
from ...proof.times import NEVER, Once, Times
from ..stack import UNKNOWN, Resource
from .bounds import Bound, union
from .device import INTERFACES, USER_GROUP, VIP, VIP6, Device, prop, prop_text
from .objects import NO_HOSTS, Objects, every
from .site import Place

_ACTIONS: Mapping[str, Action] = {"accept": Action.ALLOW, "allow": Action.ALLOW, "ipsec": Action.ALLOW, "deny": Action.DENY}
"""`allow` is FortiOS 6.2's word for accept; `ipsec` accepts into a policy-based tunnel."""

_NARROWING: Mapping[str, tuple[Any, ...]] = {
    "ztnaStatus": ("disable",),
    "ztnaEmsTags": ([],),
    "ztnaGeoTags": ([],),
    "sgtCheck": ("disable",),
    "srcVendorMacs": ([],),
    "devices": ([],),
    "networkServiceDynamics": ([],),
    "networkServiceSrcDynamics": ([],),
    "urlCategories": ([],),
    "tosMask": ("0x00",),
    "reputationMinimum": (0, "0"),
    "matchVipOnly": ("disable",),
}
"""Properties that let a policy match less than its addresses and services say, and the values with which they do not."""


@dataclass(frozen=True, slots=True)
class Ingress:
    """The interfaces by which traffic comes to a policy."""

    names: frozenset[str]
    complete: bool
    """Whether these are all of them."""

    @property
    def anywhere(self) -> bool:
        """Whether it is every interface."""
        return "any" in self.names

    def covers(self, other: "Ingress") -> bool:
        """Whether whatever comes in at `other` comes in here."""
        return self.anywhere or (other.complete and not other.anywhere and other.names <= self.names)

    def misses(self, other: "Ingress") -> bool:
        """Whether nothing that comes in at `other` comes in here."""
        return self.complete and other.complete and not self.anywhere and not other.anywhere and not self.names & other.names


@dataclass(frozen=True, slots=True)
class Box:
    """A match, and what of it is not known: empty when it surely matches."""

    match: Match
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """Sources and destinations of one address family, or of both where names do not tell the families apart."""

    sources: Bound[Hosts]
    hosts: Bound[Hosts]


@dataclass(frozen=True, slots=True)
class PolicyReading:
    """An enabled policy as read, but for where it stands among the others."""

    policy: Resource
    actions: tuple[Action, ...]
    """One; both when the action is not known."""
    ingress: Ingress
    sides: tuple[Side, ...]
    services: Bound[Services]
    times: Bound[Times]
    reasons: tuple[str, ...]
    """Why it may not match even where all of its fields do."""
    groups: frozenset[str] | None
    """Groups of the identity provider that it is for; None: it does not ask who it is."""
    some_people: tuple[str, ...]
    """Properties that let in people, or machines, of whom the stack does not tell who they are."""
    strangers: tuple[str, ...]
    """Properties that let in people of whom it does not tell who they are: never a task."""
    through: tuple[str, ...]

    def boxes(self, whos: list[tuple[Who, tuple[str, ...]]]) -> Iterator[Box]:
        """What it matches of these callers: surely, and perhaps."""
        for who, doubts in whos:
            for side in self.sides:
                doubtful = (*doubts, *self.reasons)
                unsure = (*side.sources.reasons, *side.hosts.reasons, *self.services.reasons, *self.times.reasons)
                if not doubtful:
                    sure = _match(who, side.sources.sure, side.hosts.sure, self.services.sure, self.times.sure)
                    if sure is not None:
                        yield Box(sure, ())
                if doubtful or unsure:
                    maybe = _match(who, side.sources.maybe, side.hosts.maybe, self.services.maybe, self.times.maybe)
                    if maybe is not None:
                        yield Box(maybe, tuple(dict.fromkeys((*doubtful, *unsure))))


def _match(who: Who, sources: Hosts, hosts: Hosts, services: Services, times: Times) -> Match | None:
    if not sources or not hosts or not services or times == NEVER:
        return None
    both = sources.addresses() == Hosts.every().addresses()
    caller = Who(environments=who.environments, groups=who.groups, sources=None if both else sources)
    return Match(who=caller, hosts=hosts, services=services, times=times)


def read_policy(policy: Resource, device: Device, place: Place, objects: Objects) -> PolicyReading | None:
    """What a policy says; None when it is disabled, or can match nothing."""
    status = prop_text(policy, "status", "enable")
    if status == "disable":
        return None
    reasons = [f"{policy.name}.status"] if status is UNKNOWN else []
    action = prop_text(policy, "action", "deny")
    known_action = _ACTIONS.get(action) if action is not UNKNOWN else None
    if known_action is None:
        reasons.append(f"{policy.name}.action")
    reasons += [f"{policy.name}.{key}" for key, harmless in _NARROWING.items() if prop(policy, key) not in (None, "", *harmless)]
    egress = _interfaces(policy, "dstintfs", device, place)
    sides, services = _what(policy, device, place, objects, egress)
    if not egress.complete or (known_action is not Action.ALLOW and not place.territories and not egress.anywhere):
        reasons.append(f"{policy.name}.dstintfs")
    times = _times(policy, objects)
    if not sides or not services.maybe:
        return None
    people = _people(policy, device, place)
    through = [
        *(urn for side in sides for urn in (*side.sources.through, *side.hosts.through)),
        *services.through,
        *times.through,
    ]
    return PolicyReading(
        policy=policy,
        actions=(known_action,) if known_action else (Action.ALLOW, Action.DENY),
        ingress=_interfaces(policy, "srcintfs", device, place),
        sides=sides,
        services=services,
        times=times,
        reasons=tuple(reasons),
        groups=people.groups,
        some_people=people.some,
        strangers=people.strangers,
        through=tuple(dict.fromkeys((*through, *people.urns))),
    )


def _interfaces(policy: Resource, key: str, device: Device, place: Place) -> Ingress:
    names, complete = place.spread(device.references(policy, key, *INTERFACES))
    return Ingress(names, complete and bool(names))


def _what(
    policy: Resource, device: Device, place: Place, objects: Objects, egress: Ingress
) -> tuple[tuple[Side, ...], Bound[Services]]:
    """Sources and destinations by family, and services."""
    services = _negated(
        policy, "serviceNegate", objects.services(policy, "services"), Services.complement, Services.every(), Services()
    )
    elsewhere = NO_HOSTS if egress.anywhere or not egress.complete else place.not_behind(egress.names)
    sides = []
    for family, suffix in ((4, ""), (6, "6")):
        internet = prop_text(policy, f"internetService{suffix}", "disable")
        sources = _sources(policy, objects, family, suffix)
        if internet == "disable":
            hosts = _addresses(policy, objects, f"dstaddr{suffix}", family)
        else:
            # An internet service stands for addresses and ports that only the device knows.
            reason = f"{policy.name}.internetService{suffix}"
            hosts = Bound(NO_HOSTS, every(family), (reason,))
            services = Bound(Services(), Services.every(), (*services.reasons, reason))
        hosts = Bound(_without(hosts.sure, elsewhere), _without(hosts.maybe, elsewhere), hosts.reasons, hosts.through)
        hosts = _but_translated(policy, device, hosts)
        if sources.maybe and hosts.maybe:
            sides.append(Side(sources, hosts))
    return _together(sides), services


def _sources(policy: Resource, objects: Objects, family: int, suffix: str) -> Bound[Hosts]:
    if prop_text(policy, f"internetService{suffix}Src", "disable") != "disable":
        return Bound(NO_HOSTS, every(family), (f"{policy.name}.internetService{suffix}Src",))
    found = _addresses(policy, objects, f"srcaddr{suffix}", family)
    if not found.maybe.names.mentioned():
        return Bound(found.sure.addresses(), found.maybe.addresses(), found.reasons, found.through)
    # A source is an address: which ones a name has, only the device knows.
    anything = every(family).addresses()
    return Bound(
        found.sure.addresses(), anything, (*found.reasons, f"{policy.name}.srcaddr{suffix}s: a name as source"), found.through
    )


def _addresses(policy: Resource, objects: Objects, field: str, family: int) -> Bound[Hosts]:
    whole = every(family)
    return _negated(
        policy,
        f"{field}Negate",
        objects.addresses(policy, f"{field}s", family),
        lambda one: _without(whole, one),
        whole,
        NO_HOSTS,
    )


def _without(whole: Hosts, part: Hosts) -> Hosts:
    """The difference, with its names in the simplest form: most sets list a few."""
    listed = whole.names.patterns
    if whole.names.inverted or whole.names.either or any(name.startswith("*.") for name in listed):
        return whole - part
    left = Names(frozenset(name for name in listed if name not in part.names))
    return Hosts(*_addresses_of(whole - part), left)


def _addresses_of(hosts: Hosts) -> tuple[Intervals, Intervals]:
    return hosts.v4, hosts.v6


def _negated(policy: Resource, key: str, found: Bound[Any], complement: Any, whole: Any, empty: Any) -> Bound[Any]:
    """A field, or the inverse of the whole field where its negation is on. A field without entries matches nothing either way."""
    negate = prop_text(policy, key, "disable")
    if negate == "disable" or not found.maybe:
        return found
    reasons = found.reasons
    if negate != "enable":
        return Bound(empty, whole, (*reasons, f"{policy.name}.{key}"), found.through)
    sure, maybe = complement(found.maybe), complement(found.sure)
    if isinstance(found.maybe, Hosts) and found.maybe.names.mentioned():
        # What a name resolves to is excluded too, and only the device knows what that is.
        sure, reasons = empty, (*reasons, f"{policy.name}.{key}: a name, whose addresses are not known")
    return Bound(sure, maybe, reasons, found.through)


def _together(sides: list[Side]) -> tuple[Side, ...]:
    """Both families as one side where they are the same but for the family: a packet is never of both."""
    if len(sides) < 2:
        return tuple(sides)
    first, second = sides
    same_names = first.hosts.sure.names == second.hosts.sure.names and first.hosts.maybe.names == second.hosts.maybe.names
    if not same_names:
        return tuple(sides)
    return (
        Side(
            union([first.sources, second.sources], NO_HOSTS),
            union([first.hosts, second.hosts], NO_HOSTS),
        ),
    )


def _but_translated(policy: Resource, device: Device, hosts: Bound[Hosts]) -> Bound[Hosts]:
    """A policy on plain addresses may miss what a virtual IP has translated: destination NAT comes before the lookup.

    `match_vip` catches it; its default differs between versions (enabled from 7.2.3), so that only an explicit one counts.
    """
    vips = device.of_kind(VIP, VIP6)
    if not vips or prop_text(policy, "matchVip") == "enable":
        return hosts
    outside = Hosts.union(_external(one) for one in vips)
    if not (outside & hosts.sure).addresses():
        return hosts
    return Bound(
        hosts.sure - outside, hosts.maybe, (*hosts.reasons, f"{policy.name}.matchVip: {vips[0].name} translates"), hosts.through
    )


def _external(vip: Resource) -> Hosts:
    first, _, last = str(vip.get("extip", default="")).partition("-")
    try:
        return Hosts.from_range(ip_address(first), ip_address(last or first))
    except ValueError:
        return Hosts.every()


def _times(policy: Resource, objects: Objects) -> Bound[Times]:
    """The schedule, and the policy's own expiry."""
    found = objects.schedule(policy)
    expiry = prop_text(policy, "policyExpiry", "disable")
    if expiry == "disable":
        return found
    end = objects.local_time(policy.get("policyExpiryDate"), "%Y-%m-%d %H:%M:%S")
    if expiry != "enable" or end is None:
        return Bound(NEVER, found.maybe, (*found.reasons, f"{policy.name}.policyExpiryDate"), found.through)
    limit: Times = (frozenset({Once(None, end)}),)
    sure = NEVER if found.sure == NEVER else (*found.sure, *limit)
    return Bound(sure, (*found.maybe, *limit), found.reasons, found.through)


@dataclass(frozen=True, slots=True)
class _People:
    """Who a policy asks for: see `PolicyReading`."""

    groups: frozenset[str] | None
    some: tuple[str, ...]
    strangers: tuple[str, ...]
    urns: tuple[str, ...]


def _people(policy: Resource, device: Device, place: Place) -> _People:
    asked = device.references(policy, "groups", USER_GROUP)
    known: set[str] = set()
    strangers: list[str] = []
    some = [f"{policy.name}.{key}" for key in ("users", "fssoGroups") if prop(policy, key) not in (None, [])]
    for one in asked:
        if one.name is UNKNOWN and one.resource is None:
            some.append(f"{policy.name}.groups")
        else:
            found = place.members(one)
            known |= found.groups
            strangers += found.doubts
    urns = tuple(one.resource.urn for one in asked if one.resource is not None)
    groups = frozenset(known) if asked or some else None
    return _People(groups, tuple(dict.fromkeys(some)), tuple(dict.fromkeys(strangers)), urns)
