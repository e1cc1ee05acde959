"""Checks of credentials: how often each is renewed, and what nobody renews."""

from collections.abc import Iterator
from datetime import date, timedelta

from ..draft import Draft
from ..errors import quoted
from ..findings import Finding, error, warning
from ..model import Credential
from ..values import duration_text

STANDING = ("secrets-manager", "vault")
"""Kinds that live until they are renewed; the others are issued for each connection, or never renewed."""


def rotation_slower(draft: Draft, today: date) -> Iterator[Finding]:
    """A credential may be renewed more often than everything else, never less often."""
    for index, credential in _credentials(draft):
        own = credential.rotation()
        if own and draft.rotation and own > draft.rotation:
            most = duration_text(draft.rotation)
            message = f"{quoted(credential.rotate)} is slower than rotation, {most}: write {most} or less, or leave rotate out"
            yield error("rotation-slower", ("routes", index, "credential", "rotate"), message)


def static_credential(draft: Draft, today: date) -> Iterator[Finding]:
    """Nobody renews a static credential: it is an exception, and ends with its route."""
    for index, credential in _credentials(draft):
        if credential.kind != "static":
            continue
        loc = ("routes", index, "credential")
        if credential.rotate is not None:
            fix = "use another kind, or leave rotate out"
            yield error(
                "static-rotation", (*loc, "rotate"), f"nobody renews a static credential every {credential.rotate}: {fix}"
            )
        expires = draft.routes[index].expires
        if expires is None:
            fix = "use vault, secrets-manager, rds-iam or gcp-iam; or, as an exception, give the route an expires"
            yield error("static-credential", (*loc, "kind"), f"a static credential is never renewed: {fix}")
        else:
            message = f"static until the route expires on {expires}: nobody renews it"
            yield warning("static-credential", (*loc, "kind"), message)


def unrotated(draft: Draft, today: date) -> Iterator[Finding]:
    """A credential that stands until it is renewed, and nothing that says how often that is."""
    for index, credential in _credentials(draft):
        if credential.kind in STANDING and _cadence(draft, credential) is None:
            fix = "write rotation for the whole file, or rotate here"
            message = f"nothing says how often {quoted(credential.ref)} is renewed: {fix}"
            yield warning("credential-unrotated", ("routes", index, "credential"), message)


def session_outlives_credential(draft: Draft, today: date) -> Iterator[Finding]:
    """A session that goes on after the credential it was opened with has been renewed, and the old one has ended."""
    for index, credential in _credentials(draft):
        session, cadence = draft.routes[index].session_length(), _cadence(draft, credential)
        if credential.kind in STANDING and session and cadence and session > cadence:
            most = duration_text(cadence)
            message = f"{quoted(draft.routes[index].session)} is longer than {most}, after which its credential is renewed"
            yield warning("session-outlives-credential", ("routes", index, "session"), f"{message}: write {most} or less")


def _credentials(draft: Draft) -> Iterator[tuple[int, Credential]]:
    return ((index, route.credential) for index, route in draft.routes.items() if route.credential is not None)


def _cadence(draft: Draft, credential: Credential) -> timedelta | None:
    return credential.rotation() or draft.rotation
