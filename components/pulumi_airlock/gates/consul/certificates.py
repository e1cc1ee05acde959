"""The CA of a Consul mesh: who signs, and for how long roots, intermediates and workloads' certificates hold.

Consul signs and rotates by itself: proxies renew before the end, intermediates at half of their life, and a configuration that
brings another root has the new one signed by the old as well, which stays trusted for twice a workload's certificate. What is
configured here is that, by Consul's API: the servers' own files count the first time only, before there is a root.

Facts: Consul, "Certificate authority for service mesh overview", "Rotate TLS certificates", "Common CA config options";
hashicorp/consul, agent/structs/connect_ca.go (the bounds); consul-k8s, chart consul, server-config-configmap (its values).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pulumi
import pulumi_consul as consul

from ...errors import InputError, Problem
from ...tokens import CONSUL_CERTIFICATES
from ..kubernetes.lifetimes import LONGEST_ANCHOR, LONGEST_ISSUER, LONGEST_WORKLOAD, SHORTEST_WORKLOAD, go_duration

BUILT_IN, VAULT = "consul", "vault"
_KEY: Mapping[str, Any] = {"PrivateKeyType": "ec", "PrivateKeyBits": 256}
"""The same for ever: a root of another kind of key cannot be signed by the one before (Consul, "Common CA config options")."""


@dataclass(frozen=True, slots=True)
class VaultAuthority:
    """Vault as the CA: the root's key never leaves it. Another `root_path` is another root, to which Consul goes over."""

    address: str
    """`https://vault.example:8200`."""
    role: str
    """Of Vault's Kubernetes authentication, for the account of Consul's servers: no token is written down."""
    root_path: str = "connect-root"
    intermediate_path: str = "connect-intermediate"
    auth_path: str = "kubernetes"
    ca_file: str = ""
    """Who signed Vault's own certificate, as a file of the servers; empty: their system's."""
    namespace: str = ""


class ConsulCertificates(pulumi.ComponentResource):
    """The configuration of a Consul mesh's CA.

    With Consul's own CA the root's key lies with its servers, and no update replaces it: for that, let Vault hold it.
    """

    values: dict[str, Any]
    """What to set in Consul's chart, so that the first root is made like this."""

    def __init__(
        self,
        name: str,
        *,
        vault: VaultAuthority | None = None,
        root: timedelta = timedelta(days=365),
        intermediate: timedelta = timedelta(days=30),
        workload: timedelta = LONGEST_WORKLOAD,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """
        Args:
            name: the component's name.
            vault: who signs; without it Consul's own CA.
            root: how long a root holds that is made from now on, at most five years; one that Vault has already stays as it is.
            intermediate: how long intermediates hold, at most 90 days, less than the root's third.
            workload: how long a workload's certificate holds: an hour to a day, and at most a third of the intermediate's.

        Raises:
            InputError: with every problem.
        """
        _check(name, vault, root, intermediate, workload)
        provider = VAULT if vault else BUILT_IN
        config = {
            "LeafCertTTL": go_duration(workload),
            "IntermediateCertTTL": go_duration(intermediate),
            "RootCertTTL": go_duration(root),
            **_KEY,
            **(_of_vault(vault) if vault else {}),
        }
        described = {"provider": provider, "workload": config["LeafCertTTL"]}
        super().__init__(CONSUL_CERTIFICATES, name, dict(described), opts)
        consul.CertificateAuthority(
            f"{name}-authority",
            connect_provider=provider,
            config_json=json.dumps(config, sort_keys=True),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.values = _values(config, vault)
        self.register_outputs({**described, "values": self.values})


def _of_vault(one: VaultAuthority) -> dict[str, Any]:
    found: dict[str, Any] = {
        "Address": one.address,
        "RootPKIPath": one.root_path,
        "IntermediatePKIPath": one.intermediate_path,
        "AuthMethod": {"Type": "kubernetes", "MountPath": one.auth_path, "Params": {"role": one.role}},
    }
    return found | {key: text for key, text in (("CAFile", one.ca_file), ("Namespace", one.namespace)) if text}


def _values(config: Mapping[str, Any], vault: VaultAuthority | None) -> dict[str, Any]:
    """The chart's values: the same in the form of the servers' files."""
    own = {
        "leaf_cert_ttl": config["LeafCertTTL"],
        "intermediate_cert_ttl": config["IntermediateCertTTL"],
        "root_cert_ttl": config["RootCertTTL"],
        "private_key_type": config["PrivateKeyType"],
        "private_key_bits": config["PrivateKeyBits"],
    }
    given = json.dumps({"connect": [{"ca_config": [own]}]}, sort_keys=True)
    if vault is None:
        return {"server": {"extraConfig": given}}
    connect = {
        "address": vault.address,
        "authMethodPath": vault.auth_path,
        "rootPKIPath": vault.root_path,
        "intermediatePKIPath": vault.intermediate_path,
        "additionalConfig": given,
    }
    backend = {"enabled": True, "consulServerRole": vault.role, "vaultNamespace": vault.namespace, "connectCA": connect}
    return {"global": {"secretsBackend": {"vault": backend}}}


def _check(name: str, vault: VaultAuthority | None, root: timedelta, intermediate: timedelta, workload: timedelta) -> None:
    found = []
    if not timedelta(days=1) <= root <= LONGEST_ANCHOR:
        found.append(Problem(name, "root", f"{root}: write between a day and {LONGEST_ANCHOR.days} days"))
    if not timedelta(hours=3) <= intermediate <= LONGEST_ISSUER:
        found.append(Problem(name, "intermediate", f"{intermediate}: write between three hours and {LONGEST_ISSUER.days} days"))
    if intermediate > root / 3:
        found.append(Problem(name, "intermediate", f"{intermediate} is over a third of the root's {root}: it would outlive it"))
    if not SHORTEST_WORKLOAD <= workload <= LONGEST_WORKLOAD:
        found.append(Problem(name, "workload", f"{workload}: write between an hour and {LONGEST_WORKLOAD}"))
    if workload * 3 > intermediate:
        found.append(
            Problem(name, "workload", f"{workload} is over a third of the intermediate's {intermediate}: Consul refuses it")
        )
    if vault:
        url = urlsplit(vault.address)
        if url.scheme != "https" or not url.hostname:
            found.append(Problem(name, "vault.address", f"{vault.address!r}: write https:// and the host"))
        for field in ("role", "root_path", "intermediate_path", "auth_path"):
            if not getattr(vault, field).strip("/ "):
                found.append(Problem(name, f"vault.{field}", "is empty"))
        if vault.root_path.strip("/") == vault.intermediate_path.strip("/"):
            found.append(
                Problem(name, "vault.intermediate_path", f"{vault.intermediate_path} is the root's as well: give it its own")
            )
    if found:
        raise InputError(found)
