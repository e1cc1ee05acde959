"""Decides from the manifest alone: may this task use this connection now, by which route, and until when.

Pure: no clock, no network, no Airflow. A refusal says which gate would stop the task, which rule, and of which kind, in the words
of `airlock explain`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from . import windows
from .audit import PERMISSION, Refusal, TaskRun
from .manifest import Destination, Manifest, Principal, Proxy, Route

GATE = "provider"
"""What refusals call the provider itself, as the gate that decides first."""
_NAMED = 3
"""As many of the proxy's rules are named."""
Running = Callable[[str], bool | None]
"""Whether a run of a DAG is under way; None: it cannot be known."""


@dataclass(frozen=True)
class Limits:
    """When Airflow itself ends a task; None: it does not, or it is not known yet."""

    dagrun: datetime | None = None
    """The DAG run's start and its `dagrun_timeout`."""
    execution: datetime | None = None
    """The task's start and its `execution_timeout`."""


@dataclass(frozen=True)
class Granted:
    """The task may."""

    principal: Principal
    route: Route
    destination: Destination
    proxy: Proxy | None
    """What leads there; None: the destination is reached without one."""
    deadline: datetime | None
    """When all that it was given ends; None: nothing ends the route, nor the task."""
    bound: str
    """What sets the deadline, in a few words."""

    def ends(self, opened: datetime) -> tuple[datetime | None, str]:
        """When a connection that is opened at an instant ends, and what ends it: the deadline, or the route's longest session."""
        if self.route.session is None:
            return self.deadline, self.bound
        longest = opened + timedelta(seconds=self.route.session), f"the longest session of route {self.route.name}"
        return longest if self.deadline is None or longest[0] < self.deadline else (self.deadline, self.bound)


@dataclass(frozen=True)
class Refused:
    """The task may not."""

    destination: Destination | None
    refusal: Refusal


def decide(
    manifest: Manifest, run: TaskRun, connection: str, now: datetime, limits: Limits | None = None, running: Running | None = None
) -> Granted | Refused:
    """May a task use a connection at an instant? Of several routes the one that lasts longest."""
    destination = manifest.by_connection.get(connection)
    if destination is None:
        text = f'the manifest of {manifest.environment} has no connection "{connection}", and [airlock] pass_on does not name it'
        return Refused(None, _no("unknown-connection", text))
    principals = manifest.principals_of(run.dag_id, run.task_id)
    if not principals:
        text = f"no principal of {manifest.environment} covers {run.dag_id}.{run.task_id}, so that no route leads it anywhere"
        return Refused(destination, _no("no-principal", text, manifest, destination))
    names = {one.name: one for one in principals}
    leading = [
        one for one in manifest.routes if destination.name in one.destinations and not names.keys().isdisjoint(one.principals)
    ]
    if not leading:
        text = f"no route leads {_listed(names)} to {destination.name}"
        return Refused(destination, _no("no-route", text, manifest, destination))
    shut = [(route, why) for route in leading if (why := closed(route, run, now, running))]
    opened = [route for route in leading if not any(route is one for one, _ in shut)]
    if not opened:
        text = "; ".join(f"route {route.name} {why}" for route, why in shut)
        return Refused(destination, _no(shut[0][0].name, text, manifest, destination))
    found = [(*deadline(route, now, limits or Limits()), route) for route in opened]
    until, bound, route = max(found, key=lambda one: (one[0] is None, one[0] or now))
    if until is not None and until <= now:
        text = f"the time of {run.dag_id}.{run.task_id} is over: {bound}"
        return Refused(destination, _no(route.name, text, manifest, destination))
    principal = next(names[name] for name in route.principals if name in names)
    return Granted(principal, route, destination, manifest.proxy_of(destination.zone), until, bound)


def closed(route: Route, run: TaskRun, now: datetime, running: Running | None = None) -> str:
    """Why a route does not hold at an instant, in a few words; empty: it holds."""
    if route.expires is not None and now.astimezone(UTC).date() > route.expires:
        return f"expired on {route.expires}"
    window = route.window
    if window is None:
        return ""
    if window.dagrun is None:
        return "" if windows.is_open(window, now) else f"is closed now: its window is {described(window.spans)} {window.timezone}"
    if window.dagrun == run.dag_id:
        return ""
    found = running(window.dagrun) if running is not None else None
    if found is None:
        return f"holds while {window.dagrun} runs, and whether it does is not known here"
    return "" if found else f"holds while {window.dagrun} runs, which it does not"


def deadline(route: Route, now: datetime, limits: Limits) -> tuple[datetime | None, str]:
    """When a route that holds ends for a task, and what ends it: the earliest of all."""
    ends: list[tuple[datetime, str]] = []
    if route.expires is not None and route.expires < date.max:
        ends.append((datetime.combine(route.expires + timedelta(days=1), time(), UTC), f"route {route.name} expires"))
    if route.window is not None and route.window.dagrun is None:
        shuts = windows.closes(route.window, now)
        ends += [(shuts, f"the window of route {route.name} closes")] if shuts is not None else []
    if limits.dagrun is not None:
        ends.append((limits.dagrun, "the DAG run's timeout"))
    if limits.execution is not None:
        ends.append((limits.execution, "the task's execution timeout"))
    return min(ends, default=(None, "nothing ends it"), key=lambda one: one[0])


def required(
    manifest: Manifest,
    run: TaskRun,
    now: datetime,
    connections: Iterable[str] | None = None,
    limits: Limits | None = None,
    running: Running | None = None,
) -> list[Granted]:
    """What a task may use now, one a destination: of some connections, or of all. It runs when their conditions are met."""
    wanted = manifest.by_connection if connections is None else connections
    found: dict[str, Granted] = {}
    for one in wanted:
        destination = manifest.by_connection.get(one)
        if destination is not None and destination.name not in found:
            decision = decide(manifest, run, one, now, limits, running)
            if isinstance(decision, Granted):
                found[destination.name] = decision
    return list(found.values())


def described(spans: Iterable[tuple[int, int]]) -> str:
    """Spans of the week as people read them: `Mon 22:00–Tue 04:00, Wed 22:00–Thu 04:00`."""
    return ", ".join(f"{_moment(first)}–{_moment(last)}" for first, last in spans)


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _moment(minute: int) -> str:
    day, rest = divmod(minute, 1440)
    return f"{_DAYS[day % 7]} {rest // 60:02}:{rest % 60:02}"


def _listed(names: Iterable[str]) -> str:
    return " or ".join(names)


def _no(rule: str, text: str, manifest: Manifest | None = None, destination: Destination | None = None) -> Refusal:
    """A refusal by the provider; its detail names the proxy's rule that would refuse the same."""
    proxy = manifest.proxy_of(destination.zone) if manifest and destination else None
    denials = proxy.denials(destination) if proxy and destination else []
    named = ", ".join(denials[:_NAMED]) + (f" and {len(denials) - _NAMED} more" if len(denials) > _NAMED else "")
    behind = f"{proxy.gate} would refuse it too, by {named}" if proxy and denials else ""
    return Refusal(kind=PERMISSION, text=text, gate=GATE, rule=rule, detail=behind)
