"""The evidence of a stack for auditors: gathered from packs, proof and identity, and its short form in the terminal."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console

from ..gates.declaration import declared_access
from ..gates.stack import Stack
from ..soc2.gather import Judged, gather
from ..soc2.model import Evaluated, Evidence, Result
from .identity import compared_in, identity_in
from .lines import write
from .proof import prove_stack

_STYLES = {"holds": "green", "violated": "red", "undecided": "yellow", "no evidence": "dim"}
MARKS = {"holds": "✓", "violated": "✗", "undecided": "?", "no evidence": "–", "not applicable": "–"}
"""The sign of each result, so that no colour stands alone."""


def evidence_of(stack: Stack, judged: Judged, evaluated: Evaluated) -> Evidence:
    """The evidence on a stack: what packs said, proof and identity. AccessError where the declared access is not valid."""
    access = declared_access(stack)
    proof = None if access is None else prove_stack(stack, at=evaluated.as_of)
    identity = () if proof is None else identity_in(stack, at=proof.at)
    compared = "" if proof is None else compared_in(stack)
    return gather(evaluated, stack, judged, access=access, proof=proof, identity=identity, compared=compared)


def is_sound(evidence: Evidence) -> bool:
    """Whether proof, expectations, owners of checks and identity are all well; what is not there is well."""
    checked = {"proof", "owners-of-checks", "expectations", "identity"}
    failing = (Result.VIOLATED, Result.UNDECIDED)
    return not any(one.id in checked and one.result in failing for one in evidence.controls)


def show_evidence(out: Console, evidence: Evidence) -> None:
    """A line for each criterion: how it stands, and by how many controls."""
    for one in evidence.criteria:
        told = counted([evidence.control(id_).result for id_ in one.controls])
        style = _STYLES[one.result]
        write(out, f"{MARKS[one.result]} {one.reference} {one.result}: {one.title}{f' ({told})' if told else ''}", style=style)
    for signed in evidence.sign_offs:
        write(out, f"signed off by {signed.name} on {signed.at:%Y-%m-%d %H:%M} UTC: {signed.statement}")


def counted(results: Sequence[Result]) -> str:
    """Results in words: `12 hold, 1 violated, 3 not applicable`."""
    counts = Counter(results)
    words = {Result.HOLDS: "hold" if counts[Result.HOLDS] != 1 else "holds"}
    return ", ".join(f"{counts[one]} {words.get(one, one.value)}" for one in Result if counts[one])
