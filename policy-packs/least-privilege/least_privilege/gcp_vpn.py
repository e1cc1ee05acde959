"""Policies on the Google Cloud ends of VPN tunnels. Google's defaults accept weak proposals and tell every subnetwork."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from pulumi_policy import Severity

from .controls import Soc2
from .proposals import weak_groups
from .reading import UNKNOWN, Subject
from .registry import Findings, plain_text, resource_policy, undecided, wrong

TUNNEL = "gcp:compute/vPNTunnel:VPNTunnel"
ROUTER = "gcp:compute/router:Router"
PEER = "gcp:compute/routerPeer:RouterPeer"

_VPN = "https://docs.cloud.google.com/network-connectivity/docs/vpn/concepts/supported-ike-ciphers"
_ROUTER = "https://docs.cloud.google.com/network-connectivity/docs/router"
_CIPHERS = re.compile(r"AES-(CBC|CTR|GCM-(8|12|16))-256")
_HASHES = re.compile(r"(HMAC|PRF-HMAC)-SHA2-(256|384|512)(-\d+)?")


@resource_policy(
    "gcp-vpn-ikev2",
    types=(TUNNEL,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Set `ikeVersion` to 2, on both ends.",
    url=_VPN,
)
def ikev2(it: Subject) -> Findings:
    """Tunnels speak IKEv2."""
    version = it.number("ikeVersion", 2)
    if version is UNKNOWN:
        yield undecided(it, "ikeVersion")
    elif version != 2:
        yield wrong(it, "ikeVersion", f"is {version:g}")


@resource_policy(
    "gcp-vpn-strong-proposals",
    types=(TUNNEL,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Pin `cipherSuite` for both phases: AES with 256 bits, SHA-2, and groups 14 to 21.",
    url=_VPN,
)
def strong_proposals(it: Subject) -> Findings:
    """Tunnels accept AES-256, SHA-2 and Diffie-Hellman groups from 14, in both phases, and nothing else."""
    for path, part, weak in _offered(it):
        values = it.resource.get_list(*path)
        known = [one for one in values if one is not UNKNOWN]
        if UNKNOWN in values:
            yield undecided(it, path)
        found = weak(known)
        if found:
            yield wrong(it, path, f"accepts {', '.join(found)}")
        elif not values and not (part == "integrities" and _authenticates_itself(it, path[:-1])):
            yield wrong(it, path, "is not set: Google accepts weak ones, too")


def _offered(it: Subject) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    kinds = {"encryptions": _weak_ciphers, "integrities": _weak_hashes, "prves": _weak_hashes, "dhs": _weak, "pfs": _weak}
    for phase, parts in (
        ("phase1", ("encryptions", "integrities", "prves", "dhs")),
        ("phase2", ("encryptions", "integrities", "pfs")),
    ):
        for part in parts:
            yield ("cipherSuite", phase, part), part, kinds[part]


def _authenticates_itself(it: Subject, phase: tuple[str, ...]) -> bool:
    """Whether every cipher of a phase needs no integrity algorithm beside it."""
    ciphers = it.resource.get_list(*phase, "encryptions")
    return bool(ciphers) and all(one is UNKNOWN or "GCM" in str(one) for one in ciphers)


def _weak_ciphers(values: list[Any]) -> list[str]:
    return [str(one) for one in values if not _CIPHERS.fullmatch(str(one))]


def _weak_hashes(values: list[Any]) -> list[str]:
    return [str(one) for one in values if not _HASHES.fullmatch(str(one))]


def _weak(values: list[Any]) -> list[str]:
    return [f"Group-{one}" for one in weak_groups([str(one).removeprefix("Group-") for one in values])]


@resource_policy(
    "gcp-vpn-psk-secret",
    types=(TUNNEL,),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Make the key with `random.RandomPassword`, or take it from a secret (`pulumi.Config.require_secret`).",
    url="https://www.pulumi.com/docs/iac/concepts/secrets/",
)
def psk_secret(it: Subject) -> Findings:
    """Pre-shared keys are secrets, never plain text in the state."""
    yield from plain_text(it, "sharedSecret", "sharedSecretWo")


@resource_policy(
    "gcp-vpn-bgp-authenticated",
    types=(PEER,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_7,
    fix="Set `md5AuthenticationKey` from a secret, and the same password on the device.",
    url=f"{_ROUTER}/how-to/use-md5-authentication",
)
def bgp_authenticated(it: Subject) -> Findings:
    """BGP sessions are authenticated, with a key that is a secret."""
    if it.get("md5AuthenticationKey") is None:
        yield wrong(it, "md5AuthenticationKey", "is not set: whoever reaches the session may reset it, or take it over")
    yield from plain_text(it, "md5AuthenticationKey")


@resource_policy(
    "gcp-vpn-advertised-routes",
    types=(ROUTER, PEER),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Set `advertiseMode` to CUSTOM, no `advertisedGroups`, and the tasks' networks alone in `advertisedIpRanges`.",
    url=f"{_ROUTER}/concepts/advertised-routes",
)
def advertised_routes(it: Subject) -> Findings:
    """The other end is told of named networks: neither of every subnetwork, nor of the default route."""
    inside = () if it.kind == PEER else ("bgp",)
    if inside and it.get(*inside) is None:
        return  # no BGP: a router for NAT
    mode = it.get(*inside, "advertiseMode", default="DEFAULT")
    if mode is UNKNOWN:
        yield undecided(it, (*inside, "advertiseMode"))
    elif mode != "CUSTOM":
        yield wrong(it, (*inside, "advertiseMode"), f"is {mode}: every subnetwork of the network is advertised")
        return
    groups = it.resource.get_list(*inside, "advertisedGroups")
    if UNKNOWN in groups:
        yield undecided(it, (*inside, "advertisedGroups"))
    elif groups:
        yield wrong(it, (*inside, "advertisedGroups"), f"is {', '.join(map(str, groups))}: every subnetwork is advertised")
    for at, entry in it.items(*inside, "advertisedIpRanges"):
        value = UNKNOWN if entry is UNKNOWN else it.get(*at, "range")
        if value is UNKNOWN:
            yield undecided(it, (*at, "range"))
        elif _is_default(value):
            yield wrong(it, (*at, "range"), f"is {value}: all traffic of the other end would come here")


def _is_default(value: Any) -> bool:
    try:
        return ipaddress.ip_network(str(value), strict=False).prefixlen == 0
    except ValueError:
        return False  # no network at all: Google refuses it


@resource_policy(
    "gcp-vpn-learned-routes",
    types=(PEER,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_6,
    fix="Make a `RouterRoutePolicy` of the type ROUTE_POLICY_TYPE_IMPORT that drops what it does not name, and list it in "
    "`importPolicies`.",
    url=f"{_ROUTER}/concepts/bgp-route-policies-overview",
)
def learned_routes(it: Subject) -> Findings:
    """A policy says which routes are taken from the other end: it cannot draw traffic to itself."""
    if it.get("importPolicies") is UNKNOWN:
        yield undecided(it, "importPolicies")
    elif not it.resource.get_list("importPolicies"):
        yield wrong(it, "importPolicies", "is empty: whatever the other end announces becomes a route of the network")
