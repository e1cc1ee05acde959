"""What of the library other languages see: data alone, so that a component's SDK is imported when that component is made."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

PACKAGE: Final = "airlock"
_ROOT: Final = __package__.rpartition(".")[0]

COMPONENTS: Final[Mapping[str, str]] = {
    "Access": "gates.declared:AccessDeclaration",
    "AirflowVpc": "environments.mwaa.vpc:AirflowVpc",
    "AuditTrail": "audit.component:AuditTrail",
    "AwsNetworkGate": "gates.aws_network.component:AwsNetworkGate",
    "AwsVpn": "tunnels.aws:AwsVpn",
    "CiliumGate": "gates.cilium.gate:CiliumGate",
    "Cluster": "gates.kubernetes.declaration:ClusterDeclaration",
    "ComposerEnvironment": "environments.composer.component:ComposerEnvironment",
    "ConsulCertificates": "gates.consul.certificates:ConsulCertificates",
    "ConsulGate": "gates.consul.gate:ConsulGate",
    "Credentials": "identity.credentials.component:Credentials",
    "FortigateApiToken": "identity.credentials.fortigate:FortigateApiToken",
    "FortigateGate": "gates.fortigate.gate:FortigateGate",
    "FortigateTunnel": "tunnels.fortigate:FortigateTunnel",
    "GcpFirewallGate": "gates.gcp_firewall.component:GcpFirewallGate",
    "GcpSiteToSiteVpn": "tunnels.gcp_site_to_site:GcpSiteToSiteVpn",
    "GcpVpn": "tunnels.gcp:GcpVpn",
    "HelmEnvironment": "environments.helm.component:HelmEnvironment",
    "Identity": "identity.component:Identity",
    "IstioGate": "gates.istio.gate:IstioGate",
    "LinkerdGate": "gates.linkerd.gate:LinkerdGate",
    "MeshCertificates": "gates.kubernetes.certificates:MeshCertificates",
    "MwaaEnvironment": "environments.mwaa.component:MwaaEnvironment",
    "NetworkPolicyGate": "gates.network_policy.gate:NetworkPolicyGate",
    "NginxGateway": "gates.nginx.gate:NginxGateway",
    "OwnProxy": "gates.adapters.component:OwnProxy",
    "SiteToSiteVpn": "tunnels.site_to_site:SiteToSiteVpn",
    "TcpProxy": "gates.tcp_proxy.component:TcpProxy",
    "ZiaGate": "gates.zia.gate:ZiaGate",
    "ZpaGate": "gates.zpa.gate:ZpaGate",
    "ZscalerGre": "tunnels.zscaler_gre:ZscalerGre",
    "ZscalerTunnel": "tunnels.zscaler:ZscalerTunnel",
}
"""The last part of a component's type, which every language's SDK names its class after → where the class is.

All public components but `LocalEnvironment`: its resources are dynamic ones, which run in the Python of the program itself.
"""

FORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "access.manifest:Manifest": ("access.manifest:manifest",),
    "environments.helm.network:ClusterNetwork": ("environments.helm.network:network_of",),
    "gates.adapters.plan:Product": (
        "gates.adapters.boundary:Boundary",
        "gates.adapters.hoop:Hoop",
        "gates.adapters.teleport:Teleport",
    ),
    "gates.kubernetes.workloads:Workload": (
        "gates.kubernetes.declaration:workload",
        "gates.istio.gate:gateway_workload",
        "gates.consul.gate:terminating_workload",
    ),
    "gates.nginx.webserver:AirflowSide": ("gates.nginx.webserver:airflow_side",),
    "identity.providers:Provider": ("identity.okta:Okta", "identity.entra:Entra", "identity.oidc:Oidc"),
}
"""What programs do not write field by field → what makes it: the arguments of one of these are written instead."""

HANDED_OVER: Final = frozenset({"gates.kubernetes.declared:ClusterFacts", "environments.helm.flows:Flow"})
"""What only a component can say: it is given by naming the component."""

FLATTENED: Final[Mapping[str, str]] = {
    "network": "",
    "gateway": "gateway_",
    "entry": "entry_",
    "lss_receiver": "lss_receiver_",
    "nss_target": "nss_target_",
}
"""Attribute → what stands before its fields, which are outputs of their own.

While one field of an object is unknown, as ids are at preview, most languages know nothing of the others.
"""

SECRETS: Final = frozenset(
    {
        "bgp_password",
        "client_secret",
        "cookie_secret",
        "gateway_secret",
        "initial",
        "preshared_key",
        "provisioning_keys",
        "secret_string",
        "token",
    }
)
"""Inputs and outputs that are secrets, wherever they are."""


def find(place: str) -> Any:
    """What a place (`gates.declared:AccessDeclaration`) names."""
    module, _, name = place.partition(":")
    return getattr(import_module(f"{_ROOT}.{module}"), name)


def place_of(named: Any) -> str:
    """The place of a class or a function: the other way round."""
    return f"{named.__module__.removeprefix(f'{_ROOT}.')}:{named.__name__}"


def type_of(name: str) -> str:
    """A component's type: `airlock:index:Access`."""
    return f"{PACKAGE}:index:{name}"


def wire_name(name: str) -> str:
    """A Python name as the other languages write it: `subnet_cidrs` → `subnetCidrs`, `from_` → `from`."""
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
