"""What the backend answers, without Airflow: asked by a task whose context is put in place as the gate does it."""

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from airlock_provider import audit, aws, backend, broker, certificates, context, credentials, google, manifest, settings, trust
from airlock_provider.backend import AirlockBackend
from airlock_provider.denied import AccessRefused
from airlock_provider.tokens import kms
from cryptography.hazmat.primitives.asymmetric import ec
from provider_cases import ACCESS, written
from provider_fakes import Fake
from pulumi_airlock.access.manifest import ConnectionSettings, TaskIdentity

ALWAYS: dict[str, Any] = {
    **ACCESS,
    "routes": [
        {
            "name": "close",
            "from": ["ledger-close"],
            "to": ["ledger-db", "stream"],
            "credential": {"kind": "vault", "ref": "database/creds/ledger"},
            "session": "1h",
            "reason": "FIN-1",
        },
        {"name": "rates", "from": ["loads"], "to": ["rates"], "reason": "MKT-1"},
    ],
}
KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def asks(fake: Fake, options: Callable[..., Path]) -> Iterator[Callable[..., AirlockBackend]]:
    """`asks(access=…, dag_id=…)`: the backend as a task of that name finds it. Issuer and Vault are one fake."""
    now = int(datetime.now(UTC).timestamp())
    claims = {"iss": "https://issuer.example", "aud": "airlock-proxy", "iat": now, "exp": now + 600, "jti": "j"}
    fake.answers |= {
        "/token": {"access_token": jwt.encode(claims, KEY, algorithm="ES256")},
        "/v1/auth/jwt/login": {"auth": {"client_token": "hvs.1"}},
        "/v1/database/creds/ledger": {"lease_id": "l", "lease_duration": 500, "data": {"username": "v", "password": "p"}},
        "/v1/sys/leases/revoke": (204, None),
    }

    def given(
        access: Mapping[str, Any] = ALWAYS,
        dag_id: str = "ledger_daily",
        task_id: str = "close",
        timeout: timedelta | None = None,
        named: Mapping[str, str] | None = None,
        **more: Any,
    ) -> AirlockBackend:
        identity = TaskIdentity("https://issuer.example", "airlock-proxy", "oidc", "asserted", endpoint=f"{fake.url}/token")
        options(written(access=access, identity=identity, **more), **{"vault_address": fake.url, **(named or {})})
        ti = SimpleNamespace(dag_id=dag_id, task_id=task_id, run_id="r", try_number=1, map_index=-1, id="ti-1")
        started = datetime.now(UTC)
        dag_run = SimpleNamespace(logical_date=started, run_after=started, start_date=started)
        dag, task = SimpleNamespace(dagrun_timeout=timeout), SimpleNamespace(execution_timeout=None)
        context.begin({"ti": ti, "dag_run": dag_run, "dag": dag, "task": task, "params": {}})
        return AirlockBackend(connections_prefix="of another backend")

    yield given
    context.forget()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[audit.Event]:
    found: list[audit.Event] = []
    monkeypatch.setattr(audit, "emit", found.append)
    return found


def lent(backend: AirlockBackend, name: str = "ledger_db") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(backend.get_conn_value(name) or "null")
    return found


def test_a_connection_is_on_this_machine_with_the_credential_of_its_route(asks: Callable[..., AirlockBackend]) -> None:
    found = lent(asks(connections={"ledger_db": ConnectionSettings(schema="ledger", extra={"sslmode": "require"})}))
    assert found.pop("port") > 1023
    assert found == {
        "conn_type": "postgres",
        "host": "127.0.0.1",
        "login": "v",
        "password": "p",
        "schema": "ledger",
        "extra": {"sslmode": "require"},
    }


def test_a_second_lookup_asks_nobody_and_gives_the_same(asks: Callable[..., AirlockBackend], fake: Fake) -> None:
    backend = asks()
    first = lent(backend)
    asked = len(fake.asked)
    assert lent(AirlockBackend()) == first
    assert len(fake.asked) == asked


def test_threads_that_ask_at_once_get_one_credential_and_one_port(asks: Callable[..., AirlockBackend], fake: Fake) -> None:
    backend, found = asks(), []
    threads = [threading.Thread(target=lambda: found.append(lent(backend))) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 8
    assert all(one == found[0] for one in found)
    assert [path for _, path, _, _ in fake.asked].count("/v1/database/creds/ledger") == 1


def test_where_no_proxy_leads_there_the_address_is_the_destinations_own(asks: Callable[..., AirlockBackend]) -> None:
    found = lent(asks(task_id="load_rates"), "rates")
    assert (found["conn_type"], found["host"], found["port"], found["schema"]) == ("http", "api.rates.example", 443, "https")
    assert found["password"] is None


def test_libpq_checks_the_certificate_against_the_real_name(asks: Callable[..., AirlockBackend]) -> None:
    found = lent(asks(connections={"ledger_db": ConnectionSettings(extra={"sslmode": "verify-full"})}))
    assert found["host"] == "ledger.corp.example"
    assert found["extra"]["hostaddr"] == "127.0.0.1"


def test_a_network_needs_one_host_of_the_manifest(asks: Callable[..., AirlockBackend]) -> None:
    with pytest.raises(AccessRefused, match=r"routing: stream has no single address: give its connection a host \(10.1.2.0/28"):
        lent(asks(), "stream")
    assert lent(asks(connections={"stream": ConnectionSettings(host="10.1.2.3")}), "stream")["host"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("idle", r"ledger_daily.close does not get connection \"idle\": permission: no route leads ledger-close to idle"),
        ("warehouse", r"permission: the manifest of finance has no connection \"warehouse\".*rule unknown-connection"),
    ],
)
def test_a_refusal_is_no_exception_that_airflow_would_step_over(
    asks: Callable[..., AirlockBackend], told: list[audit.Event], name: str, says: str
) -> None:
    backend = asks()
    for lookup in (backend.get_connection, backend.get_conn_value):
        with pytest.raises(AccessRefused, match=says) as caught:
            lookup(name)
        assert not isinstance(caught.value, Exception)
    assert told[-1]["class_name"] == "Network Activity"
    assert told[-1]["disposition"] == "Blocked"


