"""The signs and words of the matrix, the same in the terminal, on the page and in Markdown."""

from collections.abc import Iterator, Sequence

from ..proof.evidence import Standing
from ..proof.findings import Blocked, Cell, Excess, Matrix, Proof, Share
from ..proof.wording import listed

SIGNS = {
    Standing.EXCESS: "!",
    Standing.BLOCKED: "✗",
    Standing.UNPROVEN: "?",
    Standing.DECLARED: "●",
    Standing.PART: "◐",
    Standing.REFUSED: "1, 2, …",
    Standing.NO_PATH: "·",
}
"""A sign for each standing, in the order of a legend; of what is refused the number of gates stands in its place."""

MEANINGS = {
    Standing.EXCESS: "let through, not declared",
    Standing.BLOCKED: "declared, not let through",
    Standing.UNPROVEN: "unproven: something unknown decides",
    Standing.DECLARED: "declared and let through",
    Standing.PART: "declared and let through in a window, or in part",
    Standing.REFUSED: "not declared, and refused by so many gates",
    Standing.NO_PATH: "no path, or the environment's own traffic",
}

STYLES = {
    Standing.EXCESS: "bold red",
    Standing.BLOCKED: "bold magenta",
    Standing.UNPROVEN: "bold yellow",
    Standing.DECLARED: "green",
    Standing.PART: "green",
    Standing.REFUSED: "dim",
    Standing.NO_PATH: "dim",
}
"""In a terminal."""


def sign(standing: Standing, depth: int | None) -> str:
    """What a cell shows."""
    return str(depth) if standing is Standing.REFUSED else SIGNS[standing]


def meaning(standing: Standing, depth: int | None) -> str:
    """What a cell says, in words."""
    if standing is Standing.REFUSED:
        return f"not declared, and refused by {depth} gate{'' if depth == 1 else 's'}"
    return MEANINGS[standing]


DEEPEST = 3
"""From here on, how many gates refuse makes no difference to the colour."""


def legend_keys() -> Iterator[tuple[str, str, str]]:
    """(key, sign, words) of all that a legend tells apart: what is refused is split by how many gates do."""
    for one in Standing:
        if one is not Standing.REFUSED:
            yield key_of(one, None), SIGNS[one], _first_up(MEANINGS[one])
            continue
        for depth in range(1, DEEPEST + 1):
            more = " or more" if depth == DEEPEST else ""
            yield key_of(one, depth), str(depth), _first_up(meaning(one, depth)) + more


def key_of(standing: Standing, depth: int | None) -> str:
    """The name of a standing's colour."""
    if standing is Standing.REFUSED:
        return f"refused-{min(DEEPEST, max(1, depth or 0))}"
    return str(standing.value).replace(" ", "-")


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]


def standings(matrix: Matrix, proof: Proof | None = None) -> dict[tuple[str, str], Standing]:
    """How each pair of principal and destination stands, from what a proof's matrix says of it.

    A cell alone does not tell whether the points that are let through are the declared ones; with the proof, its findings do.
    """
    excess = _Named(() if proof is None else proof.excess)
    blocked = _Named(() if proof is None else proof.blocked)
    return {pair: _standing(cell, pair in excess, pair in blocked, proof is not None) for pair, cell in matrix.cells.items()}


def _standing(cell: Cell, excess: bool, blocked: bool, told: bool) -> Standing:
    if cell.depth == 0 and (excess or not (cell.possible or told)):
        return Standing.EXCESS
    if cell.declared is Share.NONE:
        # Let through, and no excess: a name that perhaps has a declared address.
        if cell.possible or cell.depth == 0:
            return Standing.UNPROVEN
        return Standing.NO_PATH if cell.depth is None else Standing.REFUSED
    if blocked or (cell.allowed is Share.NONE and not cell.possible):
        return Standing.BLOCKED
    if cell.possible:
        return Standing.UNPROVEN
    if cell.declared is Share.ALL and cell.allowed is not Share.ALL:
        return Standing.BLOCKED
    return Standing.DECLARED if cell.declared is Share.ALL else Standing.PART


class _Named:
    """The pairs that findings name. Who is several principals at once is named with all of them."""

    def __init__(self, findings: Sequence[Excess | Blocked]) -> None:
        self._found = [
            ({part for name in one.principals for part in name.split(" + ")}, set(one.destinations)) for one in findings
        ]

    def __contains__(self, pair: tuple[str, str]) -> bool:
        return any(pair[1] in where and pair[0] in who for who, where in self._found)


OVERLAPS = "Checks that have not exactly one owner"
OWNERS = "Who checks what, each by itself"


def verdict(proof: Proof) -> str:
    """The outcome in one sentence."""
    if proof.ok:
        return "Proven: what all gates together let through is exactly what is declared."
    parts = [
        _counted("access is let through that no route declares", len(proof.excess)),
        _counted("declared access is blocked", len(proof.blocked)),
        _counted("something could not be decided", len(proof.unproven)),
        f"{len(proof.failed)} of {len(proof.expectations)} expectations do not hold" if proof.failed else "",
    ]
    return f"Not proven: {listed(part for part in parts if part)}."


def _counted(what: str, number: int) -> str:
    """What is wrong, and how many findings say so."""
    return f"{what} ({number} finding{'' if number == 1 else 's'})" if number else ""
