"""The snippets of the documentation run as they stand there, with what they leave open filled in."""

import re
from pathlib import Path

import pytest
from in_process import run
from np_program import ACCESS, POLICY, network
from pulumi_airlock.gates.stack import Stack

PAGE = Path(__file__).parents[3] / "docs" / "gates" / "network-policy.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
SHOP = [
    {
        "kind": kind,
        "apiVersion": "apps/v1",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"template": {"metadata": {"labels": {"app": name}}}},
    }
    for kind, name in (("Deployment", "web"), ("StatefulSet", "db"))
] + [
    {
        "kind": "NetworkPolicy",
        "apiVersion": "networking.k8s.io/v1",
        "metadata": {"name": "db", "namespace": "shop"},
        "spec": {
            "podSelector": {"matchLabels": {"app": "db"}},
            "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}], "ports": [{"port": 5432}]}],
        },
    }
]


def test_the_gate_is_composed() -> None:
    given = {"access": ACCESS, "network": network()}
    assert Stack(run(lambda: exec(SNIPPETS[0], given))).of_type(POLICY)  # noqa: S102


def test_connections_are_as_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    exec(SNIPPETS[1], {"documents": SHOP})  # noqa: S102
    said = capsys.readouterr().out
    for line in re.findall(r"# (allowed; .*|shop/.*)", SNIPPETS[1]):
        assert line in said


def test_all_are_run() -> None:
    assert len(SNIPPETS) == 2
