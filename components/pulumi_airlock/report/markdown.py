"""A proof as Markdown, for `airlock prove --markdown FILE`: verdict, failures, the matrix of a small case, the rest folded away.

Nothing that a stack or an access file says is taken for Markdown or HTML, and makes no link and no mention.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from ..access.clearance import Exemption
from ..identity.findings import IdentityFinding, Severity
from ..proof.evidence import Standing
from ..proof.findings import Blocked, Excess, ExpectationResult, Proof, Row, Unproven
from .clearance import EXEMPTIONS
from .identity import identity_to_markdown
from .legend import MEANINGS, OVERLAPS, OWNERS, SIGNS, sign, standings, verdict
from .rows import SIGNS as OUTCOME_SIGNS
from .rows import row_words
from .visible import visible

MATRIX_COLUMNS = 24
"""Destinations up to which the matrix is a table."""
MATRIX_ROWS = 60
SHOWN = 20
"""Findings of a kind that are shown with their path."""
LISTED = 200
"""Lines of a list."""

_Failure = Excess | Blocked | Unproven | ExpectationResult

_SPECIAL = re.compile(r"""(?i)[&<>`*_\[\]\\|~$@]|\#(?=\d)|://|www\.""")
_NOTHING = "<!-- -->"
_BROKEN = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "@": f"@{_NOTHING}",
    "#": f"#{_NOTHING}",
    "://": f":{_NOTHING}//",
    "www.": f"www{_NOTHING}.",
}
"""HTML, and what makes mentions and links of text although no character of it is Markdown's; the rest has a backslash."""
_START = re.compile(r"^(?=[-+=#>]|\d+[.)])")


def to_markdown(
    proof: Proof, *, title: str = "Access proof", exemptions: Sequence[Exemption] = (), identity: Sequence[IdentityFinding] = ()
) -> str:
    """The proof as a Markdown document (GitHub's dialect: tables, and HTML for what is folded).

    `exemptions`: the exceptions that hold, by which routes lead above their principals' clearance; never folded away.
    `identity`: where the systems disagree on who is who.
    """
    section = identity_to_markdown(identity)
    failures = [*_failures(proof), *_overlaps(proof), *([section] if section else [])]
    parts = [f"# {said(title)}", _verdict(proof, identity), *failures, *_exemptions(exemptions), *_matrix(proof), *_rest(proof)]
    return "\n\n".join(parts) + "\n"


def said(text: str) -> str:
    """Foreign text as text, on one line: in a paragraph, a list, a table's cell or a summary."""
    line = " ".join(visible(text).split())
    # One pass: what one replacement writes, no other reads.
    line = _SPECIAL.sub(lambda found: _BROKEN.get(found[0].lower()) or f"\\{found[0]}", line)
    return _START.sub(_NOTHING, line)


def _verdict(proof: Proof, identity: Sequence[IdentityFinding]) -> str:
    depth = proof.matrix.depth
    errors = sum(one.severity is Severity.ERROR for one in identity)
    lines = [
        f"**{'✅' if proof.ok else '❌'} {said(verdict(proof))}**",
        "",
        f"- {proof.routes} routes declared, {len(proof.gates)} gates on the way ({said(', '.join(proof.gates)) or 'none'}), "
        f"{proof.rules} rules read from the stack",
    ]
    if proof.expectations:
        lines.append(f"- {len(proof.expectations) - len(proof.failed)} of {len(proof.expectations)} expectations hold")
    if errors:
        lines.append(f"- ❌ identity: {errors} {'error' if errors == 1 else 'errors'}")
    if depth:
        lines.append(f"- what no route declares is refused by at least {depth} gate{'' if depth == 1 else 's'}")
    lines.append(f"- proven from {proof.at:%Y-%m-%d %H:%M %Z} on, for 400 days")
    return "\n".join(lines)


def _failures(proof: Proof) -> Iterator[str]:
    kinds: tuple[tuple[str, Sequence[_Failure]], ...] = (
        ("Excess: let through, not declared", proof.excess),
        ("Blocked: declared, not let through", proof.blocked),
        ("Unproven: something unknown decides", proof.unproven),
        ("Expectations that do not hold", proof.failed),
    )
    for title, found in kinds:
        if found:
            yield f"## {title} ({len(found)})"
            yield from map(_failure, found[:SHOWN])
            if found[SHOWN:]:
                yield _list([_message(one) for one in found[SHOWN:]], f"{len(found) - SHOWN} more")


def _overlaps(proof: Proof) -> Iterator[str]:
    found = proof.overlaps
    if found:
        yield f"## {OVERLAPS} ({len(found)})"
        more = [f"- … and {len(found) - SHOWN} more: `airlock prove --json` has them all"] if found[SHOWN:] else []
        yield "\n".join([*(f"- **{said(one.message)}**" for one in found[:SHOWN]), *more])


def _message(one: _Failure) -> str:
    return f"{one.expectation}: {one.message}" if isinstance(one, ExpectationResult) else one.message


def _failure(one: _Failure) -> str:
    lines = [f"- **{said(_message(one))}**"]
    if one.witness is not None:
        lines.append(f"  - for example: {said(str(one.witness))}")
    lines += [f"  - {_row(row)}" for row in one.path]
    return "\n".join(lines)


def _row(row: Row) -> str:
    words = row_words(row)
    detail = f" ({said(row.detail)})" if row.detail else ""
    resource = f"; resource {said(words.resource)}" if words.resource else ""
    return f"{OUTCOME_SIGNS[row.outcome]} {said(row.gate)}, {said(row.filter.name)}: {said(words.says)}{detail}{resource}"


def _exemptions(found: Sequence[Exemption]) -> Iterator[str]:
    if not found:
        return
    yield f"## {EXEMPTIONS} ({len(found)})"
    lines = [_line(["Route", "Principals", "Zone", "Until", "Approved by", "Reason"]), _line(["---"] * 6)]
    for one in found[:LISTED]:
        zone = f"{', '.join(one.zones)} ({one.trust.value} trust)"
        cells = (one.route, ", ".join(one.principals), zone, one.expires.isoformat(), one.approved_by, one.reason)
        lines.append(_line(map(said, cells)))
    yield "\n".join(lines)
    if found[LISTED:]:
        yield f"… and {len(found) - LISTED} more: `airlock prove --json` has them all"


def _matrix(proof: Proof) -> Iterator[str]:
    matrix = proof.matrix
    if not matrix.cells:
        return
    yield "## Who reaches what"
    found = standings(matrix, proof)
    if len(matrix.destinations) > MATRIX_COLUMNS or len(matrix.principals) > MATRIX_ROWS:
        counts = [(one, sum(each is one for each in found.values())) for one in Standing]
        lines = [f"- {number} × {MEANINGS[one]}" for one, number in counts if number]
        size = f"{len(matrix.principals)} principals × {len(matrix.destinations)} destinations are too many for a table"
        yield "\n".join([f"{size}; `airlock prove --html FILE` shows them all.", "", *lines])
        return
    head = ["", *(str(number) for number, _ in enumerate(matrix.destinations, 1))]
    lines = [_line(head), _line(["---", *(":-:" for _ in matrix.destinations)])]
    for who in matrix.principals:
        cells = (sign(found[who, where], matrix.cells[who, where].depth) for where in matrix.destinations)
        lines.append(_line([said(who), *cells]))
    yield "\n".join(lines)
    used = set(found.values())
    yield "; ".join(f"{SIGNS[one]} {MEANINGS[one]}" for one in Standing if one in used)
    yield "\n".join(f"{number}. {said(name)}" for number, name in enumerate(matrix.destinations, 1))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rest(proof: Proof) -> Iterator[str]:
    blind = [f"{one.route} → {one.destination}" for one in proof.identity if not one.gates]
    checks = [f"{'✓' if one.passed else '✗'} {one.expectation}" for one in proof.expectations]
    lists: tuple[tuple[str, list[str]], ...] = (
        ("Never in effect", [one.message for one in proof.dead]),
        ("Granted by one gate, stopped by another (no failure)", [one.message for one in proof.internal]),
        (OWNERS, [one.message for one in proof.checks if one.fault is None]),
        ("No single gate tells these routes' principals from everybody else", blind),
        ("Expectations", checks),
        ("Taken for granted", [one.message for one in proof.assumptions]),
    )
    for title, lines in lists:
        if lines:
            yield _list(lines, f"{title} ({len(lines)})")


def _list(lines: Sequence[str], summary: str) -> str:
    """A folded list."""
    shown = [f"- {said(line)}" for line in lines[:LISTED]]
    if len(lines) > LISTED:
        shown.append(f"- … and {len(lines) - LISTED} more: `airlock prove --json` has them all")
    return "\n".join([f"<details><summary>{summary}</summary>", "", *shown, "", "</details>"])
