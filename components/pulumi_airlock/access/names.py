"""Resolving what people type: callers and destinations, in expectations and on the command line.

    select_principals(access, "finance_daily.load_orders") -> (Caller(TASKS, "finance-etl", "finance"),)
    select_destinations(access, "warehouse:5432")          -> (Target("warehouse", hosts, networks, (("tcp", 5432, 5432),)),)
    other_example(access, "finance")                       -> ("a", "a"), a task there that no principal covers, or None

What a caller text may be:
- a principal's name, or `environment/name`;
- `dag.task`, or `environment/dag.task`: ids or globs, split at the first dot (a dot in a DAG's id is written `[.]`). It
  stands for every task that it matches: of each declared principal that covers some of them, and of "any other DAG" when
  principals do not cover all of them;
- `other` ("any other DAG"), or `environment/other`;
- `outside` ("anything outside Airflow").

What a destination text may be: a destination's name, an address, a network or a host's name, with `:port` or without; a port as
in `5432`, `53/udp`, `8000-8010/tcp`, `icmp`; an IPv6 address with a port in brackets.

Both raise AccessError when nothing is meant, with the nearest name that there is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from . import globs
from .errors import AccessError, nearest, quoted
from .model import Access, Destination, Principal
from .values import PLAIN_PROTOCOLS, IPNetwork, Service, parse_cidr, parse_host, parse_port


class CallerKind(StrEnum):
    """What a caller is."""

    TASKS = "tasks"
    PEOPLE = "people"
    OTHER = "any other DAG"
    OUTSIDE = "anything outside Airflow"


@dataclass(frozen=True, slots=True)
class Caller:
    """One kind of caller that the proof tells apart."""

    kind: CallerKind
    principal: str | None = None
    """The declared principal's name, for tasks and people."""
    environment: str | None = None
    """Where the tasks run. None: in every environment; for "any other DAG": in every one that the file does not name."""

    def __str__(self) -> str:
        what = self.principal or str(self.kind)
        return f"{what} in {self.environment}" if self.environment and self.kind is CallerKind.OTHER else what


@dataclass(frozen=True, slots=True)
class Target:
    """What a destination text means: one declared destination or a part of it, or an address or name that none declares."""

    destination: str | None
    hosts: tuple[str, ...]
    networks: tuple[IPNetwork, ...]
    services: tuple[Service, ...]
    """(protocol, first port, last port); empty: every port and protocol."""

    def __str__(self) -> str:
        where = self.destination or ", ".join([*self.hosts, *map(str, self.networks)])
        return f"{where}:{','.join(map(service_text, self.services))}" if self.services else where


def service_text(service: Service) -> str:
    """A service as an access file writes it."""
    protocol, first, last = service
    if protocol in PLAIN_PROTOCOLS:
        return protocol
    return f"{first}/{protocol}" if first == last else f"{first}-{last}/{protocol}"


def select_principals(access: Access, text: str) -> tuple[Caller, ...]:
    """Every caller that a text means, in the file's order, "any other DAG" last.

    Never empty: AccessError when nothing is meant.
    """
    where, what = _split_environment(text)
    environments = _environments(access)
    if where is not None:
        environments = {name: dags for name, dags in environments.items() if name is not None and globs.matches(where, name)}
        if not environments and not access.environments and not _is_glob(where):
            environments = {where: ("*",)}  # the stack may have environments that the file says nothing of
        if not environments:
            raise _error(f"no environment {quoted(where)}{nearest(where, [name for name in _environments(access) if name])}")
    found = tuple(_meant(access, what, environments, where is not None))
    if not found:
        raise _error(_nobody(access, what, where))
    return found


