"""One page that shows a trail: self-contained, no network, no scripts, printable. Its colours and type are the proof's page's.

page.html.j2   rendered here, escaped by Jinja
lanes.py       sessions as bars on a clock, one lane for each run and destination
"""

import base64
import hashlib
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ..timeline import SIGNS, Shown, amount, described, identity, left_out, named, notes, why
from ..visible import visible
from .lanes import lanes

__all__ = ["render_timeline"]

MOST_RUNS = 500
"""Runs whose timeline is on the page; JSON has all of them."""


def render_timeline(shown: Shown) -> str:
    """The page as HTML."""
    page = files("pulumi_airlock.report") / "page" / "css"
    texts = [(page / name).read_text(encoding="utf-8") for name in ("colours.css", "page.css", "print.css")]
    texts.append((files(__name__) / "timeline.css").read_text(encoding="utf-8"))
    style = Markup("\n".join(texts))  # noqa: S704  # our own files
    environment = Environment(
        loader=PackageLoader(__name__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    reached, denied = shown.reached(), shown.denied()
    return environment.get_template("page.html.j2").render(
        shown=shown,
        reached=reached,
        denied=denied,
        sessions=sum(len(row.sessions) for row in reached),
        kept_out=sum(one.count for one in denied),
        lanes=lanes(shown, reached, denied),
        runs=shown.runs[:MOST_RUNS],
        more_runs=max(0, len(shown.runs) - MOST_RUNS),
        notes=notes(shown),
        left_out=left_out(shown.trail),
        named=named,
        identity=identity,
        amount=amount,
        why=why,
        described=described,
        signs=SIGNS,
        style=style,
        style_hash=f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}",
    )
