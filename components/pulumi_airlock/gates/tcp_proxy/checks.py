"""What a program has to say of a proxy's platform, checked: all that is wrong at once."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network

from ...access.values import check_cidrs, is_address, parse_host
from ...errors import Problems
from ..nginx.plan import pinned
from .issuers import NAMESPACE
from .platforms import InTaskPods, InternalBalancer, OnFargate, OnGce, OnKubernetes, Platform

_SIZES = {256: (512, 2048), 512: (1024, 4096), 1024: (2048, 8192), 2048: (4096, 16384), 4096: (8192, 30720)}
"""CPU units of Fargate → the least and the most memory in MiB (ECS Developer Guide, "Task size")."""


_WORKLOAD = re.compile(r"[a-z0-9-]{1,63}/[a-z0-9.-]{1,253}")


def check_platform(platform: Platform, problems: Problems) -> None:
    """Notes what is wrong with a platform."""
    images = [("image", platform.image)]
    if isinstance(platform, OnFargate):
        images.append(("files_image", platform.files_image))
        _check_fargate(platform, problems)
    elif isinstance(platform, OnGce):
        _check_gce(platform, problems)
    else:
        _check_certificate(platform, problems)
    for what, image in images:
        if not pinned(image):
            problems.add(f"platform.{what}", f"{image!r} may be another image tomorrow: name a version, or better a digest")
    if isinstance(platform, InTaskPods):
        return
    if platform.replicas < 2:
        problems.add("platform.replicas", f"{platform.replicas}: two at least, so that one may go")
    if not 0 <= platform.drain <= 3600:
        problems.add("platform.drain", f"{platform.drain} seconds: between 0 and 3600")


def _check_certificate(platform: OnKubernetes | InTaskPods, problems: Problems) -> None:
    if not NAMESPACE.fullmatch(platform.namespace):
        problems.add("platform.namespace", f"{platform.namespace!r}: write small letters, digits and dashes, at most 63 of them")
    if (not platform.secret) == (not platform.issuer):
        problems.add("platform.issuer", "give an issuer or a secret: exactly one of them")
    if isinstance(platform, OnKubernetes) and platform.balancer is not None:
        _check_balancer(platform.balancer, problems)
    for one in platform.callers if isinstance(platform, OnKubernetes) else ():
        if not _WORKLOAD.fullmatch(one):
            problems.add("platform.callers", f"{one!r} is no workload: write <namespace>/<service account>")
    if not 1 <= platform.days <= 90:
        problems.add("platform.days", f"{platform.days}: certificates hold for 1 to 90 days, and are renewed by themselves")


def _check_balancer(balancer: InternalBalancer, problems: Problems) -> None:
    path = "platform.balancer"
    _check_host(f"{path}.host", balancer.host, problems)
    if _address(balancer.address) is None:
        problems.add(f"{path}.address", f"{balancer.address!r} is no IPv4 address")
    for what, cidrs in (("callers", balancer.callers), ("sources", balancer.sources)):
        _check_networks(f"{path}.{what}", cidrs, problems)
    if not any("internal" in f"{key} {value}".lower() for key, value in balancer.annotations.items()):
        problems.add(f"{path}.annotations", "nothing says that it is internal: the cloud's default is a public one")


def _check_host(path: str, host: str, problems: Problems) -> None:
    if not is_address(host):
        with problems.noting(path):
            parse_host(host)


def _check_leaving(platform: OnFargate | OnGce, problems: Problems) -> None:
    """What it goes by: its own name, and networks beside the targets'."""
    _check_host("platform.host", platform.host, problems)
    check_cidrs(problems, "platform.endpoints", platform.endpoints)
    check_cidrs(problems, "platform.keys", platform.keys)


def _check_networks(path: str, cidrs: Sequence[str], problems: Problems) -> None:
    if not cidrs:
        problems.add(path, "none: write the networks")
    for cidr in cidrs:
        found = _network(cidr)
        if found is None:
            problems.add(path, f"{cidr!r} is no IPv4 network")
        elif found.prefixlen == 0:
            problems.add(path, f"{cidr}: write the networks of tasks, not everybody's")


def _network(text: str) -> IPv4Network | None:
    try:
        return IPv4Network(text)
    except ValueError:
        return None


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except ValueError:
        return None


def _check_gce(platform: OnGce, problems: Problems) -> None:
    _check_leaving(platform, problems)
    _check_networks("platform.callers", platform.callers, problems)
    _check_networks("platform.subnetwork_cidr", [platform.subnetwork_cidr], problems)
    address, network = _address(platform.address), _network(platform.subnetwork_cidr)
    if address is None or (network is not None and address not in network):
        problems.add("platform.address", f"{platform.address!r}: write an address of the subnetwork {platform.subnetwork_cidr}")
    _check_authority(platform.authority, problems)
    for what, secret in (("certificate", platform.certificate.certificate), ("key", platform.certificate.key)):
        if not re.fullmatch(r"projects/[^/]+/secrets/[A-Za-z0-9_-]+", secret):
            problems.add(f"platform.certificate.{what}", f"{secret!r} is no secret: write projects/<project>/secrets/<name>")
    if not re.fullmatch(r"projects/[^/]+/locations/[^/]+/repositories/[^/]+", platform.repository):
        fix = "write projects/<project>/locations/<location>/repositories/<name>"
        problems.add("platform.repository", f"{platform.repository!r} is no repository of Artifact Registry: {fix}")
    if not re.match(r"[a-z0-9-]+-docker\.pkg\.dev/", platform.image):
        problems.add(
            "platform.image", f"{platform.image!r}: the machines reach Artifact Registry alone (<location>-docker.pkg.dev/…)"
        )


def _check_authority(authority: str, problems: Problems) -> None:
    if "BEGIN CERTIFICATE" not in authority or "PRIVATE KEY" in authority:
        problems.add("platform.authority", "write the PEM of the certificates that sign those of tasks, and no key")


def _check_fargate(platform: OnFargate, problems: Problems) -> None:
    _check_leaving(platform, problems)
    if len(platform.subnets) < 2:
        problems.add("platform.subnets", "give two at least, in two zones of availability")
    for number, subnet in enumerate(platform.subnets):
        _check_networks(f"platform.subnets[{number}].cidr", [subnet.cidr], problems)
    if not platform.callers:
        problems.add("platform.callers", "give the security group of each environment: nobody else may connect")
    _check_authority(platform.authority, problems)
    least, most = _SIZES.get(platform.cpu, (0, 0))
    if not least <= platform.memory <= most:
        fitting = f"between {least} and {most}" if most else f"with a cpu of {', '.join(map(str, _SIZES))}"
        problems.add("platform.memory", f"{platform.memory} MiB with {platform.cpu} CPU units: Fargate takes memory {fitting}")
    for what, arn in (("certificate", platform.certificate.certificate), ("key", platform.certificate.key)):
        if not re.fullmatch(r"arn:aws[a-z-]*:secretsmanager:[^:]+:[0-9]{12}:secret:.+", arn):
            problems.add(f"platform.certificate.{what}", f"{arn!r} is no ARN of a secret of Secrets Manager")
