"""Where a proxy's files lie and what it listens on: in a container, in a pod, or as a plain process. No SDK in here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .plan import ADMIN_PORT, HEALTH_PORT, PORT, Target

CERTIFICATE, KEY, AUTHORITY = "tls.crt", "tls.key", "ca.crt"
"""Names of the files, as cert-manager and Kubernetes' secrets of type `kubernetes.io/tls` have them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are."""

    folder: str = "/etc/envoy"
    """Its configuration."""
    certificates: str = "/etc/envoy/tls"
    """`tls.crt`, `tls.key`, and `ca.crt`, which signs the tasks' certificates: read again when one is moved into the folder."""
    keys: str = "/etc/envoy/jwks"
    """The key sets of issuers whose keys are given, `<issuer>.json`: read again when one is moved into the folder."""
    address: str = "0.0.0.0"  # noqa: S104  # a container's own
    port: int = PORT
    admin_port: int | None = ADMIN_PORT
    """Envoy's administration, on this machine's loopback address alone; None: it has none."""
    health_port: int | None = None
    """Where load balancers and kubelets ask whether it is ready; None: nobody does."""
    health_address: str = "0.0.0.0"  # noqa: S104  # a container's own
    log: str | None = None
    """The file of Envoy's log; standard output without it, and always of HAProxy."""
    upstreams: Mapping[str, str] = field(default_factory=dict)
    """`host:port` of a target → where it really is, where no DNS says so: for tests and the local stack."""
    clients: tuple[str, ...] = ()
    """Names (DNS or URI) of which a client's certificate must have one; any that `ca.crt` signs without it."""
    connections: int = 10_000
    """Connections at most; beyond, new ones are closed."""
    fresh: int = 60
    """Seconds after which given keys are read again at the latest."""
    certificate_authorities: str = "/etc/ssl/certs/ca-certificates.crt"
    """Whom the proxy trusts when it fetches an issuer's keys."""

    @classmethod
    def below(cls, folder: str, clients: Sequence[str], connections: int) -> "Settings":
        """Everything below one folder, and ready to be asked whether it is: in a container."""
        return cls(
            folder=f"{folder}/config",
            certificates=f"{folder}/tls",
            keys=f"{folder}/jwks",
            health_port=HEALTH_PORT,
            clients=tuple(clients),
            connections=connections,
        )

    def upstream(self, target: Target) -> tuple[str, int]:
        """Host and port at which a target really is."""
        found = self.upstreams.get(target.authority)
        if found is None:
            return target.host, target.port
        host, _, port = found.rpartition(":")
        return host.strip("[]"), int(port)
