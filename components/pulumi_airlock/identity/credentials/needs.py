"""What an access file asks of credentials: one need for each that its routes name. No Pulumi in here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ...access.model import Access, Credential, Principal, Route
from ...access.values import duration_text, parse_duration

RDS_TOKEN = timedelta(minutes=15)
"""How long a token of RDS IAM authentication can open a connection (RDS User Guide, "IAM database authentication")."""


@dataclass(frozen=True, slots=True)
class Need:
    """One credential: a kind and a reference, with every route that uses it."""

    kind: str
    ref: str
    routes: tuple[str, ...]
    principals: tuple[str, ...]
    """Workloads that use it, by name."""
    cadence: timedelta | None
    """The shortest that any of its routes asks for; None where nothing is said."""
    session: timedelta | None
    """The shortest session of its routes; None where none has one."""
    expires: date | None
    """The last day on which a route uses it; None where a route has none."""

    def record(self, rotated_by: str, **more: Any) -> dict[str, Any]:
        """What policies read of it."""
        found = {
            "kind": self.kind,
            "ref": self.ref,
            "routes": list(self.routes),
            "rotatedBy": rotated_by,
            "rotate": text(self.cadence),
            "session": text(self.session),
            "expires": self.expires.isoformat() if self.expires else None,
            **more,
        }
        return {key: value for key, value in found.items() if value is not None}


def needs(access: Access) -> tuple[Need, ...]:
    """Every credential that routes name, in the document's order."""
    grouped: dict[tuple[str, str], list[tuple[Route, Credential]]] = {}
    for route in access.routes:
        if route.credential is not None:
            grouped.setdefault((route.credential.kind, route.credential.ref), []).append((route, route.credential))
    return tuple(_need(access, *key, found) for key, found in grouped.items())


def _need(access: Access, kind: str, ref: str, found: list[tuple[Route, Credential]]) -> Need:
    routes = [route for route, _ in found]
    names = dict.fromkeys(name for route in routes for name in route.from_)
    workloads = tuple(name for name in names if not _is_people(access.principals, name))
    last = [route.expires for route in routes]
    return Need(
        kind,
        ref,
        tuple(route.name for route in routes),
        workloads,
        _least(access.cadence(credential) for _, credential in found),
        _least(route.session_length() for route in routes),
        None if None in last else max(day for day in last if day is not None),
    )


def _is_people(principals: Iterable[Principal], name: str) -> bool:
    return any(one.name == name and one.is_people for one in principals)


def _least(lengths: Iterable[timedelta | None]) -> timedelta | None:
    return min((length for length in lengths if length is not None), default=None)


def rotation(access: Access) -> timedelta | None:
    """The cadence that holds for everything; None where the access file says none."""
    return parse_duration(access.rotation) if access.rotation else None


def text(length: timedelta | None) -> str | None:
    """A length as an access file writes it."""
    return duration_text(length) if length is not None else None
