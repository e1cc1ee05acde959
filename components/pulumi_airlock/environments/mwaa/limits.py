"""What MWAA accepts, as data: one dated table per subject, each with its source. Nothing in here decides; `checks` does.

As of 2026-11. Tables grow stale, and a user must not be stopped by that: where AWS adds values (Airflow versions, environment
classes), one that looks newer than the table is warned about, not refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

AS_OF: Final = "2026-11"
"""When the tables were last compared with their sources."""


@dataclass(frozen=True, slots=True)
class ClassLimits:
    """What one environment class takes. Every range is inclusive."""

    workers: tuple[int, int]
    schedulers: tuple[int, int]
    webservers: tuple[int, int]
    tasks_per_worker: int
    """Default concurrency of one worker."""
    dags: int
    """DAGs that AWS sizes the class for: a capacity, not a limit that the API enforces."""


CLASSES: Final[Mapping[str, ClassLimits]] = {
    "mw1.micro": ClassLimits(workers=(1, 1), schedulers=(1, 1), webservers=(1, 1), tasks_per_worker=3, dags=25),
    "mw1.small": ClassLimits(workers=(1, 25), schedulers=(2, 5), webservers=(2, 5), tasks_per_worker=5, dags=50),
    "mw1.medium": ClassLimits(workers=(1, 25), schedulers=(2, 5), webservers=(2, 5), tasks_per_worker=10, dags=250),
    "mw1.large": ClassLimits(workers=(1, 25), schedulers=(2, 5), webservers=(2, 5), tasks_per_worker=20, dags=1000),
    "mw1.xlarge": ClassLimits(workers=(1, 25), schedulers=(2, 5), webservers=(2, 5), tasks_per_worker=40, dags=2000),
    "mw1.2xlarge": ClassLimits(workers=(1, 25), schedulers=(2, 5), webservers=(2, 5), tasks_per_worker=80, dags=4000),
}
"""Class × workers × schedulers × web servers, for Airflow 2 and 3.

Sources: MWAA User Guide, "Configuring the Amazon MWAA environment class" (capacities; mw1.micro has one scheduler-worker and does
not scale); MWAA API Reference, CreateEnvironment (`Schedulers`, `MinWebservers`, `MaxWebservers`: 2–5, mw1.micro 1);
"Amazon MWAA service quotas" (25 workers per environment, adjustable: `MwaaScale.worker_quota`).
"""

AIRFLOW_VERSIONS: Final[Mapping[str, str]] = {
    "2.7.2": "3.11",
    "2.8.1": "3.11",
    "2.9.2": "3.11",
    "2.10.1": "3.11",
    "2.10.3": "3.11",
    "2.11.0": "3.12",
    "2.11.2": "3.12",
    "3.0.6": "3.12",
    "3.2.1": "3.12",
    "3.3.1": "3.12",
}
"""Airflow version → the Python that MWAA runs it on.

Sources: MWAA API Reference, CreateEnvironment, `AirflowVersion`; the images that AWS publishes in aws/amazon-mwaa-docker-images
(`images/airflow/*`, `PYTHON_VERSION`).
"""

CONSTRAINTS_SINCE: Final = (2, 7, 2)
"""From this version on a requirements file must have a `--constraint` statement, or MWAA adds one of its own (MWAA User Guide,
"Installing Python dependencies")."""

INTERFACE_SERVICES: Final = (
    "airflow.api",
    "airflow.env",
    "airflow.ops",
    "ecr.api",
    "ecr.dkr",
    "kms",
    "logs",
    "monitoring",
    "sqs",
)
"""AWS services that MWAA reaches through interface endpoints, for lack of internet access; S3 comes as a gateway endpoint.

Source: MWAA User Guide, "Creating the required VPC service endpoints in an Amazon VPC with private routing".
"""

SERVICES_ELSEWHERE: Final[Mapping[str, frozenset[str]]] = {
    "aws": frozenset(INTERFACE_SERVICES),
    "aws-cn": frozenset(INTERFACE_SERVICES) - {"airflow.ops"},
    "aws-us-gov": frozenset(INTERFACE_SERVICES) - {"airflow.ops"},
}
"""Partition → the services above that exist there (AWS's own verifier asks for `airflow.ops` in the partition `aws` alone)."""

RETENTION_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)  # fmt: skip
"""What CloudWatch Logs takes for `retentionInDays` (CloudWatch Logs API Reference, PutRetentionPolicy)."""

LOG_LEVELS: Final = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")
"""MWAA API Reference, ModuleLoggingConfigurationInput, `LogLevel`."""

