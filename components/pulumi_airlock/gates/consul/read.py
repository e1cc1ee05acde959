"""What Consul lets through, as filters: one on what reaches services of the mesh, one on what leaves by the terminating gateway.

Semantics: Consul, "Service intentions": the most specific intention decides (exact → exact, any → exact, exact → any, any → any);
of its permissions the first that matches; where none does, the default policy, which is taken for deny with a ConsulGate and is
unknown without one. Permissions need an HTTP protocol in the service's defaults.
"""

import re
from collections.abc import Iterator, Mapping
from glob import escape
from typing import Any

from ...proof.filters import Action, Combine, Filter, HttpOperation, Match, Relay, Rule, Who
from ...proof.sets import Hosts, Services
from ...proof.shape import Shape
from ...tokens import CONSUL_GATE, HELM_ENVIRONMENT
from ..kubernetes import KubeObject, Workload, names_of, objects, read_cluster
from ..stack import UNKNOWN, Stack
from .compile import GROUP

DEFAULT_NAME = "consul"
INJECT = "consul.hashicorp.com/connect-inject"
_SHAPE = Shape(nouns=("intention", "intentions"))


def read(stack: Stack) -> Iterator[Filter]:
    """The filters of the mesh; none where the stack has no intention."""
    gates = stack.of_type(CONSUL_GATE)
    intentions = objects(stack, GROUP, "ServiceIntentions")
    if not intentions and not gates:
        return
    reader = _Reader(stack, intentions, bool(gates))
    gate, urn = (gates[0].name, gates[0].urn) if gates else (DEFAULT_NAME, intentions[0].resource.urn)
    if reader.members:
        rules = tuple(rule for one in reader.members for rule in reader.at(one))
        hosts = reader.cluster.hosts(reader.members)
        scope = Match(hosts=hosts)
        yield Filter(
            gate, "intentions at services", Combine.FIRST_MATCH, Action.DENY, rules, urn, scope=scope, always=True, shape=_SHAPE
        )
    external = reader.external()
    if external:
        names = Hosts.union(hosts for _, hosts, _ in external)
        rules = tuple(rule for name, hosts, services in external for rule in reader.ordered(name, hosts, services))
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

    def __init__(self, stack: Stack, intentions: tuple[KubeObject, ...], ours: bool) -> None:
        self.cluster = read_cluster(stack)
        self.intentions, self.ours = intentions, ours
        self.defaults = objects(stack, GROUP, "ServiceDefaults")
        meshed = {str(one.get("namespace")) for one in stack.of_type(HELM_ENVIRONMENT) if one.get("mesh") == "consul"}
        named = {str(one.get("spec", "destination", "name")) for one in intentions} - {"*"}
        self.members = [
            one
            for one in self.cluster.workloads
            if not one.stands_for
            and (
                one.namespace in meshed
                or self.cluster.labels_of(one.namespace).get(INJECT) == "true"
                or (not meshed and one.service_account in named)
            )
        ]

    def external(self) -> list[tuple[str, Hosts, Services]]:
        """Services beyond the cluster: name, hosts, port."""
        found = []
        for one in self.defaults:
            addresses = [str(each) for each in one.get_list("spec", "destination", "addresses") if each is not UNKNOWN]
            port = one.get("spec", "destination", "port")
            if addresses and isinstance(port, int | float):
                found.append((one.name, Hosts.from_names(addresses), Services.of("tcp", int(port), int(port))))
        return found

    def at(self, one: Workload) -> Iterator[Rule]:
        """The rules at a service of the mesh, in the order in which they decide."""
        mine = [each for each in self.defaults if each.name == one.service_account]
        permissive = any(each.get("spec", "mutualTLSMode") == "permissive" for each in mine)
        strangers = names_of(self.cluster.workloads) - names_of(self.members) | {""}
        urn = self.intentions[0].at() if self.intentions else self.defaults[0].at()
        for hosts, services in one.reached(Services.every()):
            if permissive:
                yield Rule(Action.ALLOW, Match(Who(workloads=strangers), hosts, services), urn)
            else:
                # Without a certificate of the mesh nothing comes in.
                yield Rule(Action.DENY, Match(Who(workloads=strangers), hosts, services), urn, implied=True)
            yield from self.ordered(one.service_account, hosts, services)

    def ordered(self, name: str, hosts: Hosts, services: Services) -> Iterator[Rule]:
        """The rules towards a service, in the order in which they decide."""
        ranked: list[tuple[int, KubeObject, int, Mapping[str, Any]]] = []
        for one in self.intentions:
            destination = one.get("spec", "destination", "name")
            if destination not in (name, "*"):
                continue
            for position, source in enumerate(one.get_list("spec", "sources")):
                if isinstance(source, Mapping):
                    rank = (0 if destination != "*" else 2) + (0 if source.get("name") != "*" else 1)
                    ranked.append((rank, one, position, source))
        for _, one, position, source in sorted(ranked, key=lambda each: each[0]):
            yield from self._of_source(one, position, source, hosts, services)
        if not self.ours and self.intentions:
            reason = ("the default policy of Consul's ACLs",)
            yield Rule(Action.ALLOW, Match(hosts=hosts, services=services), self.intentions[0].at(), reason)

    def _of_source(
        self, one: KubeObject, position: int, source: Mapping[str, Any], hosts: Hosts, services: Services
    ) -> Iterator[Rule]:
        name = source.get("name")
        at = one.at("spec", "sources", position)
        unknown: tuple[str, ...] = ()
        if name == "*":
            who = Who()
        elif isinstance(name, str):
            mine = [each.name for each in self.members if each.service_account == name]
            who = Who(workloads=frozenset(mine))
        else:
            who, unknown = Who(), (f"{one.resource.name}.spec.sources[{position}].name",)
        permissions = source.get("permissions")
        if not permissions:
            action = Action.ALLOW if source.get("action") == "allow" else Action.DENY
            doubt = (f"{one.resource.name}.spec.sources[{position}].action",) if source.get("action") is UNKNOWN else ()
            yield Rule(action, Match(who, hosts, services), at, (*unknown, *doubt))
            return
        for number, each in enumerate(permissions if isinstance(permissions, list | tuple) else [permissions]):
            place = one.at("spec", "sources", position, "permissions", number)
            if not isinstance(each, Mapping):
                yield Rule(Action.ALLOW, Match(who, hosts, services), place, (f"{one.resource.name}: a permission",))
                continue
            action = Action.ALLOW if each.get("action") == "allow" else Action.DENY
            operations, doubts = _requests(each.get("http"), f"{one.resource.name}.spec.sources[{position}]")
            yield Rule(action, Match(who, hosts, services, operations), place, (*unknown, *doubts))
        # No permission matched: the default policy, not the next intention.
        rest = () if self.ours else ("the default policy of Consul's ACLs",)
        yield Rule(Action.DENY, Match(who, hosts, services), at, rest, implied=True)


def _requests(given: Any, where: str) -> tuple[frozenset[HttpOperation] | None, tuple[str, ...]]:
    if not isinstance(given, Mapping):
        return None, (f"{where}.http",)
    doubts = [f"{where}.http.header"] if given.get("header") else []
    methods = given.get("methods") or ["*"]
    path = "*"
    if given.get("pathExact"):
        path = escape(str(given["pathExact"]))
    elif given.get("pathPrefix"):
        path = f"{escape(str(given['pathPrefix']))}*"
    elif given.get("pathRegex"):
        if found := re.fullmatch(r"\^?([\w/~%-]*)(\.\*)?\$?", str(given["pathRegex"])):
            path = found[1] + ("*" if found[2] else "")
        else:
            doubts.append(f"{where}.http.pathRegex")
    return frozenset(HttpOperation(str(method), path) for method in methods), tuple(doubts)
