"""Zscaler Internet Access on the way: locations, firewall and URL rules compiled from routes (`ZiaGate`), and read back (`read`).

What it sees of a principal: the location it comes from, which is the environment (and, by a proxy port, the component of
Airflow), never the DAG. Two filters stand on the way: the cloud firewall, and URL filtering for web traffic. The reader needs
no Zscaler SDK; only `ZiaGate` imports it.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .hygiene import references
from .read import read

if TYPE_CHECKING:
    from .feed import NssFeed
    from .gate import ZiaGate
    from .site import LocationSettings, TimeWindow, TunnelEgress

__all__ = ["LocationSettings", "NssFeed", "TimeWindow", "TunnelEgress", "ZiaGate", "read", "references"]

# Readers run in policy packs and notebooks, where the Zscaler SDK need not be installed: only composing needs it.
__getattr__ = exports(
    __name__, {"ZiaGate": "gate", "NssFeed": "feed", "LocationSettings": "site", "TimeWindow": "site", "TunnelEgress": "site"}
)
