"""Thousands of decisions of a real Envoy, a thousand a second where the machine can, while keys and routes are replaced."""

import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import cycle
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock, Thread

from pulumi_airlock.access import Access
from pulumi_airlock.gates.tcp_proxy import TaskIssuer, compile_proxy, envoy_configuration
from real_parts import ENVOY, needed
from real_tcp_proxy import SERVER_NAME, RunningProxy, SigningKey, echo, key_set, proxy

ISSUER, AUDIENCE = "https://issuer.airlock.test", "airlock-proxy"
WAREHOUSE, LEDGER = "warehouse.corp.example:5432", "ledger.corp.example:1521"
RATE, REQUESTS, CLIENTS = 1000, 6000, 16
SETTLED = 2.0
"""Seconds after which what was replaced holds: Envoy watches files, and reads given keys again each second."""


def access(ledger: bool) -> Access:
    """With a route to the ledger, or without."""
    routes = [{"name": "load", "from": ["etl"], "to": ["warehouse"], "reason": "T"}]
    return Access.model_validate(
        {
            "environments": [{"name": "finance"}],
            "principals": [{"name": "etl", "dags": ["finance_*"]}, {"name": "close", "dags": ["close_*"]}],
            "zones": {"datacenter": {"gates": ["tcp-proxy"]}},
            "destinations": [
                {"name": "warehouse", "zone": "datacenter", "hosts": ["warehouse.corp.example"], "ports": ["5432/tcp"]},
                {"name": "ledger", "zone": "datacenter", "hosts": ["ledger.corp.example"], "ports": ["1521/tcp"]},
            ],
            "routes": [*routes, *([{"name": "close", "from": ["close"], "to": ["ledger"], "reason": "T"}] if ledger else [])],
        }
    )


def token(dag: str, key: SigningKey, life: int = 600) -> str:
    now = int(time.time())
    claims = {"environment": "finance", "dag_id": dag, "task_id": "run", "run_id": "r", "try_number": 1, "map_index": -1}
    whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": "t", "jti": "j", "iat": now - 700, "exp": now + life, "airlock": claims}
    return key.sign({**whole, "iat": now if life > 0 else now - 700})


@dataclass
class World:
    """What holds now, and since when."""

    envoy: RunningProxy
    keys: list[SigningKey]
    ledger: bool = False
    changed: float = field(default_factory=time.monotonic)
    """When the routes changed last."""
    tokens: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    decided: Counter[tuple[str, int]] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    def sign(self, key: SigningKey) -> None:
        """Tokens for all callers, by a key that the proxy has by now."""
        found = {dag: token(dag, key) for dag in ("finance_daily", "marketing_daily", "close_books")}
        found["expired"] = token("finance_daily", key, life=-60)
        found["forged"] = token("finance_daily", SigningKey(key.kid))
        self.tokens = found  # at once: others read it meanwhile

    def publish(self) -> None:
        """Routes and keys as they are, into the files that Envoy watches."""
        issuer = TaskIssuer("finance", "oidc", "finance", ISSUER, AUDIENCE, jwks=key_set(*self.keys), longest=3600)
        plan = compile_proxy(access(self.ledger), "tcp-proxy", [issuer], date.today())
        envoy_configuration(plan, self.envoy.settings).write()


def cases() -> Iterator[tuple[str, str, set[int]]]:
    """Caller, target and right answers; of the route that comes and goes there is none said here."""
    steady = [
        ("marketing_daily", WAREHOUSE, {403}),
        ("finance_daily", LEDGER, {403}),
        ("expired", WAREHOUSE, {401}),
        ("forged", WAREHOUSE, {401}),
        ("marketing_daily", "elsewhere.example:1", {404}),
        ("close_books", WAREHOUSE, {403}),
        ("marketing_daily", LEDGER, {403}),
        ("close_books", LEDGER, set()),
        ("expired", LEDGER, {401}),
    ]
    return cycle([("finance_daily", WAREHOUSE, {200}), *steady])


