"""The provider's options: section `[airlock]` of Airflow's configuration, each also as `AIRFLOW__AIRLOCK__<OPTION>`.

They say where things are. What is allowed stands in the manifest alone.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True)
class Option:
    """One option, as Airflow's configuration reference shows it."""

    description: str
    example: str
    default: str = ""


OPTIONS = {
    "manifest": Option(
        "The manifest's file. Without it: `airlock/manifest.json` in AIRFLOW_HOME.", "/opt/airflow/airlock/manifest.json"
    ),
    "digest": Option("The SHA-256 that the manifest must have; another is not used. Without it: any.", "9f86d081884c7d65…"),
    "pass_on": Option(
        "Ids (globs, with commas) of connections outside the manifest that Airflow's other backends may answer. None without it, "
        "but the one that Airflow's own remote logging uses.",
        "smtp_default, slack_*",
    ),
    "next_backend": Option(
        "The secrets backend that answers variables, options, and what `pass_on` names: its class.",
        "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend",
    ),
    "next_backend_kwargs": Option("Its arguments as JSON.", '{"variables_prefix": "airflow/variables"}'),
    "client_certificate": Option(
        "The certificate that the proxy is shown (PEM); or a secret with `certificate` and `key`, `aws-secret:` or `gcp-secret:` "
        "before its ARN or name. `{principal}` in it, and in the key's, stands for the task's principal.",
        "/opt/airflow/airlock/tls/tls.crt",
    ),
    "client_key": Option("Its private key (PEM).", "/opt/airflow/airlock/tls/tls.key"),
    "proxy_ca": Option(
        "Who signs the proxy's certificate (PEM). Without it: the system's authorities.", "/opt/airflow/airlock/ca.crt"
    ),
    "policy_source": Option(
        "Where condition `policy-current` reads the digest in force: `proxy`, an https URL, or a file.", "proxy", "proxy"
    ),
    "aws_role": Option(
        "The role that is assumed, with the task's ids as session tags, for credentials of AWS. Without it: the worker's own.",
        "arn:aws:iam::123456789012:role/airflow-tasks",
    ),
    "vault_address": Option("Vault's address.", "https://vault.corp.example:8200"),
    "vault_auth": Option("Where Vault's JWT auth method is mounted; a task signs in as the role of its principal.", "jwt", "jwt"),
    "vault_namespace": Option("Vault's namespace (Enterprise).", "airflow"),
    "vault_ca": Option(
        "Who signs Vault's certificate (PEM). Without it: the system's authorities.", "/opt/airflow/airlock/vault.crt"
    ),
    "service_accounts": Option(
        "`true`: task pods of the Kubernetes executor get the service account of their principal. Not where Airlock's Helm "
        "component has made the environment: its own cluster policy does it, and more.",
        "true",
        "false",
    ),
    "audit_sinks": Option(
        "Where audit events go, as JSON: a list of sinks. Without it: standard output, which is the task's log.",
        '[{"kind": "file", "path": "/var/log/airlock.jsonl"}]',
    ),
}


@dataclass(frozen=True)
class Settings:
    """The options, read."""

    manifest: Path
    digest: str
    pass_on: tuple[str, ...]
    next_backend: str
    next_backend_kwargs: str
    client_certificate: str
    client_key: str
    proxy_ca: str
    policy_source: str
    aws_role: str
    vault_address: str
    vault_auth: str
    vault_namespace: str
    vault_ca: str
    service_accounts: bool
    audit_sinks: str
    in_use: bool
    """Whether anything says that this Airflow is to be Airlock's: installing the package alone changes nothing."""
    backend: str
    """The secrets backend that tasks ask first: its class."""


@lru_cache(maxsize=1)
def current() -> Settings:
    """This process's options; read once."""
    text = {name: option(name) for name in OPTIONS}
    home = os.environ.get("AIRFLOW_HOME") or str(Path("~/airflow").expanduser())
    own = [one for one in re.split(r"[\s,]+", text["pass_on"]) if one]
    logging = _airflow("logging", "remote_log_conn_id")
    # Airflow 3 has a backend for workers, which goes before the other; Airflow 2 does not know the option.
    backend = _airflow("workers", "secrets_backend") or _airflow("secrets", "backend")
    return Settings(
        manifest=Path(text["manifest"] or f"{home}/airlock/manifest.json"),
        pass_on=(*own, *([logging] if logging else [])),
        service_accounts=text["service_accounts"].strip().lower() in ("true", "1", "yes", "on"),
        in_use=bool(text["manifest"]) or "airlock_provider" in backend,
        backend=backend,
        **{name: value.strip() for name, value in text.items() if name not in ("manifest", "pass_on", "service_accounts")},
    )


def option(name: str) -> str:
    """One option as text, its default where it is not set. KeyError for one that there is not."""
    default = OPTIONS[name].default
    return _airflow("airlock", name) or default


def _airflow(section: str, name: str) -> str:
    variable = os.environ.get(f"AIRFLOW__{section.upper()}__{name.upper()}")
    if variable is not None:
        return variable
    try:
        from airflow.configuration import conf
    except ImportError:
        return ""
    return conf.get(section, name, fallback="") or ""
