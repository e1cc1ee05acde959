"""The lines of a plan that tell where logs go."""

from io import StringIO

from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_airlock.report.audit import show_audit
from rich.console import Console

SIEM = {"name": "soc", "syslog": {"host": "logs", "port": 6514}, "splunk": {"url": "https://hec"}}


def resource(kind, name, **props):
    custom = not kind.startswith("airlock:")
    return Resource(f"urn:pulumi:s::p::{kind}::{name}", kind, props, custom=custom)


def shown(*resources):
    text = StringIO()
    show_audit(Console(file=text, width=200), Stack(resources))
    return text.getvalue().splitlines()


TRAIL = resource("airlock:index:AuditTrail", "trail", siem=SIEM)
RULE = resource("zia:index:URLFilteringRule", "rule")
FEED = resource("zia:index:CloudNssFeed", "feed", connectionUrl="https://hec/services/collector")
POLICY = resource("fortios:firewall/policy:Policy", "allow", action="accept")


def test_nothing_is_said_where_no_siem_is_declared():
    assert shown(RULE, FEED) == []


def test_what_reaches_the_siem_and_what_does_not():
    assert shown(TRAIL, RULE, FEED) == ["Logs reach soc: 1 ZIA tenant"]
    assert shown(TRAIL, RULE, FEED, POLICY) == ["Logs reach soc: 1 ZIA tenant", "Logs do not reach soc: fortigate fortigate"]
    assert shown(TRAIL, POLICY) == ["Logs reach soc: nothing", "Logs do not reach soc: fortigate fortigate"]


def test_what_is_not_known_yet_is_said_to_be():
    feed = resource("zia:index:CloudNssFeed", "feed", connectionUrl=UNKNOWN)
    assert shown(TRAIL, RULE, feed)[1] == "Whether logs reach soc is known after the update: zia zia"
