"""The matrix of principals and destinations in the terminal: as wide as the terminal, in blocks of destinations where it must.

The same signs and words as on the page of `airlock prove --html`, which is the place for large ones.
"""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from ..proof.evidence import Standing
from ..proof.findings import Matrix, Proof
from .legend import MEANINGS, SIGNS, STYLES, sign, standings
from .lines import UNLIMITED, write

MATRIX_CELLS = 2000
"""Cells up to which the matrix is shown; of a larger one how many there are of each kind."""

_LABEL = 40
"""Longest label of a group of principals on one line, where the width has an end."""

_Cells = Mapping[tuple[str, str], tuple[Standing, int | None]]


def show_matrix(out: Console, matrix: Matrix, proof: Proof | None = None) -> None:
    """Every declared principal against every destination; principals with the same rights share a row.

    `proof` says which pairs its findings are about: what a cell alone cannot tell. A large matrix is counted, not shown.
    """
    cells: _Cells = {pair: (found, matrix.cells[pair].depth) for pair, found in standings(matrix, proof).items()}
    write(out, "Principals × destinations", style="bold")
    if len(cells) > MATRIX_CELLS:
        _show_counts(out, matrix, cells)
        return
    _show_legend(out, {standing for standing, _ in cells.values()})
    groups = _groups(matrix, cells)
    labels = [_label(names, out.width) for names in groups]
    margin = max(len(line) for lines in labels for line in lines) + 1
    cell = len(str(len(matrix.destinations))) + 1
    most = max(1, (out.width - margin) // cell)
    blocks = -(-len(matrix.destinations) // most)
    size = -(-len(matrix.destinations) // blocks)
    for start in range(0, len(matrix.destinations), size):
        here = range(start, min(start + size, len(matrix.destinations)))
        out.print(Text(" " * margin + "".join(f"{number + 1:>{cell}}" for number in here), style="dim"), soft_wrap=True)
        for names, lines in zip(groups, labels, strict=True):
            for line in lines[:-1]:
                out.print(Text(line), soft_wrap=True)
            row = Text(lines[-1].ljust(margin))
            for number in here:
                standing, depth = cells[names[0], matrix.destinations[number]]
                row += Text(sign(standing, depth).rjust(cell), style=STYLES[standing])
            out.print(row, soft_wrap=True)
        out.print()
    _show_names(out, matrix.destinations)


def _groups(matrix: Matrix, cells: _Cells) -> list[list[str]]:
    """Principals by the whole of their rows."""
    found: dict[tuple[tuple[Standing, int | None], ...], list[str]] = {}
    for principal in matrix.principals:
        row = tuple(cells[principal, one] for one in matrix.destinations)
        found.setdefault(row, []).append(principal)
    return list(found.values())


def _label(names: Sequence[str], width: int) -> list[str]:
    """The names on one line, or one each where that is too long."""
    together = ", ".join(names)
    return [together] if len(together) <= min(_LABEL, width // 4) else [*(f"{name}," for name in names[:-1]), names[-1]]


def _show_legend(out: Console, used: set[Standing]) -> None:
    """What the signs mean that there are; faults in their colours."""
    line = Text()
    for one in Standing:
        if one in used:
            line += Text("; " if line else "") + Text(f"{SIGNS[one]} {MEANINGS[one]}", style=STYLES[one])
    write(out, line, indent=2)


def _show_counts(out: Console, matrix: Matrix, cells: _Cells) -> None:
    """How many pairs there are of each kind, and where to see them."""
    for one in Standing:
        number = sum(standing is one for standing, _ in cells.values())
        if number:
            write(out, Text(f"{number:>9,} × {SIGNS[one]} {MEANINGS[one]}", style=STYLES[one]), indent=2)
    size = f"{len(matrix.principals)} × {len(matrix.destinations)} are too many for a terminal"
    write(out, f"{size}: `airlock prove --html FILE` writes a page that shows them all", style="dim", indent=2)


def _show_names(out: Console, names: Sequence[str]) -> None:
    """What the numbers mean, in up to three columns, read downwards."""
    items = [f"{number:>{len(str(len(names)))}} {name}" for number, name in enumerate(names, 1)]
    wide = max(map(len, items)) + 2
    width = 80 if out.width >= UNLIMITED else out.width
    columns = max(1, min(3, (width - 2) // wide))
    height = -(-len(items) // columns)
    for row in range(height):
        line = "".join(one.ljust(wide) for one in items[row::height])
        out.print(Text(f"  {line.rstrip()}", style="dim"), soft_wrap=True)
