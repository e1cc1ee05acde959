"""FortiGate traffic logs: `key=value` pairs, as FortiOS writes them to syslog (`set format default`), disk and memory.

Facts: Fortinet, "FortiOS Log Message Reference", "Traffic": `action` is `deny` where a policy blocked the connection, everything
else was allowed by policy and says how the session ended; `policyid` 0 is the implicit deny. A session is logged when it ends,
and a long one every two minutes as well ("Log fields for long-live sessions"): `eventtime`, `date` and `time` are of the line,
and `duration` is how many seconds before that it began. "Administration Guide", "Sample logs by log type" shows whole lines.
"""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

from . import columns
from .connection import Connection, NoConnectionError, address_of, instant_of, port_of, protocol_of

FORMAT = "fortigate"

_PAIRS = re.compile(r'([a-zA-Z_]\w*+)=("[^"\\]*+(?:\\.[^"\\]*+)*+"|[^\s"]*+)')
REFUSED = frozenset({"deny", "denied", "block", "blocked", "dropped", "drop"})
_IMPLICIT = "0"
"""`policyid` of the implicit deny."""


class _Fields(dict[str, str]):
    """Fields by name, their values without quotes."""

    def text(self, name: str, default: str = "") -> str:
        """A field's value; `default` where the line has none."""
        value = self.get(name)
        return default if value is None else value[1:-1] if value[:1] == '"' else value


def parse(line: str) -> Connection | None:
    """The connection of a traffic log; None when it is no line of a FortiGate.

    NoConnectionError when it is one of another type (`event`, `utm`); ValueError, with what is wrong, when it is damaged.
    """
    if "logid=" not in line and "srcip=" not in line:
        return None
    found: list[tuple[str, str]] = _PAIRS.findall(line)
    found.reverse()  # what stands first counts
    fields = _Fields(found)
    kind = fields.text("type", "traffic")
    if kind != "traffic":
        raise NoConnectionError(f"a FortiGate log of type {kind!r}: only those of type traffic show connections")
    protocol = protocol_of(fields.text("proto"))
    if not protocol:
        raise ValueError("proto is missing")
    action = fields.text("action")
    logged, began = _times(fields)
    stopped = fields.text("utmaction") in REFUSED
    return Connection(
        format=FORMAT,
        source=address_of(fields.text("srcip"), "srcip"),
        source_port=port_of(fields.text("srcport"), "srcport"),
        destination=address_of(fields.text("dstip"), "dstip"),
        name=fields.text("hostname") or fields.text("dstname"),
        port=_port(fields, protocol),
        protocol=protocol,
        time=began,
        allowed=None if not action else action not in REFUSED,
        action=action,
        rule=fields.text("policyname") or ("implicit deny" if fields.text("policyid") == _IMPLICIT else ""),
        rule_id=fields.text("policyid"),
        user=fields.text("user"),
        group=fields.text("group"),
        detail="a security profile stopped it, after the policy had let it through" if stopped else fields.text("msg"),
        device=fields.text("devname") or fields.text("devid"),
        answers=False,  # a session is of who opened it
        until=logged,
    )


def _port(fields: _Fields, protocol: str) -> int:
    if protocol in ("icmp", "icmpv6"):
        return 0  # FortiOS puts ICMP's type and code there
    return port_of(fields.text("dstport"), "dstport") or 0


def _times(fields: _Fields) -> tuple[datetime | None, datetime | None]:
    """When the line was written, and when its session began."""
    logged, lasted = _logged(fields), fields.text("duration") or "0"
    if not (lasted.isascii() and lasted.isdigit() and len(lasted) <= 9):
        raise ValueError(f"duration is no number of seconds: {lasted[:40]!r}")
    if logged is None or lasted == "0":
        return logged, logged
    try:
        return logged, instant_of(int(logged.timestamp()) - int(lasted))
    except (OverflowError, OSError, ValueError):
        raise ValueError(f"duration is longer than there is time before the line: {lasted}") from None


