"""A load on a real Envoy as the TCP proxy, while keys, routes and certificates are replaced: every decision, and which was right.

What is replaced holds once Envoy has been seen to go by it: from its writing until then either answer is right, and after that
the new one alone. No clock decides.
"""

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from load_client import PASSED, RETIRED, Asked, Case, Shared, Work, main, told
from pulumi_airlock.access import Access
from pulumi_airlock.gates.tcp_proxy import ProxyPlan, TaskIssuer, compile_proxy, envoy_configuration
from real_tcp_proxy import SERVER_NAME, RunningProxy, SigningKey, echo, key_set, proxy, put_certificate

ISSUER, AUDIENCE = "https://issuer.airlock.test", "airlock-proxy"
WAREHOUSE, LEDGER, ELSEWHERE = "warehouse.corp.example:5432", "ledger.corp.example:1521", "elsewhere.example:1"
FINANCE, MARKETING, BOOKS, EXPIRED, FORGED = "finance_daily", "marketing_daily", "close_books", "expired", "forged"
CASES = (
    Case(FINANCE, WAREHOUSE),
    Case(MARKETING, WAREHOUSE),
    Case(BOOKS, LEDGER),
    Case(FINANCE, LEDGER),
    Case(EXPIRED, WAREHOUSE),
    Case(FINANCE, WAREHOUSE),
    Case(FORGED, WAREHOUSE),
    Case(MARKETING, ELSEWHERE),
    Case(BOOKS, LEDGER),
    Case(BOOKS, WAREHOUSE),
    Case(FINANCE, WAREHOUSE, 1),  # a key that is not in use yet
    Case(FINANCE, WAREHOUSE, -RETIRED),  # one that is no more
)
PROCESSES, THREADS = 2, 6
MOST_TURNS = 60
_NEVER = 120.0
"""Seconds after which something will not happen any more."""
_NO_KEY = told(401, "token", None, "jwt_authn_access_denied{Jwks_doesn't_have_key_to_match_kid_or_alg_from_Jwt}")
_REFUSED = {
    EXPIRED: told(401, "token", None, "jwt_authn_access_denied{Jwt_is_expired}"),
    FORGED: told(401, "token", None, "jwt_authn_access_denied{Jwt_verification_fails}"),
}


@dataclass(frozen=True)
class State:
    """What the proxy goes by."""

    keys: frozenset[int]
    """The issuer's."""
    ledger: bool
    """Whether there is a route to the ledger."""

    @classmethod
    def of(cls, turn: int) -> "State":
        """Each turn brings a new key and takes the last but one back, and a route that comes and goes."""
        return cls(frozenset({max(0, turn - 1), turn}), turn % 2 == 1)

    def answer(self, caller: str, target: str, key: int) -> str:
        """The right one."""
        if caller == EXPIRED:
            return _REFUSED[EXPIRED]
        if key not in self.keys:
            return _NO_KEY
        if caller == FORGED:
            return _REFUSED[FORGED]
        if target == ELSEWHERE:
            return told(404, "permission", None, "direct_response")
        if (caller, target) == (FINANCE, WAREHOUSE) or (self.ledger and (caller, target) == (BOOKS, LEDGER)):
            return PASSED
        name, _, port = target.replace(".corp.example", "").partition(":")
        policy = f"deny-{name}-{port}"
        return told(403, "permission", policy, f"rbac_access_denied_matched_policy[{policy}]")


@dataclass
class Turns:
    """When what was replaced: of each turn when it began to be written, and when Envoy was seen to go by it."""

    begun: list[float] = field(default_factory=lambda: [0.0])
    seen: list[float] = field(default_factory=lambda: [0.0])

    def right(self, asked: Asked) -> set[str]:
        """The answers that are right for something that was asked while these turns were made."""
        last = max(turn for turn, seen in enumerate(self.seen) if seen <= asked.begun)
        states = [State.of(turn) for turn, begun in enumerate(self.begun) if turn >= last and begun <= asked.ended]
        keys, ledger = {one.keys for one in states}, {one.ledger for one in states}
        # Files are replaced one after the other.
        mixed = [State(some, there) for some in keys for there in ledger]
        return {one.answer(asked.case.caller, asked.case.target, asked.key) for one in mixed}


@dataclass(frozen=True)
class Loaded:
    """What came of a load."""

    asked: Sequence[Asked]
    failed: Sequence[str]
    """Connections that broke off."""
    turns: Turns
    seconds: float
    envoy: float
    """Seconds of processor time that Envoy took."""
    clients: float
    """The same of the clients."""

    @property
    def rate(self) -> float:
        """Decisions a second."""
        return len(self.asked) / self.seconds

    def counts(self) -> Counter[tuple[str, str]]:
        """How often each was answered what."""
        return Counter((one.case.caller, one.answer) for one in self.asked)

    def wrong(self) -> list[str]:
        """Every decision that was not right, and every connection that failed."""
        found = [(one, self.turns.right(one)) for one in self.asked]
        return [*self.failed, *(f"{one}: not one of {right}" for one, right in found if one.answer not in right)]


@dataclass(frozen=True)
class _Issuer:
    """Keys, tokens and certificates of all turns, made ahead: what makes them is not what is measured."""

    keys: Sequence[SigningKey]
    tokens: Sequence[dict[str, str]]

    @classmethod
    def made(cls, turns: int) -> "_Issuer":
        keys = [SigningKey(f"key-{number}") for number in range(turns + 2)]
        return cls(keys, [_tokens(one) for one in keys])

    def plan(self, turn: int) -> ProxyPlan:
        state = State.of(turn)
        keys = key_set(*(self.keys[number] for number in sorted(state.keys)))
        trusted = TaskIssuer("finance", "oidc", "finance", ISSUER, AUDIENCE, jwks=keys)
        return compile_proxy(_access(state.ledger), "tcp-proxy", [trusted], date.today())


