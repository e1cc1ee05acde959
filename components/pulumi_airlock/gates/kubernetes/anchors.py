"""Replacing a mesh's trust anchor: in which order, and when, so that nobody's certificate loses its anchor. No SDK in here.

Two anchors are trusted while the issuer changes from one to the other. Each step is an update, and its day is written down:

    [Anchor("2026", trusted=…)]                                                             before
    [Anchor("2026", …), Anchor("2027", trusted=…)]                                          both are in the bundle
    [Anchor("2026", …), Anchor("2027", trusted=…, restarted=…, signs=…)]                    the new one signs the issuer
    [Anchor("2026", …, retired=…), Anchor("2027", trusted=…, restarted=…, signs=…)]         the old one is trusted no more
    [Anchor("2027", trusted=…, restarted=…, signs=…)]                                       and gone

Facts: Linkerd, "Automatically Rotating Control Plane TLS Credentials", 9 (the order; proxies take their anchors when they start:
chart linkerd2, `LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS`); cert-manager/istio-csr, pkg/server (every signed certificate is handed
out with the bundle as it is then, and none is signed whose anchor is not in it).
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ...errors import Problem

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_DATES = ("trusted", "restarted", "signs", "retired")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Anchor:
    """One trust anchor: a key of its own, in a Secret of its own. Dates are days of updates, each no earlier than the last."""

    name: str
    trusted: date | None = None
    """When it was made and came into the bundle; without it nobody watches its end."""
    restarted: date | None = None
    """By when every proxy of the mesh had started anew, with this anchor in the bundle."""
    signs: date | None = None
    """When it began to sign the issuer; the first of all needs none."""
    retired: date | None = None
    """When it left the bundle; in the update after it, it may be left out."""


FIRST = Anchor("first")


def signing(anchors: Sequence[Anchor]) -> Anchor:
    """The anchor that signs the issuer: the last that began to, else the first."""
    return next((one for one in reversed(anchors) if one.signs), anchors[0])


def trusted(anchors: Sequence[Anchor]) -> list[Anchor]:
    """The anchors of the bundle."""
    return [one for one in anchors if not one.retired]


def problems(
    name: str,
    anchors: Sequence[Anchor],
    *,
    restarts: bool,
    lasts: timedelta,
    issuer: timedelta,
    workload: timedelta,
    today: date,
) -> Iterator[Problem]:
    """What would leave a certificate without its anchor, or an anchor beyond its end.

    `restarts`: whether proxies learn of an anchor only when they start. `workload`: how long a workload's certificate holds, and
    so how long one of the issuer before may still be shown.
    """
    if not anchors:
        yield Problem(name, "anchors", "none: a mesh without a trust anchor trusts nobody")
        return
    for position, one in enumerate(anchors):
        where = f"anchors[{position}] {one.name}"
        if not _NAME.fullmatch(one.name) or [each.name for each in anchors].count(one.name) > 1:
            yield Problem(name, where, "write a name of its own, of at most 32 small letters, digits and hyphens")
        yield from _order(name, where, one, today)
    for position, one in enumerate(anchors[1:], 1):
        yield from _begins(name, f"anchors[{position}] {one.name}", one, restarts, workload)
    current = signing(anchors)
    for position, one in enumerate(anchors):
        if one.retired:
            yield from _leaves(name, f"anchors[{position}] {one.name}.retired", one, current, workload)
    successors = anchors[list(anchors).index(current) + 1 :]
    if (end := _end(current, lasts)) and not successors and _after(today, issuer) >= end:
        yield Problem(
            name,
            f"anchors {current.name}",
            f"ends on {end}, and an issuer made now would outlive it: add its successor to anchors",
        )


def ending(anchors: Sequence[Anchor], lasts: timedelta, today: date) -> str:
    """What to say to people once the anchor has had two thirds of its life, and no successor is there; empty: nothing."""
    current = signing(anchors)
    end = _end(current, lasts)
    if end is None or current is not anchors[-1] or today < end - lasts / 3:
        return ""
    return f"trust anchor {current.name} ends on {end}: add its successor to anchors, so that there is time to replace it"


def _end(one: Anchor, lasts: timedelta) -> date | None:
    return _after(one.trusted, lasts) if one.trusted else None


def _order(name: str, where: str, one: Anchor, today: date) -> Iterator[Problem]:
    given = [(field, day) for field in _DATES if (day := getattr(one, field))]
    for (field, day), (before, earlier) in zip(given[1:], given, strict=False):
        if day < earlier:
            yield Problem(name, f"{where}.{field}", f"{day} is before {before}, {earlier}")
    for field, day in given:
        if day > today:
            yield Problem(name, f"{where}.{field}", f"{day} is to come: write it in the update of that day")


def _begins(name: str, where: str, one: Anchor, restarts: bool, workload: timedelta) -> Iterator[Problem]:
    """Before an anchor signs, everybody has to trust it."""
    if one.trusted is None:
        yield Problem(name, f"{where}.trusted", "is missing: write the day of the update that makes the anchor")
    elif one.signs == one.trusted:
        yield Problem(
            name, f"{where}.signs", f"{one.signs}: on that day proxies only begin to trust the anchor: let it sign later"
        )
    elif one.signs and one.restarted is None:
        known = _over(one.trusted, workload)
        if restarts:
            fix = "restart the control plane and every workload, and write the day"
            yield Problem(
                name, f"{where}.restarted", f"is missing: proxies trust a new anchor once they have started anew: {fix}"
            )
        elif one.signs < known:
            yield Problem(
                name,
                f"{where}.signs",
                f"{one.signs}: some proxies trust the anchor only with their next certificate, by {known}: wait, "
                "or restart every workload and write the day as restarted",
            )


def _leaves(name: str, where: str, one: Anchor, current: Anchor, workload: timedelta) -> Iterator[Problem]:
    """Before an anchor goes, nobody may show a certificate of it any more."""
    if one is current:
        yield Problem(name, where, "it signs the issuer: let another sign before")
    elif one.retired and current.signs and one.retired < (gone := _over(current.signs, workload)):
        yield Problem(
            name,
            where,
            f"{one.retired}: workloads may show certificates of it until {gone} ({current.name} signs since {current.signs})",
        )


def _over(day: date, lasts: timedelta) -> date:
    """The first day on which nothing made on `day` holds any more."""
    return _after(day, _DAY + timedelta(days=math.ceil(lasts / _DAY)))


def _after(day: date, length: timedelta) -> date:
    """The day that is so much later; the last that there is, where there is none."""
    return day + length if length < date.max - day else date.max
