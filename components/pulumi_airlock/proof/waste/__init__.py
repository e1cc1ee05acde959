"""Waste: rules that never decide, could go or be merged, routes that others cover, the fewest rules a gate could have.

`waste` loads numpy, and only when it is asked for: compilers need no more than `covering`, `products` and `rectangles`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .analysis import waste
    from .findings import Count, CoveredRoute, Mergeable, Redundant, Shadowed, Vacuous, Waste

__all__ = ["Count", "CoveredRoute", "Mergeable", "Redundant", "Shadowed", "Vacuous", "Waste", "waste"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{'analysis' if name == 'waste' else 'findings'}"), name)
