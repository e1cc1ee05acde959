"""The four steps of a rotation (Secrets Manager User Guide, "How rotation works"). Each may be run again after a crash.

    create  the service issues a new credential, asked with the current one, and it is kept as AWSPENDING
    set     nothing: the service knows what it has issued
    test    the service takes the new credential, or the rotation is abandoned: AWSPENDING is taken off
    finish  AWSCURRENT moves to the new version; both credentials are valid until `watch` retires the one before

A credential that its service refuses never becomes current. It is abandoned rather than kept: Secrets Manager would try the same
version again for ever, and a service that shows a credential once cannot show it again.
"""

import logging
import time
from collections.abc import Callable

from .service import Credential, RotationError, Service
from .store import CURRENT, PENDING, Described, Store

LOG = logging.getLogger("airlock.rotation")
TRIES = 4
"""How often a refused credential is tried: a new one may take a moment to be known everywhere."""
PAUSE = 3.0
"""Seconds between tries."""


class Rotation:
    """One rotation of one secret to one version."""

    def __init__(
        self, store: Store, service: Service, secret: str, version: str, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._store, self._service, self._secret, self._version, self._pause = store, service, secret, version, pause

    def run(self, step: str) -> None:
        """Runs a step. RotationError where it cannot be done; then Secrets Manager reports `RotationFailed`."""
        steps = {"createSecret": self._create, "setSecret": self._set, "testSecret": self._test, "finishSecret": self._finish}
        if step not in steps:
            raise RotationError(f"{step!r} is no step of a rotation: {', '.join(steps)}")
        secret = self._store.describe(self._secret)
        if not secret.rotates:
            raise RotationError(f"{secret.name}: rotation is off")
        labels = secret.stages.get(self._version)
        if labels is None:
            raise RotationError(f"{secret.name}: has no version {self._version} to rotate to")
        if CURRENT in labels and step != "finishSecret":
            LOG.info("%s of %s: version %s is current already", step, secret.name, self._version)
            return
        if CURRENT not in labels and PENDING not in labels:
            raise RotationError(f"{secret.name}: version {self._version} is not pending: the rotation was abandoned")
        steps[step](secret)
        LOG.info("%s of %s: done for version %s", step, secret.name, self._version)

    def _create(self, secret: Described) -> None:
        if self._store.read(self._secret, PENDING, self._version) is not None:
            return
        current = self._store.read(self._secret, CURRENT)
        if current is None:
            raise RotationError(f"{secret.name}: has no value yet: write the first one, then rotate")
        made = self._service.issue(current)
        if not self._store.keep(self._secret, self._version, made):
            # Whoever wrote it asked before or after: only its service knows which of the two still holds.
            LOG.warning("createSecret of %s: another invocation wrote version %s", secret.name, self._version)
            self._test(secret)

    def _set(self, secret: Described) -> None:
        self._pending(secret)

    def _test(self, secret: Described) -> None:
        pending = self._pending(secret)
        for attempt in range(TRIES):
            if attempt:
                self._pause(PAUSE)
            if self._service.works(pending):
                return
        self._store.unlabel(self._secret, PENDING, self._version)
        raise RotationError(
            f"{secret.name}: the service refuses the new credential; the rotation is abandoned, the old one stays"
        )

    def _finish(self, secret: Described) -> None:
        before = secret.version(CURRENT)
        if before is not None and before != self._version:
            self._store.promote(self._secret, self._version, before)
        if PENDING in secret.stages[self._version]:
            self._store.unlabel(self._secret, PENDING, self._version)

    def _pending(self, secret: Described) -> Credential:
        pending = self._store.read(self._secret, PENDING, self._version)
        if pending is None:
            raise RotationError(f"{secret.name}: version {self._version} has no value: createSecret has not run")
        return pending
