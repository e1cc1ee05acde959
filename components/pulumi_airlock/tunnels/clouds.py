"""What each cloud's end of a VPN takes, as data: the FortiGate's end is made from the same.

As of November 2026. AWS: "Tunnel options for your Site-to-Site VPN connection" (AES128, AES256, both also as GCM-16; SHA1,
SHA2-256, -384, -512; DH 2 and 14–24, phase 2 also 5; lifetimes 900–28800 s and 900–3600 s). Google: "Supported IKE ciphers" and
"Cloud VPN cipher changes" of Cloud VPN (lifetimes are its own, 36000 s and 10800 s: a device that renews no later is never behind
them). FortiOS: CLI Reference, `vpn ipsec phase1-interface` and `phase2-interface`, as pulumiverse-fortios 0.0.6 documents them.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Final

PRIVATE_ASNS: Final = ((64512, 65534), (4200000000, 4294967294))
"""RFC 6996; both clouds take these alone for themselves."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """One cloud."""

    name: str
    dh_groups: tuple[int, ...]
    """Those that it and FortiOS both have, without the weak ones."""
    phase1_lifetime: tuple[int, int]
    """In seconds."""
    phase2_lifetime: tuple[int, int]
    keepalive: int
    """Of BGP, in seconds; it holds for three times as long."""
    graceful_restart: bool
    """Whether the cloud asks its peer for BGP's graceful restart."""
    reserved_inside: tuple[IPv4Network, ...]
    """What it keeps for itself of 169.254.0.0/16."""
    reserved_asns: tuple[int, ...]
    """Numbers that a peer cannot have."""
    preshared_key: re.Pattern[str]
    key_form: str
    """That pattern in words."""

    @property
    def holdtime(self) -> int:
        """Seconds without a keepalive after which a session is over."""
        return 3 * self.keepalive


_RESERVED_ASNS = (0, 23456, 65535, 4294967295)
"""RFC 7607, 6793 and 7300."""
_METADATA = IPv4Network("169.254.169.252/30")
"""The metadata server of either cloud is 169.254.169.254."""

AWS: Final = Cloud(
    name="AWS",
    dh_groups=(14, 15, 16, 17, 18, 19, 20, 21),
    phase1_lifetime=(900, 28800),
    phase2_lifetime=(900, 3600),
    keepalive=10,
    graceful_restart=False,
    reserved_inside=(*(IPv4Network(f"169.254.{third}.0/30") for third in range(6)), _METADATA),
    reserved_asns=(*_RESERVED_ASNS, 7224, 9059, 10124, 17943),
    preshared_key=re.compile(r"(?!0)[A-Za-z0-9._]{8,64}"),
    key_form="8–64 letters, digits, . and _, not beginning with 0",
)
"""Amazon Web Services' Site-to-Site VPN ("Tunnel options")."""

GOOGLE: Final = Cloud(
    name="Google",
    # MODP_6144 (17) is on the list of changes, and not certain for both phases.
    dh_groups=(14, 15, 16, 18, 19, 20, 21),
    phase1_lifetime=(900, 36000),
    phase2_lifetime=(900, 10800),
    # Cloud Router's shortest (`keepaliveInterval`, 20 to 60).
    keepalive=20,
    graceful_restart=True,
    reserved_inside=(_METADATA,),
    # 16550 is that of Partner Interconnect.
    reserved_asns=(*_RESERVED_ASNS, 16550),
    # Google names no form; FortiOS takes up to 128 characters, and a short key can be guessed.
    preshared_key=re.compile(r"[!#-&(-~]{20,128}"),
    key_form="20–128 printable characters without spaces and quotes (openssl rand -base64 24)",
)
"""Google Cloud's HA VPN, with Cloud Router."""
