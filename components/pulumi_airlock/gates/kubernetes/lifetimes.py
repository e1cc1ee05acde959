"""How long certificates may hold: what is made, and what a policy takes. No SDK in here."""

from datetime import timedelta

LONGEST_ANCHOR = timedelta(days=5 * 365)
"""A trust anchor, which signs itself: replacing it touches every workload."""
LONGEST_ISSUER = timedelta(days=90)
"""Any other: as long as public certificates of ACME hold."""
LONGEST_WORKLOAD = timedelta(hours=24)
"""A workload's own, which its proxy renews: as Istio and Linkerd have it by themselves; Consul's are 72 hours without a word."""
SHORTEST_WORKLOAD = timedelta(hours=1)
"""Consul takes no less (hashicorp/consul, agent/structs/connect_ca.go, MinLeafCertTTL), and istio-csr asks for no more."""


def go_duration(lasts: timedelta) -> str:
    """A duration as Go writes it, and so cert-manager, Consul and the charts: `24h0m0s`."""
    minutes, seconds = divmod(int(lasts.total_seconds()), 60)
    return f"{minutes // 60}h{minutes % 60}m{seconds}s"
