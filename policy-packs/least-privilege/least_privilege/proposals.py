"""What counts as strong in IPsec, for AWS and FortiGate alike.

RFC 8221 (ESP) and RFC 8247 (IKEv2): no DES, 3DES, MD5, SHA-1; group 22 MUST NOT, groups 1, 2, 5, 23, 24 SHOULD NOT be used.
AES with 128-bit keys is allowed there, but not here: both ends of our tunnels can do 256.
"""

from typing import Any

STRONG_GROUPS = frozenset({14, 15, 16, 17, 18, 19, 20, 21, 27, 28, 29, 30, 31, 32})
"""Diffie-Hellman groups: MODP from 2048 bits, NIST curves, Brainpool, Curve25519 and Curve448."""

_STRONG_CIPHERS = ("aes256", "chacha20poly1305")
_STRONG_HASHES = ("sha256", "sha384", "sha512", "prfsha256", "prfsha384", "prfsha512")


def weak_groups(groups: list[Any]) -> list[str]:
    """The groups of a list that are weak, or no numbers at all."""
    return [f"{group:g}" if isinstance(group, float) else str(group) for group in groups if not _strong_group(group)]


def _strong_group(group: Any) -> bool:
    try:
        return int(float(group)) in STRONG_GROUPS
    except (TypeError, ValueError):
        return False


def weak_proposals(proposals: list[str]) -> list[str]:
    """The proposals of a FortiGate (`aes256-sha256`, `aes256gcm-prfsha384`, `aes256gcm`) that are weak."""
    return [one for one in proposals if not _strong_proposal(one)]


def _strong_proposal(proposal: str) -> bool:
    cipher, _, digest = proposal.partition("-")
    authenticated = cipher.endswith("gcm") or cipher == "chacha20poly1305"
    return cipher.startswith(_STRONG_CIPHERS) and (digest in _STRONG_HASHES if digest else authenticated)
