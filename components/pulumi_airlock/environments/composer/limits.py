"""What Cloud Composer accepts, as data: a dated table per subject, each with its source. Nothing in here decides; `checks` does.

As of 2026-11; Google calls the product "Managed Service for Apache Airflow" since 2026, Composer 2 its "Gen 2", Composer 3 its
"Gen 3". Pages are named by their title in Google's documentation (docs.cloud.google.com/composer/docs).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

AS_OF: Final = "2026-11"
"""When the tables were last compared with their sources."""

GENERATIONS: Final = (2, 3)


@dataclass(frozen=True, slots=True)
class Range:
    """What a number may be; both ends are allowed. `step` 0: any number between them."""

    least: float
    most: float
    step: float = 0
    halves_and_pairs: bool = False
    """Half a CPU, one, or a multiple of two."""

    def takes(self, value: float) -> bool:
        """Whether a value is one of the range."""
        if not self.least <= value <= self.most:
            return False
        if self.halves_and_pairs:
            return value in (0.5, 1) or value % 2 == 0
        return not self.step or abs(value / self.step - round(value / self.step)) < 1e-9

    def __str__(self) -> str:
        text = f"{self.least:g} to {self.most:g}" if self.least != self.most else f"exactly {self.least:g}"
        if self.halves_and_pairs:
            return f"{text} (half a CPU, one, or a multiple of 2)"
        return f"{text} in steps of {self.step:g}" if self.step and self.step != 1 else text


@dataclass(frozen=True, slots=True)
class WorkloadLimits:
    """What one component of Airflow takes; None for what it has no setting for."""

    count: Range | None
    cpu: Range
    memory_gb: Range
    memory_per_cpu: Range
    """GB of memory for each CPU."""
    storage_gb: Range | None
    resilient_count: int = 1
    """The fewest with high resilience."""


_PER_CPU_2, _PER_CPU_3 = Range(1, 6.5), Range(1, 8)
_STORAGE_2, _STORAGE_3 = Range(0.05, 10), Range(0, 100, 1)
_CPU_2, _CPU_3 = Range(0.5, 28, 0.25), Range(0.5, 32, halves_and_pairs=True)

WORKLOADS: Final[Mapping[int, Mapping[str, WorkloadLimits]]] = {
    2: {
        "scheduler": WorkloadLimits(Range(1, 10, 1), _CPU_2, Range(0.5, 80), _PER_CPU_2, _STORAGE_2, resilient_count=2),
        "triggerer": WorkloadLimits(Range(0, 10, 1), Range(0.5, 1, 0.25), Range(0.5, 80), _PER_CPU_2, None, resilient_count=2),
        "web_server": WorkloadLimits(None, _CPU_2, Range(1, 80), _PER_CPU_2, _STORAGE_2),
        "worker": WorkloadLimits(Range(1, 100, 1), _CPU_2, Range(0.5, 80), _PER_CPU_2, _STORAGE_2, resilient_count=2),
    },
    3: {
        "scheduler": WorkloadLimits(
            Range(1, 3, 1), Range(0.5, 1, 0.5), Range(1, 8, 0.25), _PER_CPU_3, _STORAGE_3, resilient_count=2
        ),
        "triggerer": WorkloadLimits(Range(0, 10, 1), Range(0.5, 1, 0.5), Range(1, 8, 0.25), _PER_CPU_3, None, resilient_count=2),
        "web_server": WorkloadLimits(None, Range(1, 4, halves_and_pairs=True), Range(2, 32, 0.25), _PER_CPU_3, _STORAGE_3),
        "worker": WorkloadLimits(Range(1, 100, 1), _CPU_3, Range(1, 256, 0.25), _PER_CPU_3, _STORAGE_3, resilient_count=2),
        "dag_processor": WorkloadLimits(Range(1, 3, 1), _CPU_3, Range(1, 256, 0.25), _PER_CPU_3, _STORAGE_3, resilient_count=2),
    },
}
"""Generation → component → what it takes.

