"""The proxy on machines of Google Cloud: who reaches it, what it may, how it is read; and the script that brings its files."""

import base64
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from in_process import run
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.gates.tcp_proxy import OnGce, SecretFiles, TaskIssuer, TcpProxy, read
from pulumi_airlock.gates.tcp_proxy.gce import SCRIPT
from pulumi_airlock.tokens import TCP_PROXY
from ruamel.yaml import YAML
from tcp_proxy_program import ACCESS, AUTHORITY, KEYS, TODAY, eventually
from test_tcp_proxy_whole_stacks import proof

GCE = OnGce(
    project="bank",
    region="europe-west1",
    network_id="projects/bank/global/networks/vpc",
    subnetwork_id="projects/bank/regions/europe-west1/subnetworks/proxies",
    subnetwork_cidr="10.70.0.0/24",
    host="proxy.airlock.internal",
    address="10.70.0.9",
    certificate=SecretFiles("projects/bank/secrets/proxy-certificate", "projects/bank/secrets/proxy-key"),
    authority=AUTHORITY,
    callers=("10.1.0.0/24",),
    kms_key_id="projects/bank/locations/europe-west1/keyRings/ring/cryptoKeys/proxy",
    image="europe-west1-docker.pkg.dev/bank/airlock/envoy:distroless-v1.40.0",
    repository="projects/bank/locations/europe-west1/repositories/airlock",
)
KMS = TaskIssuer("composer", "kms", "finance", "https://airlock.bank.example/finance", "airlock-proxy", jwks=KEYS)


def compiled(platform: OnGce = GCE) -> Stack:
    return Stack(run(lambda: TcpProxy("tcp-proxy", access=ACCESS, issuers=[KMS], platform=platform, today=TODAY)))


@pytest.fixture(scope="module")
def stack() -> Stack:
    return compiled()


def one(stack: Stack, type_: str) -> Resource:
    (found,) = stack.of_type(type_)
    return found


def test_everything_is_a_child_of_the_component(stack: Stack) -> None:
    above = one(stack, TCP_PROXY).urn
    assert all(each.parent == above for each in stack.resources if each.custom)


def test_it_is_read_back_from_its_bucket(stack: Stack) -> None:
    (found,) = read(stack)
    assert {str(each.match.hosts) for each in found.rules} == {"warehouse.corp.example", "10.20.4.20/32", "10.20.4.21/32"}
    assert not any(each.unknown for each in found.rules)
    (relay,) = found.relays
    assert (str(relay.sources), relay.environments) == ("10.70.0.0/24", frozenset({"finance"}))
    assert str(relay.entry.hosts if relay.entry else "") == "10.70.0.9/32"


def test_machines_have_no_public_address_and_start_what_was_signed(stack: Stack) -> None:
    machine = one(stack, "gcp:compute/instanceTemplate:InstanceTemplate")
    (interface,) = machine.get("networkInterfaces")
    assert "accessConfigs" not in interface
    assert machine.get("shieldedInstanceConfig") == {
        "enableSecureBoot": True,
        "enableVtpm": True,
        "enableIntegrityMonitoring": True,
    }
    said = machine.get("metadata")
    assert (said["enable-oslogin"], said["block-project-ssh-keys"], said["serial-port-enable"]) == ("TRUE", "TRUE", "FALSE")
    forwarding = one(stack, "gcp:compute/forwardingRule:ForwardingRule")
    assert (forwarding.get("loadBalancingScheme"), forwarding.get("ports")) == ("INTERNAL", ["8443"])


def test_tasks_and_health_checks_get_in_and_it_gets_to_its_targets_alone(stack: Stack) -> None:
    rules = {each.name.removeprefix("tcp-proxy-"): each for each in stack.of_type("gcp:compute/firewall:Firewall")}
    assert all(each.get("targetServiceAccounts") and each.get("logConfig") for each in rules.values())
    open_ = {
        name: (each.get("sourceRanges") or each.get("destinationRanges"), each.get("allows", 0, "ports"))
        for name, each in rules.items()
        if each.get("allows")
    }
    assert open_ == {
        "from-tunnels": (["10.1.0.0/24"], ["8443"]),
        "from-health": (["35.191.0.0/16", "130.211.0.0/22"], ["9902"]),
        "to-5432": (["10.20.4.10/32"], ["5432"]),
        "to-1521": (["10.20.4.20/31"], ["1521"]),
        "to-443": (["199.36.153.8/30"], ["443"]),
    }
    last = rules["to-nobody-else"]
    assert (last.get("destinationRanges"), last.get("denies"), last.get("priority")) == (
        ["0.0.0.0/0"],
        [{"protocol": "all"}],
        65534,
    )


