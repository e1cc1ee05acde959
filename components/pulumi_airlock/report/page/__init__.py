"""One page that shows a proof: self-contained, no network, readable without scripts, printable.

page.html.j2   verdict, numbers, findings, lists: rendered here, escaped by Jinja
css/, js/      inlined, and allowed by their hashes alone; the scripts show the matrix and its details
data.py        what the scripts know, as JSON in the page
view.py        what the template shows
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ...access.model import Access
from ...gates import read_all
from ...gates.declaration import required_access
from ...gates.stack import Stack
from ...identity.findings import IdentityFinding
from ...identity.proof import identity_findings
from ...proof.evidence import Evidence, evidence
from ...proof.findings import Proof
from ..visible import visible
from .data import page_data
from .view import View

__all__ = ["render_page", "stack_page"]

_STYLES = ("colours.css", "page.css", "matrix.css", "print.css")
_SCRIPTS = ("dom.js", "data.js", "state.js", "axes.js", "filters.js", "grid.js", "detail.js", "keys.js", "print.js", "main.js")
"""In the order in which they are put together: one script, whose parts share one scope."""


def stack_page(stack: Stack, proof: Proof, *, generated_from: str, title: str = "") -> str:
    """The page of a stack's proof; `generated_from` as `render_page` takes it. InputError where the stack declares no access."""
    access, reading = required_access(stack), read_all(stack)
    seen = evidence(access, reading.environments, reading.filters, proof, at=proof.at)
    shown = title or f"Stack {stack.name}"
    differences = identity_findings(stack, at=proof.at)
    return render_page(proof, seen, access, title=shown, generated_from=generated_from, at=proof.at, differences=differences)


def render_page(
    proof: Proof,
    evidence: Evidence,
    access: Access,
    *,
    title: str,
    generated_from: str,
    at: datetime,
    differences: Sequence[IdentityFinding] = (),
) -> str:
    """The page as HTML.

    `generated_from` is the option that names the source, as somebody would type it (`--stack prod`, `--from plan.json`): it is
    shown, and part of the `airlock explain` commands that the page offers. `at` is when the proof was made.
    `differences`: where the systems disagree on who is who.
    """
    style, script = Markup(_joined("css", _STYLES)), Markup(_joined("js", _SCRIPTS))  # noqa: S704  # our own files
    environment = Environment(
        loader=PackageLoader(__name__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    return environment.get_template("page.html.j2").render(
        view=View(proof, evidence, access, tuple(differences)),
        title=title,
        generated_from=generated_from,
        at=at,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        data=Markup(_json(page_data(proof, evidence, access, generated_from))),  # noqa: S704  # escaped by _json
    )


def _joined(folder: str, names: tuple[str, ...]) -> str:
    texts = [(files(__name__) / folder / name).read_text(encoding="utf-8") for name in names]
    text = "\n".join(texts)
    return f'"use strict";\n(() => {{\n{text}}})();\n' if folder == "js" else text


def _hash(text: str) -> str:
    """A source that a content security policy allows: this very text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def _json(data: object) -> str:
    """JSON that no HTML parser takes for anything else."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    return text
