"""Cloud NSS: the gate's logs, web and firewall, to a SIEM over HTTPS."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi
import zscaler_pulumi_zia as zia

from ...errors import Problems

_KINDS = {"web": ("weblog", "NSS_FOR_WEB"), "firewall": ("firewalllog", "NSS_FOR_FIREWALL")}
"""Log → (`nss_log_type`, `nss_feed_type`), as the SDK documents them (zscaler-pulumi-zia 1.4, CloudNssFeed)."""
SIEMS = ("SPLUNK", "SUMO_LOGIC", "DEVO", "AZURE_SENTINEL", "SENTINEL", "QRADAR", "S3", "OTHER")


@dataclass(frozen=True, slots=True, kw_only=True)
class NssFeed:
    """The SIEM that takes the logs: by a token, by headers with one, or by OAuth 2 client credentials."""

    url: str
    """HTTPS."""
    siem: str
    """`SPLUNK`, `AZURE_SENTINEL`, …: `SIEMS`."""
    headers: Sequence[pulumi.Input[str]] = ()
    """`Authorization:Splunk <token>`; kept secret."""
    token: pulumi.Input[str] | None = None
    """Kept secret."""
    client_id: pulumi.Input[str] | None = None
    client_secret: pulumi.Input[str] | None = None
    """Kept secret."""
    token_url: str | None = None
    """Where client credentials are exchanged, HTTPS."""
    scope: str | None = None
    timezone: str = "GMT"


def check_feed(feed: NssFeed, problems: Problems) -> None:
    """Notes a feed in the clear, or without anything to authenticate with."""
    for path, url in (("siem.url", feed.url), ("siem.token_url", feed.token_url)):
        if url is not None and (urlsplit(url).scheme != "https" or not urlsplit(url).hostname):
            problems.add(path, f"{url!r}: logs and credentials go over HTTPS alone; write https://…")
    if feed.siem not in SIEMS:
        problems.add("siem.siem", f"{feed.siem!r}: write one of {', '.join(SIEMS)}")
    oauth = {"client_id": feed.client_id, "client_secret": feed.client_secret, "token_url": feed.token_url}
    missing = [name for name, value in oauth.items() if value is None]
    if missing and len(missing) < len(oauth):
        problems.add(f"siem.{missing[0]}", "missing: client credentials need client_id, client_secret and token_url")
    if missing and not feed.headers and feed.token is None:
        problems.add("siem.headers", "nothing to authenticate with: write a token, a header with it, or client credentials")


def make_feeds(name: str, prefix: str, feed: NssFeed, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """One feed for each kind of log. The SDK marks neither the secret nor the headers: they are marked here."""
    oauth = feed.client_id is not None
    secret = pulumi.ResourceOptions(additional_secret_outputs=["clientSecret", "connectionHeaders"])
    made = []
    for log, (log_type, feed_type) in _KINDS.items():
        made.append(
            zia.CloudNssFeed(
                f"{name}-{log}-log",
                name=f"{prefix}{name}-{log}",
                feed_status="ENABLED",
                nss_type="NSS_FOR_WEB" if log == "web" else "NSS_FOR_FIREWALL",
                nss_log_type=log_type,
                nss_feed_type=feed_type,
                siem_type=feed.siem,
                connection_url=feed.url,
                connection_headers=pulumi.Output.secret(list(feed.headers)) if feed.headers else None,
                authentication_token=pulumi.Output.secret(feed.token) if feed.token is not None else None,
                oauth_authentication=oauth,
                client_id=feed.client_id,
                client_secret=pulumi.Output.secret(feed.client_secret) if feed.client_secret is not None else None,
                authentication_url=feed.token_url,
                grant_type="client_credentials" if oauth else None,
                scope=feed.scope,
                time_zone=feed.timezone,
                json_array_toggle=True,
                max_batch_size=512,
                opts=pulumi.ResourceOptions.merge(opts, secret),
            )
        )
    return made
