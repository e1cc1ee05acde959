"""Sets, filters, and the proof that what all gates let through is what was declared. No Pulumi import in here.

sets, times, filters, findings, checks     what everything else speaks of
atoms/                                     the space, cut into classes that nothing tells apart
engine/                                    what happens to every class: the screen over all of them, the closer look at a few
needs, relays, carrying                    what environments and gates need themselves; traffic that a gate carries on
proving, noting, drafts, again             excess, blocked, unproven; and again after a change
overview/                                  what is found when asked for: matrix and depth, identity, who checks what, dead rules
explanation/, reach/, difference/, waste/, evidence      what else is answered

`prove` and `explain` load numpy, and only when they are asked for: readers of gates need no more than sets and filters.
"""

from typing import TYPE_CHECKING

from ..lazy import exports

if TYPE_CHECKING:
    from .again import Prover
    from .explanation.explaining import explain
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

__getattr__ = exports(
    __name__, dict.fromkeys(__all__, "findings") | {"prove": "proving", "explain": "explanation.explaining", "Prover": "again"}
)
