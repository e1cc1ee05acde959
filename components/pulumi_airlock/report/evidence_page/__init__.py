"""One page of evidence for an auditor: self-contained, no network, no scripts, printable (PDF is the browser's print).

It shows what evidence.json says and nothing else, and is the same for the same file. Its colours and type are the proof's page's.
"""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ...soc2.criteria import CRITERIA
from ...soc2.model import Control, Evidence, Finding, Result, is_past
from ..evidence import MARKS, counted
from ..visible import visible

__all__ = ["render_evidence"]

MOST = 40
"""Resources of a control that are named on the page; the JSON has all of them."""
TOLD = 5
"""Findings of a control that are told on the page; the JSON has all of them."""

_ORDER = (Result.VIOLATED, Result.UNDECIDED, Result.HOLDS)


def render_evidence(evidence: Evidence, digest: str) -> str:
    """The page as HTML. `digest` is the SHA-256 of evidence.json."""
    page = files("pulumi_airlock.report") / "page" / "css"
    texts = [(page / name).read_text(encoding="utf-8") for name in ("colours.css", "page.css", "print.css")]
    texts.append((files(__name__) / "evidence.css").read_text(encoding="utf-8"))
    style = Markup("\n".join(texts))  # noqa: S704  # our own files
    environment = Environment(
        loader=PackageLoader(__name__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    return environment.get_template("page.html.j2").render(
        evidence=evidence,
        it=evidence.evaluated,
        controls=lambda one: _controls(evidence, one.controls),
        idle=lambda one: [each for each in map(evidence.control, one.controls) if each.result is Result.NOT_APPLICABLE],
        counted=lambda one: counted([evidence.control(id_).result for id_ in one.controls]),
        numbers={stands: sum(one.result == stands for one in evidence.criteria) for stands in _STANDINGS},
        elsewhere={one.reference: one.elsewhere for one in CRITERIA},
        is_past=lambda day: is_past(day, evidence.evaluated.as_of),
        short=_short,
        grouped=_grouped,
        marks=MARKS,
        most=MOST,
        told=TOLD,
        is_elsewhere=_is_elsewhere,
        digest=digest,
        style=style,
        style_hash=f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}",
    )


_STANDINGS = {"holds": "hold", "violated": "violated", "undecided": "undecided", "no evidence": "without evidence"}


def _controls(evidence: Evidence, ids: tuple[str, ...]) -> list[Control]:
    """Those that looked at something: first what is wrong, then by what they are, the proof before policies."""
    found = [one for one in map(evidence.control, ids) if one.result in _ORDER]
    return sorted(found, key=lambda one: (_ORDER.index(one.result), "/" in one.id))


def _is_elsewhere(finding: Finding) -> bool:
    """Whether the message leaves out which resource it is about."""
    return bool(finding.resource) and not finding.message.startswith(finding.resource.rsplit("::", 1)[-1])


def _short(urn: str) -> str:
    """A resource as people call it: its name, and what it is."""
    type_, name = _parts(urn)
    return f"{name} ({type_})" if type_ else name


def _grouped(urns: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Types, each with the names of its resources, in the order in which they come."""
    found: dict[str, list[str]] = {}
    for urn in urns:
        type_, name = _parts(urn)
        found.setdefault(type_, []).append(name)
    return list(found.items())


def _parts(urn: str) -> tuple[str, str]:
    """A resource's type, without those of its parents, and its name."""
    parts = urn.split("::")
    return (parts[-2].rsplit("$", 1)[-1], parts[-1]) if len(parts) > 3 else ("", urn)
