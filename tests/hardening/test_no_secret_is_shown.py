"""A secret stands in resources, messages and exports: no command shows it, and no file that one writes holds it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from pulumi_airlock.cli import COMMANDS as ALL
from pulumi_airlock.cli import app
from typer.testing import CliRunner

GIT = shutil.which("git") or "git"
ROOT = Path(__file__).parents[2]
PASSPHRASE = "correct horse battery staple"
CANARY = "open sesame, Ünïcode"
"""What `tiny:psk` is in the configuration that the Pulumi CLI encrypted for this passphrase."""
PROGRAM = """
import pulumi
import pulumi_aws as aws
import pulumiverse_fortios as fortios
from pulumi_airlock.access import load
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.fortigate import FortigateGate

config = pulumi.Config()
psk, password = config.require_secret("psk"), config.require_secret_object("database")["password"]
access = load("access.yaml")
AccessDeclaration("access", access)
device = fortios.Provider("device", hostname="fw.example", token=psk)
FortigateGate(
    "fortigate",
    access=access,
    sources={"finance": ["10.40.0.0/24"]},
    tunnel_interface="vpn",
    interfaces={"dc": "port3"},
    opts=pulumi.ResourceOptions(provider=device),
)
fortios.vpn.ipsec.Phase1interface(
    "phase1", name="vpn", interface="wan1", remote_gw="198.51.100.7", proposal="aes256-sha256", psksecret=psk
)
fortios.firewall.Address("named", name="named", subnet=psk, comment=password)
if pulumi.runtime.is_dry_run():  # what is excess is not applied
    fortios.firewall.Policy(
        "wide", policyid=9, name=psk, action="accept", status="enable", schedule="always", comments=psk,
        srcintfs=[{"name": "any"}], dstintfs=[{"name": "any"}], srcaddrs=[{"name": "all"}], dstaddrs=[{"name": psk}],
        services=[{"name": "ALL"}],
    )
group = aws.ec2.SecurityGroup("group", description=psk, egress=[
    {"protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": [psk], "description": psk},
])
aws.ssm.Parameter("parameter", type="String", value=psk, tags={"owner": psk})
statement = {"Effect": "Allow", "Action": "*", "Resource": psk}
aws.iam.RolePolicy("policy", role=psk, policy=pulumi.Output.json_dumps({"Statement": [statement]}))
pulumi.export("psk", psk)
pulumi.export("whole", pulumi.Output.concat("postgres://airflow:", psk, "@db"))
psk.apply(lambda value: pulumi.log.warn(f"the key is {value}"))
psk.apply(print)
"""
ACCESS = """
environments: [{name: finance}]
principals: [{name: etl, environment: finance, dags: ["*"], owner: a@example.com}]
zones: {dc: {cidrs: [10.20.0.0/16], gates: [fortigate]}}
destinations: [{name: db, zone: dc, cidrs: [10.20.4.10/32], ports: [5432/tcp]}]
routes: [{name: r, from: [etl], to: [db], session: 1h, reason: T-1}]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secret")
    (folder / "Pulumi.yaml").write_text("name: tiny\nruntime: python\n")
    shutil.copy(ROOT / "tests" / "offline" / "cases" / "encrypted.yaml", folder / "Pulumi.dev.yaml")
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "access.yaml").write_text(ACCESS)
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "x"]):
        subprocess.run([GIT, *command], cwd=folder, check=True)
    return folder


@pytest.fixture
def airlock(project: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    monkeypatch.chdir(project)
    return CliRunner()


PACKS = [f"--policy-pack={ROOT}/policy-packs/{name}" for name in ("least-privilege", "access-proof")]
LINE = (
    'date=2026-11-23 time=23:30:00 srcip=10.40.0.10 dstip=10.20.4.10 dstport=5432 proto=6 action="deny" policyid=9 '
    f'policyname="{CANARY}"'
)
COMMANDS = {
    "check": ["access.yaml", "--json"],
    "preview": ["--stack=dev", "--diff", *PACKS, "--sarif=p.sarif", "--junit=p.xml"],
    "preview as JSON": ["--stack=dev", "--json", "--no-policy-packs"],
    "prove": ["--stack=dev", "--verbose", "--waste", "--html=p.html", "--markdown=p.md", "--sarif=q.sarif", "--junit=q.xml"],
    "prove as JSON": ["--stack=dev", "--json"],
    "explain": ["--from-log", LINE, "--stack=dev", "--urns"],
    "reach": ["--to", "db", "--stack=dev", "--json"],
    "calls": ["--stack=dev"],
    "fleet": ["dev", "--reports=reports", "--markdown=f.md", *PACKS],
    "evidence": ["--stack=dev", "--output=evidence", "--signed-by=A", "--statement=All of it."],
    "evidence that is signed": ["--verify=evidence"],
    "up": ["--stack=dev", "--yes", "--no-policy-packs", "--json"],
    "destroy": ["--stack=dev", "--yes", "--diff"],
}


def shown(text: str) -> bool:
    plain = text.replace("\\u00dc", "Ü").replace("\\u00ef", "ï").replace("\n", " ")
    return "open sesame" in plain or CANARY in plain or 'p"wd' in plain


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_shows_a_secret(command: str, airlock: CliRunner, project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    done = airlock.invoke(app, [command.partition(" ")[0], *COMMANDS[command]], prog_name="airlock")
    said = done.output + "".join(capfd.readouterr())  # JSON goes past the runner
    assert not isinstance(done.exception, Exception), done.exception
    assert said.strip()
    assert not shown(said), [line for line in said.splitlines() if shown(line)]
    written = [path for path in project.rglob("*") if path.is_file() and ".git" not in path.parts]
    assert not [path for path in written if shown(path.read_bytes().decode(errors="replace"))]


def test_the_commands_are_all_there() -> None:
    without_secrets = {
        "audit",
        "diff",
        "import",
        "learn",
        "unused",
        "verify",
        "comment",
        "schema",
    }  # of two other stacks, logs or files
    assert set(ALL) == {one.partition(" ")[0] for one in COMMANDS} | without_secrets


def test_the_secret_is_really_there(airlock: CliRunner, capfd: pytest.CaptureFixture[str]) -> None:
    """A test that finds nothing has to be able to find something."""
    assert shown(json.dumps({"a": CANARY}))
    airlock.invoke(app, ["preview", "--stack=dev", "--json", "--no-policy-packs"], prog_name="airlock")
    steps = json.loads(capfd.readouterr().out)["steps"]
    parameter = next(step for step in steps if step["newState"]["urn"].endswith("::parameter"))
    assert parameter["newState"]["inputs"]["value"] == "[secret]"
