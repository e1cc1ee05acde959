"""ZIA's Nanolog Streaming Service: firewall and web logs, as JSON, CEF, LEEF, `key=value` pairs, or a table with a head.

Facts: Zscaler, "NSS Feed Output Format: Firewall Logs" and "… Web Logs" (the specifiers), "General Guidelines for NSS Feeds and
Feed Formats" (hex encoding of what cannot be printed as `%HH`). What a specifier is called in the output is the feed's template:
the names here are those of the templates that Zscaler and makers of SIEMs publish; the specifier's own name always is one. Not
seen on a tenant. For aggregated sessions (`aggregate`) the fields are those of the last one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from .connection import Connection, NoConnectionError, address_of, clock_of, is_private, port_of

FIREWALL, WEB = "zia-firewall", "zia-web"

_CLIENT = ("csip", "cip", "clt_sip", "clientip", "cltip", "src", "cintip", "cltintip", "sourcetranslatedaddress")
_PUBLIC = ("tsip", "cintip", "cltintip", "cpubip", "cltpubip", "clientpublicip", "sourcetranslatedaddress", "src")
_SERVER = ("cdip", "dst", "sip", "serverip", "sdip", "dip", "destinationtranslatedaddress")
_NAME = ("cdfqdn", "cltdomain", "ehost", "host", "hostname", "dhost", "df_hostname")
_PORT = ("cdport", "dpt", "dstport", "srv_dport", "sdport", "destinationport")
_PROTOCOL = ("ipproto", "proto", "protocol", "app")
_ACTION = ("action", "act")
_RULE = ("rulelabel", "erulelabel", "rule", "urlfilterrulelabel", "policy", "reason")
_WEB_RULE = ("rulelabel", "urlfilterrulelabel", "apprulelabel")
_LOCATION = ("location", "locationname", "elocation", "spriv")
_USER = ("login", "user", "elogin", "suser", "usrname")
_TIME = ("datetime", "time", "epochtime", "timestamp", "rt", "devtime")
_WAY = ("ttype", "tuntype", "tunneltype", "trafficredirectmethod")
_URL = ("url", "eurl", "request")

FIREWALL_FIELDS = (
    *("time", "csip", "cdip", "cdport", "cdfqdn", "ipproto", "action", "rulelabel", "location", "login"),
    *("ttype", "tsip", "sdip", "sdport"),
)
"""Specifiers of firewall logs that are looked at."""
WEB_FIELDS = (
    *("time", "cip", "cintip", "sip", "host", "url", "proto", "reqmethod", "action", "reason", "rulelabel"),
    *("urlfilterrulelabel", "location", "login", "trafficredirectmethod"),
)
"""Specifiers of web logs that are looked at."""

DEFAULT_TABLE = (
    *("time", "login", "dept", "location", "cdport", "csport", "sdport", "ssport", "csip", "cdip", "ssip", "sdip", "tsip"),
    *("tsport", "ttype", "action", "dnat", "stateful", "aggregate", "nwsvc", "nwapp", "ipproto", "ipcat", "destcountry"),
    *("avgduration", "rulelabel", "inbytes", "outbytes", "duration", "durationms", "numsessions", "ipsrulelabel", "threatcat"),
    *("threatname", "deviceowner", "devicehostname"),
)
"""The columns of the firewall feed's own CSV template, which has no head (the sample on Zscaler's page)."""

_NOTHING = frozenset({"", "-", "None", "NA", "N/A", "NULL", "0.0.0.0", "::"})  # noqa: S104  # no interface is bound
_ALLOWED, _REFUSED = ("allow",), ("block", "drop", "reset", "deny", "denied", "eval_block")
_PORTS = {"https": 443, "ssl": 443, "tunnel_ssl": 443, "http_proxy": 443, "tunnel": 443, "http": 80, "ftp": 21, "ftps": 990}
"""Ports that a web log means by its protocol, where it tells none."""
_OTHERS = {"dns": "DNS", "tunnel": "tunnels", "casb": "SaaS security", "audit": "audit", "edlp": "endpoint DLP"}
_KEY = re.compile(r"(?:^|(?<=\s))([A-Za-z][\w.]*)=")
_ESCAPED = re.compile(r"\\(.)")


def parse(line: str) -> Connection | None:
    """The connection of a line in CEF, LEEF or `key=value` pairs; None when it is none of the service's.

    NoConnectionError for its logs of other things; ValueError, with what is wrong, when it is damaged.
    """
    fields = _pairs(line)
    return of(fields) if fields else None


def of(fields: Mapping[str, Any]) -> Connection | None:
    """The connection of a line's fields, whatever their letters' size; None when they are none of the service's."""
    inner = fields.get("event")
    kind = str(fields.get("sourcetype", ""))
    if isinstance(inner, Mapping):
        fields = inner
    found = _Fields(fields)
    if kind.startswith("zscalernss-"):
        what = kind.removeprefix("zscalernss-")
        if what not in ("fw", "web"):
            raise NoConnectionError(f"an NSS log of {_OTHERS.get(what, what)}: only firewall and web logs show connections")
        return _firewall(found) if what == "fw" else _web(found)
    vendor = str(found.get("devicevendor", ""))
    if "csip" in found or "cdip" in found or (vendor == "Zscaler" and "fw" in str(found.get("deviceproduct", "")).lower()):
        return _firewall(found)
    is_web = vendor == "Zscaler" or (found.keys() & {"cip", "clientip", "cltip"} and found.keys() & {*_URL, "host"})
    return _web(found) if is_web and found.keys() & set(_ACTION) else None


