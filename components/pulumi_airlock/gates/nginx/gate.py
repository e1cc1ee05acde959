"""The component: a plan's objects as resources: nginx with its configuration, oauth2-proxy, and what both need.

Or, with another `engine`, the same plan as objects of a controller that the platform has; oauth2-proxy stays.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ...access import Access
from ...access.values import check_cidrs, parse_duration
from ...environments.helm.flows import Flow
from ...environments.helm.mesh import MESHES, NONE
from ...environments.helm.network import ClusterNetwork
from ...errors import InputError, Problem, Problems
from ...tokens import NGINX_GATEWAY
from ..kubernetes.marks import MANAGED
from ..kubernetes.wanted import mesh_of
from ..kubernetes.workloads import Workload
from . import manifests
from .adapters import check_engine, fabric_objects, nic_objects
from .compile import compile_gateway
from .config import nginx_conf
from .flows import describe_flow, flows_of, provider_of, workloads_of
from .plan import GATEWAY_PORT, REDIRECT_PORT, SIGN_IN_PORT, GatewayPlan, Upstream, pinned
from .settings import Certificate, Exposure, OidcClient, Pods

_DNS_NAME = re.compile(r"[a-z]([a-z0-9-]{0,51}[a-z0-9])?")
_SECRET = re.compile(r"[A-Za-z0-9_-]{32,}")


class NginxGateway(pulumi.ComponentResource):
    """Checks who people are, once, in front of every Airflow of a cluster, and hides what is not for people.

    It sees groups of the identity provider, methods and paths. What DAGs somebody may see or run is Airflow's to say: by the
    roles that the groups give (`webserver_config`).
    """

    flows: tuple[Flow, ...]
    """What gates of the cluster have to let through for it."""
    workloads: tuple[Workload, ...]
    """nginx and oauth2-proxy, as gates of the cluster see them."""
    entries: tuple[str, ...]
    """The workloads at which people arrive, for a mesh whose sidecar leaves their ports alone (`IstioGate(entries=…)`)."""
    secret_name: str | None
    """The Secret with the gateway's secret (key `value`), in every Airflow's namespace; None with other engines."""
    session: timedelta
    """How long a sign-in holds."""

    def __init__(
        self,
        name: str,
        *,
        access: Access,
        upstreams: Mapping[str, ClusterNetwork | Upstream],
        namespace: str,
        client: OidcClient,
        certificate: Certificate,
        gateway_secret: pulumi.Input[str] | None = None,
        engine: str = "nginx",
        pods: Pods | None = None,
        exposure: Exposure | None = None,
        session: str = "8h",
        body_limit: str = "1m",
        ingress_class: str = "nginx",
        gateway: str = "nginx-gateway/gateway",
        controller: str = "nginx-ingress/nginx-ingress",
        people_cidrs: tuple[str, ...] = (),
        issuer_cidrs: tuple[str, ...] = (),
        today: date | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """
        Args:
            name: the gate's name, as zones write it, and that of its objects.
            access: who may reach what; its `identityProvider` is where people sign in.
            upstreams: destination → the Airflow that it is: `HelmEnvironment.network`, whose `gateway` is this one's
                (`airflow_side`), or an `Upstream`.
            namespace: where its objects are. In that of an environment with a mesh its pods are in the mesh, but for the ports at
                which people arrive.
            client: the client at the identity provider.
            certificate: of the hosts that people type.
            gateway_secret: 32 characters or more, which only it and Airflow know; for engine `nginx`, and required there.
            engine: nginx, f5-nic, nginx-gateway-fabric.
            pods: images and sizes.
            exposure: the Service in front of nginx.
            session: how long a sign-in holds, where no route says less.
            body_limit: the largest body of a request.
            ingress_class: of F5 NIC.
            gateway: `<namespace>/<name>` of NGINX Gateway Fabric's Gateway.
            controller: `<namespace>/<service account>` as which the controller of another engine connects.
            people_cidrs: where people (or the load balancer) connect from, for gates that see addresses; anywhere without it.
            issuer_cidrs: where the identity provider is, for gates of the cluster that know no names; by its name without it.
            today: routes that are over by then are left out; today without it.

        Raises:
            InputError: with every problem, for whatever the engine cannot say.
        """
        exposure, self._pods = exposure or Exposure(), pods or Pods()
        networks = {key: one for key, one in upstreams.items() if isinstance(one, ClusterNetwork)}
        problems = Problems(name)
        _check(name, access, certificate, self._pods, engine, gateway_secret, problems)
        check_cidrs(problems, "people_cidrs", people_cidrs)
        check_cidrs(problems, "issuer_cidrs", issuer_cidrs)
        check_cidrs(problems, "exposure.source_ranges", exposure.source_ranges)
        longest = timedelta()
        with problems.noting("session"):
            longest = parse_duration(session)
        if engine == "nginx":
            _check_secret(name, networks, problems)
        found = {key: _upstream(one) for key, one in upstreams.items()}
        plan: GatewayPlan | None = None
        with problems.noting("access"):
            day = today or datetime.now(UTC).date()
            plan = compile_gateway(access, name, namespace, found, day, session=longest, body_limit=body_limit)
            check_engine(plan, engine)
        problems.raise_any()
        assert access.identity_provider is not None and plan is not None  # noqa: S101, PT018  # checked just before
        issuer = access.identity_provider.issuer
        self._plan, self.session = plan, plan.session
        self._caller = f"{namespace}/{name}" if engine == "nginx" else controller
        self.workloads = workloads_of(plan, engine)
        provider = provider_of(issuer, issuer_cidrs)
        self.flows = flows_of(plan, self._caller, provider, people_cidrs if engine == "nginx" else ())
        self._mesh = MESHES.get(mesh_of([one for one in networks.values() if one.namespace == namespace]), NONE)
        self.entries = (self._caller,) if engine == "nginx" else ()
        self.secret_name = name if engine == "nginx" else None
        said = _described(plan, engine, self._caller, self.flows)
        super().__init__(NGINX_GATEWAY, name, said, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        tls = certificate.secret or f"{name}-tls"
        if certificate.issuer is not None:
            self._certificate(tls, certificate)
        self._sign_in(issuer, client)
        if engine == "nginx":
            spaces = sorted({one.namespace for one in networks.values()} - {namespace})
            self._nginx(tls, gateway_secret, exposure, spaces)
        elif engine == "f5-nic":
            self._custom(dict(nic_objects(plan, manifests.sign_in_name(plan), tls, ingress_class)))
        else:
            where, _, its_name = gateway.partition("/")
            self._custom(dict(fabric_objects(plan, manifests.sign_in_name(plan), (where, its_name))))
        self.register_outputs(said)

    # Objects

    def _meta(self, name: str, part: str) -> Any:
        return kubernetes.meta.v1.ObjectMetaArgs(
            name=name, namespace=self._plan.namespace, labels=manifests.labels(self._plan, part)
        )

    def _account(self, name: str, part: str) -> None:
        kubernetes.core.v1.ServiceAccount(
            f"{name}-account",
            metadata=self._meta(name, part),
            automount_service_account_token=self._mesh.tokens,
            opts=self._child,
        )

    def _budget(self, name: str, part: str) -> None:
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{name}-budget",
            metadata=self._meta(name, part),
            spec={"maxUnavailable": 1, "selector": {"matchLabels": manifests.labels(self._plan, part)}},
            opts=self._child,
        )

    def _sign_in(self, issuer: str, client: OidcClient) -> None:
        plan, name = self._plan, manifests.sign_in_name(self._plan)
        self._account(name, "sign-in")
        secret = kubernetes.core.v1.Secret(
            f"{name}-client",
            metadata=self._meta(name, "sign-in"),
            type="Opaque",
            string_data={
                manifests.CLIENT_SECRET: pulumi.Output.secret(client.client_secret),
                manifests.COOKIE_SECRET: pulumi.Output.secret(client.cookie_secret),
            },
            opts=self._child,
        )
        client_id = pulumi.Output.concat("--client-id=", client.client_id)
        args = manifests.sign_in_args(
            plan, issuer, client_id, groups_claim=client.groups_claim, scope=client.scope, email_domains=client.email_domains
        )
        resources = {"requests": dict(self._pods.requests), "limits": dict(self._pods.limits)}
        kubernetes.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=self._meta(name, "sign-in"),
            spec=manifests.sign_in_deployment(
                plan, args, self._pods.sign_in_image, self._pods.replicas, resources, self._in_mesh()
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[secret]),
        )
        kubernetes.core.v1.Service(
            f"{name}-service",
            metadata=self._meta(name, "sign-in"),
            spec={
                "type": "ClusterIP",
                "selector": manifests.labels(plan, "sign-in"),
                "ports": [{"name": "http", "port": SIGN_IN_PORT, "targetPort": "http", "protocol": "TCP"}],
            },
            opts=self._child,
        )
        self._budget(name, "sign-in")

    def _in_mesh(self, *ports: int) -> manifests.Sidecar:
        """What a sidecar asks of pods, and which ports it leaves alone."""
        kept = {self._mesh.kept_out: ",".join(map(str, ports))} if ports and self._mesh.kept_out else {}
        return manifests.Sidecar({**self._mesh.annotations, **kept}, self._mesh.tokens)

    def _nginx(self, tls: str, gateway_secret: pulumi.Input[str] | None, exposure: Exposure, spaces: Sequence[str]) -> None:
        plan, name = self._plan, self._plan.name
        conf = nginx_conf(plan, manifests.sign_in_host(plan))
        self._account(name, "gateway")
        value = pulumi.Output.secret(gateway_secret or "").apply(_checked_secret)
        secret = kubernetes.core.v1.Secret(
            f"{name}-secret",
            metadata=self._meta(name, "gateway"),
            type="Opaque",
            string_data={
                manifests.SECRET_MAP: value.apply(lambda text: f'default "{text}";\n'),
                manifests.SECRET_VALUE: value,
            },
            opts=self._child,
        )
        for space in spaces:
            kubernetes.core.v1.Secret(
                f"{name}-secret-{space}",
                metadata=kubernetes.meta.v1.ObjectMetaArgs(name=name, namespace=space, labels=manifests.labels(plan, "gateway")),
                type="Opaque",
                string_data={manifests.SECRET_VALUE: value},
                opts=self._child,
            )
        config = kubernetes.core.v1.ConfigMap(
            f"{name}-config", metadata=self._meta(name, "gateway"), data={"nginx.conf": conf}, opts=self._child
        )
        resources = {"requests": dict(self._pods.requests), "limits": dict(self._pods.limits)}
        kubernetes.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=self._meta(name, "gateway"),
            spec=manifests.nginx_deployment(
                plan,
                conf,
                self._pods.nginx_image,
                self._pods.replicas,
                resources,
                tls,
                self._in_mesh(GATEWAY_PORT, REDIRECT_PORT),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[config, secret]),
        )
        spec: dict[str, Any] = {
            "type": exposure.type,
            "selector": manifests.labels(plan, "gateway"),
            "ports": manifests.service_ports(),
        }
        if exposure.type == "LoadBalancer":
            spec |= {"externalTrafficPolicy": "Local", "loadBalancerSourceRanges": list(exposure.source_ranges)}
            if exposure.load_balancer_class is not None:
                spec["loadBalancerClass"] = exposure.load_balancer_class
        meta = self._meta(name, "gateway")
        meta.annotations = dict(exposure.annotations)
        kubernetes.core.v1.Service(f"{name}-service", metadata=meta, spec=spec, opts=self._child)
        self._budget(name, "gateway")

    def _certificate(self, secret: str, one: Certificate) -> None:
        assert one.issuer is not None  # noqa: S101
        spec = manifests.certificate_spec(self._plan, secret, one.issuer, one.issuer_kind, one.days)
        self._custom(
            {
                f"{self._plan.name}-certificate": {
                    "apiVersion": "cert-manager.io/v1",
                    "kind": "Certificate",
                    "metadata": {"name": secret, "namespace": self._plan.namespace},
                    "spec": spec,
                }
            }
        )

    def _custom(self, objects: Mapping[str, Mapping[str, Any]]) -> None:
        for key, one in objects.items():
            kubernetes.apiextensions.CustomResource(
                key,
                api_version=one["apiVersion"],
                kind=one["kind"],
                metadata={**one["metadata"], "labels": dict(MANAGED)},
                spec=one["spec"],
                opts=self._child,
            )


def _checked_secret(text: str) -> str:
    """The gateway's secret. InputError (without it) where it is short, or has characters that no header takes."""
    if not _SECRET.fullmatch(text):
        raise InputError([Problem("NginxGateway", "gateway_secret", "write 32 letters, digits, - and _ or more")])
    return text