def test_what_is_passed_on_goes_to_the_next_backend_and_variables_too(asks: Callable[..., AirlockBackend]) -> None:
    named = {"pass_on": "slack_*, smtp_default", "next_backend": "next_backend.Next", "next_backend_kwargs": '{"prefix": "x"}'}
    backend = asks(named=named)
    assert backend.get_conn_value("slack_alerts") == "x/slack_alerts"
    assert backend.get_variable("v") == "variable x/v"
    assert backend.get_config("c") == "option x/c"
    with pytest.raises(AccessRefused):
        backend.get_conn_value("slac")


def test_the_manifests_own_connections_are_never_passed_on(asks: Callable[..., AirlockBackend]) -> None:
    with pytest.raises(AccessRefused, match="no route leads"):
        lent(asks(named={"pass_on": "*", "next_backend": "next_backend.Next"}), "idle")


def test_without_a_next_backend_variables_are_airflows_own_matter(asks: Callable[..., AirlockBackend]) -> None:
    assert asks().get_variable("v") is None
    assert asks().get_config("c") is None


def test_outside_a_task_nothing_is_lent(asks: Callable[..., AirlockBackend]) -> None:
    backend = asks()
    context.forget()
    with pytest.raises(AccessRefused, match=r"no task is running here.*rule no-task"):
        lent(backend)


def test_a_manifest_that_cannot_be_used_lends_nothing_and_passes_nothing_on(asks: Callable[..., AirlockBackend]) -> None:
    backend = asks(named={"pass_on": "*"})
    settings.current().manifest.write_text("{}")
    for name in ("ledger_db", "slack_alerts"):
        with pytest.raises(AccessRefused, match="rule manifest"):
            lent(backend, name)


