"""What Consul lets through, as filters: one on what reaches services of the mesh, one on what leaves by the terminating gateway.

Semantics: Consul, "Service intentions"; hashicorp/consul, agent/xds/rbac.go. The most specific intention decides: exact → exact,
any → exact, exact → any, any → any; of its permissions the first that matches; where none does, the default policy: that of the
chart's where the stack has it. Permissions at a service that is not HTTP refuse; an HTTP service takes requests alone. Proxies
see TCP alone.
"""

import re
from collections.abc import Iterator, Mapping
from glob import escape
from typing import Any

from ...proof.filters import Action, Combine, Filter, HttpOperation, Match, Relay, Rule, Source, Who
from ...proof.sets import Hosts, Services
from ...proof.shape import Shape
from ...tokens import CONSUL_GATE
from ..kubernetes import KubeObject, Workload, names_of, objects, read_cluster
from ..kubernetes.outside import without_proxy
from ..stack import UNKNOWN, Stack
from .compile import GROUP
from .services import HTTP, MeshServices, default_allows

DEFAULT_NAME = "consul"
_SHAPE = Shape(nouns=("intention", "intentions"))
_TCP = Services.of("tcp")
_ANY_REQUEST = frozenset({HttpOperation()})
_LOCAL = (None, "", "default")
"""Namespaces and partitions that a source is of without a word."""
_ELSEWHERE = ("peer", "samenessGroup", "partition")
"""What a source may be of that is another cluster's."""


def read(stack: Stack) -> Iterator[Filter]:
    """The filters of the mesh; none where the stack has no intention."""
    gates = stack.of_type(CONSUL_GATE)
    intentions = objects(stack, GROUP, "ServiceIntentions")
    if not intentions and not gates:
        return
    gate, urn = (gates[0].name, gates[0].urn) if gates else (DEFAULT_NAME, intentions[0].resource.urn)
    reader = _Reader(stack, intentions, urn)
    if reader.members:
        rules = tuple(rule for one in reader.members for rule in reader.at(one))
        scope = Match(hosts=reader.cluster.hosts(reader.members), services=_TCP)
        yield Filter(
            gate, "intentions at services", Combine.FIRST_MATCH, Action.DENY, rules, urn, scope=scope, always=True, shape=_SHAPE
        )
    services = reader.services
    yield from without_proxy(gate, urn, reader.cluster, services.outside, _SHAPE, services.unsaid)
    external = reader.external()
    if external:
        names = Hosts.union(hosts for _, hosts, _ in external)
        rules = tuple(rule for name, hosts, services in external for rule in reader.beyond(name, hosts, services))
        entry = gates[0].get("gateway", "workload") if gates else None
        through = reader.cluster.by_name.get(str(entry))
        https = Services.of("tcp", 443, 443)
        relay = Relay(names, entry=Match(hosts=through.hosts, services=https), alone=False) if through else None
        yield Filter(
            gate,
            "intentions at the terminating gateway",
            Combine.FIRST_MATCH,
            Action.DENY,
            rules,
            urn,
            scope=Match(hosts=names),
            always=True,
            relays=(relay,) if relay else (),
            shape=_SHAPE,
        )


