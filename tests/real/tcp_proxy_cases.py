"""What tests of the TCP proxy in real Envoy share: routes, an issuer and its tokens."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from pulumi_airlock.access import Access
from pulumi_airlock.gates.tcp_proxy import TaskIssuer
from real_tcp_proxy import SigningKey, key_set

ISSUER, AUDIENCE = "https://issuer.airlock.test", "airlock-proxy"
WAREHOUSE, LEDGER, QUEUE, DOWN = (
    "warehouse.corp.example:5432",
    "10.20.4.10:1521",
    "queue.corp.example:9092",
    "down.corp.example:22",
)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def other_day() -> str:
    """A day on which a window is closed now, in every time zone."""
    return DAYS[(datetime.now(UTC).weekday() + 3) % 7]


def access(**more: object) -> Access:
    """The routes of these tests, or others (`routes=…`)."""
    here = ["tcp-proxy"]
    closed = {"days": [other_day()], "timezone": "Europe/Zurich"}
    now_open = {"days": [one for one in DAYS if one != other_day()], "timezone": "Europe/Zurich"}
    return Access.model_validate(
        {
            "environments": [{"name": "finance"}],
            "principals": [
                {"name": "etl", "dags": ["finance_*"], "tasks": ["load_*", "check"]},
                {"name": "ledger", "dags": ["ledger_close"]},
                {"name": "nightly", "dags": ["night_[ab]?"], "environment": "finance"},
            ],
            "zones": {"datacenter": {"gates": here}},
            "destinations": [
                {"name": "warehouse", "zone": "datacenter", "hosts": ["warehouse.corp.example"], "ports": ["5432/tcp"]},
                {"name": "ledger-db", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["1521/tcp"]},
                {"name": "queue", "zone": "datacenter", "hosts": ["queue.corp.example"], "ports": ["9092/tcp"]},
                {"name": "files", "zone": "datacenter", "hosts": ["down.corp.example"], "ports": ["22/tcp"]},
            ],
            "routes": [
                {"name": "etl-warehouse", "from": ["etl"], "to": ["warehouse", "files"], "session": "1h", "reason": "T"},
                {"name": "ledger", "from": ["ledger"], "to": ["ledger-db"], "window": closed, "reason": "T"},
                {"name": "nightly", "from": ["nightly"], "to": ["ledger-db"], "window": now_open, "reason": "T"},
                {"name": "queue", "from": ["etl"], "to": ["queue"], "expires": "2099-01-01", "reason": "T"},
            ],
            **more,
        }
    )


KEY = SigningKey()


def issuer(*keys: SigningKey, **more: object) -> TaskIssuer:
    """The issuer of finance, whose keys are given."""
    given = {"name": "finance", "kind": "oidc", "environment": "finance", "issuer": ISSUER, "audience": AUDIENCE}
    return TaskIssuer(**{**given, "jwks": key_set(*(keys or (KEY,))), **more})


def token(dag: str = "finance_daily", task: str = "load_orders", key: SigningKey = KEY, **more: object) -> str:
    """A token of a task; `more`: claims."""
    now = int(time.time())
    claims = {"environment": "finance", "dag_id": dag, "task_id": task, "run_id": "r1", "try_number": 2, "map_index": -1}
    claims |= {"correlation": "0190-c", "ti_id": "ti-1", "assurance": "attested"}
    whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": "task", "jti": "j1", "iat": now, "exp": now + 300, "airlock": claims}
    return key.sign({**whole, **more})


def eventually(test: Callable[[], bool], seconds: float = 15) -> bool:
    """Whether something becomes so."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if test():
            return True
        time.sleep(0.2)
    return False
