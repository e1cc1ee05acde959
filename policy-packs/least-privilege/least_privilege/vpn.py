"""Policies on the AWS ends of site-to-site VPN tunnels. AWS's defaults offer weak proposals, so each has to be pinned."""

from collections.abc import Iterator
from typing import Any

from pulumi_policy import Severity

from .controls import Soc2
from .proposals import weak_groups
from .reading import UNKNOWN, Subject
from .registry import Findings, plain_text, resource_policy, undecided, wrong

CONNECTION = "aws:ec2/vpnConnection:VpnConnection"
_TUNNEL_OPTIONS = "https://docs.aws.amazon.com/vpn/latest/s2svpn/VPNTunnels.html"
_CIPHERS = ("AES256", "AES256-GCM-16")
_HASHES = ("SHA2-256", "SHA2-384", "SHA2-512")


@resource_policy(
    "vpn-ikev2-only",
    types=(CONNECTION,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix='Set `tunnel1IkeVersions` and `tunnel2IkeVersions` to ["ikev2"].',
    url=_TUNNEL_OPTIONS,
)
def ikev2_only(it: Subject) -> Findings:
    """Both tunnels of a VPN connection speak IKEv2 alone."""
    for prop in ("tunnel1IkeVersions", "tunnel2IkeVersions"):
        values = it.listed(prop)
        if UNKNOWN in values:
            yield undecided(it, prop)
        elif values != ["ikev2"]:
            yield wrong(it, prop, f"is {', '.join(map(str, values))}" if values else "is not set: AWS accepts IKEv1, too")


@resource_policy(
    "vpn-strong-proposals",
    types=(CONNECTION,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Pin AES256 or AES256-GCM-16, SHA2-256 or longer, and groups 14 to 21, for both phases of both tunnels.",
    url=_TUNNEL_OPTIONS,
)
def strong_proposals(it: Subject) -> Findings:
    """Both tunnels accept AES-256, SHA-2 and Diffie-Hellman groups from 14, in both phases, and nothing else."""
    for prop, values, weak in _proposals(it):
        if UNKNOWN in values:
            yield undecided(it, prop)
        if not values:
            yield wrong(it, prop, "is not set: AWS accepts weak ones, too")
        elif weak:
            yield wrong(it, prop, f"accepts {', '.join(weak)}")


def _proposals(it: Subject) -> Iterator[tuple[str, list[Any], list[str]]]:
    for tunnel in ("tunnel1", "tunnel2"):
        for phase in ("Phase1", "Phase2"):
            for part in ("EncryptionAlgorithms", "IntegrityAlgorithms", "DhGroupNumbers"):
                prop = f"{tunnel}{phase}{part}"
                values = it.listed(prop)
                known = [one for one in values if one is not UNKNOWN]
                strong = _CIPHERS if part.startswith("Encryption") else _HASHES
                weak = weak_groups(known) if part == "DhGroupNumbers" else [str(one) for one in known if one not in strong]
                yield prop, values, weak


@resource_policy(
    "vpn-psk-secret",
    types=(CONNECTION,),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Leave the key out, and AWS makes one; or take it from a secret (`pulumi.Config.require_secret`).",
    url=_TUNNEL_OPTIONS,
)
def psk_secret(it: Subject) -> Findings:
    """A pre-shared key that the program sets is a secret, never plain text in the state."""
    yield from plain_text(it, "tunnel1PresharedKey", "tunnel2PresharedKey")


@resource_policy(
    "vpn-tunnel-logs",
    types=(CONNECTION,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Set `tunnelNLogOptions.cloudwatchLogOptions` with `logEnabled` and a log group.",
    url="https://docs.aws.amazon.com/vpn/latest/s2svpn/monitoring-logs.html",
)
def tunnel_logs(it: Subject) -> Findings:
    """Both tunnels log to CloudWatch, so that a tunnel that goes down leaves a trace."""
    for prop in ("tunnel1LogOptions", "tunnel2LogOptions"):
        enabled = it.get(prop, "cloudwatchLogOptions", "logEnabled", default=False)
        if enabled is UNKNOWN:
            yield undecided(it, f"{prop}.cloudwatchLogOptions.logEnabled")
        elif enabled is not True:
            yield wrong(it, f"{prop}.cloudwatchLogOptions.logEnabled", "is off")
