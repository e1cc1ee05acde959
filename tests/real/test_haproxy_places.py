"""HAProxy as it is run wherever the component puts it: what the resources have as its files and its program, started for real.

Folders, ports and the address that it listens on are this machine's; all else is as it was made.
"""

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from certificates import Authority
from pulumi_airlock.access import Access
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.gates.tcp_proxy import (
    InTaskPods,
    InternalBalancer,
    ProxyPlan,
    Settings,
    TaskCertificates,
    compile_proxy,
    sidecar,
)
from real_haproxy import RunningHaproxy
from real_parts import HAPROXY, needed
from real_processes import free_port, listening, server
from real_tcp_proxy import echo
from ruamel.yaml import YAML

sys.path.insert(0, str(Path(__file__).parents[1] / "gates" / "tcp_proxy"))
from tcp_proxy_program import DOCUMENT, TODAY, cluster, compiled, fargate
from test_tcp_proxy_gce import GCE

BESIDE = InTaskPods(name="tcp-proxy", namespace="airflow", issuer="bank-ca", engine="haproxy")
BALANCER = InternalBalancer("proxy.airlock.internal", "10.70.0.9", ("10.70.8.0/22",), ("10.72.0.0/16",))


@dataclass(frozen=True)
class Made:
    """What a place runs: where its files are, these, and the program with its variables."""

    folder: str
    config: str
    program: list[str]
    variables: Mapping[str, str]


def _named(several: Any) -> dict[str, str]:
    return {one["name"]: one["value"] for one in several}


def _of_container(config: str, one: Mapping[str, Any]) -> Made:
    return Made("/etc/haproxy", config, [*one["command"], *one["args"]], _named(one["env"]))


def _in_pods(stack: Stack) -> str:
    return next(str(one.get("data", "haproxy.cfg")) for one in stack.resources if one.name == "tcp-proxy-config")


def _on_fargate(stack: Stack) -> Made:
    (task,) = stack.of_type("aws:ecs/taskDefinition:TaskDefinition")
    _, one = json.loads(task.get("containerDefinitions"))
    (config,) = [
        each for each in stack.of_type("aws:s3/bucketObjectv2:BucketObjectv2") if each.get("key") == "config/haproxy.cfg"
    ]
    return Made("/airlock", config.get("content"), [*one["entryPoint"], *one["command"]], _named(one["environment"]))


def _on_gce(stack: Stack) -> Made:
    (machine,) = stack.of_type("gcp:compute/instanceTemplate:InstanceTemplate")
    written = YAML(typ="safe", pure=True).load(machine.get("metadata", "user-data"))["write_files"]
    files = {one["path"]: one["content"] for one in written}
    unit = files["/etc/systemd/system/airlock-proxy.service"].splitlines()
    (start,) = [shlex.split(line) for line in unit if line.startswith("ExecStart=")]
    variables = dict(start[number + 1].split("=", 1) for number, word in enumerate(start) if word == "--env")
    entry = start[start.index("--entrypoint") + 1]
    kept = stack.of_type("gcp:storage/bucketObject:BucketObject")
    (config,) = [one for one in kept if one.get("name") == "config/haproxy.cfg"]
    # In place of the path of the file that the container reads: what is in it.
    return Made("/var/lib/airlock", config.get("content"), [entry, "-c", files[start[-1]]], variables)


def _in_a_cluster(stack: Stack) -> Made:
    (deployment,) = stack.of_type("kubernetes:apps/v1:Deployment")
    return _of_container(_in_pods(stack), deployment.get("spec", "template", "spec", "containers", 0))


def _beside_a_task(stack: Stack) -> Made:
    return _of_container(_in_pods(stack), sidecar.container(BESIDE))


