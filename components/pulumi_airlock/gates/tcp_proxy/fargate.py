"""What a proxy on Fargate is made of, as plain data: its task, the script that brings its files, its roles, its rules. No SDK.

Envoy reads files; ECS has none to give. So a second container brings them from S3 and Secrets Manager before Envoy starts, and
again every minute, each replaced at once: targets, keys and certificates change without a restart.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...access import Access
from ...errors import Problems
from .files import Configuration
from .leaving import networks as leaving_to
from .manifests import USER
from .plan import HEALTH_PORT, PORT, ProxyPlan
from .platforms import OnFargate
from .programs import program
from .settings import AUTHORITY, Settings

_SHARED = "/airlock"
MAX_RULES = 60
"""Rules in one direction of a security group, AWS's default quota (VPC User Guide, "Amazon VPC quotas", L-0EA8095F)."""


def settings(clients: Sequence[str], connections: int) -> Settings:
    """Where things are in a task of ECS."""
    return Settings.below(_SHARED, clients, connections)


PUT = r"""put() { # moves a file into its place, if it is another one
  if [ ! -e "$2" ] || [ "$(sha256sum < "$1")" != "$(sha256sum < "$2")" ]; then mv -f "$1" "$2"; else rm -f "$1"; fi
}
"""
"""Replaces a file at once, and only where it changed: Envoy reads again what is moved into its place."""
SCRIPT = (
    "set -eu\n"
    + PUT
    + r"""secret() {
  aws secretsmanager get-secret-value --secret-id "$1" --query SecretString --output text > "$2.new" || return 1
  chmod 0640 "$2.new" && put "$2.new" "$2"
}
bring() { # each step by itself: behind `||`, `set -e` stops nothing
  aws s3 sync --only-show-errors --delete --exact-timestamps "s3://$BUCKET/" "$SHARED/.new/" || return 1
  for folder in config jwks tls; do
    mkdir -p "$SHARED/$folder" "$SHARED/.new/$folder"
    for file in "$SHARED/.new/$folder"/*; do
      [ -e "$file" ] || continue
      cp "$file" "$SHARED/$folder/.$(basename "$file").new" || return 1
      put "$SHARED/$folder/.$(basename "$file").new" "$SHARED/$folder/$(basename "$file")" || return 1
    done
  done
  secret "$KEY" "$SHARED/tls/tls.key" && secret "$CERTIFICATE" "$SHARED/tls/tls.crt"
}
bring
touch "$SHARED/.ready"
while sleep "$EVERY"; do bring || echo '{"event":"files","reason":"not renewed: what is there stays"}'; done
"""
)
"""Brings the files, and again every minute. What cannot be fetched stays as it is."""


def containers(platform: OnFargate, found: Configuration, bucket: str, log_group: str, name: str) -> list[dict[str, Any]]:
    """The containers of the task, as its definition has them."""
    place, runs = found.settings, program(found, name)
    log = {
        "logDriver": "awslogs",
        "options": {"awslogs-group": log_group, "awslogs-region": platform.region, "awslogs-stream-prefix": name},
    }
    mount = {"sourceVolume": "files", "containerPath": _SHARED}
    secure = {"readonlyRootFilesystem": True, "privileged": False, "linuxParameters": {"capabilities": {"drop": ["ALL"]}}}
    environment = {
        "BUCKET": bucket,
        "SHARED": _SHARED,
        "EVERY": "60",
        "KEY": platform.certificate.key,
        "CERTIFICATE": platform.certificate.certificate,
        "AWS_REGION": platform.region,
        "HOME": f"{_SHARED}/.home",
    }
    files = {
        "name": "files",
        "image": platform.files_image,
        "essential": True,
        # The volume is root's (ECS Developer Guide, "Bind mounts"); what it writes, the proxy reads by its group.
        "user": f"0:{USER}",
        "entryPoint": ["/bin/sh", "-c"],
        "command": [SCRIPT],
        "environment": [{"name": key, "value": value} for key, value in environment.items()],
        "mountPoints": [{**mount, "readOnly": False}],
        "healthCheck": {"command": ["CMD-SHELL", f"test -e {_SHARED}/.ready"], "interval": 5, "retries": 10, "startPeriod": 60},
        "logConfiguration": log,
        **secure,
    }
    proxy = {
        "name": runs.name,
        "image": platform.image,
        "essential": True,
        "user": f"{USER}:{USER}",
        **({"entryPoint": list(runs.entry)} if runs.entry else {}),
        "command": list(runs.arguments),
        "environment": [{"name": key, "value": value} for key, value in runs.environment.items()],
        # Each connection takes two; of itself a container has 1,024 (ECS API Reference, "Ulimit").
        "ulimits": [{"name": "nofile", "softLimit": 65535, "hardLimit": 65535}],
        "dependsOn": [{"containerName": "files", "condition": "HEALTHY"}],
        "portMappings": [{"containerPort": port, "protocol": "tcp"} for port in (place.port, HEALTH_PORT)],
        "mountPoints": [{**mount, "readOnly": True}],
        # 120 is the most that Fargate takes; the load balancer drains before.
        "stopTimeout": min(platform.drain, 120),
        "logConfiguration": log,
        **secure,
    }
    return [files, proxy]


