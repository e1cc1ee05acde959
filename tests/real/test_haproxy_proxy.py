"""The TCP proxy in real HAProxy: who is let through, what a refusal says, and what happens to open tunnels."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from certificates import Authority, Pair
from pulumi_airlock.access import Access
from pulumi_airlock.gates.tcp_proxy import ProxyPlan, TaskCertificates, compile_proxy, haproxy_configuration
from pulumi_airlock.proof.times import Once
from real_haproxy import HOST, RunningHaproxy, proxy, put_certificate
from real_parts import HAPROXY, needed
from real_processes import free_port
from real_tcp_proxy import echo

WAREHOUSE, LEDGER, DOWN = "warehouse.corp.example:5432", "10.20.4.10:1521", "down.corp.example:22"
MANAGED = TaskCertificates("finance", "finance")
PODS = TaskCertificates("pods", "finance", namespace="airflow", assurance="attested")


def plan(**more: object) -> ProxyPlan:
    access = Access.model_validate(
        {
            "environments": [{"name": "finance"}, {"name": "markets"}],
            "principals": [
                {"name": "etl", "dags": ["finance_*"], "environment": "finance"},
                {"name": "ledger", "dags": ["ledger_close"], "serviceAccount": "ledger-close"},
            ],
            "zones": {"datacenter": {"gates": ["tcp-proxy"]}},
            "destinations": [
                {"name": "warehouse", "zone": "datacenter", "hosts": ["warehouse.corp.example"], "ports": ["5432/tcp"]},
                {"name": "ledger-db", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["1521/tcp"]},
                {"name": "files", "zone": "datacenter", "hosts": ["down.corp.example"], "ports": ["22/tcp"]},
            ],
            "routes": [
                {"name": "etl-warehouse", "from": ["etl"], "to": ["warehouse", "files"], "reason": "T"},
                {"name": "ledger", "from": ["ledger"], "to": ["ledger-db"], "expires": "2090-01-01", "reason": "T"},
            ],
            **more,
        }
    )
    manifests = {"finance": "abc123"}
    return compile_proxy(access, "tcp-proxy", [MANAGED, PODS], date.today(), engine="haproxy", manifests=manifests)


@dataclass(frozen=True)
class Certified:
    """A proxy, and the certificates of tasks."""

    proxy: RunningHaproxy

    def __call__(self, name: str, unit: str | None = "finance") -> Pair:
        return self.proxy.authority.issue(name, unit=unit)

    @property
    def etl(self) -> Pair:
        return self("etl")


@pytest.fixture(scope="module", autouse=True)
def haproxy() -> Path:
    return needed(HAPROXY, "HAProxy")


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHaproxy]:
    with echo() as port:
        upstreams = dict.fromkeys((WAREHOUSE, LEDGER), f"127.0.0.1:{port}") | {DOWN: f"127.0.0.1:{free_port()}"}
        with proxy(tmp_path_factory.mktemp("haproxy"), plan(), upstreams) as found:
            yield found


@pytest.fixture(scope="module")
def client(one: RunningHaproxy) -> Certified:
    return Certified(one)


def eventually(test: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not test():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_a_task_with_a_route_gets_a_tunnel(one: RunningHaproxy, client: Certified) -> None:
    tunnel = one.open(client.etl, WAREHOUSE)
    assert tunnel.says("hello") == "hello"
    near = "{}:{}".format(*tunnel.connection.getsockname()[:2])
    tunnel.close()
    (line,) = one.lines("close", client=near)
    said = {"gate": "tcp-proxy", "target": WAREHOUSE, "destination": "warehouse", "environment": "finance", "principal": "etl"}
    said |= {"policy": "allow-warehouse-5432/etl-warehouse", "issuer": "finance", "assurance": "asserted"}
    said |= {"certificate": "/OU=finance/CN=etl", "bytes_in": 5, "bytes_out": 5, "response_flags": "--"}
    assert said.items() <= line.items()
    assert datetime.fromisoformat(line["time"]).date() in (datetime.now(UTC).date(), date.today())


@pytest.mark.parametrize(
    ("target", "name", "unit", "policy"),
    [
        (WAREHOUSE, "ledger", "finance", "deny-warehouse-5432"),
        (WAREHOUSE, "etl", "markets", "deny-warehouse-5432"),
        (WAREHOUSE, "etl", None, "deny-warehouse-5432"),
        (WAREHOUSE, "ETL", "finance", "deny-warehouse-5432"),
        (WAREHOUSE, "etl2", "finance", "deny-warehouse-5432"),
        (LEDGER, "etl", "finance", "deny-ledger-db-1521"),
        (LEDGER, "system:serviceaccount:other:ledger-close", None, "deny-ledger-db-1521"),
        (LEDGER, "system:serviceaccount:airflow:ledger", None, "deny-ledger-db-1521"),
    ],
)
def test_a_task_without_a_route_is_told_which_policy_refused(
    one: RunningHaproxy, client: Certified, target: str, name: str, unit: str | None, policy: str
) -> None:
    pair = client(name, unit)
    assert not one.carries(pair, target)
    assert one.lines("refused", target=target, principal=name, policy=policy, reason="permission", response_code=0)
    answer = one.asks(pair, target, headers={"x-airlock-correlation": 'c"1', "x-airlock-session": f"s-{name}"})
    assert answer.status == 403
    assert {"gate": "tcp-proxy", "policy": policy, "reason": "permission"}.items() <= answer.body.items()
    assert one.lines("refused", correlation='c"1', session=f"s-{name}", policy=policy, response_code=403)


def test_an_account_of_a_pod_is_known_by_its_certificate(one: RunningHaproxy, client: Certified) -> None:
    pair = client("system:serviceaccount:airflow:ledger-close", None)
    assert one.carries(pair, LEDGER)
    assert one.lines("close", target=LEDGER, issuer="pods", assurance="attested", policy="allow-ledger-db-1521/ledger")


def test_whoever_asks_is_told_that_it_may_or_that_the_target_is_away(one: RunningHaproxy, client: Certified) -> None:
    answer = one.asks(client.etl, WAREHOUSE)
    assert (answer.status, answer.body) == (200, {"gate": "tcp-proxy", "policy": "allow-warehouse-5432/etl-warehouse"})
    # It finds out by itself that nobody takes connections there.
    assert eventually(lambda: one.asks(client.etl, DOWN).status == 503)
    assert one.asks(client.etl, DOWN).body["reason"] == "routing"
    assert one.lines("refused", target=DOWN, reason="routing", response_code=503)
    assert not one.carries(client.etl, DOWN)


def test_whoever_names_no_target_is_told_so_or_which_manifests_it_goes_by(one: RunningHaproxy, client: Certified) -> None:
    answer = one.asks(client.etl, HOST, "/airlock/manifest")
    assert (answer.status, answer.body) == (200, {"finance": "abc123"})
    unknown = one.asks(client.etl, f"unknown.{HOST}")
    assert (unknown.status, unknown.body["reason"]) == (404, "permission")
    assert f"unknown.{HOST}" in unknown.body["detail"]
    assert not one.carries(client.etl, f"unknown.{HOST}")
    # A tunnel's own HTTP is its own matter.
    assert one.asks(client.etl, WAREHOUSE, "/airlock/manifest").body["policy"] == "allow-warehouse-5432/etl-warehouse"


def test_without_a_certificate_of_the_authority_nothing_is_answered(
    one: RunningHaproxy, client: Certified, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path / "other").issue("etl", unit="finance")
    for pair in (None, stranger):
        assert not one.carries(pair, WAREHOUSE)
        with pytest.raises(OSError, match="alert"):
            one.asks(pair, WAREHOUSE)
    failed = {line["detail"].split(" error:")[0] for line in one.lines("handshake", reason="permission")}
    assert failed >= {"SSL handshake failure", "SSL client certificate not trusted"}


def test_a_route_that_is_over_lets_nobody_through(tmp_path: Path) -> None:
    compiled = plan()
    over: tuple[frozenset[Once], ...] = (frozenset({Once(None, datetime(2026, 1, 1, tzinfo=UTC))}),)
    ended = replace(
        compiled,
        targets=tuple(replace(one, grants=tuple(replace(each, times=over) for each in one.grants)) for one in compiled.targets),
    )
    with echo() as port, proxy(tmp_path, ended, {WAREHOUSE: f"127.0.0.1:{port}"}) as found:
        answer = found.asks(found.authority.issue("etl", unit="finance"), WAREHOUSE)
        assert (answer.status, answer.body["policy"]) == (403, "deny-warehouse-5432")


def test_new_routes_and_certificates_cut_no_tunnel(tmp_path: Path) -> None:
    with echo() as port, proxy(tmp_path, plan(), {WAREHOUSE: f"127.0.0.1:{port}"}) as found:
        etl, ledger = (found.authority.issue(name, unit="finance") for name in ("etl", "ledger"))
        tunnel = found.open(etl, WAREHOUSE)
        assert tunnel.says("hello") == "hello"

        before = found.certificate_serial(etl)
        put_certificate(found.authority, tmp_path / "tls")
        assert eventually(lambda: found.certificate_serial(etl) != before)
        assert tunnel.says("still here") == "still here"

        routes = [{"name": "ledger", "from": ["ledger"], "to": ["warehouse"], "reason": "T"}]
        haproxy_configuration(plan(routes=routes), found.settings, HOST).write()
        assert eventually(lambda: found.carries(ledger, WAREHOUSE))
        assert found.asks(etl, WAREHOUSE).status == 403
        assert tunnel.says("still here") == "still here"

        # Whom it trusts, too: certificates of before are worth nothing then.
        other = Authority(tmp_path / "other")
        put_certificate(found.authority, tmp_path / "tls", trusted=other)
        assert eventually(lambda: found.carries(other.issue("ledger", unit="finance"), WAREHOUSE))
        assert not found.carries(ledger, WAREHOUSE)
        assert tunnel.says("still here") == "still here"


def test_what_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    with echo() as port, proxy(tmp_path, plan(), {WAREHOUSE: f"127.0.0.1:{port}"}) as found:
        etl = found.authority.issue("etl", unit="finance")
        (tmp_path / "tls" / "tls.key").write_bytes(found.authority.issue("another").key.read_bytes())
        assert found.lines("files", reason="not usable: what was read before stays")
        assert found.carries(etl, WAREHOUSE)
        put_certificate(found.authority, tmp_path / "tls")
        assert found.lines("files", reason="reloaded")
        assert found.carries(etl, WAREHOUSE)


def test_who_says_nothing_holds_no_connection_and_a_silent_tunnel_stays(tmp_path: Path) -> None:
    compiled = plan()
    with echo() as port, proxy(tmp_path, compiled, {WAREHOUSE: f"127.0.0.1:{port}"}) as found:
        configured = haproxy_configuration(compiled, found.settings, HOST)
        text = configured.files["haproxy.cfg"]
        assert "timeout client 10s" in text
        replace(configured, files={"haproxy.cfg": text.replace("timeout client 10s", "timeout client 1s")}).write()
        assert found.lines("files", reason="reloaded")
        etl = found.authority.issue("etl", unit="finance")
        with socket.create_connection(("127.0.0.1", found.settings.port), timeout=30) as silent:
            tunnel = found.open(etl, WAREHOUSE)
            assert silent.recv(1) == b""
        assert tunnel.says("hello") == "hello"


def test_it_says_whether_it_is_ready(tmp_path: Path) -> None:
    port = free_port()
    with proxy(tmp_path, plan(), health_port=port):
        assert urlopen(f"http://127.0.0.1:{port}/ready", timeout=10).status == 200
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"http://127.0.0.1:{port}/stats", timeout=10)
