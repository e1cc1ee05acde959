"""What is put into Istio's proxies, and what never comes to them: policies there perhaps decide nothing, or surely."""

from typing import Any

import pytest
from istio_filters import passes
from istio_objects import Manifest, namespace, pod, thing
from pulumi_airlock.gates.istio import read
from pulumi_airlock.gates.kubernetes import stack_from_manifests
from pulumi_airlock.gates.stack import UNKNOWN

ON = {"istio_injection": "enabled"}
ONLY_VAR = thing(
    "AuthorizationPolicy",
    "data",
    "allow",
    {"rules": [{"from": [{"source": {"principals": ["cluster.local/ns/airflow/sa/var"]}}]}]},
)
NOBODY = thing("AuthorizationPolicy", "data", "deny", {"action": "DENY", "rules": [{}]})


def asks(*documents: Manifest, caller: str = "airflow/etl", **template: Any) -> bool | None:
    web = pod("data", "web", {80: ""}, **template)
    spaces = [namespace("data", **ON), namespace("airflow", **ON), *pod("airflow", "etl"), *pod("airflow", "var")]
    filters = list(read(stack_from_manifests([*spaces, *web, *documents])))
    return passes(filters, caller, "10.0.0.1", "web.data.svc.cluster.local", 80, ("GET", "/"))


def envoy_filter(space: str = "data", context: str | None = None, **spec: Any) -> Manifest:
    patch = {"applyTo": "HTTP_FILTER", "match": {"context": context} if context else {}, "patch": {"operation": "REMOVE"}}
    return thing("EnvoyFilter", space, "x", {"configPatches": [patch], **spec}, "networking.istio.io/v1alpha3")


def plugin(**spec: Any) -> Manifest:
    return thing("WasmPlugin", "data", "x", {"url": "oci://registry/x", **spec}, "extensions.istio.io/v1alpha1")


@pytest.mark.parametrize(
    ("extension", "expected"),
    [
        (envoy_filter(), None),
        (envoy_filter("istio-system"), None),
        (envoy_filter("airflow"), False),
        (envoy_filter(context="SIDECAR_INBOUND"), None),
        (envoy_filter(context="ANY"), None),
        (envoy_filter(context="SIDECAR_OUTBOUND"), False),
        (envoy_filter(context="GATEWAY"), False),
        (envoy_filter(configPatches=UNKNOWN), None),
        (envoy_filter(workloadSelector={"labels": {"app": "web"}}), None),
        (envoy_filter(workloadSelector={"labels": {"app": UNKNOWN}}), None),
        (envoy_filter(workloadSelector={"labels": {"app": "db"}}), False),
        (envoy_filter(targetRefs=[{"kind": "Gateway", "name": "waypoint"}]), False),
        (plugin(), None),
        (plugin(selector={"matchLabels": {"app": "web"}}), None),
        (plugin(selector={"matchLabels": {"app": "db"}}), False),
    ],
)
def test_what_is_put_into_a_sidecar_may_let_through_what_its_policies_refuse(extension: Manifest, expected: bool | None) -> None:
    assert asks(ONLY_VAR) is False
    assert asks(ONLY_VAR, extension) is expected
    assert asks(NOBODY, extension, caller="airflow/var") is expected
    # What policies let through, they still do.
    assert asks(ONLY_VAR, extension, caller="airflow/var") is True


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"traffic.sidecar.istio.io/includeInboundPorts": ""}, True),
        ({"traffic.sidecar.istio.io/includeInboundPorts": "443,8443"}, True),
        ({"traffic.sidecar.istio.io/includeInboundPorts": "80"}, False),
        ({"traffic.sidecar.istio.io/includeInboundPorts": "*"}, False),
        ({"traffic.sidecar.istio.io/includeInboundPorts": "*", "traffic.sidecar.istio.io/excludeInboundPorts": "80"}, True),
        ({"sidecar.istio.io/interceptionMode": "NONE"}, True),
        ({"sidecar.istio.io/interceptionMode": "TPROXY"}, False),
    ],
)
def test_what_is_not_intercepted_meets_no_policy(annotations: dict[str, str], expected: bool) -> None:
    assert asks(ONLY_VAR, annotations=annotations) is expected


@pytest.mark.parametrize(("said", "expected"), [("true", True), ("false", False)])
def test_a_pod_of_the_ambient_mode_may_be_left_out_for_who_comes_in(said: str, expected: bool) -> None:
    labels = {"sidecar.istio.io/inject": "false", "istio.io/dataplane-mode": "ambient"}
    web = pod("data", "web", {80: ""}, labels=labels, annotations={"ambient.istio.io/bypass-inbound-capture": said})
    spaces = [namespace("data"), namespace("airflow", **ON), *pod("airflow", "etl")]
    filters = list(read(stack_from_manifests([*spaces, *web, ONLY_VAR])))
    assert passes(filters, "airflow/etl", "10.0.0.1", "web.data.svc.cluster.local", 80, ("GET", "/")) is expected
