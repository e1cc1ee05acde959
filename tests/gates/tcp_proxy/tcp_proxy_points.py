"""A filter's decision at one point, and the points that tests ask about: the proof's own model, spelt out."""

from datetime import datetime
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from pulumi_airlock.proof.filters import Action, Combine, Filter, Match
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.times import Once, Weekly


def decision(
    one: Filter, environment: str | None, workload: str, ids: tuple[str, str], host: str, port: int, when: datetime
) -> bool | None:
    """What a filter does with one connection; None where it does not know."""
    assert one.combine is Combine.FIRST_MATCH
    for rule in one.rules:
        if _matches(rule.match, environment, workload, ids, host, port, when):
            return None if rule.unknown else rule.action is Action.ALLOW
    return one.default is Action.ALLOW


def _matches(
    match: Match, environment: str | None, workload: str, ids: tuple[str, str], host: str, port: int, when: datetime
) -> bool:
    who = match.who
    place = Hosts.from_cidr(host) if host[0].isdigit() else Hosts.from_names([host])
    return (
        (who.environments is None or environment in who.environments)
        and (who.workloads is None or workload in who.workloads)
        and all(any(fnmatchcase(ids[0], a) and fnmatchcase(ids[1], b) for a, b in each) for each in who.tasks or ())
        and bool(match.hosts & place)
        and bool(match.services & Services.of("tcp", port, port))
        and all(any(_open(window, when) for window in each) for each in match.times)
    )


def _open(window: object, when: datetime) -> bool:
    if isinstance(window, Once):
        return (window.start is None or window.start <= when) and (window.end is None or when < window.end)
    assert isinstance(window, Weekly)
    here = when.astimezone(ZoneInfo(window.timezone))
    minute = here.weekday() * 1440 + here.hour * 60 + here.minute
    return any(first <= minute < last for first, last in window.spans)
