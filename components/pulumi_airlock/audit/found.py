"""What reading finds: sources of logs, the sinks that they reach, and the SIEM that was declared for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from ..gates.stack import UNKNOWN, Resource


class Standing(Enum):
    """What a sink is to a declared SIEM."""

    SIEM = "the SIEM"
    ARCHIVE = "the archive"
    """The copy that the trail itself keeps: no SIEM, and nowhere else either."""
    HERE = "this account"
    """A log group, where logs wait to be taken on, or a bucket of the stack: nobody's SIEM, and in nobody else's hands."""
    ELSEWHERE = "elsewhere"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that a sink does not get, or that cannot be known of it (`message` is empty then)."""

    resource: Resource
    path: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Sink:
    """One place that logs go to."""

    kind: str
    """`syslog`, `lss`, `nss`, `splunk`, `https`, `s3`, `cloudwatch` (a destination), `log group`, `trail`,
    `fortianalyzer` or `other`."""
    address: Any
    """Host and port, URL, bucket or ARN, as text; `UNKNOWN` before the update."""
    resource: Resource
    """The resource that sends there."""
    path: str
    """Its property that says where."""
    encrypted: Any
    """True, False or `UNKNOWN`: on its way, and in a stream on its way."""
    plain_at: str = ""
    """What says that it is not encrypted, as a property of `resource`."""
    gaps: tuple[Gap, ...] = ()
    store: Resource | None = None
    """The bucket or log group of the stack that keeps it, if one does."""
    content: str = ""
    """What is logged, where a source has several kinds (`zpn_trans_log`)."""


@dataclass(frozen=True, slots=True)
class LogSource:
    """Something whose logs an auditor asks for: a device, a tenant, a VPC, a log stream, the account."""

    kind: str
    """`fortigate`, `zpa`, `zia`, `vpc`, `mwaa`, `vpn` or `cloudtrail`."""
    name: str
    resource: Resource
    """The resource to name in a finding."""
    sinks: tuple[Sink, ...] = ()
    unknown: tuple[str, ...] = ()
    """Why it may have further sinks."""


@dataclass(frozen=True)
class Declared:
    """The SIEM that an `AuditTrail` of the stack declares."""

    resource: Resource
    inside: frozenset[str] = field(default_factory=frozenset)
    """URNs of what the component made."""

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self.resource.get("siem", "name", default=""))

    @property
    def minimum_days(self) -> Any:
        """How long logs are kept at least; `UNKNOWN`, or 0 where nothing is said."""
        days = self.resource.get("siem", "minimumRetentionDays", default=0)
        return days if days is UNKNOWN else int(days) if str(days).replace(".0", "").isdecimal() else 0

    @property
    def in_place(self) -> bool:
        """Whether it reads this account's log groups where they are."""
        return self.resource.get("siem", "cloudwatch", "inPlace", default=False) is True

    @property
    def existing_trail(self) -> Any:
        """ARN of the account's trail that is known to reach it; None where there is none."""
        return self.resource.get("existingTrailArn")

    @property
    def intakes(self) -> Mapping[str, Any]:
        """Its ways in, as one value to compare."""
        siem = self.resource.get("siem", default={})
        return {key: value for key, value in siem.items() if key != "minimumRetentionDays"} if isinstance(siem, Mapping) else {}

    def standing(self, sink: Sink) -> Standing:
        """What a sink is to this SIEM."""
        if self._is_archive(sink):
            return Standing.ARCHIVE
        if sink.kind == "trail":
            return Standing.SIEM  # declared to reach it: the trail is not in the stack
        if sink.kind == "log group":
            return Standing.SIEM if self.in_place else Standing.HERE
        wanted = {address for kind, address in self._addresses() if kind == _FAMILY.get(sink.kind)}
        if sink.address is UNKNOWN or UNKNOWN in wanted:
            return Standing.UNKNOWN if wanted or sink.kind not in _FAMILY else Standing.ELSEWHERE
        if _comparable(sink.kind, str(sink.address)) in wanted:
            return Standing.SIEM
        return Standing.HERE if sink.store is not None else Standing.ELSEWHERE

    def _is_archive(self, sink: Sink) -> bool:
        return sink.kind == "s3" and sink.store is not None and sink.store.urn in self.inside

    def _addresses(self) -> list[tuple[str, Any]]:
        """(Family of sinks, address) of each intake."""
        at = self.resource.get
        found: list[tuple[str, Any]] = []
        if at("siem", "syslog") is not None:
            host, port = at("siem", "syslog", "host"), at("siem", "syslog", "port")
            found.append(("line", endpoint(host, port)))
        for key in ("splunk", "https"):
            url = as_text(at("siem", key, "url"))
            if url is not None:
                found.append(("web", url if url is UNKNOWN else _host(url)))
        bucket, region = as_text(at("siem", "s3", "bucket")), at("siem", "s3", "region")
        if bucket is not None:
            found.append(("s3", bucket))
            # A service that posts to the bucket over HTTPS does so by its own host name.
            found.append(("web", bucket if bucket is UNKNOWN else f"{bucket}.s3.{region}.amazonaws.com:443"))
        arn = as_text(at("siem", "cloudwatch", "destinationArn"))
        if arn is not None:
            found.append(("cloudwatch", arn))
        return found


_FAMILY: Mapping[str, str] = {
    "syslog": "line",
    "lss": "line",
    "splunk": "web",
    "https": "web",
    "nss": "web",
    "s3": "s3",
    "cloudwatch": "cloudwatch",
}


def as_text(value: Any) -> Any:
    """A value as text; `UNKNOWN` and None as they are."""
    return value if value is UNKNOWN or value is None else str(value)


def _comparable(kind: str, address: str) -> str:
    family = _FAMILY.get(kind)
    if family == "web":
        return _host(address)
    if family == "s3":
        return bucket_of(address)
    return address.lower() if family == "line" else address


def endpoint(host: Any, port: Any) -> Any:
    """`host:port`, `UNKNOWN` where one of them is. Numbers come off the wire as floats."""
    if UNKNOWN in (host, port):
        return UNKNOWN
    return f"{host}:{int(port) if isinstance(port, float) and port.is_integer() else port}".lower()


def _host(url: str) -> str:
    """Host and port of a URL: paths differ between endpoints of one collector."""
    try:
        parts = urlsplit(url)
        return f"{(parts.hostname or '').lower()}:{parts.port or 443}"
    except ValueError:
        return url


def bucket_of(address: str) -> str:
    """The bucket's name in `arn:aws:s3:::name/folder`, or the name itself."""
    return address.rpartition(":::")[2].partition("/")[0]
