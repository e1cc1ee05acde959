"""What the routes of people become at the gateway, as plain data: hosts, upstreams, and which groups may send which requests.

Sign-in is one for the whole gateway; whether somebody may send a request is asked at each of them, by the groups that its grants
name.
"""

from dataclasses import dataclass, field
from datetime import timedelta

HIDDEN = ("/execution", "/execution/*")
"""What the gateway answers 404 for: the API that tasks report to, on the same port as the UI (Airflow 3)."""
SIGN_IN_PATH = "/oauth2/"
"""Where oauth2-proxy answers; its default (`--proxy-prefix`)."""
NOBODY = "airlock-nobody"
"""A group that no provider has: oauth2-proxy takes an empty list of allowed groups for "any group"."""
EMAIL = "X-Auth-Request-Email"
GROUPS = "X-Auth-Request-Groups"
SECRET_HEADER = "X-Airlock-Gateway"  # noqa: S105  # the header's name
IDENTITY_HEADERS = (
    "X-Auth-Request-User",
    EMAIL,
    GROUPS,
    "X-Auth-Request-Preferred-Username",
    "X-Auth-Request-Access-Token",
    "X-Auth-Request-Redirect",
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-Access-Token",
    "X-Remote-User",
    "Remote-User",
    "Remote-Groups",
    "Remote-Email",
    SECRET_HEADER,
)
"""Headers by which some proxy tells who somebody is: what a client sends under these names is never passed on."""
GATEWAY_PORT, REDIRECT_PORT, HEALTH_PORT, SIGN_IN_PORT = 8443, 8080, 8081, 4180
"""Ports of the pods: no port below 1024, since nothing runs as root."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Requests, and the groups that may send them."""

    groups: tuple[str, ...]
    methods: tuple[str, ...]
    paths: tuple[str, ...]
    without: tuple[str, ...]
    routes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Upstream:
    """An Airflow's API server, as the gateway reaches it."""

    host: str
    """`airflow-api-server.airflow.svc.cluster.local`."""
    port: int = 8080
    service: str = ""
    """The Service's name and namespace (`airflow/airflow-api-server`), where it is one: adapters name it so."""


@dataclass(frozen=True, slots=True)
class Site:
    """One Airflow behind the gateway."""

    key: str
    """The destination's name."""
    hosts: tuple[str, ...]
    ports: tuple[int, ...]
    upstream: Upstream
    grants: tuple[Grant, ...]
    groups: tuple[str, ...] = field(default=())
    """All that any of its grants names."""


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """Everything."""

    name: str
    namespace: str
    sites: tuple[Site, ...]
    groups: tuple[str, ...]
    """All that may sign in."""
    session: timedelta
    """How long a sign-in holds: the shortest of the routes."""
    body_limit: str = "1m"
    """The largest body of a request, as nginx writes it."""


def pinned(image: str) -> bool:
    """Whether an image's name says which one it is: by digest, or by a tag other than `latest`."""
    if "@sha256:" in image:
        return True
    tag = image.rsplit("/", 1)[-1].partition(":")[2]
    return tag not in ("", "latest")
