"""What CiliumNetworkPolicies and CiliumClusterwideNetworkPolicies say, before anybody is looked for.

Semantics: Cilium documentation, "Network Policy"; Cilium API, `EgressCommonRule`, `IngressCommonRule`, `Rule.Sanitize`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...proof.filters import Source
from ...proof.sets import Hosts
from ..kubernetes import KubeObject, LabelSelector, objects
from ..stack import UNKNOWN, Stack
from .labels import Selector, parse_peer, parse_subject
from .ports import PortRule, port_rules

GROUP = "cilium.io"
POLICY = "CiliumNetworkPolicy"
CLUSTERWIDE = "CiliumClusterwideNetworkPolicy"
CIDR_GROUP = "CiliumCIDRGroup"
INGRESS, EGRESS = "ingress", "egress"
DIRECTIONS = (EGRESS, INGRESS)
_PREFIX = {INGRESS: "from", EGRESS: "to"}
_PEERS = ("Endpoints", "CIDR", "CIDRSet", "Entities", "FQDNs", "Services", "Nodes", "Groups")


@dataclass(frozen=True, slots=True)
class Peer:
    """An entry of one of a rule's lists of peers."""

    kind: str
    """Endpoints, CIDR, Entities, FQDNs, Services, Nodes, Groups."""
    selector: Selector = field(default_factory=Selector)
    block: Hosts = field(default_factory=Hosts)
    text: str = ""
    """An entity, a name or a pattern, or a Service as `<namespace>/<name>`."""
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule of one direction, letting through or denying."""

    position: tuple[str | int, ...]
    peers: tuple[Peer, ...] | None
    """None: whoever it is. Empty: nobody."""
    ports: tuple[PortRule, ...] | None
    """None: every port."""
    never: bool = False
    """Whether it lets nobody through: an authentication that always fails."""

    @property
    def nothing(self) -> bool:
        """Whether it says nothing: `{}` among the rules is there for default deny alone."""
        return self.never or (self.peers is None and self.ports is None) or self.peers == ()


@dataclass(frozen=True)
class Spec:
    """One specification: whom it selects, and its rules."""

    object: KubeObject
    namespace: str | None
    """None: clusterwide."""
    subject: Selector
    nodes: bool
    """Whether it is a policy of hosts (`nodeSelector`)."""
    default_deny: Mapping[str, bool | None]
    """Direction → whether it makes what it selects deny by default; None: not known."""
    allow: Mapping[str, tuple[Clause, ...]]
    deny: Mapping[str, tuple[Clause, ...]]
    requires: Mapping[str, bool]
    """Direction → whether it demands more of the peers of all rules (`fromRequires`, `toRequires`)."""
    unknown: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What an engineer calls the object: a clusterwide one has no namespace."""
        return f"{self.object.kind} {self.object.name}" if self.namespace is None else str(self.object)

    def source(self, clause: Clause) -> Source:
        """A rule, as the proof names it."""
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in clause.position)
        return self.object.at(*clause.position, label=f"{self.title} {where.removeprefix('.spec.').removeprefix('.')}")

    def whole(self) -> Source:
        """The object."""
        return self.object.at("spec", label=self.title)


def policy_objects(stack: Stack) -> tuple[KubeObject, ...]:
    """Cilium's policies among a stack's objects."""
    return objects(stack, GROUP, POLICY, CLUSTERWIDE)


def read_specs(stack: Stack) -> tuple[Spec, ...]:
    """Every specification of every policy of a stack."""
    groups = objects(stack, GROUP, CIDR_GROUP)
    return tuple(spec for one in policy_objects(stack) for spec in _specs(one, groups))


def _specs(one: KubeObject, groups: tuple[KubeObject, ...]) -> Iterator[Spec]:
    paths: list[tuple[str | int, ...]] = [("spec",), *(("specs", number) for number, _ in enumerate(one.get_list("specs")))]
    for path in paths:
        value = one.get(*path)
        # Cilium refuses a specification that selects neither endpoints nor nodes.
        selects = isinstance(value, Mapping) and any(value.get(key) is not None for key in ("endpointSelector", "nodeSelector"))
        if value is UNKNOWN or selects:
            yield _Reader(one, path, groups).spec()