class _Reader:
    """Reads one mesh."""

    def __init__(self, stack: Stack, intentions: tuple[KubeObject, ...], urn: str) -> None:
        self.cluster = read_cluster(stack)
        self.intentions, self.source = intentions, Source(urn)
        named = frozenset(str(one.get("spec", "destination", "name")) for one in intentions)
        self.services = MeshServices(stack, self.cluster, named - {"*"})
        self.members = self.services.members
        self.default = default_allows(stack)
        self.strangers = names_of(self.cluster.workloads) - names_of(self.members) | {""}
        """Whoever has no certificate of the mesh."""

    def external(self) -> list[tuple[str, Hosts, Services]]:
        """Services beyond the cluster: name, hosts, port."""
        found = []
        for one in self.services.defaults:
            addresses = [str(each) for each in one.get_list("spec", "destination", "addresses") if each is not UNKNOWN]
            port = one.get("spec", "destination", "port")
            if addresses and isinstance(port, int | float):
                found.append((one.name, Hosts.from_names(addresses), Services.of("tcp", int(port), int(port))))
        return found

    def at(self, one: Workload) -> Iterator[Rule]:
        """The rules at a service of the mesh, in the order in which they decide."""
        unseen, name = self.services.unseen(one), one.service_account
        source = Source(one.urn or self.source.urn, label=f"ports of {one.name} that lead past its proxy")
        for hosts, ports in one.reached(unseen):
            yield Rule(Action.ALLOW, Match(hosts=hosts, services=ports), source)
        for port, path in self.services.exposed(name):
            for hosts, ports in one.reached(Services.of("tcp", port, port)):
                asked = frozenset({HttpOperation("*", escape(path))})
                yield Rule(Action.ALLOW, Match(hosts=hosts, services=ports, operations=asked), source)
        for hosts, services in one.reached(_TCP - unseen):
            yield from self._changed(name, hosts, services)
            yield from self._plain(self.services.permissive(name), name, hosts, services)
            yield from self.ordered(name, hosts, services)

    def _changed(self, name: str, hosts: Hosts, services: Services) -> Iterator[Rule]:
        """What somebody wrote into the proxy itself: it may let in whoever comes."""
        for source, reason in self.services.changed(name):
            yield Rule(Action.ALLOW, Match(hosts=hosts, services=services), source, (reason,))

    def beyond(self, name: str, hosts: Hosts, services: Services) -> Iterator[Rule]:
        """The rules towards a service beyond the cluster: the gateway takes certificates of the mesh alone."""
        yield from self._plain(False, name, hosts, services)
        yield from self.ordered(name, hosts, services)

    def _plain(self, permissive: bool | None, name: str, hosts: Hosts, services: Services) -> Iterator[Rule]:
        """Without a certificate of the mesh, or of a peer, nothing comes in, but in permissive mode."""
        for one, position, source in self._of_peers(name):
            place = f"{one.resource.name}.spec.sources[{position}]"
            yield Rule(
                Action.ALLOW,
                Match(Who(workloads=frozenset({""})), hosts, services),
                one.at("spec", "sources", position),
                (f"{place}: who {source.get('name')} of another cluster is",),
            )
        said = next((one.at("spec", "mutualTLSMode") for one in self.services.defaults if one.name == name), self.source)
        match = Match(Who(workloads=self.strangers), hosts, services)
        if permissive is None:
            yield Rule(Action.ALLOW, match, said, (f"{name}: mutualTLSMode",))
        if permissive:
            yield Rule(Action.ALLOW, match, said)
        else:
            yield Rule(Action.DENY, match, said, implied=True)

    def _of_peers(self, name: str) -> Iterator[tuple[KubeObject, int, Mapping[str, Any]]]:
        """Sources of other clusters that a service's intentions let in, or may."""
        for one in self.intentions:
            if one.get("spec", "destination", "name") not in (name, "*", UNKNOWN):
                continue
            for position, source in enumerate(one.get_list("spec", "sources")):
                elsewhere = isinstance(source, Mapping) and any(source.get(key) for key in _ELSEWHERE)
                if elsewhere and source.get("action") != "deny":
                    yield one, position, source

    def ordered(self, name: str, hosts: Hosts, services: Services) -> Iterator[Rule]:
        """The rules towards a service, in the order in which they decide."""
        ranked: list[tuple[int, KubeObject, int, Mapping[str, Any]]] = []
        for one in self.intentions:
            destination = one.get("spec", "destination", "name")
            if destination not in (name, "*", UNKNOWN):
                continue
            for position, source in enumerate(one.get_list("spec", "sources")):
                if isinstance(source, Mapping):
                    rank = (0 if destination != "*" else 2) + (0 if source.get("name") != "*" else 1)
                    ranked.append((rank, one, position, source))
                else:
                    # Whoever it names, and whatever it does with them.
                    ranked.append((0, one, position, {"name": UNKNOWN, "action": UNKNOWN}))
        protocol = self.services.protocol(name)
        for _, one, position, source in sorted(ranked, key=lambda each: each[0]):
            yield from self._of_source(one, position, source, hosts, services, protocol)
        if self.default is not False:
            yield Rule(Action.ALLOW, Match(hosts=hosts, services=services), self.source, self._doubt(), implied=True)

    def _doubt(self) -> tuple[str, ...]:
        return ("the default policy of Consul's ACLs",) if self.default is None else ()

    def _of_source(
        self, one: KubeObject, position: int, source: Mapping[str, Any], hosts: Hosts, services: Services, protocol: Any
    ) -> Iterator[Rule]:
        place = f"{one.resource.name}.spec.sources[{position}]"
        at = one.at("spec", "sources", position)
        who, doubts = self._who(source, place)
        if one.get("spec", "destination", "name") is UNKNOWN:
            doubts = [*doubts, f"{one.resource.name}.spec.destination.name"]
        permissions = source.get("permissions")
        if not permissions:
            action = source.get("action")
            unsure = [*doubts, *([f"{place}.action"] if action is UNKNOWN else [])]
            unsure += [f"{one.resource.name}.spec.jwt"] if one.get("spec", "jwt") and action == "allow" else []
            operations = _ANY_REQUEST if action == "allow" and protocol in HTTP else None
            # An action that is not known is either: refused may be whoever is let in.
            for each in (Action.ALLOW, Action.DENY) if action is UNKNOWN else (_action(action),):
                yield Rule(each, Match(who, hosts, services, operations), at, tuple(unsure))
            if operations is not None:
                yield Rule(Action.DENY, Match(who, hosts, services), at, tuple(unsure), implied=True)
            return
        if protocol is UNKNOWN:
            doubts = [*doubts, f"the protocol of {one.get('spec', 'destination', 'name')}"]
        if protocol in HTTP or protocol is UNKNOWN:
            for number, each in enumerate(permissions if isinstance(permissions, list | tuple) else [permissions]):
                where = one.at("spec", "sources", position, "permissions", number)
                yield from self._permission(one, each, who, hosts, services, where, f"{place}.permissions[{number}]", doubts)
            # No permission matched: the default policy, not the next intention.
            if self.default is not False:
                unsure = [*doubts, *self._doubt()]
                yield Rule(Action.ALLOW, Match(who, hosts, services, _ANY_REQUEST), at, tuple(unsure), implied=True)
        yield Rule(Action.DENY, Match(who, hosts, services), at, tuple(doubts), implied=True)

    def _permission(
        self,
        one: KubeObject,
        given: Any,
        who: Who,
        hosts: Hosts,
        services: Services,
        at: Source,
        place: str,
        doubts: list[str],
    ) -> Iterator[Rule]:
        permission = given if isinstance(given, Mapping) else {"action": UNKNOWN, "http": UNKNOWN}
        action = permission.get("action")
        operations, more = _requests(permission.get("http"), place)
        unsure = [*doubts, *more, *([f"{place}.action"] if action is UNKNOWN else [])]
        if action == "allow" and (permission.get("jwt") or one.get("spec", "jwt")):
            unsure.append(f"{place}: a token is asked for")
        for each in (Action.ALLOW, Action.DENY) if action is UNKNOWN else (_action(action),):
            yield Rule(each, Match(who, hosts, services, operations), at, tuple(unsure))

    def _who(self, source: Mapping[str, Any], place: str) -> tuple[Who, list[str]]:
        """Whom a source means here: what is of a peer or group is nobody of this cluster."""
        name = source.get("name")
        if name is UNKNOWN or not isinstance(name, str):
            return Who(), [f"{place}.name"]
        if any(source.get(key) for key in ("peer", "samenessGroup")):
            return Who(workloads=frozenset()), []
        # Enterprise: a namespace may mirror one of this cluster, and a partition be this cluster's.
        doubts = [f"{place}.{key}" for key in ("namespace", "partition") if source.get(key) not in (*_LOCAL, "*")]
        if name == "*":
            return Who(), doubts
        return Who(workloads=frozenset(each.name for each in self.members if each.service_account == name)), doubts


