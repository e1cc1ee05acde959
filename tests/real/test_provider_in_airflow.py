"""The provider in real Airflows, 3.3 and 2.11, that run DAGs of no special kind through a real Envoy.

Vault and the issuer are fakes on this machine; the tokens are real, and Envoy checks them.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from certificates import Authority
from provider_runs import PRINTED_PASSWORD, STATIC, VAULT_PASSWORD, Tried, seen, tried
from real_parts import AIRFLOW2_PYTHON, AIRFLOW_PYTHON, ENVOY, needed

PYTHONS = {"3": AIRFLOW_PYTHON, "2.11": AIRFLOW2_PYTHON}


@pytest.fixture(scope="module", params=list(PYTHONS))
def came(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    python = needed(PYTHONS[request.param], f"Airflow {request.param}")
    folder = tmp_path_factory.mktemp("provider")
    with tried(python, needed(ENVOY, "Envoy"), folder, Authority(folder / "authority")) as found:
        yield found


def found_in(log: str) -> list[str]:
    """What `look` printed, without what the log writes before it."""
    return re.findall(r"FOUND ([^\n\"\\]+)", log)


@pytest.mark.parametrize("task", ["look_1", "look_2"])
def test_a_task_gets_its_connection_at_this_machine_with_a_credential_of_its_own(came: Tried, task: str) -> None:
    log = came.runs.log("ledger_close", task)
    assert came.runs.states["ledger_close", task] == "success", log
    kind, host, port, login, schema, password = found_in(log)[0].split()
    assert (kind, host, login, schema) == ("postgres", "127.0.0.1", "v-ledger", "ledger")
    assert int(port) > 1023
    assert password == seen(VAULT_PASSWORD)


def test_its_bytes_go_through_the_proxy_to_the_destination_and_back(came: Tried) -> None:
    log = came.runs.log("ledger_close", "look_1")
    assert "ANSWERED echo of ping" in log
    assert "ANSWERED echo of again" in log
    runs = {one["unmapped"]["airflow"]["task_id"]: one["metadata"]["correlation_uid"] for one in came.audit}
    assert runs["look_1"] in {one["correlation"] for one in came.envoy if one["code"] == "200" or one["code"] == 200}


def test_two_tasks_with_the_same_connection_at_once_have_tokens_and_ports_of_their_own(came: Tried) -> None:
    ports = {found_in(came.runs.log("ledger_close", task))[0].split()[2] for task in ("look_1", "look_2")}
    assert len(ports) == 2
    tokens = {one["actor"]["session"]["credential_uid"] for one in came.audit if "session" in one.get("actor", {})}
    assert tokens
    asked = [form for _, path, _, form in came.issuer.asked if path == "/token"]
    assert {task for form in asked for task in re.findall(r'"task_id": "([^"]+)"', form["claims"])} >= {"look_1", "look_2"}


def test_a_template_gets_the_same_connection(came: Tried) -> None:
    log = came.runs.log("ledger_close", "templated")
    assert came.runs.states["ledger_close", "templated"] == "success", log
    assert "TEMPLATED 127.0.0.1 v-ledger" in log


def test_a_mapped_task_has_it_too_under_either_name(came: Tried) -> None:
    assert came.runs.states["ledger_close", "mapped"] == "success"
    maps = {one["unmapped"]["airflow"]["map_index"] for one in came.audit if one["unmapped"]["airflow"]["task_id"] == "mapped"}
    assert maps == {0, 1}


@pytest.mark.parametrize("task", ["look", "templated"])
def test_a_forbidden_task_fails_with_the_policys_words_in_its_log(came: Tried, task: str) -> None:
    log = came.runs.log("marketing_daily", task)
    assert came.runs.states["marketing_daily", task] == "failed"
    assert f"marketing_daily.{task} does not get connection" in log
    assert "permission: no principal of finance covers" in log
    assert "gate provider, rule no-principal; tcp_proxy would refuse it too, by deny-ledger-db-5432" in log


def test_no_task_falls_through_to_a_static_connection(came: Tried) -> None:
    for file in came.runs.files():
        assert "static.example" not in file.read_text(errors="replace"), file


def test_code_that_swallows_the_refusal_gets_nothing_and_the_log_says_why(came: Tried) -> None:
    log = came.runs.log("marketing_daily", "swallows")
    assert "GOT static" not in log
    assert "marketing_daily.swallows does not get connection" in log


def test_a_connection_that_the_manifest_does_not_know_is_refused_or_passed_on_by_name(came: Tried) -> None:
    assert came.runs.states["ledger_close", "unknown"] == "failed"
    assert "and [airlock] pass_on does not name it" in came.runs.log("ledger_close", "unknown")
    assert came.runs.states["ledger_close", "passed_on"] == "success"
    assert "PASSED slack.example" in came.runs.log("ledger_close", "passed_on")


def test_a_window_that_is_not_open_is_told(came: Tried) -> None:
    assert came.runs.states["ledger_close", "closed"] == "failed"
    assert "route closed is closed now: its window is Mon" in came.runs.log("ledger_close", "closed")


def test_a_session_that_has_lasted_long_enough_is_cut_under_an_open_connection(came: Tried) -> None:
    log = came.runs.log("ledger_close", "cut")
    assert came.runs.states["ledger_close", "cut"] == "success", log
    assert re.search(r"ANSWERED echo of ping.*CUT.*ANSWERED echo of once more", log, re.DOTALL)
    assert "short-db (short.corp.example:5432) is closed, by permission: the longest session of route short" in log
    mine = [one for one in came.audit if one["unmapped"]["airflow"]["task_id"] == "cut" and one["activity_name"] == "Close"]
    ended = [one["actor"]["session"]["expiration_reason"] for one in mine]
    assert [one for one in ended if one != "tried"] == ["deadline", "client"]  # conditions of other routes try theirs


def test_a_vault_that_is_away_gives_nothing_and_nothing_else_does(came: Tried) -> None:
    log = came.runs.log("ledger_close", "away")
    assert came.runs.states["ledger_close", "away"] == "failed"
    assert "credential: no credential for away-db: Vault does not give database/creds/away" in log
    assert "Vault is sealed" in log


def test_a_destination_that_is_down_is_told_as_routing(came: Tried) -> None:
    log = came.runs.log("ledger_close", "dead")
    assert came.runs.states["ledger_close", "dead"] == "failed"
    assert "dead-db (dead.corp.example:5432) is not reached, by routing: tcp_proxy let it through" in log


def test_an_agents_task_has_what_its_task_has_and_its_name_is_in_token_and_trail(came: Tried) -> None:
    assert came.runs.states["ledger_agent", "look"] == "success", came.runs.log("ledger_agent", "look")
    asked = [json.loads(form["claims"])["airlock"] for _, path, _, form in came.issuer.asked if path == "/token"]
    assert {one["agent_id"] for one in asked if one["dag_id"] == "ledger_agent"} == {"report-writer"}
    assert not any("agent_id" in one for one in asked if one["dag_id"] != "ledger_agent")
    mine = [one for one in came.audit if one["unmapped"]["airflow"]["dag_id"] == "ledger_agent"]
    assert {one["unmapped"]["airlock"].get("agent_id") for one in mine if one["activity_name"] == "Open"} == {"report-writer"}


@pytest.mark.parametrize("task", ["tells", "shows"])
def test_a_task_that_prints_its_credential_prints_stars(came: Tried, task: str) -> None:
    log = came.runs.log("ledger_close", task)
    assert came.runs.states["ledger_close", task] == "success", log
    assert re.search(r"TOLD \*\*\* postgres://told:\*\*\*@127.0.0.1", log.replace("'", ""))
    assert not any(form in log for form in (PRINTED_PASSWORD, quote(PRINTED_PASSWORD), quote(PRINTED_PASSWORD, safe="")))


@pytest.mark.parametrize("task", ["gated", "mapped", "own"])
def test_the_gate_stops_a_task_before_it_does_anything_and_names_the_condition(came: Tried, task: str) -> None:
    log = came.runs.log("month_end", task)
    assert came.runs.states["month_end", task] == "failed"
    assert "may not run: trust: trust condition month-is-open of route month is not met" in log
    assert not re.search(r"(?<!echo )RAN", log.replace("'RAN'", ""))


def test_a_condition_of_the_banks_own_decides(came: Tried) -> None:
    assert came.runs.states["quarter_end", "open"] == "success", came.runs.log("quarter_end", "open")
    assert "RAN 127.0.0.1" in came.runs.log("quarter_end", "open")
    assert came.runs.states["quarter_end", "shut"] == "failed"
    assert "quarter-is-open of route quarter is not met: the books of quarter-db are shut" in came.runs.log("quarter_end", "shut")


def test_asking_airflows_server_instead_gives_nothing_either(came: Tried) -> None:
    """Airflow 3's server has the same backend, and no task to lend to; Airflow 2 has no such way around."""
    assert "AROUND" in came.runs.log("goes_around", "around")
    assert "password" not in came.runs.log("goes_around", "around").partition("AROUND")[2].partition("\n")[0]


