"""What the programs of the pages take for granted: an access document, and the components that other pages make.

A program runs in the offline engine, so these are made in it, as real components, and only those that it names.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pulumi
from doc_blocks import blocks
from pulumi_airlock.access import Access
from ruamel.yaml import YAML

ACCOUNT = "arn:aws:iam::111122223333"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nTUlJQmFpcmxvY2s=\n-----END CERTIFICATE-----\n"
PORT = {"ports": ["443/tcp"], "protocol": "https"}
DESTINATIONS: dict[str, dict[str, Any]] = {
    "datacenter": {"name": "warehouse", "hosts": ["warehouse.corp.example"], "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]},
    "partners": {"name": "clearing", "cidrs": ["10.90.4.10/32"], **PORT},
    "saas": {"name": "crm", "hosts": ["crm.saas.example"], "cidrs": ["203.0.113.9/32"], **PORT},
    "internet": {"name": "rates", "hosts": ["rates.ecb.example"], "cidrs": ["198.51.100.20/32"], **PORT},
    "vendors": {"name": "clearing-house", "hosts": ["api.clearing.example"], **PORT},
    "cluster": {"name": "ledger", "hosts": ["ledger.data.svc.cluster.local"], "ports": ["443/tcp"]},
    "ui": {"name": "airflow-ui", "hosts": ["airflow.bank.example"], **PORT},
}
"""Zone → what is in it."""
CIDRS = {
    "datacenter": ["10.20.0.0/16"],
    "partners": ["10.90.0.0/16"],
    "saas": ["203.0.113.0/24"],
    "internet": ["198.51.100.0/24"],
}
ZONES: dict[str, dict[str, list[str]]] = {
    "docs/environments/helm.md": {"ui": ["nginx"]},
    "docs/gates/aws-network.md": {"datacenter": ["aws_network"], "saas": ["aws_network"]},
    "docs/gates/cilium.md": {"cluster": ["cilium"]},
    "docs/gates/consul.md": {"cluster": ["consul"], "vendors": ["consul"]},
    "docs/gates/fortigate.md": {"datacenter": ["fortigate"], "partners": ["fortigate"]},
    "docs/gates/gcp-firewall.md": {"datacenter": ["gcp_firewall"]},
    "docs/gates/istio.md": {"cluster": ["istio"], "vendors": ["istio"]},
    "docs/gates/linkerd.md": {"cluster": ["linkerd"]},
    "docs/gates/network-policy.md": {"cluster": ["network_policy"]},
    "docs/gates/zia.md": {"internet": ["zia"]},
    "docs/gates/zpa.md": {"datacenter": ["zpa"]},
    "docs/identity.md": {"ui": ["zpa"]},
    "docs/tunnels.md": {"datacenter": ["aws_network", "fortigate"], "internet": ["aws_network", "zia"]},
}
"""Page → its zones, each with its gates. A page that has an access file of its own needs none."""
PEOPLE = {"name": "finance-analysts", "group": "airflow-finance", "role": "finance"}
WITH_PEOPLE = {"ui"}
PEOPLE_AT = {"docs/gates/fortigate.md": {"sources": ["10.30.0.0/16"]}, "docs/gates/zpa.md": {}}
"""Pages whose people have a route to the data centre, and what of them is declared besides."""


def given(page: str, names: set[str]) -> dict[str, Any]:
    """The named things, as a page takes them for granted. KeyError for one that nobody gives."""
    known = COMMON | PAGES.get(page, {})
    unknown = names - known.keys() - {"access"}
    if unknown:
        raise KeyError(f"{page}: {', '.join(sorted(unknown))}: define it in the block, or in tests/docs/doc_given.py")
    return {name: access(page) if name == "access" else known[name]() for name in names}


def access(page: str) -> Access:
    """The page's own access file, with whom it leaves out; or one route into each of its zones."""
    for one in blocks(page):
        if one.language == "yaml" and "zones:" in one.text:
            people = {"principals": [PEOPLE], "roles": [{"name": "finance", "base": "Viewer"}]}
            return Access.model_validate(people | YAML(typ="safe", pure=True).load(one.text))
    zones = ZONES[page]
    people_to = [zone for zone in zones if zone in WITH_PEOPLE or (page in PEOPLE_AT and zone == "datacenter")]
    routes = [_route(zone, "ledger-close") for zone in zones if zone not in WITH_PEOPLE] + [
        _route(z, PEOPLE["name"]) for z in people_to
    ]
    return Access.model_validate(
        {
            "identityProvider": {"kind": "okta", "issuer": "https://bank.okta.example", "audience": "airflow"},
            "environments": [{"name": "finance", "dags": ["*"]}],
            "roles": [{"name": "finance", "base": "Viewer"}],
            "principals": [{"name": "ledger-close", "environment": "finance", "dags": ["ledger_*"]}]
            + ([PEOPLE | PEOPLE_AT.get(page, {})] if people_to else []),
            "zones": {zone: {"gates": gates, "cidrs": CIDRS.get(zone, [])} for zone, gates in zones.items()},
            "destinations": [{"zone": zone, **DESTINATIONS[zone]} for zone in zones],
            "routes": routes,
        }
    )


