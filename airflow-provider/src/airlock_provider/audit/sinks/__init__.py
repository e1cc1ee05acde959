"""Where audit events go: one module a kind, chosen by `kind` in the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..ocsf import Event
from .base import MAPPINGS, Settings, Sink, UnacceptableError
from .cloud_logging import CloudLoggingSink
from .cloudwatch import CloudWatchSink
from .files import FileSink, StdoutSink
from .splunk import SplunkSink
from .syslog import SyslogSink

__all__ = ["KINDS", "MAPPINGS", "Made", "Sink", "UnacceptableError", "sinks_of"]

KINDS: Mapping[str, Callable[[Settings], Sink]] = {
    "stdout": StdoutSink.of,
    "file": FileSink.of,
    "cloudwatch": CloudWatchSink.of,
    "cloud-logging": CloudLoggingSink.of,
    "splunk-hec": SplunkSink.of,
    "syslog-tls": SyslogSink.of,
}

Made = tuple[str, Sink, Callable[[Event], Event]]
"""A sink's kind, itself, and what becomes of an event before it goes there."""


def sinks_of(given: Sequence[Mapping[str, Any]]) -> list[Made]:
    """The sinks of settings. ValueError with everything that is wrong, each with its place (`audit_sinks[1]: …`)."""
    problems: list[str] = []
    made: list[Made] = []
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise ValueError(f"audit_sinks is no list: {given!r}")
    for position, one in enumerate(given):
        place = f"audit_sinks[{position}]"
        kind = one.get("kind") if isinstance(one, Mapping) else None
        if not isinstance(kind, str) or kind not in KINDS:
            problems.append(f"{place}: kind is {kind!r}; it is one of {', '.join(KINDS)}")
            continue
        settings = Settings(f"{place} ({kind})", one, problems)
        mapping = settings.choice("mapping", "ocsf", tuple(MAPPINGS))
        before = len(problems)
        try:
            sink = KINDS[kind](settings)
        except OSError as error:  # a file of certificates that is none
            settings.problem(str(error))
            continue
        settings.end()
        if len(problems) == before and mapping in MAPPINGS:
            made.append((kind, sink, MAPPINGS[mapping]))
    if problems:
        raise ValueError("\n".join(problems))
    return made
