"""A FortiGate's resources as the backup that the device would write: with none of the importer's code."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pulumi_airlock.gates.fortigate.device import devices, kind_of
from pulumi_airlock.gates.fortigate.order import Order
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack

TABLES = {
    "firewalladdress": "firewall address",
    "firewalladdress6": "firewall address6",
    "firewalladdrgrp": "firewall addrgrp",
    "firewalladdrgrp6": "firewall addrgrp6",
    "firewallservicecustom": "firewall service custom",
    "firewallservicegroup": "firewall service group",
    "firewallschedulerecurring": "firewall schedule recurring",
    "systemzone": "system zone",
    "systeminterface": "system interface",
    "vpnipsecphase1interface": "vpn ipsec phase1-interface",
    "usersaml": "user saml",
    "usergroup": "user group",
    "firewallpolicy": "firewall policy",
}
SETTING_NAMES = {
    "srcintfs": "srcintf",
    "dstintfs": "dstintf",
    "srcaddrs": "srcaddr",
    "dstaddrs": "dstaddr",
    "srcaddr6s": "srcaddr6",
    "dstaddr6s": "dstaddr6",
    "services": "service",
    "members": "member",
    "interfaces": "interface",
    "excludeMembers": "exclude-member",
    "ztnaEmsTags": "ztna-ems-tag",
}
INTERNAL = {"policyid", "name", "vdomparam", "id"}


def backup(stack: Stack, hostname: str, timezone: str = "Europe/Zurich", more: str = "") -> str:
    """The whole backup of a stack's one FortiGate."""
    (device,) = [one for one in devices(stack) if one.components] or devices(stack)
    resources = [one for one in stack.resources if kind_of(one)]
    lines = ["#config-version=FG100F-7.4.3-FW-build2573-240201:opmode=0:vdom=0:user=admin", "#buildno=2573"]
    lines += ["config system global", f"    set hostname {quoted(hostname)}", f"    set timezone {quoted(timezone)}", "end"]
    for kind, table in TABLES.items():
        entries = Order(device).policies if kind == "firewallpolicy" else [one for one in resources if kind_of(one) == kind]
        if entries:
            lines += [f"config {table}"]
            lines += [line for number, one in enumerate(entries, 101) for line in entry(table, one, number)]
            lines += ["end"]
    for one in (one for one in resources if kind_of(one) == "usersetting"):
        lines += ["config user setting", *settings(one.properties), "end"]
    return "\n".join(lines) + "\n" + more


def entry(table: str, one: Resource, number: int) -> list[str]:
    """`edit … next` of one resource."""
    key = str(number) if table == "firewall policy" else quoted(str(one.get("name")))
    named = [f"        set name {quoted(str(one.get('name')))}"] if table == "firewall policy" else []
    return [f"    edit {key}", *named, *settings(one.properties), "    next"]


def settings(properties: Mapping[str, Any]) -> Iterable[str]:
    """The `set` lines of a resource; nested lists of objects as nested tables."""
    for prop, value in properties.items():
        if prop in INTERNAL or value is UNKNOWN or value in ("", []):
            if prop == "psksecret":
                yield "        set psksecret ENC c2VjcmV0LXRoYXQtbm9ib2R5LXNlZXM="
            continue
        if prop == "matches":
            yield "        config match"
            for number, match in enumerate(value, 1):
                yield from (f"            edit {number}", f"                set server-name {quoted(match['serverName'])}")
                yield from (f"                set group-name {quoted(match['groupName'])}", "            next")
            yield "        end"
        elif isinstance(value, list) and all(isinstance(item, dict) for item in value):
            names = [str(item.get("name", item.get("interfaceName"))) for item in value]
            yield f"        set {SETTING_NAMES.get(prop, kebab(prop))} {' '.join(map(quoted, names))}"
        elif prop in ("start", "end", "day", "subnet", "ip") or str(prop).endswith("Portrange"):
            yield f"        set {kebab(prop)} {value}"
        elif isinstance(value, str | int | float):
            yield f"        set {kebab(prop)} {quoted(str(value))}"


def kebab(prop: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", prop).lower()


def quoted(text: str) -> str:
    """A value as FortiOS writes it: in quotes, with a backslash before quotes and backslashes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