def _route(zone: str, who: Any) -> dict[str, Any]:
    return {
        "name": f"{who}-{zone}",
        "from": [who],
        "to": [DESTINATIONS[zone]["name"]],
        "session": "1h",
        "reason": "FIN-1234",
    }


def _vpc() -> Any:
    from pulumi_airlock.environments.mwaa import AirflowVpc

    zones = ["eu-central-1a", "eu-central-1b"]
    return AirflowVpc(
        "given", owner="it", cidr="10.40.0.0/20", availability_zones=zones, endpoint_cidrs=["10.40.14.0/26", "10.40.14.64/26"]
    )


def _mwaa(name: str, subnets: list[str]) -> Any:
    from pulumi_airlock.environments.mwaa import ExistingVpc, MwaaCode, MwaaEnvironment, MwaaScale

    return MwaaEnvironment(
        name,
        owner="it",
        vpc=ExistingVpc(
            vpc_id="vpc-1",
            cidr="10.40.0.0/20",
            endpoint_cidrs=("10.40.14.0/26",),
            s3_prefix_list_id="pl-1",
            availability_zones=("eu-central-1a", "eu-central-1b"),
            s3_endpoint_id="vpce-1",
        ),
        airflow_version="3.0.6",
        scale=MwaaScale(environment_class="mw1.small", max_workers=5),
        code=MwaaCode(dags="dags"),
        subnet_cidrs=subnets,
    )


def _composer(name: str, cidr: str) -> Any:
    from pulumi_airlock.environments.composer import ComposerEnvironment, ComposerPlacement

    network = "projects/bank-network/global/networks/airflow"
    subnetwork = f"projects/bank-network/regions/europe-west1/subnetworks/{name}"
    return ComposerEnvironment(
        name,
        owner="it",
        project="bank-airflow",
        region="europe-west1",
        project_number="123456789012",
        image_version="composer-3-airflow-2.10.5-build.12",
        placement=ComposerPlacement(
            network_id=network, subnetwork_id=subnetwork, subnetwork_cidr=cidr, network_project="bank-network"
        ),
        ui_cidrs=["198.51.100.0/24"],
    )


def _cluster(*workloads: Any) -> Any:
    from pulumi_airlock.gates.kubernetes import ClusterDeclaration, workload

    ledger = workload("data", "ledger", {"app": "ledger"}, services={"ledger": {443: 8443}})
    addresses = {"pod_cidrs": ["10.60.0.0/16"], "service_cidrs": ["10.61.0.0/16"], "node_cidrs": ["10.62.0.0/24"]}
    return ClusterDeclaration("bank", cni="cilium", workloads=[ledger, *workloads], **addresses)


def _cluster_of_a_mesh() -> Any:
    from pulumi_airlock.gates.consul import TerminatingGateway, terminating_workload

    return _cluster(_egress(), terminating_workload(TerminatingGateway()))


def _egress() -> Any:
    from pulumi_airlock.gates.istio import EgressGateway, gateway_workload

    return gateway_workload(EgressGateway())


def _network(page: str, **more: Any) -> Callable[[], Any]:
    def made() -> Any:
        from pulumi_airlock.environments.helm.flows import Database
        from pulumi_airlock.environments.helm.network import cluster_network
        from pulumi_airlock.environments.helm.workloads import KUBERNETES

        placed = {"namespace": "airflow", "release": "airflow", "executor": KUBERNETES, "pod_cidrs": ("10.60.0.0/16",)}
        database = Database(5432, cidrs=("10.20.9.9/32",))
        return cluster_network(access(page), "finance", database=database, **placed, **more)

    return made


