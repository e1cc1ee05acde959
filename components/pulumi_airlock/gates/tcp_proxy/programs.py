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
from .platforms import ENVOY, OnFargate, OnKubernetes, Platform
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
        return Program("envoy", manifests.arguments(found.settings), restarts=found.files[BOOTSTRAP])
    *entry, script = running.command()
    return Program("haproxy", [script], entry, running.environment(gate, found.settings))


def configuration(plan: ProxyPlan, engine: Engine, place: Settings, host: str) -> Configuration:
    """A plan as the files of an engine. `host`: what tasks connect to."""
    if engine == "envoy":
        return envoy_configuration(plan, place)
    folders = {name: getattr(place, name).replace("/etc/envoy", "/etc/haproxy") for name in ("folder", "certificates")}
    return haproxy_configuration(plan, replace(place, **folders), host)


def on(platform: Platform, engine: Engine) -> Platform:
    """The platform with the engine's own image, where a program names no other."""
    return replace(platform, image=HAPROXY) if engine == "haproxy" and platform.image == ENVOY else platform


def check_engine(
    engine: Engine, platform: Platform, host: str, clients: Sequence[str], connections: int, problems: Problems
) -> None:
    """Notes what an engine cannot do where it is to run."""
    if engine != "haproxy":
        return
    if clients:
        problems.add("clients", "HAProxy knows a certificate by its subject, no alternative names: leave it out")
    if not isinstance(platform, OnKubernetes | OnFargate):
        problems.add("platform", f"{type(platform).__name__}: HAProxy runs on Fargate or in a Deployment: use engine='envoy'")
        return
    if is_address(host):
        problems.add("platform", f"{host}: targets are named below the host's name, so that it must be one, and no address")
    if isinstance(platform, OnFargate) and connections > _MOST_ON_FARGATE:
        problems.add(
            "connections", f"{connections}: at most {_MOST_ON_FARGATE} with HAProxy, as a task of Fargate has 65,535 files"
        )
