"""The SOC 2 criteria that evidence is kept under, with what each asks for in short.

AICPA, Trust Services Criteria 2017 (with revised points of focus, 2022): the common criteria on logical and physical access
(CC6), system operations (CC7) and change management (CC8). The others are about the organisation, of which a preview is silent.
"""

from typing import NamedTuple

TAG = "soc2:"
"""How a policy's tag that names a criterion begins: `soc2:CC6.1`."""
TYPE_TAG = "type:"
"""How a policy's tag that names a kind of resource that it judges begins: `type:aws:kms/key:Key`."""
UNDECIDED = "undecided: "
"""How a policy's reason for not applying begins where the value that decides is not known."""


class Criterion(NamedTuple):
    """A criterion: its number, and what it asks for."""

    reference: str
    title: str
    elsewhere: str = ""
    """Where its evidence is to be had if not from a preview of infrastructure."""


CRITERIA = (
    Criterion("CC6.1", "Logical access security over protected information assets"),
    Criterion("CC6.2", "Users are registered and authorised before they get access, and removed after"),
    Criterion("CC6.3", "Access is granted by role, with least privilege and segregation of duties"),
    Criterion("CC6.4", "Physical access to facilities is restricted", "the cloud's own SOC 2 report"),
    Criterion("CC6.5", "Assets are disposed of safely", "the cloud's own SOC 2 report, and records of disposal"),
    Criterion("CC6.6", "Protection against threats from outside the system's boundaries"),
    Criterion("CC6.7", "Information is protected while it is transmitted or moved"),
    Criterion("CC6.8", "Unauthorised or malicious software is prevented or detected", "image scans and endpoint protection"),
    Criterion("CC7.1", "New vulnerabilities and changes of configuration are detected", "scans for vulnerabilities and drift"),
    Criterion("CC7.2", "Components are monitored for anomalies"),
    Criterion("CC7.3", "Security events are evaluated", "the SIEM, and records of incidents"),
    Criterion("CC7.4", "Security incidents are responded to", "records of incidents"),
    Criterion("CC7.5", "Systems recover from security incidents", "records of incidents and of recovery tests"),
    Criterion("CC8.1", "Changes are authorised, tested and approved"),
)
"""All of them, in AICPA's order."""

TITLES = {one.reference: one.title for one in CRITERIA}

OURS = tuple(one.reference for one in CRITERIA if not one.elsewhere)
"""Those for which infrastructure behind Airlock can have evidence."""


def criteria_of(tags: tuple[str, ...] | list[str], framework: str = "") -> tuple[str, ...]:
    """The criteria that a policy serves: of its tags `soc2:…`, else of its framework (`SOC 2 2017 CC6.1`), in AICPA's order."""
    named = {tag.removeprefix(TAG) for tag in tags if tag.startswith(TAG)}
    if framework.startswith("SOC 2 "):
        named.add(framework.rsplit(" ", 1)[-1])
    return tuple(one.reference for one in CRITERIA if one.reference in named)
