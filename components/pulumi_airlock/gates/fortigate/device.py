"""The FortiGates of a stack: which resources are on which device, and what a reference in one of them means.

Both packages' tokens are one, `fortios:firewall/policy:Policy` (pulumiverse) and `fortios:index/firewallPolicy:FirewallPolicy`
(the older package, and the bridge to any Terraform provider); they also differ in plurals. See `dialect`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...tokens import FORTIGATE_GATE
from ..kinds import kind_of as kind_of_type
from ..stack import UNKNOWN, Resource, Stack

POLICY = "firewallpolicy"
ADDRESS, ADDRESS_GROUP, VIP, VIP_GROUP = "firewalladdress", "firewalladdrgrp", "firewallvip", "firewallvipgrp"
ADDRESS6, ADDRESS_GROUP6, VIP6, VIP_GROUP6 = "firewalladdress6", "firewalladdrgrp6", "firewallvip6", "firewallvipgrp6"
SERVICE, SERVICE_GROUP = "firewallservicecustom", "firewallservicegroup"
RECURRING, ONETIME, SCHEDULE_GROUP = "firewallschedulerecurring", "firewallscheduleonetime", "firewallschedulegroup"
MOVE, SORT, SEQUENCE = "firewallpolicymove", "firewallpolicysort", "firewallsecuritypolicyseq"
ZONE, GLOBAL, USER_GROUP, PHASE1 = "systemzone", "systemglobal", "usergroup", "vpnipsecphase1interface"
INTERFACE = "systeminterface"
SAML, LDAP, RADIUS, TACACS, LOCAL, PEER = "usersaml", "userldap", "userradius", "usertacacs", "userlocal", "userpeer"
USER_SETTING = "usersetting"

ADDRESSES: Mapping[int, tuple[str, ...]] = {
    4: (ADDRESS, ADDRESS_GROUP, VIP, VIP_GROUP),
    6: (ADDRESS6, ADDRESS_GROUP6, VIP6, VIP_GROUP6),
}
SERVICES = (SERVICE, SERVICE_GROUP)
SCHEDULES = (RECURRING, ONETIME, SCHEDULE_GROUP)
SERVERS = (SAML, LDAP, RADIUS, TACACS)
LOCAL_USERS = (LOCAL, PEER)
INTERFACES = (PHASE1, INTERFACE, ZONE)


def kind_of(resource: Resource) -> str:
    """What a resource is, whichever package it comes from: `firewallpolicy`; empty when it is nothing of a FortiGate's.

    It is the Terraform resource's name without `fortios_` and `_`.
    """
    kind = kind_of_type(resource.type)
    return kind.removeprefix("fortios:") if kind.startswith("fortios:") else ""


def prop(resource: Resource, name: str) -> Any:
    """A property, by its plural or its singular."""
    value = resource.get(name)
    return resource.get(_singular(name)) if value is None else value


def prop_text(resource: Resource, name: str, default: str = "") -> Any:
    """A property as text: `UNKNOWN`, or a string; `default` where it is absent."""
    value = resource.get(name)
    if value is UNKNOWN:
        return UNKNOWN
    return default if value is None else str(value)


def _singular(name: str) -> str:
    return name.removesuffix("s")


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of a list of references: a name, or `UNKNOWN`, and the resource of that name where the stack has it."""

    name: Any
    resource: Resource | None = None

    @property
    def token(self) -> str | None:
        """Something that is the same for the same object: its name, else its URN; None when neither is known."""
        if self.name is not UNKNOWN:
            return str(self.name)
        if self.resource is None:
            return None
        name = self.resource.get("name")
        return str(name) if isinstance(name, str) else self.resource.urn


