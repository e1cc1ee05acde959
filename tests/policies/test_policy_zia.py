from policy_testing import UNKNOWN, on, resource

FIREWALL = "zia:index:FirewallFilteringRule"
URL = "zia:index:URLFilteringRule"
PLACE = "zia:index:LocationManagement"
FEED = "zia:index:CloudNssFeed"
ACTIVATION = "zia:index:Activation"
ENVIRONMENT = "aws:mwaa/environment:Environment"
COMPONENT = "airlock:index:MwaaEnvironment"
GATE = "airlock:index:ZiaGate"

ALLOW = {"action": "ALLOW", "state": "ENABLED", "order": 1, "rank": 7, "locations": [1], "destIpGroups": [2], "nwServices": [3]}
BLOCK = {"action": "BLOCK_RESET", "state": "ENABLED", "order": 2, "rank": 7, "locations": [1]}
URL_ALLOW = {"action": "ALLOW", "order": 1, "rank": 7, "locations": [1], "urlCategories": ["CUSTOM_01"]}
URL_BLOCK = {"action": "BLOCK", "order": 2, "rank": 7, "locations": [1]}


def test_no_any_destination():
    policy = on("zia-no-any-destination", FIREWALL)
    policy.passes(**ALLOW)
    policy.passes(**BLOCK)
    policy.passes(**{**ALLOW, "destIpGroups": [UNKNOWN]})
    policy.fails("names no destination", **{**ALLOW, "destIpGroups": []})
    policy.fails("names no destination", action=UNKNOWN, order=1)
    policy.undecided("destAddresses", **{**ALLOW, "destIpGroups": UNKNOWN})
    urls = on("zia-no-any-destination", URL)
    urls.passes(**URL_ALLOW)
    urls.fails("urlCategories names no destination", **{**URL_ALLOW, "urlCategories": ["ANY"]})
    urls.fails("names no destination", **{**URL_ALLOW, "action": "CAUTION", "urlCategories": []})
    urls.passes(**{**URL_ALLOW, "state": "DISABLED", "urlCategories": []})


def test_no_any_source():
    policy = on("zia-no-any-source", FIREWALL)
    policy.passes(**ALLOW)
    policy.passes(**{**ALLOW, "locations": [], "groups": [7]})
    policy.fails("names nobody", **{**ALLOW, "locations": []})
    policy.undecided("locations", **{**ALLOW, "locations": UNKNOWN})
    on("zia-no-any-source", URL).fails("names nobody", action="ALLOW", order=1, urlCategories=["CUSTOM_01"])


def test_no_any_service():
    policy = on("zia-no-any-service", FIREWALL)
    policy.passes(**ALLOW)
    policy.passes(**BLOCK)
    policy.fails("every port", **{**ALLOW, "nwServices": []})
    policy.undecided("nwServices", **{**ALLOW, "nwServices": UNKNOWN})


def test_full_logging():
    policy = on("zia-full-logging", FIREWALL)
    policy.passes(**ALLOW, enableFullLogging=True)
    policy.passes(**{**ALLOW, "state": "DISABLED"})
    policy.fails("enableFullLogging is off", **ALLOW)
    policy.undecided("enableFullLogging", **ALLOW, enableFullLogging=UNKNOWN)
    assert policy.remedied(**ALLOW)["enableFullLogging"] is True


def test_block_last():
    policy = on("zia-block-last")
    good = [resource(FIREWALL, "allow", **ALLOW), resource(FIREWALL, "block", **BLOCK)]
    policy.passes(good)
    policy.passes([resource(URL, "allow", **URL_ALLOW), resource(URL, "block", **URL_BLOCK)])
    policy.fails("no rule of the cloud firewall that blocks the rest", good[:1], at="allow")
    first = resource(FIREWALL, "block", **{**BLOCK, "order": 0})
    policy.fails("no rule of the cloud firewall", [good[0], first], at="allow")
    some = resource(FIREWALL, "block", **BLOCK, destAddresses=["10.0.0.0/8"])
    policy.fails("no rule of the cloud firewall", [good[0], some], at="allow")
    policy.fails("no rule of the URL filtering", [*good, resource(URL, "urls", **URL_ALLOW)], at="urls")
    policy.passes([good[0], resource(FIREWALL, "default", action="BLOCK_DROP", order=-1, defaultRule=True)])
    policy.undecided("block", [good[0], resource(FIREWALL, "block", **{**BLOCK, "action": UNKNOWN})])
    assert "the stack has none of" in policy.not_applicable([resource(PLACE, "office")])


def test_rule_order():
    policy = on("zia-rule-order")
    policy.passes([resource(FIREWALL, "one", **ALLOW), resource(FIREWALL, "two", **BLOCK), resource(URL, "three", **URL_ALLOW)])
    policy.passes([resource(FIREWALL, "one", **ALLOW), resource(FIREWALL, "two", **{**BLOCK, "order": 1, "rank": 6})])
    policy.passes([resource(FIREWALL, "one", **ALLOW), resource(FIREWALL, "two", **{**ALLOW, "state": "DISABLED"})])
    policy.fails(
        "is 1 with rank 7, as that of one", [resource(FIREWALL, "one", **ALLOW), resource(FIREWALL, "two", **ALLOW)], at="two"
    )
    policy.undecided("order", [resource(FIREWALL, "one", **{**ALLOW, "order": UNKNOWN})])


def test_activated():
    policy = on("zia-activated")
    rule, place = resource(FIREWALL, "rule", **ALLOW), resource(PLACE, "place", ports=[10101])

    def activation(*names, status="ACTIVE"):
        return resource(ACTIVATION, "activation", status=status, links={"waits": names})

    policy.passes([rule, place, activation("rule", "place")])
    policy.fails("is never activated", [rule])
    policy.fails("is not activated: no activation waits for it", [rule, place, activation("rule")], at="place")
    policy.undecided("status", [rule, activation("rule", status=UNKNOWN)])
