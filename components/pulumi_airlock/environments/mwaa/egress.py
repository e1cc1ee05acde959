"""What an environment is told about its way out: an explicit proxy, with a port of its own for each component of Airflow.

MWAA's schedulers, workers and web servers share their subnets, so that no address tells them apart; a dedicated proxy port does.
They are told by the start-up script, which MWAA runs on each of them and which knows its component by `MWAA_AIRFLOW_COMPONENT`
(MWAA User Guide, "Using a startup script with Amazon MWAA").

A port is an arrangement, no barrier: whatever runs in the subnets may connect to any of the three. What one of them may reach,
tasks may reach as well; readers take it so.
"""

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Literal

from ...access.model import Access
from ...access.values import parse_host
from ...errors import Problems
from .limits import partition

Component = Literal["scheduler", "worker", "webserver"]
COMPONENTS: tuple[Component, ...] = ("scheduler", "worker", "webserver")
"""The components of Airflow that have a way out of their own."""

COMPONENT_VARIABLE = "MWAA_AIRFLOW_COMPONENT"
_CALLED: Mapping[Component, tuple[str, ...]] = {
    # mw1.micro runs scheduler and worker in one container (`hybrid`): its tasks are what has to get out.
    "worker": ("worker", "hybrid"),
    "webserver": ("webserver", "api-server"),
}
"""What the variable says on each component; what else MWAA runs (DAG processor, triggerer, migrations) counts as a scheduler."""

SHARED_PORTS = frozenset({80, 443, 8080, 8800, 9400, 9401, 9443, 9480})
"""Ports that Zscaler's nodes open to every customer: they tell no location (Zscaler, "Configuring Locations", proxy ports)."""

MAX_RULES = 30
"""Rules that the proxy may take of a security group's 60 (VPC User Guide, quota L-0EA8095F): routes need the others."""

LOCAL = ("localhost", "127.0.0.1", "::1", "169.254.169.254", "169.254.170.2", "169.254.170.23")
"""Loopback, instance metadata, container credentials, pod identity: never beyond the machine."""

