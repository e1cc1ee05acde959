"""Generated programs through the entire path (read, prove, explain, report) by the real commands: none of them crashes."""

import json
from importlib import import_module
from pathlib import Path

import pytest
from commands import Airlock
from damage import examples
from generated_programs import pieces, program, stacks
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from pulumi_airlock.access import Access
from pulumi_airlock.brownfield.reading import document_of, text_of
from pulumi_airlock.gates import GATES
from pulumi_airlock.gates.stack import Stack

LOGS = (
    "date=2026-11-23 time=23:30:00 srcip=10.40.0.10 dstip=10.20.4.10 dstport=5432 proto=6 action=deny policyid=9\n"
    "2 1 eni-1 10.0.1.7 10.20.4.10 43210 5432 6 10 840 1763940600 1763940660 ACCEPT OK\n"
    '{"gate": "tcp-proxy", "connection": "1", "event": "open", "client": "10.0.1.7:43210", "target": "10.20.4.10:5432", '
    '"upstream": "10.20.4.10:5432", "time": "2026-11-23T23:30:00Z", "sub": "finance", "dag_id": "finance_daily"}\n'
    '{"flow": {"time": "2026-11-24T02:00:00Z", "verdict": "DROPPED", "IP": {"source": "10.1.0.9", "destination": "10.1.0.7"}, '
    '"l4": {"TCP": {"source_port": 43210, "destination_port": 8080}}}}\n'
)


def commands(data: st.DataObject, access: Access) -> list[list[str]]:
    """The proof, and two more of the commands that look at a stack."""
    principal = data.draw(st.sampled_from([*(one.name for one in access.principals), "*", "outside", "a.b", "10.0.1.7"]))
    place = data.draw(st.sampled_from([*(one.name for one in access.destinations), "10.20.4.10:5432", "x.example", "*"]))
    at = data.draw(st.sampled_from([[], ["--at", "2026-11-23T23:30:00+01:00"], ["--at", "1999-01-01"]]))
    line = data.draw(st.sampled_from(LOGS.splitlines()))
    zone = data.draw(st.sampled_from(sorted(access.zones)))
    others = [
        ["explain", principal, place, *at],
        ["explain", "*", place, "--json"],
        ["explain", "--from-log", line, "--urns"],
        ["reach", principal if principal not in ("*", "10.0.1.7") else "other"],
        ["reach", "--to", place if place != "*" else "10.20.4.10"],
        ["diff", "old.json", "stack.json", "--verbose"],
        ["diff", "stack.json", "access.yaml", "--markdown=-"],
        ["verify", "all.log", "--json"],
        ["unused", "all.log"],
        ["learn", "all.log", "--access=access.yaml"],
        ["import", "stack.json", "--json", "--environment=drawn=10.40.0.0/24", f"--zone={zone}=10.0.0.0/8"],
        ["import", "bare.json", "--everybody", "--environment=drawn=10.0.0.0/16,airflow/airflow-worker", "--out=imported.json"],
    ]
    reports = ["--html=p.html", "--markdown=p.md", "--sarif=p.sarif", "--junit=p.xml", "--waste", "--verbose"]
    return [["prove", *at, *reports], *(data.draw(st.sampled_from(others)) for _ in range(2))]


FROM_FILE = ("prove", "explain", "reach", "verify", "unused")


def write(folder: Path, stack: Stack, access: Access, old: tuple[Stack, Access]) -> None:
    (folder / "stack.json").write_text(text_of(document_of(stack, access)))
    (folder / "old.json").write_text(text_of(document_of(*old)))
    bare = document_of(stack, access)
    bare["deployment"]["resources"] = bare["deployment"]["resources"][1:]
    (folder / "bare.json").write_text(text_of(bare))
    (folder / "access.yaml").write_text(json.dumps(access.model_dump(mode="json", by_alias=True, exclude_defaults=True)))
    (folder / "all.log").write_text(LOGS)


@settings(
    max_examples=examples(8),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(data=st.data())
def test_commands_take_any_program(data: st.DataObject, airlock: Airlock, tmp_path: Path) -> None:
    stack, access = program(data)
    write(tmp_path, stack, access, program(data))
    for command in commands(data, access):
        where = ["--from=stack.json"] if command[0] in FROM_FILE else []
        done = airlock(*command, *where, cwd=tmp_path)
        event(f"{command[0]} ends with {done.status}")
        assert done.status in (0, 1, 3), command
        assert done.out + done.err, command
        assert "cannot read this stack" not in done.out + done.err, command


def test_the_pieces_are_of_every_gate_and_environment() -> None:
    """One without a piece would not be met."""
    of_the_unknown = {"environments.mwaa", "environments.composer"}  # of an environment that is well they say nothing
    read = {name for name in GATES for one in stacks().values() if list(import_module(f"pulumi_airlock.{name}").read(one))}
    assert read == set(GATES) - of_the_unknown
    kinds = {one.type.rpartition(":")[2] for piece in pieces().values() for one in piece}
    assert {"MwaaEnvironment", "ComposerEnvironment", "HelmEnvironment"} <= kinds


@pytest.mark.parametrize("kind", ["envoy on Fargate", "haproxy", "teleport-pods", "prod-mwaa: zia", "prod-composer: gcp"])
def test_pieces_have_names_that_say_what_they_are(kind: str) -> None:
    assert any(name.startswith(kind) for name in pieces()), sorted(pieces())
