"""Durations as Go writes them, which certificates' lifetimes are given in."""

import re
from datetime import timedelta

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def seconds(text: str) -> float | None:
    """The seconds of `2160h0m0s`; None when it is no duration."""
    parts = re.findall(r"([\d.]+)(ms|h|m|s)", text)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != text:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def over(value: object, most: timedelta) -> str:
    """What is wrong with a lifetime; empty: nothing."""
    lasts = seconds(str(value))
    if lasts is None:
        return f"is {value}, which is no duration: write {int(most.total_seconds() // 3600)}h"
    if lasts <= most.total_seconds():
        return ""
    if most < timedelta(days=2):
        return f"is {lasts / 3600:.0f} hours, over {most.total_seconds() / 3600:.0f}"
    return f"is {lasts / 86400:.0f} days, over {most.days}"
