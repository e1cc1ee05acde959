"""The oracle of the reader's tests against a real Envoy: random rules, each in a virtual host of its own, and many tokens."""

import http.client
import json
import random
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pulumi_airlock.access import Access
from pulumi_airlock.gates.tcp_proxy import TaskIssuer, compile_proxy
from pulumi_airlock.gates.tcp_proxy.cel import closed, holds
from pulumi_airlock.proof.times import Once, Weekly
from real_parts import ENVOY, needed
from real_tcp_proxy import SigningKey, key_set, proxy

sys.path.insert(0, str(Path(__file__).parents[1] / "gates" / "tcp_proxy"))
from tcp_proxy_oracle import Asked, lets_through

CASES = 60
DAGS, TASKS, ENVIRONMENTS = ("finance_daily", "finance_x", "ledger", "other"), ("load", "drop"), ("finance", "markets")
MATCHERS: tuple[dict[str, Any], ...] = (
    {"exact": "ledger"},
    {"prefix": "finance_"},
    {"suffix": "y"},
    {"contains": "ance"},
    {"safe_regex": {"regex": "fin.*|led.+"}},
    {"safe_regex": {"regex": "(ledger|other)"}},
    {"safe_regex": {"regex": "[^lo].*"}},
    {"exact": "load"},
)
WINDOWS = (
    (frozenset({Weekly(((0, 10080),), "Europe/Zurich")}),),
    (frozenset({Weekly(((0, 1),), "UTC"), Weekly(((0, 10080),), "America/New_York")}),),
    (frozenset({Once(None, datetime(2090, 1, 1, tzinfo=UTC))}), frozenset({Weekly(((0, 10080),), "UTC")})),
    (frozenset({Once(None, datetime(2020, 1, 1, tzinfo=UTC))}),),
)


class Writer:
    """Writes rules at random, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311

    def rules(self) -> dict[str, Any]:
        action = self._random.choice(["ALLOW", "DENY"])
        return {"action": action, "policies": {name: self._policy() for name in "ab"[: self._random.randint(1, 2)]}}

    def _policy(self) -> dict[str, Any]:
        found = {"principals": [self._principal(2)], "permissions": [{"any": True}]}
        if self._random.random() < 0.4:
            times = self._random.choice(WINDOWS)
            found["condition"] = holds(times) if self._random.random() < 0.6 else closed([times])
        return found

    def _principal(self, depth: int) -> dict[str, Any]:
        kind = self._random.choice(["and", "or", "not", "claim", "claim", "any"] if depth else ["claim", "claim", "any"])
        if kind == "any":
            return {"any": True}
        if kind == "not":
            return {"not_id": self._principal(depth - 1)}
        if kind in ("and", "or"):
            several = [self._principal(depth - 1) for _ in range(self._random.randint(1, 3))]
            return {f"{kind}_ids": {"ids": several}}
        return self._claim()

    def _claim(self) -> dict[str, Any]:
        name = self._random.choice(["dag_id", "task_id", "environment"])
        provider = self._random.choice(["one", "two"])
        several = [{"string_match": one} for one in self._random.sample(MATCHERS, self._random.randint(1, 2))]
        if name == "environment":
            several = [{"string_match": {"exact": self._random.choice(ENVIRONMENTS)}}]
        value = several[0] if len(several) == 1 else {"or_match": {"value_matchers": several}}
        path = [{"key": key} for key in (provider, "airlock", name)]
        matcher: dict[str, Any] = {"filter": "envoy.filters.http.jwt_authn", "path": path, "value": value}
        if self._random.random() < 0.2:
            matcher["invert"] = True
        return {"sourced_metadata": {"metadata_matcher": matcher}}


@pytest.mark.parametrize("seed", [1, 2])
def test_the_oracle_decides_as_envoy(tmp_path: Path, seed: int) -> None:
    envoy = needed(ENVOY, "Envoy")
    key = SigningKey()
    targets = [f"t{number}.test" for number in range(CASES)]
    declared = Access.model_validate(
        {
            "principals": [{"name": "p", "dags": ["*"]}],
            "zones": {"z": {"gates": ["tcp-proxy"]}},
            "destinations": [
                {"name": f"d{number}", "zone": "z", "hosts": [host], "ports": ["1/tcp"]} for number, host in enumerate(targets)
            ],
            "routes": [{"name": "r", "from": ["p"], "to": ["d0"], "reason": "T"}],
        }
    )
    issuers = [
        TaskIssuer(name, "oidc", "finance", f"https://{name}.test", "airlock-proxy", jwks=key_set(key)) for name in ("one", "two")
    ]
    plan = compile_proxy(declared, "tcp-proxy", issuers, date(2026, 11, 26))
    write = Writer(seed)
    written = {f"{host}:1": (write.rules(), write.rules()) for host in targets}
    with proxy(envoy, tmp_path, plan, dict.fromkeys(written, "127.0.0.1:1")) as found:
        filters, overrides = _replaced(Path(found.settings.folder), written)
        now = datetime.now(UTC)
        _settled(found, written)
        wrong = []
        for target in written:
            for provider in ("one", "two"):
                for dag in DAGS:
                    claims = {"airlock": {"environment": "finance", "dag_id": dag, "task_id": TASKS[len(dag) % 2]}}
                    moment = int(now.timestamp())
                    token = {"iss": f"https://{provider}.test", "aud": "airlock-proxy", "iat": moment, "exp": moment + 600}
                    status = found.answer(target, key.sign({**token, **claims})).status
                    wanted = lets_through(filters, overrides[target], Asked(provider, claims, now), target)
                    # Nobody listens behind: what is let through is answered 503.
                    if (status == 503) is not wanted or status not in (403, 503):
                        wrong.append((target, provider, dag, status, wanted, written[target]))
        assert not wrong


def _replaced(folder: Path, written: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Puts rules into the virtual hosts; the filters, and what the hosts have in their place."""
    boot = json.loads((folder / "envoy.json").read_text())
    manager = boot["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    path = folder / "targets.json"
    document = json.loads(path.read_text())
    overrides = {}
    for host in document["resources"][0]["virtual_hosts"]:
        if host["name"] in written:
            own = host["typed_per_filter_config"]
            for name, rules in zip(("airlock.deny", "airlock.allow"), written[host["name"]], strict=True):
                own[name]["rbac"]["rules"] = rules
            overrides[host["name"]] = own
    document["version_info"] = "written"
    made = folder / ".targets.new"
    made.write_text(json.dumps(document))
    made.replace(path)
    return manager["http_filters"], overrides


def _settled(found: Any, written: dict[str, Any]) -> None:
    """Waits until Envoy has the rules."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", found.settings.admin_port, timeout=5)
        connection.request("GET", "/config_dump?resource=dynamic_route_configs")
        if '"version_info": "written"' in connection.getresponse().read().decode():
            return
        time.sleep(0.1)
    raise AssertionError("Envoy does not take these rules: " + (found.log.parent / "envoy.log").read_text()[-2000:])
