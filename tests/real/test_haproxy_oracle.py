"""The reader of HAProxy's configurations against a real HAProxy: random rules, each for a server name of its own, and many
certificates."""

import random
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from certificates import Authority, Pair
from pulumi_airlock.gates.tcp_proxy import Configuration
from pulumi_airlock.gates.tcp_proxy.haproxy.read import HaproxyConfiguration, Holder
from pulumi_airlock.gates.tcp_proxy.haproxy.syntax import parsed
from pulumi_airlock.gates.tcp_proxy.logic import Box, Cases
from pulumi_airlock.proof.sets import Hosts
from pulumi_airlock.proof.times import Once
from real_haproxy import HOST, place, put_certificate, started
from real_parts import HAPROXY, needed
from real_tcp_proxy import Tunnel, echo

CASES = 60
SUBJECTS: tuple[dict[str, str], ...] = (
    *({"OU": unit, "CN": name} for unit in ("finance", "markets") for name in ("etl", "etl-x", "Ledger")),
    {"CN": "etl"},
    {"CN": "system:serviceaccount:airflow:etl"},
)
TESTS = (
    "ssl_c_s_dn(CN) -m str etl",
    "ssl_c_s_dn(CN) -m str etl Ledger",
    "ssl_c_s_dn(CN) etl",
    "ssl_c_s_dn(CN) -m beg etl",
    "ssl_c_s_dn(CN) -m end x",
    "ssl_c_s_dn(CN) -m sub dge",
    "ssl_c_s_dn(CN) -i -m str LEDGER",
    "ssl_c_s_dn(CN),lower -m str ledger",
    "ssl_c_s_dn(OU) -m str finance",
    "ssl_c_s_dn(OU) -m found",
    "ssl_c_s_dn(OU) -m str markets finance",
    "date lt 4000000000",
    "date ge 4000000000",
    "var(sess.kind) -m str one",
    "var(sess.kind) -m found",
    "var(sess.name) -m str etl",
    "src 127.0.0.0/8",
    "src 10.0.0.0/8",
    "always_true",
)
ACTIONS = ("reject", "reject", "accept", "set-var(sess.kind) str(one)", "set-var(sess.kind) str(two)", "unset-var(sess.kind)")


@dataclass
class Writer:
    """Writes rules at random, the same for the same seed."""

    seed: int

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311

    def rules(self, to: str) -> list[str]:
        """For the server name that the ACL `to` tells."""
        found = [self._rule(to) for _ in range(self._random.randint(1, 5))]
        return [*found, f"tcp-request content reject if {to} {self._test()}" if self._random.random() < 0.5 else self._rule(to)]

    def _rule(self, to: str) -> str:
        action = self._random.choice(ACTIONS)
        if self._random.random() < 0.25 and action == "reject":
            # Only for this name: whatever else is told apart, is behind it.
            return f"tcp-request content reject if {to} !{self._test()} or {to} {self._term()}"
        return f"tcp-request content {action} if {to} {self._term()}"

    def _term(self) -> str:
        return " ".join(self._test() for _ in range(self._random.randint(1, 2)))

    def _test(self) -> str:
        negated = self._random.choice(("", "", "!", "! "))
        return f"{negated}{{ {self._random.choice(TESTS)} }}"


def configuration(seed: int, folder: Path, port: int) -> Configuration:
    """As many names as cases, each with rules of its own, and one server behind all of them."""
    settings = place(folder)
    write = Writer(seed)
    bind = f"bind {settings.address}:{settings.port} ssl crt {folder}/tls/tls.crt ca-file {folder}/tls/ca.crt verify required"
    names = [f"t{number}" for number in range(CASES)]
    lines = [bind, "tcp-request content set-var(sess.name) ssl_c_s_dn(CN)"]
    lines += [f"acl to-{name} ssl_fc_sni -i {name}.{HOST}" for name in names]
    lines += [rule for name in names for rule in write.rules(f"to-{name}")]
    lines += [f"use_backend {name} if to-{name}" for name in names]
    backends = "".join(f"backend {name}\n  server one 127.0.0.1:{port}\n" for name in names)
    head = (
        "global\n  ssl-load-extra-del-ext\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 9s\n  timeout server 9s\n"
    )
    text = f"{head}frontend tunnels\n" + "".join(f"  {line}\n" for line in lines) + backends
    return Configuration({"haproxy.cfg": text}, {}, settings, "haproxy.cfg")


_OTHERS = ("who has the certificate", "who else has a certificate", "what ssl_c_s_dn")
"""Why nobody knows: of certificates that nobody has named."""
_HERE = Hosts.from_cidr("127.0.0.1/32")


def _is_now(window: Once) -> bool:
    now = datetime.now(UTC)
    return (window.start is None or window.start <= now) and (window.end is None or now < window.end)


def gets_through(cases: Cases, number: int) -> bool:
    """Whether cases say so of a certificate now, from this machine, by the first that holds: others' certificates are unknown."""
    for one in cases:
        box = one.box
        times = all(any(isinstance(each, Once) and _is_now(each) for each in clause) for clause in box.times)
        here = box.sources is None or bool(box.sources & _HERE)
        if times and here and (box.workloads is None or str(number) in box.workloads):
            assert one.answer is not None or all(why.startswith(_OTHERS) for why in one.unknown), one
            return one.answer is True
    return False


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_read_is_what_it_does(tmp_path: Path, seed: int) -> None:
    needed(HAPROXY, "HAProxy")
    authority = Authority(tmp_path / "authority")
    put_certificate(authority, tmp_path / "tls")
    pairs = [authority.issue(one["CN"], unit=one.get("OU")) for one in SUBJECTS]
    with echo() as port:
        written = configuration(seed, tmp_path, port)
        holders = [Holder(one, Box(workloads=frozenset({str(number)}))) for number, one in enumerate(SUBJECTS)]
        read = HaproxyConfiguration(parsed(written.files["haproxy.cfg"]), "haproxy.cfg", holders)
        ways = {way.label: way.cases for way in read.ways()}
        assert not read.unread
        wrong = []
        with started(tmp_path, written):
            for case in range(CASES):
                cases = ways.get(f'backend "t{case}"', ())
                for number, pair in enumerate(pairs):
                    wanted = gets_through(cases, number)
                    if _carries(authority, pair, f"t{case}.{HOST}", written.settings.port) is not wanted:
                        wrong.append((case, SUBJECTS[number], wanted))
        lines = [line for line in written.files["haproxy.cfg"].splitlines() if wrong and f"to-t{wrong[0][0]} " in line]
        assert not wrong, (wrong, lines)


def _carries(authority: Authority, pair: Pair, name: str, port: int) -> bool:
    context = ssl.create_default_context(cafile=str(authority.own.certificate))
    context.load_cert_chain(pair.certificate, pair.key)
    tunnel = Tunnel(context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=10), server_hostname=name))
    try:
        return tunnel.says("hello") == "hello"
    finally:
        tunnel.close()
