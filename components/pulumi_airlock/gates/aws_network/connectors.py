"""App Connectors in front of this gate: people and tasks that another gate carries on come from their addresses."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network

from ...access.model import Access
from ...errors import Problems
from ...proof.sets import Hosts, Intervals


def connector_addresses(
    access: Access, gate: str, given: Mapping[str, Sequence[str]], problems: Problems
) -> dict[str, Intervals]:
    """The addresses of each zone's App Connectors, as far as they are right; notes what is wrong with the others."""
    found: dict[str, Intervals] = {}
    for zone, cidrs in given.items():
        path = f"connectors[{zone}]"
        gates = access.zones[zone].gates if zone in access.zones else ()
        if zone not in access.zones:
            problems.add(path, f"no zone {zone!r}; there are {', '.join(access.zones)}")
        elif gate not in gates[1:]:
            problems.add(path, f"zone {zone!r} has no gate before {gate!r} that traffic could come from: gates {list(gates)}")
        if not cidrs:
            problems.add(path, "none: write the networks of the App Connectors")
        networks = []
        for position, cidr in enumerate(cidrs):
            try:
                networks.append(IPv4Network(cidr))
            except ValueError as error:
                problems.add(f"{path}[{position}]", f"{cidr!r} is no IPv4 network ({error}); write 10.40.15.0/28")
        found[zone] = Hosts.from_cidrs(networks).v4
    return found
