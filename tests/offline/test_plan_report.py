"""What people see of a plan: findings that one fix answers to are told together; outputs can be read."""

from collections.abc import Sequence
from typing import Any

from pulumi_airlock.offline.packs import Diagnostic, Level, PackInfo
from pulumi_airlock.offline.plan import Plan
from pulumi_airlock.offline.wire import UNKNOWN_STRING, secret
from pulumi_airlock.report.plan import show_outputs, show_policies, shown_name
from rich.console import Console

FIX = "Give the resource `protect=True`."
URL = "https://example.com/protect"


def shown(plan: Plan, show: Any) -> list[str]:
    console = Console(width=400, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    show(console, plan)
    return console.export_text().rstrip("\n").split("\n")


def found(policy: str, name: str, message: str, level: Level = Level.ADVISORY) -> Diagnostic:
    urn = f"urn:pulumi:dev::bank::a:b:C::{name}"
    return Diagnostic("pack", policy, urn, message, level, "low", "SOC 2 CC8.1", FIX, URL)


def policies(diagnostics: Sequence[Diagnostic]) -> list[str]:
    pack = PackInfo("pack", "1.0", "", "", {})
    return shown(Plan("bank", "dev", True, [], diagnostics=diagnostics, packs=[pack]), show_policies)


def test_findings_of_one_policy_share_its_fix_and_mandatory_ones_come_first() -> None:
    lines = policies(
        [
            found("protected", "key", "key can be deleted"),
            found("open", "group", "it is open\nto all", Level.MANDATORY),
            found("protected", "code", "it can be deleted"),
        ]
    )
    assert lines == [
        "pack 1.0: 0 policies, 3 found",
        "  [mandatory] open on group  (low SOC 2 CC8.1)",
        "    it is open",
        "    to all",
        f"    Fix: {FIX}",
        f"    See {URL}",
        "  [advisory] protected on 2 resources  (low SOC 2 CC8.1)",
        "    key can be deleted",
        "    code: it can be deleted",
        f"    Fix: {FIX}",
        f"    See {URL}",
    ]


def test_outputs_are_one_line_each_and_nested_ones_indented() -> None:
    outputs = {
        "vpc": "vpc-1",
        "servers": {name: f"{name}-{'x' * 60}.airflow.amazonaws.com" for name in ("risk", "treasury", "markets")},
        "psk": secret("hunter22"),
        "rules": [{"port": 1, "token": secret("hunter22")}, {"port": UNKNOWN_STRING}],
        "zones": ["a", "b"],
        "none": {},
    }
    lines = shown(Plan("bank", "dev", True, [], outputs=outputs), show_outputs)
    assert lines == [
        'vpc: "vpc-1"',
        "servers:",
        *(f'  {name}: "{value}"' for name, value in outputs["servers"].items()),
        "psk: [secret]",
        "rules:",
        "  [0]:",
        "    port: 1",
        "    token: [secret]",
        "  [1]:",
        "    port: (known after the update)",
        'zones: ["a", "b"]',
        "none: {}",
    ]


def test_a_huge_output_is_cut_and_says_so() -> None:
    lines = shown(Plan("bank", "dev", True, [], outputs={"all": dict.fromkeys(map(str, range(500)), 1)}), show_outputs)
    assert len(lines) < 100
    assert lines[-1].startswith("  … and 441 more lines")


def test_a_default_provider_is_shown_without_the_address_of_its_plugin() -> None:
    urn = "urn:pulumi:dev::bank::pulumi:providers:fortios::{}"
    assert shown_name(urn.format("default_0_0_6_github_/api.github.com/pulumiverse")) == "default_0_0_6"
    assert shown_name(urn.format("default")) == "default"
    assert shown_name(urn.format("edge")) == "edge"
    assert shown_name("urn:pulumi:dev::bank::aws:sns/topic:Topic::default_1_and_more") == "default_1_and_more"
