"""Sets, filters, and the proof that what all gates let through is what was declared. No Pulumi import in here.

`prove` and `explain` load numpy, and only when they are asked for: readers of gates need no more than sets and filters.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .again import Prover
    from .explaining import explain
    from .findings import (
        Assumption,
        Blocked,
        Cell,
        Dead,
        DeadKind,
        Excess,
        ExpectationResult,
        Explanation,
        Ground,
        Identity,
        InternalExcess,
        Matrix,
        Outcome,
        Proof,
        Row,
        Share,
        Unproven,
        Witness,
    )
    from .proving import prove

__all__ = [
    "Assumption",
    "Blocked",
    "Cell",
    "Dead",
    "DeadKind",
    "Excess",
    "ExpectationResult",
    "Explanation",
    "Ground",
    "Identity",
    "InternalExcess",
    "Matrix",
    "Outcome",
    "Proof",
    "Prover",
    "Row",
    "Share",
    "Unproven",
    "Witness",
    "explain",
    "prove",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = {"prove": "proving", "explain": "explaining", "Prover": "again"}.get(name, "findings")
    return getattr(import_module(f"{__name__}.{module}"), name)
