"""Collects the policies: a decorator at each function says all there is to say of it, once.

    @resource_policy("aws-kms-rotation", types=("aws:kms/key:Key",), severity=Severity.MEDIUM, soc2=Soc2.CC6_1, fix="Set …")
    def kms_rotation(it: Subject) -> Findings:
        \"\"\"Symmetric customer keys rotate.\"\"\"
        if it.get("enableKeyRotation") is not True:
            yield wrong(it, "enableKeyRotation", "is off")

The docstring is the description that users read. A finding is definite (`wrong`), or says that the deciding value is unknown
(`undecided`), which counts only where the policy's configuration says `unknown: violation`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import import_module
from inspect import cleandoc
from typing import Any, TypeVar

from pulumi_airlock.gates.kinds import is_of
from pulumi_airlock.soc2.criteria import TAG, TYPE_TAG
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)

from .controls import Cis, Soc2
from .reading import UNKNOWN, Resource, Stack, Subject, editable, stack_of, subject_of

MODULES = (
    "aws_network",
    "gcp_firewall",
    "gcp_firewall_order",
    "routes",
    "aws_iam",
    "aws_data",
    "ownership",
    "mwaa",
    "vpn",
    "gcp_vpn",
    "fortigate",
    "fortigate_device",
    "fortigate_vpn",
    "fortigate_people",
    "identity",
    "identity_roles",
    "declared",
    "trust",
    "audit",
    "zpa",
    "zpa_objects",
    "zia",
    "zia_locations",
    "nginx",
    "tcp_proxy",
    "network_policy",
    "cilium",
    "cilium_chart",
    "istio",
    "linkerd",
    "consul",
    "certificates",
    "credentials",
    "credential_resources",
    "composer",
)
"""The modules that hold policies, in the order of the documentation."""

_UNKNOWN_CONFIG: Mapping[str, Any] = {
    "type": "string",
    "enum": ["ignore", "violation"],
    "default": "ignore",
    "description": "What a deciding value that is unknown at preview counts as.",
}


UNDECIDED_HERE: ContextVar[list[tuple[str, str]] | None] = ContextVar("UNDECIDED_HERE", default=None)
"""Where policies note (policy, text) of what they could not decide; None: nobody asks, as under the SDK alone."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a policy found: where, and what is wrong; an empty `message` says that the value there is unknown."""

    resource: Resource | None
    path: str
    message: str = ""

    def text(self) -> str:
        """The message for people: the resource, the property, what is wrong there."""
        place = ": ".join(part for part in (self.resource.name if self.resource else "", self.path) if part)
        return f"{place} {self.message}" if self.message else f"{place} cannot be known before the update, and it decides"


Findings = Iterator[Finding]
Config = Mapping[str, Any]
Check = Callable[[Subject], Findings]
Remedy = Callable[[Subject, dict[str, Any]], None]
"""Changes the properties (wire names) in place so that the policy is satisfied."""

_F = TypeVar("_F", bound=Callable[..., Findings])


def path_text(path: Iterable[str | int] | str) -> str:
    """A property's path as people write it: `ingress[0].cidrBlocks[1]`."""
    if isinstance(path, str):
        return path
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def wrong(at: Subject | Resource | None, path: Iterable[str | int] | str, message: str) -> Finding:
    """A definite finding. The message goes on from the property's name: `is off`, `holds *`."""
    return Finding(at.resource if isinstance(at, Subject) else at, path_text(path), message)


def undecided(at: Subject | Resource | None, path: Iterable[str | int] | str) -> Finding:
    """The value that decides is not known."""
    return Finding(at.resource if isinstance(at, Subject) else at, path_text(path))


def plain_text(it: Subject, *props: str) -> Findings:
    """Those of the properties that are set and not marked secret."""
    for prop in props:
        if it.get(prop) is None:
            continue
        secret = it.secret(prop)
        if secret is UNKNOWN:
            yield undecided(it, prop)
        elif not secret:
            yield wrong(it, prop, "is plain text")