Sources: "Scale environments" for Composer 3 and for Composer 2, table "Resource limits"; "Set up highly resilient environments"
for `resilient_count` (a triggerer may also be switched off, with 0).
"""

SIZES: Final[Mapping[str, str]] = {
    "small": "ENVIRONMENT_SIZE_SMALL",
    "medium": "ENVIRONMENT_SIZE_MEDIUM",
    "large": "ENVIRONMENT_SIZE_LARGE",
    "extra_large": "ENVIRONMENT_SIZE_EXTRA_LARGE",
}
"""Sizes of what Google runs around Airflow, its database above all ("Scale environments", "Environment presets")."""

SIZES_OF: Final[Mapping[int, tuple[str, ...]]] = {2: ("small", "medium", "large"), 3: ("small", "medium", "large", "extra_large")}
"""Generation → the sizes that it has."""

RESILIENCE: Final[Mapping[str, str]] = {"standard": "STANDARD_RESILIENCE", "high": "HIGH_RESILIENCE"}

ONLY_IN: Final[Mapping[str, tuple[int, str]]] = {
    "placement.attachment_id": (3, "give placement.network_id and placement.subnetwork_id"),
    "placement.google_attachment": (3, "leave it out: Composer 2's nodes are in the subnetwork themselves"),
    "placement.functions_by_network": (3, "leave it out: Composer 2's nodes call functions as your VPC routes them"),
    "placement.internal_cidr": (3, "give placement.pod_cidr and placement.service_cidr"),
    "placement.pod_cidr": (2, "leave it out: pods are in Google's project; placement.internal_cidr is their network"),
    "placement.pod_range": (2, "leave it out: pods are in Google's project"),
    "placement.service_cidr": (2, "leave it out: the cluster is in Google's project; placement.internal_cidr is its network"),
    "placement.service_range": (2, "leave it out: the cluster is in Google's project"),
    "placement.master_cidr": (2, "leave it out: the cluster is in Google's project"),
    "placement.sql_cidr": (2, "leave it out: the database is in Google's project"),
    "placement.google_network_cidr": (2, "leave it out: nothing is peered with your VPC"),
    "placement.connection_subnetwork_id": (2, "leave it out: the database is in Google's project"),
    "placement.connection_subnetwork_cidr": (2, "leave it out: the database is in Google's project"),
    "placement.master_authorized_networks": (2, "leave it out: nobody reaches the cluster"),
    "placement.public_endpoint": (2, "leave it out: nobody reaches the cluster"),
    "placement.ip_masq_agent": (2, "leave it out: tasks always have an address of the attachment's subnetwork in your VPC"),
    "placement.tags": (2, "name placement.subnetwork_cidr in firewall rules: your VPC sees no nodes"),
    "scale.dag_processor": (3, "size scale.scheduler: schedulers parse DAGs in Composer 2"),
    "software.web_server_plugins": (3, "leave it out: Composer 2 always loads plugins into the web server"),
    "private_builds": (3, "leave it out: Composer 2 builds in Cloud Build, which placement and a worker pool govern"),
    "retention.metadata_days": (3, "clean the database by Google's maintenance DAG (Clean up the Airflow database)"),
    "retention.task_logs": (2, "leave it out: Composer 3 keeps task logs in Cloud Logging and in the bucket"),
    "user_secrets": (3, "write a Kubernetes Secret into the environment's cluster"),
    "user_config_maps": (3, "write a Kubernetes ConfigMap into the environment's cluster"),
}
"""Input → the one generation that has it, and what to write in the other one.

