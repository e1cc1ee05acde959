"""What runs between rotations: retires the credential before the current one once its grace is over, and measures ages.

Only here does a credential end. Until then readers that still hold the one before are served, and a rotation that turns out wrong
can be taken back by moving AWSCURRENT.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from .service import RotationError, Service, Settings
from .store import CURRENT, PENDING, PREVIOUS, Described, Store

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

LOG = logging.getLogger("airlock.rotation")
NAMESPACE = "Airlock/Credentials"
"""The CloudWatch namespace of the metrics here. Only the function may put them."""


class Watch:
    """A look at every secret that the function rotates."""

    def __init__(
        self,
        store: Store,
        services: Callable[[str], Service | None],
        metrics: "CloudWatchClient",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store, self._services, self._metrics, self._now = store, services, metrics, now

    def run(self, secrets: Mapping[str, Settings]) -> None:
        """Looks at each secret, whatever happens to the others. RotationError with all that went wrong."""
        failed = []
        for name, settings in secrets.items():
            try:
                secret = self._store.describe(name)
                self._measure(name, secret)
                self._retire(name, secret, timedelta(minutes=float(settings.get("grace_minutes", 60))))
            except RotationError as error:
                failed.append(f"{name}: {error}")
            except Exception as error:  # the others must be looked at; AWS's texts may quote a request, so only the kind is told
                failed.append(f"{name}: {type(error).__name__}")
        if failed:
            raise RotationError("; ".join(failed))

    def _measure(self, name: str, secret: Described) -> None:
        age = (self._now() - secret.changed).total_seconds()
        self._metrics.put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {
                    "MetricName": "RotationAge",
                    "Dimensions": [{"Name": "Secret", "Value": name}],
                    "Value": max(age, 0.0),
                    "Unit": "Seconds",
                }
            ],
        )

    def _retire(self, name: str, secret: Described, grace: timedelta) -> None:
        service = self._services(name)
        if service is None:
            return  # a function of somebody else rotates it: only its age is ours to tell
        current, previous, pending = (secret.version(stage) for stage in (CURRENT, PREVIOUS, PENDING))
        if previous is None or current is None:
            return
        if pending is not None and pending != current:
            return  # in the middle of a rotation: two API users take turns, and the previous one is being given its new key
        since = self._store.written(name, current)
        if since is None or self._now() - since < grace:
            return
        old, new = self._store.read(name, PREVIOUS), self._store.read(name, CURRENT)
        if old is None or new is None:
            return
        service.retire(new, old)
        # The mark that it is done: without the label nothing is left to retire.
        self._store.unlabel(name, PREVIOUS, previous)
        LOG.info("%s: version %s is retired", name, previous)
