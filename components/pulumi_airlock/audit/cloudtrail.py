"""CloudTrail: who did what to the account, and who read secrets, used keys and touched DAGs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from ..errors import Problems
from .archive import Bucket, trail_name
from .delivery import Delivery, Site, direct_to_bucket
from .siem import Siem

MAX_DATA_BUCKETS = 250
"""CloudTrail User Guide, "Quotas in AWS CloudTrail": data resources in the selectors of a trail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudTrail:
    """A trail of this account, for all regions, with a digest of every file so that a changed one shows.

    Reading a secret (`GetSecretValue`) and using a key (`Decrypt`) are management events: none is left out. What happens to
    single objects is told for `data_bucket_arns` alone, such as the environments' DAG buckets: it costs by the event.
    """

    data_bucket_arns: Sequence[pulumi.Input[str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingTrail:
    """A trail that somebody else manages (the organisation's), and that is known to reach the SIEM."""

    arn: str


def check_trail(trail: CloudTrail | ExistingTrail, siem: Siem, problems: Problems) -> None:
    """Notes a trail that cannot be."""
    if isinstance(trail, ExistingTrail):
        parts = trail.arn.split(":")
        if len(parts) != 6 or parts[2] != "cloudtrail" or not parts[5].startswith("trail/"):
            problems.add("cloudtrail.arn", f"{trail.arn!r} is no trail's; write arn:aws:cloudtrail:region:account:trail/name")
        return
    if siem.cloud is None:
        problems.add(
            "cloudtrail", "has nowhere to go: give siem.cloud, or cloudtrail=None where the account's trail is elsewhere"
        )
    if len(trail.data_bucket_arns) > MAX_DATA_BUCKETS:
        problems.add("cloudtrail.data_bucket_arns", f"{len(trail.data_bucket_arns)}: a trail takes {MAX_DATA_BUCKETS}")


def make_trail(site: Site, siem: Siem, trail: CloudTrail, delivery: Delivery, bucket: Bucket) -> None:
    """The trail, to the bucket; and by a log group to the SIEM, where that is no bucket."""
    group_arguments: dict[str, Any] = {}
    if not direct_to_bucket(siem):
        group = site.log_group("trail", f"/airlock/{site.name}/cloudtrail")
        delivery.subscribe("trail", group.name)
        streams = group.arn.apply(lambda arn: f"{arn}:log-stream:*")
        write: dict[str, Any] = {"Write": (["logs:CreateLogStream", "logs:PutLogEvents"], [streams], {})}
        source = site.arn("cloudtrail", f"trail/{trail_name(site.name)}")
        role = site.role("trail-writer", "cloudtrail.amazonaws.com", source, write)
        group_arguments = {
            "cloud_watch_logs_group_arn": group.arn.apply(lambda arn: f"{arn}:*"),
            "cloud_watch_logs_role_arn": role.arn,
        }
    aws.cloudtrail.Trail(
        f"{site.name}-trail",
        name=trail_name(site.name),
        s3_bucket_name=bucket.name,
        s3_key_prefix=bucket.prefix.rstrip("/") or None,
        kms_key_id=bucket.key_arn,
        is_multi_region_trail=True,
        include_global_service_events=True,
        enable_log_file_validation=True,
        enable_logging=True,
        advanced_event_selectors=_selectors(trail),
        tags=site.tags,
        opts=site.after(*bucket.before),
        **group_arguments,
    )


def _selectors(trail: CloudTrail) -> list[dict[str, Any]]:
    """All management events, reading and writing, of all services; and object events of the buckets."""
    selectors: list[dict[str, Any]] = [
        {"name": "management", "field_selectors": [{"field": "eventCategory", "equals": ["Management"]}]}
    ]
    if trail.data_bucket_arns:
        objects = [pulumi.Output.from_input(arn).apply(lambda known: f"{known.rstrip('/')}/") for arn in trail.data_bucket_arns]
        selectors.append(
            {
                "name": "objects",
                "field_selectors": [
                    {"field": "eventCategory", "equals": ["Data"]},
                    {"field": "resources.type", "equals": ["AWS::S3::Object"]},
                    {"field": "resources.ARN", "starts_withs": objects},
                ],
            }
        )
    return selectors