@dataclass(eq=False)
class Device:
    """One FortiGate, or one VDOM of one: a table of policies and the objects they name."""

    provider: str
    """URN of the provider, or of the first of several with one hostname."""
    hostname: str
    """As the provider has it; empty where the stack does not tell."""
    vdom: str
    """Empty where it is the provider's own, or not known."""
    resources: list[Resource] = field(default_factory=list)
    components: list[Resource] = field(default_factory=list)
    """The FortigateGate components with policies on this device."""

    @property
    def name(self) -> str:
        """What to call it where no component does: its provider's name."""
        return self.provider.rsplit("::", 1)[-1] or "fortigate"

    @cached_property
    def _by_kind(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for one in self.resources:
            found.setdefault(kind_of(one), []).append(one)
        return found

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], Resource]:
        return {(kind, str(one.get("name"))): one for kind, listed in self._by_kind.items() for one in listed if one.get("name")}

    def of_kind(self, *kinds: str) -> list[Resource]:
        """The device's resources of these kinds."""
        return [one for kind in kinds for one in self._by_kind.get(kind, ())]

    def named(self, name: str, *kinds: str) -> Resource | None:
        """The resource with this name on the device."""
        return next((found for kind in kinds if (found := self._by_name.get((kind, name)))), None)

    def references(self, resource: Resource, name: str, *kinds: str) -> list[Reference]:
        """What a list of `{name}` refers to, in its order.

        By the property's dependencies first, which hold where names are not known yet, else by name on the same device. Where the
        dependencies do not tell which unknown is which object, the reference has neither name nor resource.
        """
        given = prop(resource, name)
        if given is None:
            return []
        used = resource.refers_to(name) or resource.refers_to(_singular(name))
        candidates = [one for one in used if kind_of(one) in kinds]
        if given is UNKNOWN:
            return [Reference(UNKNOWN)]
        entries = [_entry_name(one) for one in (given if isinstance(given, list | tuple) else [given])]
        known = {entry for entry in entries if entry is not UNKNOWN}
        rest = [one for one in candidates if not (isinstance(name := one.get("name"), str) and name in known)]
        unknowns = sum(entry is UNKNOWN for entry in entries)
        fitting: Iterator[Resource] = iter(rest if len(rest) == unknowns else ())
        return [self._reference(entry, candidates, fitting, kinds) for entry in entries]

    def _reference(
        self, entry: Any, candidates: list[Resource], fitting: Iterator[Resource], kinds: tuple[str, ...]
    ) -> Reference:
        if entry is UNKNOWN:
            return Reference(UNKNOWN, next(fitting, None))
        direct = next((one for one in candidates if one.get("name") == entry), None)
        return Reference(entry, direct or self.named(entry, *kinds))


def _entry_name(entry: Any) -> Any:
    """The name in one entry: `{name: x}`, a zone's `{interfaceName: x}`, or `x` itself."""
    if isinstance(entry, Mapping):
        entry = next((entry[key] for key in ("name", "interfaceName") if entry.get(key) is not None), UNKNOWN)
    return entry if entry is UNKNOWN else str(entry)


def devices(stack: Stack, also: Callable[[Device], bool] | None = None) -> list[Device]:
    """The FortiGates that a stack has policies on, and others that are asked for, in the stack's order."""
    found: dict[tuple[str, str], Device] = {}
    for resource in stack.resources:
        if not kind_of(resource) or not resource.custom:
            continue
        hostname, default_vdom = _endpoint(stack.find(resource.provider))
        given = resource.get("vdomparam")
        vdom = "" if given is UNKNOWN else str(given or default_vdom)
        # Two providers for one host are one device, and its policies one table.
        device = found.setdefault((hostname or resource.provider, vdom), Device(resource.provider, hostname, vdom))
        device.resources.append(resource)
        if kind_of(resource) == POLICY:
            for above in resource.ancestors():
                if above.type == FORTIGATE_GATE and above not in device.components:
                    device.components.append(above)
    return [one for one in found.values() if one.of_kind(POLICY) or (also is not None and also(one))]


def _endpoint(provider: Resource | None) -> tuple[str, str]:
    """A provider's hostname and VDOM, empty where they come from its environment or are not known."""
    if provider is None:
        return "", ""
    hostname, vdom = provider.get("hostname"), provider.get("vdom")
    return (hostname.lower() if isinstance(hostname, str) else ""), (vdom if isinstance(vdom, str) else "")