PLACES: Mapping[str, tuple[Any, str | None, Callable[[Stack], Made]]] = {
    "fargate": (fargate(), None, _on_fargate),
    "gce": (GCE, None, _on_gce),
    "cluster": (cluster(), "airflow", _in_a_cluster),
    "behind a balancer": (cluster(balancer=BALANCER), None, _in_a_cluster),
    "pods": (BESIDE, "airflow", _beside_a_task),
}
HOSTS = {
    "fargate": "proxy.airlock.internal",
    "gce": "proxy.airlock.internal",
    "cluster": "tcp-proxy.airlock.svc.cluster.local",
    "behind a balancer": "proxy.airlock.internal",
    "pods": "tcp-proxy.airflow.svc.cluster.local",
}


def _access(port: int) -> Access:
    document: dict[str, Any] = {
        **DOCUMENT,
        "zones": {"datacenter": {"cidrs": ["127.0.0.0/8"], "gates": ["tcp-proxy"]}},
        "destinations": [{"name": "warehouse", "zone": "datacenter", "cidrs": ["127.0.0.1/32"], "ports": [f"{port}/tcp"]}],
        "routes": [{"name": "etl", "from": ["etl"], "to": ["warehouse"], "reason": "T"}],
        "expect": [],
    }
    return Access.model_validate(document)


@dataclass(frozen=True)
class Named(RunningHaproxy):
    """A proxy whose targets are named below the host of its place."""

    host: str

    def name_of(self, target: str) -> str:
        return f"{self.plan.labels()[target]}.{self.host}"


@pytest.fixture(scope="module", autouse=True)
def haproxy() -> Path:
    return needed(HAPROXY, "HAProxy")


@pytest.mark.parametrize("place", PLACES)
def test_what_is_made_starts_and_lets_through_whoever_has_a_route(tmp_path: Path, place: str) -> None:
    platform, namespace, found_in = PLACES[place]
    issuers = (TaskCertificates("finance", "finance", namespace=namespace),)
    with echo() as port:
        access = _access(port)
        made = found_in(compiled(platform, access, engine="haproxy", issuers=issuers, connections=1000))
        plan = compile_proxy(access, "tcp-proxy", issuers, TODAY, engine="haproxy")
        with _started(tmp_path, made, plan, HOSTS[place]) as (proxy, health):
            with urlopen(f"http://127.0.0.1:{health}/ready", timeout=10) as ready:
                assert ready.status == 200
            target = f"127.0.0.1:{port}"
            unit = None if namespace else "finance"
            etl, ledger = (
                proxy.authority.issue(f"system:serviceaccount:{namespace}:{one}" if namespace else one, unit=unit)
                for one in ("etl", "ledger")
            )
            assert proxy.carries(etl, target)
            assert not proxy.carries(ledger, target)
            assert not proxy.carries(None, target)
            (said,) = proxy.lines("close", policy=f"allow-warehouse-{port}/etl")
            assert said["destination"] == "warehouse"


@contextmanager
def _started(folder: Path, made: Made, plan: ProxyPlan, host: str) -> Iterator[tuple["Named", int]]:
    """The program of a place, with its files below a folder of the test's."""
    port, health = free_port(), free_port()
    text = made.config.replace(made.folder, str(folder))
    for before, after in ((":8443", f":{port}"), (":9902", f":{health}"), ("bind 0.0.0.0", "bind 127.0.0.1")):
        assert before in text or before == "bind 0.0.0.0"
        text = text.replace(before, after)
    (folder / "config").mkdir()
    (folder / "config" / "haproxy.cfg").write_text(text)
    authority = Authority(folder / "authority")
    (folder / "tls").mkdir()
    pair = authority.issue("proxy", hosts=[host, f"*.{host}"])
    for name, file in (("tls.key", pair.key), ("tls.crt", pair.certificate), ("ca.crt", authority.own.certificate)):
        (folder / "tls" / name).write_bytes(file.read_bytes())
    variables = {name: value.replace(made.folder, str(folder)) for name, value in made.variables.items()}
    environment = {**os.environ, **variables, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
    log = folder / "haproxy.log"
    with server(made.program, log, lambda: listening(port), environment, within=30):
        yield Named(Settings(address="127.0.0.1", port=port), plan, authority, log, host), health
