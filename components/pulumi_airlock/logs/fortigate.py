"""FortiGate traffic logs: `key=value` pairs, as FortiOS writes them to syslog (`set format default`), disk and memory.

Facts: Fortinet, "FortiOS Log Message Reference", "Traffic": `action` is `deny` where a policy blocked the connection, everything
else was allowed by policy and says how the session ended; `policyid` 0 is the implicit deny. "Administration Guide", "Sample logs
by log type" shows whole lines.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

from . import columns
from .connection import Connection, address_of, instant_of, port_of, protocol_of

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

    ValueError, with what is wrong, when it is one of another type, or damaged.
    """
    if "logid=" not in line and "srcip=" not in line:
        return None
    found: list[tuple[str, str]] = _PAIRS.findall(line)
    found.reverse()  # what stands first counts
    fields = _Fields(found)
    kind = fields.text("type", "traffic")
    if kind != "traffic":
        raise ValueError(f"a FortiGate log of type {kind!r}: only those of type traffic show connections")
    protocol = protocol_of(fields.text("proto"))
    if not protocol:
        raise ValueError("proto is missing")
    action = fields.text("action")
    stopped = fields.text("utmaction") in REFUSED
    return Connection(
        format=FORMAT,
        source=address_of(fields.text("srcip"), "srcip"),
        source_port=port_of(fields.text("srcport"), "srcport"),
        destination=address_of(fields.text("dstip"), "dstip"),
        name=fields.text("hostname") or fields.text("dstname"),
        port=_port(fields, protocol),
        protocol=protocol,
        time=_time(fields),
        allowed=None if not action else action not in REFUSED,
        action=action,
        rule=fields.text("policyname") or ("implicit deny" if fields.text("policyid") == _IMPLICIT else ""),
        rule_id=fields.text("policyid"),
        user=fields.text("user"),
        group=fields.text("group"),
        detail="a security profile stopped it, after the policy had let it through" if stopped else fields.text("msg"),
        device=fields.text("devname") or fields.text("devid"),
    )


def _port(fields: _Fields, protocol: str) -> int:
    if protocol in ("icmp", "icmpv6"):
        return 0  # FortiOS puts ICMP's type and code there
    return port_of(fields.text("dstport"), "dstport") or 0


def _time(fields: _Fields) -> datetime | None:
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


def _rest(name: str) -> str:
    return f"split_part(line, ' {name}=', 2)"


def _value(name: str) -> str:
    return f"split_part({_rest(name)}, ' ', 1)"


def _quoted(name: str) -> str:
    rest = _rest(name)
    return f"""CASE WHEN starts_with({rest}, '"') THEN split_part({rest}, '"', 2) ELSE split_part({rest}, ' ', 1) END"""


_INSIDE = r'"=*([^"=\\]*[^"=\w\\]=+)*[^"=\\]*"'
"""A value in quotes in which nothing looks like a field."""
_WHOLE = rf'([^"=]* |<\d+>)?(date|logver|itime|timestamp)=({_INSIDE}|[^"\s=]*)( \w+=({_INSIDE}|[^"\s=]*))* ?'
"""A line with nothing but fields, behind a syslog head or none."""

COLUMNS = columns.Columns(
    format=FORMAT,
    row="NULL",
    plain=f"regexp_full_match(line, '{_WHOLE}') AND {_quoted('type')} IN ('', 'traffic') "
    f"AND regexp_full_match(protocol, '[0-9]{{1,3}}') AND regexp_full_match({_value('eventtime')}, '[0-9]{{10,19}}') "
    "AND source <> '' AND destination <> ''",
    source=_value("srcip"),
    source_port=_value("srcport"),
    destination=_value("dstip"),
    name=columns.first(_quoted("hostname"), _quoted("dstname")),
    # FortiOS puts ICMP's type and code there.
    port=f"CASE WHEN {_value('proto')} IN ('1', '58') THEN '' ELSE {_value('dstport')} END",
    protocol=_value("proto"),
    seconds=f"TRY_CAST({_value('eventtime')}[:10] AS BIGINT)",
    allowed=f"CASE WHEN {_quoted('action')} <> '' THEN {_quoted('action')} NOT IN ({columns.listed(REFUSED)}) END",
    user=_quoted("user"),
)
"""How DuckDB reads plain lines: those with `eventtime`, and fields with one space between."""
