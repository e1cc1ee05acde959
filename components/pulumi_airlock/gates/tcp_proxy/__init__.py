"""The TCP proxy that tells tasks apart: Envoy, compiled from routes, and read back.

What it sees of a principal: the DAG and task that a verified token names (or its service account), and the time. Every tunnel is
asked for by CONNECT over mutual TLS, and leads to one `host:port`. Reading needs no SDK; only `TcpProxy` does.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .compile import compile_proxy, proxy_of
from .envoy import Configuration, envoy_configuration
from .issuers import TaskIssuer
from .plan import ProxyPlan
from .read import read
from .settings import Settings

if TYPE_CHECKING:
    from .component import TcpProxy
    from .platforms import InternalBalancer, OnFargate, OnKubernetes, SecretFiles, Subnet

__all__ = [
    "Configuration",
    "InternalBalancer",
    "OnFargate",
    "OnKubernetes",
    "ProxyPlan",
    "SecretFiles",
    "Settings",
    "Subnet",
    "TaskIssuer",
    "TcpProxy",
    "compile_proxy",
    "envoy_configuration",
    "proxy_of",
    "read",
]

_PLATFORMS = ("InternalBalancer", "OnFargate", "OnKubernetes", "SecretFiles", "Subnet")

__getattr__ = exports(__name__, {"TcpProxy": "component", **dict.fromkeys(_PLATFORMS, "platforms")})
