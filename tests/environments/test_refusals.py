"""What MWAA would refuse 25 minutes later is refused at preview, all of it at once."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi_airlock.environments.mwaa import (
    AirflowVpc,
    ExistingCode,
    ExistingSubnets,
    ExistingVpc,
    MwaaCode,
    MwaaEnvironment,
    MwaaLogs,
    MwaaScale,
    S3Object,
)
from pulumi_airlock.errors import InputError
from ruamel.yaml import YAML

CASES = Path(__file__).parent / "cases"


def cases(name: str) -> list[Any]:
    found = YAML(typ="safe").load(CASES / name)
    return [pytest.param(one, id=one["case"]) for one in found]


def good_vpc(**changes: Any) -> AirflowVpc:
    arguments: dict[str, Any] = {
        "owner": "platform@bank.example",
        "cidr": "10.60.0.0/16",
        "availability_zones": ["eu-west-1a", "eu-west-1b"],
        "endpoint_cidrs": ["10.60.0.0/26", "10.60.0.64/26"],
    }
    return AirflowVpc("shared", **{**arguments, **changes})


def good_environment(**changes: Any) -> MwaaEnvironment:
    arguments: dict[str, Any] = {
        "owner": "finance@bank.example",
        "airflow_version": "2.10.3",
        "scale": MwaaScale(environment_class="mw1.small", max_workers=5),
        "subnet_cidrs": ["10.60.1.0/24", "10.60.2.0/24"],
        "account_id": "111122223333",
    }
    arguments = {**arguments, **changes}
    return MwaaEnvironment("finance", vpc=arguments.pop("vpc", None) or good_vpc(), **arguments)


def built(changes: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A case's plain values as arguments."""
    made = dict(changes)
    made["code"] = _code(changes.get("code", {"dags": "dags"}), folder)
    for key, kind in (("scale", MwaaScale), ("logs", MwaaLogs)):
        if key in changes:
            made[key] = kind(**changes[key])
    for key, holder in (("subnets", ExistingSubnets), ("vpc", ExistingVpc)):
        if key in changes:
            given = {name: tuple(value) if isinstance(value, list) else value for name, value in changes[key].items()}
            made[key] = holder(**given)
    return made


def _code(given: Mapping[str, Any], folder: Path) -> MwaaCode | ExistingCode:
    if "bucket_arn" in given:
        return ExistingCode(**{key: S3Object(**value) if isinstance(value, dict) else value for key, value in given.items()})
    return MwaaCode(**{key: folder / value for key, value in given.items()})


def problems_of(program: Callable[[], object], preview: Any) -> tuple[dict[str, str], Any]:
    """Path → message of every problem that a program raises, and the engine that ran it."""
    raised: list[InputError] = []

    def guarded() -> None:
        try:
            program()
        except InputError as error:
            raised.append(error)

    engine = preview(guarded)
    assert raised, "nothing was refused"
    found: dict[str, str] = {}
    for problem in raised[0].problems:
        found[problem.path] = found.get(problem.path, "") + "\n" + problem.message
    return found, engine


def check(case: Mapping[str, Any], found: Mapping[str, str]) -> None:
    refused = case["refused"]
    assert set(found) == set(refused), found
    for path, part in refused.items():
        assert part in found[path], f"{path}: {found[path]}"


@pytest.mark.parametrize("case", cases("refusals.yaml"))
def test_environment_refuses(case: Mapping[str, Any], preview: Any, dags: Path) -> None:
    for name, text in case.get("files", {}).items():
        (dags.parent / name).parent.mkdir(exist_ok=True)
        (dags.parent / name).write_text(text)
    found, engine = problems_of(lambda: good_environment(**built(case["with"], dags.parent)), preview)
    check(case, found)
    assert not engine.of("MwaaEnvironment"), "refused, and yet something was registered"


@pytest.mark.parametrize("case", cases("vpcs.yaml"))
def test_vpc_refuses(case: Mapping[str, Any], preview: Any) -> None:
    found, engine = problems_of(lambda: good_vpc(**case["with"]), preview)
    check(case, found)
    assert not engine.of("AirflowVpc"), "refused, and yet something was registered"


def test_every_problem_names_the_environment(preview: Any, dags: Path) -> None:
    raised = []

    def program() -> None:
        try:
            good_environment(code=MwaaCode(dags=dags), environment_name="!", owner="", maintenance_window_start="now")
        except InputError as error:
            raised.append(str(error))

    preview(program)
    lines = raised[0].splitlines()
    assert len(lines) >= 3
    assert all(line.startswith("finance: ") for line in lines)


def test_a_requirement_problem_names_file_and_line(preview: Any, dags: Path) -> None:
    file = dags.parent / "requirements.txt"
    file.write_text("--no-index\n# why: reports\napache-airflow==2.9.2\n")
    raised = []

    def program() -> None:
        try:
            good_environment(code=MwaaCode(dags=dags, requirements=file))
        except InputError as error:
            raised.extend(problem.place for problem in error.problems)

    preview(program)
    assert raised == [f"{file}:3"]


def test_outputs_are_taken_where_their_value_is_not_known(preview: Any, dags: Path) -> None:
    """A value that only the deployment knows cannot be checked, and is no reason to refuse."""

    def program() -> None:
        unknown: pulumi.Output[str] = pulumi.Output.from_input("").apply(lambda _: "whatever")
        good_environment(
            code=ExistingCode(bucket_arn=unknown, startup_script=S3Object(path="startup.sh", version=unknown)),
            execution_role_arn=unknown,
            kms_key_arn=unknown,
            airflow_options={"core.parallelism": unknown},
        )

    assert preview(program).of("mwaa/environment:Environment")


def test_two_environments_do_not_share_addresses(preview: Any, dags: Path) -> None:
    def program() -> None:
        vpc = good_vpc()
        good_environment(vpc=vpc, code=MwaaCode(dags=dags))
        MwaaEnvironment(
            "risk",
            owner="risk@bank.example",
            vpc=vpc,
            airflow_version="2.10.3",
            scale=MwaaScale(environment_class="mw1.small"),
            code=MwaaCode(dags=dags),
            subnet_cidrs=["10.60.2.0/25", "10.60.3.0/24"],
        )

    found, _ = problems_of(program, preview)
    assert found == {"subnet_cidrs[0]": "\n10.60.2.0/25 overlaps 10.60.2.0/24 (environment finance)"}
