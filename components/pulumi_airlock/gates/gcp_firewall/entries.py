"""One rule of Google's firewall, whichever resource wrote it: a VPC firewall rule, or a rule of a firewall policy."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

from ...proof.filters import Match, Part, Source, Who, no_parts
from ...proof.sets import Hosts, Services, protocol_number
from ..stack import UNKNOWN, Resource
from .boxes import ANY, EVERY_V4, PRIVATE, PUBLIC, Box, network
from .kinds import ADDRESS_GROUP
from .links import follow
from .placement import Placement
from .targets import Target

Direction = Literal["EGRESS", "INGRESS"]

_NUMBERS: Mapping[str, int] = {"ah": 51}
"""Protocols that Google has names for, beside those that `proof.sets` knows ("VPC firewall rules", "Protocols and ports")."""
_WITH_PORTS = frozenset({6, 17, 132})
_FAR_END = ("IpRanges", "Fqdns", "AddressGroups", "RegionCodes", "ThreatIntelligences", "NetworkContext", "NetworkScope")
_SOURCES = ("srcSecureTags", "srcNetworks", "srcServiceAccounts", "srcTags")
MATCHES: Mapping[Direction, frozenset[str]] = {
    "EGRESS": frozenset({"layer4Configs", "srcIpRanges", *(f"dest{one}" for one in _FAR_END)}),
    "INGRESS": frozenset({"layer4Configs", "destIpRanges", *(f"src{one}" for one in _FAR_END), *_SOURCES}),
}
"""What the match of a rule of each direction may say, and is read; another field, of a newer provider, may mean anything."""


@dataclass(frozen=True)
class Some:
    """A set of hosts or services: what is surely in it, and what may be, each with the reason why it is not known."""

    known: Hosts = Hosts()  # noqa: RUF009  # frozen
    maybe: Hosts = Hosts()  # noqa: RUF009
    reasons: tuple[str, ...] = ()

    def __or__(self, other: "Some") -> "Some":
        return Some(self.known | other.known, self.maybe | other.maybe, (*self.reasons, *other.reasons))


@dataclass(frozen=True)
class Entry:
    """One rule as it applies to an environment."""

    priority: Any
    """An integer, or UNKNOWN."""
    action: Any
    """`allow`, `deny`, `goto_next`, `apply_security_profile_group`; anything else is not known."""
    sure: tuple[Box, ...]
    maybe: tuple[tuple[Box, tuple[str, ...]], ...]
    """What it may match, with the reasons why that is not known."""
    source: Source
    name: str
    profile: str = ""
    """The security profile group that decides, for the last of the actions."""
    parts: Callable[[], tuple[Part, ...]] = no_parts

    def doubted(self, *reasons: str) -> "Entry":
        """The same rule where it is not known whether it is in force."""
        if not reasons:
            return self
        boxes = [(box, reasons) for box in self.sure] + [(box, (*why, *reasons)) for box, why in self.maybe]
        return replace(self, sure=(), maybe=tuple(boxes))


@dataclass(frozen=True)
class Written:
    """The fields of a rule under the names that policies have, with what is particular to VPC rules made the same."""

    resource: Resource
    path: tuple[str | int, ...]
    """Where in the resource it stands; empty for the whole resource."""
    fields: Mapping[str, Any]
    match: Mapping[str, Any]
    kind: str
    """What an engineer calls it: `firewall rule`, `rule`."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What its resource calls those fields that it has other names for."""
    doubts: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The resource and the place within it, as reasons name it."""
        return self.resource.name + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)

    def named(self, prop: str) -> str:
        """A field as reasons and traces name it, in the words of its resource."""
        return f"{self.where}.{self.names.get(prop, prop)}"

    def value(self, prop: str) -> Any:
        """A field of the rule itself."""
        return self.fields.get(prop)

    def listed(self, prop: str) -> list[Any]:
        """The values of a field of its match."""
        value = self.match.get(prop)
        if value is None:
            return []
        return list(value) if isinstance(value, list | tuple) else [value]

    def label(self) -> str:
        """What an engineer calls the rule: by priority, and by name or description."""
        text = self.value("ruleName") or self.value("description") or self.value("name")
        priority = self.value("priority")
        number = f" {int(priority)}" if isinstance(priority, int | float) else ""
        named = f' "{text}"' if isinstance(text, str) and text else ""
        return f"{self.kind}{number}{named}"


def entries(written: Iterable[Written], direction: Direction, placed: Placement, target: Target) -> Iterator[Entry]:
    """The rules of one direction that apply, or may apply, to an environment."""
    for one in written:
        way, disabled = one.value("direction") or "INGRESS", one.value("disabled")
        if disabled is True or way not in (direction, UNKNOWN):
            continue
        near = _own(one, "srcIpRanges" if direction == "EGRESS" else "destIpRanges", placed)
        if not near.known and not near.maybe:
            continue
        applies = target.of(one, placed)
        if applies is None:
            continue
        doubts = [*one.doubts, *applies, *_not_read(one, direction)]
        doubts += [f"{one.where}.{prop}" for prop, value in (("direction", way), ("disabled", disabled)) if value is UNKNOWN]
        yield _entry(one, direction, near).doubted(*doubts)


def _not_read(one: Written, direction: Direction) -> Iterator[str]:
    for prop in sorted(map(str, one.match)):
        if prop not in MATCHES[direction] and one.listed(prop):
            yield f"{one.named(prop)} (not read)"


def _entry(one: Written, direction: Direction, near: Some) -> Entry:
    outward = direction == "EGRESS"
    services = list(_services(one))
    far = _peers(one, "dest" if outward else "src")
    sources, hosts = (near, far) if outward else (far, near)
    sure, maybe = [], []
    for what, why in services:
        for box, reasons in _product(sources, hosts, what):
            if reasons or why:
                maybe.append((box, (*reasons, *why)))
            elif box:
                sure.append(box)
    priority = one.value("priority")
    group, action = one.value("securityProfileGroup"), one.value("action")
    return Entry(
        priority=int(priority) if isinstance(priority, int | float) else UNKNOWN,
        action=action if isinstance(action, str) else UNKNOWN,
        sure=tuple(sure),
        maybe=tuple(maybe),
        source=one.resource.at(*one.path, label=one.label()),
        name=one.where,
        profile=group if isinstance(group, str) else "not known",
        parts=partial(_parts, one, outward),
    )


def _product(sources: Some, hosts: Some, services: Services) -> Iterator[tuple[Box, tuple[str, ...]]]:
    for where, why in ((sources.known, ()), (sources.maybe, sources.reasons)):
        for there, wherefore in ((hosts.known, ()), (hosts.maybe, hosts.reasons)):
            if where and there and services:
                yield Box(where, there, services), (*why, *wherefore)


# Ends


def _own(one: Written, prop: str, placed: Placement) -> Some:
    """The near end: a rule may hold for some addresses of its target alone, and for none of this environment's."""
    values = one.listed(prop)
    if not values:
        return Some(ANY)
    found = _ranges(one, prop)
    if found.known.covers_addresses(placed.hosts):
        return Some(ANY)
    return replace(found, known=found.known.addresses() & placed.hosts)