class Client:
    """Asks as tasks do, a connection for each: Envoy keeps none open after a refusal. TLS sessions are taken up again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._context = ssl.create_default_context(cafile=str(world.envoy.authority.own.certificate))
        self._context.load_cert_chain(world.envoy.client.certificate, world.envoy.client.key)
        self._session: ssl.SSLSession | None = None

    def work(self, cases: "SimpleQueue[tuple[str, str, set[int]] | None]") -> None:
        while (case := cases.get()) is not None:
            try:
                self._try(*case)
            except Exception as error:
                self._world.wrong.append(repr(error))

    def _try(self, dag: str, target: str, right: set[int]) -> None:
        world = self._world
        before = (world.ledger, world.changed)
        status = self._ask(target, world.tokens[dag])
        if not right:
            settled = before == (world.ledger, world.changed) and time.monotonic() - world.changed > SETTLED
            right = {200 if before[0] else 403} if settled else {200, 403}
        with world.lock:
            world.decided[dag, status] += 1
        if status not in right:
            world.wrong.append(f"{dag} → {target}: {status}, not {right}")

    def _ask(self, target: str, token: str) -> int:
        settings = self._world.envoy.settings
        with (
            socket.create_connection((settings.address, settings.port), timeout=30) as raw,
            self._context.wrap_socket(raw, server_hostname=SERVER_NAME, session=self._session) as connection,
        ):
            asked = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", f"Proxy-Authorization: Bearer {token}", "", ""]
            connection.sendall("\r\n".join(asked).encode())
            status = int(connection.recv(4096).split()[1])
            self._session = connection.session
            return status


def turn(world: World, done: Event) -> None:
    """New keys and new routes, over and over: a key signs once it is known, and is taken back once nobody uses it."""
    number = 0
    while not done.is_set():
        number += 1
        world.ledger, world.changed = not world.ledger, time.monotonic()
        fresh = SigningKey(f"key-{number}")
        world.keys = [*world.keys[-1:], fresh]
        world.publish()
        done.wait(SETTLED)
        world.sign(fresh)
        done.wait(SETTLED / 2)


def load(world: World) -> float:
    """Sends every request in its time, or as fast as it goes; how many a second that were."""
    work: SimpleQueue[tuple[str, str, set[int]] | None] = SimpleQueue()
    clients = [Thread(target=Client(world).work, args=(work,)) for _ in range(CLIENTS)]
    done = Event()
    turning = Thread(target=turn, args=(world, done))
    for one in (*clients, turning):
        one.start()
    begun = time.monotonic()
    for number, case in zip(range(REQUESTS), cases(), strict=False):
        time.sleep(max(0.0, begun + number / RATE - time.monotonic()))
        work.put(case)
    for _ in clients:
        work.put(None)
    for one in clients:
        one.join()
    rate = REQUESTS / (time.monotonic() - begun)
    done.set()
    turning.join()
    return rate


def test_not_one_decision_is_wrong_while_keys_and_routes_are_replaced(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    envoy, key = needed(ENVOY, "Envoy"), SigningKey("key-0")
    issuer = TaskIssuer("finance", "oidc", "finance", ISSUER, AUDIENCE, jwks=key_set(key))
    plan = compile_proxy(access(ledger=False), "tcp-proxy", [issuer], date.today())
    with echo() as port, proxy(envoy, tmp_path, plan, dict.fromkeys((WAREHOUSE, LEDGER), f"127.0.0.1:{port}")) as running:
        world = World(running, [key])
        world.sign(key)
        rate = load(world)
    record_property("decisions a second", round(rate))
    print(f"{rate:.0f} decisions a second: {dict(world.decided)}")
    assert not world.wrong, f"{len(world.wrong)} of {REQUESTS} wrong: {Counter(world.wrong).most_common(5)}"
    assert world.decided.total() == REQUESTS
    assert world.decided["finance_daily", 200] > 0
    assert {status for dag, status in world.decided if dag == "close_books"} == {200, 403}  # both worlds were seen
