"""What the chart and Kubernetes take: one dated table, each with its source."""

import re

CHECKED = "2026-11-26"
"""When these were last looked at."""

RENDERED_CHART = (1, 22, 0)
"""The release whose schema and templates the generated values were held against, rendered with both executors."""
OLDEST_CHART = (1, 21, 0)
"""Before 1.20 workers and the DAG processor, where code of DAGs runs, had the secret that signs the API's tokens (release notes,
#63204); from 1.21 on what is Celery's and what is Kubernetes' about workers are values of their own (#64730)."""
OLDEST_AIRFLOW = (3, 0, 0)
"""Before, tasks had the metadata database's password: no gate could tell them apart there."""
CHART = "airflow"
REPOSITORY = "https://airflow.apache.org"
DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""Names of namespaces (RFC 1123)."""
ACCOUNT_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
"""Names of service accounts (Kubernetes, "Object Names and IDs", DNS subdomain names)."""
LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
"""Values of labels (Kubernetes, "Labels and Selectors"): an account's name is one, on the pods of its tasks."""
RELEASE_LENGTH = 53
"""Characters of a release's name (Helm)."""
ROLE_ARN = re.compile(r"arn:aws(-[a-z]+)*:iam::\d{12}:role/[\w+=,.@/-]+")
GOOGLE_ACCOUNT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]@[a-z][a-z0-9.:-]{4,60}\.iam\.gserviceaccount\.com")


def version_of(text: str) -> tuple[int, ...] | None:
    """`1.22.0` as numbers; None when it is no version."""
    found = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", text)
    return tuple(int(part) for part in found.groups()) if found else None
