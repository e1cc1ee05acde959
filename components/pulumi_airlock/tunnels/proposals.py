"""What both ends of a VPN agree on: one table of what AWS and FortiOS both speak, one object that both ends are written from.

As of November 2026. AWS: "Tunnel options for your Site-to-Site VPN connection" (AES128, AES256, both also as GCM-16; SHA1,
SHA2-256, -384, -512; DH 2 and 14–24, phase 2 also 5; lifetimes 900–28800 s and 900–3600 s). FortiOS: CLI Reference, `vpn
ipsec phase1-interface` and `phase2-interface`, as pulumiverse-fortios 0.0.6 documents them. What either end refuses, and what
is weak, is not in the table: SHA1, and the groups that RFC 8247, section 2.4, discourages (2, 5, 22–24).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..errors import Problems

ENCRYPTION: Final[Mapping[str, tuple[str, str]]] = {
    "aes128": ("AES128", "aes128"),
    "aes256": ("AES256", "aes256"),
    "aes128gcm": ("AES128-GCM-16", "aes128gcm"),
    "aes256gcm": ("AES256-GCM-16", "aes256gcm"),
}
"""Name here → (AWS's, FortiOS's)."""
INTEGRITY: Final[Mapping[str, str]] = {"sha256": "SHA2-256", "sha384": "SHA2-384", "sha512": "SHA2-512"}
"""Name here and in FortiOS → AWS's."""
DH_GROUPS: Final = (14, 15, 16, 17, 18, 19, 20, 21)
PHASE1_LIFETIME: Final = (900, 28800)
PHASE2_LIFETIME: Final = (900, 3600)

_WEAK = {"des", "3des", "md5", "sha1", "null"}


@dataclass(frozen=True, slots=True)
class IpsecProposal:
    """The one proposal of both phases; IKEv2 and perfect forward secrecy always. Lifetimes in seconds.

    A single proposal on purpose: with several, the ends settle on what either prefers, and nobody has chosen it.
    """

    encryption: str = "aes256"
    integrity: str = "sha256"
    """With GCM, the pseudo-random function of phase 1; phase 2 then needs none."""
    dh_group: int = 14
    phase1_lifetime: int = 28800
    phase2_lifetime: int = 3600

    def check(self, problems: Problems, path: str = "proposal") -> None:
        """Notes all that the two ends do not both take, or that is weak."""
        for field, value, known in (("encryption", self.encryption, ENCRYPTION), ("integrity", self.integrity, INTEGRITY)):
            if value not in known:
                why = "is weak" if value.lower() in _WEAK else "is not what AWS and FortiOS both speak"
                problems.add(f"{path}.{field}", f"{value!r} {why}: take {', '.join(known)}")
        if self.dh_group not in DH_GROUPS:
            listed = ", ".join(map(str, DH_GROUPS))
            why = "is weak (RFC 8247)" if self.dh_group in (1, 2, 5, 22, 23, 24) else "is not what AWS and FortiOS both speak"
            problems.add(f"{path}.dh_group", f"{self.dh_group} {why}: take {listed}")
        spans = (
            ("phase1_lifetime", self.phase1_lifetime, PHASE1_LIFETIME),
            ("phase2_lifetime", self.phase2_lifetime, PHASE2_LIFETIME),
        )
        for phase, seconds, (low, high) in spans:
            if not low <= seconds <= high:
                problems.add(f"{path}.{phase}", f"{seconds} s: AWS takes {low}–{high}")
        if self.phase2_lifetime >= self.phase1_lifetime:
            problems.add(f"{path}.phase2_lifetime", f"{self.phase2_lifetime} s is not below phase 1's {self.phase1_lifetime}")

    def aws_options(self, tunnel: int) -> dict[str, object]:
        """The arguments of `aws.ec2.VpnConnection` for tunnel 1 or 2."""
        encryption, integrity = ENCRYPTION[self.encryption][0], INTEGRITY[self.integrity]
        options: dict[str, object] = {"ike_versions": ["ikev2"]}
        for phase, lifetime in ((1, self.phase1_lifetime), (2, self.phase2_lifetime)):
            options |= {
                f"phase{phase}_encryption_algorithms": [encryption],
                f"phase{phase}_integrity_algorithms": [integrity],
                f"phase{phase}_dh_group_numbers": [self.dh_group],
                f"phase{phase}_lifetime_seconds": lifetime,
            }
        return {f"tunnel{tunnel}_{key}": value for key, value in options.items()}

    @property
    def fortios_phase1(self) -> str:
        """FortiOS's `proposal` of phase 1: `aes256-sha256`, or `aes256gcm-prfsha256`."""
        cipher = ENCRYPTION[self.encryption][1]
        return f"{cipher}-prf{self.integrity}" if cipher.endswith("gcm") else f"{cipher}-{self.integrity}"

    @property
    def fortios_phase2(self) -> str:
        """FortiOS's `proposal` of phase 2: `aes256-sha256`, or `aes256gcm`, which authenticates by itself."""
        cipher = ENCRYPTION[self.encryption][1]
        return cipher if cipher.endswith("gcm") else f"{cipher}-{self.integrity}"