def test_its_account_may_read_its_own_files_and_write_a_log(stack: Stack) -> None:
    roles = {each.get("role") for each in stack.resources if each.type.lower().endswith("iammember")}
    assert roles == {
        "roles/storage.objectViewer",
        "roles/secretmanager.secretAccessor",
        "roles/artifactregistry.reader",
        "roles/logging.logWriter",
    }
    project_wide = [each.get("role") for each in stack.of_type("gcp:projects/iAMMember:IAMMember")]
    assert project_wide == ["roles/logging.logWriter"]
    bucket = one(stack, "gcp:storage/bucket:Bucket")
    assert (bucket.get("publicAccessPrevention"), bucket.get("uniformBucketLevelAccess")) == ("enforced", True)
    assert bucket.get("encryption", "defaultKmsKeyName") == GCE.kms_key_id


def test_what_starts_a_machine_is_yaml_with_units_and_no_secret(stack: Stack) -> None:
    text = one(stack, "gcp:compute/instanceTemplate:InstanceTemplate").get("metadata", "user-data")
    assert text.startswith("#cloud-config\n")
    document = YAML(typ="safe", pure=True).load(text)
    files = {each["path"]: each["content"] for each in document["write_files"]}
    assert "PRIVATE KEY" not in text
    proxy = files["/etc/systemd/system/airlock-proxy.service"]
    assert GCE.image in proxy
    assert "--user 101:101" in proxy
    assert "Requires=airlock-files.service" in proxy
    assert files["/etc/airlock/files.sh"] == SCRIPT


def test_new_routes_replace_files_and_no_machine() -> None:
    more = {
        **ACCESS.model_dump(mode="json", by_alias=True),
        "routes": [one.model_dump(mode="json", by_alias=True) for one in ACCESS.routes[:1]],
    }
    other = Stack(
        run(lambda: TcpProxy("tcp-proxy", access=type(ACCESS).model_validate(more), issuers=[KMS], platform=GCE, today=TODAY))
    )
    template = "gcp:compute/instanceTemplate:InstanceTemplate"
    assert one(compiled(), template).properties == one(other, template).properties
    texts = [
        {each.get("name"): each.get("content") for each in found.of_type("gcp:storage/bucketObject:BucketObject")}
        for found in (compiled(), other)
    ]
    assert {name for name in texts[0] if texts[0][name] != texts[1][name]} == {"config/targets.json"}


def test_everything_that_is_wrong_is_told_at_once() -> None:
    wrong = replace(
        GCE,
        address="10.71.0.9",
        callers=("0.0.0.0/0",),
        authority="",
        certificate=SecretFiles("proxy-certificate", "projects/bank/secrets/proxy-key"),
        repository="airlock",
        image="docker.io/envoyproxy/envoy:latest",
        replicas=1,
    )
    with pytest.raises(InputError) as error:
        compiled(wrong)
    assert {one.path for one in error.value.problems} == {
        f"platform.{name}"
        for name in ("address", "callers", "authority", "certificate.certificate", "repository", "image", "replicas")
    }
    fetched = replace(KMS, jwks=None, jwks_uri="https://keys.bank.example/jwks")
    with pytest.raises(InputError, match=r"keys are fetched from keys\.bank\.example:443, and nothing lets the proxy out there"):
        run(lambda: TcpProxy("tcp-proxy", access=ACCESS, issuers=[fetched], platform=GCE, today=TODAY))


