"""Programs with a VPC, environments of Composer in it, and what is declared for them."""

from typing import Any

import pulumi
import pulumi_gcp as gcp
from pulumi_airlock.access.model import Access
from pulumi_airlock.environments.composer import ComposerEnvironment, ComposerPlacement

IMAGE = {2: "composer-2.16.7-airflow-2.10.5", 3: "composer-3-airflow-2.10.5-build.12"}
REGION = "europe-west1"


def network(order: str | None = "BEFORE_CLASSIC_FIREWALL") -> gcp.compute.Network:
    return gcp.compute.Network(
        "vpc", name="vpc", project="bank-airflow", auto_create_subnetworks=False, network_firewall_policy_enforcement_order=order
    )


def environment(name: str, vpc: Any, base: str, generation: int = 3, **networks: Any) -> ComposerEnvironment:
    """An environment in `<base>.0.0/24`; with Composer 2, pods in `<base>.8.0/21`. `vpc`: a network, or the id of one."""
    vpc_id = vpc.id if isinstance(vpc, gcp.compute.Network) else vpc
    subnetwork = gcp.compute.Subnetwork(
        f"{name}-subnet",
        name=f"{name}-subnet",
        project="bank-airflow",
        region=REGION,
        network=vpc_id,
        ip_cidr_range=f"{base}.0.0/24",
    )
    given: dict[str, Any] = {
        "network_id": vpc_id,
        "subnetwork_id": subnetwork.id,
        "subnetwork_cidr": f"{base}.0.0/24",
    }
    if generation == 2:
        given |= {
            "pod_cidr": f"{base}.8.0/21",
            "service_cidr": f"{base}.16.0/24",
            "master_cidr": f"{base}.17.0/28",
            "connection_subnetwork_id": "projects/bank-airflow/regions/europe-west1/subnetworks/connect",
            "connection_subnetwork_cidr": f"{base}.18.0/28",
        }
    given |= networks
    return ComposerEnvironment(
        name,
        owner="finance@bank.example",
        image_version=IMAGE[generation],
        project_number="123456789012",
        placement=ComposerPlacement(**given),
        grant_key=False,
        kms_key_id=f"projects/bank-airflow/locations/{REGION}/keyRings/ring/cryptoKeys/key",
    )


def plain_environment(
    name: str, base: str, vpc: pulumi.Input[str], account: pulumi.Input[str] | None = None, tags: Any = None, generation: int = 2
) -> gcp.composer.Environment:
    """An environment as somebody else wrote it, without any component."""
    node: dict[str, Any] = {"service_account": account, "tags": tags}
    if generation == 2:
        subnetwork = gcp.compute.Subnetwork(
            f"{name}-subnet", name=f"{name}-subnet", region=REGION, network=vpc, ip_cidr_range=f"{base}.0.0/24"
        )
        node |= {
            "network": vpc,
            "subnetwork": subnetwork.id,
            "ip_allocation_policy": {"cluster_ipv4_cidr_block": f"{base}.8.0/21", "services_ipv4_cidr_block": f"{base}.16.0/24"},
        }
    else:
        subnetwork = gcp.compute.Subnetwork(
            f"{name}-subnet", name=f"{name}-subnet", region=REGION, network=vpc, ip_cidr_range=f"{base}.0.0/24"
        )
        attachment = gcp.compute.NetworkAttachment(
            f"{name}-attachment",
            name=f"{name}-attachment",
            region=REGION,
            connection_preference="ACCEPT_AUTOMATIC",
            subnetworks=[subnetwork.id],
        )
        node["composer_network_attachment"] = attachment.id
    return gcp.composer.Environment(
        name,
        name=name,
        region=REGION,
        config={"node_config": node, "software_config": {"image_version": IMAGE[generation]}},
    )


def declared(**changes: Any) -> Access:
    """What two environments may reach; parts are replaced by name."""
    document: dict[str, Any] = {
        "principals": [
            {"name": "ledger", "dags": ["*"], "environment": "finance"},
            {"name": "risk", "dags": ["*"], "environment": "markets"},
        ],
        "zones": {
            "datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["gcp_firewall"]},
            "saas": {"gates": ["gcp_firewall"]},
            # Where no name of `saas` can be.
            "airflow": {"cidrs": ["10.1.0.0/16", "10.2.0.0/16", "199.36.153.4/30", "199.36.153.8/30"], "gates": ["gcp_firewall"]},
        },
        "destinations": [
            {"name": "warehouse", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]},
            {"name": "reports", "zone": "datacenter", "cidrs": ["10.20.4.11/32"], "ports": ["5432/tcp"]},
            {"name": "crm", "zone": "saas", "hosts": ["crm.example.com"], "ports": ["443/tcp"]},
        ],
        "routes": [
            {"name": "ledger-warehouse", "from": ["ledger"], "to": ["warehouse", "reports"], "reason": "FIN-1"},
            {"name": "risk-crm", "from": ["risk"], "to": ["crm"], "reason": "RSK-1"},
        ],
    }
    return Access.model_validate({**document, **changes})
