"""The matrix of principals and destinations in the terminal: as wide as the terminal, in blocks of destinations where it must."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from ..proof.findings import Cell, Matrix, Share
from .lines import UNLIMITED, write

_LEGEND = (
    ("●", "declared and let through"),
    ("◐", "declared and let through in a window, or in part"),
    ("1, 2, …", "not declared, and refused by so many gates"),
    ("·", "no path"),
)
_LABEL = 40
"""Longest label of a group of principals on one line, where the width has an end."""


def show_matrix(out: Console, matrix: Matrix) -> None:
    """Every declared principal against every destination; principals with the same rights share a row."""
    groups = _groups(matrix)
    labels = [_label(names, out.width) for names in groups]
    margin = max(len(line) for lines in labels for line in lines) + 1
    cell = len(str(len(matrix.destinations))) + 1
    most = max(1, (out.width - margin) // cell)
    blocks = -(-len(matrix.destinations) // most)
    size = -(-len(matrix.destinations) // blocks)
    write(out, "Principals × destinations", style="bold")
    write(out, _signs(matrix), style="dim", indent=2)
    for start in range(0, len(matrix.destinations), size):
        here = range(start, min(start + size, len(matrix.destinations)))
        out.print(Text(" " * margin + "".join(f"{number + 1:>{cell}}" for number in here), style="dim"), soft_wrap=True)
        for names, lines in zip(groups, labels, strict=True):
            for line in lines[:-1]:
                out.print(Text(line), soft_wrap=True)
            row = Text(lines[-1].ljust(margin))
            for number in here:
                row += _symbol(matrix.cells[names[0], matrix.destinations[number]], cell)
            out.print(row, soft_wrap=True)
        out.print()
    _show_names(out, matrix.destinations)


def _groups(matrix: Matrix) -> list[list[str]]:
    """Principals by the whole of their rows."""
    found: dict[tuple[Cell, ...], list[str]] = {}
    for principal in matrix.principals:
        row = tuple(matrix.cells[principal, one] for one in matrix.destinations)
        found.setdefault(row, []).append(principal)
    return list(found.values())


def _label(names: Sequence[str], width: int) -> list[str]:
    """The names on one line, or one each where that is too long."""
    together = ", ".join(names)
    return [together] if len(together) <= min(_LABEL, width // 4) else [*(f"{name}," for name in names[:-1]), names[-1]]


def _signs(matrix: Matrix) -> str:
    signs = [f"{sign} {meaning}" for sign, meaning in _LEGEND]
    if any(not _is_well(one) for one in matrix.cells.values()):
        signs.append("! not as declared")
    return "; ".join(signs)


def _is_well(cell: Cell) -> bool:
    if cell.declared is Share.NONE:
        return cell.depth != 0
    return cell.allowed is cell.declared and not cell.possible


def _symbol(cell: Cell, width: int) -> Text:
    if cell.declared is Share.NONE:
        sign = "·" if cell.depth is None else str(cell.depth)
    else:
        sign = "●" if cell.declared is Share.ALL else "◐"
    if not _is_well(cell):
        return Text(f"!{sign}".rjust(width), style="bold red")
    return Text(sign.rjust(width), style="dim" if cell.declared is Share.NONE else "green")


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
