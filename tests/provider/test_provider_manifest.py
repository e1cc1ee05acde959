"""Reading the manifest: what Pulumi's side writes is read whole, and what cannot be read whole is not used."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from airlock_provider.manifest import ManifestError, Window, covers, load, parse
from airlock_provider.tokens import TokenError, issue
from provider_cases import ACCESS, IDENTITY, PROXY, read, run_of, written
from pulumi_airlock.access import Access, AccessError
from pulumi_airlock.access.manifest import ConnectionSettings, Proxy, ProxyRule, TaskIdentity, manifest


def test_both_sides_have_the_same_digest() -> None:
    made = manifest(Access.model_validate(ACCESS), "finance", [PROXY], IDENTITY)
    assert parse(made.text()).digest == made.digest()


def test_everything_that_was_written_is_read() -> None:
    found = read(connections={"stream": ConnectionSettings(host="10.1.2.3", extra={"a": 1})})
    close = found.routes[0]
    assert (found.environment, found.identity.endpoint) == ("finance", "https://issuer.example/token")
    assert [one.service_account for one in found.principals] == ["ledger", "loads"]
    assert (close.session, close.expires, close.requires) == (3600, date(2030, 6, 30), ("token-fresh",))
    assert close.window is not None
    assert close.window.spans[0] == (1320, 1680)
    assert found.routes[2].window == Window(dagrun="ledger_daily")
    assert found.by_connection["ledger_db"] is found.destinations["ledger-db"]
    assert found.zones["datacenter"] == ("aws_network", "tcp_proxy")
    assert found.proxies[0].endpoint == ("proxy.airlock.internal", 8443)
    assert found.proxies[0].server_name == "proxy.airlock.internal"
    assert found.proxies[0].rules["ledger.corp.example:5432"].deny == "deny-ledger-db-5432"
    assert found.connections["stream"].extra == {"a": 1}


def changed(change: Callable[[Any], object]) -> str:
    document = json.loads(written())
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda one: one.update(version="airlock.manifest/v2"), "reads airlock.manifest/v1"),
        (lambda one: one.pop("routes"), "KeyError: 'routes'"),
        (lambda one: one["principals"][0].update(dags="ledger_*"), "'ledger_*' is no list of texts"),
        (lambda one: one["routes"][0].update(principals=["nobody"]), "route close: no principal nobody"),
        (lambda one: one["routes"][0].update(destinations=["nowhere"]), "route close: no destination nowhere"),
        (lambda one: one["routes"][0].update(expires="soon"), "ValueError"),
        (lambda one: one["destinations"][1]["connections"].append("ledger_db"), "is of ledger-db and of rates"),
        (lambda one: one["identity"].update(more="x"), "TypeError"),
    ],
)
def test_what_cannot_be_read_whole_is_refused_whole(change: Callable[[Any], object], says: str) -> None:
    with pytest.raises(ManifestError, match=r".*") as caught:
        parse(changed(change))
    assert says in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "{}"])
def test_what_is_no_manifest_is_told(text: str) -> None:
    with pytest.raises(ManifestError):
        parse(text)


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(written())
    first = load(file)
    assert load(file) is first
    file.write_text(written(proxies=()))
    assert load(file).proxies == ()


def test_a_manifest_other_than_the_deployed_one_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(written())
    assert load(file, read().digest.upper())
    with pytest.raises(ManifestError, match=r"\[airlock\] digest says 0000"):
        load(file, "0000")


def test_a_file_that_is_not_there_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"manifest\.json: cannot be read: No such file"):
        load(tmp_path / "manifest.json")


@pytest.mark.parametrize(
    ("pattern", "target", "found"),
    [
        ("a.example:443", "A.example:443", True),
        ("a.example:443", "a.example:444", False),
        ("a.example:443", "b.example:443", False),
        ("*.example:443", "a.b.example:443", True),
        ("*.example:443", "example:443", False),
        ("k.example:9093-9095", "k.example:9095", True),
        ("k.example:9093-9095", "k.example:9096", False),
        ("10.1.2.0/28:5432", "10.1.2.15:5432", True),
        ("10.1.2.0/28:5432", "10.1.2.16:5432", False),
        ("10.1.2.0/28:5432", "a.example:5432", False),
        ("[2001:db8::/64]:443", "[2001:db8::7]:443", True),
        ("[2001:db8::1]:443", "[2001:db8::1]:443", True),
    ],
)
def test_a_single_target_is_found_in_a_destinations_own(pattern: str, target: str, found: bool) -> None:
    assert covers(pattern, target) is found


def test_the_proxys_rules_are_found_for_ranges_and_networks_too() -> None:
    rules = {f"10.1.2.{host}:{port}": ProxyRule(f"deny-stream-{port}", "a") for host in (1, 2) for port in (9093, 9094)}
    found = read(proxies=(Proxy("tcp_proxy", "proxy.example:1", ("datacenter",), rules=rules),))
    assert found.proxies[0].denials(found.destinations["stream"]) == ["deny-stream-9093", "deny-stream-9094"]
    assert found.proxies[0].denials(found.destinations["ledger-db"]) == []


def test_a_proxy_of_certificates_has_server_names_and_no_tokens() -> None:
    rules = {"ledger.corp.example:5432": ProxyRule("deny-x", "allow-x", "ledger-corp-example-5432.proxy.airlock.internal")}
    found = read(
        identity=TaskIdentity("", "", "certificate", "asserted"),
        proxies=(Proxy("tcp_proxy", "proxy.airlock.internal:8443", ("datacenter",), rules=rules),),
    )
    (proxy,) = found.proxies
    assert proxy.rules["ledger.corp.example:5432"].server_name == "ledger-corp-example-5432.proxy.airlock.internal"
    with pytest.raises(TokenError, match="certificates tell the tasks of this environment apart"):
        issue(found.identity, run_of())
    with pytest.raises(AccessError, match="leave both empty"):
        read(identity=TaskIdentity("https://issuer.example", "", "certificate", "asserted"))
