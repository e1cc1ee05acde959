"""The CA of a Consul mesh: what Consul is told, what its chart is told, and what is refused."""

import json
from datetime import timedelta
from typing import Any

import pytest
from in_process import run
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.consul import ConsulCertificates, VaultAuthority
from pulumi_airlock.gates.stack import Resource, Stack

AUTHORITY = "consul:index/certificateAuthority:CertificateAuthority"


def _made(**given: Any) -> tuple[Resource, ConsulCertificates]:
    made: list[ConsulCertificates] = []
    stack = Stack(run(lambda: made.append(ConsulCertificates("ca", **given))))
    (authority,) = stack.of_type(AUTHORITY)
    return authority, made[0]


def test_consul_is_told_how_long_certificates_hold() -> None:
    authority, _ = _made(workload=timedelta(hours=2), intermediate=timedelta(days=7))
    assert authority.get("connectProvider") == "consul"
    config = json.loads(authority.get("configJson"))
    assert config["LeafCertTTL"] == "2h0m0s"
    assert config["IntermediateCertTTL"] == "168h0m0s"
    assert config["RootCertTTL"] == "8760h0m0s"


def test_vault_is_reached_by_a_role_and_no_secret_is_written_down() -> None:
    authority, _ = _made(vault=VaultAuthority("https://vault.example:8200", role="consul-server", root_path="connect-root-2027"))
    assert authority.get("connectProvider") == "vault"
    config = json.loads(authority.get("configJson"))
    assert config["RootPKIPath"] == "connect-root-2027"
    assert config["AuthMethod"] == {"Type": "kubernetes", "MountPath": "kubernetes", "Params": {"role": "consul-server"}}
    assert "Token" not in config


def test_the_first_root_is_made_with_the_same_lifetimes() -> None:
    authority, built_in = _made()
    said = json.loads(built_in.values["server"]["extraConfig"])["connect"][0]["ca_config"][0]
    asked = json.loads(authority.get("configJson"))
    assert (said["leaf_cert_ttl"], said["root_cert_ttl"]) == (asked["LeafCertTTL"], asked["RootCertTTL"])
    _, by_vault = _made(vault=VaultAuthority("https://vault.example:8200", role="consul-server"))
    connect = by_vault.values["global"]["secretsBackend"]["vault"]["connectCA"]
    said = json.loads(connect["additionalConfig"])["connect"][0]["ca_config"][0]
    assert (said["leaf_cert_ttl"], connect["rootPKIPath"]) == ("24h0m0s", "connect-root")


def test_lifetimes_that_consul_or_a_policy_refuses_are_refused_at_once() -> None:
    with pytest.raises(InputError) as caught:
        ConsulCertificates("ca", root=timedelta(days=3650), intermediate=timedelta(days=365), workload=timedelta(hours=72))
    text = str(caught.value)
    assert "ca: root: 3650 days, 0:00:00: write between a day and 1825 days" in text
    assert "ca: intermediate: 365 days, 0:00:00: write between three hours and 90 days" in text
    assert "ca: workload: 3 days, 0:00:00: write between an hour" in text
    with pytest.raises(InputError, match=r"over a third of the intermediate's .*: Consul refuses it"):
        ConsulCertificates("ca", intermediate=timedelta(hours=48))
    with pytest.raises(InputError, match="over a third of the root's"):
        ConsulCertificates("ca", root=timedelta(days=60))


def test_a_vault_that_cannot_be_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        ConsulCertificates("ca", vault=VaultAuthority("http://vault:8200", role="", root_path="pki", intermediate_path="pki/"))
    text = str(caught.value)
    assert "vault.address: 'http://vault:8200': write https://" in text
    assert "vault.role: is empty" in text
    assert "vault.intermediate_path: pki/ is the root's as well" in text