def _peers(one: Written, side: Literal["src", "dest"]) -> Some:
    """The far end: whatever one of its lists holds, within the network context. Without any, 0.0.0.0/0.

    "Firewall policy rules", "Sources for ingress rules" and "Destinations for egress rules".
    """
    found = _ranges(one, f"{side}IpRanges") | _names(one, side) | _groups(one, side)
    for prop, what in ((f"{side}RegionCodes", "countries"), (f"{side}ThreatIntelligences", "threat intelligence")):
        if values := one.listed(prop):
            found |= Some(maybe=PUBLIC, reasons=(f"{one.named(prop)} ({what}: {_words(values)})",))
    for prop in _SOURCES:
        if side == "src" and (values := one.listed(prop)):
            found |= Some(maybe=ANY.addresses(), reasons=(f"{one.named(prop)} ({_words(values)})",))
    if not found.known and not found.maybe:
        found = Some(EVERY_V4 if side == "dest" else EVERY_V4.addresses())
    return _within(one, side, found)


def _within(one: Written, side: Literal["src", "dest"], found: Some) -> Some:
    """The part that lies in the rule's network context: private addresses are surely not on the internet."""
    prop = next((name for name in (f"{side}NetworkContext", f"{side}NetworkScope") if one.listed(name)), None)
    if prop is None or one.match.get(prop) == "UNSPECIFIED":
        return found
    context = one.match.get(prop)
    reasons = (*found.reasons, f"{one.named(prop)}" + (f" ({context})" if isinstance(context, str) else ""))
    whole = found.known | found.maybe
    match context:
        case "INTERNET":
            return Some(maybe=_only(whole, PUBLIC), reasons=reasons)
        case "NON_INTERNET":
            return Some(_only(found.known, PRIVATE).addresses(), _only(whole, PUBLIC) | _only(found.maybe, PRIVATE), reasons)
        case _:
            return Some(maybe=whole, reasons=reasons)


def _only(hosts: Hosts, part: Hosts) -> Hosts:
    """What of it lies in the part; a listed name may."""
    names = hosts.names if hosts.names.is_list else Hosts().names
    return replace(hosts.addresses() & part, names=names)


def _ranges(one: Written, prop: str) -> Some:
    known, reasons = [], []
    for value in one.listed(prop):
        hosts = _range(value)
        if hosts is None:
            reasons.append(f"{one.named(prop)}{_said(value)}")
        else:
            known.append(hosts)
    whole = known[0] if len(known) == 1 else Hosts.union(known)
    found = Some(whole, ANY if reasons else Hosts(), tuple(reasons))
    return found if prop.startswith("dest") else replace(found, known=found.known.addresses(), maybe=found.maybe.addresses())