def other_example(access: Access, environment: str | None, dag: str = "*", task: str = "*") -> tuple[str, str] | None:
    """Ids of a DAG and a task of an environment that no declared principal covers: what "any other DAG" is there, or None.

    `dag` and `task` narrow the question to what these globs match. Where the globs are too entangled to tell, the globs
    themselves are the answer: better one caller too many in a proof than one too few.
    """
    dags = _environments(access).get(environment, ("*",))
    barred = tuple(
        (dag_glob, task_glob)
        for principal in access.principals
        if not principal.is_people and principal.environment in (None, environment)
        for dag_glob in principal.dags
        for task_glob in principal.tasks
    )
    try:
        return next((found for deployed in dags if (found := globs.uncovered(((dag, task), (deployed, "*")), barred))), None)
    except globs.GlobBudgetError:
        return dag, task


def task_example(access: Access, principal: Principal, environment: str | None, dag: str = "*", task: str = "*") -> str | None:
    """`dag.task` that is the principal's in this environment and matches both globs; None when there is none."""
    if principal.environment not in (None, environment):
        return None
    for deployed in _environments(access).get(environment, ("*",)):
        dags = (globs.example(mine, dag, deployed) for mine in principal.dags)
        tasks = (globs.example(mine, task) for mine in principal.tasks)
        one, other = next(filter(None, dags), None), next(filter(None, tasks), None)
        if one and other:
            return f"{one}.{other}"
    return None


def select_destinations(access: Access, text: str) -> tuple[Target, ...]:
    """Every target that a text means. Never empty: AccessError when nothing is meant."""
    where, port = _split_port(access, text)
    wanted = _port(port) if port is not None else None
    named = next((one for one in access.destinations if one.name == where), None)
    if named is not None:
        return (Target(named.name, named.hosts, named.networks(), _narrowed(named, wanted)),)
    network = _network(where)
    if network is not None:
        holding = [one for one in access.destinations if any(_within(network, mine) for mine in one.networks())]
        targets = tuple(Target(one.name, (), (network,), _narrowed(one, wanted)) for one in holding)
        return targets or (Target(None, (), (network,), _bare(wanted)),)
    if "." in where:
        host = _host(where)
        holding = [one for one in access.destinations if any(_falls_under(host, mine) for mine in one.hosts)]
        targets = tuple(Target(one.name, (host,), one.networks(), _narrowed(one, wanted)) for one in holding)
        return targets or (Target(None, (host,), (), _bare(wanted)),)
    raise _error(f"no destination {quoted(where)}{nearest(where, [one.name for one in access.destinations])}")


# --- callers


def _error(message: str) -> AccessError:
    return AccessError.of("", "", message)


def _environments(access: Access) -> dict[str | None, tuple[str, ...]]:
    """The environments by name, with the DAGs they run; None stands for those that the file says nothing of."""
    if access.environments:
        return {one.name: one.dags for one in access.environments}
    named = dict.fromkeys(one.environment for one in access.principals if one.environment is not None)
    return {**dict.fromkeys(named, ("*",)), None: ("*",)}


def _meant(access: Access, what: str, environments: dict[str | None, tuple[str, ...]], narrowed: bool) -> Iterator[Caller]:
    if what == "outside" and not narrowed:
        yield Caller(CallerKind.OUTSIDE)
    elif what in ("other", str(CallerKind.OTHER)):
        yield from (Caller(CallerKind.OTHER, None, where) for where in environments if other_example(access, where))
    elif any(one.name == what for one in access.principals):
        principal = access.principal(what)
        if principal.is_people:
            if not narrowed:
                yield Caller(CallerKind.PEOPLE, what)
        else:
            yield from _tasks(access, principal, environments, "*", "*")
    elif (globbed := split_task(what)) is not None:
        dag, task = globbed
        for principal in access.principals:
            if not principal.is_people:
                yield from _tasks(access, principal, environments, dag, task)
        yield from (Caller(CallerKind.OTHER, None, where) for where in environments if other_example(access, where, dag, task))


def _tasks(
    access: Access, principal: Principal, environments: dict[str | None, tuple[str, ...]], dag: str, task: str
) -> Iterator[Caller]:
    everywhere = None in environments and principal.environment is None
    for where in [None] if everywhere else environments:
        if task_example(access, principal, where, dag, task):
            yield Caller(CallerKind.TASKS, principal.name, where)


