"""A secret stands in resources, messages, exports, variables and what is imported: no command shows it, no file holds it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from commands import Airlock
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from pulumi_airlock.cli import COMMANDS as ALL

GIT = shutil.which("git") or "git"
ROOT = Path(__file__).parents[2]
PASSPHRASE = "correct horse battery staple"
CANARY = "open sesame, Ünïcode"
"""What `tiny:psk` is in the configuration that the Pulumi CLI encrypted for this passphrase."""
TOKEN = "open-sesame\n"
"""As `cat` puts it into a variable: a header may not have the line break, and who says so may not repeat it."""
PROGRAM = """
import os

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
pulumi.ComponentResource("airlock:index:ImportedEnvironment", "finance", {"cidrs": ["10.40.0.0/24"], "workload": ""})
if os.environ.get("EXCESS"):  # what is excess is not applied
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
zones: {dc: {cidrs: [0.0.0.0/0, "::/0"], gates: [fortigate]}}
destinations: [{name: db, zone: dc, cidrs: [10.20.4.10/32], ports: [5432/tcp]}]
routes: [{name: r, from: [etl], to: [db], session: 1h, reason: T-1}]
"""
LINE = (
    'date=2026-11-23 time=23:30:00 srcip=10.40.0.10 dstip=10.20.4.10 dstport=5432 proto=6 action="deny" policyid=9 '
    f'policyname="{CANARY}"'
)
PLAIN = LINE.replace(CANARY, "airlock-r")
GIVEN = {
    "fw.log": PLAIN,
    "comment.md": "<!-- airlock-fleet -->\nAll is well.\n",
    "event.json": json.dumps({"pull_request": {"number": 1}}),
}
"""Files without a secret."""
HOLDING = {
    "fw.conf": f"""#config-version=FGT60F-7.4.8-FW-build2795-250523:opmode=0:vdom=0:user=admin
config system admin
    edit "admin"
        set password "{CANARY}"
    next
end
config vpn ipsec phase1-interface
    edit "vpn"
        set interface "wan1"
        set psksecret "{CANARY}"
    next
end
config firewall policy
    edit 7
        set srcintf "vpn"
        set dstintf "port3"
        set srcaddr "all"
        set dstaddr "all"
        set service "ALL"
        set schedule "always"
        set action accept
    next
end
""",
    "objects.yaml": f"""apiVersion: v1
kind: Secret
metadata: {{name: fernet, namespace: airflow}}
stringData: {{fernet-key: "{CANARY}"}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: tasks, namespace: airflow}}
spec: {{podSelector: {{}}, policyTypes: [Egress], egress: [{{to: [{{ipBlock: {{cidr: 10.20.0.0/16}}}}]}}]}}
""",
    "vpn.json": json.dumps(
        {
            "VpnConnections": [
                {
                    "VpnConnectionId": "vpn-1",
                    "CustomerGatewayConfiguration": f"<pre_shared_key>{CANARY}</pre_shared_key>",
                    "Options": {"TunnelOptions": [{"PreSharedKey": CANARY}]},
                }
            ]
        }
    ),
    "exported.json": json.dumps(
        {
            "version": 3,
            "deployment": {
                "resources": [
                    {
                        "urn": "urn:pulumi:dev::tiny::aws:ssm/parameter:Parameter::parameter",
                        "type": "aws:ssm/parameter:Parameter",
                        "custom": True,
                        "inputs": {
                            "value": {
                                "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
                                "plaintext": json.dumps(CANARY),
                            }
                        },
                    }
                ]
            },
        }
    ),
}
"""Files that hold the secret: what `import` is given. No output may repeat it; they themselves are not looked at."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secret")
    (folder / "Pulumi.yaml").write_text("name: tiny\nruntime: python\n")
    shutil.copy(ROOT / "tests" / "offline" / "cases" / "encrypted.yaml", folder / "Pulumi.dev.yaml")
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "access.yaml").write_text(ACCESS)
    for name, text in (GIVEN | HOLDING).items():
        (folder / name).write_text(text)
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(CANARY.encode()))
    (folder / "key.pem").write_bytes(key)
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "x"]):
        subprocess.run([GIT, *command], cwd=folder, check=True)
    return folder


