"""One connection as a log line shows it, the same for every format."""

import ipaddress
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

EPHEMERAL = 32768
"""The first port that Linux takes for the near end of a connection."""


class Session(NamedTuple):
    """Somebody who signed in at a cloud, and as what: not a connection, and it tells who connections are of."""

    user: str
    client: str
    """The client's type, in the cloud's words (`zpn_client_type_edge_connector`)."""


class NoConnectionError(ValueError):
    """A line that is understood, and is of something else than a connection: nothing is wrong with it."""

    def __init__(self, why: str, session: Session | None = None) -> None:
        super().__init__(why)
        self.session = session


class Connection(NamedTuple):
    """Who connected where, when, and what the device did. What a format does not tell is empty or None.

    A tuple, since a million of them are made when logs are learnt from.
    """

    format: str
    """Which parser read it: `fortigate`, `vpc-flow`, `tgw-flow`, `gcp-firewall`, `gcp-flow`, `hubble`, `envoy`, `airlock-proxy`,
    `zpa-lss`, `zia-firewall` or `zia-web`."""
    source: str
    """Source address; empty where a line of the LSS names the caller alone."""
    source_port: int | None
    destination: str
    """Destination address; empty where only the name is known."""
    name: str
    """Destination's name, where the device knows it (SNI, authority, resolved name)."""
    port: int
    """Destination port; 0 for protocols without ports."""
    protocol: str
    """`tcp`, `udp`, `icmp` …, or the IANA number as text."""
    time: datetime | None
    """When it began, with its time zone; of a flow log, when the first packet of its interval came."""
    allowed: bool | None
    """What the device decided; None: the line does not say."""
    action: str
    """The same in the device's words."""
    rule: str = ""
    """Name of the rule that decided."""
    rule_id: str = ""
    """Number of the rule that decided, as the device counts."""
    user: str = ""
    group: str = ""
    """Who was signed in, and the group that let them in."""
    method: str = ""
    path: str = ""
    """The HTTP request."""
    detail: str = ""
    """Why, where the device says more than yes or no."""
    device: str = ""
    """Which device, or network interface, wrote the line."""
    location: str = ""
    """Where the traffic entered a cloud: the location or sub-location of ZIA."""
    application: str = ""
    """The application segment that a cloud took the destination for."""
    way: str = ""
    """How the traffic came there: `GRE`, `IPSEC`, `PAC` …; of a flow log, the number of its `traffic-path`."""
    seen_as: str = ""
    """The address that a cloud saw the caller with, after NAT."""
    server: str = ""
    server_port: int = 0
    """Where a cloud connected to, where its client connected to itself (an explicit proxy), or an address was translated."""
    service: str = ""
    """The AWS service that the destination's address belongs to (`S3`, `AMAZON`), where a flow log says so."""
    answers: bool | None = None
    """Whether it is what a server answered: by its TCP flags, or False where the device logs what callers open; None: nothing
    says."""
    until: datetime | None = None
    """When it was seen last, where the line is of more than an instant: its end, or that it was still there."""
    environment: str = ""
    dag_id: str = ""
    task_id: str = ""
    """The task that connected, where the log names it."""

    @property
    def is_answer(self) -> bool:
        """Whether it is what a server answered; where the line does not say, by its ports: from a server's to a caller's."""
        if self.answers is not None:
            return self.answers
        return self.source_port is not None and self.source_port < EPHEMERAL <= self.port

    @property
    def where(self) -> str:
        """The destination with its port, as `explain` takes it: by its address, where it has one."""
        return self._with_port(self.destination or self.name)

    @property
    def named(self) -> str:
        """The same by its name, where it has one."""
        return self._with_port(self.name or self.destination)

    def _with_port(self, host: str) -> str:
        port = f"{self.port}/{self.protocol}" if self.port else self.protocol
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def __str__(self) -> str:
        source = f"[{self.source}]" if ":" in self.source and self.source_port else self.source or self.user
        port = f":{self.source_port}" if self.source_port else ""
        name = f" ({self.name})" if self.name and self.destination else ""
        when = f" at {self.time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if self.time else ""
        return f"{source}{port} → {self.where}{name}{when}"


PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "47": "gre", "50": "esp", "58": "icmpv6", "132": "sctp"}
"""IANA "Protocol Numbers", those with a name in an access file."""


def protocol_of(number: str) -> str:
    """The name of an IP protocol that a log gives by its number; the number where it has none here."""
    return PROTOCOLS.get(number, number)


@lru_cache(maxsize=65536)
def _address(text: str) -> str:
    """A log has few addresses, and each of them often."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def address_of(text: str, field: str) -> str:
    """An address as people write it. ValueError, which names the field, when it is none."""
    found = _address(text)
    if not found:
        raise ValueError(f"{field} is no address: {text[:60]!r}" if text else f"{field} is missing")
    return found


def port_of(text: str, field: str) -> int | None:
    """A port; None where the line has none (`-`, or nothing). ValueError when it is no port."""
    if text.isdigit() and text.isascii() and len(text) <= 5 and (found := int(text)) < 65536:
        return found
    if text in ("", "-"):
        return None
    raise ValueError(f"{field} is no port: {text[:60]!r}")


@lru_cache(maxsize=4096)
def instant_of(seconds: int) -> datetime:
    """Seconds since 1970 as an instant."""
    return datetime.fromtimestamp(seconds, UTC)


_YEARS = (1970, 2200)
"""What is beyond is damaged; at the ends of the calendar, time zones have no meaning."""
_CLOCKS = ("%a %b %d %H:%M:%S %Y", "%b %d %Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%y-%m-%d %H:%M:%S")
"""How Zscaler's templates write an instant, all of them in UTC (`GMT` in the feed's settings)."""


@lru_cache(maxsize=65536)
def clock_of(text: str, field: str) -> datetime | None:
    """An instant as templates of logs write it: ISO 8601, `Fri May 31 17:35:42 2019`, seconds or milliseconds since 1970; UTC
    unless it says otherwise. None where there is none. ValueError when it is no instant."""
    if not text or text in ("-", "0", "None"):
        return None
    if text.isascii() and text.isdigit() and len(text) in (10, 13):
        return instant_of(int(text[:10]))
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = _by_clock(text, field)
    if not _YEARS[0] <= found.year <= _YEARS[1]:
        raise ValueError(f"{field} is no instant of a log: {text[:40]!r}")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _by_clock(text: str, field: str) -> datetime:
    for clock in _CLOCKS:
        try:
            return datetime.strptime(text, clock)  # the caller says that it is UTC
        except ValueError:
            continue
    raise ValueError(f"{field} is no instant: {text[:40]!r}")


@lru_cache(maxsize=65536)
def is_private(address: str) -> bool:
    """Whether an address is one of a private network, as those of an environment's subnets are."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in one for one in _PRIVATE if one.version == found.version)


_PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")))
"""RFC 1918, RFC 6598 and RFC 4193."""