_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
"""Variables whose file replaces what a client trusts: it holds the public authorities too. Node's only adds to them."""
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\s+[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_FOLDER = "/tmp/airlock"  # noqa: S108  # in a container of one's own, where nothing else is writable for sure


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyEgress:
    """The explicit proxy that an environment's components go out through (ZIA: a dedicated port for each of them)."""

    host: str
    """The proxy's name or address, as clients write it (`gateway.zscaler.net`, a Private Service Edge)."""
    cidrs: tuple[str, ...]
    """The proxy's addresses: the tasks' security group opens the three ports to them, and to nothing else."""
    scheduler: int
    worker: int
    webserver: int
    ca_bundle: str | Path | None = None
    """The authority that signs what the proxy has decrypted, in PEM: the text, or a file (`Path`). It joins the public ones."""
    no_proxy: tuple[str, ...] = ()
    """Hosts (`vault.corp.example`, `.corp.example`) and networks that are reached directly, beside AWS and the VPC (`direct`)."""

    @property
    def ports(self) -> dict[Component, int]:
        """Each component's port."""
        return {"scheduler": self.scheduler, "worker": self.worker, "webserver": self.webserver}

    def url(self, component: Component) -> str:
        """The proxy of a component, as clients write it."""
        return f"http://{self.host}:{self.ports[component]}"

    def described(self, region: str, vpc_cidr: str) -> dict[str, object]:
        """What readers are told, among a component's inputs."""
        return {
            "proxy": self.host,
            "cidrs": list(self.cidrs),
            "ports": dict(self.ports),
            "noProxy": list(no_proxy(self, region, vpc_cidr)),
        }

    def authority(self) -> str | None:
        """The authority's PEM; OSError where its file cannot be read."""
        if isinstance(self.ca_bundle, Path):
            return self.ca_bundle.read_text(encoding="utf-8")
        return self.ca_bundle


def direct(access: Access, gate: str) -> tuple[str, ...]:
    """Every host and network of zones that do not list a gate: what a proxy behind it must not be asked for (`no_proxy`)."""
    found: dict[str, None] = {}
    for name, zone in access.zones.items():
        if gate in zone.gates:
            continue
        found |= dict.fromkeys(zone.cidrs)
        for one in access.destinations:
            if one.zone == name:
                found |= dict.fromkeys((*(host.removeprefix("*") for host in one.hosts), *one.cidrs))
    return tuple(found)


def no_proxy(egress: ProxyEgress, region: str, vpc_cidr: str) -> tuple[str, ...]:
    """What is reached directly: the machine itself, the VPC, AWS's endpoints of the region (by VPC endpoints), and what is told.

    Python's urllib and requests, botocore, curl and Go read it; only requests, httpx, curl and Go know networks.
    """
    suffix = "amazonaws.com.cn" if partition(region) == "aws-cn" else "amazonaws.com"
    internal = ".ec2.internal" if region == "us-east-1" else f".{region}.compute.internal"
    here = [f".{region}.{suffix}", f".{region}.airflow.{suffix}", f".{region}.vpce.{suffix}", f"s3.{suffix}"]
    return tuple(dict.fromkeys((*LOCAL, vpc_cidr, *here, internal, *egress.no_proxy)))


def check_egress(egress: ProxyEgress, problems: Problems, path: str = "egress") -> None:
    """Notes everything in which a proxy's settings cannot work."""
    _check_host(egress.host, problems, path)
    _check_cidrs(egress.cidrs, problems, path)
    taken: dict[int, Component] = {}
    for component, port in egress.ports.items():
        where = f"{path}.{component}"
        if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
            problems.add(where, f"{port!r}: write the component's dedicated port, 1–65535")
        elif port in SHARED_PORTS:
            problems.add(where, f"{port} is open to every customer: it tells no location; write a dedicated port of yours")
        elif port in taken:
            problems.add(where, f"{port} is the {taken[port]}'s already: each component has a location, so a port, of its own")
        taken.setdefault(port, component)
    rules = len(egress.cidrs) * len(COMPONENTS)
    if rules > MAX_RULES:
        problems.add(f"{path}.cidrs", f"{len(egress.cidrs)} networks take {rules} rules of the security group, over {MAX_RULES}")
    for position, entry in enumerate(egress.no_proxy):
        if not _is_entry(entry):
            fix = "write a host (vault.corp.example), a suffix (.corp.example) or a network (10.20.0.0/16)"
            problems.add(f"{path}.no_proxy[{position}]", f"{entry!r}: {fix}; * would pass the proxy by altogether")
    _check_authority(egress, problems, f"{path}.ca_bundle")


def _check_host(host: str, problems: Problems, path: str) -> None:
    if _network(host) is not None and "/" not in host:
        return
    try:
        parse_host(host)
        fine = not host.startswith("*")
    except ValueError:
        fine = False
    if not fine:
        problems.add(f"{path}.host", f"{host!r}: write the proxy's name or address alone, without scheme and port")


def _check_cidrs(cidrs: tuple[str, ...], problems: Problems, path: str) -> None:
    if not cidrs:
        problems.add(f"{path}.cidrs", "none: write the proxy's addresses, which the security group opens the ports to")
    for position, cidr in enumerate(cidrs):
        found = _network(cidr)
        if not isinstance(found, IPv4Network):
            problems.add(f"{path}.cidrs[{position}]", f"{cidr!r} is no IPv4 network; write 203.0.113.0/26")
        elif found.prefixlen < 16:
            problems.add(f"{path}.cidrs[{position}]", f"{cidr} is wider than a /16: write the networks of the nodes in use")


def _check_authority(egress: ProxyEgress, problems: Problems, path: str) -> None:
    try:
        text = egress.authority()
    except (OSError, UnicodeDecodeError) as error:
        problems.add(path, f"{egress.ca_bundle} cannot be read: {error}")
        return
    if text is None:
        return
    if "PRIVATE KEY" in text:
        problems.add(path, "holds a private key: write the certificates alone")
    elif not _CERTIFICATE.search(text):
        problems.add(path, "holds no certificate: write PEM (-----BEGIN CERTIFICATE-----), or give a file as a Path")


def _network(text: str) -> object:
    try:
        return ip_network(text)
    except ValueError:
        return None


def _is_entry(entry: str) -> bool:
    if _network(entry) is not None:
        return True
    try:
        parse_host(entry.removeprefix("."))
    except ValueError:
        return False
    return "*" not in entry


def startup_script(egress: ProxyEgress, region: str, vpc_cidr: str, own: str = "") -> str:
    """The start-up script: tells each component its proxy, what is reached directly and whom to trust, then goes on with `own`.

    It comes first, so that what `own` downloads goes through the proxy as well. Plain POSIX shell: MWAA runs it with the image's.
    """
    lines = ["#!/bin/sh", "# The way out of this environment. Made by Airlock.", f'case "${{{COMPONENT_VARIABLE}:-}}" in']
    for component, called in _CALLED.items():
        lines.append(f"  {'|'.join(called)}) AIRLOCK_PROXY={shlex.quote(egress.url(component))} ;;")
    lines += [f"  *) AIRLOCK_PROXY={shlex.quote(egress.url('scheduler'))} ;;", "esac"]
    lines.append(f"AIRLOCK_NO_PROXY={shlex.quote(','.join(no_proxy(egress, region, vpc_cidr)))}")
    # Both spellings: curl takes `http_proxy` in lower case alone, other clients either.
    lines += _exports(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "AIRLOCK_PROXY")
    lines += _exports(("NO_PROXY", "no_proxy"), "AIRLOCK_NO_PROXY")
    authority = egress.authority()
    if authority is not None:
        lines += _trust(authority)
    return "\n".join((*lines, "")) + (f"\n# The environment's own start-up script.\n{own}" if own else "")


def _exports(names: Iterable[str], variable: str) -> list[str]:
    return [f'export {name}="${variable}"' for name in names]


def _trust(authority: str) -> list[str]:
    """The public authorities and this one in one file: what is reached directly is signed by a public one."""
    public = "python3 -c 'import certifi; print(certifi.where())' 2>/dev/null"
    system = "/etc/pki/tls/certs/ca-bundle.crt /etc/ssl/certs/ca-certificates.crt"
    return [
        f"mkdir -p {_FOLDER}",
        f"cat > {_FOLDER}/proxy-ca.pem <<'AIRLOCK_PEM'",
        *(line.rstrip() for line in authority.strip().splitlines()),
        "AIRLOCK_PEM",
        f"AIRLOCK_PUBLIC=$({public} || true)",
        f"for AIRLOCK_FILE in {system}; do",
        '  [ -n "$AIRLOCK_PUBLIC" ] || [ ! -f "$AIRLOCK_FILE" ] || AIRLOCK_PUBLIC=$AIRLOCK_FILE',
        "done",
        f'cat ${{AIRLOCK_PUBLIC:+"$AIRLOCK_PUBLIC"}} {_FOLDER}/proxy-ca.pem > {_FOLDER}/ca-bundle.pem',
        *(f"export {name}={_FOLDER}/ca-bundle.pem" for name in _CA_VARIABLES),
        f"export NODE_EXTRA_CA_CERTS={_FOLDER}/proxy-ca.pem",
    ]


def check_own_script(text: str, problems: Problems, path: str) -> None:
    """Notes a start-up script that cannot be joined with the generated one: one for another interpreter than a shell."""
    first = text.splitlines()[0] if text.strip() else ""
    if first.startswith("#!") and not re.search(r"/(env\s+)?(ba|da|a)?sh\b", first):
        problems.add(path, f"begins with {first!r}: with egress it goes on from a shell script; write it in sh")
