"""Policies on the FortiGate ends of VPN tunnels."""

from typing import Any

from pulumi_policy import Severity

from .controls import Soc2
from .proposals import weak_groups, weak_proposals
from .reading import UNKNOWN, Subject
from .registry import Findings, plain_text, resource_policy, undecided, wrong

PHASE1 = ("fortios:vpnipsecphase1interface", "fortios:vpnipsecphase1")
PHASE2 = ("fortios:vpnipsecphase2interface", "fortios:vpnipsecphase2")
NEIGHBOR = ("fortios:routerbgpneighbor",)
_DOCS = "https://docs.fortinet.com/document/fortigate/7.2.6/administration-guide/790613"


@resource_policy(
    "fortigate-ikev2",
    types=PHASE1,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Set `ikeVersion` to 2, on both ends.",
    url=_DOCS,
)
def ikev2(it: Subject) -> Findings:
    """Tunnels speak IKEv2."""
    version: Any = it.get("ikeVersion", default="1")
    if version is UNKNOWN:
        yield undecided(it, "ikeVersion")
    elif str(version).removesuffix(".0") != "2":
        yield wrong(it, "ikeVersion", f"is {version}")


@resource_policy(
    "fortigate-strong-proposals",
    types=(*PHASE1, *PHASE2),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Pin `aes256-sha256` (or `aes256gcm-prfsha384`, …) and `dhgrp` 14 to 21 in both phases.",
    url=_DOCS,
)
def strong_proposals(it: Subject) -> Findings:
    """Tunnels offer AES-256, SHA-2 and Diffie-Hellman groups from 14, in both phases, and nothing else."""
    for prop, weak in (("proposal", weak_proposals), ("dhgrp", weak_groups)):
        value: Any = it.get(prop, default="")
        if value is UNKNOWN:
            yield undecided(it, prop)
            continue
        offered = str(value).removesuffix(".0").split()
        found = weak(offered)
        if not offered:
            yield wrong(it, prop, "is not set: FortiOS offers AES-128 and group 5, too")
        elif found:
            yield wrong(it, prop, f"offers {', '.join(found)}")


@resource_policy(
    "fortigate-psk-secret",
    types=PHASE1,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Take the key from the other end's secret output (AWS: `tunnel1PresharedKey`), or from a secret of the configuration.",
    url="https://www.pulumi.com/docs/iac/concepts/secrets/",
)
def psk_secret(it: Subject) -> Findings:
    """Pre-shared keys are secrets, never plain text in the state."""
    yield from plain_text(it, "psksecret", "psksecretRemote")


@resource_policy(
    "fortigate-bgp-password-secret",
    types=NEIGHBOR,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Take the password from the secret that the other end has, too.",
    url="https://www.pulumi.com/docs/iac/concepts/secrets/",
)
def bgp_password_secret(it: Subject) -> Findings:
    """Passwords of BGP neighbours are secrets, never plain text in the state."""
    yield from plain_text(it, "password")


@resource_policy(
    "fortigate-dpd",
    types=PHASE1,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Set `dpd` to on-idle: a dead tunnel is then found out, and the other one takes over.",
    url=_DOCS,
    remedy=lambda _, properties: properties.update(dpd="on-idle"),
)
def dead_peer_detection(it: Subject) -> Findings:
    """Tunnels notice when the other end is gone."""
    value = it.get("dpd", default="on-demand")
    if value is UNKNOWN:
        yield undecided(it, "dpd")
    elif value == "disable":
        yield wrong(it, "dpd", "is disable")


@resource_policy(
    "fortigate-pfs",
    types=PHASE2,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_7,
    fix="Set `pfs` to enable, on both ends.",
    url=_DOCS,
)
def perfect_forward_secrecy(it: Subject) -> Findings:
    """A key that leaks opens one session, not all of them."""
    value = it.get("pfs", default="enable")
    if value is UNKNOWN:
        yield undecided(it, "pfs")
    elif value != "enable":
        yield wrong(it, "pfs", f"is {value}")
