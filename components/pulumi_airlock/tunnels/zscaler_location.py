"""The location that a tunnel to Zscaler belongs to, the parent of environments' sub-locations."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import zscaler_pulumi_zia as zia

from ..errors import Problems

LOCATION_NAME = 32
"""Characters of a location's name (ZIA's admin portal)."""


def check_location(problems: Problems, name: str) -> None:
    """Notes a name that Zscaler refuses."""
    if not 1 <= len(name) <= LOCATION_NAME:
        problems.add("location_name", f"{name!r} has {len(name)} characters, and Zscaler takes 1–{LOCATION_NAME}")


def make_location(
    parent: pulumi.Resource,
    name: str,
    location_name: str | None,
    country: str | None,
    tz: str | None,
    *,
    ip_addresses: Sequence[pulumi.Input[str]],
    vpn_credentials: Sequence[Mapping[str, Any]],
    after: Sequence[pulumi.Resource],
) -> pulumi.Output[int]:
    """The location, and the activation that puts it in force. Firewall, IPS and TLS inspection are on, authentication is off."""
    location = zia.LocationManagement(
        f"{name}-location",
        name=location_name or name,
        description="Tunnels from AWS. Environments have sub-locations of their own.",
        country=country,
        tz=tz,
        profile="SERVER",
        ip_addresses=list(ip_addresses),
        vpn_credentials=[dict(one) for one in vpn_credentials],
        auth_required=False,
        surrogate_ip=False,
        xff_forward_enabled=False,
        ofw_enabled=True,
        ips_control=True,
        ssl_scan_enabled=True,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
    )
    told = [location_name or name, country, tz, len(ip_addresses)]
    zia.Activation(
        f"{name}-activation",
        status="ACTIVE",
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=[*after, location],
            # It says nothing of what it activates: a hash makes it run again.
            replacement_trigger=hashlib.sha256(json.dumps(told).encode()).hexdigest(),
        ),
    )
    found: pulumi.Output[int] = location.location_id
    return found
