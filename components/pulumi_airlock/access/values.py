"""The values of an access file that are written as text: ports, durations, networks, host names, times of day, names.

Each `parse_…` gives the meaning, or raises ValueError that shows the value and what would be right.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from zoneinfo import ZoneInfo

from ..errors import Problems
from . import globs
from .errors import quoted

IPNetwork = IPv4Network | IPv6Network
Service = tuple[str, int, int]
"""(IP protocol's name, first port, last port), both ends inclusive; a protocol without ports has 0–65535."""

PORT_PROTOCOLS = ("tcp", "udp", "sctp")
PLAIN_PROTOCOLS = ("icmp", "icmpv6", "gre", "esp")
RESERVED_PRINCIPALS = ("other", "outside")
"""What expectations call the two principals that are always there: any other DAG, and anything outside Airflow."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

DURATION_PATTERN = r"^[1-9][0-9]{0,6}[mhd]$"
PORT_PATTERN = r"^([0-9]{1,5}(-[0-9]{1,5})?/(tcp|udp|sctp)|icmp|icmpv6|gre|esp)$"
TIME_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
COMPONENT_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
PATH_PATTERN = r"^(\*|/[^\s?#]*)$"
CONNECTION_PATTERN = r"^[A-Za-z0-9_#!()\-.:/\\]{1,250}$"
ISSUER_PATTERN = r"^https://[^\s/?#]+(/[^\s?#]*)?$"
METHOD_PATTERN = r"^(\*|[A-Z][A-Z-]*)$"

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LONGEST = timedelta(days=3660)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE | re.ASCII)
_MAX_NAME = 253
"""Characters of a host name in text (RFC 1035, section 2.3.4: 255 octets on the wire)."""


def parse_duration(text: str) -> timedelta:
    """The length of `15m`, `1h`, `30d`."""
    if not _full(DURATION_PATTERN, text):
        raise ValueError(f"{quoted(text)} is no duration: write a number of minutes, hours or days, as in 15m, 1h, 30d")
    length = int(text[:-1]) * _UNITS[text[-1]]
    if length > _LONGEST:
        raise ValueError(f"{quoted(text)} is longer than ten years")
    return length


def duration_text(length: timedelta) -> str:
    """A length as an access file writes it, in the largest unit that is whole."""
    minutes = int(length.total_seconds() // 60)
    if minutes % 1440 == 0:
        return f"{minutes // 1440}d"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def parse_port(text: str) -> Service:
    """The meaning of `443/tcp`, `8000-8010/tcp`, `icmp`."""
    if text in PLAIN_PROTOCOLS:
        return text, 0, 65535
    if text in PORT_PROTOCOLS:
        raise ValueError(f"{quoted(text)} has no ports: write one port or a range, as in 443/{text} or 8000-8010/{text}")
    if re.fullmatch(r"[0-9]{1,5}(-[0-9]{1,5})?", text, re.ASCII):
        raise ValueError(f"{quoted(text)} has no protocol: write {text}/tcp or {text}/udp")
    swapped = re.fullmatch(r"(tcp|udp|sctp)[/:]([0-9]{1,5}(?:-[0-9]{1,5})?)", text, re.ASCII)
    if swapped:
        raise ValueError(f"{quoted(text)}: the port comes first; write {swapped[2]}/{swapped[1]}")
    found = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?/(tcp|udp|sctp)", text, re.ASCII)
    if not found:
        raise ValueError(
            f"{quoted(text)} is no port: write 443/tcp, 8000-8010/tcp, or a protocol without ports ({', '.join(PLAIN_PROTOCOLS)})"
        )
    first, last = int(found[1]), int(found[2] or found[1])
    if last > 65535 or first > 65535:
        raise ValueError(f"{quoted(text)}: ports go from 0 to 65535")
    if first > last:
        raise ValueError(f"{quoted(text)}: the range runs backwards; write {last}-{first}/{found[3]}")
    return found[3], first, last


@lru_cache(maxsize=4096)
def parse_cidr(text: str) -> IPNetwork:
    """An IPv4 or IPv6 network, written with its prefix length and without host bits: no two readings."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{quoted(text)} is no network: write 10.20.0.0/16 or 2001:db8::/32") from None
    if not re.fullmatch(r"[0-9A-Fa-f.:]+(/[0-9]+)?", text, re.ASCII):
        raise ValueError(f"{quoted(text)}: write the prefix's length, {network}")
    address = text.partition("/")[0]
    if "/" not in text:
        raise ValueError(f"{quoted(text)} has no prefix length: write {address}/{network.max_prefixlen} for this one address")
    if ip_address(address) != network.network_address:
        raise ValueError(
            f"{quoted(text)} has host bits set: write {network}, or {address}/{network.max_prefixlen} for this one address"
        )
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise ValueError(f"{quoted(text)} is an IPv4 network mapped into IPv6: write the IPv4 network")
    return network


def check_cidrs(problems: Problems, path: str, cidrs: Iterable[str]) -> None:
    """Notes what is no network, each at its own place."""
    for number, one in enumerate(cidrs):
        with problems.noting(f"{path}[{number}]"):
            parse_cidr(one)


