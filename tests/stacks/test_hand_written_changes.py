"""What somebody changes beside Airlock is found: with the witness, the gate and the resource, before anything is applied."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

PACKS = ("least-privilege", "access-proof")

OPEN_TO_THE_WORLD = """
import pulumi_aws as aws
aws.ec2.SecurityGroupRule(
    "hand-written", type="egress", security_group_id=networks[0].security_group_id,
    protocol="-1", from_port=0, to_port=0, cidr_blocks=["0.0.0.0/0"],
)
"""

FIRST_POLICY = """
import pulumiverse_fortios as fortios
on_device = pulumi.ResourceOptions(provider=device)
extra = fortios.firewall.Address("extra", name="extra", type="ipmask", subnet="10.60.99.0 255.255.255.0", opts=on_device)
first = fortios.firewall.Policy(
    "hand-written", name="hand-written", action="accept", status="enable", schedule="always", logtraffic="all",
    srcintfs=[{"name": "port2"}], dstintfs=[{"name": "port3"}], srcaddrs=[{"name": extra.name}], dstaddrs=[{"name": "all"}],
    services=[{"name": "ALL"}], opts=on_device,
)
fortios.firewall.PolicyMove(
    "hand-written-first", policyid_src=first.policyid, policyid_dst=next(iter(gate.policy_ids.values())), move="before",
    opts=on_device,
)
"""


def _append(text: str) -> Callable[[Path], None]:
    def change(stacks: Path) -> None:
        program = stacks / "on_mwaa.py"
        program.write_text(program.read_text().replace("FortigateGate(\n", "gate = FortigateGate(\n") + text)

    return change


def _remove_a_route(stacks: Path) -> None:
    """As if somebody had deleted the entry of the route tables towards the partners."""
    program = stacks / "on_mwaa.py"
    removal = (
        "import pulumi_aws as aws\n_made = aws.ec2.Route\n"
        "aws.ec2.Route = lambda name, **given: given['destination_cidr_block'] == '203.0.113.0/26' or _made(name, **given)\n"
    )
    program.write_text(program.read_text().replace("settings = Settings.load()\n", removal + "settings = Settings.load()\n"))


def _undeclare_a_route(stacks: Path) -> None:
    """The route is taken out of the file; the gates still have it."""
    file = stacks / "access" / "prod-mwaa.yaml"
    kept = [line for line in file.read_text().splitlines() if "treasury-swift" not in line and "swift-gateway:48002" not in line]
    (stacks / "access" / "today.yaml").write_text("\n".join(kept))
    program = stacks / "on_mwaa.py"
    changed = program.read_text().replace(
        'AccessDeclaration("access", access)', 'AccessDeclaration("access", load(HERE / "access" / "today.yaml"))'
    )
    program.write_text(changed)


CASES = {
    "a security group rule to the whole world": (_append(OPEN_TO_THE_WORLD), ["hand-written", "0.0.0.0/0"]),
    "a FortiGate policy in front for one more subnet": (_append(FIRST_POLICY), ["hand-written", "10.60.99.", "fortigate"]),
    "a removed route table entry": (_remove_a_route, ["clearer-sftp", "rout", "aws_network"]),
    "a route left on the FortiGate": (_undeclare_a_route, ["swift-gateway", "48002", "fortigate"]),
}


def _preview(airlock) -> subprocess.CompletedProcess[str]:
    return airlock("preview", "--stack", "prod-mwaa", *(f"--policy-pack=policy-packs/{name}" for name in PACKS))


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_found(airlock, project: Path, name: str):
    change, said = CASES[name]
    change(project / "stacks")
    done = _preview(airlock)
    output = done.stdout + done.stderr
    assert done.returncode in (2, 3), output
    for part in said:
        assert part in output, f"{part!r} is not in the output:\n{output}"
