"""A FortiGate's configuration backup (`show`, `show full-configuration`, or a file of System > Configuration > Backup).

Each VDOM is a device of its own. Tables become the resources that the FortiOS provider would have for them, with its names of
properties; the order of policies is that of the backup. Values that are secret, encrypted or not, are left out.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from ..gates.fortigate.services import port_ranges
from ..gates.stack import UNKNOWN
from .fortios_site import place, sdwan_zones
from .fortios_text import Node, is_backup, parse
from .making import Made, Source, slug

TABLES: Mapping[str, str] = {
    "firewall address": "firewall/address:Address",
    "firewall address6": "firewall/address6:Address6",
    "firewall addrgrp": "firewall/addrgrp:Addrgrp",
    "firewall addrgrp6": "firewall/addrgrp6:Addrgrp6",
    "firewall consolidated policy": "firewall/consolidated/policy:Policy",
    "firewall ippool": "firewall/ippool:Ippool",
    "firewall local-in-policy": "firewall/localinpolicy:Localinpolicy",
    "firewall policy": "firewall/policy:Policy",
    "firewall policy46": "firewall/policy46:Policy46",
    "firewall policy6": "firewall/policy6:Policy6",
    "firewall policy64": "firewall/policy64:Policy64",
    "firewall proxy-policy": "firewall/proxypolicy:Proxypolicy",
    "firewall schedule group": "firewall/schedule/group:Group",
    "firewall schedule onetime": "firewall/schedule/onetime:Onetime",
    "firewall schedule recurring": "firewall/schedule/recurring:Recurring",
    "firewall security-policy": "firewall/securitypolicy:Securitypolicy",
    "firewall service custom": "firewall/service/custom:Custom",
    "firewall service group": "firewall/service/group:Group",
    "firewall vip": "firewall/vip:Vip",
    "firewall vip6": "firewall/vip6:Vip6",
    "firewall vipgrp": "firewall/vipgrp:Vipgrp",
    "firewall vipgrp6": "firewall/vipgrp6:Vipgrp6",
    "router static": "router/static:Static",
    "router static6": "router/static6:Static6",
    "system interface": "system/interface:Interface",
    "system zone": "system/zone:Zone",
    "user group": "user/group:Group",
    "user ldap": "user/ldap:Ldap",
    "user local": "user/local:Local",
    "user peer": "user/peer:Peer",
    "user radius": "user/radius:Radius",
    "user saml": "user/saml:Saml",
    "user setting": "user/setting:Setting",
    "user tacacs+": "user/tacacs:Tacacs",
    "vpn ipsec phase1-interface": "vpn/ipsec/phase1interface:Phase1interface",
    "vpn ipsec phase2-interface": "vpn/ipsec/phase2interface:Phase2interface",
}
"""What is imported, by the types of pulumiverse-fortios 0.0.6. Others do not decide what is let through, or are not read."""

_PROVIDER = "pulumi:providers:fortios"

_LISTS: Mapping[str, str] = {
    "srcintf": "srcintfs",
    "dstintf": "dstintfs",
    "srcaddr": "srcaddrs",
    "dstaddr": "dstaddrs",
    "srcaddr6": "srcaddr6s",
    "dstaddr6": "dstaddr6s",
    "service": "services",
    "groups": "groups",
    "users": "users",
    "fsso-groups": "fssoGroups",
    "poolname": "poolnames",
    "internet-service-name": "internetServiceNames",
    "internet-service-src-name": "internetServiceSrcNames",
    "ztna-ems-tag": "ztnaEmsTags",
    "ztna-geo-tag": "ztnaGeoTags",
    "src-vendor-mac": "srcVendorMacs",
    "network-service-dynamic": "networkServiceDynamics",
    "network-service-src-dynamic": "networkServiceSrcDynamics",
    "url-category": "urlCategories",
    "member": "members",
    "exclude-member": "excludeMembers",
}
"""Settings that name objects: `[{name}]` in the provider, and their plurals."""

_DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "firewall address": {"type": "ipmask"},
    "firewall address6": {"type": "ipprefix"},
    "firewall schedule recurring": {"day": "none", "start": "00:00", "end": "00:00"},
    "firewall policy": {"status": "enable", "action": "deny", "schedule": "always"},
    "user setting": {"auth-on-demand": "implicitly"},
}
"""What FortiOS takes where a backup says nothing, as `show` does of defaults (FortiOS 7.4 CLI reference)."""
_NO_ADDRESS: Mapping[str, tuple[str, str]] = {
    "firewall address": ("subnet", "0.0.0.0 0.0.0.0"),
    "firewall address6": ("ip6", "::/0"),
}
_SECRETS = re.compile(r"passw|secret|private-key|psk|^key$|token|enc-?key|auth-?pwd")
_SDWAN = ("system sdwan", "system virtual-wan-link")
"""Since FortiOS 6.4.1, and before."""
_SPEAKERS = {"bgp": ("neighbor", "neighbor-range"), "ospf": ("network",), "rip": ("network",), "isis": ("isis-interface",)}
"""Routing protocols → the tables whose entries say that routes are learned."""
_EVERY_DAY = frozenset({"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"})
_CLOCK = re.compile(r"([01]?\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Vdom:
    """One VDOM, or the whole device where it has none: its own tables, and those that all VDOMs share."""

    name: str
    """Empty where the device has none."""
    tables: tuple[Node, ...]
    shared: tuple[Node, ...]

    def entries(self, table: str) -> Iterator[Node]:
        """The entries of a table; of interfaces, those that are this VDOM's."""
        for one in self.tables:
            if one.name == table:
                yield from one.entries
        for one in self.shared if table == "system interface" else ():
            if one.name == table:
                yield from (entry for entry in one.entries if entry.text("vdom", "root") == self.name)

    def setting(self, table: str) -> Node | None:
        """A table without entries (`system global`)."""
        return next((one for one in (*self.tables, *self.shared) if one.name == table), None)


