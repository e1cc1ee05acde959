"""Secrets Manager (moto) with our function as its rotation function, and imitations of what issues the credentials."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import moto.awslambda.utils
import pytest
from moto import mock_aws

sys.path.insert(0, str(Path(__file__).parent))

from credential_vendors import STEPS, Fortigate, TokenEndpoint, Vendor, Zscaler, authority, serving
from pulumi_airlock.identity.credentials.rotation_function.handler import Function
from pulumi_airlock.identity.credentials.rotation_function.https import Https


class Begun(Exception):  # noqa: N818  # no error: stops moto after it has made the pending version
    """Thrown in place of the first invocation."""


class _Recorder:
    """moto's Lambda, as far as moto's Secrets Manager needs one: it begins a rotation, the tests take the steps themselves."""

    def get_function(self, _: str) -> None: ...

    def invoke(self, *_: Any, **__: Any) -> None:
        raise Begun


@dataclass
class Rotating:
    """A secret that rotates: Secrets Manager's part is played step by step."""

    vendor: Vendor
    settings: dict[str, Any]
    first: dict[str, str]
    ca_file: str
    name: str
    pauses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.secretsmanager = boto3.client("secretsmanager", region_name="eu-west-1")
        self.cloudwatch = boto3.client("cloudwatch", region_name="eu-west-1")
        self.secretsmanager.create_secret(Name=self.name, SecretString=json.dumps(self.first))
        self.begun = 0

    def function(self, secretsmanager: Any = None) -> Function:
        """A fresh one, as after a crash: nothing is remembered from one invocation to the next."""
        secrets = {self.name: self.settings}
        return Function(secrets, secretsmanager or self.secretsmanager, self.cloudwatch, Https(self.ca_file), self.pauses.append)

    def begin(self, **more: Any) -> str:
        """Makes the pending version, as RotateSecret does. Returns it."""
        self.begun += 1
        version = f"00000000-0000-4000-8000-{self.begun:012d}"
        rules = {"AutomaticallyAfterDays": 30}
        with pytest.raises(Begun):
            self.secretsmanager.rotate_secret(
                SecretId=self.name, ClientRequestToken=version, RotationLambdaARN="arn:aws:lambda:f", RotationRules=rules, **more
            )
        return version

    def step(self, step: str, version: str, function: Function | None = None) -> None:
        (function or self.function())({"Step": step, "SecretId": self.name, "ClientRequestToken": version})

    def rotate(self) -> str:
        version = self.begin()
        for step in STEPS:
            self.step(step, version)
        return version

    def value(self, stage: str = "AWSCURRENT") -> dict[str, str] | None:
        try:
            found = self.secretsmanager.get_secret_value(SecretId=self.name, VersionStage=stage)
        except self.secretsmanager.exceptions.ResourceNotFoundException:
            return None
        return json.loads(found["SecretString"])

    def watch(self) -> None:
        self.function()({"action": "watch"})

    def ages(self, secret: str | None = None) -> list[float]:
        now = datetime.now(UTC)
        found = self.cloudwatch.get_metric_statistics(
            Namespace="Airlock/Credentials",
            MetricName="RotationAge",
            Dimensions=[{"Name": "Secret", "Value": secret or self.name}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=60,
            Statistics=["Maximum"],
        )
        return [point["Maximum"] for point in found["Datapoints"]]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr(moto.awslambda.utils, "get_backend", lambda *_: _Recorder())
    with mock_aws():
        yield


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return authority(tmp_path_factory.mktemp("tls"))


def _fortigate(grace: int) -> tuple[Vendor, Callable[[], dict[str, Any]], dict[str, str]]:
    device = Fortigate()
    first = {"user": "airlock-a", "token": device.mint("airlock-a")}
    return device, lambda: {"kind": "fortigate", "url": device.url, "users": list(device.users), "grace_minutes": grace}, first


def _zscaler(grace: int) -> tuple[Vendor, Callable[[], dict[str, Any]], dict[str, str]]:
    cloud = Zscaler()
    identifier, value = cloud.add()
    first = {"client_id": cloud.client, "client_secret": value, "secret_id": identifier}

    def settings() -> dict[str, Any]:
        return {
            "kind": "zscaler",
            "token_url": f"{cloud.url}/oauth2/v1/token",
            "api_url": cloud.url,
            "api_client": cloud.api_client,
            "grace_minutes": grace,
        }

    return cloud, settings, first


def _token_endpoint(grace: int) -> tuple[Vendor, Callable[[], dict[str, Any]], dict[str, str]]:
    service = TokenEndpoint()

    def settings() -> dict[str, Any]:
        urls = {
            f"{what}_url": f"{service.url}/{path}" for what, path in (("issue", "issue"), ("test", "me"), ("revoke", "revoke"))
        }
        return {"kind": "token-endpoint", **urls, "grace_minutes": grace}

    return service, settings, {"token": service.mint("api"), "host": "api.example"}


KINDS = {"fortigate": _fortigate, "zscaler": _zscaler, "token-endpoint": _token_endpoint}


@pytest.fixture
def make(aws: None, certificate: tuple[Path, Path]) -> Iterator[Callable[..., Rotating]]:
    """Makes a rotating secret of a kind, with its imitation running; `grace` in minutes."""
    running: list[Any] = []

    def made(kind: str, grace: int = 60) -> Rotating:
        vendor, settings, first = KINDS[kind](grace)
        server = serving(vendor, *certificate)
        server.__enter__()
        running.append(server)
        return Rotating(vendor, settings(), first, str(certificate[0]), f"gates/{kind}")

    yield made
    for server in running:
        server.__exit__(None, None, None)


@pytest.fixture(params=list(KINDS))
def secret(request: pytest.FixtureRequest, make: Callable[..., Rotating]) -> Rotating:
    """A rotating secret of each kind, one after the other."""
    return make(request.param)
