"""What Istio lets through, as filters: what reaches workloads, what passes waypoints, what leaves by an egress gateway.

Order of evaluation (Istio, "Authorization Policy"): DENY that matches, else no ALLOW policy at the workload means allow, else
ALLOW that matches, else deny; CUSTOM comes first: that it refuses is never known. Rules by identity match nobody without a
certificate, and with mTLS that is not STRICT whoever has none comes as well: a rule without identities lets them in.

What an ALLOW says of HTTP never matches what is not HTTP. What a DENY says of HTTP counts as matched there (istio/istio#34355):
that is a filter of its own. `Sidecar` and `outboundTrafficPolicy` are routing, not a control, and make no filter.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ...proof.filters import Action, Combine, Filter, Match, Rule, Source, Who
from ...proof.sets import Hosts, Services
from ...proof.shape import Shape
from ...tokens import ISTIO_GATE
from ..kubernetes import Workload, read_cluster
from ..kubernetes.annotations import Annotations
from ..kubernetes.outside import without_proxy
from ..stack import Stack
from .egress import leaving
from .extensions import SIDECAR, Extension, changed, past_its_proxy
from .members import Proxy
from .peers import Taking
from .policies import Authorization, Mesh, read_mesh
from .rules import ANY_REQUEST, Box, Caller, Enforcer
from .waypoints import Waypoint, holds_at, waypoints_of

DEFAULT_NAME = "istio"
SHAPE = Shape(nouns=("rule", "rules"))
_TCP = Services.of("tcp")


def read(stack: Stack) -> Iterator[Filter]:
    """The filters of the mesh; none where the stack has none of its security objects."""
    gates = stack.of_type(ISTIO_GATE)
    mesh = read_mesh(stack, read_cluster(stack))
    said = [*(one.object for one in mesh.authorizations), *mesh.peers]
    if not said and not gates:
        return
    gate, urn = (gates[0].name, gates[0].urn) if gates else (DEFAULT_NAME, said[0].resource.urn)
    # Ports at which a gateway takes people's connections are kept from its sidecar.
    entries = {str(name) for one in gates for name in one.get_list("entries")}
    ways = list(leaving(stack, mesh, gate, urn, SHAPE))
    # At a gateway policies decide what it leads to: that is a filter of its own.
    gateways = {name for one in ways for relay in one.relays if relay.entry for name in relay.entry.hosts.names.mentioned()}
    inside = [
        one
        for one in mesh.cluster.workloads
        if one.name in mesh.proxies and one.name not in entries and not one.stands_for and gateways.isdisjoint(one.names)
    ]
    if inside:
        annotations = Annotations(stack, mesh.cluster)
        kept_out = {one.name: past_its_proxy(one, mesh.proxies[one.name], annotations) for one in inside}
        yield from _Workloads(mesh, gate, urn, inside, waypoints_of(stack, mesh.cluster), kept_out).filters()
    # Where policies are, somebody takes workloads for held.
    spaces = {one.namespace for one in said} - {mesh.config.root}
    free = [one for one in mesh.cluster.workloads if one.namespace in spaces and one.name not in mesh.proxies]
    yield from without_proxy(gate, urn, mesh.cluster, free, SHAPE)
    yield from ways


class _Workloads:
    """What reaches workloads."""

    def __init__(
        self,
        mesh: Mesh,
        gate: str,
        urn: str,
        inside: Sequence[Workload],
        waypoints: Mapping[str, Waypoint],
        kept_out: Mapping[str, Services],
    ) -> None:
        self.mesh, self.gate, self.urn, self.inside, self.waypoints = mesh, gate, urn, inside, waypoints
        self.kept_out = kept_out
        """Workload → the ports that lead past its sidecar."""
        assert mesh.identities is not None  # noqa: S101  # a mesh that was read has them
        self.strangers = (mesh.identities.everybody - mesh.members) | {""}
        self.connections: list[Rule] = []
        """DENY rules that look at HTTP, as they hold where it is not HTTP."""

    def filters(self) -> Iterator[Filter]:
        rules = tuple(rule for one in self.inside for rule in changed(self._at(one), self._put_into(one), Match(hosts=one.hosts)))
        # Proxies see TCP alone.
        scope = Match(hosts=self.mesh.cluster.hosts(self.inside), services=_TCP)
        yield self._filter("authorization at workloads", Combine.DENY_OVERRIDES, Action.DENY, rules, scope)
        if self.connections:
            requests = Rule(
                Action.ALLOW,
                Match(operations=ANY_REQUEST),
                Source(self.urn, label="requests go by what rules say of HTTP"),
                implied=True,
            )
            hosts = Hosts.union(one.match.hosts for one in self.connections)
            found = (requests, *self.connections)
            yield self._filter(
                "connections that are not HTTP", Combine.FIRST_MATCH, Action.ALLOW, found, Match(hosts=hosts, services=_TCP)
            )
        for host, waypoint in self.waypoints.items():
            mine = [one for one in self.inside if host in one.names and self.mesh.proxies[one.name] is Proxy.AMBIENT]
            if mine:
                yield self._passing(host, waypoint)

    def _filter(self, name: str, combine: Combine, default: Action, rules: tuple[Rule, ...], scope: Match) -> Filter:
        return Filter(self.gate, name, combine, default, rules, self.urn, scope=scope, always=True, shape=SHAPE)

    def _put_into(self, one: Workload) -> list[Extension]:
        """What is put into a workload's sidecar; a ztunnel takes nothing."""
        return [] if self.mesh.proxies[one.name] is Proxy.AMBIENT else self.mesh.extensions.on(one, SIDECAR)

    def _at(self, one: Workload) -> Iterator[Rule]:
        """What reaches a workload: each way of taking connections, each policy, each rule."""
        policies = self.mesh.on(one)
        unseen = self.kept_out.get(one.name, Services())
        takings = [replace(taking, ports=taking.ports - unseen) for taking in self.mesh.takings(one)]
        source = Source(one.urn or self.mesh.cluster.declared.urn, label=f"ports of {one.name} that lead past its sidecar")
        for hosts, services in one.reached(unseen):
            yield Rule(Action.ALLOW, Match(hosts=hosts, services=services), source)
        for taking in takings:
            yield from self._certificates(one, taking)
        yield from _open(
            policies, one.hosts, Source(one.urn or self.mesh.cluster.declared.urn, label=f"no ALLOW policy selects {one.name}")
        )
        ambient = self.mesh.proxies[one.name] is Proxy.AMBIENT
        rest = self.mesh.of_connections(one)
        regions = (
            [(Enforcer.ZTUNNEL, Services.every())]
            if ambient
            else [(Enforcer.HTTP, Services.every() - rest), (Enforcer.TCP, rest)]
        )
        for policy in policies:
            for action in _acting(policy, ambient=ambient):
                for enforcer, ports in regions:
                    for taking in takings:
                        yield from self._of(policy, action, enforcer, one, taking, ports & taking.ports)
                if action == "DENY" and not ambient:
                    self._not_http(policy, one, takings, regions[0][1])

    def _certificates(self, one: Workload, taking: Taking) -> Iterator[Rule]:
        """Without a certificate of the mesh nothing comes in where it is asked for, whatever the policies say."""
        if taking.strict is False:
            return
        unknown = (
            ()
            if taking.strict or taking.said is None
            else (f"{taking.said.resource.name}: which PeerAuthentication counts at {one.name}",)
        )
        source = taking.said.at("spec", "mtls") if taking.said else Source(self.urn)
        for hosts, services in one.reached(taking.ports):
            yield Rule(Action.DENY, Match(Who(workloads=self.strangers), hosts, services), source, unknown, implied=True)

    def _of(
        self, policy: Authorization, action: str, enforcer: Enforcer, one: Workload, taking: Taking, ports: Services
    ) -> Iterator[Rule]:
        boxes = self.mesh.boxes(policy, enforcer, action, tokens=self.mesh.has_tokens(one))
        for position, box in boxes:
            for hosts, services in one.reached(box.ports & ports):
                yield from self._rules(policy, action, position, box, hosts, services, taking)

    def _rules(
        self, policy: Authorization, action: str, position: int, box: Box, hosts: Hosts, services: Services, taking: Taking
    ) -> Iterator[Rule]:
        behind = Hosts(names=hosts.names & Hosts.from_names(self.waypoints).names) if self.waypoints else Hosts()
        for place in {behind, hosts - behind} if behind else {hosts}:
            caller = self._by_waypoint(box.caller, place) if place == behind and behind else box.caller
            for who, doubt in self._whos(caller, taking):
                unknown = (*_doubts(policy, action), *box.unknown, *doubt)
                source = policy.object.at("spec", "rules", position)
                yield Rule(_action(action), Match(who, place, services, box.operations), source, tuple(dict.fromkeys(unknown)))

    def _by_waypoint(self, caller: Caller, place: Hosts) -> Caller:
        """Whoever is of the mesh comes by the waypoint, as which the ztunnel sees them."""
        passing = all(self._named(caller, self.waypoints[name].account) for name in place.names.mentioned())
        return Caller(self.mesh.members if passing else frozenset(), caller.unnamed, caller.sources if not passing else None)

    def _named(self, caller: Caller, account: str) -> bool:
        names = self.mesh.cluster.of_account(*account.split("/"))
        return caller.named is None or bool(names & caller.named)

    def _whos(self, caller: Caller, taking: Taking) -> Iterator[tuple[Who, tuple[str, ...]]]:
        """Callers as they are known here: without a certificate nobody has an identity."""
        members = self.mesh.members
        if caller.named is None and caller.unnamed:
            yield Who(sources=caller.sources), ()
            return
        named = members if caller.named is None else caller.named & members
        surely = named if taking.named is not False else (members if caller.unnamed else frozenset[str]())
        unsure = taking.named is None and named != (members if caller.unnamed else frozenset())
        mine = surely | (self.strangers if caller.unnamed else frozenset())
        if unsure:
            doubt = (f"{taking.said.resource.name if taking.said else 'the mesh'}: whether callers have an identity there",)
            yield Who(workloads=mine | members, sources=caller.sources), doubt
        elif mine:
            yield Who(workloads=mine, sources=caller.sources), ()

    def _not_http(self, policy: Authorization, one: Workload, takings: Sequence[Taking], ports: Services) -> None:
        """A DENY that looks at HTTP refuses connections that are not HTTP by what else it says."""
        if self.mesh.boxes(policy, Enforcer.HTTP, "DENY") == self.mesh.boxes(policy, Enforcer.TCP, "DENY"):
            return
        for taking in takings:
            rules = self._of(policy, "DENY", Enforcer.TCP, one, taking, ports & taking.ports)
            why = tuple(each.reason for each in self._put_into(one))
            self.connections += (replace(rule, unknown=(*rule.unknown, *why)) for rule in rules)

    def _passing(self, host: str, waypoint: Waypoint) -> Filter:
        """What passes a waypoint: requests of whoever is of the mesh, by their own identity."""
        here = Hosts.from_names([host])
        policies = [one for one in self.mesh.authorizations if holds_at(one, host, waypoint, self.mesh.config.root)]
        taking = Taking(Services.every(), frozenset({"STRICT"}))
        rules = list(
            _open(policies, here, waypoint.object.at(label=f"no ALLOW policy is attached to {waypoint.object} for {host}"))
        )
        # At the waypoint itself callers are themselves.
        plain = _Workloads(self.mesh, self.gate, self.urn, self.inside, {}, {})
        for policy in policies:
            for action in _acting(policy, ambient=False):
                for position, box in self.mesh.boxes(policy, Enforcer.HTTP, action):
                    rules += plain._rules(policy, action, position, box, here, box.ports, taking)
        rules = list(changed(rules, self.mesh.extensions.before(waypoint.object.namespace), Match(hosts=here)))
        scope = Match(Who(workloads=self.mesh.members), here)
        return self._filter(
            f"waypoint {waypoint.account} before {host}", Combine.DENY_OVERRIDES, Action.DENY, tuple(rules), scope
        )


def _acting(policy: Authorization, *, ambient: bool) -> Iterator[str]:
    """What a policy does, or may do: AUDIT decides nothing, and ztunnel knows ALLOW and DENY alone."""
    for action in sorted(policy.actions):
        if action in ("ALLOW", "DENY") or (action == "CUSTOM" and not ambient):
            yield action


def _action(action: str) -> Action:
    return Action.ALLOW if action == "ALLOW" else Action.DENY


def _doubts(policy: Authorization, action: str) -> tuple[str, ...]:
    if action == "CUSTOM":
        return (*policy.unknown, f"{policy.object.resource.name}: an external authorizer decides")
    return policy.unknown


def _open(policies: Sequence[Authorization], hosts: Hosts, source: Source) -> Iterator[Rule]:
    """Without an ALLOW policy everything is let through."""
    allowing = [one for one in policies if "ALLOW" in one.actions]
    unsure = tuple(reason for one in allowing for reason in one.unknown)
    if not any(one.actions == {"ALLOW"} and not one.unknown for one in allowing):
        yield Rule(Action.ALLOW, Match(hosts=hosts), source, unsure)
