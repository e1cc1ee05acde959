"""What a proxy connects to, as rules of a network: its targets, and where issuers' keys are. No SDK in here."""

from collections.abc import Sequence

from ...access import Access
from ...errors import Problems
from .plan import ProxyPlan

Networks = dict[tuple[str, int], str]
"""(network, port) → what for."""


def networks(access: Access, plan: ProxyPlan, keys: Sequence[str], problems: Problems) -> Networks:
    """The networks of targets, and those in which keys are fetched. Notes what is in no network."""
    found: Networks = {}
    for target in plan.targets:
        destination = access.destination(target.destination)
        cidrs = destination.cidrs or access.zones[destination.zone].cidrs
        if not cidrs:
            fix = "write its cidrs, or those of its zone"
            problems.add(f"destination {destination.name}", f"the proxy's network knows networks, no names: {fix}")
        for network in cidrs:
            found.setdefault((network, target.port), destination.name)
    places = [f"{host}:{port}" for host, port in plan.key_places()]
    if places and not keys:
        fix = "write the networks that it is in, or give the issuer's keys as jwks"
        problems.add("platform.keys", f"keys are fetched from {', '.join(places)}, and nothing lets the proxy out there: {fix}")
    for network in keys:
        found.setdefault((network, 443), "keys of issuers")
    return found
