"""The ends of connections: pods, objects whose pods are not there, declared workloads, and blocks beyond the cluster."""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ...proof.sets import V4_MAX, V6_MAX, Hosts, Intervals
from ..kubernetes import Cluster, Workload, read_cluster
from ..kubernetes.cluster import workloads_of_objects
from ..stack import Stack

if TYPE_CHECKING:
    from .policies import Policies


@dataclass(frozen=True, eq=False)
class End:
    """One end: a workload, or a block."""

    name: str
    workload: Workload | None = None
    hosts: Hosts = field(default_factory=Hosts)
    """The addresses of a block."""
    is_pod: bool = False
    """Whether it is one single pod."""
    owner: str = ""
    """The object that makes its pods: `shop/web[Deployment]`."""

    @property
    def key(self) -> str:
        """What rules know it by: a group of pods goes by one of them."""
        return self.workload.name if self.workload is not None else self.name

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Ends:
    """All ends."""

    workloads: tuple[End, ...]
    aliases: Mapping[str, tuple[End, ...]]
    blocks: tuple[End, ...] = ()
    covered: Mapping[Hosts, frozenset[str]] = field(default_factory=dict)
    """Block of a rule → the names of the ends that it covers."""

    def find(self, given: "str | Workload") -> tuple[End, ...]:
        """The ends that a text means: one, unless it is a network, or an object with several pods."""
        text = given if isinstance(given, str) else given.name
        if text in self.aliases:
            return self.aliases[text]
        try:
            asked = Hosts.from_cidr(text)
        except ValueError:
            known = ", ".join(one.name for one in self.workloads) or "none"
            raise ValueError(f"{text!r} is no workload and no address; workloads are {known}") from None
        pods = tuple(one for one in self.workloads if one.workload is not None and one.workload.addresses.addresses() == asked)
        return pods or tuple(one for one in self.blocks if (one.hosts & asked).addresses())

    def with_blocks(self, blocks: Iterable[Hosts]) -> "Ends":
        """With all addresses, cut by the blocks of rules: those that the same blocks cover are one end."""
        listed = list(dict.fromkeys(blocks))
        pieces = [(End(_text(one), hosts=one), within) for one, within in classes(listed)]
        covered: dict[Hosts, set[str]] = {one: set() for one in listed}
        for end, within in pieces:
            for number in within:
                covered[listed[number]].add(end.name)
        return replace(
            self,
            blocks=tuple(end for end, _ in pieces),
            covered={one: frozenset(names) for one, names in covered.items()},
        )

    def grouped(self, policies: "Policies", keys: frozenset[str]) -> tuple[End, ...]:
        """All ends; pods of one object are one where policies cannot tell them apart: labels of these keys, ports, addresses."""
        groups: dict[object, list[End]] = {}
        for one in self.workloads:
            assert one.workload is not None  # noqa: S101
            labels = frozenset((key, value) for key, value in one.workload.labels.items() if key in keys)
            where = frozenset(
                number for number, block in enumerate(self.blocks) if (block.hosts & policies.addresses(one.workload)).addresses()
            )
            ports = frozenset(one.workload.ports.items())
            groups.setdefault((one.owner or one.name, labels, ports, one.workload.host_network, where), []).append(one)
        sharing: dict[str, int] = {}
        for members in groups.values():
            sharing[members[0].owner] = sharing.get(members[0].owner, 0) + 1
        found = []
        for members in groups.values():
            owner = members[0].owner
            if owner and sharing[owner] == 1:
                found.append(replace(members[0], name=owner, is_pod=False))
            else:
                found += members
        return (*found, *self.blocks)


def read_ends(stack: Stack) -> tuple[Ends, Cluster]:
    """The ends of a stack without blocks, and the cluster with a workload for each."""
    cluster = read_cluster(stack, strangers=False)
    made = [(kind, name, replace(one)) for kind, name, one in workloads_of_objects(stack)]
    from_objects = {one.urn for _, _, one in made}
    ends = [*_of_objects(made)]
    ends += [End(one.name, one) for one in cluster.workloads if one.urn not in from_objects and not one.stands_for]
    named = [replace(one, workload=replace(one.workload, name=one.name)) for one in ends if one.workload is not None]
    aliases: dict[str, list[End]] = {}
    for one in named:
        for text in dict.fromkeys((one.name, one.name.partition("[")[0], one.owner, one.owner.partition("[")[0])):
            if text:
                aliases.setdefault(text, []).append(one)
    # A text that is one end's own name means that one, also where it is another's owner.
    own = {text: (one,) for one in named for text in (one.name.partition("[")[0], one.name)}
    workloads = tuple(one.workload for one in named if one.workload is not None)
    return Ends(tuple(named), {**{key: tuple(found) for key, found in aliases.items()}, **own}), replace(
        cluster, workloads=workloads
    )


def _of_objects(made: Iterable[tuple[str, str, Workload]]) -> Iterator[End]:
    for kind, name, one in made:
        own = f"{one.namespace}/{name}[{kind}]"
        by_kind, _, by_name = one.owner.partition(" ")
        owner = f"{one.namespace}/{by_name}[{by_kind}]"
        yield End(own, one, is_pod=kind == "Pod", owner="" if owner == own else owner)


def classes(blocks: Sequence[Hosts]) -> list[tuple[Hosts, frozenset[int]]]:
    """All addresses, cut into the fewest sets that no block cuts, each with the blocks that cover it; IPv4 before IPv6.

    O(spans + pieces × blocks over each).
    """
    found = []
    for top, spans_of in ((V4_MAX, _v4), (V6_MAX, _v6)):
        edges: dict[int, list[tuple[int, bool]]] = {0: []}
        for number, one in enumerate(blocks):
            for first, last in spans_of(one).spans:
                edges.setdefault(first, []).append((number, True))
                edges.setdefault(last + 1, []).append((number, False))
        starts = sorted(one for one in edges if one <= top)
        groups: dict[frozenset[int], list[tuple[int, int]]] = {}
        within: set[int] = set()
        for start, after in zip(starts, (*starts[1:], top + 1), strict=True):
            within -= {number for number, enters in edges[start] if not enters}
            within |= {number for number, enters in edges[start] if enters}
            groups.setdefault(frozenset(within), []).append((start, after - 1))
        for numbers, pieces in groups.items():
            whole = Intervals.of(pieces)
            found.append((Hosts(v4=whole) if top == V4_MAX else Hosts(v6=whole), numbers))
    return found


def _v4(one: Hosts) -> Intervals:
    return one.v4


def _v6(one: Hosts) -> Intervals:
    return one.v6


_SHOWN = 4
"""Networks that a block is written with; of more, its ranges."""


def _text(block: Hosts) -> str:
    networks: Sequence[str] = [str(one) for one in block.networks()]
    if len(networks) <= _SHOWN:
        return " ".join(networks)
    family = block.v4.spans or block.v6.spans
    to_text = _v4_text if block.v4 else _v6_text
    return " ".join(f"{to_text(first)}-{to_text(last)}" for first, last in family)


def _v4_text(value: int) -> str:
    return str(ipaddress.IPv4Address(value))


def _v6_text(value: int) -> str:
    return str(ipaddress.IPv6Address(value))