def _upstream(one: ClusterNetwork | Upstream) -> Upstream:
    if isinstance(one, Upstream):
        return one
    service = one.api_server.services[0]
    name, namespace = service.host.split(".")[:2]
    return Upstream(service.host, service.ports[0].port, f"{namespace}/{name}")


def _check(name: str, access: Access, certificate: Certificate, pods: Pods, engine: str, secret: Any, problems: Problems) -> None:
    if not _DNS_NAME.fullmatch(name):
        problems.add("name", f"{name!r} is no name of a Service: write small letters, digits and -, at most 53 of them")
    if access.identity_provider is None:
        problems.add("access", "it has no identityProvider: say where people sign in")
    if (certificate.secret is None) == (certificate.issuer is None):
        problems.add("certificate", "give a secret or an issuer: exactly one of them")
    if not 1 <= certificate.days <= 398:
        problems.add("certificate.days", f"{certificate.days}: browsers take certificates of at most 398 days")
    for what, image in (("nginx_image", pods.nginx_image), ("sign_in_image", pods.sign_in_image)):
        if not pinned(image):
            problems.add(f"pods.{what}", f"{image!r} may be another image tomorrow: name a version, or better a digest")
    if pods.replicas < 2:
        problems.add("pods.replicas", f"{pods.replicas}: two at least, so that an update does not lock people out")
    if engine == "nginx" and secret is None:
        problems.add("gateway_secret", "give one: without it Airflow believes whoever reaches its port (a random password, say)")


def _check_secret(name: str, networks: Mapping[str, ClusterNetwork], problems: Problems) -> None:
    for destination, one in networks.items():
        if one.gateway != name:
            fix = f'give HelmEnvironment gateway=airflow_side(access, "{name}", "{destination}")'
            problems.add(
                f"upstreams[{destination}]",
                f"{one.environment} does not get the gateway's secret, so that nobody could sign in: {fix}",
            )


def _described(plan: GatewayPlan, engine: str, caller: str, flows: tuple[Flow, ...]) -> dict[str, Any]:
    """What readers need, as plain data: `pulumi preview --json` has no outputs of components."""
    return {
        "engine": engine,
        "workload": caller,
        "namespace": plan.namespace,
        "hosts": {site.key: [host.lower() for host in site.hosts] for site in plan.sites},
        "groups": list(plan.groups),
        "ownFlows": [describe_flow(one) for one in flows],
        "sessionMinutes": int(plan.session.total_seconds() // 60),
    }
