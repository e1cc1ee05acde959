"""What Composer refuses of Airflow's configuration, of environment variables and of packages: tables, and their checks."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

import pulumi

from ...errors import Problems

BLOCKED_SECTIONS: Final = frozenset({"cli"})
"""Sections of which nothing can be set ("Airflow configuration options", blocked options)."""

_CLUSTER: Final = "the cluster is Composer's"

BLOCKED: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "api_auth.jwt_algorithm",
            "api_auth.jwt_audience",
            "api_auth.jwt_issuer",
            "api_auth.jwt_kid",
            "api_auth.jwt_private_key_path",
            "api_auth.jwt_secret",
            "api_auth.trusted_jwks_url",
        ),
        "Composer signs the tokens of Airflow's own API itself",
    ),
    **dict.fromkeys(
        (
            "celery.broker_url",
            "celery.celery_app_name",
            "celery.default_queue",
            "celery.pool",
            "celery.result_backend",
            "celery.worker_log_server_port",
            "operators.default_queue",
        ),
        "the queue is Composer's",
    ),
    **dict.fromkeys(
        (
            "core.sql_alchemy_conn",
            "core.sql_alchemy_pool_recycle",
            "core.sql_alchemy_pool_size",
            "database.alembic_ini_file_path",
            "database.sql_alchemy_conn",
            "database.sql_alchemy_pool_recycle",
            "database.sql_alchemy_pool_size",
        ),
        "the metadata database is Composer's",
    ),
    **dict.fromkeys(
        (
            "core.base_log_folder",
            "core.encrypt_s3_logs",
            "core.log_format",
            "core.logging_config_class",
            "core.remote_base_log_folder",
            "core.remote_log_conn_id",
            "core.remote_logging",
            "core.task_log_reader",
            "scheduler.child_process_log_directory",
        ),
        "Composer ships logs to Cloud Logging itself",
    ),
    **dict.fromkeys(
        ("core.dags_folder", "core.plugins_folder", "core.load_examples"),
        "code is in the environment's bucket, where Composer looks",
    ),
    **dict.fromkeys(
        ("core.security", "core.store_dag_code", "core.store_serialized_dags", "core.wait_dag_not_found_timeout"),
        "Composer sets it itself",
    ),
    **dict.fromkeys(("kubernetes.namespace", "kubernetes.pod_template_file"), _CLUSTER),
    "core.fernet_key": "Composer makes the key itself",
    "smtp.smtp_password": "give smtp.smtp_password_cmd, or smtp.smtp_password_secret with a secrets backend",
}
"""Option → why it is Composer's ("Airflow configuration options", "Blocked configuration options", 2.7.3 to 3.1.7).

