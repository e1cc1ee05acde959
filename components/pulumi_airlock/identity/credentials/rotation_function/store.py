"""Secrets Manager as the function sees it: versions of a secret and the labels that say which is which."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .service import Credential, RotationError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
"""The labels: what readers get, what a rotation is making, what readers got before."""


@dataclass(frozen=True, slots=True)
class Described:
    """A secret without its values."""

    name: str
    rotates: bool
    stages: Mapping[str, tuple[str, ...]]
    """Version → its labels."""
    changed: datetime
    """When it was rotated last; where it never was: when it was written or made."""

    def version(self, stage: str) -> str | None:
        """The version with a label."""
        return next((version for version, stages in self.stages.items() if stage in stages), None)


class Store:
    """Secrets, by ARN or name."""

    def __init__(self, client: "SecretsManagerClient") -> None:
        self._client = client

    def describe(self, secret: str) -> Described:
        """The secret's versions and labels."""
        found: Mapping[str, Any] = self._client.describe_secret(SecretId=secret)
        stages = {version: tuple(labels) for version, labels in (found.get("VersionIdsToStages") or {}).items()}
        changed = found.get("LastRotatedDate") or found.get("LastChangedDate") or found["CreatedDate"]
        # Absent while a rotation is only being configured: Secrets Manager tries the function then, with testSecret.
        return Described(found["Name"], found.get("RotationEnabled", True), stages, changed)

    def read(self, secret: str, stage: str, version: str | None = None) -> Credential | None:
        """A version's fields; None where there is no such version, or none with a value yet."""
        wanted = {"VersionId": version} if version else {}
        try:
            found = self._client.get_secret_value(SecretId=secret, VersionStage=stage, **wanted)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        try:
            fields = json.loads(found.get("SecretString", ""))
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            # Without the original error: it carries the text that it could not read.
            raise RotationError(f"{found['Name']}: the {stage} version is no JSON object")
        return fields

    def written(self, secret: str, version: str) -> datetime | None:
        """When a version was written; None where it is gone."""
        try:
            found = self._client.get_secret_value(SecretId=secret, VersionId=version)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        return found["CreatedDate"]

    def keep(self, secret: str, version: str, credential: Credential) -> bool:
        """Writes the pending version; False where another invocation has written it already."""
        try:
            self._client.put_secret_value(
                SecretId=secret,
                ClientRequestToken=version,
                SecretString=json.dumps(dict(credential)),
                VersionStages=[PENDING],
            )
        except self._client.exceptions.ResourceExistsException:
            return False
        return True

    def promote(self, secret: str, version: str, before: str) -> None:
        """Makes a version the current one; the one before becomes the previous one by itself."""
        self._client.update_secret_version_stage(
            SecretId=secret, VersionStage=CURRENT, MoveToVersionId=version, RemoveFromVersionId=before
        )

    def unlabel(self, secret: str, stage: str, version: str) -> None:
        """Takes a label from a version."""
        self._client.update_secret_version_stage(SecretId=secret, VersionStage=stage, RemoveFromVersionId=version)
