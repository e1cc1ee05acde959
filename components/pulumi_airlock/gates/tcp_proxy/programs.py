"""What runs an engine in a container, as plain data, and which engine runs where. No SDK in here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...access.values import is_address
from ...errors import Problems
from . import manifests
from .envoy import BOOTSTRAP, envoy_configuration
from .files import Configuration
from .haproxy import running
from .haproxy.config import haproxy_configuration
from .plan import Engine, ProxyPlan
from .platforms import ENVOY, InTaskPods, OnFargate, Platform
from .settings import Settings

HAPROXY = "docker.io/library/haproxy:2.6.22"
_MOST_ON_FARGATE = 30_000
"""Connections, of two files each; a task has 65,535 (ECS Developer Guide, "Task definition differences for Fargate")."""


@dataclass(frozen=True)
class Program:
    """What a container runs."""

    name: str
    """The container's name."""
    arguments: Sequence[str]
    entry: Sequence[str] = ()
    """What takes the place of the image's own entry point, where anything does."""
    environment: Mapping[str, str] = field(default_factory=dict)
    restarts: str = ""
    """What is read at a start alone: a change of it takes a restart."""


def program(found: Configuration, gate: str) -> Program:
    """What runs a configuration."""
    if found.start == BOOTSTRAP:
        return replace(runs("envoy", found.settings, gate), restarts=found.files[BOOTSTRAP])
    return runs("haproxy", found.settings, gate)


def runs(engine: Engine, place: Settings, gate: str, concurrency: int = 2) -> Program:
    """What runs an engine whose files are at a place. `concurrency`: Envoy's threads; HAProxy has one for each processor."""
    if engine == "envoy":
        return Program("envoy", manifests.arguments(place, concurrency))
    *entry, script = running.command()
    return Program("haproxy", [script], entry, running.environment(gate, place))


def placed(place: Settings, engine: Engine) -> Settings:
    """Where an engine has its files: below a folder of its own name where Envoy has one."""
    folders = {name: getattr(place, name).replace("/etc/envoy", f"/etc/{engine}") for name in ("folder", "certificates", "keys")}
    return replace(place, **folders)


def configuration(plan: ProxyPlan, engine: Engine, place: Settings, host: str) -> Configuration:
    """A plan as the files of an engine. `host`: what targets are named below."""
    if engine == "envoy":
        return envoy_configuration(plan, place)
    return haproxy_configuration(plan, placed(place, engine), host)


def on(platform: Platform, engine: Engine) -> Platform:
    """The platform with the engine's own image, where a program names no other."""
    return replace(platform, image=HAPROXY) if engine == "haproxy" and platform.image == ENVOY else platform


def check_engine(
    engine: Engine, platform: Platform, host: str, clients: Sequence[str], connections: int, problems: Problems
) -> None:
    """Notes what an engine cannot do where it is to run."""
    if isinstance(platform, InTaskPods) and platform.engine != engine:
        problems.add("platform.engine", f"{platform.engine!r}: write {engine!r}, as the component has it")
    if engine != "haproxy":
        return
    if clients:
        problems.add("clients", "HAProxy knows a certificate by its subject, no alternative names: leave it out")
    if is_address(host):
        problems.add("platform", f"{host}: targets are named below the host's name, so that it must be one, and no address")
    if isinstance(platform, OnFargate) and connections > _MOST_ON_FARGATE:
        problems.add(
            "connections", f"{connections}: at most {_MOST_ON_FARGATE} with HAProxy, as a task of Fargate has 65,535 files"
        )
