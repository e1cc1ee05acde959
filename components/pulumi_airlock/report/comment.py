"""A difference as Markdown for the comment of a pull request: the verdict first, tables, and paths folded away.

Nothing that a stack or an access file says is taken for Markdown or HTML: names stand in `<code>` with every special character as
an entity, where neither mentions nor links are made of them.
"""

import re
from collections.abc import Iterator, Sequence
from html import escape

from ..proof.difference import Change, Difference, Finding, Kind, Standing
from .difference import alike, row_line, row_pairs, titles
from .visible import visible

ROWS = 15
"""Rows of a table; the others are folded."""
MOST = 60_000
"""Characters; a comment on GitHub may have 65,536 (docs.github.com, REST API for issue comments)."""

_SPECIAL = re.compile(r"[^\w .,;:+/→–…()\"'?%=-]|_")
_MARK = re.compile(r"[^A-Za-z0-9._/]+")
"""What may not stand in a hidden mark, which two hyphens would end."""


def comment(found: Difference, names: tuple[str, str], *, stack: str = "") -> str:
    """The comment. Its first line is a hidden mark by which a bot finds its own comment again, one for each stack."""
    mark = f"airlock-diff:{_MARK.sub('-', stack).strip('-')}" if stack else "airlock-diff"
    return f"<!-- {mark} -->\n### {verdict(found)}\n\n{body(found, names, stack=stack)}"


def body(found: Difference, names: tuple[str, str], *, stack: str = "") -> str:
    """What stands below the verdict."""
    text = f"{code(names[0])} → {code(names[1])}{_scope(found, stack)}\n"
    for part in _sections(found):
        if len(text) + len(part) > MOST:
            return f"{text}\nThe rest is too long for a comment: `airlock diff` prints all of it.\n"
        text += f"\n{part}"
    return text


def code(text: str) -> str:
    """Foreign text, as it is, in a line or a table's cell."""
    line = " ".join(visible(text).split())
    # What begins like an address makes a link by itself.
    shown = _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", line).replace("www.", "www&#46;").replace("://", "&#58;//")
    return f"<code>{shown}</code>"


def _scope(found: Difference, stack: str) -> str:
    parts = [f"stack {code(stack)}" if stack else "", f"gate {code(found.only)} alone" if found.only else ""]
    parts.append("declarations alone" if found.declarations else "")
    said = ", ".join(filter(None, parts))
    return f" ({said})" if said else ""


def verdict(found: Difference) -> str:
    """In a line, what differs."""
    what = "declaration" if found.declarations else "access"
    if found.same:
        changes = f" ({len(found.changes)} changes without effect)" if found.changes else ""
        return f"✅ No {what} differs{changes}"
    counts = [f"{len(found.of(kind))} {kind.value}" for kind in titles(found) if found.of(kind)]
    excess = len(found.excess)
    if excess:
        return f"❌ **{excess} excess**: {', '.join(counts)}"
    return f"{what.capitalize()}: {', '.join(counts)}"


def _sections(found: Difference) -> Iterator[str]:
    for kind, title in titles(found).items():
        same = found.of(kind)
        if same:
            yield f"#### {title} ({len(same)})\n"
            rows = [row for one in same for row in _rows(found, one)]
            yield _table(found, rows[:ROWS])
            for start in range(ROWS, len(rows), 10 * ROWS):
                more = rows[start : start + 10 * ROWS]
                yield _folded(f"{len(more)} more rows", _table(found, more))
    if found.ineffective:
        lines = "\n".join(f"- {_change(one)}" for one in found.ineffective)
        yield _folded(f"{len(found.ineffective)} changed without effect on access", f"{lines}\n")
    for one in found.findings:
        if one.witness is not None:
            yield _folded(f"Path: {code(one.message)}", _path(one))


def _table(found: Difference, rows: Sequence[Sequence[str]]) -> str:
    head = ["who", "where", "ports", "when", "by"] if found.only else ["who", "where", "ports", "when", "declared", "by"]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _rows(found: Difference, one: Finding) -> Iterator[list[str]]:
    """A row for the places that some callers have in common, on the same ports at the same times."""
    by = "<br>".join(map(_change, one.changes)) or "–"
    for part in one.parts:
        who = ", ".join(map(code, part.principals))
        for (services, when, requests), names in alike(part.reaches):
            cells = [who, ", ".join(map(code, names)), code(services), _when(when, requests)]
            yield [*cells, by] if found.only else [*cells, _declared(found, one), by]


def _when(when: str, requests: str) -> str:
    said = [one for one in (when, requests) if one]
    return ", ".join(map(code, said)) if said else "always"


def _declared(found: Difference, one: Finding) -> str:
    now, before = ", ".join(map(code, one.routes)), ", ".join(map(code, one.routes_before))
    if one.kind is Kind.UNDECLARED or (one.kind is Kind.REMOVED and one.standing is not Standing.DECLARED and before):
        return f"**excess** (was {before})" if one.excess and not found.declarations else f"was {before}"
    if one.standing is Standing.DECLARED:
        return now
    return "**excess**" if one.excess else one.standing.value


def _change(one: Change) -> str:
    at = f" at {code(one.gate)}" if one.gate and one.gate != one.name else ""
    kind = "" if one.what.value == "rule" else f"{one.what.value} "
    detail = f": {code('; '.join(one.detail))}" if one.detail else ""
    return f"{kind}{code(one.name)}{at} {one.how.value}{detail}"


def _path(one: Finding) -> str:
    """Witness and path as text that is shown as it is."""
    lines = [str(one.witness), ""]
    for before, after in row_pairs(one):
        row = after or before
        if row is not None:
            lines.append(f"{row.gate}  {row.filter.name}")
            lines.append(f"  before: {row_line(before, bool(one.path_before))}")
            lines.append(f"  now:    {row_line(after, bool(one.path))}")
    shown = "\n".join(visible(" ".join(line.split("\n"))) for line in lines)
    return f"<pre>{escape(shown, quote=False).replace('@', '&#64;')}</pre>\n"


def _folded(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{body}\n</details>\n"
