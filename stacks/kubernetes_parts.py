"""Parts of the stacks on Kubernetes that not all of them have: Cilium's chart, the gateway of people, the FortiGate."""

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as kubernetes
from edge import Fortigate
from kubernetes_settings import Gateway, Settings, Vpn
from pulumi_airlock.access import Access
from pulumi_airlock.environments.helm import ClusterNetwork
from pulumi_airlock.gates.cilium import cilium_values, hubble_export_values
from pulumi_airlock.gates.nginx import Certificate, Exposure, NginxGateway, OidcClient, Pods


def cilium_release(given: Settings, namespaces: Sequence[str]) -> None:
    """Cilium by its chart, beside the mesh, with the flows of some namespaces exported by Hubble.

    Pods have addresses of the VPC (Cilium, "AWS ENI"), which the bank's network sees as they are.
    """
    one = given.cluster.cilium
    if one is None:
        return
    kubernetes.helm.v3.Release(
        "cilium",
        name="cilium",
        namespace="kube-system",
        chart="cilium",
        version=one.version,
        repository_opts=kubernetes.helm.v3.RepositoryOptsArgs(repo="https://helm.cilium.io"),
        values={
            **cilium_values(given.mesh),
            **hubble_export_values(namespaces),
            "eni": {"enabled": True},
            "ipam": {"mode": "eni"},
            "routingMode": "native",
            "ipv4NativeRoutingCIDR": one.not_masqueraded,
        },
    )


def people_gateway(given: Gateway, access: Access, networks: Sequence[ClusterNetwork]) -> NginxGateway:
    """The gateway of people before the environment's web interface. Its secrets are kept, and renewed, in Secrets Manager."""
    import pulumi_aws as aws

    def secret(name: str) -> pulumi.Output[str]:
        found: pulumi.Output[str] = aws.secretsmanager.get_secret_version_output(secret_id=name).secret_string
        return pulumi.Output.secret(found)

    (network,) = (one for one in networks if one.environment == given.environment)
    return NginxGateway(
        "nginx",
        access=access,
        upstreams={given.destination: network},
        namespace=network.namespace,
        client=OidcClient(given.client_id, secret(given.secrets.client), secret(given.secrets.cookie)),
        certificate=Certificate(issuer=given.certificate_issuer),
        gateway_secret=secret(given.secrets.gateway),
        pods=Pods(nginx_image=given.nginx_image, sign_in_image=given.sign_in_image),
        exposure=Exposure(
            annotations={"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"},
            source_ranges=given.people,
            load_balancer_class="service.k8s.aws/nlb",
        ),
        people_cidrs=given.people,
        issuer_cidrs=given.issuer,
    )


def behind_a_fortigate(given: Settings, vpn: Vpn, device: Fortigate, access: Access, found: Sequence[ClusterNetwork]) -> None:
    """The tunnels between the cluster's VPC and the FortiGate, and its policies."""
    from pulumi_airlock.gates.fortigate import FortigateGate
    from pulumi_airlock.tunnels import SiteToSiteVpn, TunnelEnd

    assert given.cluster.vpc_id is not None  # noqa: S101  # every stack with a VPN has one
    on_device = pulumi.ResourceOptions(providers=[device.provider()])
    beyond = [zone for zone in access.zones.values() if "fortigate" in zone.gates]
    tunnels = SiteToSiteVpn(
        "vpn",
        device_address=vpn.fortigate_address,
        wan_interface=device.wan_interface,
        cloud_cidrs=list(given.cluster.pods),
        device_cidrs=[cidr for zone in beyond for cidr in zone.cidrs],
        vpc_id=given.cluster.vpc_id,
        device_asn=vpn.fortigate_asn,
        amazon_asn=vpn.amazon_asn,
        tunnels=(TunnelEnd(vpn.inside_cidrs[0]), TunnelEnd(vpn.inside_cidrs[1])),
        device_name="eks",
        dialect=device.dialect,
        zone_name=device.tunnel_zone,
        log_retention_days=given.log_retention_days,
        log_kms_key_arn=given.log_key_arn,
        tags={"owner": given.owner},
        opts=on_device,
    )
    FortigateGate(
        "fortigate",
        access=access,
        sources={one.environment: one.pod_cidrs for one in found},
        tunnel_interface=tunnels.zone_name,
        interfaces=device.interfaces,
        timezone=device.timezone,
        dialect=device.dialect,
        opts=on_device,
    )
