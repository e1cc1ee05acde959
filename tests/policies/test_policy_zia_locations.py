from policy_testing import UNKNOWN, Secret, on, resource

FIREWALL = "zia:index:FirewallFilteringRule"
URL = "zia:index:URLFilteringRule"
PLACE = "zia:index:LocationManagement"
FEED = "zia:index:CloudNssFeed"
ENVIRONMENT = "aws:mwaa/environment:Environment"
COMPONENT = "airlock:index:MwaaEnvironment"
GATE = "airlock:index:ZiaGate"


def test_location_firewall():
    policy = on("zia-location-firewall", PLACE)
    policy.passes(ofwEnabled=True)
    policy.fails("ofwEnabled is off", ports=[10101])
    policy.fails("ofwEnabled is off", ofwEnabled=False)
    policy.undecided("ofwEnabled", ofwEnabled=UNKNOWN)
    assert policy.remedied(ports=[10101])["ofwEnabled"] is True


def test_location_tls_inspection():
    policy = on("zia-location-tls-inspection", PLACE)
    policy.passes(sslScanEnabled=True)
    policy.fails("sslScanEnabled is off", ports=[10101])
    policy.fails("sslScanEnabled is off", sslScanEnabled=False)
    policy.undecided("sslScanEnabled", sslScanEnabled=UNKNOWN)


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
    rules = [resource(FIREWALL, "rule", action="ALLOW"), resource(URL, "urls", action="ALLOW")]
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
    policy.passes(type="IP", preSharedKey=Secret(UNKNOWN))
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