def test_a_dag_file_gets_no_connection_where_it_is_read(came: Tried) -> None:
    assert ("parsed_refused", "nothing") in came.runs.states
    assert ("parsed_got", "nothing") not in came.runs.states


def test_vaults_leases_are_given_back_when_tasks_end(came: Tried) -> None:
    paths = [path for _, path, _, _ in came.vault.asked]
    assert paths.count("/v1/sys/leases/revoke") == paths.count("/v1/database/creds/ledger") > 0


def test_the_audit_trail_has_the_grant_the_credential_and_the_refusal(came: Tried) -> None:
    told = {(one["unmapped"]["airflow"]["task_id"], one["class_name"], one["activity_name"]) for one in came.audit}
    assert ("look_1", "Network Activity", "Open") in told
    assert ("look_1", "Authentication", "Service Ticket Request") in told
    refused = [one for one in came.audit if one["unmapped"]["airflow"]["dag_id"] == "marketing_daily" and "authorizations" in one]
    assert {one["authorizations"][0]["policy"]["name"] for one in refused} == {"no-principal"}


def test_no_secret_is_in_any_log(came: Tried) -> None:
    secret = STATIC.partition(":")[2].split("@")[0].rpartition(":")[2]
    folder = came.runs.home.parent
    files = [*came.runs.files(), folder / "events.jsonl", folder / "envoy" / "access.jsonl", folder / "envoy" / "envoy.log"]
    for file in (one for one in files if one.exists()):
        text = file.read_text(errors="replace")
        assert VAULT_PASSWORD not in text, file
        assert secret not in text, file
        assert "token-of-vault-3" not in text, file
        assert not re.search(r"eyJ[\w-]{8,}\.eyJ", text), f"a token: {file}"


