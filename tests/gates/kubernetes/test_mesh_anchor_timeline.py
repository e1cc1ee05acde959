"""Steps that are taken for safe are safe: a mesh lived through hour by hour, at the worst hour of each day.

An update happens at some hour of its day. A certificate is shown for as long as it holds, and is signed by the anchor that signed
when it was made. What a proxy trusts is the bundle as it was at its last certificate (Istio), or at its start (Linkerd). Nothing
here is the rule of `anchors.problems`: it only says whom that rule lets through.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_airlock.gates.kubernetes.anchors import Anchor, problems, signing

START = date(2026, 1, 1)
YEAR, WEEK = timedelta(days=365), timedelta(days=7)
DAYS = st.integers(0, 9)


def _day(number: int | None) -> date | None:
    return None if number is None else START + timedelta(days=number)


def _accepted(mesh: str, anchors: list[Anchor], hours: int, today: date) -> bool:
    lasts = timedelta(hours=hours)
    return not list(problems("t", anchors, restarts=mesh == "linkerd", lasts=YEAR, issuer=WEEK, workload=lasts, today=today))


def _hours(day: date | None) -> int:
    assert day is not None
    return (day - START).days * 24


def _cuts(mesh: str, old: Anchor, new: Anchor, hours: int) -> Iterator[str]:
    """Moments at which somebody may show a certificate that somebody else does not trust."""
    for trusted_at, signs_at, retired_at in product((0, 23), repeat=3):
        joins = _hours(new.trusted) + trusted_at
        switch = _hours(new.signs) + signs_at if new.signs else 10**6
        leaves = _hours(old.retired) + retired_at if old.retired else 10**6
        # Restarts follow the update that made the anchor, and end before the one that writes their day down.
        # Restarts follow the update that made the anchor, and are over before the one that writes their day down.
        restart = min(max(joins, _hours(new.restarted) + 23), switch) if new.restarted else 10**6
        if not joins <= switch <= leaves:
            continue  # updates of one day have an order too

        def bundle(hour: int, joins: int = joins, leaves: int = leaves) -> frozenset[str]:
            return frozenset(({"old"} if hour < leaves else set()) | ({"new"} if hour >= joins else set()))

        for now in range(-hours, 24 * 12):
            shown = {"old" if made < switch else "new" for made in range(now - hours + 1, now + 1)}
            if mesh == "linkerd":
                started = (restart,) if restart <= min(now, switch) else (-hours,)
            else:
                started = tuple(range(max(now - hours + 1, restart if restart <= now else now - hours + 1), now + 1))
            # Whoever starts right now has the bundle of now.
            views = {bundle(hour) for hour in (*started, now)}
            if any(anchor not in view for anchor in shown for view in views):
                yield f"hour {now}: shown {shown}, trusted {views}"
                break


def _stages(old: Anchor, new: Anchor) -> Iterator[tuple[date, list[Anchor]]]:
    """The updates, each on its day, with what is written by then."""
    for day in sorted({one for one in (new.trusted, new.restarted, new.signs, old.retired) if one}):
        known = replace(new, **{key: None for key in ("restarted", "signs") if (at := getattr(new, key)) and at > day})
        before = replace(old, retired=None) if old.retired and old.retired > day else old
        yield day, [before, known]


@pytest.mark.parametrize("mesh", ["linkerd", "istio"])
def test_what_is_accepted_cuts_nobody_off(mesh: str) -> None:
    seen: Counter[bool] = Counter()

    @settings(max_examples=300, deadline=None)
    @given(DAYS, st.none() | DAYS, st.none() | DAYS, st.none() | DAYS, st.integers(1, 24))
    def live(trusted: int, restarted: int | None, signs: int | None, retired: int | None, hours: int) -> None:
        old = Anchor("old", trusted=date(2025, 12, 1), retired=_day(retired))
        new = Anchor("new", trusted=_day(trusted), restarted=_day(restarted), signs=_day(signs))
        accepted = all(_accepted(mesh, anchors, hours, day) for day, anchors in _stages(old, new))
        seen[accepted] += 1
        if accepted:
            assert list(_cuts(mesh, old, new, hours)) == []

    live()
    assert seen[True] > 10
    assert seen[False] > 10


@pytest.mark.parametrize("mesh", ["linkerd", "istio"])
def test_whoever_waits_long_enough_is_accepted(mesh: str) -> None:
    old = Anchor("old", trusted=date(2025, 12, 1), retired=_day(8))
    new = Anchor("new", trusted=_day(1), restarted=_day(2) if mesh == "linkerd" else None, signs=_day(4))
    assert all(_accepted(mesh, anchors, 24, day) for day, anchors in _stages(old, new))
    assert signing([old, new]) is new


def test_the_timeline_itself_finds_what_goes_wrong() -> None:
    old = Anchor("old", trusted=date(2025, 12, 1))
    unknown = Anchor("new", trusted=_day(2), signs=_day(2))
    assert list(_cuts("istio", old, unknown, 24))
    assert list(_cuts("linkerd", old, unknown, 1))
    early = Anchor("new", trusted=_day(1), restarted=_day(2), signs=_day(4))
    assert list(_cuts("istio", replace(old, retired=_day(5)), early, 24))
    assert list(_cuts("linkerd", replace(old, retired=_day(5)), early, 24))
