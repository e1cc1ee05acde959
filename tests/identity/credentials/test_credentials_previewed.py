"""What somebody changes beside Airlock is found at preview, with the resource named: by the command, with the policy pack."""

import os
from pathlib import Path

import pytest
from airlock_command import airlock

ROOT = Path(__file__).parents[3]
ACCESS = """
apiVersion: airlock/v1
rotation: 30d
environments: [{name: finance, dags: ["ledger_*"]}]
principals: [{name: ledger, environment: finance, dags: ["ledger_*"], owner: ledger@bank.example}]
zones: {dc: {cidrs: [10.20.0.0/16], gates: [fortigate]}}
destinations: [{name: api, zone: dc, cidrs: [10.20.4.11/32], ports: [443/tcp], protocol: https}]
routes:
  - name: ledger-api
    from: [ledger]
    to: [api]
    session: 1h
    credential: {kind: secrets-manager, ref: api/ledger}
    reason: FIN-1
"""
PROGRAM = """
import pulumi_aws as aws
import pulumiverse_fortios as fortios
from pulumi_airlock.access import load
from pulumi_airlock.gates.declared import AccessDeclaration
from pulumi_airlock.gates.fortigate import FortigateGate
from pulumi_airlock.identity.credentials import Credentials, FortigateApiToken, FortigateToken, TokenEndpoint

access = load("access.yaml")
AccessDeclaration("access", access)
FortigateGate(
    "fortigate", access=access, sources={"finance": ["10.40.0.0/24"]}, tunnel_interface="vpn", interfaces={"dc": "port3"}
)
users = ("airlock-a", "airlock-b")
FortigateApiToken("edge", gate="fortigate", access=access, users=users, trusted_hosts=["10.1.0.0/24"])
credentials = Credentials(
    "credentials",
    access=access,
    owner="platform@bank.example",
    readers={"ledger": "arn:aws:iam::111122223333:role/finance"},
    rotators={"api/ledger": TokenEndpoint(issue_url="https://api.corp.example/t", test_url="https://api.corp.example/me")},
    gates=[FortigateToken(gate="fortigate", url="https://fgt.corp.example", users=users)],
    administrators=["arn:aws:iam::111122223333:role/deploy"],
    alarm_emails=["oncall@bank.example"],
    account_id="111122223333",
)
"""
ROTATED_BY_HAND = """
feed = aws.secretsmanager.Secret("feed", name="api/ledger2", kms_key_id=credentials.kms_key_arn)
aws.secretsmanager.SecretRotation(
    "slow", secret_id=feed.id, rotation_lambda_arn="arn:aws:lambda:eu-west-1:111122223333:function:f",
    rotation_rules={"automatically_after_days": 365},
)
"""
UNROTATED = '\naws.secretsmanager.Secret("by-hand", name="api/ledger", kms_key_id=credentials.kms_key_arn)\n'
TOKEN = '    gates=[FortigateToken(gate="fortigate", url="https://fgt.corp.example", users=users)],\n'


def previewed(folder: Path, program: str) -> str:
    (folder / "Pulumi.yaml").write_text("name: bank\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    (folder / "access.yaml").write_text(ACCESS)
    (folder / "__main__.py").write_text(program)
    pack = ROOT / "policy-packs" / "least-privilege"
    env = os.environ | {"COLUMNS": "200", "NO_COLOR": "1"}
    done = airlock("preview", "--stack", "dev", "--policy-pack", pack, cwd=folder, env=env)
    said = done.stdout + done.stderr
    assert "airlock-least-privilege" in said, said
    return said


def test_what_airlock_makes_is_sound(tmp_path: Path) -> None:
    assert "] credential-" not in previewed(tmp_path, PROGRAM)


@pytest.mark.parametrize(
    ("old", "new", "policy", "says"),
    [
        (TOKEN, "", "credential-gate-token-rotates", "fortigate has API users that the rotation function should renew"),
        ("", UNROTATED, "credential-secret-rotates", "by-hand has no rotation"),
        ("", ROTATED_BY_HAND, "credential-rotation-cadence", "slow: rotationRules is every 365d, and 30d is declared"),
        (
            "",
            '\naws.secretsmanager.Secret("plain", name="plain")\n',
            "credential-secret-kms",
            "plain: kmsKeyId is not set",
        ),
    ],
    ids=["a token with no rotation", "a secret with none", "a slow one", "a secret without a key"],
)
def test_a_change_by_hand_is_found(tmp_path: Path, old: str, new: str, policy: str, says: str) -> None:
    said = previewed(tmp_path, PROGRAM.replace(old, new) if old else PROGRAM + new)
    assert f"[mandatory] {policy}" in said
    assert says in said
