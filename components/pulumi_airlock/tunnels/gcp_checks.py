"""What Google refuses of its end of a VPN: everything checked at preview, all problems at once."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import pulumi

from ..environments.composer.limits import LABEL_KEY, LABEL_VALUE, MAX_LABELS, PROJECT, REGION
from ..errors import Problems
from ..gates.gcp_routes.learned import MAX_PREFIXES
from .checks import INSIDE, check_asns, check_cidrs, check_ends, check_public_address
from .clouds import GOOGLE
from .peer import TUNNELS, TunnelEnd
from .proposals import IpsecProposal

MAX_NAME: Final = 40
"""Of 63 characters that a name has in Google Cloud: the rest is what tells a VPN's resources apart."""

_NAME = re.compile(r"[a-z][-a-z0-9]*")
_NETWORK = re.compile(r"(https://[^/]+/compute/[^/]+/)?projects/[^/]+/global/networks/[^/]+")


def check_gcp_vpn(
    problems: Problems,
    name: str,
    *,
    proposal: IpsecProposal,
    device_address: str,
    device_cidrs: Sequence[str],
    network_id: pulumi.Input[str],
    cloud_cidrs: Sequence[str],
    project: str,
    region: str,
    tunnels: Sequence[TunnelEnd],
    device_asn: int,
    google_asn: int,
    labels: Mapping[str, str],
    longest: int = MAX_NAME,
) -> None:
    """Notes every argument of `GcpVpn` that Google would refuse."""
    if not _NAME.fullmatch(name) or len(name) > longest:
        problems.add("name", f"{name!r}: write a letter, then up to {longest - 1} lower-case letters, digits and -")
    proposal.check(problems, GOOGLE)
    check_asns(problems, device_asn, google_asn, GOOGLE, "google_asn")
    check_public_address(problems, "device_address", device_address, GOOGLE)
    _check_place(problems, network_id, project, region)
    _check_labels(problems, labels)
    _check_networks(problems, device_cidrs, cloud_cidrs)
    if len(tunnels) != len(TUNNELS):
        problems.add("tunnels", f"{len(tunnels)}: HA VPN has two, one on each interface of its gateway")
    for position, end in enumerate(tunnels):
        if end.inside_cidr is None:
            problems.add(f"tunnels[{position}].inside_cidr", f"not given: write a /30 of {INSIDE} for both ends of BGP")
    check_ends(problems, tunnels, GOOGLE)


def _check_place(problems: Problems, network_id: pulumi.Input[str], project: str, region: str) -> None:
    if isinstance(network_id, str) and not _NETWORK.fullmatch(network_id):
        problems.add("network_id", f"{network_id!r} is no network; write projects/<project>/global/networks/<name>")
    for path, value, form, example in (
        ("project", project, PROJECT, "bank-network"),
        ("region", region, REGION, "europe-west1"),
    ):
        if not form.fullmatch(value):
            problems.add(path, f"{value!r} is none; write it as {example}")


def _check_labels(problems: Problems, labels: Mapping[str, str]) -> None:
    for key, value in labels.items():
        if not LABEL_KEY.fullmatch(key) or not LABEL_VALUE.fullmatch(value):
            problems.add(f'labels["{key}"]', f"{value!r}: write lower-case letters, digits and -, beginning with a letter")
    if len(labels) > MAX_LABELS:
        problems.add("labels", f"{len(labels)} labels: Google takes {MAX_LABELS}")


def _check_networks(problems: Problems, device_cidrs: Sequence[str], cloud_cidrs: Sequence[str]) -> None:
    learned = check_cidrs(problems, "device_cidrs", device_cidrs)
    told = check_cidrs(problems, "cloud_cidrs", cloud_cidrs)
    if not device_cidrs:
        problems.add("device_cidrs", "none: no route to the device would be learned")
    if len(device_cidrs) > MAX_PREFIXES:
        problems.add("device_cidrs", f"{len(device_cidrs)} are over {MAX_PREFIXES}, the prefixes of one match: write them wider")
    if not cloud_cidrs:
        problems.add("cloud_cidrs", "none: the device would be told of no network")
    for network in learned:
        overlapping = next((other for other in told if other.overlaps(network)), None)
        if overlapping is not None:
            problems.add("device_cidrs", f"{network} overlaps {overlapping} of cloud_cidrs: one address, two ends")
