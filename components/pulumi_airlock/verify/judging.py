"""What the logs of ZPA and ZIA say, held against routes and rules: seen as compiled, or a finding.

Two questions, apart: whether a route declares the connection, and what the rules of the stack do with it. Where the gate did the
one and not the other, the finding says both.
"""

from datetime import datetime
from typing import NamedTuple

from ..logs import Connection, Session, lss
from ..proof.filters import Rule
from ..proof.findings import Outcome
from ..proof.sets import Hosts
from ..proof.wording import listed
from .deciding import Caller, Decision, Point, decide, is_elsewhere, matches
from .declaring import Claim, Declared
from .expected import TASKS, ZIA, ZPA, Expected
from .findings import Blame, Verdict
from .model import Fault
from .points import Clock, Held, Host, address_in, service

PEOPLE = "people"
_BUILT_IN = frozenset(
    {"default firewall filtering rule", "default cloud ips rule", "default rule", "default policy", "default", "deny all"}
)
"""Names of rules that every tenant has."""
OF_NO_TASK = ("scheduler", "webserver", "scheduler, webserver")
"""Components that run no tasks, where a location tells them apart."""
_WORKLOADS = frozenset({"zpn_client_type_edge_connector", "zpn_client_type_machine_tunnel", "zpn_client_type_branch_connector"})
"""Types of clients that have no user."""
_MOST = 10_000
"""Names of such clients that are remembered."""
_SIGN_IN = ("sign in again", "not active")


class Judged(NamedTuple):
    """What of a line of a gate's log counts; the rest is when and where it was written."""

    kind: str
    """`zia` or `zpa`."""
    environment: str
    """Empty: a person, or somebody unknown."""
    component: str
    location: str
    user: str
    """Of people alone."""
    source: str
    """The caller's address, where it is one of an environment."""
    destination: str
    name: str
    port: int
    protocol: str
    allowed: bool | None
    rule: str
    detail: str
    moment: int
    """The class of instants that it belongs to."""


