"""Airlock's provider in a Composer environment: a package, the manifest beside the DAGs, and the key that signs tasks' tokens.

The manifest lies in the environment's bucket, which Composer copies within a minute: a change of routes needs no update of the
environment. All tasks run as one account, which may sign for any of them: the identity is asserted.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pulumi
import pulumi_gcp as gcp

from ...access.manifest import Manifest
from ...errors import Problems
from .account import Account
from .checks import known
from .generation import Image
from .software import ComposerSoftware

BACKEND: Final = "airlock_provider.backend.AirlockBackend"
PACKAGE: Final = "airflow-provider-airlock"
MANIFEST: Final = "dags/airlock/manifest.json"
"""In the environment's bucket."""
OLDEST: Final = (2, 11)
"""The oldest Airflow that the provider runs in."""
_MOUNT = "/home/airflow/gcs"
"""Where Composer has the bucket's folders in every component (Composer, "Data stored in Cloud Storage")."""
_KEY_VERSION = re.compile(r"(projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+)/cryptoKeyVersions/[0-9]+")
_PRINCIPAL: Final = "{principal}"
_SECRET = re.compile(r"projects/([^/]+)/secrets/([A-Za-z0-9_-]{1,255})")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProvider:
    """Airlock inside Airflow (docs/provider.md): tasks get the connections that their routes lead them to, and no others."""

    manifest: Manifest
    """The environment's. Its identity: `kms`, a version of a key that signs (ECDSA P-256 or RSA, SHA-256)."""
    version: str
    """The provider's version: the package has to be in an index that the environment reaches."""
    client_certificate_secret: pulumi.Input[str] | None = None
    """`projects/…/secrets/…` of Secret Manager with what the proxy is shown: JSON, `certificate` and `key` (PEM).

    `{principal}` in it stands for the task's principal, where each has a certificate of its own (a proxy of HAProxy).
    """
    pass_on: Sequence[str] = ()
    """Connections (globs) outside the manifest that Airflow's other backends may answer."""
    vault_address: str | None = None
    """For routes with credentials of Vault."""


def check_tasks(tasks: TaskProvider, image: Image, software: ComposerSoftware, problems: Problems) -> None:
    """Notes what would leave tasks without the provider, or without a token."""
    found = tuple(int(part) for part in re.findall(r"[0-9]+", image.airflow)[:2])
    if found and found < OLDEST:
        problems.add("tasks", f"the provider runs in Airflow 2.11 and later, and this is {image.airflow}: take another image")
    if PACKAGE in software.pypi_packages:
        problems.add(f'software.pypi_packages["{PACKAGE}"]', "is installed by tasks, in tasks.version: leave it out")
    for option in software.airflow_config:
        if option.startswith("airlock.") or option in ("secrets.backend", "secrets.backend_kwargs"):
            problems.add(
                f'software.airflow_config["{option}"]', "is set by tasks: leave it out (software.secrets moves behind it)"
            )
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)*([a-z0-9.+]*)", tasks.version):
        problems.add("tasks.version", f"{tasks.version!r} is no version: write one whole, as in 0.1.0")
    identity = tasks.manifest.document["identity"]
    if identity["source"] == "kms" and not _KEY_VERSION.fullmatch(identity["key"]):
        fix = "write projects/…/locations/…/keyRings/…/cryptoKeys/…/cryptoKeyVersions/1"
        problems.add("tasks.manifest", f"its identity's key {identity['key']!r} is no version of a key of Cloud KMS: {fix}")
    secret = known(tasks.client_certificate_secret)
    if secret is not None and not _SECRET.fullmatch(secret.replace(_PRINCIPAL, "principal")):
        problems.add("tasks.client_certificate_secret", f"{secret!r} is no secret: write projects/<project>/secrets/<name>")


def with_tasks(software: ComposerSoftware, tasks: TaskProvider, project: str) -> ComposerSoftware:
    """The software with the provider in it; a secrets backend that is declared moves behind Airlock's."""
    following = software.secrets.options(project) if software.secrets else {}
    secret = tasks.client_certificate_secret
    options: dict[str, pulumi.Input[str] | None] = {
        "secrets.backend": BACKEND,
        "airlock.manifest": f"{_MOUNT}/{MANIFEST}",
        "airlock.pass_on": ", ".join(tasks.pass_on) or None,
        "airlock.next_backend": following.get("secrets.backend"),
        "airlock.next_backend_kwargs": following.get("secrets.backend_kwargs"),
        "airlock.vault_address": tasks.vault_address,
        "airlock.client_certificate": pulumi.Output.concat("gcp-secret:", secret) if secret is not None else None,
    }
    config: Mapping[str, Any] = {
        **software.airflow_config,
        **{name: value for name, value in options.items() if value is not None},
    }
    packages = {**software.pypi_packages, PACKAGE: f"=={tasks.version}"}
    return replace(software, airflow_config=config, pypi_packages=packages, secrets=None)


def grants(name: str, tasks: TaskProvider, account: Account, opts: pulumi.ResourceOptions) -> Iterator[pulumi.Resource]:
    """What the tasks' account may do for the provider: sign with the one key, read the one secret."""
    member = pulumi.Output.concat("serviceAccount:", account.email)
    identity = tasks.manifest.document["identity"]
    if identity["source"] == "kms" and (key := _KEY_VERSION.fullmatch(identity["key"])):
        yield gcp.kms.CryptoKeyIAMMember(
            f"{name}-tokens", crypto_key_id=key[1], role="roles/cloudkms.signerVerifier", member=member, opts=opts
        )
    for label, secret in _secrets(tasks):
        yield gcp.secretmanager.SecretIamMember(
            f"{name}-client-certificate{label}",
            secret_id=secret,
            role="roles/secretmanager.secretAccessor",
            member=member,
            opts=opts,
        )


def _secrets(tasks: TaskProvider) -> Iterator[tuple[str, pulumi.Input[str]]]:
    """(what its grant is called besides, the secret) of each certificate."""
    secret = tasks.client_certificate_secret
    if isinstance(secret, str) and _PRINCIPAL in secret:
        for one in tasks.manifest.document["principals"]:
            yield f"-{one['name']}", secret.replace(_PRINCIPAL, one["name"])
    elif secret is not None:
        yield "", secret


def ship(name: str, tasks: TaskProvider, prefix: pulumi.Output[str], opts: pulumi.ResourceOptions) -> None:
    """Puts the manifest beside the DAGs; `prefix`: the folder of DAGs, `gs://…/dags`."""
    gcp.storage.BucketObject(
        f"{name}-manifest",
        bucket=prefix.apply(lambda folder: folder.removeprefix("gs://").partition("/")[0]),
        name=MANIFEST,
        content=tasks.manifest.text(),
        content_type="application/json",
        opts=opts,
    )
