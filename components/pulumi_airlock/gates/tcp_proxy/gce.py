"""What a proxy on machines of Google Cloud is made of, as plain data: what starts it, and the script that brings its files.

Container-Optimized OS runs the image of Envoy or HAProxy, by units that cloud-init writes. A script of a second unit
brings the files from Cloud Storage and Secret Manager before that starts, and again every minute, as on Fargate. No SDK in here.
"""

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...access import Access
from ...errors import Problems
from .fargate import PUT, objects
from .files import Configuration
from .leaving import networks
from .manifests import USER
from .plan import PORT, ProxyPlan
from .platforms import OnGce
from .programs import Program, program
from .settings import Settings

_SHARED = "/var/lib/airlock"
_START = "/etc/airlock/proxy.sh"
"""The program of an engine that is none of its image's own."""
HEALTH_CHECKS = ("35.191.0.0/16", "130.211.0.0/22")
"""Where Google's health checks come from (Cloud Load Balancing, "Health checks overview", probe IP ranges)."""


def settings(clients: Sequence[str], connections: int) -> Settings:
    """Where things are on a machine, and in its container."""
    return Settings.below(_SHARED, clients, connections)


def described(gate: str, platform: OnGce) -> dict[str, Any]:
    """What readers need."""
    entry = {"cidrs": [f"{platform.address}/32"], "port": PORT}
    return {"host": platform.host, "entry": entry, "sources": [platform.subnetwork_cidr]}


def leaving(
    access: Access, plan: ProxyPlan, platform: OnGce, found: Configuration, problems: Problems
) -> list[tuple[str, int, str]]:
    """(network, port, what for) of what the proxy connects to: its targets, Google's APIs, issuers."""
    out = networks(access, plan, platform.keys, problems)
    for network in platform.endpoints:
        out.setdefault((network, 443), "Google's APIs: configuration, certificate, image, log")
    return [(network, port, why) for (network, port), why in out.items()]


SCRIPT = (
    "set -u\numask 027\n"
    + PUT
    + r"""sign_in() { # a token of the machine's account, which no command line shows
  curl -fsS --max-time 30 -H 'Metadata-Flavor: Google' -o "$SHARED/.new/token" \
    "$METADATA/computeMetadata/v1/instance/service-accounts/default/token" || return 1
  header=$(sed -n 's/.*"access_token" *: *"\([^"]*\)".*/Authorization: Bearer \1/p' "$SHARED/.new/token")
  rm -f "$SHARED/.new/token"
  (umask 077; printf '%s\n' "$header" > "$SHARED/.new/header")
}
get() { curl -fsS --max-time 30 -H "@$SHARED/.new/header" -o "$2" "$1"; }
place() { chgrp "$GROUP" "$1" && chmod 0640 "$1" && put "$1" "$2"; }
secret() {
  get "$SECRETS/v1/$1/versions/latest:access" "$SHARED/.new/secret" || return 1
  sed -n 's/.*"data" *: *"\([^"]*\)".*/\1/p' "$SHARED/.new/secret" | base64 -d > "$2.new"
  rm -f "$SHARED/.new/secret"
  [ -s "$2.new" ] && place "$2.new" "$2"
}
bring() {
  sign_in || return 1
  for path in $OBJECTS; do
    get "$STORAGE/storage/v1/b/$BUCKET/o/${path//\//%2F}?alt=media" "$SHARED/.new/object" || return 1
    mv -f "$SHARED/.new/object" "$SHARED/$path.new" && place "$SHARED/$path.new" "$SHARED/$path" || return 1
  done
  secret "$KEY" "$SHARED/tls/tls.key" && secret "$CERTIFICATE" "$SHARED/tls/tls.crt"
}
for folder in .new config jwks tls; do mkdir -p "$SHARED/$folder" && chgrp "$GROUP" "$SHARED/$folder"; done
chgrp "$GROUP" "$SHARED"
bring || exit 1
touch "$SHARED/.ready"
while sleep "$EVERY"; do bring || echo '{"event":"files","reason":"not renewed: what is there stays"}'; done
"""
)
"""Brings the files, and again every minute. What cannot be fetched stays as it is."""