def _nobody(access: Access, what: str, where: str | None) -> str:
    names = [one.name for one in access.principals]
    at = f" in environment {quoted(where)}" if where else ""
    if what in names:
        principal = access.principal(what)
        if principal.is_people:
            return f"principal {quoted(what)} is people, who are in no environment: write {quoted(what)} alone"
        return f"principal {quoted(what)} has no task{at}: no environment of the file runs a DAG that it covers"
    if what in ("other", str(CallerKind.OTHER)):
        return f"no other DAG{at}: the declared principals cover every DAG that the environments run"
    globbed = split_task(what)
    if globbed is None:
        return f"no principal {quoted(what)}, nor dag.task{nearest(what, [*names, 'other', 'outside'])}"
    dags = [dag for one in access.environments for dag in one.dags] + [dag for one in access.principals for dag in one.dags]
    return f"no environment{f' {quoted(where)}' if where else ''} runs a DAG {quoted(globbed[0])}{nearest(globbed[0], dags)}"


def split_task(text: str) -> tuple[str, str] | None:
    """The globs on DAG and task ids of `dag.task`; None when there is no dot outside brackets, or nothing on one side of it."""
    dag, dot, task = _cut(text, ".")
    return (dag, task) if dot and dag and task else None


def _split_environment(text: str) -> tuple[str | None, str]:
    before, slash, after = _cut(text, "/")
    return (before, after) if slash else (None, text)


def _cut(text: str, mark: str) -> tuple[str, str, str]:
    """`partition`, at the first mark outside of a bracket expression."""
    start = 0
    while True:
        at = text.find(mark, start)
        opened = text.find("[", start)
        closed = text.find("]", opened + 2) if opened >= 0 else -1
        if at < 0 or opened < 0 or closed < 0 or at < opened:
            return (text, "", "") if at < 0 else (text[:at], mark, text[at + 1 :])
        start = closed + 1


def _is_glob(text: str) -> bool:
    return any(char in text for char in "*?[")


# --- destinations


def _split_port(access: Access, text: str) -> tuple[str, str | None]:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", text, re.DOTALL)
    if bracketed:
        return bracketed[1], bracketed[2]
    if text.count(":") > 1 and _network(text) is not None:
        return text, None
    where, colon, port = text.rpartition(":")
    return (where, port) if colon else (text, None)


def _port(text: str) -> tuple[str | None, int, int]:
    if re.fullmatch(r"[0-9]{1,5}(-[0-9]{1,5})?", text, re.ASCII):
        _, first, last = _parsed_port(f"{text}/tcp")
        return None, first, last
    return _parsed_port(text)


def _parsed_port(text: str) -> Service:
    try:
        return parse_port(text)
    except ValueError as error:
        raise _error(str(error)) from None


def _narrowed(destination: Destination, wanted: tuple[str | None, int, int] | None) -> tuple[Service, ...]:
    """The wanted port; without a protocol, with each one that the destination declares it for, or TCP."""
    if wanted is None:
        return destination.services()
    protocol, first, last = wanted
    if protocol is not None:
        return ((protocol, first, last),)
    declared = dict.fromkeys(
        name for name, low, high in destination.services() if name not in PLAIN_PROTOCOLS and low <= last and first <= high
    )
    return tuple((name, first, last) for name in declared) or (("tcp", first, last),)


def _bare(wanted: tuple[str | None, int, int] | None) -> tuple[Service, ...]:
    return () if wanted is None else ((wanted[0] or "tcp", wanted[1], wanted[2]),)


def _network(text: str) -> IPNetwork | None:
    try:
        return parse_cidr(text if "/" in text else f"{text}/{128 if ':' in text else 32}")
    except ValueError:
        return None


def _host(text: str) -> str:
    try:
        return parse_host(text)
    except ValueError as error:
        raise _error(str(error)) from None


def _within(inner: IPNetwork, outer: IPNetwork) -> bool:
    return inner.version == outer.version and int(outer[0]) <= int(inner[0]) and int(inner[-1]) <= int(outer[-1])


def _falls_under(host: str, pattern: str) -> bool:
    pattern = pattern.lower()
    return host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))
