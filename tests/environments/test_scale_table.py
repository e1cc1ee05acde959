"""The tables of what AWS accepts: a scale is refused exactly when its table refuses it; names fit the partition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.environments.mwaa.encryption import key_policy
from pulumi_airlock.environments.mwaa.limits import AIRFLOW_VERSIONS, CLASSES, RETENTION_DAYS, endpoint_service, partition
from pulumi_airlock.environments.mwaa.role import trust_policy
from pulumi_airlock.environments.mwaa.scale import MwaaScale, check_scale
from pulumi_airlock.errors import InputError, Problems

counts = st.one_of(st.none(), st.integers(-1, 60))
scales = st.builds(
    MwaaScale,
    environment_class=st.sampled_from(sorted(CLASSES)),
    min_workers=counts,
    max_workers=counts,
    schedulers=counts,
    min_webservers=counts,
    max_webservers=counts,
    worker_quota=st.integers(1, 50),
)


def refused(scale: MwaaScale) -> set[str]:
    problems = Problems("finance")
    check_scale(scale, problems)
    try:
        problems.raise_any()
    except InputError as error:
        return {problem.path for problem in error.problems}
    return set()


@given(scales)
def test_a_scale_is_refused_exactly_when_a_number_is_out_of_range(scale: MwaaScale) -> None:
    """The oracle, in AWS's words: mw1.micro has one of each; others 1–quota workers, 2–5 schedulers, 2–5 web servers."""
    micro = scale.environment_class == "mw1.micro"
    most_workers = 1 if micro else scale.worker_quota
    low, high = (1, 1) if micro else (2, 5)
    fine = (
        1 <= scale.workers[0] <= scale.workers[1] <= most_workers
        and low <= scale.scheduler_count <= high
        and low <= scale.webservers[0] <= scale.webservers[1] <= high
    )
    assert (not refused(scale)) == fine


@given(scales)
def test_each_refusal_names_an_argument_that_exists(scale: MwaaScale) -> None:
    assert {path.removeprefix("scale.") for path in refused(scale)} <= set(MwaaScale.__slots__)


@given(st.sampled_from(sorted(CLASSES)))
def test_the_smallest_of_every_class_is_taken(environment_class: str) -> None:
    scale = MwaaScale(environment_class=environment_class)
    assert not refused(scale)
    assert scale.workers == (1, 1)
    assert scale.addresses == 1 + scale.scheduler_count + 4


@given(st.integers(26, 50))
def test_a_raised_quota_allows_more_workers(workers: int) -> None:
    assert refused(MwaaScale(environment_class="mw1.large", max_workers=workers)) == {"scale.max_workers"}
    assert not refused(MwaaScale(environment_class="mw1.large", max_workers=workers, worker_quota=workers))


def test_the_tables_are_in_order() -> None:
    assert list(RETENTION_DAYS) == sorted(set(RETENTION_DAYS))
    versions = [tuple(map(int, version.split("."))) for version in AIRFLOW_VERSIONS]
    assert versions == sorted(set(versions))
    capacities = [(limits.tasks_per_worker, limits.dags) for limits in CLASSES.values()]
    assert capacities == sorted(capacities)


@pytest.mark.parametrize(
    ("region", "service", "expected"),
    [
        ("eu-west-1", "sqs", "com.amazonaws.eu-west-1.sqs"),
        ("cn-north-1", "sqs", "cn.com.amazonaws.cn-north-1.sqs"),
        ("cn-north-1", "s3", "com.amazonaws.cn-north-1.s3"),
        ("us-gov-west-1", "kms", "com.amazonaws.us-gov-west-1.kms"),
    ],
)
def test_endpoint_services_are_named_as_in_their_partition(region: str, service: str, expected: str) -> None:
    assert endpoint_service(region, service) == expected


def test_arns_are_of_the_regions_partition() -> None:
    assert partition("us-gov-west-1") == "aws-us-gov"
    trust = trust_policy("111122223333", "cn-north-1", "finance")["Statement"][0]["Condition"]["ArnLike"]["aws:SourceArn"]
    assert trust == "arn:aws-cn:airflow:cn-north-1:111122223333:environment/finance"
    logs = key_policy("111122223333", "cn-north-1", "finance")["Statement"][1]["Principal"]
    assert logs == {"Service": "logs.cn-north-1.amazonaws.com.cn"}
