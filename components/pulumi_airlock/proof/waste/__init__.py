"""Waste: rules that never decide, could go or be merged, routes that others cover, the fewest rules a gate could have.

`waste` loads numpy, and only when it is asked for: compilers need no more than `covering`, `products` and `rectangles`.
"""

from typing import TYPE_CHECKING

from ...lazy import exports

if TYPE_CHECKING:
    from .analysis import waste
    from .findings import Count, CoveredRoute, Mergeable, Redundant, Shadowed, Vacuous, Waste

__all__ = ["Count", "CoveredRoute", "Mergeable", "Redundant", "Shadowed", "Vacuous", "Waste", "waste"]

__getattr__ = exports(__name__, dict.fromkeys(__all__, "findings") | {"waste": "analysis"})
