"""The snippet of the documentation runs as it stands there; names that the page mentions are what is made."""

import re
from pathlib import Path

import pulumi
import zscaler_pulumi_zpa as zpa
from pulumi_airlock.gates.zpa import read
from zpa_helpers import Point, access, decide, route, run_program

PAGE = (Path(__file__).parents[3] / "docs" / "gates" / "zpa.md").read_text(encoding="utf-8")
SNIPPET = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]


def test_the_gate_as_documented():
    routes = [route("r", ["warehouse"], session="1h"), route("s", ["portal"], who=["analysts"])]
    given = access(routes)
    given = given.model_copy(update={"principals": tuple(one for one in given.principals if one.environment != "markets")})

    def program():
        tenant = zpa.Provider("tenant", vanity_domain="bank", customer_id="42")
        exec(SNIPPET, {"access": given, "tenant": tenant, "pulumi": pulumi})  # noqa: S102

    stack = run_program(program)
    (found,) = read(stack)
    assert decide(found, Point("wh.corp.example")) == "allow"
    assert decide(found, Point("x.corp.example", 443, environment=None, group="airflow-finance")) == "allow"
    assert decide(found, Point("wh.corp.example", environment=None)) == "deny"
    made = {one.get("name") for one in stack.resources}
    assert {"airlock-deny-tasks", "airlock-deny-rest", "airlock-portal"} <= made
    types = {one.type.rsplit(":", 1)[-1] for one in stack.resources}
    assert types >= set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`[A-Z].*?) \|", PAGE, re.MULTILINE)))) - {"airlock"}
