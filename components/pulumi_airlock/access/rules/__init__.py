"""The checks of an access document, one function a rule: `(draft, today) -> findings`. `RULES` has them in order."""

from collections.abc import Callable, Iterator
from datetime import date

from ..draft import Draft
from ..findings import Finding
from . import credentials, expectations, pairs, places, principals, routes, trust

Rule = Callable[[Draft, date], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    routes.session_over_window,
    routes.route_expiry,
    routes.window_of_a_whole_day,
    routes.http_on_something_else,
    routes.no_path,
    trust.above_clearance,
    credentials.rotation_slower,
    credentials.static_credential,
    credentials.unrotated,
    credentials.session_outlives_credential,
    pairs.contradiction,
    pairs.covered,
    principals.overlapping,
    principals.nowhere,
    places.outside_its_zone,
    places.overlapping_zones,
    places.shared_connection,
    places.unused,
    expectations.unresolved_or_at_odds,
)

__all__ = ["RULES", "Rule"]
