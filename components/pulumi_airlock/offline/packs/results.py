"""What policy packs say: their policies, the violations they report, the fixes they made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pulumi.runtime.proto import analyzer_pb2

from ...errors import InputError


class PolicyPackError(InputError):
    """A pack that cannot be used: its manifest, its configuration, its start, or a policy that crashed, with its output."""


class Level(Enum):
    """What a violation of a policy does."""

    ADVISORY = "advisory"
    """Shown, and nothing else."""
    MANDATORY = "mandatory"
    """Fails the preview or the update."""
    REMEDIATE = "remediate"
    """The pack fixes the resource first; what it could not fix is a mandatory violation."""
    DISABLED = "disabled"
    """The policy does not run."""


@dataclass(frozen=True, slots=True)
class PolicyInfo:
    """One policy as its pack registered it, at the level that the configuration gave it."""

    name: str
    description: str
    level: Level
    kind: str
    """`resource`, `stack`, or empty where an older SDK does not say."""
    display_name: str = ""
    severity: str = ""
    """`low`, `medium`, `high`, `critical`, or empty."""
    framework: str = ""
    """The compliance framework, in words: `SOC 2 2017 CC6.1`."""
    tags: tuple[str, ...] = ()
    remediation_steps: str = ""
    url: str = ""
    schema: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """JSON schemas of the policy's configuration, by property."""
    required: tuple[str, ...] = ()
    """Properties that the configuration must give."""


@dataclass(frozen=True, slots=True)
class PackInfo:
    """A pack that runs: what it is, and its policies by name."""

    name: str
    version: str
    path: str
    description: str
    policies: Mapping[str, PolicyInfo]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A violation, or a note that a policy could not look (`advisory`)."""

    pack: str
    policy: str
    urn: str
    message: str
    """What is wrong with this resource. Secrets are masked."""
    level: Level
    severity: str = ""
    framework: str = ""
    remediation_steps: str = ""
    url: str = ""
    description: str = ""
    """What the policy asks for in general."""


@dataclass(frozen=True, slots=True)
class Remediation:
    """A fix that a policy made to a resource's inputs, or (`applied` false) why it could not try."""

    pack: str
    policy: str
    urn: str
    message: str
    applied: bool = True
    level: Level = Level.REMEDIATE
    """`advisory` where the remediation could not run, as the Pulumi engine reports it."""
    severity: str = ""
    framework: str = ""
    remediation_steps: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """A policy that said it does not apply to a resource (or to the stack: no URN), and why."""

    pack: str
    policy: str
    urn: str
    message: str


_KINDS = {analyzer_pb2.POLICY_TYPE_RESOURCE: "resource", analyzer_pb2.POLICY_TYPE_STACK: "stack"}


def level_from_wire(value: analyzer_pb2.EnforcementLevel.ValueType) -> Level:
    """The level that the protocol's number stands for."""
    return Level(analyzer_pb2.EnforcementLevel.Name(value).lower())


def severity_from_wire(value: analyzer_pb2.PolicySeverity.ValueType) -> str:
    """The severity that the protocol's number stands for; empty where it is not specified."""
    name = analyzer_pb2.PolicySeverity.Name(value).removeprefix("POLICY_SEVERITY_").lower()
    return "" if name == "unspecified" else name


def framework_from_wire(framework: analyzer_pb2.PolicyComplianceFramework) -> str:
    """A compliance framework in words: its name, version, and what of it the policy answers to."""
    return " ".join(part for part in (framework.name, framework.version, framework.reference) if part)


def kind_from_wire(value: analyzer_pb2.PolicyType.ValueType) -> str:
    """`resource`, `stack`, or empty."""
    return _KINDS.get(value, "")
