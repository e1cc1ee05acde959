"""The manifest of an environment: what its tasks get to know, what stays out, and what is refused."""

import json
from hashlib import sha256
from typing import Any

import pytest
from pulumi_airlock.access import Access, AccessError
from pulumi_airlock.access.manifest import ConnectionSettings, Manifest, Proxy, ProxyRule, TaskIdentity, manifest

ACCESS: dict[str, Any] = {
    "environments": [{"name": "finance"}, {"name": "markets"}],
    "principals": [
        {"name": "ledger-close", "environment": "finance", "dags": ["ledger_*"], "serviceAccount": "ledger"},
        {"name": "curves", "environment": "markets", "dags": ["curves_*"]},
        {"name": "anywhere", "dags": ["adhoc_*"], "tasks": ["read_*"]},
        {"name": "controllers", "group": "airflow-finance"},
    ],
    "zones": {
        "datacenter": {"gates": ["aws_network", "tcp_proxy"]},
        "partners": {"gates": ["aws_network"]},
        "empty": {"gates": ["aws_network"]},
    },
    "destinations": [
        {
            "name": "ledger-db",
            "zone": "datacenter",
            "hosts": ["ledger.corp.example"],
            "ports": ["1521/tcp"],
            "protocol": "oracle",
        },
        {"name": "kafka", "zone": "datacenter", "cidrs": ["10.1.2.0/28", "10.1.3.4/32"], "ports": ["9093-9095/tcp", "53/udp"]},
        {"name": "v6", "zone": "partners", "cidrs": ["2001:db8::1/128"], "ports": ["443/tcp"], "connections": ["six"]},
        {"name": "rates", "zone": "partners", "hosts": ["*.rates.example"], "ports": ["443/tcp"], "class": "licensed"},
    ],
    "routes": [
        {
            "name": "close",
            "from": ["ledger-close", "controllers"],
            "to": ["ledger-db"],
            "session": "1h",
            "window": {"days": ["sun"], "from": "22:00", "to": "04:00", "timezone": "Europe/Zurich"},
            "credential": {"kind": "vault", "ref": "database/creds/ledger", "rotate": "1d"},
            "requires": ["tunnel-up"],
            "reason": "FIN-1",
            "expires": "2099-06-30",
        },
        {"name": "stream", "from": ["anywhere"], "to": ["kafka", "v6"], "window": {"dagrun": "adhoc_daily"}, "reason": "FIN-2"},
        {"name": "rates", "from": ["curves"], "to": ["rates"], "reason": "MKT-1"},
        {"name": "people", "from": ["controllers"], "to": ["rates"], "reason": "IAM-1"},
    ],
}
IDENTITY = TaskIdentity("https://issuer.example", "airlock-proxy", "sts", "asserted", region="eu-central-1")
PROXY = Proxy(
    "tcp_proxy",
    "proxy.airlock.internal:8443",
    ("datacenter",),
    rules={"ledger.corp.example:1521": ProxyRule("deny-ledger-db-1521", "allow-ledger-db-1521")},
)


def made(**changes: Any) -> Manifest:
    given = {"environment": "finance", "proxies": [PROXY], "identity": IDENTITY} | changes
    return manifest(Access.model_validate(given.pop("access", ACCESS)), **given)


def test_a_manifest_has_its_environments_tasks_and_their_routes_alone() -> None:
    document = made().document
    assert [one["name"] for one in document["principals"]] == ["ledger-close", "anywhere"]
    assert [(one["name"], one["principals"]) for one in document["routes"]] == [
        ("close", ["ledger-close"]),
        ("stream", ["anywhere"]),
    ]
    assert set(document["zones"]) == {"datacenter", "partners"}


def test_what_no_route_leads_to_is_known_by_its_connections_and_not_by_its_addresses() -> None:
    manifested = made()
    rates = manifested.document["destinations"][3]
    assert rates["connections"] == ["rates"]
    assert rates["targets"] == []
    assert "rates.example" not in manifested.text()


def test_targets_are_names_before_addresses_and_keep_their_ranges() -> None:
    by_name = {one["name"]: one["targets"] for one in made().document["destinations"]}
    assert by_name["ledger-db"] == ["ledger.corp.example:1521"]
    assert by_name["kafka"] == ["10.1.2.0/28:9093-9095", "10.1.3.4:9093-9095"]
    assert by_name["v6"] == ["[2001:db8::1]:443"]
    suffix = {one["name"]: one["targets"] for one in made(environment="markets", proxies=[]).document["destinations"]}
    assert suffix["rates"] == ["*.rates.example:443"]


