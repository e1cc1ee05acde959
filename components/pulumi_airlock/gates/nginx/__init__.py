"""The Nginx gateway: who people are is checked here, once, for every Airflow behind it; compiled from routes, and read back.

What it sees of a principal: the identity provider's group; and of a request its method and path. It sees no DAG: what people may
do with which DAG is Airflow's to say, by the role that the group gives (`webserver_config`). Reading needs no SDK; only
`NginxGateway` does.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .plan import Upstream
from .read import read
from .webserver import AirflowSide, airflow_side, webserver_config, webserver_settings

if TYPE_CHECKING:
    from .gate import NginxGateway
    from .settings import Certificate, Exposure, OidcClient, Pods

__all__ = [
    "AirflowSide",
    "Certificate",
    "Exposure",
    "NginxGateway",
    "OidcClient",
    "Pods",
    "Upstream",
    "airflow_side",
    "read",
    "webserver_config",
    "webserver_settings",
]

__getattr__ = exports(
    __name__,
    {"NginxGateway": "gate", "Certificate": "settings", "Exposure": "settings", "OidcClient": "settings", "Pods": "settings"},
)
