"""How long certificates may hold: what is made, and what a policy takes. No SDK in here."""

from datetime import timedelta

LONGEST_ANCHOR = timedelta(days=5 * 365)
"""A trust anchor, which signs itself: rotating it touches every workload."""
LONGEST_ISSUER = timedelta(days=90)
"""Any other: as long as public certificates of ACME hold."""