GIVEN = """tcp_proxy.OnGce(
        project="bank-airflow",
        region="europe-west1",
        network_id=network.id,
        subnetwork_id=subnetworks["proxies"].id,
        subnetwork_cidr="10.70.0.0/24",
        host="proxy.airlock.internal",
        address="10.70.0.9",
        certificate=tcp_proxy.SecretFiles("projects/bank/secrets/proxy-certificate", "projects/bank/secrets/proxy-key"),
        authority="-----BEGIN CERTIFICATE-----",
        callers=("10.1.0.0/24",),
        kms_key_id="projects/bank/locations/europe-west1/keyRings/ring/cryptoKeys/proxy",
        image="europe-west1-docker.pkg.dev/bank/airlock/envoy:distroless-v1.40.0",
        repository="projects/bank/locations/europe-west1/repositories/airlock",
    )"""


def test_composer_behind_it_is_proven(tmp_path: Path) -> None:
    program = (Path(__file__).parent / "composer" / "__main__.py").read_text()
    old = program[program.index("tcp_proxy.OnKubernetes(") : program.index(",\n)\nassert proxy.entry")]
    found = proof(tmp_path, "composer", (old, GIVEN))
    assert found["ok"] is True


# The script, with servers that answer as Google's do


@contextmanager
def google(bucket: Mapping[str, str], secrets: dict[str, str]) -> Iterator[str]:
    """The metadata server, Cloud Storage and Secret Manager: nobody is told anything without the metadata server's token."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            text = self._found(path)
            self.send_response(404 if text is None else 200)
            self.end_headers()
            self.wfile.write((text or "").encode())

        def _found(self, path: str) -> str | None:
            if path.endswith("/token"):
                token = {"access_token": "of-the-machine", "expires_in": 3599, "token_type": "Bearer"}
                return json.dumps(token) if self.headers.get("Metadata-Flavor") == "Google" else None
            if self.headers.get("Authorization") != "Bearer of-the-machine":
                return None
            if path.startswith("/storage/v1/b/config/o/"):
                return bucket.get(unquote(path.rpartition("/")[2]))
            name = path.removeprefix("/v1/").removesuffix("/versions/latest:access")
            if name not in secrets:
                return None
            data = base64.b64encode(secrets[name].encode()).decode()
            return json.dumps({"name": f"{name}/versions/1", "payload": {"data": data}}, indent=2)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        serving.join(timeout=10)


def test_the_script_brings_files_and_renews_what_changed(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    bucket = {"config/envoy.json": "one", "tls/ca.crt": "authority"}
    secrets = {"projects/bank/secrets/key": "key 1\n", "projects/bank/secrets/certificate": "certificate 1\n"}
    with google(bucket, secrets) as url:
        given = {
            "BUCKET": "config", "OBJECTS": " ".join(bucket), "KEY": "projects/bank/secrets/key", "EVERY": "0.2",
            "CERTIFICATE": "projects/bank/secrets/certificate", "SHARED": str(shared), "GROUP": str(os.getgid()),
            "METADATA": url, "STORAGE": url, "SECRETS": url,
        }  # fmt: skip
        running = subprocess.Popen(["/bin/bash", "-c", SCRIPT], env={**os.environ, **given})
        try:
            assert eventually(lambda: (shared / ".ready").exists())
            assert (shared / "config" / "envoy.json").read_text() == "one"
            assert (shared / "tls" / "tls.key").read_text() == "key 1\n"
            assert (shared / "tls" / "tls.key").stat().st_mode & 0o777 == 0o640
            assert (shared / ".new" / "header").stat().st_mode & 0o077 == 0
            kept = (shared / "tls" / "ca.crt").stat().st_ino
            bucket["config/envoy.json"] = "two"
            secrets["projects/bank/secrets/certificate"] = "certificate 2\n"
            assert eventually(lambda: (shared / "config" / "envoy.json").read_text() == "two")
            assert eventually(lambda: (shared / "tls" / "tls.crt").read_text() == "certificate 2\n")
            # What is the same is left alone; what cannot be fetched stays.
            assert (shared / "tls" / "ca.crt").stat().st_ino == kept
            del bucket["tls/ca.crt"]
            secrets["projects/bank/secrets/key"] = "key 2\n"
            time.sleep(0.5)
            assert (shared / "tls" / "ca.crt").read_text() == "authority"
            assert running.poll() is None
        finally:
            running.kill()
            running.wait()
