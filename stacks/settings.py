"""What differs between the stacks, read from `Pulumi.<stack>.yaml` and checked whole: every mistake is told at once."""

import json
from pathlib import Path
from typing import Any

import pulumi
from pulumi_airlock.errors import InputError, Problem
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

HERE = Path(__file__).parent


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Environment(_Settings):
    """One desk's Airflow: its two private subnets and its size."""

    subnets: tuple[str, str]
    environment_class: str
    max_workers: int
    min_workers: int = 1


class Network(_Settings):
    """The VPC that all environments share."""

    cidr: str
    availability_zones: tuple[str, str]
    endpoint_cidrs: tuple[str, str]


class Vpn(_Settings):
    """The tunnels between the VPC and the FortiGate."""

    fortigate_address: str
    fortigate_asn: int
    amazon_asn: int = 64512
    inside_cidrs: tuple[str, str]


class Fortigate(_Settings):
    """The FortiGate at the edge of the bank's network."""

    hostname: str
    timezone: str
    wan_interface: str
    people_interface: str
    interfaces: dict[str, str]
    """Zone of the access file → the interface that leads to it."""


class Settings(_Settings):
    """A stack's settings."""

    access: str
    owner: str
    airflow_version: str
    log_retention_days: int
    log_key_arn: str
    """The KMS key of the bank's log archive; its policy lets CloudWatch Logs use it."""
    flow_log_bucket_arn: str
    """The log archive's bucket for VPC flow logs."""
    protect_data: bool
    """Whether an update may delete the environments' keys and buckets."""
    network: Network
    environments: dict[str, Environment]
    vpn: Vpn
    fortigate: Fortigate

    @property
    def access_file(self) -> Path:
        """The stack's access file."""
        return HERE / self.access


def load_settings() -> Settings:
    """The settings of the stack that is running. InputError with every problem, each by its config key."""
    config = pulumi.Config("airlock")
    given: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        key = field.alias or name
        value = config.get(key)
        if value is not None:
            given[key] = _parsed(value)
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        place = f"Pulumi.{pulumi.get_stack()}.yaml"
        raise InputError(
            Problem(place, "airlock:" + ".".join(map(str, one["loc"])), _told(one["type"], one["msg"], one["input"]))
            for one in error.errors()
        ) from None


def _told(kind: str, message: str, value: Any) -> str:
    return "is missing" if kind == "missing" else f"{message} (found {value!r})"


def _parsed(value: str) -> Any:
    """A structured value reaches the program as JSON, a plain one as text."""
    return json.loads(value) if value[:1] in ("{", "[") else value
