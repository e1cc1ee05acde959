import pytest
from policy_testing import UNKNOWN, Secret, on, resource

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


@pytest.mark.parametrize(
    ("name", "prop"), [("zia-location-firewall", "ofwEnabled"), ("zia-location-tls-inspection", "sslScanEnabled")]
)
def test_locations_are_looked_at(name, prop):
    policy = on(name, PLACE)
    policy.passes(**{prop: True})
    policy.fails(f"{prop} is off", ports=[10101])
    policy.fails(f"{prop} is off", **{prop: False})
    policy.undecided(prop, **{prop: UNKNOWN})


def test_the_firewall_can_be_switched_on_by_itself():
    assert on("zia-location-firewall", PLACE).remedied(ports=[10101])["ofwEnabled"] is True


def test_location_no_sign_in():
    policy = on("zia-location-no-sign-in", PLACE)
    policy.passes(profile="SERVER", authRequired=False)
    policy.passes(profile="CORPORATE", authRequired=True, surrogateIp=True)
    policy.fails("authRequired is on", profile="SERVER", authRequired=True)
    policy.fails("surrogateIp is on", profile="WORKLOAD", surrogateIp=True)
    policy.undecided("authRequired", profile="SERVER", authRequired=UNKNOWN)
    policy.undecided("profile", profile=UNKNOWN, authRequired=True)


def test_location_told():
    policy = on("zia-location-told", PLACE)
    policy.passes(ports=[10101])
    policy.passes(ipAddresses=[UNKNOWN])
    policy.passes(vpnCredentials=[{"id": UNKNOWN}])
    policy.fails("no traffic comes by it", name="x")
    policy.undecided("ports", ports=UNKNOWN)


def test_locations_apart():
    policy = on("zia-locations-apart")
    airflow = resource(COMPONENT, "finance", egress={"ports": {"scheduler": 10101, "worker": 10102, "webserver": 10103}})
    policy.passes([airflow, resource(PLACE, "a", ports=[10101]), resource(PLACE, "b", ports=[10102])])
    policy.fails("holds a port of a's", [resource(PLACE, "a", ports=[10101]), resource(PLACE, "b", ports=[10101])], at="b")
    policy.fails("shared by finance's scheduler, finance's worker", [airflow, resource(PLACE, "a", ports=[10101, 10102])], at="a")
    one, two = resource(PLACE, "a", ipAddresses=["10.0.0.0/24"]), resource(PLACE, "b", ipAddresses=["10.0.0.128/25"])
    policy.fails("overlaps those of a", [one, two], at="b")
    policy.passes([one, resource(PLACE, "b", ipAddresses=["10.0.1.0/24"])])
    policy.passes([one, resource(PLACE, "b", ipAddresses=["10.0.0.128/25"], parentId=7)])
    policy.undecided("ports", [resource(PLACE, "a", ports=[UNKNOWN])])


def test_log_feed():
    policy = on("zia-log-feed")
    rules = [resource(FIREWALL, "rule", **ALLOW), resource(URL, "urls", **URL_ALLOW)]
    web = resource(FEED, "web", nssLogType="weblog", feedStatus="ENABLED")
    firewall = resource(FEED, "firewall", nssLogType="firewalllog")
    policy.passes([*rules, web, firewall])
    policy.passes([*rules, resource("zia:index:NssServer", "nss")])
    policy.fails("no enabled feed of the firewall log", [*rules, web], at="rule")
    policy.fails(
        "no enabled feed of the web log", [*rules, firewall, resource(FEED, "off", nssLogType="weblog", feedStatus="DISABLED")]
    )
    policy.undecided("web log", [*rules, firewall, resource(FEED, "web", nssLogType="weblog", feedStatus=UNKNOWN)])
    on("zia-log-feed", elsewhere=True).passes(rules)


def test_feed_secrets():
    policy = on("zia-feed-secrets", FEED)
    policy.passes(clientSecret=Secret("x"), connectionHeaders=Secret(["Authorization:Splunk x"]))
    policy.fails("clientSecret is plain text", clientSecret="x")
    policy.fails("connectionHeaders is plain text", connectionHeaders=["Authorization:Splunk x"])
    policy.passes(clientSecret=Secret(UNKNOWN))


def test_feed_tls():
    policy = on("zia-feed-tls", FEED)
    policy.passes(connectionUrl="https://siem.example")
    policy.fails("connectionUrl is not https", connectionUrl="http://siem.example")
    policy.fails("authenticationUrl is not https", connectionUrl="https://siem.example", authenticationUrl="http://login.example")
    policy.undecided("connectionUrl", connectionUrl=UNKNOWN)


def test_psk_secret():
    policy = on("zia-psk-secret", "zia:index:TrafficForwardingVpnCredentials")
    policy.passes(type="IP", preSharedKey=Secret("abcdefgh"))
    policy.fails("preSharedKey is plain text", type="IP", preSharedKey="abcdefgh")


def test_environment_around():
    policy = on("zia-environment-around")
    ports = {"scheduler": 10101, "worker": 10102, "webserver": 10103}
    places = [resource(PLACE, f"place-{port}", ports=[port]) for port in ports.values()]

    def airflow(**told):
        return [resource(COMPONENT, "finance", **told), resource(ENVIRONMENT, "finance-environment", parent="finance")]

    policy.passes([*airflow(egress={"ports": ports}), *places])
    policy.passes(airflow())  # nothing here manages ZIA
    policy.fails("is told no way out through Zscaler", [*airflow(), *places], at="finance-environment")
    policy.fails("is told no way out through Zscaler", [resource(ENVIRONMENT, "bare"), *places], at="bare")
    policy.fails("sends its worker to port 10102", [*airflow(egress={"ports": ports}), places[0], places[2]])
    tunnel = resource(GATE, "zia", environments={"finance": {"mode": "tunnel", "cidrs": {"all": ["10.0.0.0/24"]}}})
    policy.passes([*airflow(), tunnel, *places])
    policy.undecided("egress.ports", [*airflow(egress={"ports": UNKNOWN}), *places])
    policy.undecided(
        "egress.ports.worker", [*airflow(egress={"ports": ports}), places[0], places[2], resource(PLACE, "x", ports=[UNKNOWN])]
    )
