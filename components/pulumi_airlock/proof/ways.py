"""Ways around a gate that carries traffic on, as questions of their own, and what they add to a proof."""

from dataclasses import dataclass, replace

from ..access.model import Access
from .filters import Filter
from .findings import Proof


@dataclass(frozen=True, slots=True)
class WayAround:
    """The question whether one gets to a gate's destinations past that gate: on that way, nothing is declared."""

    gate: str
    access: Access
    filters: tuple[Filter, ...]


def with_way(proof: Proof, way: WayAround, past: Proof) -> Proof:
    """A proof, and what gets around a gate."""
    beside = f"around {way.gate}: "
    # What gates need themselves is no matter of that way.
    open_ = [one for one in past.unproven if not one.declared]
    return Proof(
        at=proof.at,
        excess=(*proof.excess, *(replace(one, message=beside + one.message) for one in past.excess)),
        blocked=proof.blocked,
        unproven=(*proof.unproven, *(replace(one, message=beside + one.message) for one in open_)),
        expectations=proof.expectations,
        assumptions=proof.assumptions,
        routes=proof.routes,
        rules=proof.rules,
        gates=proof.gates,
        _rest=lambda name: {name: getattr(proof, name)},
    )
