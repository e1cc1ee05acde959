"""Airlock's provider in an MWAA environment: its wheel, the manifest, Airflow's options, and what the tasks' role may ask of AWS.

The wheel lies among the plugins and is installed from there, so that no index is needed. The manifest lies among the DAGs, which
MWAA copies within a minute: a change of routes needs no update of the environment, which would take half an hour.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

from ...access.manifest import Manifest
from ...errors import Problems
from .artifacts import ExistingCode, MwaaCode, StrPath, dag_files, fingerprint
from .checks import known
from .limits import ROLE_ARN
from .options import Options

BACKEND = "airlock_provider.backend.AirlockBackend"
MANIFEST = "airlock/manifest.json"
"""Where the manifest lies, below the folder of DAGs."""
OLDEST = (2, 11)
"""The oldest Airflow that the provider runs in."""
LIFETIME = 900
"""Seconds that a task's token lasts at most: what the provider asks for."""
TAGS = (
    "agent_id",
    "assurance",
    "correlation",
    "dag_id",
    "environment",
    "map_index",
    "run_id",
    "task_id",
    "ti_id",
    "try_number",
)
"""What the provider says of a task in request tags and session tags."""
_WHEEL = re.compile(r"airflow_provider_airlock-[0-9][^-/]*-py3-none-any\.whl")
_SECRET_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+")
_DAGS, _PLUGINS = "/usr/local/airflow/dags", "/usr/local/airflow/plugins"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProvider:
    """Airlock inside Airflow (docs/provider.md): tasks get the connections that their routes lead them to, and no others."""

    manifest: Manifest
    """The environment's."""
    wheel: StrPath
    """`airflow_provider_airlock-….whl`: `make wheel` builds it."""
    client_certificate_secret: pulumi.Input[str] | None = None
    """ARN of a secret of Secrets Manager with the certificate that the proxy is shown: JSON, `certificate` and `key` (PEM).

    `{principal}` in it stands for the task's principal, where each has a certificate of its own (a proxy of HAProxy).
    """
    proxy_ca: StrPath | None = None
    """Who signs the proxy's certificate (PEM); the system's authorities without it."""
    task_role_arn: pulumi.Input[str] | None = None
    """The role that is assumed, with the task's ids as session tags, for credentials of AWS; the tasks' own role without it."""
    pass_on: Sequence[str] = ()
    """Connections (globs) outside the manifest that Airflow's other backends may answer."""
    next_backend: str | None = None
    """The secrets backend behind Airlock's, for variables, options and what `pass_on` names: its class."""
    next_backend_kwargs: Mapping[str, Any] | None = None
    """Its arguments. Nothing secret belongs here: options are readable through GetEnvironment."""
    vault_address: str | None = None
    """For routes with credentials of Vault."""
    audit_log_group: str | None = None
    """The CloudWatch log group that audit events go to; the task's own log without it."""


def check_tasks(
    tasks: TaskProvider, code: MwaaCode | ExistingCode, version: str, options: Options, problems: Problems
) -> list[str]:
    """Notes what would leave tasks without the provider, or with another's backend in front of it; returns warnings."""
    number = tuple(int(part) for part in re.findall(r"\d+", version))
    if number and number < OLDEST:
        problems.add("tasks", f"the provider runs in Airflow 2.11 and later, and this is {version}: raise airflow_version")
    for option in options:
        if option in ("secrets.backend", "secrets.backend_kwargs"):
            problems.add(f'airflow_options["{option}"]', "is Airlock's with tasks: give yours as tasks.next_backend")
        elif option.startswith(("airlock.", "workers.secrets_backend")):
            problems.add(f'airflow_options["{option}"]', "is set by tasks: leave it out")
    wheel = Path(tasks.wheel)
    if not _WHEEL.fullmatch(wheel.name) or not wheel.is_file():
        problems.add("tasks.wheel", f"{wheel} is no wheel of airflow-provider-airlock: `make wheel` builds one")
    if tasks.proxy_ca is not None and not Path(tasks.proxy_ca).is_file():
        problems.add("tasks.proxy_ca", f"{tasks.proxy_ca} does not exist")
    _check_arns(tasks, problems)
    if tasks.next_backend_kwargs is not None and tasks.next_backend is None:
        problems.add("tasks.next_backend_kwargs", "are of no backend: write next_backend, or leave them out")
    if isinstance(code, ExistingCode):
        return [
            f"somebody else fills the bucket: it has to hold {code.dags_path}/{MANIFEST} (manifest.text()), {wheel.name} among "
            f"the plugins, and the line {requirement(tasks)} in the requirements"
        ]
    if code.plugins is not None and Path(code.plugins).is_file():
        problems.add("code.plugins", f"{code.plugins}: the wheel has to lie beside it: give the folder instead of the zip file")
    return []


def _check_arns(tasks: TaskProvider, problems: Problems) -> None:
    secret, role = known(tasks.client_certificate_secret), known(tasks.task_role_arn)
    if secret is not None and not _SECRET_ARN.fullmatch(str(secret)):
        problems.add("tasks.client_certificate_secret", f"{secret!r} is no secret's ARN")
    if role is not None and not ROLE_ARN.fullmatch(str(role)):
        problems.add("tasks.task_role_arn", f"{role!r} is no role's ARN; write arn:aws:iam::account:role/name")