class Judge:
    """Judges connections of Zscaler's logs, each distinct one once."""

    def __init__(self, expected: Expected, declared: Declared) -> None:
        self._expected, self._declared = expected, declared
        rules = (rule.match.times for one in expected.filters for rule in one.rules)
        self._clock = Clock([*(one.times for one in declared.matches()), *rules])
        self._locations = {one.location.lower(): one for one in expected.ways if one.location}
        self._sources = {one.name: one.sources.addresses() for one in expected.environments}
        self._clients: dict[str, str] = {}
        self._proxies = [one.hosts.addresses() for one in expected.proxies.values()]
        self._gates = {kind: expected.gates(kind) for kind in (ZIA, ZPA)}
        self._named: dict[tuple[str, str], list[Rule]] = {}
        for each in expected.filters:
            for rule in each.rules:
                self._named.setdefault((each.gate, expected.name_of(rule).lower()), []).append(rule)

    def learn(self, session: Session) -> None:
        """Remembers the clients that are no persons: Cloud Connectors and machines, by their names."""
        if session.client.lower() in _WORKLOADS and len(self._clients) < _MOST:
            self._clients[session.user.lower()] = session.client

    def judged(self, one: Connection) -> Judged:
        """What of it counts."""
        kind = ZPA if one.format == lss.FORMAT else ZIA
        inside = next((name for name, addresses in self._sources.items() if address_in(one.source, addresses)), "")
        way = self._locations.get((one.location if kind == ZIA else one.user).lower())
        environment = way.environment if way is not None else inside
        component = way.component if way is not None else TASKS if kind == ZPA else ""
        # What an explicit proxy's client connects to is the proxy.
        proxied = bool(one.server) and any(address_in(one.destination, hosts) for hosts in self._proxies)
        # Of traffic that is nobody's here, the user alone would make every line another one.
        return Judged(
            kind=kind,
            environment=environment,
            component=component,
            location=one.location,
            user="" if environment or kind == ZIA else one.user,
            source=one.source if inside else "",
            destination=one.server if proxied else one.destination,
            name=one.name,
            port=one.server_port if proxied else one.port,
            protocol=one.protocol,
            allowed=one.allowed,
            rule=one.rule,
            detail=one.detail,
            moment=self._clock.class_of(one.time),
        )

    def judge(self, one: Judged, when: datetime) -> Verdict:
        """What it means. `when` is an instant of its class."""
        if not self._gates[one.kind]:
            return Verdict(skipped=f"of {one.kind.upper()}, of which the stack has no gate")
        host = self._declared.host(one.destination, one.name)
        if one.environment:
            return self._workload(one, host, when)
        return self._person(one, host, when) if one.kind == ZPA else self._nobody(one)

    # --- tasks

    def _workload(self, one: Judged, host: Host, when: datetime) -> Verdict:
        misplaced = self._misplaced(one)
        gate = self._gate(one, host)
        principals = self._declared.workloads(one.environment)
        claims = self._declared.claims(principals, host, one.protocol, one.port, when)
        here = [claim for claim in claims if gate in self._declared.gates_of(claim.grant.destination.zone)]
        caller = Caller(one.environment, self._from(one), principals=principals)
        point = Point(
            caller,
            host,
            service(one.protocol, one.port),
            when,
            one.location.lower() if one.location.lower() in self._locations else "",
        )
        place = (one.environment, self._component(one, gate), gate)
        found = self._decided(one, gate, point, here, claims, place)
        return Verdict((*misplaced, *found.faults), found.row, found.entering, found.routes, found.skipped)

    def _from(self, one: Judged) -> Hosts:
        return Hosts.from_cidr(one.source) if one.source else self._sources.get(one.environment, Hosts())

    def _component(self, one: Judged, gate: str) -> str:
        if one.component and one.component != TASKS:
            return one.component
        ways = [way for way in self._expected.ways if (way.environment, way.gate) == (one.environment, gate)]
        return ways[0].component if len(ways) == 1 else one.component

    def _gate(self, one: Judged, host: Host) -> str:
        """The gate whose log it is: of several of a kind, the one on the way to the destination."""
        gates = self._gates[one.kind]
        on_the_way = self._declared.gates_of(self._declared.zone_of(host.address, host.name))
        return next((gate for gate in gates if gate in on_the_way), gates[0] if gates else one.kind)

    def _misplaced(self, one: Judged) -> tuple[Blame, ...]:
        """Traffic of an environment that came by a location which is not its own."""
        if one.kind != ZIA or not one.source:
            return ()
        way = self._locations.get(one.location.lower())
        whose = next((name for name, addresses in self._sources.items() if address_in(one.source, addresses)), "")
        gate = self._gate(one, Host(one.destination, one.name))
        if way is not None and way.environment != whose:
            message = f"{one.source} of {whose} came by location {one.location}, which is that of {way.environment}"
        elif way is None and self._locations:
            said = f"location {one.location}" if one.location else "no location"
            message = f"{one.source} of {whose} came by {said}, which the stack does not have"
        else:
            return ()
        known = ", ".join(
            dict.fromkeys(each.location for each in self._expected.ways if each.environment == whose and each.location)
        )
        fix = f"Look how it is forwarded: {whose} has {known or 'no location'}."
        return (Blame(Fault.LOCATION, whose, gate, one.location or "no location", message, fix),)

    # --- people

    def _person(self, one: Judged, host: Host, when: datetime) -> Verdict:
        zone = self._declared.zone_of(host.address, host.name)
        gate = self._gate(one, host)
        ours = one.rule.lower() in self._expected.rules.get(ZPA, frozenset())
        if gate not in self._declared.gates_of(zone) and not ours:
            return Verdict(skipped="of ZPA, to destinations that the stack does not have")
        client = self._clients.get(one.user.lower())
        if client is not None:
            return Verdict((self._nobody_s(one, gate, client),))
        principals = self._let_in(one, gate)
        claims = self._declared.claims(principals, host, one.protocol, one.port, when)
        here = [claim for claim in claims if gate in self._declared.gates_of(claim.grant.destination.zone)]
        if one.allowed is False:
            return Verdict(skipped="people refused by ZPA (the log does not tell their groups)")
        groups = self._declared.groups(
            frozenset().union(*(claim.grant.match.who.principals or () for claim in here)) & principals
        )
        point = Point(
            Caller(None, Hosts(), groups or self._declared.groups(principals)), host, service(one.protocol, one.port), when
        )
        return self._decided(one, gate, point, here, claims, self._place(host, gate))

    def _nobody_s(self, one: Judged, gate: str, client: str) -> Blame:
        """A Cloud Connector or a machine of which the stack does not know whose it is."""
        message = f"{one.user} ({client}) reached {_where(one)}: of which environment it is, the stack does not know"
        fix = (
            f"Give {gate} the group that it is of as the environment's workload, or put ClientPrivateIP into the template, by "
            "which its environment is known."
        )
        return Blame(Fault.LOCATION, one.user, gate, _where(one), message, fix, one.rule)

    def _let_in(self, one: Judged, gate: str) -> frozenset[str]:
        """Who a person can be: those whose group the rule that let them in names, where it is the stack's."""
        groups: set[str] = set()
        for each in self._by_name(one.rule, gate):
            if each.match.who.groups is None:
                return self._declared.people
            groups |= each.match.who.groups
        if not groups:
            return self._declared.people
        return frozenset(name for name in self._declared.people if self._declared.groups(frozenset({name})) & groups)

    def _place(self, host: Host, gate: str) -> tuple[str, str, str]:
        """People reach a web server of an environment, or something else."""
        addresses = Hosts.from_cidr(host.address) if host.address else host.may
        for name, sources in self._sources.items():
            if addresses and sources.covers_addresses(addresses.addresses()):
                return name, "webserver", gate
        return PEOPLE, "", gate

    def _nobody(self, one: Judged) -> Verdict:
        """Traffic of ZIA that is no environment's by its location nor by its address."""
        if one.rule.lower() not in self._expected.rules.get(ZIA, frozenset()) or one.allowed is not True:
            return Verdict(skipped="of ZIA, from locations that the stack does not have")
        where = _where(one)
        message = f"rule {one.rule} let through {where} from location {one.location or 'none'}, which the stack does not have"
        fix = "Bind the rule to the locations of the environments that it is for."
        gate = next(iter(self._gates[ZIA]), ZIA)
        return Verdict((Blame(Fault.LOCATION, one.location or "no location", gate, where, message, fix, one.rule),))

    # --- the gate's decision

    def _decided(
        self, one: Judged, gate: str, point: Point, here: list[Claim], anywhere: list[Claim], place: tuple[str, str, str]
    ) -> Verdict:
        foreign = self._foreign(one, gate, place)
        if one.allowed is None:
            return Verdict(foreign, skipped="neither allowed nor refused by a policy")
        if one.component in OF_NO_TASK:
            return self._of_no_task(one, gate, point, place, foreign)
        certain = [claim for claim in here if claim.held is Held.YES]
        if one.allowed:
            if not here:
                if self._held_elsewhere(one, gate, point):
                    return Verdict(foreign, skipped="outside of a route's window, which another gate holds")
                return Verdict((*foreign, self._undeclared(one, gate, point, anywhere, place)))
            if not certain:
                return Verdict(foreign, skipped="perhaps declared: the line lacks the destination's name, or its address")
            drift = self._drift(one, gate, point, place)
            return Verdict((*foreign, *drift), place, routes=tuple(dict.fromkeys(claim.name for claim in certain)))
        if certain:
            return Verdict((*foreign, self._blocked(one, gate, point, certain, place)))
        return Verdict(foreign, skipped="refused, and not declared: as compiled")

    def _of_no_task(
        self, one: Judged, gate: str, point: Point, place: tuple[str, str, str], foreign: tuple[Blame, ...]
    ) -> Verdict:
        """What schedulers and web servers do themselves: no route is about them, the stack's rules say what they may."""
        ours = self._ours(gate, point)
        if ours is None or ours.outcome is Outcome.UNKNOWN:
            return Verdict(foreign, skipped="of schedulers and web servers: what the stack lets them is not known")
        if one.allowed:
            if ours.outcome is Outcome.DENY:
                return Verdict((*foreign, self._undeclared(one, gate, point, [], place)))
            return Verdict(foreign, place)
        if ours.outcome is Outcome.ALLOW:
            return Verdict((*foreign, self._blocked(one, gate, point, [], place)))
        return Verdict(foreign, skipped="refused, and not declared: as compiled")

    def _held_elsewhere(self, one: Judged, gate: str, point: Point) -> bool:
        """Whether a route declares it at other times, and the gate has no times, so that another one on the way holds them."""
        zone = self._declared.zone_of(point.host.address, point.host.name)
        if not self._declared.gates_of(zone) - self._expected.kinds.keys() or one.kind != ZPA:
            return False
        principals = point.caller.principals or self._declared.people
        ever = self._declared.ever(principals, point.host, one.protocol, one.port)
        ours = self._ours(gate, point)
        return bool(ever) and ours is not None and ours.outcome is Outcome.ALLOW

    def _ours(self, gate: str, point: Point) -> Decision | None:
        return decide(self._expected.of_gate(gate), point, self._expected.bound)

    def _undeclared(self, one: Judged, gate: str, point: Point, anywhere: list[Claim], place: tuple[str, str, str]) -> Blame:
        ours = self._ours(gate, point)
        by = f" by rule {one.rule}" if one.rule else ""
        whose = "no rule of the stack is for it" if one.component in OF_NO_TASK else "no route declares it then"
        message = f"{gate} let {_who(one, place)} reach {_where(one)}{by}, and {whose}"
        if anywhere:
            claim = anywhere[0]
            gates = ", ".join(sorted(self._declared.gates_of(claim.grant.destination.zone)))
            message = (
                f"{gate} let {_who(one, place)} reach {_where(one)}{by}; route {claim.name} declares it by way of {gates} alone"
            )
        if ours is not None and ours.outcome is Outcome.ALLOW:
            fix = f"The stack's own {ours.source} lets it through: `airlock prove` shows it as excess."
        elif ours is not None and ours.outcome is Outcome.DENY:
            fix = f"The stack refuses it (by {ours.source}): look what {gate} has beside it, and apply the stack again."
        else:
            fix = f"Take away what lets it through on {gate}, or declare a route."
        if not one.environment and "@" not in one.user:
            fix += " If this is a Cloud Connector's name: the template needs ClientPrivateIP, by which its environment is known."
        return Blame(Fault.UNDECLARED, _who(one, place), gate, _where(one), message, fix, one.rule)

    def _blocked(self, one: Judged, gate: str, point: Point, claims: list[Claim], place: tuple[str, str, str]) -> Blame:
        ours = self._ours(gate, point)
        routes = listed(dict.fromkeys(claim.name for claim in claims))
        kind = "token" if any(word in one.detail for word in _SIGN_IN) else "permission"
        by = f" by rule {one.rule}" if one.rule else f": {one.detail}" if one.detail else ""
        meant = f"which route {routes} declares" if routes else "which the stack lets it reach"
        message = f"{gate} refused {_who(one, place)} {_where(one)}{by} ({kind}), {meant}"
        if kind == "token":
            fix = "Sign in again, or look at the identity provider; no rule is wrong."
        elif ours is None or ours.outcome is Outcome.UNKNOWN:
            fix = f"Whether the stack allows it is not known (`airlock explain` says why): look at the rules of {gate}."
        elif ours.outcome is Outcome.DENY:
            fix = f"The stack refuses it as well, by {ours.source}: `airlock prove` shows it as blocked."
        elif one.kind == ZIA:
            fix = f"The stack allows it: look whether {gate} is activated, and what stands before its rules."
        else:
            fix = f"The stack allows it: look what stands before its rules on {gate}, and apply the stack again."
        return Blame(Fault.BLOCKED, _who(one, place), gate, _where(one), message, fix, one.rule)

    def _drift(self, one: Judged, gate: str, point: Point, place: tuple[str, str, str]) -> tuple[Blame, ...]:
        """What a route declares was let through, and not by the stack's rules."""
        ours = self._ours(gate, point)
        if ours is not None and ours.outcome is Outcome.DENY:
            message = f"{gate} let {_who(one, place)} reach {_where(one)}, which the stack's {ours.source} refuses"
            fix = "Apply the stack again: what the gate has is not what the stack says."
            return (Blame(Fault.DRIFT, _who(one, place), gate, _where(one), message, fix, one.rule),)
        named = self._by_name(one.rule, gate)
        if named and all(self._does_not_hold(rule, point) for rule in named):
            message = (
                f"rule {one.rule} let {_who(one, place)} reach {_where(one)}; as the stack has it, it does not hold for that"
            )
            fix = "Apply the stack again: the rule on the gate is not the stack's."
            return (Blame(Fault.DRIFT, _who(one, place), gate, _where(one), message, fix, one.rule),)
        return ()

    def _does_not_hold(self, rule: Rule, point: Point) -> bool:
        return is_elsewhere(rule, point, self._expected.bound) or matches(rule.match, point) is Held.NO

    def _by_name(self, name: str, gate: str) -> list[Rule]:
        """The stack's rules of a gate that a log calls by this name."""
        return self._named.get((gate, name.lower()), []) if name else []

    def _foreign(self, one: Judged, gate: str, place: tuple[str, str, str]) -> tuple[Blame, ...]:
        known = self._expected.rules.get(one.kind, frozenset())
        name = one.rule.lower()
        if not name or name in known or name in _BUILT_IN:
            return ()
        verb = "let through" if one.allowed else "refused"
        message = f"rule {one.rule} {verb} {_who(one, place)} → {_where(one)}: the stack has no rule of that name"
        fix = f"It was made by hand, or by another owner of {gate}'s order: take it away there, or bring it into the stack."
        return (Blame(Fault.FOREIGN, _who(one, place), gate, _where(one), message, fix, one.rule),)


def _who(one: Judged, place: tuple[str, str, str]) -> str:
    if not one.environment:
        return one.user or "somebody"
    return f"{one.environment} {place[1]}" if place[1] else one.environment


def _where(one: Judged) -> str:
    host = one.name or (f"[{one.destination}]" if ":" in one.destination else one.destination)
    return f"{host}:{one.port}/{one.protocol}" if one.port else f"{host}:{one.protocol}"
