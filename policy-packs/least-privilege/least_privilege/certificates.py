"""Policies on certificates that cert-manager keeps: how long they hold, and that a renewal makes a new key."""

import re
from typing import Any

from pulumi_airlock.gates.kubernetes.lifetimes import LONGEST_ANCHOR, LONGEST_ISSUER
from pulumi_policy import Severity

from .controls import Soc2
from .reading import UNKNOWN, Subject
from .registry import Findings, resource_policy, undecided, wrong

CERTIFICATES = ("kubernetes:cert-manager.io/v1:Certificate",)
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def _seconds(text: str) -> float | None:
    """A duration as Go writes it (`2160h0m0s`); None when it is none."""
    parts = re.findall(r"([\d.]+)(ms|h|m|s)", text)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != text:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _is_anchor(it: Subject) -> bool:
    """A CA whose issuer is named as one that signs itself; of others nothing tells, and they are held to less."""
    return it.get("spec", "isCA") is True and "self" in str(it.get("spec", "issuerRef", "name")).lower()


@resource_policy(
    "certificate-lifetime",
    types=CERTIFICATES,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Set spec.duration to at most 2160h (90 days), of a trust anchor to at most five years, and renewBefore below it.",
)
def lifetime(it: Subject) -> Findings:
    """A certificate holds at most 90 days, a trust anchor that signs itself at most five years; both are renewed before."""
    duration: Any = it.get("spec", "duration", default="2160h0m0s")  # cert-manager's default
    if duration is UNKNOWN:
        yield undecided(it, "spec.duration")
        return
    seconds, most = _seconds(str(duration)), (LONGEST_ANCHOR if _is_anchor(it) else LONGEST_ISSUER).days
    if seconds is None:
        yield wrong(it, "spec.duration", f"is {duration}, which is no duration: write 2160h")
    elif seconds > most * 86400:
        yield wrong(it, "spec.duration", f"is {seconds / 86400:.0f} days, over {most}")


@resource_policy(
    "certificate-new-key",
    types=CERTIFICATES,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Set spec.privateKey.rotationPolicy to Always.",
)
def new_key(it: Subject) -> Findings:
    """A renewal makes a new key: with the old one a stolen key stays good."""
    policy = it.get("spec", "privateKey", "rotationPolicy", default="Never")
    if policy is UNKNOWN:
        yield undecided(it, "spec.privateKey.rotationPolicy")
    elif policy != "Always":
        yield wrong(it, "spec.privateKey.rotationPolicy", f"is {policy}")
