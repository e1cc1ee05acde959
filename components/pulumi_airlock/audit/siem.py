"""The declaration of the one SIEM that everything logs to, and the ways into it that each kind of source can speak.

A FortiGate and ZPA's log streaming speak syslog, or lines over TCP, alone; what AWS writes goes to Splunk, a bucket or a
CloudWatch destination; ZIA's Cloud NSS posts over HTTPS. So one SIEM has several intakes, each named here once. Hosts, URLs and
names are plain text: a reader must know them before the update.
"""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pulumi

from ..environments.mwaa.limits import BUCKET_NAME, KEY_ARN
from ..errors import Problems

SYSLOG_TLS_PORT = 6514
"""RFC 5425, section 4.1."""

_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9\-.]*[A-Za-z0-9])?")
_PEM = re.compile(r"\s*-----BEGIN CERTIFICATE-----\s.+\s-----END CERTIFICATE-----\s*", re.S)
_DESTINATION = re.compile(r"arn:aws(-[a-z]+)*:logs:[a-z0-9\-]+:\d{12}:destination:[^\s:*]+")
_SECRET_ARN = re.compile(r"arn:aws(-[a-z]+)*:secretsmanager:[a-z0-9\-]+:\d{12}:secret:\S+")
_HEC_PATHS = ("", "/", "/services/collector", "/services/collector/event", "/services/collector/raw")


@dataclass(frozen=True, slots=True, kw_only=True)
class SyslogIntake:
    """A receiver of syslog over TLS: for FortiGates and ZPA's log streaming.

    One of `ca_pem` and `public_ca` says whom the sender trusts: a device that trusts any certificate encrypts for anybody.
    """

    host: str
    """A host name, which the receiver's certificate carries, or an address."""
    port: int = SYSLOG_TLS_PORT
    ca_pem: str | None = None
    """The certificate (PEM) of the CA that signed the receiver's: the FortiGate is given it. No secret."""
    public_ca: bool = False
    """The receiver's certificate is of a CA that the devices have built in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplunkIntake:
    """Splunk's HTTP Event Collector. Data Firehose demands a certificate of a public CA, and acknowledgements switched on.

    The token is in Secrets Manager (`token_secret_arn`, as `{"hec_token": "…"}`), or given (`token`), and secret in the state.
    """

    url: str
    index: str
    """The index that the token writes to. Splunk decides by the token; searches and people go by this name."""
    token: pulumi.Input[str] | None = None
    token_secret_arn: pulumi.Input[str] | None = None
    extract_messages: bool = False
    """True: each log line is an event, as AWS recommends for Splunk; log group and stream, which alone name DAG, run and task,
    are dropped. False: Splunk gets whole records of CloudWatch Logs, and breaks them up by a source type of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Intake:
    """A bucket that the SIEM reads, which somebody else manages: its policy must let AWS's log services write."""

    bucket: str
    region: str
    kms_key_arn: str
    prefix: str = ""
    """Folder in the bucket, without slashes at its ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudWatchIntake:
    """CloudWatch Logs: a destination in the SIEM's account, or (`in_place`) this account's log groups, which the SIEM reads."""

    destination_arn: str | None = None
    in_place: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpsIntake:
    """An HTTPS API for ZIA's Cloud NSS: where the SIEM is no Splunk, or its token is in Secrets Manager alone."""

    url: str
    header: str = "Authorization"
    token: pulumi.Input[str]
    """The header's value (`Splunk …`, `Bearer …`); secret in the state."""
    siem_type: str = "OTHER"
    """ZIA's word for the SIEM (`SPLUNK`, `QRADAR`, …)."""


CloudIntake = SplunkIntake | S3Intake | CloudWatchIntake


@dataclass(frozen=True, slots=True)
class LssReceiver:
    """What a ZPA gate has to know of the receiver of its log streaming. TLS is no choice."""

    host: str
    """Its host name."""
    port: int
    """Its TCP port."""
    tls: bool = True
    """Always."""