@dataclass(frozen=True)
class Registered:
    """A policy as its decorator describes it."""

    name: str
    check: Callable[..., Findings]
    types: tuple[str, ...]
    beside: tuple[str, ...]
    """For a stack policy: further kinds that it looks at; it is not applicable where only these exist."""
    stack: bool
    severity: Severity
    soc2: Soc2
    cis: Cis | None
    fix: str
    url: str
    """A vendor's page on the matter, where there is a better one than `docs/policies.md`."""
    level: EnforcementLevel
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    remedy: Remedy | None = None
    among: Callable[[Stack], bool] | None = None
    """For a stack policy on kinds that hold other things too: whether what it judges is among them; else it is not applicable."""

    @property
    def module(self) -> str:
        """The themed module it stands in, without the package."""
        return self.check.__module__.rsplit(".", 1)[-1]

    @property
    def description(self) -> str:
        """What it demands: the first paragraph of its docstring, on one line."""
        return " ".join(cleandoc(self.check.__doc__ or "").split("\n\n")[0].split())

    @property
    def tags(self) -> list[str]:
        """`soc2:…`, `cis-aws-3.0.0:…`, the module, `type:…` of what it judges: results can be filtered, and become evidence."""
        cis = [f"cis-aws-3.0.0:{self.cis.reference}"] if self.cis else []
        types = [f"{TYPE_TAG}{one}" for one in self.types]
        remedy = ["remediation"] if self.remedy else []
        return [f"{TAG}{self.soc2.reference}", *cis, self.module.replace("_", "-"), *remedy, *types]

    def looks_at(self, type_: str) -> bool:
        """Whether a resource of this type is shown to the policy at all."""
        return self.concerns(type_) or any(is_of(type_, one) for one in self.beside)

    def concerns(self, type_: str) -> bool:
        """Whether the policy judges resources of this type."""
        return any(is_of(type_, one) for one in self.types)

    @cached_property
    def policy(self) -> Policy:
        """The policy as the SDK takes it."""
        common: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "enforcement_level": self.level,
            "config_schema": PolicyConfigSchema(
                {"unknown": dict(_UNKNOWN_CONFIG)} | {k: dict(v) for k, v in self.settings.items()}
            ),
            "display_name": self.name.replace("-", " "),
            "severity": self.severity,
            "framework": PolicyComplianceFramework("SOC 2", "2017", self.soc2.reference, self.soc2.title),
            "tags": self.tags,
            "remediation_steps": self.fix,
            "url": self.url or None,
        }
        if self.stack:
            return StackValidationPolicy(validate=self._validate_stack, **common)
        return ResourceValidationPolicy(validate=self._validate, remediate=self._remediate if self.remedy else None, **common)

    def config(self, given: Mapping[str, Any] | None) -> Config:
        """The configuration with its defaults, which not every engine merges."""
        defaults = {key: schema["default"] for key, schema in self.settings.items() if "default" in schema}
        return {"unknown": "ignore", **defaults, **(given or {})}

    def _validate(self, args: ResourceValidationArgs, report: ReportViolation) -> None:
        if not self.concerns(args.resource_type):
            return
        config = self.config(args.get_config())
        self._report(self.check(subject_of(args, config)), config, report)

    def _validate_stack(self, args: StackValidationArgs, report: ReportViolation) -> None:
        if not any(self.concerns(one.resource_type) for one in args.resources):
            args.not_applicable(f"the stack has none of {', '.join(self.types)}")
        stack, config = stack_of(args), self.config(args.get_config())
        if self.among is not None and not self.among(stack):
            args.not_applicable(f"none of the stack's {', '.join(self.types)} holds what it judges")
        self._report(self.check(stack, config), config, report)

    def _report(self, findings: Iterable[Finding], config: Config, report: ReportViolation) -> None:
        noted = UNDECIDED_HERE.get()
        for found in findings:
            if found.message or config["unknown"] == "violation":
                report(found.text(), found.resource.urn if found.resource else None)
            elif noted is not None:
                noted.append((self.name, found.text()))

    def _remediate(self, args: ResourceValidationArgs) -> Mapping[str, Any] | None:
        """The properties made right; None where nothing is definitely wrong, so that unknown values are left alone."""
        if self.remedy is None or not self.concerns(args.resource_type):
            return None
        subject = subject_of(args, self.config(args.get_config()))
        if not any(found.message for found in self.check(subject)):
            return None
        properties: dict[str, Any] = editable(args.props)
        self.remedy(subject, properties)
        return properties


_REGISTERED: dict[str, Registered] = {}


def resource_policy(
    name: str,
    *,
    types: tuple[str, ...],
    severity: Severity,
    soc2: Soc2,
    fix: str,
    cis: Cis | None = None,
    url: str = "",
    level: EnforcementLevel = EnforcementLevel.MANDATORY,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    remedy: Remedy | None = None,
) -> Callable[[_F], _F]:
    """Registers a policy on single resources of these kinds (`reading.kind_of`; a `*` at the end stands for anything)."""

    def register(check: _F) -> _F:
        _add(Registered(name, check, types, (), False, severity, soc2, cis, fix, url, level, settings or {}, remedy))
        return check

    return register


def stack_policy(
    name: str,
    *,
    types: tuple[str, ...],
    severity: Severity,
    soc2: Soc2,
    fix: str,
    beside: tuple[str, ...] = (),
    cis: Cis | None = None,
    url: str = "",
    level: EnforcementLevel = EnforcementLevel.MANDATORY,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    among: Callable[[Stack], bool] | None = None,
) -> Callable[[_F], _F]:
    """Registers a policy on a whole stack: it sees `types`, `beside` and their ancestors.

    It is not applicable where the stack has none of `types`, or `among` says that none of those holds what it judges.
    """

    def register(check: _F) -> _F:
        one = Registered(name, check, types, beside, True, severity, soc2, cis, fix, url, level, settings or {}, among=among)
        _add(one)
        return check

    return register


def _add(one: Registered) -> None:
    if one.name in _REGISTERED:
        raise ValueError(f"two policies are named {one.name}: in {_REGISTERED[one.name].module} and in {one.module}")
    _REGISTERED[one.name] = one


@cache
def load() -> tuple[Registered, ...]:
    """Every policy of the pack, module by module, in the order they are written."""
    for module in MODULES:
        import_module(f".{module}", __package__)
    return tuple(_REGISTERED.values())


def setting(description: str, default: Any) -> dict[str, Any]:
    """The schema of one configuration value, with the type of its default."""
    kinds = {bool: "boolean", int: "integer", str: "string", list: "array"}
    schema: dict[str, Any] = {"type": kinds[type(default)], "default": default, "description": description}
    return schema | ({"items": {"type": "string"}} if isinstance(default, list) else {})