def test_a_route_says_when_for_how_long_with_what_and_on_which_conditions() -> None:
    close, stream = made().document["routes"]
    assert close == {
        "name": "close",
        "principals": ["ledger-close"],
        "destinations": ["ledger-db"],
        "session": 3600,
        "expires": "2099-06-30",
        "window": {"timezone": "Europe/Zurich", "spans": [[0, 240], [9960, 10080]]},
        "credential": {"kind": "vault", "ref": "database/creds/ledger"},
        "requires": ["tunnel-up"],
        "reason": "FIN-1",
    }
    assert (stream["window"], stream["session"], stream["credential"]) == ({"dagrun": "adhoc_daily"}, None, None)


def test_the_text_is_canonical_and_the_digest_is_of_the_text() -> None:
    one, same = made(), made(access=json.loads(json.dumps(ACCESS)))
    assert one.text() == same.text()
    assert one.digest() == sha256(one.text().encode()).hexdigest()
    assert json.loads(one.text()) == one.document
    changed = json.loads(json.dumps(ACCESS))
    changed["routes"][0]["session"] = "2h"
    assert made(access=changed).digest() != one.digest()


def test_names_of_connections_are_the_destinations_or_what_it_says() -> None:
    ids = {one["name"]: one["connections"] for one in made().document["destinations"]}
    assert ids == {"ledger-db": ["ledger-db", "ledger_db"], "kafka": ["kafka"], "v6": ["six"], "rates": ["rates"]}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"environment": "finanse"}, 'environment: no environment "finanse"; did you mean "finance"?'),
        (
            {"proxies": [Proxy("tcp_proxy", "proxy.example", ("datacenter",))]},
            'proxies[0].address: "proxy.example" is no address: write host and port, as in proxy.corp.example:8443',
        ),
        ({"proxies": [Proxy("tcp_proxy", "p:1", ("datacentre",))]}, 'no zone "datacentre"; did you mean "datacenter"?'),
        ({"proxies": [Proxy("tcp_proxy", "p:1", ("partners",))]}, '"tcp_proxy" is none of the gates of zone "partners"'),
        ({"identity": TaskIdentity("http://issuer.example", "a", "sts", "asserted", region="r")}, "is no issuer"),
        ({"identity": TaskIdentity("https://i.example", "a", "kms", "asserted")}, "identity.key: a token of kms needs key"),
        ({"identity": TaskIdentity("https://i.example", "a", "oidc", "attested")}, "needs path or endpoint"),
        ({"identity": TaskIdentity("https://i.example", "a", "kms", "attested", key="k")}, "asserted, not attested"),
        ({"connections": {"ledgerdb": ConnectionSettings()}}, 'no destination has this connection; did you mean "ledger'),
        ({"connections": {"ledger_db": ConnectionSettings(port=1522)}}, "1522 is none of the ports"),
        ({"connections": {"kafka": ConnectionSettings(host="10.1.4.1")}}, '"10.1.4.1" is no host of destination "kafka"'),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(AccessError) as caught:
        made(**changes)
    assert says in str(caught.value)


def test_a_connection_of_two_destinations_is_refused_also_where_no_file_was_checked() -> None:
    twice = json.loads(json.dumps(ACCESS))
    twice["destinations"][1]["connections"] = ["ledger_db"]
    with pytest.raises(AccessError, match=r"destinations\[1\].connections\[0\]"):
        made(access=twice)


def test_all_problems_are_told_at_once() -> None:
    wrong = {"environment": "x", "proxies": [Proxy("g", "p", ("z",))], "identity": TaskIdentity("i", " ", "kms", "asserted")}
    with pytest.raises(AccessError) as caught:
        made(**wrong)
    assert len(caught.value.problems) == 6


def test_settings_of_connections_stand_in_it_when_there_are_any() -> None:
    assert "connections" not in made().document
    settings = {"kafka": ConnectionSettings(host="10.1.2.3", port=9094, extra={"security.protocol": "SSL"})}
    assert made(connections=settings).document["connections"] == {
        "kafka": {"host": "10.1.2.3", "port": 9094, "extra": {"security.protocol": "SSL"}}
    }


def test_an_issuer_on_this_machine_may_speak_http() -> None:
    local = TaskIdentity("http://127.0.0.1:9000", "airlock-proxy", "oidc", "asserted", endpoint="http://127.0.0.1:9000/token")
    assert made(identity=local).document["identity"]["endpoint"] == "http://127.0.0.1:9000/token"
