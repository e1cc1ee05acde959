"""What tasks and destinations are called in a proposal: principals by families of DAGs, destinations by their hosts.

A glob is only proposed where the evidence supports it: of every DAG that ran and that it matches, the same tasks reach the same
destinations; and there are at least three.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import collapse_addresses, ip_network

from ..access import Access, Destination, Zone
from ..brownfield.making import slug
from ..proof.sets import Hosts
from ..verify.points import address_in
from .evidence import Task
from .places import GATES, End, Target

FAMILY = 3
"""DAGs that a glob has to match."""
_CUTS = re.compile(r"[_.-]")


@dataclass(frozen=True, slots=True)
class Selector:
    """Tasks as a principal names them."""

    environment: str
    dags: tuple[str, ...]
    tasks: tuple[str, ...]

    def name(self) -> str:
        """What to call them."""
        dags = "-".join(one.rstrip("*_.-") for one in self.dags[:2])
        tasks = "" if self.tasks == ("*",) else "-".join(self.tasks[:2])
        return slug("-".join(filter(None, (dags, tasks))), 48)


def selectors(tasks: Collection[Task], ran: Collection[Task]) -> list[Selector]:
    """The fewest entries that name these tasks, and none of the others that ran."""
    found = []
    for environment in sorted({one.environment for one in tasks}):
        mine = _by_dag(one for one in tasks if one.environment == environment)
        every = _by_dag(one for one in ran if one.environment == environment)
        alike: dict[tuple[str, ...], list[str]] = {}
        for dag, names in mine.items():
            whole = names == every[dag] and len(names) > 1
            alike.setdefault(("*",) if whole else tuple(sorted(names)), []).append(dag)
        for chosen, dags in sorted(alike.items()):
            found += [Selector(environment, tuple(part), chosen) for part in _families(dags, every, chosen)]
    return found


def _by_dag(tasks: Iterable[Task]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in tasks:
        found.setdefault(one.dag, set()).add(one.task)
    return found


def _families(dags: list[str], every: Mapping[str, set[str]], tasks: tuple[str, ...]) -> Iterator[list[str]]:
    """DAGs as globs where they are a family, all in one entry otherwise."""
    left = sorted(dags)
    for begin in sorted({dag[: cut.end()] for dag in left for cut in _CUTS.finditer(dag)}, key=len):
        members = [dag for dag in left if dag.startswith(begin)]
        others = (dag for dag in every if dag.startswith(begin) and dag not in dags)
        strangers = [dag for dag in others if tasks == ("*",) or every[dag] & set(tasks)]
        if len(members) >= FAMILY and not strangers:
            yield [f"{begin}*"]
            left = [dag for dag in left if dag not in members]
    if left:
        yield left


# --- destinations


def destination_of(target: Target, ends: Iterable[End], zone: str, taken: Collection[str]) -> Destination:
    """What would have to be declared: by its name with the addresses that it had, or by its addresses."""
    addresses = sorted({one.address for one in ends if one.address})
    named = not target.is_network
    host = target.host.split(".")[0] if named else f"host-{addresses[0]}-{target.port}"
    port = f"{target.port}/{target.protocol}" if target.port else target.protocol
    return Destination(
        name=free(slug(host, 48), taken),
        zone=zone,
        hosts=(target.host,) if named else (),
        cidrs=_networks(addresses if not named else []),
        ports=(port,),
    )


def zone_of(ends: Iterable[End], formats: Collection[str], access: Access | None) -> tuple[str, Zone]:
    """The zone that it lives in: by its address; else behind the gate whose log shows it."""
    gates = [gate for kind, gate in GATES.items() if kind in formats] or ["unknown"]
    zones = access.zones if access is not None else {}
    address = next((one.address for one in ends if one.address), "")
    for name, zone in zones.items():
        if address and address_in(address, Hosts.from_cidrs(zone.networks())):
            return name, zone
    for name, zone in zones.items():
        if not zone.cidrs and set(gates) & set(zone.gates):
            return name, zone
    return f"behind-{gates[0]}", Zone(gates=(gates[0],))


def free(name: str, taken: Collection[str]) -> str:
    """The name, or the first with a number behind it that nothing has."""
    return next(one for one in (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3))) if one not in taken)


def _networks(addresses: Iterable[str]) -> tuple[str, ...]:
    """Addresses as the fewest networks that hold these alone."""
    parts = [ip_network(one) for one in addresses]
    fours = collapse_addresses([one for one in parts if one.version == 4])
    sixes = collapse_addresses([one for one in parts if one.version == 6])
    return (*map(str, fours), *map(str, sixes))