@dataclass(frozen=True, slots=True)
class NssTarget:
    """What a ZIA gate has to know of the receiver of its Cloud NSS feed."""

    url: str
    """Where the feed is sent to."""
    siem: str
    """ZIA's word for it: `SPLUNK`, `OTHER`, …"""
    headers: tuple[pulumi.Output[str], ...]
    """`Authorization:Splunk <token>`: secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Siem:
    """The SIEM: its name, its intakes, and how long logs are kept at least, wherever they are kept."""

    name: str
    syslog: SyslogIntake | None = None
    cloud: CloudIntake | None = None
    """Where AWS's own logs go: one place, so that what belongs together is found together."""
    https: HttpsIntake | None = None
    minimum_retention_days: int = 365

    def lss_receiver(self) -> LssReceiver | None:
        """The receiver for ZPA's log streaming; None without a syslog intake."""
        return None if self.syslog is None else LssReceiver(self.syslog.host, self.syslog.port)

    def nss_target(self) -> NssTarget | None:
        """The receiver for ZIA's Cloud NSS: the HTTPS intake, else Splunk; None where there is neither.

        A Splunk token that is in Secrets Manager alone is not known here: give the HTTPS intake as well.
        """
        intake = self.https
        if intake is not None:
            header = pulumi.Output.secret(intake.token).apply(lambda value: f"{intake.header}:{value}")
            return NssTarget(intake.url, intake.siem_type, (header,))
        if isinstance(self.cloud, SplunkIntake) and self.cloud.token is not None:
            header = pulumi.Output.secret(self.cloud.token).apply(lambda value: f"Authorization:Splunk {value}")
            return NssTarget(hec_event_url(self.cloud), "SPLUNK", (header,))
        return None

    def described(self) -> dict[str, Any]:
        """What readers find among the component's inputs: no secrets."""
        found: dict[str, Any] = {"name": self.name, "minimumRetentionDays": self.minimum_retention_days}
        if self.syslog is not None:
            found["syslog"] = {"host": self.syslog.host, "port": self.syslog.port}
        match self.cloud:
            case SplunkIntake():
                found["splunk"] = {"url": self.cloud.url, "index": self.cloud.index}
            case S3Intake():
                found["s3"] = {"bucket": self.cloud.bucket, "prefix": self.cloud.prefix, "region": self.cloud.region}
            case CloudWatchIntake():
                found["cloudwatch"] = {"destinationArn": self.cloud.destination_arn, "inPlace": self.cloud.in_place}
        if self.https is not None:
            found["https"] = {"url": self.https.url}
        return found


def hec_header(secret_string: pulumi.Input[str]) -> pulumi.Output[str]:
    """`Splunk <token>`, secret, out of what Secrets Manager holds: the token, or `{"hec_token": "…"}` as Firehose wants it."""
    return pulumi.Output.secret(secret_string).apply(lambda text: f"Splunk {_token(text)}")


