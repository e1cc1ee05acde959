"""What clouds and FortiOS take in a VPN's addresses, keys and names; everything checked at preview, all problems at once."""

import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network, ip_network

from ..errors import Problems
from .clouds import AWS, PRIVATE_ASNS, Cloud
from .peer import TunnelEnd

INSIDE = IPv4Network("169.254.0.0/16")
PHASE1_NAME = 15
"""Characters of a phase 1 name, which is an interface's name too (FortiOS)."""
ZONE_NAME = 35
MAX_STATIC_ROUTES = 100
"""Static routes of one VPN connection, AWS's quota ("Site-to-Site VPN quotas")."""

_DEVICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def check_asns(problems: Problems, peer: int, own: int, cloud: Cloud = AWS, path: str = "amazon_asn") -> None:
    """Notes autonomous system numbers that a cloud refuses: the peer's may be public; its own is private, and another."""
    if not 1 <= peer <= 4294967294 or peer in cloud.reserved_asns:
        reserved = ", ".join(str(one) for one in sorted(cloud.reserved_asns) if 0 < one < 4294967295)
        problems.add("device_asn", f"{peer}: write 1–4294967294 but {reserved}, which are reserved")
    if not any(low <= own <= high for low, high in PRIVATE_ASNS):
        problems.add(path, f"{own}: {cloud.name} takes the private numbers 64512–65534 and 4200000000–4294967294")
    if peer == own:
        problems.add("device_asn", f"{peer} is {cloud.name}'s own number as well: external BGP needs two")


def check_ends(problems: Problems, ends: Sequence[TunnelEnd], cloud: Cloud = AWS) -> None:
    """Notes inside networks and pre-shared keys that a cloud refuses, and keys that two tunnels share."""
    check_inside_cidrs(problems, [end.inside_cidr for end in ends], cloud)
    plain = [end.preshared_key for end in ends if isinstance(end.preshared_key, str)]
    for position, end in enumerate(ends):
        if isinstance(end.preshared_key, str):
            with problems.noting(f"tunnels[{position}].preshared_key"):
                valid_preshared_key(end.preshared_key, cloud)
    if len(plain) != len(set(plain)):
        problems.add("tunnels", "both have the same pre-shared key: give each its own")


def check_inside_cidrs(problems: Problems, cidrs: Sequence[str | None], cloud: Cloud = AWS) -> None:
    """Notes tunnel networks that are no /30 of 169.254.0.0/16, that a cloud keeps for itself, or that are there twice."""
    seen: dict[IPv4Network, int] = {}
    for position, cidr in enumerate(cidrs):
        if cidr is None:
            continue
        path = f"tunnels[{position}].inside_cidr"
        network = as_network(problems, path, cidr)
        if network is None:
            continue
        if network.prefixlen != 30 or not network.subnet_of(INSIDE):
            problems.add(path, f"{cidr}: write a /30 of {INSIDE}")
        elif network in cloud.reserved_inside:
            kept = ", ".join(map(str, cloud.reserved_inside))
            problems.add(path, f"{cidr} is one of those that {cloud.name} keeps for itself ({kept})")
        elif network in seen:
            problems.add(path, f"{cidr} is tunnels[{seen[network]}]'s already")
        seen.setdefault(network, position)


def as_network(problems: Problems, path: str, cidr: str) -> IPv4Network | None:
    """The IPv4 network, or None with a problem noted."""
    try:
        network = ip_network(cidr)
    except ValueError as error:
        problems.add(path, f"{cidr!r} is no network: {error}")
        return None
    if not isinstance(network, IPv4Network):
        problems.add(path, f"{cidr} is IPv6: these tunnels carry IPv4")
        return None
    return network


def check_cidrs(problems: Problems, path: str, cidrs: Iterable[str]) -> tuple[IPv4Network, ...]:
    """The networks of a list; notes those that are none, that overlap, and the default route."""
    found: list[IPv4Network] = []
    for position, cidr in enumerate(cidrs):
        network = as_network(problems, f"{path}[{position}]", cidr)
        if network is None:
            continue
        if network.prefixlen == 0:
            problems.add(
                f"{path}[{position}]", "0.0.0.0/0 would send everything through the tunnel: write the networks at its far end"
            )
        overlapping = next((other for other in found if other.overlaps(network)), None)
        if overlapping is not None:
            problems.add(f"{path}[{position}]", f"{cidr} overlaps {overlapping}: write it once")
        found.append(network)
    return tuple(found)


def check_public_address(problems: Problems, path: str, address: str, cloud: Cloud = AWS) -> None:
    """Notes a device address that a cloud cannot reach."""
    try:
        found = IPv4Address(address)
    except ValueError:
        problems.add(path, f"{address!r} is no IPv4 address")
        return
    if not found.is_global and not _is_documentation(found):
        problems.add(path, f"{address} is not reachable from {cloud.name}: write the public address of the device's WAN side")


def _is_documentation(address: IPv4Address) -> bool:
    """RFC 5737: examples and tests use these."""
    return any(address in IPv4Network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))


def valid_preshared_key(key: str, cloud: Cloud = AWS) -> str:
    """The key itself; ValueError, without showing it, where it is not what a cloud's end takes."""
    if not cloud.preshared_key.fullmatch(key):
        raise ValueError(f"a pre-shared key of {len(key)} characters that {cloud.name} refuses: {cloud.key_form}")
    return key


def key_at(place: str, path: str, cloud: Cloud = AWS) -> Callable[[str], str]:
    """Lets a key through that is only known later; InputError, with its place, for one that the cloud's end refuses."""

    def checked(key: str) -> str:
        problems = Problems(place)
        with problems.noting(path):
            valid_preshared_key(key, cloud)
        problems.raise_any()
        return key

    return checked


def check_device_name(problems: Problems, path: str, name: str, longest: int) -> None:
    """Notes a name that FortiOS refuses or cuts."""
    if not _DEVICE_NAME.fullmatch(name):
        problems.add(path, f"{name!r}: write letters, digits, - and _")
    if len(name) > longest:
        problems.add(path, f"{name!r} has {len(name)} characters, and FortiOS takes {longest}")


def short_name(name: str, longest: int) -> str:
    """A name within a device's limit: itself, or its beginning and six digits of its hash, always the same ones."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "vpn"
    if len(plain) <= longest:
        return plain
    return f"{plain[: longest - 7].rstrip('-')}-{sha256(name.encode()).hexdigest()[:6]}"


def with_mask(network: IPv4Network) -> str:
    """A network as FortiOS writes it: `10.20.0.0 255.255.0.0`."""
    return f"{network.network_address} {network.netmask}"
