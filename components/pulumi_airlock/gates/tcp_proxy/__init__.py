"""The TCP proxy that tells tasks apart: Envoy or HAProxy, compiled from routes, and read back.

What it sees of a principal: the DAG and task that a verified token names (or its service account), and the time. Every tunnel is
asked for over mutual TLS, and leads to one `host:port`. Reading needs no SDK; only `TcpProxy` does. Envoy takes CONNECT with a
token; HAProxy (`haproxy`) a TLS server name, and the certificate alone.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .certificates import TaskCertificates
from .compile import compile_proxy, proxy_of
from .envoy import envoy_configuration
from .files import Configuration
from .haproxy.config import haproxy_configuration
from .issuers import TaskIssuer
from .plan import Engine, ProxyPlan
from .read import read
from .settings import Settings

if TYPE_CHECKING:
    from .component import TcpProxy
    from .platforms import InTaskPods, InternalBalancer, OnFargate, OnGce, OnKubernetes, SecretFiles, Subnet

__all__ = [
    "Configuration",
    "Engine",
    "InTaskPods",
    "InternalBalancer",
    "OnFargate",
    "OnGce",
    "OnKubernetes",
    "ProxyPlan",
    "SecretFiles",
    "Settings",
    "Subnet",
    "TaskCertificates",
    "TaskIssuer",
    "TcpProxy",
    "compile_proxy",
    "envoy_configuration",
    "haproxy_configuration",
    "proxy_of",
    "read",
]

_PLATFORMS = ("InTaskPods", "InternalBalancer", "OnFargate", "OnGce", "OnKubernetes", "SecretFiles", "Subnet")

__getattr__ = exports(__name__, {"TcpProxy": "component", **dict.fromkeys(_PLATFORMS, "platforms")})
