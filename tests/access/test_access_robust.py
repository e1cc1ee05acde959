"""Whatever a file holds, a check tells what is wrong with it: it never crashes, and never lets through what the model refuses."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi_airlock.access import AccessError, Severity, loads
from pulumi_airlock.access.load import read_content

BASE = (Path(__file__).parent / "base.yaml").read_text(encoding="utf-8")
TODAY = date(2026, 11, 21)
PIECES = [
    "",
    "~",
    "*",
    "&a ",
    "*a",
    "!x ",
    "[",
    "]",
    "{",
    "}",
    ": ",
    "\n",
    "\t",
    "- ",
    "'",
    '"',
    "\x00",
    "9" * 400,
    "true",
    "0",
    "é",
    "---\n",
    "%",
    "|",
    "\u2028",
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_file_that_was_cut_and_pasted_at_random(data: Any) -> None:
    text = BASE
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + data.draw(st.sampled_from(PIECES) | st.text(max_size=4)) + text[end:]
    reading = read_content(text, "access.yaml", TODAY)
    for finding in reading.findings:
        assert finding.message
        assert finding.line is None or 1 <= finding.line <= len(reading.document.lines) + 1
    wrong = [
        one
        for one in reading.findings
        if one.severity is Severity.ERROR and one.code not in ("route-expired", "exception-expired")
    ]
    if wrong:
        with pytest.raises(AccessError):
            loads(text)
    else:
        assert loads(text) == reading.access


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    reading = read_content(content, "access.yaml", TODAY)
    assert reading.findings or reading.access is not None


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 70000)
    | st.text(max_size=6)
    | st.sampled_from(["finance-etl", "warehouse", "5432/tcp"])
)
KEYS = st.sampled_from(
    ["name", "from", "to", "dags", "group", "cidrs", "ports", "window", "http", "zone", "gates", "allow", "expires"]
)
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12)
SECTIONS = ["environments", "principals", "zones", "destinations", "routes", "expect", "identityProvider"]


@settings(max_examples=150, deadline=None)
@given(document=st.dictionaries(st.sampled_from(SECTIONS), TREES, max_size=7))
def test_any_shape(document: dict[str, Any]) -> None:
    reading = read_content(json.dumps(document), "access.yaml", TODAY)
    assert reading.findings or reading.access is not None