def _tokens(key: SigningKey) -> dict[str, str]:
    found = {dag: _token(dag, key, lasts=900) for dag in (FINANCE, MARKETING, BOOKS)}
    return found | {EXPIRED: _token(FINANCE, key, lasts=-60), FORGED: _token(FINANCE, SigningKey(key.kid), lasts=900)}


def _token(dag: str, key: SigningKey, lasts: int) -> str:
    ends = int(time.time()) + lasts
    claims = {"environment": "finance", "dag_id": dag, "task_id": "run", "run_id": "r", "try_number": 1, "map_index": -1}
    return key.sign({"iss": ISSUER, "aud": AUDIENCE, "sub": "t", "jti": "j", "iat": ends - 900, "exp": ends, "airlock": claims})


def _access(ledger: bool) -> Access:
    routes = [{"name": "load", "from": ["etl"], "to": ["warehouse"], "reason": "T"}]
    routes += [{"name": "close", "from": ["close"], "to": ["ledger"], "reason": "T"}] if ledger else []
    return Access.model_validate(
        {
            "environments": [{"name": "finance"}],
            "principals": [{"name": "etl", "dags": ["finance_*"]}, {"name": "close", "dags": ["close_*"]}],
            "zones": {"datacenter": {"gates": ["tcp-proxy"]}},
            "destinations": [
                {"name": "warehouse", "zone": "datacenter", "hosts": ["warehouse.corp.example"], "ports": ["5432/tcp"]},
                {"name": "ledger", "zone": "datacenter", "hosts": ["ledger.corp.example"], "ports": ["1521/tcp"]},
            ],
            "routes": routes,
        }
    )


def load(envoy: Path, folder: Path, seconds: float, decisions: int, turns: int, rate: float | None = None) -> Loaded:
    """Asks for so long, and longer until there were so many decisions and turns. `rate`: so often a second, else all the time."""
    issuer = _Issuer.made(MOST_TURNS)
    with echo() as port, proxy(envoy, folder, issuer.plan(0), dict.fromkeys((WAREHOUSE, LEDGER), f"127.0.0.1:{port}")) as running:
        pairs = [running.client, *(running.authority.issue(f"worker-{turn}") for turn in range(1, MOST_TURNS + 1))]
        work = Work(
            (running.settings.address, running.settings.port),
            SERVER_NAME,
            str(running.authority.own.certificate),
            [(str(one.certificate), str(one.key)) for one in pairs],
            issuer.tokens,
            CASES,
            THREADS,
            PROCESSES / rate if rate else 0.0,
        )
        return _loaded(work, running, issuer, seconds, decisions, turns)


def _loaded(work: Work, running: RunningProxy, issuer: _Issuer, seconds: float, decisions: int, least: int) -> Loaded:
    processes = multiprocessing.get_context("spawn")
    shared = Shared(processes.Barrier(PROCESSES + 1), processes.Value("i", 0), processes.Value("i", 0), processes.Event())
    ends = [processes.Pipe(duplex=False) for _ in range(PROCESSES)]
    clients = [processes.Process(target=main, args=(work, shared, end)) for _, end in ends]
    for one, (_, end) in zip(clients, ends, strict=True):
        one.start()
        end.close()  # the client's alone: its end is then seen here
    try:
        shared.start.wait(_NEVER)
        begun, before = time.monotonic(), _used(running.pid)
        turns = Turns()
        for turn in _until(lambda: time.monotonic() - begun >= seconds and shared.made.value >= decisions, least):
            _turn(turn, running, issuer, turns)
            shared.turn.value = turn
        shared.stop.set()
        results: list[tuple[list[Asked], list[str], float]] = [end.recv() for end, _ in ends]
        took, used = time.monotonic() - begun, _used(running.pid) - before
    finally:
        shared.stop.set()
        for one in clients:
            one.join(60)
            one.kill()
    asked, failed = ([each for result in results for each in result[place]] for place in (0, 1))
    return Loaded(asked, failed, turns, took, used, sum(used for *_, used in results))


def _until(enough: Callable[[], bool], least: int) -> Iterator[int]:
    for turn in range(1, MOST_TURNS + 1):
        if turn > least and enough():
            return
        yield turn
    while not enough():
        time.sleep(0.1)


def _turn(turn: int, running: RunningProxy, issuer: _Issuer, turns: Turns) -> None:
    """Replaces keys, routes and the proxy's certificate, and waits until Envoy goes by all of them."""
    state, serial = State.of(turn), running.certificate_serial()
    turns.begun.append(time.monotonic())
    envoy_configuration(issuer.plan(turn), running.settings).write()
    put_certificate(running.authority, Path(running.settings.certificates))
    for caller, target, key in ((FINANCE, WAREHOUSE, turn), (FINANCE, WAREHOUSE, max(0, turn - RETIRED)), (BOOKS, LEDGER, turn)):
        _wait(lambda c=caller, t=target, k=key: _said(running, issuer, t, c, k) == state.answer(c, t, k))  # type: ignore[misc]
    _wait(lambda: running.certificate_serial() != serial)
    turns.seen.append(time.monotonic())


def _wait(done: Callable[[], bool]) -> None:
    end = time.monotonic() + _NEVER
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("Envoy does not go by what was replaced")
        time.sleep(0.2)


def _said(running: RunningProxy, issuer: _Issuer, target: str, caller: str, key: int) -> str:
    answer = running.answer(target, issuer.tokens[key][caller])
    return PASSED if answer.status == 200 else told(answer.status, **answer.body)


def _used(pid: int) -> float:
    """Seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
