"""A path as a picture for documents: a standalone SVG, from the caller down through every gate to the destination."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from ..proof.findings import Explanation, Outcome, Row, Witness
from .rows import SIGNS, row_words
from .visible import visible

_WIDTH, _MARGIN, _RAIL, _TEXT = 720, 24, 44, 76
_LINE = 19
_MOST_LINES = 3
"""Lines of one text; what is longer is shortened, and whole in the tooltip."""

_SIZES = {"head": 16, "gate": 15}
"""Of the font, in pixels, as wide as if bold letters were larger ones."""

_STYLE = """
svg { color-scheme: light dark; }
text {
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  font-size: 13px; fill: #1b1f23;
}
.page { fill: #ffffff; stroke: #d5d9dd; }
.head { font-size: 15px; font-weight: 600; }
.gate { font-weight: 600; font-size: 14px; }
.quiet { fill: #545b62; }
.rail { stroke: #80878e; stroke-width: 2; }
.beyond { stroke-dasharray: 4 5; }
.end { fill: #ffffff; stroke: #80878e; stroke-width: 2; }
.dot { stroke-width: 2; }
.sign { font-weight: 700; font-size: 15px; text-anchor: middle; }
.allow { fill: #00664a; stroke: none; } .dot.allow { fill: #e6f4ee; stroke: #00664a; }
.deny { fill: #a63a00; stroke: none; } .dot.deny { fill: #fdeee6; stroke: #a63a00; }
.unknown { fill: #6b5600; stroke: none; } .dot.unknown { fill: #fbf5d5; stroke: #6b5600; }
@media (prefers-color-scheme: dark) {
  text { fill: #e7eaed; }
  .page { fill: #14171a; stroke: #363c42; }
  .quiet { fill: #a9b1b8; }
  .end { fill: #14171a; }
  .allow { fill: #5fd0a5; } .dot.allow { fill: #12302a; stroke: #5fd0a5; }
  .deny { fill: #ff9d6b; } .dot.deny { fill: #3a2116; stroke: #ff9d6b; }
  .unknown { fill: #e8d44d; } .dot.unknown { fill: #332d10; stroke: #e8d44d; }
}
"""


@dataclass(frozen=True, slots=True)
class _Block:
    """One stop of the path: an end, or a filter."""

    outcome: Outcome | None
    texts: tuple[tuple[str, str], ...]
    """(class, text) of each paragraph."""


def explanation_svg(explanation: Explanation) -> str:
    """The path that an explanation walks."""
    return path_svg(
        explanation.rows,
        caller=explanation.principal,
        destination=explanation.destination,
        title=explanation.message,
        witness=explanation.witness,
    )


def path_svg(rows: Sequence[Row], *, caller: str, destination: str, title: str = "", witness: Witness | None = None) -> str:
    """A path as SVG: what each filter does, by which rule, and where it stops.

    `title` is a sentence above it (by default who and where); `witness` adds the example that it shows. Every text is in the
    picture whole, or shortened with all of it in a tooltip.
    """
    heading = title or f"{caller} → {destination}"
    start, end = _ends(witness)
    blocks = [
        _Block(None, (("gate", caller), *start)),
        *(_Block(row.outcome, tuple(_said(row))) for row in rows),
        _Block(None, (("gate", destination), *end)),
    ]
    if not rows:
        blocks.insert(1, _Block(Outcome.ALLOW, (("quiet", "No gate stands on the path."),)))
    root = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", "aria-labelledby": "title desc"})
    ET.SubElement(root, "title", {"id": "title"}).text = visible(heading)
    ET.SubElement(root, "desc", {"id": "desc"}).text = visible(_described(caller, destination, rows))
    ET.SubElement(root, "style").text = _STYLE
    page = ET.SubElement(root, "rect", {"class": "page", "x": "0.5", "y": "0.5", "rx": "8"})
    at = _write(root, [("head", heading)], _MARGIN, _MARGIN + 12, _WIDTH - 2 * _MARGIN) + 22
    height = _draw(root, blocks, at) + _MARGIN
    page.set("width", str(_WIDTH - 1))
    page.set("height", str(height - 1))
    for name, value in {"viewBox": f"0 0 {_WIDTH} {height}", "width": str(_WIDTH), "height": str(height)}.items():
        root.set(name, value)
    return ET.tostring(root, encoding="unicode") + "\n"


def _ends(witness: Witness | None) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What an example adds to both ends."""
    if witness is None:
        return [], []
    host = f"[{witness.host}]" if ":" in witness.host else witness.host
    request = f", {witness.operation.method} {witness.operation.path}" if witness.operation else ""
    who = f"{witness.task} from {witness.source}" if witness.task else f"from {witness.source}"
    return [("quiet", f"{who}, {witness.when}")], [("quiet", f"{host}:{witness.port}/{witness.protocol}{request}")]


def _said(row: Row) -> Iterator[tuple[str, str]]:
    words = row_words(row)
    yield "gate", row.gate
    yield "", row.filter.name
    yield str(row.outcome.value), words.says
    if row.detail:
        yield "", row.detail
    yield from (("quiet", str(one)) for one in row.trace)
    if words.resource:
        yield "quiet", f"resource {words.resource}"


def _described(caller: str, destination: str, rows: Iterable[Row]) -> str:
    """The picture in words, for who cannot see it."""
    stops = "; ".join(f"{row.gate} ({row.filter.name}): {row_words(row).says}" for row in rows)
    return f"From {caller} to {destination}. {stops or 'No gate stands on the path.'}"


def _draw(root: ET.Element, blocks: Sequence[_Block], at: int) -> int:
    """Draws the stops one below the other; returns where the last one ends."""
    rails = ET.SubElement(root, "g")
    reached, before = True, 0
    for block in blocks:
        middle = at + 8
        if before:
            style = "rail" if reached else "rail beyond"
            line = {"class": style, "x1": str(_RAIL), "x2": str(_RAIL), "y1": str(before + 14), "y2": str(middle - 14)}
            ET.SubElement(rails, "line", line)
        reached = reached and block.outcome is not Outcome.DENY
        _mark(root, block.outcome, middle)
        before = middle
        at = _write(root, block.texts, _TEXT, at + 13, _WIDTH - _TEXT - _MARGIN) + 18
    return at - 18


def _mark(root: ET.Element, outcome: Outcome | None, middle: int) -> None:
    place = {"cx": str(_RAIL), "cy": str(middle)}
    if outcome is None:
        ET.SubElement(root, "circle", {"class": "end", **place, "r": "8"})
        return
    kind = str(outcome.value)
    ET.SubElement(root, "circle", {"class": f"dot {kind}", **place, "r": "13"})
    sign = ET.SubElement(root, "text", {"class": f"sign {kind}", "x": str(_RAIL), "y": str(middle + 5)})
    sign.text = SIGNS[outcome]


def _write(root: ET.Element, texts: Iterable[tuple[str, str]], x: int, at: int, width: int) -> int:
    """Writes paragraphs below each other, the first line on `at`; returns the last line's place."""
    for style, whole in texts:
        shown = visible(whole)
        lines = _wrapped(shown, width / _SIZES.get(style, 13))
        group = ET.SubElement(root, "text", {"class": style, "x": str(x)} if style else {"x": str(x)})
        if len(lines) > _MOST_LINES:
            lines = [*lines[: _MOST_LINES - 1], f"{lines[_MOST_LINES - 1][:-3]} …"]
            ET.SubElement(group, "title").text = shown
        for line in lines:
            ET.SubElement(group, "tspan", {"x": str(x), "y": str(at)}).text = line
            at += _LINE
    return at - _LINE


def _wrapped(text: str, width: float) -> list[str]:
    """Lines of at most so many letter sizes, broken at spaces; a word that is longer than a line, within it.

    What a letter takes is estimated, on the wide side: the picture has no font of its own.
    """
    lines, room = [""], width
    for word in text.split():
        size = sum(map(_size, word))
        if lines[-1] and _size(" ") + size > room:
            lines.append("")
            room = width
        if lines[-1]:
            lines[-1] += " "
            room -= _size(" ")
        for letter in word:
            if _size(letter) > room:
                lines.append("")
                room = width
            lines[-1] += letter
            room -= _size(letter)
    return lines


def _size(letter: str) -> float:
    """How wide a letter is, in sizes of the font, in the widest of the fonts that are asked for."""
    if letter in "ijl|.,:;'!()[]{} ft/-":
        return 0.45
    if letter in "mwMW@%—…" or letter > "\u10ff":
        return 1.1
    return 0.82 if letter.isupper() else 0.68