def airflow_options(tasks: TaskProvider) -> dict[str, pulumi.Input[str]]:
    """Airflow's options: the backend, and where the provider finds what it goes by."""
    made: dict[str, pulumi.Input[str] | None] = {
        "secrets.backend": BACKEND,
        "airlock.manifest": f"{_DAGS}/{MANIFEST}",
        "airlock.pass_on": ", ".join(tasks.pass_on) or None,
        "airlock.proxy_ca": f"{_PLUGINS}/airlock/proxy-ca.pem" if tasks.proxy_ca is not None else None,
        "airlock.next_backend": tasks.next_backend,
        "airlock.next_backend_kwargs": json.dumps(dict(tasks.next_backend_kwargs)) if tasks.next_backend_kwargs else None,
        "airlock.aws_role": tasks.task_role_arn,
        "airlock.vault_address": tasks.vault_address,
    }
    if tasks.client_certificate_secret is not None:
        secret = tasks.client_certificate_secret
        made["airlock.client_certificate"] = (
            f"aws-secret:{secret}" if isinstance(secret, str) else pulumi.Output.concat("aws-secret:", secret)
        )
    if tasks.audit_log_group is not None:
        made["airlock.audit_sinks"] = json.dumps([{"kind": "cloudwatch", "log_group": tasks.audit_log_group}])
    return {name: value for name, value in made.items() if value is not None}


def requirement(tasks: TaskProvider) -> str:
    """The line of the requirements that installs the wheel; what it needs itself, Airflow has."""
    return f"{_PLUGINS}/{Path(tasks.wheel).name}"


def requirements_text(code: MwaaCode, tasks: TaskProvider) -> str:
    """The requirements, with the wheel behind the code's own."""
    own = Path(code.requirements).read_text(encoding="utf-8").rstrip("\n") + "\n" if code.requirements is not None else ""
    return f"{own}{requirement(tasks)}\n"


def plugins(code: MwaaCode, tasks: TaskProvider) -> tuple[pulumi.Archive, str]:
    """The plugins with the wheel among them, and the digest of all."""
    files: dict[str, Path] = {Path(tasks.wheel).name: Path(tasks.wheel)}
    if tasks.proxy_ca is not None:
        files["airlock/proxy-ca.pem"] = Path(tasks.proxy_ca)
    if code.plugins is not None:
        files |= dict(dag_files(code.plugins))
    whole = hashlib.sha256()
    for key in sorted(files):
        whole.update(f"{key}\0{fingerprint(files[key])}\n".encode())
    return pulumi.AssetArchive({key: pulumi.FileAsset(str(path)) for key, path in files.items()}), whole.hexdigest()


def permissions(tasks: TaskProvider) -> dict[str, pulumi.Output[str]]:
    """What the tasks' role may do for the provider: the policies' names → documents.

    An ARN that is unknown at preview must not hide the other statements, so that each has a document of its own.
    """
    ours = {
        "StringEquals": {"aws:RequestTag/environment": tasks.manifest.document["environment"]},
        "ForAllValues:StringEquals": {"aws:TagKeys": list(TAGS)},
    }
    made = {}
    if tokens := _tokens(tasks.manifest, ours):
        made["tokens"] = pulumi.Output.from_input(_document(*tokens))
    if tasks.task_role_arn is not None:
        made["task-role"] = pulumi.Output.from_input(tasks.task_role_arn).apply(
            lambda arn: _document(_allow("CredentialsAsTheTask", ["sts:AssumeRole", "sts:TagSession"], arn, ours))
        )
    if tasks.client_certificate_secret is not None:
        made["client-certificate"] = pulumi.Output.from_input(tasks.client_certificate_secret).apply(
            lambda arn: _document(_allow("ClientCertificate", ["secretsmanager:GetSecretValue"], arn.replace("{principal}", "*")))
        )
    return made


def _tokens(manifest: Manifest, ours: dict[str, Any]) -> list[dict[str, Any]]:
    """A token is for the proxy alone, and says of no task of another environment.

    IAM User Guide, "Controlling access with IAM policies" of outbound identity federation; both actions know no resource. Which
    task of this environment asks, AWS cannot know: the identity is asserted.
    """
    identity = manifest.document["identity"]
    if identity["source"] == "sts":
        proxy = {
            "StringEquals": {**ours["StringEquals"], "sts:SigningAlgorithm": "RS256"},
            "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": [identity["audience"]]},
            "NumericLessThanEquals": {"sts:DurationSeconds": LIFETIME},
        }
        return [
            _allow("TokensForTheProxy", ["sts:GetWebIdentityToken"], "*", proxy),
            _allow("SayWhichTask", ["sts:TagGetWebIdentityToken"], "*", ours),
        ]
    return [_allow("SignTokens", ["kms:GetPublicKey", "kms:Sign"], identity["key"])] if identity["source"] == "kms" else []


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _allow(sid: str, actions: list[str], resource: str, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})