def objects(files: Mapping[str, str], keys: Mapping[str, str], authority: str) -> Iterator[tuple[str, str]]:
    """What the bucket has: (key, content). No secret is among it."""
    yield from ((f"config/{name}", text) for name, text in files.items())
    yield from ((f"jwks/{name}", text) for name, text in keys.items())
    yield f"tls/{AUTHORITY}", authority


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
)


def task_policy(platform: OnFargate, bucket_arn: str, kms_key: str) -> str:
    """What the task itself may do: read its configuration and its certificate."""
    secrets = [platform.certificate.certificate, platform.certificate.key]
    keys = sorted({kms_key, *filter(None, [platform.certificate.kms_key])})
    services = [f"{one}.{platform.region}.amazonaws.com" for one in ("s3", "secretsmanager")]
    statements = [
        {"Sid": "List", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket_arn},
        {"Sid": "Configuration", "Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{bucket_arn}/*"},
        {"Sid": "Certificate", "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secrets},
        {
            "Sid": "Decrypt",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": keys,
            "Condition": {"StringEquals": {"kms:ViaService": services}},
        },
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def execution_policy(platform: OnFargate, log_group_arn: str) -> str:
    """What ECS may do for it: write its log, and fetch its images where they are private."""
    write = ["logs:CreateLogStream", "logs:PutLogEvents"]
    statements: list[dict[str, Any]] = [
        {"Sid": "Log", "Effect": "Allow", "Action": write, "Resource": f"{log_group_arn}:log-stream:*"}
    ]
    if platform.repositories:
        pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        statements += [
            # It takes no resource (Service Authorization Reference, "Amazon ECR").
            {"Sid": "SignIn", "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
            {"Sid": "Images", "Effect": "Allow", "Action": pull, "Resource": list(platform.repositories)},
        ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def described(gate: str, platform: OnFargate) -> dict[str, Any]:
    """What readers need."""
    networks = [one.cidr for one in platform.subnets]
    return {"host": platform.host, "entry": {"cidrs": networks, "port": PORT}, "sources": networks}


def leaving(
    access: Access, plan: ProxyPlan, platform: OnFargate, found: Configuration, problems: Problems
) -> list[tuple[str, int, str]]:
    """(network, port, what for) of what the proxy connects to: its targets, AWS, issuers."""
    networks = leaving_to(access, plan, platform.keys, problems)
    for network in platform.endpoints:
        networks.setdefault((network, 443), "AWS: configuration, certificate, log")
    if len(networks) + len(platform.prefix_lists) > MAX_RULES:
        problems.add("platform", f"{len(networks)} rules of its security group, over {MAX_RULES}: write wider cidrs")
    return [(network, port, why) for (network, port), why in networks.items()]
