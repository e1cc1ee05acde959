"""What a program tells a gateway beside its routes: its client at the identity provider, its certificate, images and sizes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

DEFAULT_NGINX = "docker.io/nginxinc/nginx-unprivileged:1.28.0"
DEFAULT_SIGN_IN = "quay.io/oauth2-proxy/oauth2-proxy:v7.12.0"


@dataclass(frozen=True)
class OidcClient:
    """The gateway's client at the identity provider of the access file."""

    client_id: pulumi.Input[str]
    client_secret: pulumi.Input[str]
    """From a secret of the program's configuration; marked secret here in any case."""
    cookie_secret: pulumi.Input[str]
    """16, 24 or 32 bytes, raw or in URL-safe base64: sessions are sealed with it."""
    groups_claim: str = "groups"
    scope: str = "openid email profile groups"
    email_domains: tuple[str, ...] = ("*",)
    """Domains of the addresses of people; all by default, since groups decide."""


@dataclass(frozen=True)
class Certificate:
    """Where the certificate of the hosts comes from: exactly one of a Secret that is there, and an issuer of cert-manager."""

    secret: str | None = None
    """A Secret of type `kubernetes.io/tls` in the gateway's namespace."""
    issuer: str | None = None
    """A ClusterIssuer (or Issuer, by `issuer_kind`) of cert-manager."""
    issuer_kind: str = "ClusterIssuer"
    days: int = 90
    """How long a certificate holds; it is renewed after two thirds of that."""


@dataclass(frozen=True)
class Pods:
    """Images and sizes."""

    nginx_image: str = DEFAULT_NGINX
    sign_in_image: str = DEFAULT_SIGN_IN
    replicas: int = 2
    requests: Mapping[str, str] = field(default_factory=lambda: {"cpu": "100m", "memory": "128Mi"})
    limits: Mapping[str, str] = field(default_factory=lambda: {"memory": "256Mi"})


@dataclass(frozen=True)
class Exposure:
    """How people get to the Service in front of nginx."""

    type: str = "LoadBalancer"
    """LoadBalancer, NodePort or ClusterIP (behind something else that only carries TCP on)."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Of the cloud's load balancer: an internal one is not the default of every cloud."""
    source_ranges: tuple[str, ...] = ()
    """Networks that may connect; empty: all."""
    load_balancer_class: str | None = None
