"""What routes become in ZIA: the graph that a user relies on, and everything that is refused before it is made."""

import json
from datetime import date

import pytest
from google.protobuf import json_format
from pulumi_airlock.access.model import Access
from pulumi_airlock.environments.mwaa.egress import ProxyEgress
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.zia import LocationSettings, NssFeed, TimeWindow, TunnelEgress, ZiaGate
from zia_helpers import ENVIRONMENTS, FINANCE, FIREWALL, LOCATION, URL, compiled, run_program

DOCUMENT = {
    "principals": [
        {"name": "etl", "dags": ["fin_*"], "environment": "finance"},
        {"name": "var", "dags": ["var_*"], "environment": "risk"},
    ],
    "zones": {"internet": {"gates": ["zia"]}},
    "destinations": [
        {"name": "saas", "zone": "internet", "hosts": ["api.saas.example", "*.cdn.saas.example"], "ports": ["443/tcp"]},
        {"name": "files", "zone": "internet", "hosts": ["sftp.bank.example"], "cidrs": ["198.51.100.7/32"], "ports": ["22/tcp"]},
    ],
    "routes": [
        {"name": "orders", "from": ["etl", "var"], "to": ["saas"], "reason": "FIN-1"},
        {"name": "nightly", "from": ["var"], "to": ["files"], "reason": "RISK-2"},
    ],
}


def access(**changes):
    return Access.model_validate({**DOCUMENT, **changes})


def of(stack, kind):
    return {one.name: one for one in stack.of_type(kind)}


def test_each_component_has_a_location_of_its_own_by_its_port():
    found = of(compiled(access()), LOCATION)
    assert {name: one.get("ports") for name, one in found.items() if "finance" in name} == {
        "zia-finance-scheduler": [10101],
        "zia-finance-worker": [10102],
        "zia-finance-webserver": [10103],
    }
    assert found["zia-risk-all"].get("ipAddresses") == ["10.40.2.0/25"]
    assert found["zia-risk-all"].get("parentId") == 900
    for one in found.values():
        assert (one.get("ofwEnabled"), one.get("authRequired")) == (True, False)
        assert len(one.get("name")) <= 32


def test_components_with_subnets_of_their_own_have_sublocations_of_their_own():
    apart = TunnelEgress(parent_id=900, scheduler=("10.1.0.0/26",), worker=("10.1.0.64/26",), webserver=("10.1.0.128/26",))
    stack = compiled(access(), environments={"finance": apart, "risk": ENVIRONMENTS["risk"]})
    found = of(stack, LOCATION)
    assert {name: one.get("ipAddresses") for name, one in found.items() if "finance" in name} == {
        "zia-finance-scheduler": ["10.1.0.0/26"],
        "zia-finance-worker": ["10.1.0.64/26"],
        "zia-finance-webserver": ["10.1.0.128/26"],
    }
    rule = of(stack, FIREWALL)["zia-saas-firewall"]
    assert {one.name for one in rule.refers_to("locations")} == {"zia-finance-worker", "zia-risk-all"}


def test_workers_alone_are_let_out_and_everything_else_is_blocked_last():
    stack = compiled(access())
    rules = sorted(of(stack, FIREWALL).values(), key=lambda one: one.get("order"))
    assert [(one.get("order"), one.get("action")) for one in rules] == [(1, "ALLOW"), (2, "ALLOW"), (3, "BLOCK_RESET")]
    saas, _, block = rules
    assert {one.name for one in saas.refers_to("locations")} == {"zia-finance-worker", "zia-risk-all"}
    assert saas.get("destAddresses") == ["api.saas.example", "*.cdn.saas.example"]
    assert len(block.refers_to("locations")) == 4, "schedulers and web servers too"
    assert [one.get("enableFullLogging") for one in rules] == [True] * 3
    urls = sorted(of(stack, URL).values(), key=lambda one: one.get("order"))
    # SFTP in a tunnel is no web traffic.
    assert [(one.get("action"), one.get("order")) for one in urls] == [("ALLOW", 1), ("BLOCK", 2)]
    (category,) = stack.of_type("zia:index:UrlCategory")
    assert category.get("urls") == ["api.saas.example", ".cdn.saas.example"]


def test_rules_say_their_routes_reasons_and_what_the_gate_does_not_see():
    window = {"days": ["mon"], "from": "02:00", "to": "04:00", "timezone": "UTC"}
    stack = compiled(access(routes=[{"name": "orders", "from": ["etl"], "to": ["saas"], "window": window, "reason": "FIN-1"}]))
    text = of(stack, FIREWALL)["zia-saas-firewall"].get("description")
    assert text == "orders: FIN-1 [only mon 02:00-04:00 UTC: enforced at another gate]"


def test_a_window_that_the_tenant_has_is_used():
    window = {"days": ["mon"], "from": "02:00", "to": "04:00", "timezone": "UTC"}
    routes = [{"name": "orders", "from": ["etl"], "to": ["saas"], "window": window, "reason": "FIN-1"}]
    known = TimeWindow(id=77, days=("mon",), from_="02:00", to="04:00", timezone="UTC")
    stack = compiled(access(routes=routes), time_windows=[known], location=LocationSettings(tz="UTC"))
    assert of(stack, FIREWALL)["zia-saas-orders-firewall"].get("timeWindows") == [77]
    assert of(stack, URL)["zia-saas-orders-url"].get("timeWindows") == [77]


def test_an_end_is_the_url_rules():
    routes = [{"name": "orders", "from": ["etl"], "to": ["saas"], "expires": "2030-06-30", "reason": "FIN-1"}]
    rule = of(compiled(access(routes=routes), today=date(2026, 11, 1)), URL)["zia-saas-orders-url"]
    assert rule.get("enforceTimeValidity") is True
    assert rule.get("validityEndTime") == "Mon, 01 Jul 2030 00:00:00 UTC"
    later = compiled(access(routes=routes), today=date(2031, 1, 1))
    assert [one.name for one in later.of_type(FIREWALL)] == ["zia-block-firewall"]