def _action(value: Any) -> Action:
    return Action.ALLOW if value == "allow" else Action.DENY


def _requests(given: Any, where: str) -> tuple[frozenset[HttpOperation], tuple[str, ...]]:
    if not isinstance(given, Mapping):
        return _ANY_REQUEST, (f"{where}.http",)
    doubts = [f"{where}.http.{key}" for key, value in given.items() if key == "header" and value]
    doubts += [f"{where}.http.{key}" for key, value in given.items() if value is UNKNOWN]
    methods = given.get("methods")
    path = "*"
    if isinstance(exact := given.get("pathExact"), str) and exact:
        path = escape(exact)
    elif isinstance(prefix := given.get("pathPrefix"), str) and prefix:
        path = f"{escape(prefix)}*"
    elif isinstance(pattern := given.get("pathRegex"), str) and pattern:
        if found := re.fullmatch(r"((?:[\w/~%-]|\\[^\w])*)(\.\*)?", pattern):
            path = escape(re.sub(r"\\(.)", r"\1", found[1])) + ("*" if found[2] else "")
        else:
            doubts.append(f"{where}.http.pathRegex")
    known = [str(one) for one in methods if one is not UNKNOWN] if isinstance(methods, list | tuple) else []
    return frozenset(HttpOperation(method, path) for method in known or ["*"]), tuple(doubts)