Sources: terraform-provider-google, `resource_composer_environment.go`, `versionValidationCustomizeDiffFunc`, and "supported for"
in the descriptions of its schema; "Managed Airflow versioning overview", the comparison of generations.
"""

SINCE: Final[Mapping[str, tuple[int, int, int]]] = {
    "snapshots": (2, 0, 32),
    "retention.task_logs": (2, 0, 32),
    "software.lineage": (2, 1, 2),
    "scale.resilience": (2, 1, 15),
}
"""Input → the first Composer 2 that has it (descriptions in the provider's schema; "Configure scheduled snapshots")."""

END_OF_LIFE: Final = ((2, 1, 0), "2026-09-15")
"""Composer 1, and Composer 2 before this version, ended on this day ("Managed Airflow versioning overview")."""

IMAGE: Final = re.compile(
    r"composer-(?P<composer>3|2\.\d+\.\d+(?:-preview\.\d+)?)-airflow-(?P<airflow>\d+\.\d+\.\d+)(?P<build>-build\.\d+)?"
)
"""An image by its whole version: `composer-3-airflow-2.10.5-build.12`, `composer-2.16.7-airflow-2.10.5`.

Aliases (`composer-2-airflow-2`, `latest`) are valid for Google; here they are none, since what runs would depend on the day.
Source: the provider's `composerEnvironmentVersionRegexp`.
"""

AIRFLOW_MAJORS: Final[Mapping[int, tuple[int, ...]]] = {2: (2,), 3: (2, 3)}
"""Generation → Airflow's major versions ("Managed Airflow versioning overview")."""

NAME: Final = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
"""An environment's name, and a network's (the provider's `ValidateGCEName`)."""

PROJECT: Final = re.compile(r"[a-z][-a-z0-9]{4,28}[a-z0-9]")
"""A project's id ("Creating and managing projects")."""

REGION: Final = re.compile(r"[a-z]+-[a-z]+\d+")

KEY_ID: Final = re.compile(r"projects/[^/]+/locations/(?P<location>[^/]+)/keyRings/[^/]+/cryptoKeys/[^/]+")
"""A key's id, without a version ("Use customer-managed encryption keys": the key has to be in the environment's region)."""

ATTACHMENT_ID: Final = re.compile(r"projects/(?P<project>[^/]+)/regions/(?P<region>[^/]+)/networkAttachments/[^/]+")
"""A network attachment's id; it is in the environment's project and region ("Connect an environment to a VPC network")."""

SERVICE_ACCOUNT: Final = re.compile(r"[a-z][-a-z0-9]{4,28}[a-z0-9]@[a-z][-a-z0-9.:]+\.iam\.gserviceaccount\.com")
"""An account that somebody made ("Create service accounts"): a default one of Compute Engine or App Engine is none of these."""

LABEL_KEY: Final = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
LABEL_VALUE: Final = re.compile(r"([a-z]([-a-z0-9]{0,61}[a-z0-9])?)?")
MAX_LABELS: Final = 64
"""Labels of an environment (the description of `labels` in the provider's schema)."""

FUNCTIONS_BY_NETWORK: Final = "VIA_NETWORK_ATTACHMENT"
FUNCTIONS_DIRECT: Final = "DIRECT"
"""How Composer 3 reaches Cloud Run functions; direct unless told otherwise (the provider's `cloud_run_functions_routing`)."""

INTERNAL_PREFIX: Final = 20
"""`composer_internal_ipv4_cidr_block` is a /20 (the provider's `validateComposerInternalIpv4CidrBlock`)."""

ATTACHMENT_ADDRESSES: Final = 4
"""Addresses of the attachment's subnetwork that one environment takes: two, and two more during upgrades ("Connect an environment
to a VPC network")."""

RESERVED_ADDRESSES: Final = 4
"""Addresses that Google keeps of a subnetwork's range ("Subnets", "Unusable addresses in IPv4 subnet ranges")."""

MASTER_PREFIX: Final = 28
"""A private cluster's control plane takes a /28 ("Configure private IP networking")."""

MAX_MASTER_NETWORKS: Final = 50
"""Master authorized networks (description of `cidr_blocks` in the provider's schema)."""

WINDOW_HOURS: Final = 12
"""Hours of maintenance that a week needs ("Specify maintenance windows")."""

SLOT_HOURS: Final = 4
"""The shortest slot of a maintenance window (the same page)."""

METADATA_DAYS: Final = (30, 730)
"""For how long Airflow's database keeps runs (the provider's schema, `retention_days`)."""

TASK_LOGS: Final = ("CLOUD_LOGGING_ONLY", "CLOUD_LOGGING_AND_CLOUD_STORAGE")

NOBODY: Final = "192.0.2.0/32"
"""An address that nobody has (RFC 5737). The provider leaves an empty list out, and Google then lets everybody reach the UI."""

MAX_UI_CIDRS: Final = 20
"""Ranges of the web server's access control that this component takes; a longer list belongs in front of the UI."""

GOOGLE_APIS: Final[Mapping[str, str]] = {"restricted": "199.36.153.4/30", "private": "199.36.153.8/30"}
"""Virtual addresses of Google's APIs ("Configure Private Google Access"): `restricted` is for VPC Service Controls."""

FORBIDDEN_ROLES: Final[Mapping[str, str]] = {
    "roles/owner": "it may do everything in the project",
    "roles/editor": "it may change nearly everything in the project",
    "roles/viewer": "it may read nearly everything in the project",
    "roles/composer.admin": "a DAG could change every environment of the project",
    "roles/composer.environmentAndStorageObjectAdmin": "a DAG could change every environment and bucket of the project",
    "roles/cloudkms.admin": "a DAG could destroy the project's keys",
    "roles/iam.securityAdmin": "a DAG could grant itself everything",
    "roles/iam.serviceAccountAdmin": "a DAG could act as every account of the project",
    "roles/iam.serviceAccountKeyAdmin": "a DAG could act as every account of the project",
    "roles/iam.serviceAccountTokenCreator": "a DAG could act as every account of the project; grant it on one account",
    "roles/iam.serviceAccountUser": "a DAG could act as every account of the project; grant it on one account",
    "roles/resourcemanager.projectIamAdmin": "a DAG could grant itself everything",
    "roles/secretmanager.admin": "a DAG could read every secret of the project; name them in software.secrets",
    "roles/secretmanager.secretAccessor": "a DAG could read every secret of the project; name them in software.secrets",
    "roles/storage.admin": "a DAG could change every bucket of the project; grant it on one bucket",
    "roles/storage.objectAdmin": "a DAG could change every object of the project; grant it on one bucket",
}
"""Roles that the tasks' account must not have on a whole project, and why (IAM, "Basic and predefined roles reference")."""
