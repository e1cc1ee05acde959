"""An explanation and its opposite in the terminal: what is to be pasted stays as it is, whatever the width."""

import io

import pytest
from pulumi_airlock.proof.explanation.explaining import Inquiry
from pulumi_airlock.proof.explanation.opposite import opposite
from pulumi_airlock.report.explanation import explanation_to_json, show_explanation
from rich.console import Console
from ruamel.yaml import YAML
from test_explaining_kinds import DOCUMENT, WAY, inquiry, proxy, routes, rule, token, wall


def shown(one: Inquiry, width: int = 100) -> str:
    out = io.StringIO()
    show_explanation(one.explanation, Console(file=out, width=width, highlight=False), turned=opposite(one))
    return out.getvalue()


WINDOW = {"days": ["mon"], "from": "22:00", "to": "23:00", "timezone": "Europe/Zurich"}
CLOSED = {**DOCUMENT, "routes": [{**DOCUMENT["routes"][0], "window": WINDOW}]}


@pytest.mark.parametrize("width", [40, 80, 200])
def test_yaml_is_never_wrapped(width: int) -> None:
    text = shown(inquiry(routes(WAY), wall(), proxy(), access=CLOSED), width)
    lines = text.splitlines()
    start = lines.index("routes:")
    pasted = "\n".join(lines[start : next(place for place in range(start + 1, len(lines)) if lines[place][:1] != " ")])
    assert YAML(typ="safe").load(pasted)["routes"][0]["window"] == {**WINDOW, "from": "13:00", "to": "15:00"}


def test_the_answer_comes_first_then_who_refuses_what_to_do_and_the_path_last() -> None:
    lines = shown(inquiry(routes(), wall(), proxy(token("report")), who="report")).splitlines()
    assert lines[0].startswith("No: report cannot reach db on ")
    places = [
        next(place for place, line in enumerate(lines) if line.startswith(start))
        for start in (
            "Refused by: net (routing), wall (permission)",
            "What to do: ",
            "To allow it, in the",
            "Or by hand, at every",
            "  ✗ net",
        )
    ]
    assert places == sorted(places)
    changes = [line for line in lines if line.startswith("  - ")]
    assert [line.split(":")[0] for line in changes if "name" not in line] == ["  - net", "  - wall"]


def test_what_would_be_lost_is_told() -> None:
    both = {**DOCUMENT, "routes": [{**DOCUMENT["routes"][0], "from": ["ledger", "report"]}]}
    text = shown(inquiry(routes(WAY), wall(rule()), access={**both, "zones": {"center": {"gates": ["wall"]}}}))
    assert "Or by hand, at one gate, which is enough:" in text
    assert "This would also take away: report → db" in text


def test_what_is_not_certain_shows_no_change() -> None:
    text = shown(inquiry(routes(WAY), wall(rule())))
    assert "Add proxy to the stack" in text
    assert "To allow it" not in text
    assert "To refuse it" not in text


def test_json_has_the_same_and_the_other_ways() -> None:
    one = inquiry(routes(WAY), wall(rule()), proxy(token()))
    found = explanation_to_json(one.explanation, opposite(one))
    assert found["opposite"]["outcome"] == "deny"
    assert {each["changes"][0]["kind"] for each in found["opposite"]["others"]} >= {"permission", "routing"}
    assert found["refused_by"] == []
    assert "opposite" not in explanation_to_json(one.explanation)
