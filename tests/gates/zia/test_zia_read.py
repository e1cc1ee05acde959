"""What hand-written rules of a tenant let through, and what is said to be unproven where nobody can know."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fortigate_helpers import Point
from pulumi_airlock.access import Access
from pulumi_airlock.gates.stack import UNKNOWN, Stack
from pulumi_airlock.gates.zia import read, references
from pulumi_airlock.proof import prove
from pulumi_airlock.proof.filters import Environment
from pulumi_airlock.proof.sets import Hosts, Services
from zia_helpers import FIREWALL, URL, activation, airflow, both, location, resource, tenant, urn_of

WORKER = location("worker", 1, ports=[10102])
SCHEDULER = location("scheduler", 2, ports=[10101])
NAMES = resource("zia:index:FwIpDestinationGroup", "names", name="names", groupId=20, addresses=["api.example", "*.cdn.example"])
HTTPS = resource(
    "zia:index:FwNetworkService", "https", name="https", networkServiceId=30, destTcpPorts=[{"start": 443, "end": 443}]
)
CATEGORY = resource(
    "zia:index:UrlCategory", "urls", configuredName="urls", categoryId="CUSTOM_01", urls=["api.example", ".cdn.example"]
)
OBJECTS = (WORKER, SCHEDULER, NAMES, HTTPS, CATEGORY)
API = Point("10.40.0.5", "api.example", 443)


def allow(name="allow", **properties):
    given = {"name": name, "order": 1, "rank": 7, "action": "ALLOW", "state": "ENABLED", "locations": [1], "destIpGroups": [20]}
    return resource(FIREWALL, name, **{**given, "nwServices": [30], **properties})


def block(name="block", **properties):
    return resource(
        FIREWALL, name, **{"name": name, "order": 9, "rank": 7, "action": "BLOCK_DROP", "locations": [1, 2], **properties}
    )


def url(name="url", **properties):
    given = {"name": name, "order": 1, "rank": 7, "action": "ALLOW", "locations": [1], "urlCategories": ["CUSTOM_01"]}
    return resource(URL, name, **{**given, **properties})


def no_url(name="no-url", **properties):
    return resource(URL, name, **{"name": name, "order": 9, "rank": 7, "action": "BLOCK", "locations": [1, 2], **properties})


def stack(*rules, **options):
    rest = [one for one in (block(), no_url()) if one.name not in {rule.name for rule in rules}]
    return tenant(*OBJECTS, *rules, *rest, **options)


def test_both_filters_have_to_let_through():
    assert both(stack(allow(), url()), API) == "allow"
    assert both(stack(allow()), API) == "deny"
    assert both(stack(url()), API) == "deny"


def test_ids_that_are_not_known_yet_are_followed_by_their_dependencies():
    depends = {"locations": [WORKER.urn], "destIpGroups": [NAMES.urn], "nwServices": [HTTPS.urn]}
    rule = allow(locations=[UNKNOWN], destIpGroups=[UNKNOWN], nwServices=[UNKNOWN], depends=depends)
    web = url(locations=[UNKNOWN], urlCategories=[UNKNOWN], depends={"locations": [WORKER.urn], "urlCategories": [CATEGORY.urn]})
    assert both(stack(rule, web), API) == "allow"
    assert both(stack(rule, web), Point("10.40.0.5", "other.example", 443)) == "deny"


@pytest.mark.parametrize(
    ("host", "port", "answer"),
    [
        ("api.example", 443, "allow"),
        ("eu.cdn.example", 443, "allow"),
        ("cdn.example", 443, "deny"),
        ("api.example", 80, "deny"),
        ("evil.example", 443, "deny"),
    ],
)
def test_names_and_ports(host, port, answer):
    assert both(stack(allow(), url()), Point("10.40.0.5", host, port)) == answer


def test_a_task_may_take_the_schedulers_port_as_well():
    """A port is no barrier: what the scheduler's location lets through is the environment's."""
    assert both(stack(allow(locations=[2]), url(locations=[2])), API) == "allow"


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"state": "DISABLED"}, "deny"),
        ({"state": UNKNOWN}, "unproven"),
        ({"action": UNKNOWN}, "unproven"),
        ({"action": "EVAL_NWAPP"}, "unproven"),
        ({"groups": [5]}, "deny"),
        ({"departments": [5]}, "deny"),
        ({"deviceTrustLevels": ["HIGH_TRUST"]}, "deny"),
        ({"deviceTrustLevels": ["ANY"]}, "allow"),
        ({"deviceTrustLevels": ["UNKNOWN_DEVICETRUSTLEVEL"]}, "unproven"),
        ({"deviceTrustLevels": UNKNOWN}, "unproven"),
        ({"users": UNKNOWN}, "unproven"),
        ({"nwApplications": ["SSL"]}, "unproven"),
        ({"workloadGroups": [{"id": 3}]}, "unproven"),
        ({"timeWindows": [77]}, "unproven"),
        ({"locations": []}, "allow"),
        ({"locations": [404]}, "unproven"),
        ({"locationGroups": [4]}, "allow"),
        ({"locations": [], "locationGroups": [4]}, "unproven"),
        ({"destIpGroups": [404]}, "unproven"),
        ({"destIpGroups": [], "destAddresses": ["api.example"]}, "allow"),
        ({"destIpGroups": [], "destCountries": ["CH"]}, "unproven"),
        ({"destAddresses": ["10.0.0.0/8"]}, "unproven"),
        ({"nwServices": [404]}, "unproven"),
        ({"nwServices": []}, "allow"),
        ({"srcIps": ["10.40.0.0/24"]}, "unproven"),
    ],
)
def test_what_a_firewall_rule_does(change, answer):
    assert both(stack(allow(**change), url()), API) == answer


def test_a_block_at_one_of_two_ports_is_no_block():
    found = stack(block("early", order=0, locations=[1]), allow(locations=[1, 2]), url(locations=[1, 2]))
    assert both(found, API) == "unproven"
    assert both(stack(block("early", order=0), allow(), url()), API) == "deny"


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"urlCategories": ["NEWS_AND_MEDIA"]}, "unproven"),
        ({"urlCategories": []}, "allow"),
        ({"action": "CAUTION"}, "unproven"),
        ({"action": "ISOLATE"}, "unproven"),
        ({"requestMethods": ["OTHER"]}, "unproven"),
        ({"protocols": ["FTP_RULE"]}, "unproven"),
        ({"sizeQuota": 100}, "unproven"),
        ({"enforceTimeValidity": True}, "unproven"),
        (
            {
                "enforceTimeValidity": True,
                "validityStartTime": "Thu, 01 Jan 2026 00:00:00 UTC",
                "validityEndTime": "Fri, 01 Jan 2027 00:00:00 UTC",
                "validityTimeZoneId": "UTC",
            },
            "allow",
        ),
        (
            {
                "enforceTimeValidity": True,
                "validityStartTime": "Wed, 01 Jan 2025 00:00:00 UTC",
                "validityEndTime": "Thu, 01 Jan 2026 00:00:00 UTC",
                "validityTimeZoneId": "UTC",
            },
            "deny",
        ),
        ({"groups": [3]}, "deny"),
    ],
)
def test_what_a_url_rule_does(change, answer):
    assert both(stack(allow(), url(**change)), API) == answer


def test_a_block_that_may_be_overridden_is_unproven():
    assert both(stack(allow(), no_url(blockOverride=True, action="BLOCK")), API) == "unproven"


def test_numbers_decide_and_ranks_where_they_are_equal():
    early = block("early", order=0)
    assert both(stack(allow(), url(), early), API) == "deny"
    assert both(stack(allow(), url(), block("same", order=1)), API) == "unproven"
    assert both(stack(allow(), url(), block("same", order=1, rank=6)), API) == "deny"
    assert both(stack(allow(), url(), block("unknown", order=UNKNOWN)), API) == "unproven"


def test_without_an_activation_nothing_is_in_force():
    assert both(stack(allow(), url(), activated=False), API) == "unproven"
    assert both(stack(activated=False), API) == "unproven"


def test_a_rule_that_no_activation_waits_for_is_unproven():
    rules = (*OBJECTS, allow(), block(), url(), no_url())
    late = Stack([airflow(), *rules, activation(*(one for one in rules if one.name != "allow"))])
    assert both(late, API) == "unproven"


def test_a_location_without_firewall_lets_everything_through_there():
    off = location("worker", 1, ports=[10102])
    off = type(off)(**{**off.__dict__, "properties": {**off.properties, "ofwEnabled": False}, "stack": None})
    found = tenant(off, SCHEDULER, NAMES, HTTPS, CATEGORY, block(), url(), no_url())
    assert both(found, API) == "allow"


def test_the_default_rule_decides_where_no_other_does():
    default = resource(FIREWALL, "default", name="Default Firewall Filtering Rule", order=-1, action="ALLOW")
    assert both(tenant(*OBJECTS, url(), default), API) == "allow"
    assert both(tenant(*OBJECTS, url()), API) == "unproven"


def test_a_cloud_application_rule_may_come_first():
    app = resource("zia:index:CloudAppControlRule", "app", name="app")
    assert both(stack(allow(), app), API) == "unproven"


@pytest.mark.parametrize(
    ("action", "more", "answer"),
    [
        ({"type": "DO_NOT_DECRYPT", "doNotDecryptSubActions": {"bypassOtherPolicies": True}}, {}, "unproven"),
        ([{"type": "DO_NOT_DECRYPT", "doNotDecryptSubActions": [{"bypassOtherPolicies": UNKNOWN}]}], {}, "unproven"),
        ({"type": "DO_NOT_DECRYPT", "doNotDecryptSubActions": {"bypassOtherPolicies": False}}, {}, "deny"),
        ({"type": "DO_NOT_DECRYPT", "doNotDecryptSubActions": {"bypassOtherPolicies": True}}, {"state": "DISABLED"}, "deny"),
    ],
)
def test_what_is_not_decrypted_may_go_past_all_other_policies(action, more, answer):
    tls = resource("zia:index:SslInspectionRule", "tls", name="tls", action=action, **more)
    assert both(stack(allow(), no_url(), tls), API) == answer


def test_people_come_by_other_locations_of_which_nothing_is_said():
    scopes = {one.scope.who.environments for one in read(stack(allow(locations=[]), url(locations=[])))}
    assert scopes == {frozenset({"finance"})}
    assert {one.scope.hosts for one in read(Stack([WORKER, allow(locations=[])]))} == {Hosts()}


def test_an_expectation_that_people_get_nowhere_does_not_hold_by_zia_alone():
    document = {
        "principals": [{"name": "etl", "dags": ["*"], "environment": "finance"}],
        "zones": {"internet": {"gates": ["zia"]}},
        "destinations": [{"name": "api", "zone": "internet", "hosts": ["api.example"], "ports": ["443/tcp"]}],
        "routes": [{"name": "r", "from": ["etl"], "to": ["api"], "reason": "FIN-1"}],
        "expect": [{"from": "outside", "to": "api:443", "allow": False}],
    }
    finance = Environment("finance", "urn", Hosts.from_cidrs(["10.40.0.0/24"]))
    filters = [replace(one, gate="zia") for one in read(stack(allow(), url(), block(), no_url()))]
    (told,) = prove(Access.model_validate(document), [finance], filters, at=datetime(2026, 11, 26, tzinfo=UTC)).expectations
    assert not told.passed


def test_an_environment_of_which_nothing_is_told_may_come_by_any_location():
    unknown = resource("airlock:index:Access", "access", document={"environments": [{"name": "finance"}]})
    office = location("office", 7, ipAddresses=["192.0.2.0/24"])
    rule, web = allow(locations=[7]), url(locations=[7])
    found = tenant(office, NAMES, HTTPS, CATEGORY, rule, web, block(locations=[]), no_url(locations=[]), environments=(unknown,))
    assert both(found, API) == "unproven"


def test_rules_on_a_location_above_sublocations_are_unproven():
    gate = resource("airlock:index:ZiaGate", "zia", environments={"risk": {"mode": "tunnel", "cidrs": {"all": ["10.40.2.0/25"]}}})
    above = location("tunnel", 5, vpnCredentials=[{"id": 1}])
    below = location("risk", 6, parentId=5, ipAddresses=["10.40.2.0/25"])
    below = type(below)(**{**below.__dict__, "parent": gate.urn, "stack": None})
    point = Point("10.40.2.5", "api.example", 443, environment="risk")
    rest = (NAMES, HTTPS, CATEGORY, url(locations=[6]), block(locations=[6]), no_url(locations=[6]))
    assert both(tenant(above, below, *rest, allow(locations=[6]), environments=(gate,)), point) == "allow"
    assert both(tenant(above, below, *rest, allow(locations=[5]), environments=(gate,)), point) == "unproven"


def test_the_proxy_is_where_traffic_enters():
    (relay,) = next(read(stack(allow(), url()))).relays
    assert relay.environments == frozenset({"finance"})
    assert relay.entry.services == Services.of("tcp", 10102, 10102)
    assert relay.entry.hosts == Hosts.from_cidr("203.0.113.0/26")


def test_a_proxy_that_is_not_zscalers_carries_nothing_there():
    other = tenant(*OBJECTS, allow(), block(), environments=(airflow("finance"), airflow("risk", worker=3128)))
    assert [relay.environments for relay in next(read(other)).relays] == [frozenset({"finance"})]


def test_rules_tell_their_objects():
    firewall, urls = read(stack(allow(), url()))
    rule = next(one for one in firewall.rules if "allow" in one.source.urn)
    assert [(part.field, part.name, part.value) for part in rule.parts()] == [
        ("locations", "worker", "port 10102"),
        ("destIpGroups", "names", "*.cdn.example, api.example"),
        ("nwServices", "https", "443/tcp"),
    ]
    assert str(rule.source) == 'rule 1 "allow" (allow)'
    web = next(one for one in urls.rules if one.source.urn == urn_of(URL, "url"))
    assert [part.kind for part in web.parts()] == ["location", "URL category"]


def test_objects_that_nothing_names_are_told():
    found = {one.name for one in references(stack(allow(), url()))}
    assert found == set()
    unused = resource("zia:index:FwNetworkService", "ssh", name="ssh", networkServiceId=31)
    lost = url(urlCategories=["CUSTOM_09"])
    messages = [one.message for one in references(stack(allow(), lost, unused))]
    assert any('network service "ssh" has no effect' in one for one in messages)
    assert any('names URL category "CUSTOM_09"' in one for one in messages)


def test_strange_resources_never_raise():
    odd = [
        resource(FIREWALL, "odd", order="first", rank=None, locations="all", nwServices={"id": 1}, destAddresses=[7, None]),
        resource(
            URL, "odd-url", order=None, urlCategories=7, requestMethods="GET", validityStartTime=9, enforceTimeValidity=True
        ),
        resource("zia:index:LocationManagement", "odd-place", ports=["x"], ipAddresses=["nonsense", 5], parentId="?"),
        resource("zia:index:FwNetworkService", "odd-service", destTcpPorts=[{"start": 70000}, 5]),
        resource("zia:index:UrlCategory", "odd-urls", urls=[None, "a/b", "::"], ipRanges=["x"]),
        resource("zia:index:Activation", "odd-activation"),
    ]
    assert len(list(read(tenant(*odd)))) == 2