The page has more of them, version by version; these are the ones of which we are sure. Google refuses the others too.
"""

BLOCKED_IN: Final[Mapping[int, Mapping[str, str]]] = {
    2: {},
    3: dict.fromkeys(
        (
            "kubernetes.api_client_retry_configuration",
            "kubernetes.cluster_context",
            "kubernetes.config_file",
            "kubernetes.delete_option_kwargs",
            "kubernetes.delete_worker_pods",
        ),
        _CLUSTER,
    ),
}
"""Generation → options that it alone blocks ("available only in Cloud Composer 3" on the same page)."""

LIMITED: Final[Mapping[str, tuple[float | None, float | None]]] = {
    "core.min_file_process_interval": (30, None),
    "core.dag_file_processor_timeout": (None, 600),
    "core.dagbag_import_timeout": (None, 600),
    "celery.worker_concurrency": (1, 24),
    "kubernetes_executor.worker_pods_queued_check_interval": (30, 60),
    "scheduler.scheduler_heartbeat_sec": (15, None),
    "triggerer.triggerer_health_check_threshold": (30, None),
    "triggerer.job_heartbeat_sec": (30, None),
}
"""Option → the least and the most that Composer 3 takes (the same page, "Limited configuration options")."""

RESERVED_VARIABLES: Final = frozenset(
    {
        *("AIRFLOW_HOME", "C_FORCE_ROOT", "CONTAINER_NAME", "DAGS_FOLDER", "GCP_PROJECT", "GCS_BUCKET", "GKE_CLUSTER_NAME"),
        *("SQL_DATABASE", "SQL_INSTANCE", "SQL_PASSWORD", "SQL_PROJECT", "SQL_REGION", "SQL_USER"),
    }
)
"""Environment variables that are Composer's own (the provider's `composerEnvironmentReservedEnvVar`)."""

_OPTION = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_AIRFLOW_VARIABLE = re.compile(r"AIRFLOW__[A-Z0-9_]+__[A-Z0-9_]+")
_PACKAGE = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
_SPECIFIER = re.compile(r"(\[[a-z0-9_,. -]+\])?\s*((===?|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+\s*(,\s*|$))*")
_SECRET = re.compile(r"(passw(or)?d|passwd|secret_key|private_key|access_key|api_?key|fernet_key|jwt_secret|token|dsn)$", re.I)
_CREDENTIALS_IN_URL = re.compile(r"[a-z][a-z0-9+.\-]*://[^/\s:@]*:[^/\s@]+@")

Texts = Mapping[str, pulumi.Input[str]]


def check_options(options: Texts, generation: int, problems: Problems, path: str = "software.airflow_config") -> None:
    """Notes options that are none, that Composer blocks or limits, or that hold a secret in plain.

    Overrides are shown to anyone who may get the environment (`composer.environments.get`).
    """
    blocked = {**BLOCKED, **BLOCKED_IN[generation]}
    for option, value in options.items():
        at = f'{path}["{option}"]'
        section = option.partition(".")[0]
        if not _OPTION.fullmatch(option):
            problems.add(at, f"{option!r} is no option name; write section.option{_hint(option)}")
        elif section in BLOCKED_SECTIONS:
            problems.add(at, f"Composer blocks the section [{section}] as a whole; remove it")
        elif option in blocked:
            problems.add(at, f"Composer blocks it: {blocked[option]}; remove it")
        elif _SECRET.search(option):
            problems.add(at, f"would be readable to whoever may get the environment; use a secrets backend, and {option}_secret")
        elif not isinstance(value, str | pulumi.Output):
            problems.add(at, f"{value!r} is a {type(value).__name__}; write a string")
        elif isinstance(value, str) and _CREDENTIALS_IN_URL.search(value):
            problems.add(at, "holds a URL with a password, readable to whoever may get the environment; use a secrets backend")
        elif isinstance(value, str) and generation == 3:
            _check_limit(option, value, at, problems)
    _check_pairs(options, generation, problems, path)


def _check_limit(option: str, value: str, at: str, problems: Problems) -> None:
    least, most = LIMITED.get(option, (None, None))
    if least is None and most is None:
        return
    number = _number(value)
    if number is None:
        problems.add(at, f"{value!r} is no number")
    elif (least is not None and number < least) or (most is not None and number > most):
        bounds = " and ".join(
            f"{word} {bound:g}" for word, bound in (("at least", least), ("at most", most)) if bound is not None
        )
        problems.add(at, f"{value}: Composer 3 takes {bounds}")


def _check_pairs(options: Texts, generation: int, problems: Problems, path: str) -> None:
    """Options of which one bounds the other, where both are given (the same page)."""
    if generation != 3:
        return
    for low, factor, high in (
        ("core.dag_file_processor_timeout", 1.0, "core.dagbag_import_timeout"),
        ("scheduler.scheduler_heartbeat_sec", 2.0, "scheduler.scheduler_health_check_threshold"),
        ("triggerer.job_heartbeat_sec", 2.0, "triggerer.triggerer_health_check_threshold"),
    ):
        lower, upper = _number(options.get(low)), _number(options.get(high))
        if lower is not None and upper is not None and upper < factor * lower:
            times = f"{factor:g} × " if factor != 1 else ""
            problems.add(f'{path}["{high}"]', f"{upper:g} is less than {times}{low}, {lower:g}: Composer 3 refuses it")


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _hint(option: str) -> str:
    name = option.lower()
    if name.startswith("airflow__"):
        name = name.removeprefix("airflow__").replace("__", ".", 1)
    elif "." not in name:
        name = name.replace("-", ".", 1)  # as Google writes it
    if _OPTION.fullmatch(name):
        return f"; did you mean {name}?"
    near = get_close_matches(name, BLOCKED, n=1)
    return f" ({near[0]} is one)" if near else ""


def overrides(options: Texts) -> dict[str, pulumi.Input[str]]:
    """As Google writes them: section and option with a hyphen between them."""
    return {option.replace(".", "-", 1): value for option, value in options.items()}


def check_variables(variables: Texts, problems: Problems, path: str = "software.env_variables") -> None:
    """Notes variables that Composer keeps for itself, that are Airflow's configuration, or that hold a secret in plain."""
    for name, value in variables.items():
        at = f'{path}["{name}"]'
        if not _VARIABLE.fullmatch(name):
            problems.add(at, f"{name!r} is no name of a variable; write letters, digits and _")
        elif name in RESERVED_VARIABLES:
            problems.add(at, "is Composer's own; take another name")
        elif _AIRFLOW_VARIABLE.fullmatch(name):
            option = name.removeprefix("AIRFLOW__").lower().replace("__", ".", 1)
            problems.add(at, f'Composer refuses it; write software.airflow_config["{option}"]')
        elif _SECRET.search(name) or (isinstance(value, str) and _CREDENTIALS_IN_URL.search(value)):
            problems.add(at, "would be readable to whoever may get the environment; keep it in Secret Manager")
        elif not isinstance(value, str | pulumi.Output):
            problems.add(at, f"{value!r} is a {type(value).__name__}; write a string")


def check_packages(packages: Texts, problems: Problems, path: str = "software.pypi_packages") -> list[str]:
    """Notes packages that Composer refuses; returns warnings for those without a version."""
    loose = []
    for name, specifier in packages.items():
        at = f'{path}["{name}"]'
        if name != name.lower():
            problems.add(at, f"Composer takes lower case alone; write {name.lower()}")
        elif not _PACKAGE.fullmatch(name):
            problems.add(at, f"{name!r} is no package name; extras and version are the value: {{'apache-beam': '[gcp]==2.60.0'}}")
        elif name == "apache-airflow":
            problems.add(at, "Airflow's version is image_version's; remove it")
        elif isinstance(specifier, str):
            if not _SPECIFIER.fullmatch(specifier):
                problems.add(at, f"{specifier!r} is no version specifier; write ==1.12.0, or [extra]>=1.8,<2")
            elif "==" not in specifier:
                loose.append(name)
    return [f"packages without a fixed version are resolved at every build: {', '.join(loose)}"] if loose else []
