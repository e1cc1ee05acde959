"""What Composer would refuse 25 minutes later, and every input of the other generation, is refused at preview, all at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from programs import IMAGE_3, built, environment
from pulumi_airlock.environments.composer.generation import parse_image
from pulumi_airlock.environments.composer.limits import ONLY_IN, SINCE
from pulumi_airlock.errors import InputError
from ruamel.yaml import YAML

CASES = YAML(typ="safe").load(Path(__file__).parent / "cases" / "refusals.yaml")


@pytest.mark.parametrize("case", [pytest.param(one, id=one["case"]) for one in CASES])
def test_refused(case: Mapping[str, Any], preview: Any) -> None:
    raised: list[InputError] = []

    def program() -> None:
        try:
            environment(case.get("generation", 3), **built(case["with"]))
        except InputError as error:
            raised.append(error)

    engine = preview(program)
    assert raised, "nothing was refused"
    found: dict[str, str] = {}
    for problem in raised[0].problems:
        assert problem.place == "finance"
        found[problem.path] = found.get(problem.path, "") + "\n" + problem.message
    assert set(found) == set(case["refused"]), found
    for path, part in case["refused"].items():
        assert part in found[path], f"{path}: {found[path]}"
    assert not engine.of("ComposerEnvironment"), "refused, and yet something was registered"


def test_every_input_of_one_generation_is_tried_in_the_other() -> None:
    """A line of the tables without a case could be wrong, and nobody would see it."""
    refused = {path for case in CASES for path, part in case["refused"].items()}
    assert set(ONLY_IN) <= refused
    # Composer 2.0 has ended: what came in it is in every version that can be written.
    assert {path for path, since in SINCE.items() if since >= (2, 1, 0)} <= refused


def test_outputs_are_taken_where_their_value_is_not_known(preview: Any) -> None:
    """A value that only the deployment knows cannot be checked, and is no reason to refuse."""

    def program() -> None:
        unknown: pulumi.Output[str] = pulumi.Output.from_input("").apply(lambda _: "whatever")
        environment(
            placement={"attachment_id": unknown, "network_id": unknown, "subnetwork_id": None},
            service_account=unknown,
            kms_key_id=unknown,
            bucket=unknown,
            **built({"software": {"airflow_config": {"core.parallelism": unknown}, "env_variables": {"WHERE": unknown}}}),
        )

    assert preview(program).config()["nodeConfig"]["composerInternalIpv4CidrBlock"] == "10.71.0.0/20"


@pytest.mark.parametrize(
    ("text", "generation", "version", "airflow", "build"),
    [
        (IMAGE_3, 3, (), "2.10.5", "-build.12"),
        ("composer-3-airflow-3.1.7", 3, (), "3.1.7", ""),
        ("composer-2.16.7-airflow-2.10.5", 2, (2, 16, 7), "2.10.5", ""),
        ("composer-2.17.0-preview.1-airflow-2.10.5", 2, (2, 17, 0), "2.10.5", ""),
    ],
)
def test_an_image_is_taken_apart(text: str, generation: int, version: tuple[int, ...], airflow: str, build: str) -> None:
    image = parse_image(text)
    assert image is not None
    assert (image.generation, image.version, image.airflow, image.build) == (generation, version, airflow, build)


def test_what_may_change_by_itself_is_warned_about(preview: Any) -> None:
    engine = preview(
        lambda: environment(
            image_version="composer-3-airflow-2.10.5",
            **built({"software": {"pypi_packages": {"pandas": ""}, "secrets": {"secrets": ["warehouse"]}}}),
        )
    )
    texts = "\n".join(engine.warnings)
    assert "names no build" in texts
    assert "resolved at every build: pandas" in texts
    assert "only DAGs' own code reads warehouse" in texts