def recognizes(source: Source) -> bool:
    """Whether a file is a backup."""
    return not source.documents and is_backup(source.text)


def read(source: Source, made: Made) -> None:
    """Every VDOM's objects and policies as resources."""
    root = parse(source.text, source.name, source.problems)
    for vdom in _vdoms(root):
        hostname = next((node.text("hostname") for node in [vdom.setting("system global")] if node), "") or source.path.stem
        gate = slug("-".join(filter(None, (hostname, vdom.name if vdom.name != "root" else ""))))
        _Reader(source, made, vdom, gate, hostname).read()


def _vdoms(root: Node) -> list[Vdom]:
    shared = tuple(table for one in root.tables if one.name == "global" for table in one.tables)
    found: dict[str, list[Node]] = {}
    for one in root.tables:
        for entry in one.entries if one.name == "vdom" else ():
            found.setdefault(entry.name, []).extend(entry.tables)
    if not found:
        return [Vdom("", tuple(root.tables), shared)]
    return [Vdom(name, tuple(tables), shared) for name, tables in found.items() if tables]


class _Reader:
    """Reads one VDOM."""

    def __init__(self, source: Source, made: Made, vdom: Vdom, gate: str, hostname: str) -> None:
        self._source, self._made, self._vdom, self._gate = source, made, vdom, gate
        self._hostname = hostname

    def read(self) -> None:
        """All its tables, after where it stands; then the order of its policies."""
        settings = {"hostname": self._hostname, **({"vdom": self._vdom.name} if self._vdom.name else {})}
        if any(one.type == _PROVIDER and one.properties == settings for one in self._made.resources):
            self._source.problems.add(
                "", f"{self._gate} is in another source too: give one backup of it", place=self._source.name
            )
            return
        provider = self._made.add(_PROVIDER, self._gate, settings).urn
        tables = {name: list(self._vdom.entries(name)) for name in TABLES}
        tables["system zone"] += sdwan_zones(map(self._vdom.setting, _SDWAN))
        self._tell_of_translation(tables)
        parent = place(self._gate, self._vdom.setting("system global"), tables, self._unread_routes(), self._made)
        setting = self._vdom.setting("user setting")
        listed = [(name, entry) for name, entries in tables.items() for entry in entries]
        for name, entry in (*listed, *([("user setting", setting)] if setting is not None else [])):
            properties = self._properties(name, entry)
            if properties is not None:
                self._add(name, entry, properties, provider, parent if name == "firewall policy" else "")
        self._order(tables["firewall policy"], provider)

    def _add(self, table: str, entry: Node, properties: dict[str, Any], provider: str, parent: str) -> None:
        name = self._gate if table == "user setting" else self._name(table, entry)
        self._made.add(f"fortios:{TABLES[table]}", name, properties, parent=parent, provider=provider, scope=self._gate)

    def _order(self, policies: list[Node], provider: str) -> None:
        if len(policies) > 1:
            ids = [int(one.name) for one in policies if one.name.isdigit()]
            sort = {"sortby": "policyid", "sortdirection": "manual", "manualOrders": ids}
            self._made.add("fortios:firewall/policySort:PolicySort", f"{self._gate}-sequence", sort, provider=provider)

    def _unread_routes(self) -> list[str]:
        """What decides about routes, and is not in a backup, or is not read."""
        nodes = [(protocol, self._vdom.setting(f"router {protocol}"), asked) for protocol, asked in _SPEAKERS.items()]
        found = [
            protocol
            for protocol, node, asked in nodes
            if node is not None and any((table := node.table(one)) is not None and table.entries for one in asked)
        ]
        rules = [one for table in self._vdom.tables if table.name == "router policy" for one in table.entries]
        found += ["policy routes"] if any(one.text("status", "enable") == "enable" for one in rules) else []
        services = [one.table("service") for one in map(self._vdom.setting, _SDWAN) if one is not None]
        steered = [one for table in services if table is not None for one in table.entries]
        past_routes = any("enable" in (one.text("gateway"), one.text("default")) for one in steered)
        return [*found, *(["rules of SD-WAN that go past routes"] if past_routes else [])]

    def _tell_of_translation(self, tables: Mapping[str, list[Node]]) -> None:
        """With central NAT a virtual IP holds without any policy that names it: policies are asked for what it translates to."""
        settings = self._vdom.setting("system settings")
        if settings is not None and settings.text("central-nat") == "enable" and (vips := tables["firewall vip"]):
            names = ", ".join(f"{one.name} ({one.text('extip', 'no address')})" for one in vips)
            self._made.notes.append(
                f"{self._gate}: central NAT is on, so that virtual IPs hold for every policy: what is reached by their outer "
                f"addresses is what policies say of the inner ones, and is not seen: {names}"
            )

    # One entry

    def _name(self, table: str, entry: Node) -> str:
        if "policy" not in table:
            return entry.name
        return "-".join(filter(None, (TABLES[table].rpartition(":")[2].lower(), entry.name, entry.text("name"))))

    def _properties(self, table: str, entry: Node) -> dict[str, Any] | None:
        """What the provider would have; None for what means nothing else than FortiOS's own."""
        if table == "firewall schedule recurring" and entry.name == "always" and _is_always(entry):
            return None
        found: dict[str, Any] = {_camel(key): value for key, value in _DEFAULTS.get(table, {}).items()}
        found |= {_LISTS.get(key, _camel(key)): self._value(table, key, entry) for key in entry.settings}
        nested = {_plural(one.name): [self._nested(each) for each in one.entries] for one in entry.tables if one.entries}
        found = {key: value for key, value in {**found, **nested}.items() if value not in ("", [])}
        if "policy" in table:
            if not entry.name.isdigit():
                self._wrong(entry, "", f"policy {entry.name!r} has no number: write `edit` with its id")
            found["policyid"] = int(entry.name) if entry.name.isdigit() else 0
        elif table.startswith("router static"):
            found["seqNum"] = entry.name
        elif table != "user setting":
            found["name"] = entry.name
        field, anything = _NO_ADDRESS.get(table, ("", ""))
        if field and found.get("type") == _DEFAULTS[table]["type"]:
            found.setdefault(field, anything)
        self._check(table, entry)
        return found

    def _nested(self, entry: Node) -> dict[str, Any]:
        found = {_camel(key): UNKNOWN if _is_secret(key, value) else " ".join(value) for key, value in entry.settings.items()}
        return {"id": entry.name, **found}

    def _value(self, table: str, key: str, entry: Node) -> Any:
        values = entry.values(key)
        if _is_secret(key, values):
            return UNKNOWN
        if key == "interface" and table == "system zone":
            return [{"interfaceName": one} for one in values]
        if key in _LISTS:
            return [{"name": one} for one in values]
        return " ".join(values)

    # What cannot be right

    def _wrong(self, entry: Node, key: str, message: str) -> None:
        where = f"edit {entry.name}" + (f": {key}" if key else "")
        self._source.problems.add(where, message, place=f"{self._source.name}:{entry.line_of(key)}")

    def _check(self, table: str, entry: Node) -> None:
        for key, value in entry.settings.items():
            text = " ".join(value)
            try:
                _CHECKS.get((table, key), _anything)(text)
            except ValueError:
                self._wrong(entry, key, f"{text!r} is {_MEANINGS[key]}")


