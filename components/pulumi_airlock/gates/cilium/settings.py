"""Whether Cilium enforces its policies: what its chart, its ConfigMap and settings of nodes say.

Semantics: Cilium documentation, "Policy Enforcement Modes", "Policy Audit Mode", "Host Firewall", "Per-node configuration";
cilium/cilium, pkg/policy/distillery.go: the host itself is held to policies only where its firewall is on. No SDK in here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...proof.filters import Action, Combine, Filter, Match, Rule, Source
from ..kubernetes import objects
from ..kubernetes.annotations import RELEASES
from ..stack import UNKNOWN, Stack

CONFIG = "cilium-config"
"""The ConfigMap that the agent goes by."""
_NEVER = "no policy is enforced"
_IN_CHART = {
    "enable-policy": ("policyEnforcementMode",),
    "policy-audit-mode": ("policyAuditMode",),
    "enable-host-firewall": ("hostFirewall", "enabled"),
}
"""The agent's name of a setting → where the chart's values have it."""


@dataclass(frozen=True, slots=True)
class _Said:
    """A setting as one place has it."""

    key: str
    """The agent's own name for it (`enable-policy`)."""
    value: Any
    source: Source
    where: str
    everywhere: bool = True
    """False: on some nodes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What of enforcement the stack tells."""

    off: tuple[Rule, ...] = ()
    """What lets everything through, or may: policies that are not enforced."""
    always: bool | None = False
    """Whether what no policy selects is denied by default as well; None: perhaps."""
    host_firewall: bool | None = None
    """Whether policies hold for hosts; None: not known."""
    source: Source = Source("")  # noqa: RUF009  # frozen
    """Where it is said."""
    doubts: tuple[str, ...] = ()
    """Why `always` is not known."""

    def applied(self, one: Filter) -> Filter:
        """A filter as it is in force."""
        if not self.off:
            return one
        if sure := [rule for rule in self.off if not rule.unknown]:
            return replace(one, combine=Combine.ANY_ALLOW, rules=tuple(sure))
        # Both may be: what is refused is so perhaps, and what no rule lets through gets through perhaps.
        why = tuple(dict.fromkeys(reason for rule in self.off for reason in rule.unknown))
        known = (rule if rule.action is Action.ALLOW else replace(rule, unknown=(*rule.unknown, *why)) for rule in one.rules)
        return replace(one, rules=(*known, *self.off))


def read_settings(stack: Stack) -> Settings:
    """The settings of a stack's Cilium. Without its chart and its ConfigMap, policies are taken to be enforced by default."""
    said = list(_said(stack))
    off = []
    for one in said:
        never = one.value == ("never" if one.key == "enable-policy" else "true")
        if one.key != "enable-host-firewall" and (never or one.value is UNKNOWN):
            sure = never and one.everywhere
            label = _NEVER if one.key == "enable-policy" else f"{_NEVER}, only audited"
            off.append(Rule(Action.ALLOW, Match(), replace(one.source, label=label), () if sure else (one.where,)))
    modes = [one for one in said if one.key == "enable-policy" and one.value in ("always", UNKNOWN)]
    known = next((one for one in modes if one.value == "always" and one.everywhere), None)
    hosts = [one.value for one in said if one.key == "enable-host-firewall"]
    return Settings(
        tuple(off),
        True if known else None if modes else False,
        None if not hosts or UNKNOWN in hosts else "true" in hosts,
        (known or modes[0]).source if modes else Source(""),
        tuple(one.where for one in modes) if known is None else (),
    )


def _said(stack: Stack) -> Iterator[_Said]:
    for one in stack.of_type(*RELEASES):
        chart = one.get("chart")
        if not isinstance(chart, str) or chart.rsplit("/", 1)[-1] != "cilium":
            continue
        files = [prop for prop in ("valueYamlFiles", "valuesYamlFiles", "valuesFiles") if one.get(prop)]
        for key, path in _IN_CHART.items():
            # What the chart adds last counts: extraConfig, behind its own settings.
            paths = [place for place in (("extraConfig", key), path) if one.get("values", *place) is not None]
            place = ("values", *(paths[0] if paths else path))
            value = UNKNOWN if files and not paths else one.get(*place, default=False)
            yield _Said(key, _text(value), one.at(*place), f"{one.name}.{'.'.join(place) if not files else files[0]}")
    for config in objects(stack, "", "ConfigMap"):
        if config.name == CONFIG:
            yield from _of_data(config.resource.name, config.get("data"), lambda key, one=config: one.at("data", key))
    for node in objects(stack, "cilium.io", "CiliumNodeConfig"):
        for each in _of_data(
            node.resource.name, node.get("spec", "defaults"), lambda key, one=node: one.at("spec", "defaults", key)
        ):
            yield replace(each, everywhere=False)


def _of_data(name: str, data: Any, at: Any) -> Iterator[_Said]:
    if data is UNKNOWN:
        data = dict.fromkeys(_IN_CHART, UNKNOWN)
    for key in _IN_CHART:
        if isinstance(data, Mapping) and data.get(key) is not None:
            yield _Said(key, _text(data[key]), at(key), f"{name}: {key}")


def _text(value: Any) -> Any:
    return value if value is UNKNOWN else str(value).lower()