def _shop() -> list[dict[str, Any]]:
    """Manifests of two workloads, one behind a policy."""
    kinds = {"web": "Deployment", "db": "StatefulSet"}
    workloads = [
        {
            "apiVersion": "apps/v1",
            "kind": kind,
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"template": {"metadata": {"labels": {"app": name}}}},
        }
        for name, kind in kinds.items()
    ]
    ingress = [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}], "ports": [{"port": 5432}]}]
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "db", "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"app": "db"}}, "ingress": ingress},
    }
    return [*workloads, policy]


def _provider(module: str, **options: Any) -> Callable[[], Any]:
    def made() -> Any:
        from importlib import import_module

        return import_module(module).Provider("given-provider", **options)

    return made


def _secret() -> Any:
    return pulumi.Output.secret("0123456789abcdef" * 2)


def _vpn() -> Any:
    from pulumi_airlock.tunnels import SiteToSiteVpn

    return SiteToSiteVpn(
        "given-vpn",
        device_address="203.0.113.250",
        wan_interface="wan1",
        cloud_cidrs=["10.40.0.0/20"],
        device_cidrs=["10.20.0.0/16"],
        vpc_id="vpc-1",
    )


COMMON: dict[str, Callable[[], Any]] = {
    "pulumi": lambda: pulumi,
    "vpc": _vpc,
    "vpc_id": lambda: "vpc-1",
    "finance": lambda: _mwaa("finance", ["10.40.0.0/26", "10.40.0.64/26"]),
    "markets": lambda: _mwaa("markets", ["10.40.1.0/26", "10.40.1.64/26"]),
    "vpn": _vpn,
    "nat": lambda: SimpleNamespace(id="nat-0a1b2c3d4e5f60718"),
    "device": _provider("pulumiverse_fortios", hostname="fgt.bank.example"),
    "tenant": _provider("zscaler_pulumi_zpa", vanity_domain="bank", customer_id="42"),
    "token": _secret,
    "portal": lambda: "https://firewall.corp.example:1003",
    "digest": lambda: f"sha256:{'0' * 64}",
    "cluster": _cluster_of_a_mesh,
    "meshed": lambda: _cluster(_egress()),
    "gateway": _egress,
}
PAGES: dict[str, dict[str, Callable[[], Any]]] = {
    "docs/audit.md": {
        "ca": lambda: CERTIFICATE,
        "token": lambda: pulumi.Output.secret("0a1b2c3d-0000-4000-8000-123456789012"),
        "token_arn": lambda: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:siem/hec-0a1b2c",
        "dag_bucket_arns": lambda: ["arn:aws:s3:::bank-finance-dags"],
    },
    "docs/gates/cilium.md": {"network": _network("docs/gates/cilium.md")},
    "docs/gates/consul.md": {"network": _network("docs/gates/consul.md")},
    "docs/gates/fortigate.md": {"finance": lambda: SimpleNamespace(object_id="00000000-0000-4000-8000-000000000001")},
    "docs/gates/gcp-firewall.md": {
        "finance": lambda: _composer("finance", "10.70.0.0/26"),
        "markets": lambda: _composer("markets", "10.70.0.64/26"),
        "vpc": lambda: SimpleNamespace(id="projects/bank-network/global/networks/airflow"),
    },
    "docs/gates/istio.md": {"network": _network("docs/gates/istio.md")},
    "docs/gates/linkerd.md": {"network": _network("docs/gates/linkerd.md")},
    "docs/gates/network-policy.md": {"network": _network("docs/gates/network-policy.md"), "documents": _shop},
    "docs/gates/nginx.md": {
        "airflow": lambda: SimpleNamespace(network=_network("docs/gates/nginx.md", gateway="nginx")()),
        **dict.fromkeys(("client_secret", "cookie_secret", "gateway_secret"), _secret),
    },
    "docs/gates/tcp-proxy.md": {
        "airflow_security_group_id": lambda: "sg-1",
        "authority_pem": lambda: CERTIFICATE,
        "certificate_arn": lambda: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:certificate",
        "key_arn": lambda: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:key",
        "cluster_arn": lambda: "arn:aws:ecs:eu-central-1:111122223333:cluster/airlock",
        "kms_key_arn": lambda: "arn:aws:kms:eu-central-1:111122223333:key/1",
        "subnets": lambda: ["subnet-1", "subnet-2"],
    },
    "docs/tunnels.md": {"composer": lambda: _composer("finance", "10.70.0.0/26")},
}
"""Page → what it alone takes for granted, or calls by a name that others use for something else."""
