"""A gateway's workloads and its own flows, for the gates of a cluster, and as plain data. No SDK in here."""

from typing import Any
from urllib.parse import urlsplit

from ...environments.helm.flows import Flow, names_flow
from ...proof.filters import HttpOperation
from ...proof.sets import Hosts, Services, protocol_name
from ..kubernetes.workloads import SERVICE_DOMAIN, ServiceName, ServicePort, Workload
from . import manifests
from .plan import GATEWAY_PORT, HEALTH_PORT, HIDDEN, REDIRECT_PORT, SIGN_IN_PORT, GatewayPlan


def workloads_of(plan: GatewayPlan, engine: str) -> tuple[Workload, ...]:
    """oauth2-proxy, and nginx where it is ours."""
    sign_in = manifests.sign_in_name(plan)
    found = [
        Workload(
            name=f"{plan.namespace}/{sign_in}",
            namespace=plan.namespace,
            service_account=sign_in,
            labels=manifests.labels(plan, "sign-in"),
            ports={"http": ("tcp", SIGN_IN_PORT)},
            services=(ServiceName(_host(plan, sign_in), (ServicePort("tcp", SIGN_IN_PORT, SIGN_IN_PORT),)),),
        )
    ]
    if engine == "nginx":
        ports = (ServicePort("tcp", 443, GATEWAY_PORT), ServicePort("tcp", 80, REDIRECT_PORT))
        found.append(
            Workload(
                name=f"{plan.namespace}/{plan.name}",
                namespace=plan.namespace,
                service_account=plan.name,
                labels=manifests.labels(plan, "gateway"),
                ports={"https": ("tcp", GATEWAY_PORT), "http": ("tcp", REDIRECT_PORT), "health": ("tcp", HEALTH_PORT)},
                services=(ServiceName(_host(plan, plan.name), ports),),
            )
        )
    return tuple(found)


def _host(plan: GatewayPlan, service: str) -> str:
    return f"{service}.{plan.namespace}.{SERVICE_DOMAIN}"


def provider_of(issuer: str, cidrs: tuple[str, ...]) -> tuple[Hosts, Services]:
    """The identity provider as a destination: by its addresses where they are given, else by its name."""
    parts = urlsplit(issuer)
    return Hosts.from_cidrs(cidrs) if cidrs else Hosts.from_names([parts.hostname or ""]), _tcp(parts.port or 443)


def flows_of(plan: GatewayPlan, caller: str, provider: tuple[Hosts, Services], people: tuple[str, ...]) -> tuple[Flow, ...]:
    """Its own flows: people to nginx, nginx to oauth2-proxy and to each Airflow, oauth2-proxy to the provider, names for both."""
    sign_in = f"{plan.namespace}/{manifests.sign_in_name(plan)}"
    mine = Hosts.from_names([_host(plan, manifests.sign_in_name(plan))])
    found = []
    if people:
        reached = Hosts.from_names([_host(plan, plan.name)])
        found.append(Flow(frozenset(), reached, _tcp(443) | _tcp(80), caller, reason="people", cidrs=people))
    found.append(Flow(frozenset({caller}), mine, _tcp(SIGN_IN_PORT), sign_in, reason="who somebody is"))
    requests = frozenset({HttpOperation("*", "/*", not_paths=frozenset(HIDDEN))})
    for site in plan.sites:
        hosts = Hosts.from_names([site.upstream.host])
        found.append(
            Flow(frozenset({caller}), hosts, _tcp(site.upstream.port), operations=requests, reason=f"people to {site.key}")
        )
    found.append(Flow(frozenset({sign_in}), *provider, reason="people sign in"))
    return (*found, names_flow(frozenset({caller, sign_in})))


def describe_flow(one: Flow) -> dict[str, Any]:
    """A flow in the form in which the component registers it."""
    without = {path for each in one.operations or () for path in each.not_paths}
    return {
        "callers": sorted(one.callers),
        "cidrs": list(one.cidrs),
        "hosts": sorted(one.to.names.mentioned()),
        "addresses": [str(each) for each in one.to.networks()],
        "services": [f"{first}-{last}/{protocol_name(number)}" for number, first, last in one.services.ranges()],
        "except": sorted(without),
        "reason": one.reason,
    }


def _tcp(port: int) -> Services:
    return Services.of("tcp", port, port)
