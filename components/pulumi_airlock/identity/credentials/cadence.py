"""How often: cadences as Secrets Manager takes them, and as periods of days. No Pulumi in here."""

import re
from datetime import date, timedelta

from ...access.values import duration_text

SHORTEST = timedelta(hours=4)
"""Secrets Manager rotates at most every four hours (User Guide, "Schedule expressions in Secrets Manager rotation")."""
LONGEST = timedelta(days=999)
"""The longest rate that it takes."""

_RATE = re.compile(r"rate\(\s*(\d+)\s+(hours?|days?)\s*\)")
_EPOCH = date(1970, 1, 1)


def schedule_expression(cadence: timedelta) -> str:
    """A cadence as a rate: in whole days, else in whole hours, rounded down so that it is never slower.

    ValueError outside of what Secrets Manager takes.

    >>> schedule_expression(timedelta(days=30)), schedule_expression(timedelta(hours=36, minutes=20))
    ('rate(30 days)', 'rate(36 hours)')
    """
    if not SHORTEST <= cadence <= LONGEST:
        least, most = duration_text(SHORTEST), duration_text(LONGEST)
        raise ValueError(f"{duration_text(cadence)}: Secrets Manager rotates every {least} to every {most}")
    hours = int(cadence.total_seconds() // 3600)
    count, unit = (hours // 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"rate({count} {unit}{'' if count == 1 else 's'})"


def parse_schedule(expression: str) -> timedelta | None:
    """The cadence of a rate; None for what is no rate (a cron expression, whose gaps are not all alike)."""
    found = _RATE.fullmatch(expression.strip())
    if not found:
        return None
    return int(found[1]) * (timedelta(hours=1) if found[2].startswith("hour") else timedelta(days=1))


def overdue_after(cadence: timedelta) -> timedelta:
    """The age from which a rotation is overdue: Secrets Manager may take the whole day on which it is due."""
    return cadence + min(timedelta(days=1), cadence)


def period(today: date, cadence: timedelta) -> int:
    """The number of the period that a day (of UTC) is in: the same all through the period, one more in the next.

    ValueError for a cadence that is no whole number of days.
    """
    days, rest = divmod(cadence, timedelta(days=1))
    if rest or days < 1:
        raise ValueError(f"{duration_text(cadence)} is no whole number of days")
    return (today - _EPOCH).days // days