def layout(names: Sequence[str]) -> bool:
    """Whether a table's head is one of firewall or web logs."""
    found = {one.lower() for one in names}
    return bool({"csip", "cdip"} <= found or ("cip" in found and found & {"host", "url"})) and bool(found & set(_ACTION))


class _Fields(dict[str, Any]):
    """Fields by their names in small letters. Which of several names a feed has, is found once for all of its lines."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        names, self.present = _names(tuple(fields))
        super().__init__(zip(names, fields.values(), strict=True))

    def text(self, names: tuple[str, ...]) -> str:
        """The first of several fields that says something."""
        for name in self.present.get(names) or self._look(names):
            if text := _said(self[name]):
                return text
        return ""

    def texts(self, names: tuple[str, ...]) -> list[tuple[str, str]]:
        """Those of several fields that say something, with their names."""
        found = self.present.get(names) or self._look(names)
        return [(name, text) for name in found if (text := _said(self[name]))]

    def _look(self, names: tuple[str, ...]) -> tuple[str, ...]:
        found = self.present[names] = tuple(name for name in names if name in self)
        return found


def _said(value: Any) -> str:
    """A field as text; what stands for nothing is empty."""
    if type(value) is not str:
        value = "" if value is None or isinstance(value, dict | list) else str(value)
    text = value.strip()
    return "" if text in _NOTHING else text


@lru_cache(maxsize=256)
def _names(keys: tuple[Any, ...]) -> tuple[tuple[str, ...], dict[tuple[str, ...], tuple[str, ...]]]:
    """The names of a feed in small letters; and, to be filled, which of those that are asked for it has."""
    return tuple(str(key).lower() for key in keys), {}


def _firewall(fields: _Fields) -> Connection:
    name = _name(fields.text(_NAME))
    destination, source = _address(fields, _SERVER), _client(fields)
    if not destination and not name:
        raise ValueError("neither a destination's address nor its name: the feed has neither cdip nor cdfqdn")
    protocol = _protocol(fields.text(_PROTOCOL))
    return Connection(
        format=FIREWALL,
        source=source,
        source_port=port_of(fields.text(("csport", "spt", "srcport")), "csport"),
        destination=destination,
        name=name,
        port=(port_of(fields.text(_PORT), "cdport") or 0) if protocol in ("tcp", "udp") else 0,
        protocol=protocol,
        time=clock_of(fields.text(_TIME), "time"),
        allowed=_allowed(fields.text(_ACTION)),
        action=fields.text(_ACTION),
        rule=_plain(fields.text(_RULE)),
        user=_plain(fields.text(_USER)),
        location=_plain(fields.text(_LOCATION)),
        application=fields.text(("zpa_app_seg_name",)),
        way=fields.text(_WAY),
        seen_as=_public(fields, source),
        server=_address(fields, ("sdip", "destinationtranslatedaddress")),
        server_port=port_of(fields.text(("sdport", "destinationtranslatedport")), "sdport") or 0,
        device=fields.text(("datacenter",)),
        answers=False,
    )


def _web(fields: _Fields) -> Connection:
    url = _url(fields.text(_URL))
    name = _name(fields.text(_NAME)) or url.name
    destination = _address(fields, _SERVER)
    if name and not _is_name(name):
        destination, name = destination or name, ""
    if not destination and not name:
        raise ValueError("neither a destination's name nor its address: the feed has neither host, url nor sip")
    scheme, source = fields.text(("proto", "protocol", "app")).lower(), _client(fields)
    action = fields.text(_ACTION)
    allowed = _allowed(action)
    return Connection(
        format=WEB,
        source=source,
        source_port=port_of(fields.text(("clt_sport", "cltsourceport", "spt")), "clt_sport"),
        destination=destination,
        name=name,
        port=port_of(fields.text(_PORT), "srv_dport") or url.port or _PORTS.get(scheme, 443),
        protocol="tcp",
        time=clock_of(fields.text(_TIME), "time"),
        allowed=allowed,
        action=action,
        rule=_plain(fields.text(_WEB_RULE)),
        user=_plain(fields.text(_USER)),
        method=fields.text(("reqmethod", "requestmethod")),
        path=url.path,
        detail=fields.text(("reason",)) if allowed is False else "",
        location=_plain(fields.text(_LOCATION)),
        application=fields.text(("zpa_app_seg_name",)),
        way=fields.text(_WAY),
        seen_as=_public(fields, source),
        device=fields.text(("datacenter",)),
        answers=False,
    )


# --- fields


def _client(fields: _Fields) -> str:
    """The caller's own address: templates differ in which field has it, and which the one after NAT."""
    found = [address_of(text, name) for name, text in fields.texts(_CLIENT)]
    if not found:
        raise ValueError("no caller's address: the feed has neither csip nor cip")
    return next(filter(is_private, found), found[0])


