"""Policies on Amazon MWAA environments."""

import re

from pulumi_policy import Severity

from .controls import Soc2
from .reading import UNKNOWN, Subject
from .registry import Findings, resource_policy, setting, undecided, wrong

ENVIRONMENT = "aws:mwaa/environment:Environment"
STREAMS = ("dagProcessingLogs", "schedulerLogs", "taskLogs", "webserverLogs", "workerLogs")
_LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")
_SECRET_NAME = re.compile(r"passw|secret|token|api_?key|private_?key|fernet|sql_alchemy_conn|broker_url|result_backend", re.I)
_NOT_A_SECRET = re.compile(r"(_cmd|_secret|_path|_file|_ttl|_timeout|_expiry|_algorithm|_kwargs)$", re.I)
_SECRET_VALUE = re.compile(r"AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|\w+://[^/\s:@]+:[^/\s:@]+@|\bgh[pousr]_\w{20,}")


@resource_policy(
    "mwaa-private-web-server",
    types=(ENVIRONMENT,),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Set `webserverAccessMode` to PRIVATE_ONLY, and reach the UI through the VPN or a gateway.",
    url="https://docs.aws.amazon.com/mwaa/latest/userguide/configuring-networking.html",
)
def private_web_server(it: Subject) -> Findings:
    """The Airflow UI and API are not on the internet."""
    # MWAA's own default is PRIVATE_ONLY, and leaving the property out keeps what the environment has.
    mode = it.get("webserverAccessMode", default="PRIVATE_ONLY")
    if mode is UNKNOWN:
        yield undecided(it, "webserverAccessMode")
    elif mode != "PRIVATE_ONLY":
        yield wrong(it, "webserverAccessMode", f"is {mode}")


@resource_policy(
    "mwaa-customer-key",
    types=(ENVIRONMENT,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Set `kmsKey` to a key of yours. It cannot be changed later: the environment is replaced.",
    url="https://docs.aws.amazon.com/mwaa/latest/userguide/encryption-at-rest.html",
)
def customer_key(it: Subject) -> Findings:
    """An Airflow environment encrypts its data with a customer's key."""
    key = it.get("kmsKey", default="")
    if key is UNKNOWN:
        yield undecided(it, "kmsKey")
    elif not key:
        yield wrong(it, "kmsKey", "is not set: Airflow's metadata is under a key of AWS")


def _enable_streams(it: Subject, properties: dict[str, object]) -> None:
    given = properties.get("loggingConfiguration")
    streams = dict(given) if isinstance(given, dict) else {}
    for stream in STREAMS:
        level = it.get("loggingConfiguration", stream, "logLevel")
        kept = level if level in _LEVELS and _enough(level, it.config["level"]) else it.config["level"]
        streams[stream] = {"enabled": True, "logLevel": kept}
    properties["loggingConfiguration"] = streams


@resource_policy(
    "mwaa-log-streams",
    types=(ENVIRONMENT,),
    severity=Severity.HIGH,
    soc2=Soc2.CC7_2,
    fix="Enable all five streams in `loggingConfiguration`, with a level of INFO or DEBUG.",
    url="https://docs.aws.amazon.com/mwaa/latest/userguide/monitoring-airflow.html",
    settings={"level": setting("The least level: a stream may log more.", "INFO")},
    remedy=_enable_streams,
)
def log_streams(it: Subject) -> Findings:
    """All five log streams of an Airflow environment are on, and log at least INFO."""
    for stream in STREAMS:
        enabled = it.get("loggingConfiguration", stream, "enabled", default=False)
        level = it.get("loggingConfiguration", stream, "logLevel", default="INFO")
        path = f"loggingConfiguration.{stream}"
        if enabled is UNKNOWN:
            yield undecided(it, f"{path}.enabled")
        elif enabled is not True:
            yield wrong(it, f"{path}.enabled", "is off")
        elif level is UNKNOWN:
            yield undecided(it, f"{path}.logLevel")
        elif not _enough(level, it.config["level"]):
            yield wrong(it, f"{path}.logLevel", f"is {level}; at least {it.config['level']}")


def _enough(level: str, least: str) -> bool:
    return level in _LEVELS and _LEVELS.index(level) >= _LEVELS.index(least)


@resource_policy(
    "mwaa-no-plain-secret",
    types=(ENVIRONMENT,),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Put the value into AWS Secrets Manager, and let Airflow's secrets backend read it.",
    url="https://docs.aws.amazon.com/mwaa/latest/userguide/connections-secrets-manager.html",
)
def no_plain_secret(it: Subject) -> Findings:
    """No Airflow option holds a secret: options are readable by everyone who may describe the environment."""
    options = it.mapping("airflowConfigurationOptions")
    if options is UNKNOWN:
        yield undecided(it, "airflowConfigurationOptions")
        return
    for name, value in options.items():
        path = f"airflowConfigurationOptions[{name}]"
        key = name.rpartition(".")[2]  # without its section: that of the secrets backend is called `secrets`
        named = _SECRET_NAME.search(key) and not _NOT_A_SECRET.search(key)
        if value is UNKNOWN:
            yield undecided(it, path)
        elif named and str(value).strip():
            yield wrong(it, path, "is a secret by its name")
        elif _SECRET_VALUE.search(str(value)):
            yield wrong(it, path, "holds what looks like a credential")


_SAFE_OPTIONS = {
    "webserver.expose_config": ("true", "non-sensitive-only"),
    "api.expose_config": ("true", "non-sensitive-only"),
    "core.hide_sensitive_var_conn_fields": ("false",),
    "core.sensitive_var_conn_names": (),
    "webserver.rbac": ("false",),
    "api.auth_backends": ("airflow.api.auth.backend.default",),
    "core.test_connection": ("enabled", "hidden"),
}
"""Airflow options, and the values that give away more than tasks need (Airflow configuration reference, 2.11 and 3.0)."""


@resource_policy(
    "mwaa-safe-airflow-options",
    types=(ENVIRONMENT,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Take the option out: Airflow's default is the safe one.",
    url="https://airflow.apache.org/docs/apache-airflow/stable/configurations-ref.html",
)
def safe_airflow_options(it: Subject) -> Findings:
    """No Airflow option shows the configuration, unmasks secrets, or switches authentication off."""
    for name, unsafe in _SAFE_OPTIONS.items():
        value = it.get("airflowConfigurationOptions", name)
        if value is UNKNOWN:
            yield undecided(it, f"airflowConfigurationOptions[{name}]")
        elif value is not None and str(value).strip().lower() in unsafe:
            yield wrong(it, f"airflowConfigurationOptions[{name}]", f"is {value}")


@resource_policy(
    "mwaa-pinned-code",
    types=(ENVIRONMENT,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC8_1,
    fix="Set the object version beside the path (`requirementsS3ObjectVersion`, …): the bucket object's `versionId`.",
    url="https://docs.aws.amazon.com/mwaa/latest/userguide/working-dags-dependencies.html",
)
def pinned_code(it: Subject) -> Findings:
    """Requirements, plugins and the start-up script are pinned to a version of their object: what was reviewed is what runs."""
    for kind in ("plugins", "requirements", "startupScript"):
        path, version = it.get(f"{kind}S3Path"), it.get(f"{kind}S3ObjectVersion")
        if path is None or (version and version is not UNKNOWN):
            continue
        if UNKNOWN in (path, version):
            yield undecided(it, f"{kind}S3ObjectVersion")
        else:
            yield wrong(it, f"{kind}S3ObjectVersion", f"is missing: whoever may write {path} changes what runs")