def test_a_fault_of_the_provider_itself_is_a_refusal_and_no_log_has_its_secrets(
    asks: Callable[..., AirlockBackend], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    words = "password=" + "abc"  # not as the source has it, which a traceback shows

    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError(words)

    monkeypatch.setattr(credentials, "issue", fault)
    with caplog.at_level("DEBUG"), pytest.raises(AccessRefused, match=r"itself failed, ZeroDivisionError: \*\*\*.*rule fault"):
        lent(asks())
    assert "in fault" in caplog.text
    assert words not in caplog.text


@pytest.mark.parametrize("path", ["/token", "/v1/database/creds/ledger"])
def test_what_an_issuer_or_vault_says_is_told_without_secrets(
    asks: Callable[..., AirlockBackend], fake: Fake, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    backend = asks()
    fake.answers[path] = (403, {"errors": ["denied, token=hvs.abc eyJhbGciOi.eyJpc3Mi.c2ln"]})
    with pytest.raises(AccessRefused, match=r"denied, \*\*\* \*\*\*") as caught:
        lent(backend)
    assert "denied, *** ***" in caplog.text
    assert not any(secret in text for secret in ("hvs.abc", "eyJpc3Mi") for text in (caplog.text, str(caught.value)))


@pytest.mark.parametrize(
    ("path", "answer", "kind", "says"),
    [
        ("/v1/database/creds/ledger", (403, {"errors": ["denied"]}), "credential", "Vault does not give"),
        ("/token", (503, {}), "credential", "answers 503"),
    ],
)
def test_what_cannot_be_had_is_told_by_its_kind(
    asks: Callable[..., AirlockBackend], fake: Fake, told: list[audit.Event], path: str, answer: Any, kind: str, says: str
) -> None:
    backend = asks()
    fake.answers[path] = answer
    with pytest.raises(AccessRefused, match=f"{kind}: .*{says}.*gate provider, rule close"):
        lent(backend)
    assert [one["class_name"] for one in told if one["unmapped"]["airlock"].get("kind") == kind] == ["Authentication"]
    fake.answers[path] = {"access_token": "x"}


def test_the_end_of_the_dag_run_ends_what_was_lent(asks: Callable[..., AirlockBackend]) -> None:
    backend = asks(timeout=timedelta(seconds=-1))
    with pytest.raises(AccessRefused, match="is over: the DAG run's timeout"):
        lent(backend)


def test_at_the_tasks_end_leases_are_given_back_and_nothing_is_kept(asks: Callable[..., AirlockBackend], fake: Fake) -> None:
    backend = asks()
    lent(backend)
    broker.end()
    assert fake.asked[-1][1] == "/v1/sys/leases/revoke"
    lent(backend)
    assert [path for _, path, _, _ in fake.asked].count("/v1/database/creds/ledger") == 2


def test_a_forked_process_starts_with_nothing(asks: Callable[..., AirlockBackend]) -> None:
    backend = asks()
    lent(backend)
    child = os.fork()
    if child == 0:
        try:
            backend.get_conn_value("ledger_db")
        except AccessRefused as error:
            os._exit(0 if "no task is running here" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_another_thread_holds_is_open_in_a_forked_process() -> None:
    """A task that forks while its forwarder's thread waits for an issuer: the child must not wait for it for ever."""
    locks = [one._lock for one in (aws, backend, broker, certificates, google, kms, manifest, trust)]
    with contextlib.ExitStack() as held:
        for one in locks:
            held.enter_context(one)
        child = os.fork()
        if child == 0:
            os._exit(0 if all(one.acquire(timeout=1) for one in locks) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_agents_connections_go_by_its_name(asks: Callable[..., AirlockBackend], fake: Fake) -> None:
    backend = asks()
    with context.agent("invoice-bot"):
        lent(backend)
    (form,) = [body for _, path, _, body in fake.asked if path == "/token"]
    assert json.loads(form["claims"])["airlock"]["agent_id"] == "invoice-bot"
    lent(backend)
    assert "agent_id" not in [body for _, path, _, body in fake.asked if path == "/token"][-1]["claims"]


def conditional(*names: str) -> dict[str, Any]:
    routes = [{**ALWAYS["routes"][0], "requires": list(names)}, ALWAYS["routes"][1]]
    return {**ALWAYS, "routes": routes}


def test_conditions_that_are_met_stand_in_nobodys_way(asks: Callable[..., AirlockBackend], tmp_path: Path) -> None:
    backend = asks(access=conditional("token-fresh", "policy-current"))
    source = tmp_path / "digest"
    digest = broker.manifest.load(settings.current().manifest).digest
    source.write_text(f"{digest}\n")
    os.environ["AIRFLOW__AIRLOCK__POLICY_SOURCE"] = str(source)
    try:
        settings.current.cache_clear()
        assert lent(backend)["login"] == "v"
        source.write_text("0" * 64)
        broker.end()
        trust.forget()
        context_again = asks(access=conditional("token-fresh", "policy-current"), named={"policy_source": str(source)})
        with pytest.raises(AccessRefused, match="trust condition policy-current of route close is not met: the manifest here is"):
            lent(context_again)
    finally:
        del os.environ["AIRFLOW__AIRLOCK__POLICY_SOURCE"]


def test_a_token_that_ends_within_a_minute_is_not_fresh(asks: Callable[..., AirlockBackend], fake: Fake) -> None:
    backend = asks(access=conditional("token-fresh"))
    now = int(datetime.now(UTC).timestamp())
    claims = {"iss": "https://issuer.example", "aud": "airlock-proxy", "iat": now, "exp": now + 30}
    fake.answers["/token"] = {"access_token": jwt.encode(claims, KEY, algorithm="ES256")}
    with pytest.raises(AccessRefused, match=r"trust: trust condition token-fresh .* is not met: the token ends in (29|30) s"):
        lent(backend)


def test_a_tunnel_that_is_not_up_is_told_with_what_stood_in_the_way(asks: Callable[..., AirlockBackend]) -> None:
    with pytest.raises(AccessRefused, match=r"trust condition tunnel-up .* is not met: ledger-db cannot be reached: .*DNS"):
        lent(asks(access=conditional("tunnel-up")))


def test_a_condition_that_nobody_has_registered_is_not_met(asks: Callable[..., AirlockBackend]) -> None:
    with pytest.raises(AccessRefused, match=r"month-is-open .* is not met: nothing here is called so"):
        lent(asks(access=conditional("month-is-open")))


def test_a_condition_that_was_met_for_a_task_is_asked_anew_for_its_agent(
    asks: Callable[..., AirlockBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "conditions", lambda: {"no-agents": lambda situation: situation.run.agent_id and "an agent asks"})
    one = asks(access=conditional("no-agents"))
    assert lent(one)["login"] == "v"
    with context.agent("invoice-bot"), pytest.raises(AccessRefused, match="is not met: an agent asks"):
        lent(one)


def test_own_conditions_decide_and_one_that_raises_is_not_met(
    asks: Callable[..., AirlockBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    def month(situation: trust.Situation) -> str | None:
        if situation.run.task_id == "close":
            raise LookupError("no calendar")
        return None

    monkeypatch.setattr(trust, "conditions", lambda: {"month-is-open": month})
    with pytest.raises(AccessRefused, match="is not met: LookupError: no calendar"):
        lent(asks(access=conditional("month-is-open")))
    assert lent(asks(access=conditional("month-is-open"), task_id="other"))["login"] == "v"