def _anything(text: str) -> object:
    return text


def _network(text: str) -> object:
    return ip_network("/".join(text.split()), strict=False)


def _ports(text: str) -> object:
    return port_ranges("tcp", text, "") if text else text


def _clock(text: str) -> object:
    if not _CLOCK.fullmatch(text):
        raise ValueError(text)
    return text


def _days(text: str) -> object:
    if not set(text.split()) <= {*_EVERY_DAY, "none"}:
        raise ValueError(text)
    return text


_CHECKS: Mapping[tuple[str, str], Callable[[str], object]] = {
    ("firewall address", "subnet"): _network,
    ("firewall address", "start-ip"): ip_address,
    ("firewall address", "end-ip"): ip_address,
    ("firewall address6", "ip6"): _network,
    ("system interface", "ip"): _network,
    ("router static", "dst"): _network,
    ("router static", "distance"): int,
    ("firewall service custom", "tcp-portrange"): _ports,
    ("firewall service custom", "udp-portrange"): _ports,
    ("firewall service custom", "sctp-portrange"): _ports,
    ("firewall schedule recurring", "start"): _clock,
    ("firewall schedule recurring", "end"): _clock,
    ("firewall schedule recurring", "day"): _days,
}
_MEANINGS = {
    "subnet": "no network: write an address and a mask, as in 10.20.4.0 255.255.255.0",
    "ip": "no address with its mask: write 10.20.0.1 255.255.0.0",
    "dst": "no network: write an address and a mask, as in 10.20.0.0 255.255.0.0",
    "distance": "no number: write 10",
    "ip6": "no IPv6 network: write 2001:db8::/64",
    "start-ip": "no address: write the first of the range, as in 10.20.4.10",
    "end-ip": "no address: write the last of the range, as in 10.20.4.20",
    "tcp-portrange": "no list of ports: write 443 8000-8010",
    "udp-portrange": "no list of ports: write 53 8000-8010",
    "sctp-portrange": "no list of ports: write 2905",
    "start": "no time of day: write 02:00",
    "end": "no time of day: write 04:00",
    "day": "no list of days: write monday tuesday, or none",
}


def _is_secret(key: str, values: tuple[str, ...]) -> bool:
    return values[:1] == ("ENC",) or _SECRETS.search(key) is not None


def _is_always(entry: Node) -> bool:
    """Whether a schedule is FortiOS's own `always`: every day, all day."""
    whole = entry.text("start", "00:00") == entry.text("end", "00:00")
    return whole and set(entry.values("day")) == _EVERY_DAY


def _camel(key: str) -> str:
    first, *rest = key.split("-")
    return first + "".join(one.capitalize() for one in rest)


def _plural(name: str) -> str:
    name = _camel(name.rpartition(" ")[2])
    return f"{name}es" if name.endswith(("ch", "s", "x")) else f"{name}s"
