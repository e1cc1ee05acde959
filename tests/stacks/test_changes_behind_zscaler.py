"""What somebody changes by hand at Zscaler, at the identity provider or in the rotation is found, with the resource named."""

from collections.abc import Callable
from pathlib import Path

import pytest

PACKS = ("least-privilege", "access-proof")

A_RULE_WITHOUT_CONDITIONS = """
import zscaler_pulumi_zpa
zscaler_pulumi_zpa.PolicyAccessRuleV2("hand-written", name="hand-written", action="ALLOW")
"""

A_SCIM_OPERAND_ON_A_SERVICE_ACCOUNT = """
import zscaler_pulumi_zpa
zscaler_pulumi_zpa.PolicyAccessRuleV2("hand-written", name="hand-written", action="ALLOW", conditions=[
    {"operator": "OR", "operands": [{"object_type": "APP", "values": [gate.segment_ids["airlock-group-liquidity"]]}]},
    {"operator": "OR", "operands": [{"object_type": "CLIENT_TYPE", "values": ["zpn_client_type_edge_connector"]}]},
    {"operator": "OR", "operands": [{"object_type": "SCIM_GROUP", "entry_values": [{"lhs": "1", "rhs": "29345673"}]}]},
])
"""

A_SECOND_OWNER_OF_THE_ORDER = """
import zscaler_pulumi_zpa
zscaler_pulumi_zpa.PolicyAccessReorderRule(
    "hand-written", policy_type="ACCESS_POLICY", rules=[{"id": next(iter(gate.rule_ids.values())), "order": "2"}]
)
"""

DELETED = """
import zscaler_pulumi_zpa
_made = zscaler_pulumi_zpa.ApplicationSegment
class _Gone:
    id, name = "72058304855019999", "deleted"
zscaler_pulumi_zpa.ApplicationSegment = lambda label, **given: _Gone() if "group-payments" in label else _made(label, **given)
"""

AN_ORPHANED_GROUP = """
import pulumi_okta
pulumi_okta.group.Group("hand-written", name="airflow-left-over")
"""


def _append(text: str) -> Callable[[Path], None]:
    def change(stacks: Path) -> None:
        program = stacks / "on_mwaa.py"
        program.write_text(program.read_text().replace("    private_access(zpa", "    gate = private_access(zpa") + text)

    return change


def _delete_a_segment(stacks: Path) -> None:
    """As if somebody had deleted a segment, and its rule had stayed."""
    program = stacks / "on_mwaa.py"
    program.write_text(program.read_text().replace("settings = Settings.load()\n", DELETED + "settings = Settings.load()\n"))


def _forget_a_token(stacks: Path) -> None:
    """The API client of ZPA is rotated by nobody."""
    program = stacks / "operations.py"
    whole = "for gate, client in zscaler.api_clients.items()"
    changed = program.read_text().replace(whole, f'{whole} if gate != "zpa"')
    assert changed != program.read_text()
    program.write_text(changed)


CASES = {
    "a V2 rule without conditions": (_append(A_RULE_WITHOUT_CONDITIONS), ["zpa-rule-applications", "hand-written"]),
    "a SCIM operand on a service account": (
        _append(A_SCIM_OPERAND_ON_A_SERVICE_ACCOUNT),
        ["zpa-service-account-operand", "hand-written"],
    ),
    "a second owner of the rule order": (_append(A_SECOND_OWNER_OF_THE_ORDER), ["zpa-order-owner", "hand-written"]),
    "a segment deleted under a live rule": (_delete_a_segment, ["zpa-rule-dangling", "zpa-payments-group"]),
    "an orphaned group of the identity provider": (_append(AN_ORPHANED_GROUP), ["identity-no-orphan", "airflow-left-over"]),
    "a token without rotation": (_forget_a_token, ["credential-gate-token-rotates", "zpa has an API token"]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_found(airlock, project: Path, name: str):
    change, said = CASES[name]
    change(project / "stacks")
    done = airlock("preview", "--stack", "prod-mwaa", *(f"--policy-pack=policy-packs/{pack}" for pack in PACKS))
    output = done.stdout + done.stderr
    assert done.returncode in (2, 3), output
    for part in said:
        assert part in output, f"{part!r} is not in the output:\n{output}"