PACKS = [f"--policy-pack={ROOT}/policy-packs/{name}" for name in ("least-privilege", "access-proof")]
NOWHERE = "http://127.0.0.1:9"
"""Where nothing listens."""
COMMANDS = {
    "check": ["access.yaml", "--json"],
    "schema": [],
    "preview": ["--stack=dev", "--diff", *PACKS, "--sarif=p.sarif", "--junit=p.xml"],
    "preview as JSON": ["--stack=dev", "--json", "--no-policy-packs"],
    "prove": ["--stack=dev", "--verbose", "--waste", "--html=p.html", "--markdown=p.md", "--sarif=q.sarif", "--junit=q.xml"],
    "prove as JSON": ["--stack=dev", "--json"],
    "prove of an export": ["--from=exported.json"],
    "explain": ["--from-log", LINE, "--stack=dev", "--urns"],
    "explain in a picture": ["etl", "db", "--stack=dev", "--svg=p.svg", "--json"],
    "reach": ["--to", "db", "--stack=dev", "--json"],
    "calls": ["--stack=dev"],
    "fleet": ["dev", "--reports=reports", "--markdown=f.md", *PACKS],
    "diff": ["HEAD", "--stack=dev", "--markdown=d.md", "--verbose"],
    "comment": ["comment.md"],
    "verify": ["fw.log", "--stack=dev", "--json"],
    "learn": ["fw.log", "--access=access.yaml", f"--runs=finance={NOWHERE}"],
    "learn with a password in an address": ["fw.log", f"--runs=http://airflow:{CANARY}@127.0.0.1:9"],
    "unused": ["fw.log", "--stack=dev"],
    "audit": ["fw.log", "--json", "--html=a.html"],
    "import": [".airlock/tiny/dev.json", "--out=stack.json"],
    "import of an export": ["exported.json", "--json", "--environment=finance=10.40.0.0/24"],
    "import of devices": [
        *("fw.conf", "objects.yaml", "vpn.json", "--environment=finance=10.40.0.0/24", "--interface=vpn", "--everybody"),
        *("--out=i.json", "--access=i.yaml", "--json"),
    ],
    "evidence": ["--stack=dev", "--output=evidence", "--signed-by=A", "--statement=All of it.", "--key=key.pem"],
    "evidence that is signed": ["--verify=evidence"],
    "up": ["--stack=dev", "--yes", "--no-policy-packs", "--json"],
    "destroy": ["--stack=dev", "--yes", "--diff"],
}
FIRST = {
    "import": ["up", *COMMANDS["up"]],
    "destroy": ["up", *COMMANDS["up"]],
    "evidence that is signed": ["evidence", *COMMANDS["evidence"]],
}
"""What has to have run before, wherever each test runs."""
APPLIED = {"up", "destroy", "import"}


@pytest.fixture(autouse=True)
def variables(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets in variables, too."""
    for name, value in {
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "AIRLOCK_SIGNING_PASSWORD": CANARY,
        "AIRFLOW_TOKEN": TOKEN,
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": NOWHERE,
        "GITHUB_REPOSITORY": "bank/platform",
        "GITHUB_EVENT_PATH": str(project / "event.json"),
    }.items():
        monkeypatch.setenv(name, value)


def shown(text: str) -> bool:
    plain = text.replace("\\u00dc", "Ü").replace("\\u00ef", "ï").replace("\\xdc", "Ü").replace("\n", " ")
    return any(one in plain for one in ("open sesame", CANARY, TOKEN.strip(), 'p"wd', PASSPHRASE))


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_shows_a_secret(command: str, airlock: Airlock, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if command.partition(" ")[0] not in APPLIED:
        monkeypatch.setenv("EXCESS", "1")  # messages speak of it
    if command in FIRST:
        airlock(*FIRST[command], cwd=project)
    done = airlock(command.partition(" ")[0], *COMMANDS[command], cwd=project)
    said = done.out + done.err
    assert said.strip()
    assert not shown(said), [line for line in said.splitlines() if shown(line)]
    written = [path for path in project.rglob("*") if path.is_file() and ".git" not in path.parts and path.name not in HOLDING]
    assert not [path for path in written if shown(path.read_bytes().decode(errors="replace"))]


def test_the_commands_are_all_there() -> None:
    assert {one.partition(" ")[0] for one in COMMANDS} == set(ALL)


def test_an_update_is_applied(airlock: Airlock, project: Path) -> None:
    """Else there would be no state to look for a secret in."""
    done = airlock("up", *COMMANDS["up"], cwd=project)
    assert done.status == 0, done.err
    kept = (project / ".airlock" / "tiny" / "dev.json").read_text()
    assert "airlock-hmac-sha256:" in kept
    assert "[secret]:policy-" in kept, "an id that AWS makes of the role's name, which is secret"


def test_the_secret_is_really_there(airlock: Airlock, project: Path) -> None:
    """A test that finds nothing has to be able to find something."""
    assert shown(json.dumps({"a": CANARY}))
    done = airlock("preview", "--stack=dev", "--json", "--no-policy-packs", cwd=project)
    steps = json.loads(done.out)["steps"]
    parameter = next(step for step in steps if step["newState"]["urn"].endswith("::parameter"))
    assert parameter["newState"]["inputs"]["value"] == "[secret]"
