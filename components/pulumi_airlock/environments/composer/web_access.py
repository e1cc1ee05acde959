"""From where people reach Airflow's UI and API: named ranges, and nobody where none is named."""

import ipaddress
from collections.abc import Sequence
from typing import Any

import pulumi_gcp as gcp

from ...errors import Problems
from .limits import MAX_UI_CIDRS, NOBODY


def check_web_access(ui_cidrs: Sequence[str], problems: Problems) -> None:
    """Notes ranges that let the world in, or that are none."""
    if len(ui_cidrs) > MAX_UI_CIDRS:
        problems.add("ui_cidrs", f"{len(ui_cidrs)} ranges: write {MAX_UI_CIDRS} at most, those of offices and VPNs")
    for position, cidr in enumerate(ui_cidrs):
        at = f"ui_cidrs[{position}]"
        try:
            found = ipaddress.ip_network(cidr)
        except ValueError as error:
            problems.add(at, f"{cidr!r} is no network: {error}")
            continue
        if found.prefixlen < (8 if found.version == 4 else 32):
            problems.add(at, f"{cidr} is open to the world; write the networks of offices and VPNs, as Google sees them")


def web_access_config(ui_cidrs: Sequence[str]) -> Any:
    """The block of the provider. It is never empty: Google takes that for everybody (`limits.NOBODY`)."""
    one = gcp.composer.EnvironmentConfigWebServerNetworkAccessControlAllowedIpRangeArgs
    ranges = [one(value=cidr, description="people") for cidr in ui_cidrs] or [one(value=NOBODY, description="nobody")]
    return gcp.composer.EnvironmentConfigWebServerNetworkAccessControlArgs(allowed_ip_ranges=ranges)