def _logged(fields: _Fields) -> datetime | None:
    stamp = fields.text("eventtime")
    if stamp.isascii() and stamp.isdigit() and 10 <= len(stamp) <= 19:
        # Seconds before FortiOS 6.2, nanoseconds since.
        return instant_of(int(stamp[:10]))
    day, clock = fields.text("date"), fields.text("time")
    if not day or not clock:
        return None
    try:
        return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=_zone(fields.text("tz")))
    except ValueError:
        raise ValueError(f"date and time are no instant: {day[:20]!r} {clock[:20]!r}") from None


def _zone(text: str) -> timezone:
    """`+0200`, `-07:00`; UTC where the line has none."""
    found = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", text, re.ASCII)
    if not found or int(found[2]) > 14:
        return UTC
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(ahead if found[1] == "+" else -ahead)


_READ = (
    "type",
    "srcip",
    "srcport",
    "dstip",
    "dstport",
    "proto",
    "action",
    "eventtime",
    "duration",
    "hostname",
    "dstname",
    "user",
)
"""The fields that DuckDB looks at."""
_INSIDE = r'"=*([^"=\\]*[^"=\w\\]=+)*[^"=\\]*"'
"""A value in quotes in which nothing looks like a field."""
_WHOLE = rf'([^"=]* |<\d+>)?(date|logver|itime|timestamp)=({_INSIDE}|[^"\s=]*)( \w+=({_INSIDE}|[^"\s=]*))* ?'
"""A line with nothing but fields, behind a syslog head or none."""


def columns_of(lines: Iterable[str]) -> columns.Columns:
    """How DuckDB reads plain lines: those with `eventtime`. `lines`, of the same file, show where which field usually stands.

    Text is searched for a field only where it does not stand there: that takes many times as long as to look.
    """
    value = _values(lines)
    event, lasted, action = value["eventtime"], value["duration"], value["action"]
    return columns.Columns(
        format=FORMAT,
        row="string_split(line, '=')",
        plain=f"regexp_full_match(line, '{_WHOLE}') AND {value['type']} IN ('', 'traffic') "
        f"AND regexp_full_match(protocol, '[0-9]{{1,3}}') AND regexp_full_match({event}, '[0-9]{{10,19}}') "
        f"AND ({lasted} = '' OR regexp_full_match({lasted}, '[0-9]{{1,9}}')) AND source <> '' AND destination <> ''",
        source=value["srcip"],
        source_port=value["srcport"],
        destination=value["dstip"],
        name=columns.first(value["hostname"], value["dstname"]),
        # FortiOS puts ICMP's type and code there.
        port=f"CASE WHEN {value['proto']} IN ('1', '58') THEN '' ELSE {value['dstport']} END",
        protocol=value["proto"],
        seconds=f"TRY_CAST({event}[:10] AS BIGINT) - coalesce(TRY_CAST({lasted} AS BIGINT), 0)",
        ended=f"TRY_CAST({event}[:10] AS BIGINT)",
        allowed=f"CASE WHEN {action} <> '' THEN {action} NOT IN ({columns.listed(REFUSED)}) END",
        answers="false",
        user=value["user"],
    )


def _values(lines: Iterable[str]) -> dict[str, str]:
    """Field → the expression of its value, empty where a line has none."""
    places: dict[str, Counter[int]] = {name: Counter() for name in _READ}
    for line in lines:
        for place, part in enumerate(line.split("="), 1):
            if (name := part.rpartition(" ")[2]) in places:
                places[name][place] += 1
    found = {}
    for name, counted in places.items():
        searched = rf"""replace(regexp_extract(line, ' {name}=("[^"]*|[^\s"]*)', 1), '"', '')"""
        place = max(counted, key=lambda one: counted[one], default=1)
        there = f"row[{place + 1}]"
        found[name] = (
            f"CASE WHEN ends_with(row[{place}], ' {name}') AND NOT starts_with({there}, '\"') THEN split_part({there}, ' ', 1) "
            f"WHEN ends_with(row[{place}], ' {name}') AND {there} <> '\"' "
            f"AND (ends_with({there}, '\"') OR split_part({there}, '\"', 3) <> '') THEN split_part({there}, '\"', 2) "
            f"WHEN contains(line, ' {name}=') THEN {searched} ELSE '' END"
        )
    return found