def test_activation_is_last_and_runs_again_when_anything_changes():
    def triggers(document):
        _, recorder = run_program(lambda: ZiaGate("zia", access=document, environments=ENVIRONMENTS))
        (made,) = [one for one in recorder.requests.values() if one.type == "zia:index:Activation"]
        others = {urn for urn, one in recorder.requests.items() if one.type.startswith("zia:") and "Activation" not in one.type}
        assert others <= set(made.dependencies)
        return json_format.MessageToDict(made.replacement_trigger)

    ports = [DOCUMENT["destinations"][0] | {"ports": ["8443/tcp"]}, DOCUMENT["destinations"][1]]
    assert triggers(access()) == triggers(access())
    assert triggers(access()) != triggers(access(destinations=ports))


def test_a_change_of_content_keeps_every_name():
    """ZIA takes four deletions an hour: what a destination holds must never be part of a name."""
    changed = [
        DOCUMENT["destinations"][0] | {"hosts": ["api2.saas.example", "*.eu.saas.example"], "ports": ["8443/tcp", "443/tcp"]},
        DOCUMENT["destinations"][1] | {"cidrs": ["198.51.100.8/32"], "hosts": ["sftp2.bank.example"]},
    ]
    egress = ProxyEgress(host="other.example", cidrs=("203.0.113.64/26",), scheduler=11001, worker=11002, webserver=11003)
    before = {one.urn for one in compiled(access()).resources}
    after = {
        one.urn for one in compiled(access(destinations=changed), environments={**ENVIRONMENTS, "finance": egress}).resources
    }
    assert before == after


def test_logs_go_to_the_siem_and_the_secret_stays_one():
    feed = NssFeed(
        url="https://siem.bank.example/hec",
        siem="SPLUNK",
        client_id="id",
        client_secret="s3cret",
        token_url="https://login.example",
    )
    _, recorder = run_program(lambda: ZiaGate("zia", access=access(), environments=ENVIRONMENTS, siem=feed))
    feeds = [one for one in recorder.requests.values() if one.type == "zia:index:CloudNssFeed"]
    assert {one.object["nssLogType"] for one in feeds} == {"weblog", "firewalllog"}
    for one in feeds:
        assert "4dabf18193072939515e22adb298388d" in one.object["clientSecret"], "marked as a secret on the wire"
        assert "clientSecret" in one.additionalSecretOutputs
    assert "s3cret" not in json.dumps([dict(one.properties) for one in compiled(access()).resources], default=str)


@pytest.mark.parametrize(
    ("arguments", "changes", "says"),
    [
        ({"environments": {}}, {}, "write how each environment's traffic gets to Zscaler"),
        ({"environments": {"finance": FINANCE}}, {}, "environment 'risk' has no way to Zscaler here"),
        ({"environments": {**ENVIRONMENTS, "risk": FINANCE}}, {}, "port 10101 is environment finance's"),
        ({"environments": {**ENVIRONMENTS, "risk": TunnelEgress(parent_id=1)}}, {}, "write cidrs for all components together"),
        (
            {
                "environments": {
                    **ENVIRONMENTS,
                    "risk": TunnelEgress(parent_id=1, **dict.fromkeys(("scheduler", "worker", "webserver"), ("10.1.0.0/26",))),
                }
            },
            {},
            "ZIA tells sub-locations by address alone",
        ),
        ({"first_order": 0}, {}, "ZIA's rules begin at 1"),
        (
            {"time_windows": [TimeWindow(id=7, days=("mon",), from_="02:00", to="04:00", timezone="Europe/Zurich")]},
            {},
            "LocationSettings(tz=…_EUROPE_ZURICH)",
        ),
        ({"rank": 9}, {}, "an admin rank is 0–7"),
        ({"others": {"worker": ["saas"]}}, {}, "workers reach what routes say"),
        ({"others": {"scheduler": ["sass"]}}, {}, "no destination 'sass'"),
        ({"max_categories": 0}, {}, "URL categories are over 0"),
        ({"siem": NssFeed(url="http://siem.example", siem="SPLUNK", headers=["a"])}, {}, "over HTTPS alone"),
        ({"siem": NssFeed(url="https://siem.example", siem="SPLUNK")}, {}, "nothing to authenticate with"),
        (
            {},
            {"destinations": [DOCUMENT["destinations"][0] | {"ports": ["53/udp"]}, DOCUMENT["destinations"][1]]},
            "carries TCP alone",
        ),
        (
            {},
            {"destinations": [DOCUMENT["destinations"][0] | {"ports": ["icmp"]}, DOCUMENT["destinations"][1]]},
            "TCP and UDP ports alone",
        ),
        (
            {},
            {"destinations": [DOCUMENT["destinations"][0] | {"hosts": ["intranet"]}, DOCUMENT["destinations"][1]]},
            "single label",
        ),
        (
            {},
            {"principals": [{"name": "etl", "group": "people"}, DOCUMENT["principals"][1]]},
            "'etl' are people, who come by locations of their own",
        ),
    ],
)
def test_what_zia_would_refuse_is_refused_at_preview(arguments, changes, says):
    with pytest.raises(InputError) as raised:
        compiled(access(**changes), **arguments)
    assert says in str(raised.value)


def test_all_problems_at_once():
    with pytest.raises(InputError) as raised:
        compiled(access(), environments={"finance": FINANCE}, rank=9, siem=NssFeed(url="http://x", siem="NOPE"))
    assert len(raised.value.problems) >= 5