def _range(value: Any) -> Hosts | None:
    if isinstance(value, str):
        try:
            return network(value)
        except ValueError:
            pass
    return None


def _names(one: Written, side: str) -> Some:
    prop = f"{side}Fqdns"
    values = one.listed(prop)
    if not values:
        return Some()
    if side == "dest" and all(isinstance(value, str) for value in values):
        return Some(Hosts.from_names(values))
    # As a source a name is whatever address it has, and the caller does not say which name he has.
    return Some(maybe=ANY, reasons=(f"{one.named(prop)} ({_words(values)})",))


def _groups(one: Written, side: str) -> Some:
    """Address groups: of the stack, their items; of elsewhere, anything."""
    prop = f"{side}AddressGroups"
    if not one.listed(prop):
        return Some()
    found, groups = Some(), _group_links(one, prop)
    for group in groups.resources:
        for value in group.get_list("items"):
            hosts = _range(value)
            found |= Some(hosts) if hosts is not None else Some(maybe=ANY, reasons=(f"{group.name}.items{_said(value)}",))
    if groups.foreign or groups.unknown:
        found |= Some(maybe=ANY, reasons=(f"{one.named(prop)} ({groups}: not in this stack)",))
    return found if side == "dest" else replace(found, known=found.known.addresses(), maybe=found.maybe.addresses())


def _group_links(one: Written, prop: str) -> Any:
    path = (*one.path, "match", prop)
    return follow(one.resource, path, ADDRESS_GROUP)


# Services


def _services(one: Written) -> Iterator[tuple[Services, tuple[str, ...]]]:
    """Protocols and ports, each with the reasons why it is not known whether they are meant."""
    configs = one.listed("layer4Configs")
    for position, config in enumerate(configs):
        where = f"{one.named('layer4Configs')}[{position}]"
        if not isinstance(config, Mapping) or config.get("ipProtocol") in (None, UNKNOWN):
            yield Services.every(), (f"{where}.ipProtocol",)
            continue
        text = str(config["ipProtocol"]).lower()
        try:
            whole = Services.every() if text == "all" else Services.of(_number(text))
        except ValueError:
            yield Services.every(), (f"{where}.ipProtocol ({text})",)
            continue
        yield from _ports(whole, None if text == "all" else _number(text), config.get("ports"), where)
    if not configs:
        yield Services.every(), (f"{one.named('layer4Configs')}",)


def _number(text: str) -> int:
    return _NUMBERS[text] if text in _NUMBERS else protocol_number(text)


def _ports(whole: Services, number: int | None, ports: Any, where: str) -> Iterator[tuple[Services, tuple[str, ...]]]:
    if ports is UNKNOWN:
        yield whole, (f"{where}.ports",)
        return
    if not ports:
        yield whole, ()
        return
    for value in ports if isinstance(ports, list | tuple) else [ports]:
        first, _, last = str(value).partition("-")
        try:
            if number not in _WITH_PORTS:
                raise ValueError
            yield Services.of(number, int(first), int(last or first)), ()
        except ValueError:
            yield whole, (f"{where}.ports{_said(value)}",)


# Words


def _words(values: Iterable[Any]) -> str:
    return ", ".join("not known" if value is UNKNOWN else _name(value) for value in values)


def _name(value: Any) -> str:
    return str(value.get("name", "not known")) if isinstance(value, Mapping) else str(value)


def _said(value: Any) -> str:
    return "" if value is UNKNOWN else f" ({value})"


def _parts(one: Written, outward: bool) -> tuple[Part, ...]:
    """The entries of a rule's fields, for traces."""
    found: list[Part] = []
    for prop in ("srcIpRanges", "destIpRanges"):
        for value in one.listed(prop):
            hosts = _range(value) or ANY
            match = Match(who=Who(sources=hosts.addresses())) if prop.startswith("src") else Match(hosts=hosts)
            found.append(Part(prop, "", "", match, "not known" if value is UNKNOWN else str(value)))
    side = "dest" if outward else "src"
    for value in one.listed(f"{side}Fqdns"):
        hosts = Hosts.from_names([value]) if isinstance(value, str) and outward else ANY
        found.append(Part(f"{side}Fqdns", "", "", Match(hosts=hosts), "not known" if value is UNKNOWN else str(value)))
    for prop in (f"{side}AddressGroups", f"{side}RegionCodes", f"{side}ThreatIntelligences"):
        found += [Part(prop, "", "", Match(), "not known" if value is UNKNOWN else str(value)) for value in one.listed(prop)]
    for services, why in _services(one):
        text = "every protocol and port" if services == Services.every() else str(services).replace(" ", ", ")
        found.append(Part("layer4Configs", "", "", Match(services=services), text if not why else "not known"))
    return tuple(found)
