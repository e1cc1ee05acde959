"""The component: routes as the documents of a proxy that somebody else runs, kept where that takes them from."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pulumi

from ...access import Access
from ...access.values import parse_duration
from ...environments.helm.flows import Flow
from ...errors import Problems
from ...proof.sets import Hosts, Services
from ...tokens import OWN_PROXY
from ..proxies import ProxyEntry
from ..tcp_proxy.compile import LONGEST_SESSION
from .plan import Plan, Product, compile_plan

MAX_CONFIG_MAP = 1_048_576
"""Bytes of a ConfigMap (Kubernetes, "ConfigMaps": 1 MiB)."""
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True)
class InConfigMap:
    """The documents as a ConfigMap, for a job or an operator of the cluster."""

    namespace: str


@dataclass(frozen=True)
class InBucket:
    """The documents as objects of S3, below the gate's name. The bucket is somebody else's."""

    bucket: pulumi.Input[str]


class OwnProxy(pulumi.ComponentResource):
    """The configuration of a proxy that the user runs (hoop, Boundary, Teleport): compiled and proven, never run.

    It sees what the product sees: an account that all tasks of an environment share, or a service account (Teleport, Kubernetes).
    """

    plan: Plan
    """What it decides by."""
    documents: Mapping[str, str]
    """File name → text, in the product's own words. No secret is among them."""

    def __init__(
        self,
        name: str,
        *,
        access: Access,
        product: Product,
        port: int,
        cidrs: Sequence[str],
        sources: Sequence[str],
        keep: InConfigMap | InBucket | None = None,
        session: str = "8h",
        today: date | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """
        Args:
            name: the gate's name, as zones write it.
            access: who may reach what.
            product: `Boundary`, `Hoop` or `Teleport`.
            port, cidrs: where tasks connect to (Boundary's workers, hoop's gateway, Teleport's proxy).
            sources: networks that it connects to destinations from (workers, agents, the Application Service).
            keep: where the documents are written; without it they are the component's output `documents` alone.
            session: how long a session lasts where no route says less.
            today: routes that are over by then are left out; today without it.

        Raises:
            InputError: with every problem.
        """
        problems = Problems(name)
        _check(name, port, {"cidrs": cidrs, "sources": sources}, problems)
        day = today or datetime.now(UTC).date()
        length = LONGEST_SESSION
        with problems.noting("session"):
            length = parse_duration(session)
        with problems.noting("access"):
            self.plan = compile_plan(access, name, product, day, length)
        problems.raise_any()
        documents = product.documents(self.plan)
        if isinstance(keep, InConfigMap) and (size := sum(map(len, documents.values()))) > MAX_CONFIG_MAP - 4096:
            problems.add("keep", f"{size} bytes of documents, over the {MAX_CONFIG_MAP} of a ConfigMap: keep them in a bucket")
        problems.raise_any()
        self._entry = ProxyEntry(tuple(cidrs), port)
        said: dict[str, Any] = {
            "product": product.kind,
            "accounts": [
                {"name": one.name, "environment": one.environment, "assurance": one.assurance} for one in self.plan.accounts()
            ],
            "entry": {"cidrs": list(cidrs), "port": port},
            "sources": list(sources),
            "documents": dict(documents),
        }
        # Among the inputs for `pulumi preview --json`, which has no outputs of components.
        super().__init__(OWN_PROXY, name, said, opts)
        self.documents = documents
        self._keep(name, keep)
        self.register_outputs(said)

    @property
    def entry(self) -> ProxyEntry:
        """Where tasks connect to it, for the network before it (`AwsNetworkGate`, `GcpFirewallGate`)."""
        return self._entry

    def flows(self, callers: Sequence[str]) -> tuple[Flow, ...]:
        """What gates of a cluster let through to it: for workloads (`airflow/etl`), as tasks run there."""
        here = Services.of("tcp", self._entry.port, self._entry.port)
        return (Flow(frozenset(callers), Hosts.from_cidrs(self._entry.cidrs), here, reason="tasks to the proxy"),)

    def _keep(self, name: str, keep: InConfigMap | InBucket | None) -> None:
        child = pulumi.ResourceOptions(parent=self)
        # Here: whoever keeps them in S3 needs no SDK of Kubernetes, and the other way round.
        if isinstance(keep, InConfigMap):
            import pulumi_kubernetes as kubernetes

            from ..kubernetes.making import metadata

            kubernetes.core.v1.ConfigMap(
                f"{name}-documents", metadata=metadata(name, keep.namespace), data=dict(self.documents), opts=child
            )
        elif isinstance(keep, InBucket):
            import pulumi_aws as aws

            for file, text in self.documents.items():
                aws.s3.BucketObjectv2(f"{name}-{file}", bucket=keep.bucket, key=f"{name}/{file}", content=text, opts=child)


def _check(name: str, port: int, networks: Mapping[str, Sequence[str]], problems: Problems) -> None:
    if not _NAME.fullmatch(name):
        problems.add("name", f"{name!r}: write small letters, digits and -, at most 32 of them")
    if not 1 <= port <= 65535:
        problems.add("port", f"{port}: between 1 and 65535")
    for what, cidrs in networks.items():
        if not cidrs:
            problems.add(what, "none: write its networks")
        for cidr in cidrs:
            try:
                Hosts.from_cidr(cidr)
            except ValueError:
                problems.add(what, f"{cidr!r} is no network")
