"""Policies on Cilium's chart: flows exported, policies enforced, and room left for a mesh beside it."""

from collections.abc import Iterator
from typing import Any

from pulumi_airlock.gates.cilium.meshed import hops
from pulumi_airlock.gates.kubernetes import read_cluster
from pulumi_airlock.tokens import CONSUL_GATE, ISTIO_GATE, LINKERD_GATE
from pulumi_policy import Severity

from .controls import Soc2
from .reading import UNKNOWN, Resource, Stack
from .registry import Config, Findings, stack_policy, undecided, wrong

RELEASES = ("kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v4:Chart", "kubernetes:helm.sh/v3:Chart")
_MESHES = {ISTIO_GATE: "Istio", LINKERD_GATE: "Linkerd", CONSUL_GATE: "Consul"}


def _charts(stack: Stack) -> Iterator[Resource]:
    for one in stack.of_type(*RELEASES):
        chart = one.get("chart")
        if isinstance(chart, str) and chart.rsplit("/", 1)[-1] == "cilium":
            yield one


def _value(one: Resource, *path: str) -> Any:
    """A value of the chart. False where it is not set."""
    return one.get("values", *path, default=False)


@stack_policy(
    "cilium-flow-export",
    types=RELEASES,
    severity=Severity.HIGH,
    soc2=Soc2.CC7_2,
    fix="Take `hubble_export_values(…)` into the chart's values.",
)
def flow_export(stack: Stack, _: Config) -> Findings:
    """Hubble exports flows, those that were dropped as well: without it nobody can say afterwards who reached what."""
    for one in _charts(stack):
        exports = [_value(one, "hubble", "export", kind, "enabled") for kind in ("dynamic", "static")]
        if _value(one, "hubble", "enabled") is False and one.get("values", "hubble", "enabled") is not None:
            yield wrong(one, "values.hubble.enabled", "is false: no flow is recorded")
        elif True not in exports:
            if UNKNOWN in exports:
                yield undecided(one, "values.hubble.export")
            else:
                yield wrong(one, "values.hubble.export", "is off: no flow is kept")


@stack_policy(
    "cilium-enforces",
    types=RELEASES,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Take `cilium_values(…)` into the chart's values.",
)
def enforces(stack: Stack, _: Config) -> Findings:
    """Cilium enforces policies, with its proxies on: policyEnforcementMode is not `never`, l7Proxy not off."""
    for one in _charts(stack):
        mode, proxy = one.get("values", "policyEnforcementMode"), one.get("values", "l7Proxy")
        for key, value in (("policyEnforcementMode", mode), ("l7Proxy", proxy)):
            if value is UNKNOWN:
                yield undecided(one, f"values.{key}")
        if mode == "never":
            yield wrong(one, "values.policyEnforcementMode", "is never: no policy is enforced")
        if proxy is False:
            yield wrong(one, "values.l7Proxy", "is false: rules of names and of requests do nothing")


@stack_policy(
    "cilium-beside-mesh",
    types=RELEASES,
    beside=("kubernetes:*", "airlock:index:*"),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix='Take `cilium_values(mesh="istio")` (or linkerd, consul) into the chart\'s values.',
)
def beside_mesh(stack: Stack, _: Config) -> Findings:
    """Beside a mesh, Services' addresses are left to sidecars (socketLB.hostNamespaceOnly), and the mesh's CNI in its place."""
    mesh = next((name for token, name in _MESHES.items() if stack.of_type(token)), None)
    mesh = mesh or next(iter(hops(stack, read_cluster(stack)).members.values()), None)
    if mesh is None:
        return
    for one in _charts(stack):
        only = _value(one, "socketLB", "hostNamespaceOnly")
        if only is UNKNOWN:
            yield undecided(one, "values.socketLB.hostNamespaceOnly")
        elif only is not True:
            yield wrong(one, "values.socketLB.hostNamespaceOnly", f"is not true: {mesh}'s sidecars miss the traffic to Services")
        exclusive = one.get("values", "cni", "exclusive", default=True)
        if exclusive is UNKNOWN:
            yield undecided(one, "values.cni.exclusive")
        elif exclusive is not False:
            yield wrong(one, "values.cni.exclusive", f"is not false: {mesh}'s CNI plugin is taken away")
