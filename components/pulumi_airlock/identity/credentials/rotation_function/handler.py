"""Takes the events: a step of a rotation from Secrets Manager, or `{"action": "watch"}` on a schedule."""

import json
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .fortigate import FortigateService
from .https import Https
from .service import RotationError, Service, Settings
from .steps import Rotation
from .store import CURRENT, Store
from .token_endpoint import TokenEndpointService
from .watch import Watch
from .zscaler import ZscalerService

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

HERE = Path(__file__).parent
logging.getLogger("airlock.rotation").setLevel(logging.INFO)


class Function:
    """The function, with what it talks to.

    `secrets` are the settings of each secret that it rotates, by name: shipped with the code, so that whoever can write a secret
    cannot send it elsewhere.
    """

    def __init__(
        self,
        secrets: Mapping[str, Settings],
        secretsmanager: "SecretsManagerClient",
        cloudwatch: "CloudWatchClient",
        https: Https,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._secrets, self._store, self._metrics = secrets, Store(secretsmanager), cloudwatch
        self._https, self._pause = https, pause

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Does what an event asks for. RotationError where it cannot."""
        if event.get("action") == "watch":
            Watch(self._store, self._service, self._metrics).run(self._secrets)
            return
        missing = [key for key in ("SecretId", "ClientRequestToken", "Step") if not isinstance(event.get(key), str)]
        if missing:
            raise RotationError(f"the event has no {', '.join(missing)}: it is none of Secrets Manager")
        name = self._store.describe(event["SecretId"]).name
        service = self._service(name)
        if service is None:
            raise RotationError(f"{name}: is none of the secrets that this function rotates")
        Rotation(self._store, service, event["SecretId"], event["ClientRequestToken"], pause=self._pause).run(event["Step"])

    def _service(self, name: str) -> Service | None:
        settings = self._secrets.get(name)
        match settings and settings.get("kind"):
            case "fortigate":
                return FortigateService(settings or {}, self._https)
            case "zscaler":
                manager = (settings or {}).get("manager")
                return ZscalerService(settings or {}, self._https, self._store.read(manager, CURRENT) if manager else None)
            case "token-endpoint":
                return TokenEndpointService(settings or {}, self._https)
        return None


def handle(event: Mapping[str, Any], _: Any) -> None:
    """What AWS Lambda calls."""
    import boto3

    settings = json.loads((HERE / "settings.json").read_text(encoding="utf-8"))
    authority = HERE / "ca.pem"
    https = Https(str(authority) if authority.exists() else None)
    Function(settings["secrets"], boto3.client("secretsmanager"), boto3.client("cloudwatch"), https)(event)
