"""What lets traffic through a FortiGate beside its policies, or writes policies that no stack shows: rules that *may* match.

Sources: FortiOS Administration Guide, "Zone" (intra-zone traffic), "Explicit web proxy"; the provider's resources for its API.
"""

from collections.abc import Iterator, Mapping

from ...proof.filters import Action, Match, Rule, Who
from ..stack import UNKNOWN, Resource
from .device import INTERFACES, ZONE, Device, Reference, prop_text
from .objects import every
from .site import Place

_TABLES: Mapping[str, tuple[Action, Match]] = {
    "firewallsecuritypolicy": (Action.DENY, Match()),
    "firewallpolicy6": (Action.ALLOW, Match(hosts=every(6))),
    "firewallpolicy64": (Action.ALLOW, Match(hosts=every(6))),
    "firewallpolicy46": (Action.ALLOW, Match(hosts=every(4))),
    "firewallconsolidatedpolicy": (Action.ALLOW, Match()),
    "firewallproxypolicy": (Action.ALLOW, Match()),
    "firewallsecurity_policy": (Action.ALLOW, Match()),
}
"""Tables of policies that are not read, and what their entries may do: NGFW mode refuses more, the others let more through."""

_WRITERS = (
    "jsongenericapi",
    "systemautoscript",
    "fmgfirewallsecuritypolicy",
    "fmgfirewallsecuritypolicypackage",
    "fmgdevicemanagerinstallpolicypackage",
    "fmgdevicemanagerscript",
    "fmgdevicemanagerscriptexecute",
    "fmgjsonrpcrequest",
)
"""What may write policies past Pulumi: calls of the API, scripts, a FortiManager."""

_PROXIES = ("webproxyexplicit", "ftpproxyexplicit")


def opens(device: Device) -> bool:
    """Whether it may let something through although the stack has no policy of it."""
    return bool(device.of_kind(*_TABLES, *_WRITERS, *_PROXIES)) or any(map(_without_policies, device.of_kind(ZONE)))


def _without_policies(zone: Resource) -> bool:
    return bool(prop_text(zone, "intrazone", "deny") != "deny")


def unread(device: Device, place: Place) -> Iterator[Rule]:
    """What may come before, or instead of, everything that policies say."""
    for kind, (action, match) in _TABLES.items():
        for one in device.of_kind(kind):
            yield Rule(action, match, one.at(), (f"{one.name}: a kind of policy that is not read",))
    for one in device.of_kind(*_WRITERS):
        if prop_text(one, "method") not in ("get", "GET"):
            for action in Action:
                yield Rule(action, Match(), one.at(), (f"{one.name}: it may write policies",))
    for one in device.of_kind(*_PROXIES):
        open_ = prop_text(one, "secDefaultAction", "deny") in ("accept", UNKNOWN)
        if open_ and prop_text(one, "status", "disable") in ("enable", UNKNOWN):
            yield Rule(
                Action.ALLOW, Match(), one.at("secDefaultAction"), (f"{one.name}.secDefaultAction: a proxy without policies",)
            )
    for zone in device.of_kind(ZONE):
        if _without_policies(zone):
            yield _between_interfaces(zone, device, place)


def _between_interfaces(zone: Resource, device: Device, place: Place) -> Rule:
    """Between the interfaces of a zone that allows it no policy is asked."""
    references = device.references(zone, "interfaces", *INTERFACES)
    names, complete = place.spread([Reference(UNKNOWN, zone), *references])
    hosts = Match().hosts - place.not_behind(names) if complete else Match().hosts
    tunnels = place.tunnels
    by_tunnel = tunnels is None or not complete or bool(tunnels & names)
    who = Who() if by_tunnel else Who(environments=frozenset())
    reason = f"{zone.name}.intrazone: between the interfaces of a zone no policy is asked"
    return Rule(Action.ALLOW, Match(who, hosts), zone.at("intrazone", label=f"zone {zone.name}"), (reason,))