class _Reader:
    """Reads one specification."""

    def __init__(self, one: KubeObject, path: tuple[str | int, ...], groups: tuple[KubeObject, ...]) -> None:
        self._one, self._path, self._groups = one, path, groups
        self._namespace = None if one.kind == CLUSTERWIDE else one.namespace
        self._name = one.resource.name

    def _where(self, *path: str | int) -> str:
        steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in (*self._path, *path))
        return f"{self._name}{steps}"

    def spec(self) -> Spec:
        """All of it."""
        one, path = self._one, self._path
        value = one.get(*path)
        if value is UNKNOWN:
            everything = Clause((*path,), None, (PortRule(unknown=(self._where(),)),))
            return Spec(
                one,
                self._namespace,
                parse_subject({}, self._namespace, self._where()),
                False,
                dict.fromkeys(DIRECTIONS),
                dict.fromkeys(DIRECTIONS, (everything,)),
                dict.fromkeys(DIRECTIONS, ()),
                dict.fromkeys(DIRECTIONS, False),
                (self._where(),),
            )
        given = value if isinstance(value, Mapping) else {}
        nodes = given.get("endpointSelector") is None and given.get("nodeSelector") is not None
        if nodes:
            subject = parse_subject(given["nodeSelector"], None, self._where("nodeSelector"))
        else:
            subject = parse_subject(given.get("endpointSelector"), self._namespace, self._where("endpointSelector"))
        return Spec(
            one,
            self._namespace,
            subject,
            nodes,
            {direction: self._denies_by_default(given, direction) for direction in DIRECTIONS},
            {direction: tuple(self._clauses(given, direction, direction)) for direction in DIRECTIONS},
            {direction: tuple(self._clauses(given, direction, f"{direction}Deny")) for direction in DIRECTIONS},
            {direction: self._requires(given, direction) for direction in DIRECTIONS},
            subject.unknown,
        )

    def _denies_by_default(self, given: Mapping[str, Any], direction: str) -> bool | None:
        said = given.get("enableDefaultDeny")
        said = said.get(direction) if isinstance(said, Mapping) else said
        if said is UNKNOWN:
            return None
        if said is not None:
            return bool(said)
        rules = [given.get(direction), given.get(f"{direction}Deny")]
        return True if any(rules) else None if UNKNOWN in rules else False

    def _requires(self, given: Mapping[str, Any], direction: str) -> bool:
        rules = given.get(direction)
        key = f"{_PREFIX[direction]}Requires"
        return any(isinstance(one, Mapping) and one.get(key) for one in rules or ())

    def _clauses(self, given: Mapping[str, Any], direction: str, key: str) -> Iterator[Clause]:
        rules = given.get(key)
        if rules is UNKNOWN:
            yield Clause((*self._path, key), None, (PortRule(unknown=(self._where(key),)),))
            return
        for number, one in enumerate(rules or ()):
            place = (*self._path, key, number)
            if not isinstance(one, Mapping):
                yield Clause(place, None, (PortRule(unknown=(self._where(key, number),)),))
                continue
            mode = one.get("authentication")
            mode = mode.get("mode") if isinstance(mode, Mapping) else mode
            ports = port_rules(one, self._where(key, number))
            yield Clause(place, self._peers(one, direction, key, number), ports, mode == "test-always-fail")

    def _peers(self, rule: Mapping[str, Any], direction: str, key: str, number: int) -> tuple[Peer, ...] | None:
        found: list[Peer] = []
        some = False
        for kind in _PEERS:
            field_ = f"{_PREFIX[direction]}{kind}"
            given = rule.get(field_)
            where = self._where(key, number, field_)
            if given is None:
                continue
            some = True
            if given is UNKNOWN:
                found.append(Peer("Unknown", unknown=(where,)))
            elif not given:
                return ()  # A list that is there and empty selects nobody, whatever stands beside it.
            else:
                for position, one in enumerate(given):
                    found += self._peer(kind, one, f"{where}[{position}]")
        return tuple(found) if some else None

    def _peer(self, kind: str, one: Any, where: str) -> Iterator[Peer]:
        if one is UNKNOWN:
            yield Peer("Unknown", unknown=(where,))
        elif kind == "Endpoints":
            selector = parse_peer(one, self._namespace, where)
            yield Peer(kind, selector, unknown=selector.unknown)
        elif kind == "Entities":
            yield Peer(kind, text=str(one))
        elif kind == "CIDR":
            yield _block(one, (), where)
        elif kind == "CIDRSet":
            yield from self._cidr_set(one, where)
        elif kind == "FQDNs":
            text = one.get("matchName") or one.get("matchPattern") if isinstance(one, Mapping) else UNKNOWN
            yield Peer(kind, text=text) if isinstance(text, str) else Peer("Unknown", unknown=(where,))
        elif kind == "Services":
            yield self._service(one, where)
        elif kind == "Nodes":
            everything = isinstance(one, Mapping) and not one.get("matchLabels") and not one.get("matchExpressions")
            yield Peer(kind, unknown=() if everything else (f"{where}: labels of nodes",))
        else:
            yield Peer("Groups", unknown=(f"{where}: a group of the cloud's",))

    def _cidr_set(self, one: Any, where: str) -> Iterator[Peer]:
        given = one if isinstance(one, Mapping) else {}
        excepts = given.get("except", ())
        excepts = () if excepts is None else excepts
        ref, selector = given.get("cidrGroupRef"), given.get("cidrGroupSelector")
        if ref is None and selector is None:
            yield _block(given.get("cidr", UNKNOWN), excepts, where)
            return
        if ref is UNKNOWN or selector is UNKNOWN:
            yield Peer("Unknown", unknown=(where,))
            return
        parsed = LabelSelector.parse(selector, where)
        chosen = [one for one in self._groups if (one.name == ref if ref is not None else parsed.matches(one.labels))]
        if not chosen and ref is not None:
            yield Peer("CIDR", block=Hosts.every().addresses(), unknown=(f"{where}: CiliumCIDRGroup {ref} is not in the stack",))
        for group in chosen:
            for cidr in group.get_list("spec", "externalCIDRs"):
                found = _block(cidr, excepts, f"{where}: CiliumCIDRGroup {group.name}")
                yield found if not parsed.unknown else Peer("CIDR", block=found.block, unknown=(*found.unknown, *parsed.unknown))

    def _service(self, one: Any, where: str) -> Peer:
        given = one if isinstance(one, Mapping) else {}
        named, selected = given.get("k8sService"), given.get("k8sServiceSelector")
        if isinstance(named, Mapping) and UNKNOWN not in named.values():
            namespace = named.get("namespace") or self._namespace or "default"
            return Peer("Services", text=f"{namespace}/{named.get('serviceName')}")
        if isinstance(selected, Mapping) and UNKNOWN not in selected.values():
            # The labels of Services are no part of what is known of a cluster.
            return Peer("Unknown", unknown=(f"{where}.k8sServiceSelector",))
        return Peer("Unknown", unknown=(where,))


def _block(cidr: Any, excepts: Any, where: str) -> Peer:
    if cidr is UNKNOWN or excepts is UNKNOWN:
        return Peer("CIDR", block=Hosts.every().addresses(), unknown=(where,))
    known = [one for one in excepts if one is not UNKNOWN]
    try:
        whole, out = Hosts.from_cidr(str(cidr)), Hosts.from_cidrs(map(str, known))
    except ValueError:
        return Peer("CIDR", block=Hosts.every().addresses(), unknown=(f"{where}: {cidr!r} is no network",))
    return Peer("CIDR", block=(whole - out).addresses(), unknown=(where,) if len(known) < len(excepts) else ())
