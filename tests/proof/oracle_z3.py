"""A symbolic oracle: the access file and the filters as one formula of bit vectors, for z3 to find a point in, or none.

It shares no code with the engine, and knows nothing of its atoms: addresses are bit vectors of 32 and 128 bits, ports of 16,
time is a week and a minute of it with the wall clock of each zone worked out from there. DAGs, tasks, methods and paths are
concrete words, one at least for every combination of the globs that `oracle_z3_cases` writes; a word of a witness is taken for
the one that the same globs match.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache
from zoneinfo import ZoneInfo

import z3
from oracle_z3_cases import AT, DAGS, METHODS, PATHS, TASKS
from pulumi_airlock.access import Access
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, HttpOperation, Match, Who
from pulumi_airlock.proof.findings import Witness
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.times import DagRun, Once, Times, Weekly

WEEK = 7 * 24 * 60
DAYS = 400
FRESH = "never.mentioned"
PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "icmpv6": 58, "sctp": 132}

Spans = Iterable[tuple[int, int]]
Both = tuple[z3.BoolRef, z3.BoolRef]
"""Perhaps or surely; surely."""


def any_of(parts: Iterable[z3.BoolRef]) -> z3.BoolRef:
    return z3.Or(list(parts))


def all_of(parts: Iterable[z3.BoolRef]) -> z3.BoolRef:
    return z3.And(list(parts))


def within(value: z3.BitVecRef, spans: Spans) -> z3.BoolRef:
    return any_of(value == low if low == high else z3.And(z3.UGE(value, low), z3.ULE(value, high)) for low, high in spans)


def is_one(value: z3.BitVecRef, words: Sequence[str], globs: Iterable[str]) -> z3.BoolRef:
    return any_of(value == number for number, word in enumerate(words) if any(fnmatchcase(word, glob) for glob in globs))


class Point:
    """The unknowns."""

    def __init__(self) -> None:
        self.environment = z3.BitVec("environment", 3)
        self.dag, self.task = z3.BitVec("dag", 5), z3.BitVec("task", 3)
        self.group = z3.BitVec("group", 3)
        self.six = z3.Bool("six")
        self.source4, self.source6 = z3.BitVec("source4", 32), z3.BitVec("source6", 128)
        self.name = z3.BitVec("name", 4)
        self.host4, self.host6 = z3.BitVec("host4", 32), z3.BitVec("host6", 128)
        self.protocol, self.port = z3.BitVec("protocol", 8), z3.BitVec("port", 16)
        self.web = z3.Bool("web")
        self.method, self.path = z3.BitVec("method", 3), z3.BitVec("path", 3)
        self.week, self.minute = z3.BitVec("week", 20), z3.BitVec("minute", 20)

    @property
    def moment(self) -> z3.BitVecRef:
        """Minutes since AT."""
        return self.week * WEEK + self.minute


@dataclass(frozen=True)
class Name:
    text: str
    zone: str
    may: Hosts
    """The addresses that it may have."""
    declared: bool
    """By the destination itself, rather than its zone."""


class Oracle:
    """The questions about one access file and one stack."""

    def __init__(self, access: Access, environments: Sequence[Environment], filters: Sequence[Filter]) -> None:
        self.access, self.environments, self.filters = access, environments, filters
        self.at = Point()
        self.groups = ["", *sorted({one.group for one in access.principals if one.group} | _groups(filters))]
        self.zones = {name: [ipaddress.ip_network(cidr) for cidr in zone.cidrs] for name, zone in access.zones.items()}
        self.names = [
            Name(host, one.zone, networks_of(one.cidrs or access.zones[one.zone].cidrs), bool(one.cidrs))
            for one in access.destinations
            for host in one.hosts
        ]
        self.runs = {dag: z3.Bool(f"running {dag}") for dag in sorted(_runs(access, filters))}
        self._decide()

    # --- dimensions

    def address(self, hosts: Hosts) -> z3.BoolRef:
        at = self.at
        return z3.If(at.six, within(at.host6, hosts.v6.spans), within(at.host4, hosts.v4.spans))

    def source(self, hosts: Hosts) -> z3.BoolRef:
        at = self.at
        return z3.If(at.six, within(at.source6, hosts.v6.spans), within(at.source4, hosts.v4.spans))

    def hosts(self, hosts: Hosts) -> Both:
        """An address is in a set, or has a name that is. A name is in a set that says so, else its addresses tell.

        Of a name whose addresses are declared a connection has one: that of the point.
        """
        fresh = FRESH in hosts.names
        here = self.address(hosts)
        aliases = [one for one in self.names if one.declared]
        if fresh:
            here = all_of([here, *(z3.Not(self.address(one.may)) for one in aliases if one.text not in hosts.names)])
        else:
            here = any_of([here, *(self.address(one.may) for one in aliases if one.text in hosts.names)])
        perhaps, surely = [z3.And(self.at.name == 0, here)], [z3.And(self.at.name == 0, here)]
        for number, one in enumerate(self.names, 1):
            if one.declared and (one.text in hosts.names) == fresh:
                resolved = z3.And(self.at.name == number, self.address(hosts))
                perhaps, surely = [*perhaps, resolved], [*surely, resolved]
                continue
            for family, six in ((4, z3.Not(self.at.six)), (6, self.at.six)):
                some, every = self._name_in(one, hosts, family, fresh)
                chosen = z3.And(self.at.name == number, six)
                perhaps += [chosen] if some else []
                surely += [chosen] if every else []
        return any_of(perhaps), any_of(surely)

    @staticmethod
    def _name_in(one: Name, hosts: Hosts, family: int, fresh: bool) -> tuple[bool, bool]:
        inside = one.text in hosts.names
        if inside != fresh:
            return inside, inside
        may, spans = (one.may.v4.spans, hosts.v4.spans) if family == 4 else (one.may.v6.spans, hosts.v6.spans)
        met = sum(max(0, min(b, d) - max(a, c) + 1) for a, b in may for c, d in spans)
        return met > 0, met == sum(high - low + 1 for low, high in may)

    def services(self, services: Services) -> z3.BoolRef:
        at = self.at
        return within(z3.Concat(at.protocol, at.port), services.cells.spans)

    def operations(self, operations: Iterable[HttpOperation] | None) -> z3.BoolRef:
        if operations is None:
            return z3.BoolVal(True)
        asked = (
            z3.And(is_one(self.at.method, METHODS, [one.method]), is_one(self.at.path, PATHS, [one.path])) for one in operations
        )
        return z3.And(self.at.web, any_of(asked))

    def times(self, times: Times) -> z3.BoolRef:
        return all_of(any_of(self._open(one) for one in windows) for windows in times)

    def _open(self, window: Weekly | Once | DagRun) -> z3.BoolRef:
        if isinstance(window, DagRun):
            return self.runs[window.dag]
        if isinstance(window, Once):
            parts = [z3.BoolVal(True)]
            if window.start is not None:
                parts.append(self._not_before(window.start))
            if window.end is not None:
                parts.append(z3.Not(self._not_before(window.end)))
            return all_of(parts)
        offset: z3.BitVecRef | int = 0
        for start, ahead in offsets(window.timezone):
            offset = (
                z3.BitVecVal(ahead, 20) if start == 0 else z3.If(z3.UGE(self.at.moment, start), z3.BitVecVal(ahead, 20), offset)
            )
        began = AT.weekday() * 1440 + AT.hour * 60 + AT.minute
        local = self.at.minute + offset + began + WEEK
        return within(z3.URem(local, z3.BitVecVal(WEEK, 20)), [(first, last - 1) for first, last in window.spans])

    def _not_before(self, moment: datetime) -> z3.BoolRef:
        minutes = int((moment - AT).total_seconds() // 60)
        return z3.BoolVal(True) if minutes <= 0 else z3.UGE(self.at.moment, min(minutes, 2**20 - 1))

    # --- callers

    def is_principal(self, name: str) -> z3.BoolRef:
        one = self.access.principal(name)
        if one.group:
            sources = [self.source(networks_of(one.sources))] if one.sources else [z3.Not(self._inside)]
            return all_of([self._nowhere, self.at.group == self.groups.index(one.group), *sources])
        where = [number for number, each in enumerate(self.environments) if one.environment in (None, each.name)]
        here = any_of(self.at.environment == number for number in where)
        return z3.And(here, is_one(self.at.dag, DAGS, one.dags), is_one(self.at.task, TASKS, one.tasks))

    @property
    def _nowhere(self) -> z3.BoolRef:
        return self.at.environment == len(self.environments)

    @property
    def _inside(self) -> z3.BoolRef:
        return any_of(self.source(one.sources) for one in self.environments)

    def who(self, who: Who) -> z3.BoolRef:
        named = {one.name: number for number, one in enumerate(self.environments)}
        parts = [z3.BoolVal(True)]
        if who.environments is not None:
            found = [named[one] for one in who.environments if one in named]
            parts.append(any_of(self.at.environment == one for one in found) if who.environments else self._nowhere)
        parts += [self.at.environment != named[one] for one in who.outside or () if one in named]
        if who.sources is not None:
            parts.append(self.source(who.sources))
        if who.groups is not None:
            parts.append(z3.And(self._nowhere, any_of(self.at.group == self.groups.index(one) for one in who.groups)))
        if who.principals is not None:
            parts.append(any_of(self.is_principal(one) for one in who.principals))
        return all_of(parts)

    def box(self, match: Match) -> Both:
        rest = self._rest(match)
        perhaps, surely = self.hosts(match.hosts)
        return z3.And(rest, perhaps), z3.And(rest, surely)

    def _rest(self, match: Match) -> z3.BoolRef:
        return all_of(
            [self.who(match.who), self.services(match.services), self.operations(match.operations), self.times(match.times)]
        )

    # --- what there is

    def exists(self) -> z3.BoolRef:
        at = self.at
        tasks = [
            z3.And(
                at.environment == number, self.source(one.sources), is_one(at.dag, DAGS, self._deployed(one.name)), at.group == 0
            )
            for number, one in enumerate(self.environments)
        ]
        declared = {one.group for one in self.access.principals if one.group}
        people = [self.is_principal(one.name) for one in self.access.principals if one.group]
        others = any_of(at.group == number for number, one in enumerate(self.groups) if one not in declared)
        outside = z3.And(self._nowhere, others, z3.Not(self._inside))
        idle = [z3.Implies(z3.And(z3.Not(self._nowhere), at.dag == DAGS.index(dag)), on) for dag, on in self.runs.items()]
        names = [at.name == 0]
        for number, one in enumerate(self.names, 1):
            resolved = self.address(one.may) if one.declared else z3.BoolVal(True)
            names += [all_of([at.name == number, z3.Not(at.six), resolved])] if one.may.v4 else []
            names += [all_of([at.name == number, at.six, resolved])] if one.may.v6 else []
        bounds = [
            z3.ULT(at.dag, len(DAGS)),
            z3.ULT(at.task, len(TASKS)),
            z3.ULT(at.method, len(METHODS)),
            z3.ULT(at.path, len(PATHS)),
            z3.ULT(at.minute, WEEK),
            z3.ULE(at.week, DAYS // 7),
            z3.ULT(at.moment, DAYS * 1440),
        ]
        return all_of([any_of([*tasks, *people, outside]), *idle, any_of(names), *bounds])

    def _deployed(self, environment: str) -> Sequence[str]:
        return next((one.dags for one in self.access.environments if one.name == environment), ("*",))

    def zone(self, wanted: str | None) -> z3.BoolRef:
        """Of an address, the zone with the most specific network that holds it."""
        networks = [(one.prefixlen, name, one) for name, found in self.zones.items() for one in found]
        where: z3.BoolRef = z3.BoolVal(wanted is None)
        for _, name, network in sorted(networks, key=lambda one: one[0]):
            where = z3.If(self.address(networks_of([str(network)])), z3.BoolVal(name == wanted), where)
        named = [self.at.name == number for number, one in enumerate(self.names, 1) if one.zone == wanted]
        return z3.If(self.at.name == 0, where, any_of(named))

    # --- decisions

    def _decide(self) -> None:
        on_path = {zone: self.zone(zone) for zone in [None, *self.zones]}
        possible, definite, met, known = [], [], [], [self.at.name == 0]
        for one in self.filters:
            gates = {zone for zone, found in self.access.zones.items() if one.gate in found.gates}
            here = z3.BoolVal(True) if one.always else any_of(on_path[zone] for zone in gates)
            scope, surely = self.box(one.scope)
            allow, deny = self._outcome(one)
            met.append(z3.And(here, scope))
            possible.append(any_of([z3.Not(z3.And(here, scope)), z3.Not(surely), allow]))
            definite.append(z3.Not(all_of([here, scope, deny])))
            known += [z3.And(here, self._tells(match)) for match in self._deciding(one)]
        self.possible, self.definite, self.known = all_of(possible), all_of(definite), any_of(known)
        self.considered = z3.And(self.exists(), z3.Or(z3.Not(self._nowhere), any_of(met)))
        routes = [self._route(number) for number in range(len(self.access.routes))]
        self.declared, self.perhaps = any_of(sure for _, sure in routes), any_of(some for some, _ in routes)
        self.own = any_of(
            z3.And(self.at.environment == number, self.box(match)[1])
            for number, one in enumerate(self.environments)
            for match in one.own
        )

    @staticmethod
    def _deciding(one: Filter) -> list[Match]:
        return [rule.match for rule in one.rules if rule.action is Action.ALLOW or one.combine is not Combine.ANY_ALLOW]

    def _tells(self, match: Match) -> z3.BoolRef:
        """Whether a rule speaks of the name itself."""
        names, fresh = match.hosts.names, FRESH in match.hosts.names
        told = any_of(self.at.name == number for number, one in enumerate(self.names, 1) if (one.text in names) != fresh)
        return z3.And(told, self._rest(match))

    def _outcome(self, one: Filter) -> Both:
        """Where a filter may allow, and where it may deny."""
        order = [*one.rules]
        if one.combine is not Combine.FIRST_MATCH:
            order = [rule for rule in one.rules if rule.action is Action.ALLOW]
        if one.combine is Combine.DENY_OVERRIDES:
            order = [rule for rule in one.rules if rule.action is Action.DENY] + order
        found: dict[Action, list[z3.BoolRef]] = {Action.ALLOW: [], Action.DENY: []}
        reached = z3.BoolVal(True)
        for rule in order:
            perhaps, surely = self.box(rule.match)
            found[rule.action].append(z3.And(reached, perhaps))
            if not rule.unknown:
                reached = z3.And(reached, z3.Not(surely))
        found[one.default].append(reached)
        return any_of(found[Action.ALLOW]), any_of(found[Action.DENY])

    def _route(self, number: int) -> Both:
        route = self.access.routes[number]
        parts = [any_of(self.is_principal(one) for one in route.from_)]
        if route.window is not None and route.window.dagrun is not None:
            parts.append(self._open(DagRun(route.window.dagrun)))
        elif route.window is not None:
            parts.append(self._open(Weekly(route.window.spans(), route.window.timezone)))
        if route.expires is not None:
            day = datetime(route.expires.year, route.expires.month, route.expires.day, tzinfo=UTC)
            parts.append(self._open(Once(None, day + timedelta(days=1))))
        if route.http:
            asked = (HttpOperation(method, path) for one in route.http for method in one.methods for path in one.paths)
            parts.append(self.operations(list(asked)))
        perhaps, surely = [], []
        for name in route.to:
            one = self.access.destination(name)
            ports = any_of(self._port(*each) for each in one.services())
            some, every = self.hosts(networks_of(one.cidrs) | Hosts.from_names(one.hosts))
            perhaps.append(z3.And(ports, some))
            surely.append(z3.And(ports, every))
        return all_of([*parts, any_of(perhaps)]), all_of([*parts, any_of(surely)])

    def _port(self, protocol: str, first: int, last: int) -> z3.BoolRef:
        return z3.And(self.at.protocol == PROTOCOLS[protocol], within(self.at.port, [(first, last)]))

    # --- questions

    def questions(self) -> dict[str, z3.BoolRef]:
        """Finding → the points at which there is one."""
        undeclared = all_of([self.considered, z3.Not(self.declared), z3.Not(self.own), self.known, self.possible])
        wanted = all_of([self.considered, self.declared, z3.Not(self.own)])
        surely = z3.And(self.definite, z3.Not(self.perhaps))
        return {
            "excess": z3.And(undeclared, surely),
            "undeclared": z3.And(undeclared, z3.Not(surely)),
            "blocked": z3.And(wanted, z3.Not(self.possible)),
            "doubtful": all_of([wanted, self.possible, z3.Not(self.definite)]),
        }

    def holds(self, formula: z3.BoolRef, witness: Witness) -> bool:
        """Whether a finding's witness is one of the points of a formula; of a name, with some of its addresses."""
        found = z3.simplify(z3.substitute(formula, *self._values(witness)))
        return z3.is_true(found) or (not z3.is_false(found) and is_possible(found))

    def _values(self, one: Witness) -> list[tuple[z3.ExprRef, z3.ExprRef]]:
        at, values = self.at, []

        def put(unknown: z3.ExprRef, value: int | bool) -> None:
            known = z3.BoolVal(value) if isinstance(value, bool) else z3.BitVecVal(value, unknown.size())
            values.append((unknown, known))

        where, slash, task = one.task.partition("/")
        source, numbers = ipaddress.ip_address(one.source), [each.name for each in self.environments]
        put(at.environment, numbers.index(where) if slash else len(numbers))
        put(at.dag, self._like(task.partition(".")[0], DAGS, self._dag_globs()) if slash else 0)
        put(at.task, self._like(task.partition(".")[2], TASKS, self._task_globs()) if slash else 0)
        put(at.group, 0 if slash else self.groups.index(one.task))
        put(at.six, source.version == 6)
        put(at.source4, int(source) if source.version == 4 else 0)
        put(at.source6, int(source) if source.version == 6 else 0)
        names = [each.text for each in self.names]
        named = one.host in names
        put(at.name, names.index(one.host) + 1 if named else 0)
        if not named:
            host = int(ipaddress.ip_address(one.host))
            put(at.host4, host if source.version == 4 else 0)
            put(at.host6, host if source.version == 6 else 0)
        put(at.protocol, PROTOCOLS[one.protocol] if one.protocol in PROTOCOLS else int(one.protocol))
        put(at.port, one.port)
        put(at.web, one.operation is not None)
        put(at.method, self._like(one.operation.method, METHODS, METHODS[:2]) if one.operation else 0)
        put(at.path, self._like(one.operation.path, PATHS, self._path_globs()) if one.operation else 0)
        week, minute = divmod(int((one.time - AT).total_seconds() // 60), WEEK)
        put(at.week, week)
        put(at.minute, minute)
        # A task runs in a run of its DAG: nobody has to say that one is under way.
        running = {*one.running, task.partition(".")[0]}
        values += [(unknown, z3.BoolVal(dag in running)) for dag, unknown in self.runs.items()]
        return values

    @staticmethod
    def _like(word: str, words: Sequence[str], globs: Iterable[str]) -> int:
        """The word of ours that the same globs match."""
        asked = list(globs)
        return next(n for n, one in enumerate(words) if all(fnmatchcase(one, each) == fnmatchcase(word, each) for each in asked))

    def _dag_globs(self) -> set[str]:
        deployed = {glob for one in self.access.environments for glob in one.dags}
        return {glob for one in self.access.principals for glob in one.dags} | deployed | set(self.runs)

    def _task_globs(self) -> set[str]:
        return {glob for one in self.access.principals for glob in one.tasks}

    def _path_globs(self) -> set[str]:
        routes = {path for one in self.access.routes for each in one.http for path in each.paths}
        matches = [rule.match for one in self.filters for rule in one.rules]
        return routes | {each.path for one in matches for each in one.operations or ()}


def is_possible(formula: z3.BoolRef) -> bool:
    solver = z3.SolverFor("QF_BV")
    solver.set("random_seed", 0)
    solver.add(formula)
    answer = solver.check()
    assert answer != z3.unknown
    return bool(answer == z3.sat)


def networks_of(cidrs: Iterable[str]) -> Hosts:
    return Hosts.from_cidrs(cidrs)


def _groups(filters: Iterable[Filter]) -> set[str]:
    matches = [match for one in filters for match in (one.scope, *(rule.match for rule in one.rules))]
    return {group for match in matches for group in match.who.groups or ()}


def _runs(access: Access, filters: Iterable[Filter]) -> set[str]:
    routes = {one.window.dagrun for one in access.routes if one.window and one.window.dagrun}
    windows = (window for one in filters for rule in one.rules for found in rule.match.times for window in found)
    return routes | {one.dag for one in windows if isinstance(one, DagRun)}


@cache
def offsets(timezone: str) -> list[tuple[int, int]]:
    """(minutes since AT, how far the zone's clock is ahead of UTC from then on): looked at every half hour."""
    found: list[tuple[int, int]] = []
    for minute in range(0, DAYS * 1440, 30):
        moment = (AT + timedelta(minutes=minute)).astimezone(ZoneInfo(timezone))
        ahead = int((moment.utcoffset() or timedelta()).total_seconds() // 60)
        if not found or found[-1][1] != ahead:
            found.append((minute, ahead))
    return found
