"""The component: a plan's configuration as resources of the platform that it runs on."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from importlib import import_module
from typing import Any, get_args

import pulumi

from ...access import Access
from ...access.manifest import Proxy
from ...access.values import parse_duration
from ...environments.helm.flows import Flow
from ...errors import Problems
from ...tokens import TCP_PROXY
from ..kubernetes.workloads import Workload
from ..proxies import ProxyEntry
from . import fargate, gce, manifests, sidecar
from .certificates import TaskCertificates
from .checks import check_platform
from .compile import LONGEST_SESSION, compile_proxy, proxy_of
from .plan import PORT, Engine, ProxyPlan, Vouching
from .platforms import InTaskPods, OnFargate, OnGce, OnKubernetes, Platform
from .programs import check_engine, configuration, on

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")


_MODULES: Mapping[type, tuple[Any, str]] = {
    OnKubernetes: (manifests, "on_kubernetes"),
    InTaskPods: (sidecar, "in_task_pods"),
    OnFargate: (fargate, "on_fargate"),
    OnGce: (gce, "on_gce"),
}
"""Platform → what a proxy is made of there, as plain data; and the module that makes resources of it."""


class TcpProxy(pulumi.ComponentResource):
    """Envoy between tasks and the destinations of zones that name it: tunnels by client certificate and token, to named targets.

    It sees the task (or its service account), and the time. Mutual TLS, and a token of one of the issuers, whoever calls. Or
    HAProxy, which asks for no token: it sees whose certificate a task shows.
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
        issuers: Sequence[Vouching],
        platform: Platform,
        engine: Engine = "envoy",
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
            issuers: who vouches for the tasks of each environment: `TaskIssuer`s of tokens for Envoy, `TaskCertificates` for
                HAProxy.
            platform: where it runs.
            engine: what runs there: `envoy`, or `haproxy`, which knows certificates alone, no windows and no lengths of sessions.
            session: how long a tunnel lasts where no route says less; of HAProxy, how long it outlives a change of its files.
            attested: classes of data that take an attested identity.
            clients: names of which a client's certificate must have one; any that the authority signs without them.
            connections: connections at most, of one instance.
            manifest_digests: environment → the digest of its manifest, for the trust condition `policy-current`.
            today: routes that are over by then are left out; today without it.

        Raises:
            InputError: with every problem.
        """
        problems = Problems(name)
        if not _NAME.fullmatch(name):
            problems.add("name", f"{name!r}: write small letters, digits and -, at most 32 of them")
        if engine not in (engines := get_args(Engine)):
            problems.add("engine", f"{engine!r}: there are {' and '.join(engines)}")
        if not 100 <= connections <= 1_000_000:
            problems.add("connections", f"{connections}: between 100 and 1,000,000")
            # What it was to be, so that all else that is wrong is told as well.
            engine = "haproxy" if any(isinstance(one, TaskCertificates) for one in issuers) else "envoy"
        length = LONGEST_SESSION
        plan: ProxyPlan | None = None
        with problems.noting("session"):
            length = parse_duration(session)
        platform = on(platform, engine)
        check_platform(platform, problems)
        data, making = _MODULES[type(platform)]
        place = data.described(name, platform)
        self._server_name = sidecar.server_name(platform) if isinstance(platform, InTaskPods) else None
        named = self._server_name or place["host"]
        check_engine(engine, platform, named, clients, connections, problems)
        with problems.noting("access"):
            day, digests = today or datetime.now(UTC).date(), manifest_digests
            known: dict[str, Any] = {"engine": engine, "session": length, "attested": frozenset(attested), "manifests": digests}
            plan = compile_proxy(access, name, issuers, day, **known)
        if plan is None:
            raise problems.error()
        found = configuration(plan, engine, data.settings(clients, connections), named)
        rules = data.leaving(access, plan, platform, found, problems)
        problems.raise_any()
        self.plan = plan
        said = {**_described(plan, attested), **place}
        networks = tuple(said.get("entry", {}).get("cidrs", ()))
        self._entry = ProxyEntry(networks, PORT) if networks else None
        self.address = f"{said['host']}:{PORT}"
        super().__init__(TCP_PROXY, name, said, opts)
        # Here: an environment in AWS needs no SDK of Kubernetes, and the other way round.
        made = import_module(f".{making}", __package__).make(plan, platform, found, rules, self)
        self.workloads, self.flows = made
        self.register_outputs({**said, "address": self.address})

    @property
    def entry(self) -> ProxyEntry | None:
        """Where tasks connect to it, for the network before it (`AwsNetworkGate`, `GcpFirewallGate`); None in a cluster."""
        return self._entry

    def proxy(self) -> Proxy:
        """The proxy as manifests name it."""
        return proxy_of(self.plan, self.address, self._server_name)


def _described(plan: ProxyPlan, attested: Sequence[str]) -> dict[str, Any]:
    """What readers and policies need, as plain data: `pulumi preview --json` has no outputs of components."""
    said: dict[str, Any] = {
        "engine": "haproxy" if plan.certificates else "envoy",
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
    if plan.certificates:
        said["issuers"] = [
            {"name": one.name, "kind": "certificate", "environment": one.environment, "assurance": one.assurance}
            for one in plan.certificates
        ]
        said["certificates"] = list(_certificates(plan))
    return said


def _certificates(plan: ProxyPlan) -> Iterator[dict[str, Any]]:
    """Whose each certificate is that a rule is about."""
    grants = [grant for target in plan.targets for grant in target.grants]
    for one in plan.certificates:
        for caller in dict.fromkeys(caller for grant in grants for caller in grant.callers.get(one.name, ())):
            found: dict[str, Any] = {"issuer": one.name, "subject": dict(one.subject(caller.principal, caller.account))}
            if one.namespace is not None:
                yield {**found, "workload": f"{one.namespace}/{caller.account}"}
            else:
                yield {**found, "dags": list(caller.dags), "tasks": list(caller.tasks)}
