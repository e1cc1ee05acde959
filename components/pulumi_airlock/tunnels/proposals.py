"""What both ends of a VPN agree on: one table of what the clouds and FortiOS all speak, one object that both ends are written
from.

Sources: see `clouds`. How Google spells algorithms: `cipher_suite` in terraform-provider-google's samples and tests, which has
IANA's names with the key's length. What an end refuses, and what is weak, is not in the table: SHA1, and the groups that RFC
8247, section 2.4, discourages (2, 5, 22–24).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..errors import Problems
from .clouds import AWS, Cloud

ENCRYPTION: Final[Mapping[str, tuple[str, str]]] = {
    "aes128": ("AES128", "AES-CBC-128"),
    "aes256": ("AES256", "AES-CBC-256"),
    "aes128gcm": ("AES128-GCM-16", "AES-GCM-16-128"),
    "aes256gcm": ("AES256-GCM-16", "AES-GCM-16-256"),
}
"""Name here and in FortiOS → (AWS's, Google's)."""
INTEGRITY: Final[Mapping[str, tuple[str, str, str]]] = {
    "sha256": ("SHA2-256", "HMAC-SHA2-256-128", "PRF-HMAC-SHA2-256"),
    "sha384": ("SHA2-384", "HMAC-SHA2-384-192", "PRF-HMAC-SHA2-384"),
    "sha512": ("SHA2-512", "HMAC-SHA2-512-256", "PRF-HMAC-SHA2-512"),
}
"""Name here and in FortiOS → (AWS's, Google's, Google's of the pseudo-random function)."""

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

    def check(self, problems: Problems, cloud: Cloud = AWS, path: str = "proposal") -> None:
        """Notes all that the two ends do not both take, or that is weak."""
        for field, value, known in (("encryption", self.encryption, ENCRYPTION), ("integrity", self.integrity, INTEGRITY)):
            if value not in known:
                why = "is weak" if value.lower() in _WEAK else f"is not what {cloud.name} and FortiOS both speak"
                problems.add(f"{path}.{field}", f"{value!r} {why}: take {', '.join(known)}")
        if self.dh_group not in cloud.dh_groups:
            listed = ", ".join(map(str, cloud.dh_groups))
            weak = self.dh_group in (1, 2, 5, 22, 23, 24)
            why = "is weak (RFC 8247)" if weak else f"is not what {cloud.name} and FortiOS both speak"
            problems.add(f"{path}.dh_group", f"{self.dh_group} {why}: take {listed}")
        spans = (
            ("phase1_lifetime", self.phase1_lifetime, cloud.phase1_lifetime),
            ("phase2_lifetime", self.phase2_lifetime, cloud.phase2_lifetime),
        )
        for phase, seconds, (low, high) in spans:
            if not low <= seconds <= high:
                problems.add(f"{path}.{phase}", f"{seconds} s: {cloud.name} takes {low}–{high}")
        if self.phase2_lifetime >= self.phase1_lifetime:
            problems.add(f"{path}.phase2_lifetime", f"{self.phase2_lifetime} s is not below phase 1's {self.phase1_lifetime}")

    def aws_options(self, tunnel: int) -> dict[str, object]:
        """The arguments of `aws.ec2.VpnConnection` for tunnel 1 or 2."""
        encryption, integrity = ENCRYPTION[self.encryption][0], INTEGRITY[self.integrity][0]
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
    def gcp_cipher_suite(self) -> dict[str, dict[str, list[str]]]:
        """`cipher_suite` of `gcp.compute.VPNTunnel`, whose plural of PRF is `prves`.

        With GCM neither phase has an integrity algorithm of its own.
        """
        encryption, (_, integrity, function) = ENCRYPTION[self.encryption][1], INTEGRITY[self.integrity]
        group = f"Group-{self.dh_group}"
        both = {"encryptions": [encryption], **({} if self.authenticates_itself else {"integrities": [integrity]})}
        return {"phase1": {**both, "prves": [function], "dhs": [group]}, "phase2": {**both, "pfs": [group]}}

    @property
    def authenticates_itself(self) -> bool:
        """Whether the cipher needs no integrity algorithm beside it."""
        return self.encryption.endswith("gcm")

    @property
    def fortios_phase1(self) -> str:
        """FortiOS's `proposal` of phase 1: `aes256-sha256`, or `aes256gcm-prfsha256`."""
        return f"{self.encryption}-{'prf' if self.authenticates_itself else ''}{self.integrity}"

    @property
    def fortios_phase2(self) -> str:
        """FortiOS's `proposal` of phase 2: `aes256-sha256`, or `aes256gcm`, which authenticates by itself."""
        return self.encryption if self.authenticates_itself else f"{self.encryption}-{self.integrity}"