ENVIRONMENT_NAME: Final = re.compile(r"[a-zA-Z][0-9a-zA-Z\-_]{0,79}")
"""MWAA API Reference, CreateEnvironment, `Name`."""

MAINTENANCE_START: Final = re.compile(r"(MON|TUE|WED|THU|FRI|SAT|SUN):([01]\d|2[0-3]):(00|30)")
"""MWAA API Reference, CreateEnvironment, `WeeklyMaintenanceWindowStart`: UTC, in half hours."""

BUCKET_NAME: Final = re.compile(
    r"(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9][a-z0-9\-]{1,61}[a-z0-9](?<!-s3alias)(?<!--ol-s3)(?<!--x-s3)"
)
"""S3 User Guide, "General purpose bucket naming rules", without dots (they break TLS on virtual-hosted names)."""

BUCKET_ARN: Final = re.compile(r"arn:aws(-[a-z]+)*:s3:::[a-z0-9.\-]+")
"""MWAA API Reference, CreateEnvironment, `SourceBucketArn`."""

KEY_ARN: Final = re.compile(r"arn:aws(-[a-z]+)*:kms:[a-z0-9\-]+:\d{12}:key/[A-Za-z0-9\-]+")
"""An alias is refused: MWAA stores the key's ARN, and an alias that moves leaves the environment without its data."""

ROLE_ARN: Final = re.compile(r"arn:aws(-[a-z]+)*:iam::\d{12}:role/[\x21-\x7e]+")
"""MWAA API Reference, CreateEnvironment, `ExecutionRoleArn`."""

MAX_SECURITY_GROUPS: Final = 5
"""MWAA API Reference, NetworkConfiguration, `SecurityGroupIds`."""

MAX_TAGS: Final = 50
"""AWS General Reference, "Tagging AWS resources": tags per resource; keys to 128 characters, values to 256, none with `aws:`."""

MANAGED_OPTIONS: Final[Mapping[str, str]] = {
    "api.secret_key": "MWAA makes the key itself",
    "api_auth.jwt_algorithm": "MWAA signs its own tokens",
    "api_auth.jwt_secret": "MWAA signs its own tokens",
    "celery.broker_url": "the queue is MWAA's",
    "celery.celery_config_options": "the queue is MWAA's",
    "celery.result_backend": "the metadata database is MWAA's",
    "celery.worker_concurrency": "MWAA overrides it; set celery.worker_autoscale",
    "celery.worker_enable_remote_control": "the queue does not carry it",
    "core.auth_manager": "MWAA signs people in through IAM",
    "core.execution_api_server_url": "the server is MWAA's",
    "core.executor": "MWAA runs the Celery executor",
    "core.fernet_key": "MWAA makes the key itself",
    "core.load_examples": "MWAA turns examples off",
    "core.multi_team": "MWAA does not support it",
    "core.sql_alchemy_conn": "the metadata database is MWAA's",
    "database.sql_alchemy_conn": "the metadata database is MWAA's",
    "execution_api.jwt_expiration_time": "MWAA signs its own tokens",
    "fab.config_file": "MWAA signs people in through IAM",
    "logging.colored_console_log": "MWAA ships logs to CloudWatch itself",
    "logging.logging_config_class": "MWAA ships logs to CloudWatch itself",
    "metrics.statsd_host": "MWAA ships metrics to CloudWatch itself",
    "metrics.statsd_port": "MWAA ships metrics to CloudWatch itself",
    "metrics.statsd_prefix": "MWAA ships metrics to CloudWatch itself",
    "operators.default_queue": "the queue is MWAA's",
    "scheduler.standalone_dag_processor": "MWAA runs the processor itself",
    "triggerer.queues_enabled": "MWAA runs one triggerer",
    "webserver.config_file": "MWAA signs people in through IAM",
    "webserver.cookie_secure": "MWAA serves TLS alone",
    "webserver.secret_key": "MWAA makes the key itself",
}
"""Options that MWAA sets after the user's, so that setting them does nothing: accepted and ignored.

Source: aws/amazon-mwaa-docker-images, `mwaa/config/airflow.py`, the "essential" configuration of every version.
"""


def partition(region: str) -> str:
    """The ARN partition of a region: `aws`, `aws-cn` or `aws-us-gov`."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def endpoint_service(region: str, service: str) -> str:
    """The name of an AWS service's VPC endpoint service (`com.amazonaws.eu-west-1.sqs`).

    In China most have the prefix `cn.com.amazonaws`; S3, KMS and CloudWatch Logs keep the common one.
    """
    prefix = "cn.com" if region.startswith("cn-") and service not in ("s3", "kms", "logs") else "com"
    return f"{prefix}.amazonaws.{region}.{service}"
