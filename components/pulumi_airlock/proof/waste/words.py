"""A match in words: what a rule would say."""

from collections.abc import Iterator
from datetime import datetime

from ..filters import Match, Who
from ..sets import Hosts, Services
from ..times import DagRun, Once, Times, Window
from ..wording import listed

_MOST = 6
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def match_text(match: Match) -> str:
    """`10.40.0.0/24 → 10.20.5.0/28, 5432/tcp, Mon 09:00–17:00 Europe/Zurich`; `anyone → anywhere` where it says nothing."""
    operations = sorted(map(str, match.operations or ()))
    parts = [
        "" if match.services == Services.every() else _some(str(match.services).split()),
        _some(operations) if match.operations is not None else "",
        " and ".join(times_text(match.times)),
    ]
    return ", ".join([f"{_who_text(match.who)} → {hosts_text(match.hosts)}", *filter(None, parts)])


def _who_text(who: Who) -> str:
    parts = []
    if who.environments is not None:
        parts.append(_some(sorted(who.environments)) if who.environments else "anything outside Airflow")
    if who.outside:
        parts.append(f"everybody but {_some(sorted(who.outside))}")
    if who.principals is not None:
        parts.append(_some(sorted(who.principals)))
    for each in who.tasks or ():
        parts.append(_some(sorted(f"{dag}.{task}" for dag, task in each)) or "no task")
    if who.groups is not None:
        parts.append(f"group {_some(sorted(who.groups))}")
    if who.workloads is not None:
        parts.append(_some(sorted(one or "no workload" for one in who.workloads)) or "no workload at all")
    if who.sources is not None:
        parts.append(("from " if parts else "") + hosts_text(who.sources))
    return " ".join(parts) or "anyone"


def hosts_text(hosts: Hosts) -> str:
    """Networks and names, `anywhere` for all of them."""
    if hosts.addresses() == Hosts.every().addresses():
        return "anywhere"
    names = ["every name"] if hosts.names.inverted or hosts.names.either else sorted(hosts.names.patterns)
    return _some([*map(str, hosts.networks()), *names]) or "nowhere"


def times_text(times: Times) -> Iterator[str]:
    """Each condition of a `Times`."""
    for windows in times:
        yield " or ".join(sorted(_window_text(one) for one in windows)) or "never"


def _window_text(window: Window) -> str:
    if isinstance(window, DagRun):
        return f"while {window.dag} runs"
    if isinstance(window, Once):
        start = f"from {_moment(window.start)}" if window.start else ""
        return " ".join(filter(None, [start, f"until {_moment(window.end)}" if window.end else ""])) or "always"
    return f"{_some([_span_text(*one) for one in window.spans])} {window.timezone}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M %Z}"


def _span_text(first: int, last: int) -> str:
    day, following = _DAYS[first // 1440], _DAYS[(last - 1) // 1440]
    until = f"{following} " if following != day else ""
    return f"{day} {_clock(first % 1440)}–{until}{_clock((last - 1) % 1440 + 1)}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _some(names: list[str]) -> str:
    return listed(names, _MOST)
