"""Checks of one route at a time."""

from collections.abc import Iterator
from datetime import date, timedelta

from ..draft import Draft
from ..errors import quoted
from ..findings import Finding, error, warning
from ..values import duration_text

SOON = timedelta(days=14)
"""How long before its last day a route is said to expire soon."""


def session_over_window(draft: Draft, today: date) -> Iterator[Finding]:
    """A session may not outlive the window: the connection would stay open after it."""
    for index, route in draft.routes.items():
        session, window = route.session_length(), route.window.length() if route.window else None
        if session and window and session > window:
            most = duration_text(window)
            message = f"{quoted(route.session)} is longer than the window, which stays open for {most}: write {most} or less"
            yield error("session-over-window", ("routes", index, "session"), message)


def route_expiry(draft: Draft, today: date) -> Iterator[Finding]:
    """An expired route is an error, one that is about to expire a warning."""
    for index, route in draft.routes.items():
        if route.expires is None:
            continue
        loc = ("routes", index, "expires")
        left = (route.expires - today).days
        if left < 0:
            yield error(
                "route-expired",
                loc,
                f"expired on {route.expires}, {_days(-left)} ago: take {quoted(route.name)} out, or renew it",
            )
        elif left <= SOON.days:
            when = "today is the last day" if left == 0 else f"expires in {_days(left)}"
            yield warning("route-expires-soon", loc, f"{when}: renew {quoted(route.name)}, or let it go")


def window_of_a_whole_day(draft: Draft, today: date) -> Iterator[Finding]:
    """A window that ends when it starts lasts 24 hours, which is seldom what was meant."""
    for index, route in draft.routes.items():
        window = route.window
        if window and window.from_ is not None and window.from_ == window.to:
            both = f"from and to are both {quoted(window.to)}, so the window lasts 24 hours"
            message = f"{both}: leave both out for whole days, or write when it ends"
            yield warning("window-whole-day", ("routes", index, "window", "to"), message)


def http_on_something_else(draft: Draft, today: date) -> Iterator[Finding]:
    """Only HTTP has methods and paths."""
    kinds = {one.name: one for one in draft.destinations.values()}
    for index, route in draft.routes.items():
        for name in route.to if route.http else ():
            destination = kinds.get(name)
            if destination and not destination.is_http:
                said = f"speaks {destination.protocol}" if destination.protocol else "says no protocol"
                message = f"destination {quoted(name)} {said}: http is for destinations with protocol http or https"
                yield error("http-on-other-protocol", ("routes", index, "http"), message)


def no_path(draft: Draft, today: date) -> Iterator[Finding]:
    """A zone without gates cannot be reached: nothing on the way lets anybody through."""
    zones = {one.name: one.zone for one in draft.destinations.values()}
    for index, route in draft.routes.items():
        for position, name in enumerate(route.to):
            zone = draft.zones.get(zones.get(name, ""))
            if zone is not None and not zone.gates:
                place = zones[name]
                message = (
                    f"no path to {quoted(name)}: zone {quoted(place)} has no gates; name those on the way in zones.{place}.gates"
                )
                yield error("route-without-path", ("routes", index, "to", position), message)


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
