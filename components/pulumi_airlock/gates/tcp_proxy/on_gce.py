"""A proxy's resources in Google Cloud, as children of its component."""

from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from . import gce
from .files import Configuration
from .plan import HEALTH_PORT, ProxyPlan
from .platforms import OnGce

_LAST = 65534
"""The priority below every other rule, and before those that are implied (VPC, "VPC firewall rules")."""


def make(
    plan: ProxyPlan, platform: OnGce, found: Configuration, rules: Sequence[tuple[str, int, str]], parent: pulumi.Resource
) -> tuple[tuple[()], tuple[()]]:
    """Makes everything; nothing of it is in a cluster."""
    Gce(plan, platform, found, rules, parent)
    return (), ()


class Gce:
    """Makes everything; `rules`: what its machines are let out to."""

    def __init__(
        self,
        plan: ProxyPlan,
        platform: OnGce,
        found: Configuration,
        rules: Sequence[tuple[str, int, str]],
        parent: pulumi.Resource,
    ) -> None:
        self._platform, self._name, self._parent = platform, plan.gate, parent
        self._child = pulumi.ResourceOptions(parent=parent)
        self._port = found.settings.port
        self._place = {"project": platform.project, "region": platform.region}
        self._account = gcp.serviceaccount.Account(
            f"{self._name}-account",
            project=platform.project,
            account_id=f"{self._name[:20]}-proxy",
            display_name=f"The TCP proxy {self._name}",
            opts=self._child,
        )
        bucket = self._files(found)
        allowed = self._rights(bucket)
        self._firewall(rules)
        self._serve(self._template(found, bucket), allowed)

    # Its configuration

    def _files(self, found: Configuration) -> gcp.storage.Bucket:
        name, platform = self._name, self._platform
        bucket = gcp.storage.Bucket(
            f"{name}-config",
            project=platform.project,
            location=platform.region,
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            versioning={"enabled": True},
            encryption={"default_kms_key_name": platform.kms_key_id},
            labels=dict(platform.labels),
            opts=self._child,
        )
        for path, content in gce.kept(found, platform):
            gcp.storage.BucketObject(
                f"{name}-{path.replace('/', '-')}",
                bucket=bucket.name,
                name=path,
                content=content,
                content_type="application/json" if path.endswith(".json") else "application/x-pem-file",
                opts=self._child,
            )
        return bucket

    def _rights(self, bucket: gcp.storage.Bucket) -> list[pulumi.Resource]:
        """What the machines' account may do: read its files and its certificate, fetch its image, write its log."""
        name, platform = self._name, self._platform
        member = self._account.email.apply(lambda email: f"serviceAccount:{email}")
        _, _, _, location, _, repository = platform.repository.split("/")
        return [
            gcp.storage.BucketIAMMember(
                f"{name}-config", bucket=bucket.name, role="roles/storage.objectViewer", member=member, opts=self._child
            ),
            *(
                gcp.secretmanager.SecretIamMember(
                    f"{name}-{label}",
                    project=secret.split("/")[1],
                    secret_id=secret.split("/")[3],
                    role="roles/secretmanager.secretAccessor",
                    member=member,
                    opts=self._child,
                )
                for label, secret in (("certificate", platform.certificate.certificate), ("key", platform.certificate.key))
            ),
            gcp.artifactregistry.RepositoryIamMember(
                f"{name}-image",
                project=platform.repository.split("/")[1],
                location=location,
                repository=repository,
                role="roles/artifactregistry.reader",
                member=member,
                opts=self._child,
            ),
            gcp.projects.IAMMember(
                f"{name}-log", project=platform.project, role="roles/logging.logWriter", member=member, opts=self._child
            ),
        ]

    # Who reaches it, and whom it reaches

    def _firewall(self, rules: Sequence[tuple[str, int, str]]) -> None:
        """Rules of the network for its machines alone, by their account; what they say nothing of is refused."""
        for label, port, ranges, why in (
            ("tunnels", self._port, self._platform.callers, "tasks to the proxy"),
            ("health", HEALTH_PORT, gce.HEALTH_CHECKS, "Google's health checks"),
        ):
            self._rule(f"from-{label}", "INGRESS", 1000, why, list(ranges), port)
        for port in sorted({port for _, port, _ in rules}):
            mine = [(network, why) for network, each, why in rules if each == port]
            why = "the proxy to " + ", ".join(dict.fromkeys(why for _, why in mine))
            self._rule(f"to-{port}", "EGRESS", 1000, why[:200], [network for network, _ in mine], port)
        self._rule("to-nobody-else", "EGRESS", _LAST, "the proxy to nobody else", ["0.0.0.0/0"], None)

    def _rule(self, label: str, direction: str, priority: int, why: str, ranges: list[str], port: int | None) -> None:
        what = {"protocol": "tcp", "ports": [str(port)]} if port is not None else {"protocol": "all"}
        gcp.compute.Firewall(
            f"{self._name}-{label}",
            project=self._platform.project,
            network=self._platform.network_id,
            description=why,
            direction=direction,
            priority=priority,
            target_service_accounts=[self._account.email],
            log_config={"metadata": "INCLUDE_ALL_METADATA"},
            **({"source_ranges": ranges} if direction == "INGRESS" else {"destination_ranges": ranges}),
            **({"denies": [what]} if port is None else {"allows": [what]}),
            opts=self._child,
        )

    # What runs

    def _template(self, found: Configuration, bucket: gcp.storage.Bucket) -> gcp.compute.InstanceTemplate:
        platform = self._platform
        disk = {
            "boot": True,
            "auto_delete": True,
            "source_image": platform.os_image,
            "disk_type": "pd-balanced",
            "disk_size_gb": 20,
            "disk_encryption_key": {"kms_key_self_link": platform.kms_key_id},
        }
        return gcp.compute.InstanceTemplate(
            f"{self._name}-machines",
            **self._place,
            name_prefix=f"{self._name[:30]}-",
            machine_type=platform.machine_type,
            disks=[disk],
            # No access_configs: no public address.
            network_interfaces=[{"network": platform.network_id, "subnetwork": platform.subnetwork_id}],
            # What it may do, its roles say.
            service_account={"email": self._account.email, "scopes": ["https://www.googleapis.com/auth/cloud-platform"]},
            shielded_instance_config={"enable_secure_boot": True, "enable_vtpm": True, "enable_integrity_monitoring": True},
            can_ip_forward=False,
            metadata={
                "user-data": bucket.name.apply(lambda name: gce.user_data(self._name, platform, found, name)),
                "google-logging-enabled": "true",
                "enable-oslogin": "TRUE",
                "block-project-ssh-keys": "TRUE",
                "serial-port-enable": "FALSE",
            },
            labels=dict(platform.labels),
            opts=pulumi.ResourceOptions(parent=self._parent),
        )

    def _serve(self, template: gcp.compute.InstanceTemplate, allowed: Sequence[pulumi.Resource]) -> None:
        name, platform = self._name, self._platform
        check = gcp.compute.RegionHealthCheck(
            f"{name}-health",
            **self._place,
            check_interval_sec=10,
            timeout_sec=5,
            http_health_check={"port": HEALTH_PORT, "request_path": "/ready"},
            opts=self._child,
        )
        machines = gcp.compute.RegionInstanceGroupManager(
            f"{name}-group",
            **self._place,
            base_instance_name=name,
            target_size=platform.replicas,
            versions=[{"instance_template": template.self_link_unique}],
            auto_healing_policies={"health_check": check.id, "initial_delay_sec": 180},
            # New machines first; of a region's group the surge is at least one for each of its zones.
            update_policy={
                "type": "PROACTIVE",
                "minimal_action": "REPLACE",
                "max_surge_fixed": 3,
                "max_unavailable_fixed": 0,
                "min_ready_sec": 30,
            },
            opts=pulumi.ResourceOptions(parent=self._parent, depends_on=list(allowed)),
        )
        service = gcp.compute.RegionBackendService(
            f"{name}-machines",
            **self._place,
            protocol="TCP",
            load_balancing_scheme="INTERNAL",
            network=platform.network_id,
            backends=[{"group": machines.instance_group, "balancing_mode": "CONNECTION"}],
            health_checks=check.id,
            connection_draining_timeout_sec=platform.drain,
            opts=self._child,
        )
        address = gcp.compute.Address(
            f"{name}-address",
            **self._place,
            address_type="INTERNAL",
            address=platform.address,
            subnetwork=platform.subnetwork_id,
            opts=self._child,
        )
        gcp.compute.ForwardingRule(
            f"{name}-balancer",
            **self._place,
            load_balancing_scheme="INTERNAL",
            ip_protocol="TCP",
            ip_address=address.address,
            ports=[str(self._port)],
            network=platform.network_id,
            subnetwork=platform.subnetwork_id,
            backend_service=service.id,
            allow_global_access=False,
            opts=self._child,
        )
        if platform.managed_zone is not None:
            gcp.dns.RecordSet(
                f"{name}-name",
                project=platform.project,
                managed_zone=platform.managed_zone,
                name=f"{platform.host}.",
                type="A",
                ttl=60,
                rrdatas=[address.address],
                opts=self._child,
            )