def _public(fields: _Fields, source: str) -> str:
    found = (address_of(text, name) for name, text in fields.texts(_PUBLIC))
    return next((one for one in found if one != source), "")


def _address(fields: _Fields, names: tuple[str, ...]) -> str:
    text = fields.text(names)
    return address_of(text, names[0]) if text else ""


def _allowed(action: str) -> bool | None:
    """`Allowed`, `Blocked`, `Drop` …; None for what is between them (`Caution`)."""
    word = action.lower()
    return True if word.startswith(_ALLOWED) else False if word.startswith(_REFUSED) else None


def _protocol(text: str) -> str:
    word = text.lower()
    if word.isascii() and (word.isalnum() or not word) and len(word) <= 8:
        return {"6": "tcp", "17": "udp", "1": "icmp", "": "tcp"}.get(word, word)
    raise ValueError(f"proto is no protocol: {text[:40]!r}")


def _plain(text: str) -> str:
    """A name without hex encoding."""
    return unquote(text) if "%" in text else text


def _name(text: str) -> str:
    """A host's name as an access file writes it; a port behind it goes."""
    host = _plain(text).lower().rstrip(".")
    before, colon, port = host.rpartition(":")
    return before if colon and port.isdigit() and ":" not in before else host


@lru_cache(maxsize=4096)
def _is_name(text: str) -> bool:
    try:
        address_of(text.strip("[]"), "")
    except ValueError:
        return True
    return False


class _Url:
    """Host, port and path of a URL, which logs often write without its scheme."""

    __slots__ = ("name", "path", "port")

    def __init__(self, name: str = "", port: int = 0, path: str = "") -> None:
        self.name, self.port, self.path = name, port, path


_NO_URL = _Url()


@lru_cache(maxsize=8192)
def _url(text: str) -> _Url:
    if not text:
        return _NO_URL
    try:
        parts = urlsplit(text if "://" in text[:12] else f"//{text}")
        return _Url((parts.hostname or "").rstrip("."), parts.port or 0, parts.path or "/")
    except ValueError:
        raise ValueError(f"url is no URL: {text[:60]!r}") from None


# --- forms


def _pairs(line: str) -> dict[str, str]:
    """The fields of CEF, LEEF or pairs; empty where it is none of them."""
    for mark, split in (("CEF:", _cef), ("LEEF:", _leef)):
        place = line.find(mark)
        if place >= 0 and "|Zscaler|" in line[place : place + 40]:
            return split(line[place:])
    if "\t" in line:
        return dict(pair for pair in map(_pair, line.split("\t")) if pair[0])
    return {key: value.strip('"') for key, value in _spaced(line)}


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    return (key.strip(), value.strip().strip('"')) if equals else ("", "")


def _spaced(text: str) -> Iterator[tuple[str, str]]:
    """Pairs with spaces between them, and in their values: a value ends where the next key begins."""
    parts = _KEY.split(text)
    return zip(parts[1::2], map(str.strip, parts[2::2]), strict=True)


def _cef(line: str) -> dict[str, str]:
    head, fields = _head(line, 7)
    pairs = dict(_spaced(fields))
    if "\\" in fields:
        pairs = {key: _ESCAPED.sub(r"\1", value) for key, value in pairs.items()}
    return {"deviceVendor": head[1], "deviceProduct": head[2], **pairs}


def _leef(line: str) -> dict[str, str]:
    head, fields = _head(line, 5)
    delimiter = "\t"
    if head[0] == "LEEF:2.0" and "|" in fields[:6]:
        given, _, fields = fields.partition("|")
        delimiter = chr(int(given[1:], 16)) if re.fullmatch(r"x[0-9A-Fa-f]{2}", given) else given[:1] or delimiter
    pairs = dict(pair for pair in map(_pair, fields.split(delimiter)) if pair[0])
    return {"deviceVendor": head[1], "deviceProduct": head[2], **pairs}


def _head(line: str, count: int) -> tuple[list[str], str]:
    parts = line.split("|", count)
    if len(parts) != count + 1:
        raise ValueError(f"a head with {len(parts)} parts, where it has {count + 1}")
    return parts[:count], parts[count]
