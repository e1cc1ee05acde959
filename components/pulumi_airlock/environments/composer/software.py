"""What runs in an environment: packages, variables, Airflow's configuration, the secrets backend, lineage, web server plugins."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
import pulumi_gcp as gcp

from ...errors import Problems
from .airflow_options import Texts, check_options, check_packages, check_variables, overrides

BACKEND: Final = "airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend"
"""Airflow's provider package for Google, "Google Cloud Secret Manager Backend"."""

_SECRET = re.compile(r"[A-Za-z0-9_-]{1,255}")
_PREFIX = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsBackend:
    """Airflow's connections and variables in Secret Manager, where the environment's account reads the named secrets alone.

    A secret is called `<prefix><separator><connection or variable>`: `airflow-connections-warehouse`.
    """

    secrets: tuple[str, ...]
    """Names of the secrets that the environment may read; each gets a grant of its own."""
    project: str | None = None
    """The secrets' project; the environment's own unless given."""
    connections_prefix: str = "airflow-connections"
    variables_prefix: str = "airflow-variables"
    separator: str = "-"

    def options(self, project: str) -> dict[str, str]:
        """Airflow's configuration."""
        arguments = {
            "connections_prefix": self.connections_prefix,
            "variables_prefix": self.variables_prefix,
            "sep": self.separator,
            "project_id": self.project or project,
        }
        return {"secrets.backend": BACKEND, "secrets.backend_kwargs": json.dumps(arguments)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposerSoftware:
    """What is installed and configured."""

    pypi_packages: Texts = field(default_factory=dict)
    """Package → extras and version: `{"apache-airflow-providers-ssh": "==4.1.1"}`."""
    env_variables: Texts = field(default_factory=dict)
    airflow_config: Texts = field(default_factory=dict)
    """`section.option` → value."""
    secrets: SecretsBackend | None = None
    lineage: bool | None = None
    """Dataplex data lineage; None: as Google has it."""
    web_server_plugins: bool | None = None
    """Whether the web server loads plugins; Composer 3 alone, where None is off: a plugin's code runs in the UI that everybody
    uses."""


def check_software(software: ComposerSoftware, generation: int, problems: Problems) -> list[str]:
    """Notes what Composer refuses; returns warnings."""
    warnings = check_packages(software.pypi_packages, problems)
    check_variables(software.env_variables, problems)
    check_options(software.airflow_config, generation, problems)
    if software.secrets is not None:
        warnings += _check_secrets(software.secrets, software.airflow_config, problems)
    return warnings


def _check_secrets(backend: SecretsBackend, options: Texts, problems: Problems) -> list[str]:
    path = "software.secrets"
    if not backend.secrets:
        problems.add(f"{path}.secrets", "none: name the secrets that the environment may read, or leave the backend out")
    for position, name in enumerate(backend.secrets):
        if not _SECRET.fullmatch(name):
            fix = "write the secret's own name, without its project: letters, digits, - and _"
            problems.add(f"{path}.secrets[{position}]", f"{name!r}: {fix}")
    for what in ("connections_prefix", "variables_prefix"):
        if not _PREFIX.fullmatch(getattr(backend, what)):
            problems.add(f"{path}.{what}", f"{getattr(backend, what)!r}: write letters, digits, - and _")
    if not re.fullmatch(r"[-_]+", backend.separator):
        problems.add(f"{path}.separator", f"{backend.separator!r}: write - or _, as names of secrets take nothing else")
    for option in ("secrets.backend", "secrets.backend_kwargs"):
        if option in options:
            problems.add(f'software.airflow_config["{option}"]', f"{path} sets it already; leave one of them out")
    starts = tuple(f"{prefix}{backend.separator}" for prefix in (backend.connections_prefix, backend.variables_prefix))
    other = [name for name in backend.secrets if not name.startswith(starts)]
    return [f"Airflow looks for {starts[0]}… and {starts[1]}…: only DAGs' own code reads {', '.join(other)}"] if other else []


def software_config(software: ComposerSoftware, image: str, generation: int, project: str) -> Any:
    """The block of the provider."""
    options = {**software.airflow_config, **(software.secrets.options(project) if software.secrets else {})}
    lineage = None
    if software.lineage is not None:
        lineage = gcp.composer.EnvironmentConfigSoftwareConfigCloudDataLineageIntegrationArgs(enabled=software.lineage)
    return gcp.composer.EnvironmentConfigSoftwareConfigArgs(
        image_version=image,
        pypi_packages=dict(software.pypi_packages) or None,
        env_variables=dict(software.env_variables) or None,
        airflow_config_overrides=overrides(options) or None,
        cloud_data_lineage_integration=lineage,
        web_server_plugins_mode=("ENABLED" if software.web_server_plugins else "DISABLED") if generation == 3 else None,
    )


UserData = Mapping[str, Mapping[str, pulumi.Input[str]]]
"""Name of a Kubernetes Secret or ConfigMap → its entries, as plain text."""
