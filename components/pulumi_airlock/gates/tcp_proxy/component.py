"""The component: a plan's configuration as resources of the platform that it runs on."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pulumi

from ...access import Access
from ...access.manifest import Proxy
from ...access.values import parse_duration
from ...environments.helm.flows import Flow
from ...errors import InputError, Problems
from ...tokens import TCP_PROXY
from ..kubernetes.workloads import Workload
from ..nginx.plan import pinned
from ..proxies import ProxyEntry
from . import fargate, manifests
from .compile import compile_proxy, proxy_of
from .envoy import envoy_configuration
from .files import Configuration
from .issuers import TaskIssuer
from .plan import PORT, ProxyPlan
from .platforms import InternalBalancer, OnFargate, OnKubernetes, Platform

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
MAX_CONFIG_MAP = 1_048_576
"""Bytes of a ConfigMap (Kubernetes, "ConfigMaps": 1 MiB)."""
_SIZES = {256: (512, 2048), 512: (1024, 4096), 1024: (2048, 8192), 2048: (4096, 16384), 4096: (8192, 30720)}
"""CPU units of Fargate → the least and the most memory in MiB (ECS Developer Guide, "Task size")."""


class TcpProxy(pulumi.ComponentResource):
    """Envoy between tasks and the destinations of zones that name it: tunnels by client certificate and token, to named targets.

    It sees the task (or its service account), and the time. Mutual TLS, and a token of one of the issuers, whoever calls.
    """

    address: str
    """What tasks connect to, `proxy.airlock.internal:8443`."""
    plan: ProxyPlan
    """What it decides by."""
    workloads: tuple[Workload, ...]
    """It, as gates of the cluster see it; empty elsewhere."""
    flows: tuple[Flow, ...]
    """What gates of the cluster have to let through for it."""

    def __init__(
        self,
        name: str,
        *,
        access: Access,
        issuers: Sequence[TaskIssuer],
        platform: Platform,
        session: str = "12h",
        attested: Sequence[str] = (),
        clients: Sequence[str] = (),
        connections: int = 10_000,
        manifest_digests: Mapping[str, str] | None = None,
        today: date | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """
        Args:
            name: the gate's name, as zones write it, and that of its resources.
            access: who may reach what.
            issuers: who vouches for the tasks of each environment.
            platform: where it runs.
            session: how long a tunnel lasts where no route says less.
            attested: classes of data that take an attested identity.
            clients: names of which a client's certificate must have one; any that the authority signs without them.
            connections: connections at most, of one instance.
            manifest_digests: environment → the digest of its manifest, for the trust condition `policy-current`.
            today: routes that are over by then are left out; today without it.

        Raises:
            InputError: with every problem.
        """
        problems = Problems(name)
        _check(name, platform, connections, problems)
        day = today or datetime.now(UTC).date()
        length, classes = parse_duration(session), frozenset(attested)
        plan = _compiled(access, name, issuers, day, problems, session=length, attested=classes, manifests=manifest_digests)
        in_cluster = isinstance(platform, OnKubernetes)
        place = (manifests if in_cluster else fargate).settings(clients, connections)
        found = envoy_configuration(plan, place)
        rules = [] if isinstance(platform, OnKubernetes) else fargate.leaving(access, plan, platform, problems)
        if in_cluster and (size := sum(len(one) for one in found.files.values())) > MAX_CONFIG_MAP - 4096:
            problems.add("access", f"{size} bytes of configuration, over the {MAX_CONFIG_MAP} of a ConfigMap: use two proxies")
        problems.raise_any()
        self.plan, self.workloads, self.flows = plan, (), ()
        said = _described(plan, platform, attested)
        networks = tuple(said["entry"].get("cidrs", ()))
        self._entry = ProxyEntry(networks, PORT) if networks else None
        self.address = f"{said['host']}:{PORT}"
        super().__init__(TCP_PROXY, name, said, opts)
        self._make(platform, found, rules)
        self.register_outputs({**said, "address": self.address})

    def _make(self, platform: Platform, found: Configuration, rules: Sequence[tuple[str, int, str]]) -> None:
        # Here: an environment in AWS needs no SDK of Kubernetes, and the other way round.
        if isinstance(platform, OnKubernetes):
            from . import on_kubernetes

            around = on_kubernetes.surroundings(self.plan, platform, found.settings)
            self.workloads, self.flows = (around.workload,), around.flows
            on_kubernetes.make(self.plan, platform, found, self)
        else:
            from .on_fargate import Fargate

            Fargate(self.plan, platform, found, rules, self)

    @property
    def entry(self) -> ProxyEntry | None:
        """Where tasks connect to it, for the network before it (`AwsNetworkGate`, `GcpFirewallGate`); None in a cluster."""
        return self._entry

    def proxy(self) -> Proxy:
        """The proxy as manifests name it."""
        return proxy_of(self.plan, self.address)


def _compiled(access: Access, name: str, issuers: Sequence[TaskIssuer], day: date, problems: Problems, **given: Any) -> ProxyPlan:
    """The plan; what is wrong with it is told together with all else."""
    try:
        return compile_proxy(access, name, issuers, day, **given)
    except InputError as error:
        for one in error.problems:
            problems.add(one.path, one.message, one.place)
        problems.raise_any()
        raise


def _check(name: str, platform: Platform, connections: int, problems: Problems) -> None:
    if not _NAME.fullmatch(name):
        problems.add("name", f"{name!r}: write small letters, digits and -, at most 32 of them")
    images = [("image", platform.image)]
    if isinstance(platform, OnFargate):
        images.append(("files_image", platform.files_image))
        _check_fargate(platform, problems)
    else:
        if (platform.secret is None) == (platform.issuer is None):
            problems.add("platform.issuer", "give an issuer or a secret: exactly one of them")
        if platform.balancer is not None:
            _check_balancer(platform.balancer, problems)
        if not 1 <= platform.days <= 90:
            problems.add("platform.days", f"{platform.days}: certificates hold for 1 to 90 days, and are renewed by themselves")
    for what, image in images:
        if not pinned(image):
            problems.add(f"platform.{what}", f"{image!r} may be another image tomorrow: name a version, or better a digest")
    if platform.replicas < 2:
        problems.add("platform.replicas", f"{platform.replicas}: two at least, so that one may go")
    if not 0 <= platform.drain <= 3600:
        problems.add("platform.drain", f"{platform.drain} seconds: between 0 and 3600")
    if not 100 <= connections <= 1_000_000:
        problems.add("connections", f"{connections}: between 100 and 1,000,000")


def _check_balancer(balancer: InternalBalancer, problems: Problems) -> None:
    path = "platform.balancer"
    try:
        IPv4Address(balancer.address)
    except ValueError:
        problems.add(f"{path}.address", f"{balancer.address!r} is no IPv4 address")
    for what, cidrs in (("callers", balancer.callers), ("sources", balancer.sources)):
        if not cidrs:
            problems.add(f"{path}.{what}", "none: write the networks")
        for cidr in cidrs:
            try:
                wide = IPv4Network(cidr).prefixlen == 0
            except ValueError:
                problems.add(f"{path}.{what}", f"{cidr!r} is no IPv4 network")
                continue
            if wide:
                problems.add(f"{path}.{what}", f"{cidr}: write the networks of tasks, not everybody's")
    if not any("internal" in f"{key} {value}".lower() for key, value in balancer.annotations.items()):
        problems.add(f"{path}.annotations", "nothing says that it is internal: the cloud's default is a public one")


def _check_fargate(platform: OnFargate, problems: Problems) -> None:
    if len(platform.subnets) < 2:
        problems.add("platform.subnets", "give two at least, in two zones of availability")
    if not platform.callers:
        problems.add("platform.callers", "give the security group of each environment: nobody else may connect")
    if "BEGIN CERTIFICATE" not in platform.authority or "PRIVATE KEY" in platform.authority:
        problems.add("platform.authority", "write the PEM of the certificates that sign those of tasks, and no key")
    least, most = _SIZES.get(platform.cpu, (0, 0))
    if not least <= platform.memory <= most:
        fitting = f"between {least} and {most}" if most else f"with a cpu of {', '.join(map(str, _SIZES))}"
        problems.add("platform.memory", f"{platform.memory} MiB with {platform.cpu} CPU units: Fargate takes memory {fitting}")
    for what, arn in (("certificate", platform.certificate.certificate), ("key", platform.certificate.key)):
        if not re.fullmatch(r"arn:aws[a-z-]*:secretsmanager:[^:]+:[0-9]{12}:secret:.+", arn):
            problems.add(f"platform.certificate.{what}", f"{arn!r} is no ARN of a secret of Secrets Manager")


def _described(plan: ProxyPlan, platform: Platform, attested: Sequence[str]) -> dict[str, Any]:
    """What readers and policies need, as plain data: `pulumi preview --json` has no outputs of components."""
    said: dict[str, Any] = {
        "engine": "envoy",
        "issuers": [
            {
                "name": one.name,
                "kind": one.kind,
                "issuer": one.issuer,
                "environment": one.environment,
                "assurance": one.assurance,
                "subject": one.subject or "",
            }
            for one in plan.issuers
        ],
        "attested": list(attested),
        "keys": [{"host": host, "port": port} for host, port in plan.key_places()],
        "sessionSeconds": plan.session,
    }
    if isinstance(platform, OnKubernetes):
        said["workload"] = f"{platform.namespace}/{plan.gate}"
        if (balancer := platform.balancer) is not None:
            entry = {"cidrs": [f"{balancer.address}/32"], "port": PORT}
            return {**said, "host": balancer.host, "entry": entry, "sources": list(balancer.sources)}
        host = f"{plan.gate}.{platform.namespace}.svc.cluster.local"
        return {**said, "host": host, "entry": {"hosts": [host], "port": PORT}}
    networks = [one.cidr for one in platform.subnets]
    return {**said, "host": platform.host, "entry": {"cidrs": networks, "port": PORT}, "sources": networks}