def _token(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return text.strip()
    return str(found["hec_token"]) if isinstance(found, dict) and "hec_token" in found else text.strip()


def hec_event_url(intake: SplunkIntake) -> str:
    """The URL that single events are posted to (Splunk, "HTTP Event Collector REST API endpoints")."""
    parts = urlsplit(intake.url)
    return f"https://{parts.netloc}/services/collector/event"


def check_siem(siem: Siem, region: str, problems: Problems) -> None:
    """Notes everything that an intake cannot be, or must not be."""
    if not siem.name.strip():
        problems.add("siem.name", "empty: name the SIEM, as people call it")
    if siem.minimum_retention_days < 1:
        problems.add("siem.minimum_retention_days", f"{siem.minimum_retention_days}: logs are kept a day at least")
    if siem.syslog is None and siem.cloud is None:
        problems.add("siem", "has no intake: give syslog= (for gates that are devices), cloud= (for what AWS writes), or both")
    if siem.syslog is not None:
        _check_syslog(siem.syslog, problems)
    if siem.https is not None:
        _check_url("siem.https.url", siem.https.url, problems)
        _check_token("siem.https.token", siem.https.token, problems)
    match siem.cloud:
        case SplunkIntake():
            _check_splunk(siem.cloud, problems)
        case S3Intake():
            _check_bucket(siem.cloud, region, problems)
        case CloudWatchIntake():
            _check_cloudwatch(siem.cloud, region, problems)


def _check_syslog(intake: SyslogIntake, problems: Problems) -> None:
    if "://" in intake.host:
        problems.add(
            "siem.syslog.host", f"{intake.host!r} is a URL: write the host alone; it is reached over TLS, never in plain"
        )
    elif not _HOST.fullmatch(intake.host):
        problems.add("siem.syslog.host", f"{intake.host!r} is no host name and no IPv4 address")
    if not 1 <= intake.port <= 65535:
        problems.add("siem.syslog.port", f"{intake.port}: a port is 1 to 65535; syslog over TLS has {SYSLOG_TLS_PORT}")
    if intake.port == 514:
        problems.add("siem.syslog.port", f"514 is syslog in plain text; syslog over TLS has {SYSLOG_TLS_PORT} (RFC 5425)")
    if intake.ca_pem is None and not intake.public_ca:
        fix = "give ca_pem= (the CA that signed the receiver's certificate), or public_ca=True"
        problems.add("siem.syslog.ca_pem", f"missing: a device that trusts any certificate logs to anybody; {fix}")
    if intake.ca_pem is not None and intake.public_ca:
        problems.add("siem.syslog.ca_pem", "given with public_ca=True: keep one of the two")
    if intake.ca_pem is not None and not _PEM.fullmatch(intake.ca_pem):
        problems.add("siem.syslog.ca_pem", "is no certificate in PEM; it begins with -----BEGIN CERTIFICATE-----")


def _check_url(path: str, url: str, problems: Problems) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        problems.add(path, f"{url!r} is not reached over TLS: write https://host")
    elif "@" in parts.netloc:
        problems.add(path, "holds a credential: the URL is no secret; give the token beside it")


def _check_token(path: str, token: pulumi.Input[str], problems: Problems) -> None:
    if isinstance(token, str) and not token.strip():
        problems.add(path, "empty: give the token, from a secret")


def _check_splunk(intake: SplunkIntake, problems: Problems) -> None:
    _check_url("siem.cloud.url", intake.url, problems)
    path = urlsplit(intake.url).path
    if path not in _HEC_PATHS:
        problems.add("siem.cloud.url", f"{path!r} is no path of the HTTP Event Collector: write https://host:8088")
    if not intake.index.strip():
        problems.add("siem.cloud.index", "empty: name the index that the token writes to")
    if (intake.token is None) == (intake.token_secret_arn is None):
        problems.add("siem.cloud.token", "give one of token= (from a secret) and token_secret_arn= (in Secrets Manager)")
    if intake.token is not None:
        _check_token("siem.cloud.token", intake.token, problems)
    arn = intake.token_secret_arn
    if isinstance(arn, str) and not _SECRET_ARN.fullmatch(arn):
        problems.add(
            "siem.cloud.token_secret_arn", f"{arn!r} is no secret's ARN; write arn:aws:secretsmanager:region:account:secret:…"
        )


def _check_bucket(intake: S3Intake, region: str, problems: Problems) -> None:
    if not BUCKET_NAME.fullmatch(intake.bucket):
        problems.add("siem.cloud.bucket", f"{intake.bucket!r} is no bucket's name: 3 to 63 lower-case letters, digits and -")
    if region and intake.region != region:
        fix = f"give a bucket of {region}, or replicate from there"
        problems.add("siem.cloud.region", f"{intake.region}: the logs are of {region}, and Data Firehose writes within it; {fix}")
    if not KEY_ARN.fullmatch(intake.kms_key_arn):
        problems.add("siem.cloud.kms_key_arn", f"{intake.kms_key_arn!r} is no key's ARN; write arn:aws:kms:region:account:key/id")
    if intake.prefix != intake.prefix.strip("/") or len(intake.prefix) > 200:
        problems.add("siem.cloud.prefix", f"{intake.prefix!r}: up to 200 characters, without slashes at its ends")


def _check_cloudwatch(intake: CloudWatchIntake, region: str, problems: Problems) -> None:
    arn = intake.destination_arn
    if (arn is None) != intake.in_place:
        problems.add("siem.cloud.destination_arn", "give it, or in_place=True: one of the two")
    if arn is None:
        return
    if not _DESTINATION.fullmatch(arn):
        problems.add("siem.cloud.destination_arn", f"{arn!r} is none; write arn:aws:logs:region:account:destination:name")
    elif region and arn.split(":")[3] != region:
        # The destination is of the log group's region (CloudWatch Logs API Reference, PutSubscriptionFilter).
        problems.add(
            "siem.cloud.destination_arn",
            f"is of {arn.split(':')[3]}: a subscription's destination is of {region}, its log group's",
        )