def parse_host(text: str) -> str:
    """A host's name in lower case, or a suffix (`*.corp.example`): labels of letters, digits, `-`, `_` (RFC 1123, 2.1)."""
    bare = text.removeprefix("*.")
    if is_address(text.partition("/")[0]):
        raise ValueError(f"{quoted(text)} is an address: write it under cidrs")
    if "://" in text:
        raise ValueError(f"{quoted(text)} is a URL: write the host's name alone")
    if re.fullmatch(r"[^/:]+:[0-9]+", text):
        raise ValueError(f"{quoted(text)}: write the port under ports, and the host's name alone")
    if text.endswith("."):
        raise ValueError(f"{quoted(text)}: leave out the last dot")
    if not bare.isascii():
        raise ValueError(f"{quoted(text)}: write an international name in its ASCII form (xn--…)")
    if "*" in bare:
        raise ValueError(f"{quoted(text)}: a * may only stand for whole labels at the start, as in *.corp.example")
    if len(bare) > _MAX_NAME or not all(_LABEL.fullmatch(label) for label in bare.split(".")):
        raise ValueError(f"{quoted(text)} is no host name: write warehouse.corp.example or *.corp.example")
    return text.lower()


def parse_time(text: str) -> int:
    """Minutes since midnight of a time of day, `02:00`."""
    if text == "24:00":
        raise ValueError('"24:00": write "00:00", midnight at the end of the day')
    if not _full(TIME_PATTERN, text):
        raise ValueError(f'{quoted(text)} is no time of day: write hours and minutes, as in "02:00" or "22:30"')
    return int(text[:2]) * 60 + int(text[3:])


@lru_cache(maxsize=512)
def parse_timezone(text: str) -> ZoneInfo:
    """A time zone by its IANA name."""
    try:
        return ZoneInfo(text)
    except Exception:  # a folder's name, an empty name, a NUL or a name too long each raise an error of their own
        from zoneinfo import available_timezones

        from .errors import nearest

        near = nearest(text, available_timezones())
        hint = near if "did you mean" in near else "; write an IANA name, as in UTC or Europe/Zurich"
        raise ValueError(f"no time zone {quoted(text)}{hint}") from None


def parse_instant(text: str) -> datetime:
    """An instant in ISO 8601 with its offset."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or ("T" not in text.upper() and " " not in text):
        raise ValueError(f'{quoted(text)} is no instant: write date, time and offset, as in "2027-01-29T02:30:00+01:00"')
    if instant.tzinfo is None:
        raise ValueError(f'{quoted(text)} has no offset: write "{text}Z" for UTC, or the offset, as in "{text}+01:00"')
    return instant


def parse_date(value: object) -> date:
    """A day, as a date or as `2027-06-30`."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _full(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"{quoted(value)} is no day: {error}") from None
    raise ValueError(f"{quoted(value)} is no day: write year, month and day, as in 2027-06-30")


def parse_name(text: str) -> str:
    """A name that the file declares; without `.`, `:`, `/` and `*`, so that `dag.task` and `destination:port` stay clear."""
    if not _full(NAME_PATTERN, text):
        raise ValueError(f"{quoted(text)} is no name: write 1 to 64 letters, digits, - and _, a letter or digit first")
    return text


def parse_principal_name(text: str) -> str:
    """A principal's name: not one of those that are always there."""
    if text.lower() in RESERVED_PRINCIPALS:
        raise ValueError(f"{quoted(text)} is a principal that is always there; choose another name")
    return parse_name(text)


def parse_component(text: str) -> str:
    """The name of a component of the stack: a gate, an environment."""
    if not _full(COMPONENT_PATTERN, text):
        raise ValueError(f"{quoted(text)} is no component's name: write letters, digits, -, _ and .")
    return text


def parse_connection(text: str) -> str:
    """A connection's id in Airflow: what `sanitize_conn_id` of `airflow.models.connection` lets through, in ASCII."""
    if not _full(CONNECTION_PATTERN, text):
        raise ValueError(f"{quoted(text)} is no connection's id: write 1 to 250 letters, digits, _, - and .")
    return text


def parse_glob(text: str) -> str:
    """A glob on DAG or task ids that at least one id can match."""
    if len(text) > 250:
        raise ValueError(f"{quoted(text)} is longer than 250 characters, the longest id that Airflow takes")
    if globs.example(text) is None:
        raise ValueError(f"{quoted(text)} matches no id: Airflow's ids have letters, digits, _, - and .")
    return text


def parse_text(text: str) -> str:
    """Text that says something: not empty."""
    if not text.strip():
        raise ValueError("is empty: write something, or leave it out")
    return text


def parse_method(text: str) -> str:
    """An HTTP method in capitals (RFC 9110, section 9.1: methods are case-sensitive), or `*`."""
    if not _full(METHOD_PATTERN, text):
        fix = f"; write {text.upper()}" if _full(METHOD_PATTERN, text.upper()) else ": write GET, POST, …, or *"
        raise ValueError(f"{quoted(text)} is no HTTP method{fix}")
    return text


def parse_path_glob(text: str) -> str:
    """A glob on HTTP paths: starts with `/`, or is `*`."""
    if not _full(PATH_PATTERN, text):
        raise ValueError(f"{quoted(text)} is no path: write /v1/*, or * for all; without a query")
    return text


def parse_issuer(text: str) -> str:
    """An OIDC issuer: an https URL without query and fragment (OpenID Connect Discovery 1.0, section 3)."""
    if not _full(ISSUER_PATTERN, text):
        raise ValueError(f"{quoted(text)} is no issuer: write its https URL, as in https://bank.okta.example")
    return text


def _full(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text, re.ASCII) is not None


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