def test_a_dag_is_serialized_the_same_each_time(came: Tried) -> None:
    """Airflow 2.11 keeps the gate's source with the DAG, Airflow 3 nothing of it; an address in memory would be a new version."""
    kept = (came.runs.home / "airflow.db").read_bytes().decode("latin-1")
    assert not re.search(r"airlock_gate at 0x|_gated\.<locals>", kept)


def test_every_try_has_its_start_its_sessions_and_its_end_in_this_order_under_one_id(came: Tried) -> None:
    for task, ended in (("look_1", "success"), ("unknown", "failed")):
        mine = [one for one in came.audit if one["unmapped"]["airflow"]["dag_id"] == "ledger_close"]
        mine = [one for one in mine if one["unmapped"]["airflow"]["task_id"] == task]
        assert len({one["metadata"]["correlation_uid"] for one in mine}) == 1
        mine.sort(key=lambda one: one["time"])
        names = [one["activity_name"] for one in mine]
        assert (names[0], names[-1], mine[-1]["status_code"]) == ("Start", "Stop", ended), names
        assert names.count("Open") == names.count("Close")
        assert {one["unmapped"]["airlock"]["principal"] for one in mine} == {"ledger"}


def test_the_id_is_the_one_that_airflows_openlineage_provider_computes(came: Tried, tmp_path: Path) -> None:
    program = """
import datetime
from airflow.providers.openlineage.plugins.adapter import OpenLineageAdapter
first = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
print(OpenLineageAdapter.build_task_instance_run_id("ledger_close", "look_1", 1, first, -1))
"""
    python = needed(AIRFLOW2_PYTHON, "Airflow 2.11 with OpenLineage's provider")
    there = {"AIRFLOW_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([python, "-c", program], env=there, capture_output=True, text=True, timeout=120, check=True)
    runs = {one["metadata"]["correlation_uid"] for one in came.audit if one["unmapped"]["airflow"]["task_id"] == "look_1"}
    assert runs == {done.stdout.split()[-1]}