def environment(platform: OnGce, found: Configuration, bucket: str) -> Mapping[str, str]:
    """What the script goes by."""
    return {
        "BUCKET": bucket,
        "OBJECTS": " ".join(path for path, _ in _objects(found, platform)),
        "KEY": platform.certificate.key,
        "CERTIFICATE": platform.certificate.certificate,
        "SHARED": _SHARED,
        "GROUP": str(USER),
        "EVERY": "60",
        "METADATA": "http://metadata.google.internal",
        "STORAGE": "https://storage.googleapis.com",
        "SECRETS": "https://secretmanager.googleapis.com",
    }


def _objects(found: Configuration, platform: OnGce) -> Iterator[tuple[str, str]]:
    return objects(found.files, found.keys, platform.authority)


def kept(found: Configuration, platform: OnGce) -> list[tuple[str, str]]:
    """What the bucket has: (name, content). No secret is among it."""
    return list(_objects(found, platform))


def user_data(gate: str, platform: OnGce, found: Configuration, bucket: str) -> str:
    """What cloud-init makes of a machine: two units, and the script. A change of it, or of the bootstrap, replaces machines."""
    given = "".join(f"{name}={shlex.quote(value)}\n" for name, value in environment(platform, found, bucket).items())
    runs = program(found, gate)
    files = {
        "/etc/airlock/files.env": given,
        "/etc/airlock/files.sh": SCRIPT,
        "/etc/systemd/system/airlock-files.service": _unit("Files of the TCP proxy", "docker.service", _FILES),
        "/etc/systemd/system/airlock-proxy.service": _unit(
            "TCP proxy", "airlock-files.service", _proxy(platform, found.settings, runs)
        ),
        # Read by the container's own user.
        **({_START: runs.arguments[-1]} if runs.entry else {}),
    }
    document = {
        "write_files": [
            {"path": path, "permissions": "0644" if path == _START else "0640", "owner": "root", "content": text}
            for path, text in files.items()
        ],
        "runcmd": ["systemctl daemon-reload", "systemctl start airlock-files.service airlock-proxy.service"],
    }
    digest = hashlib.sha256(runs.restarts.encode()).hexdigest()[:32]
    # JSON is YAML as well.
    return f"#cloud-config\n# starts with {digest}\n{json.dumps(document, indent=1)}\n"


_FILES = (
    "EnvironmentFile=/etc/airlock/files.env",
    "ExecStartPre=-/bin/rm -f /var/lib/airlock/.ready",
    "ExecStart=/bin/bash /etc/airlock/files.sh",
    # Only then it has started, and the proxy is next.
    f"ExecStartPost=/bin/bash -c 'until test -e {_SHARED}/.ready; do sleep 1; done'",
)


def _proxy(platform: OnGce, place: Settings, runs: Program) -> Sequence[str]:
    registry = platform.image.partition("/")[0]
    started = ""
    if runs.entry:
        given = " ".join(f"--env {name}={value}" for name, value in runs.environment.items())
        started = f"{given} --volume {_START}:{_START}:ro --entrypoint {runs.entry[0]} "
    run = [
        "/usr/bin/docker run --rm --name airlock-proxy --network host --read-only --cap-drop ALL",
        f"--security-opt no-new-privileges --user {USER}:{USER} --ulimit nofile=1048576:1048576",
        f"--volume {_SHARED}:{_SHARED}:ro {started}{platform.image} {_START if runs.entry else ' '.join(runs.arguments)}",
    ]
    # The image's own rules let in SSH alone (Container-Optimized OS, "Configure the host firewall").
    rule = f"INPUT -p tcp -m multiport --dports {place.port},{place.health_port} -j ACCEPT"
    return (
        f"Environment=HOME={_SHARED}/.home",
        f"ExecStartPre=/bin/bash -c '/sbin/iptables -w -C {rule} || /sbin/iptables -w -I {rule}'",
        f"ExecStartPre=/usr/bin/docker-credential-gcr configure-docker --registries={registry}",
        "ExecStartPre=-/usr/bin/docker rm --force airlock-proxy",
        f"ExecStart={' '.join(run)}",
        f"ExecStop=/usr/bin/docker stop --time {min(platform.drain, 90)} airlock-proxy",
    )


def _unit(what: str, after: str, service: Sequence[str]) -> str:
    """A unit of systemd, which starts again whatever ends."""
    head = [f"Description={what}", f"Requires={after}", f"After={after} network-online.target", "Wants=network-online.target"]
    return "\n".join(["[Unit]", *head, "", "[Service]", "Restart=always", "RestartSec=5", "TimeoutStartSec=600", *service, ""])
