"""The entries of a rule's conditions, down to the segments: what a trace shows below the rule itself."""

from collections.abc import Callable, Iterator
from functools import partial

from ...proof.filters import Match, Part
from ...proof.sets import Hosts, Services
from ..stack import UNKNOWN, Resource
from .applications import Application
from .callers import Operand
from .conditions import APP, APP_GROUP, Conditions, operands
from .tenant import Named

_KINDS = {
    "CLIENT_TYPE": "client type",
    "EDGE_CONNECTOR_GROUP": "Cloud Connector group",
    "MACHINE_GRP": "machine group",
    "SCIM_GROUP": "SCIM group",
    "POSTURE": "posture profile",
    "TRUSTED_NETWORK": "trusted network",
    "SAML": "SAML attribute",
}
_MOST = 3
"""Domains of one segment that its value lists."""


class Parts:
    """Tells the entries of one tenant's rules. Looks at nothing before it is asked."""

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions
        self._known: dict[str, tuple[Part, ...]] = {}

    def later(self, rule: Resource) -> Callable[[], tuple[Part, ...]]:
        """A rule's entries, when somebody asks."""
        return partial(self.of, rule)

    def of(self, rule: Resource) -> tuple[Part, ...]:
        """A rule's entries, condition by condition."""
        if rule.urn not in self._known:
            self._known[rule.urn] = tuple(self._entries(rule))
        return self._known[rule.urn]

    def _entries(self, rule: Resource) -> Iterator[Part]:
        for number in range(len(rule.get_list("conditions"))):
            for one in operands(rule, number):
                if one.kind == APP:
                    yield from map(self._segment, self._conditions.named(rule, one))
                elif one.kind == APP_GROUP:
                    yield from map(self._group, self._conditions.named(rule, one))
                else:
                    yield from self._callers(one)

    def _segment(self, named: Named) -> Part:
        app = self._conditions.applications.by_urn.get(named.resource.urn) if named.resource is not None else None
        if app is None:
            return Part(APP, "segment", _shown(named.id), Match(), "not in the stack")
        return self._app(app, APP)

    def _group(self, named: Named) -> Part:
        if named.resource is None:
            return Part(APP_GROUP, "segment group", _shown(named.id), Match(), "not in the stack")
        sure, perhaps = self._conditions.applications.in_group(named.resource)
        members = tuple(self._app(one, "") for one in (*sure, *perhaps))
        hosts = Hosts.union(self._conditions.applications.extent(one).maybe[0] for one in (*sure, *perhaps))
        name = named.resource.get("name")
        shown = name if isinstance(name, str) else named.resource.name
        return Part(APP_GROUP, "segment group", shown, Match(hosts=hosts), "", named.resource.urn, members)

    def _app(self, one: Application, field: str) -> Part:
        hosts, services = self._conditions.applications.extent(one).maybe
        value = f"{_domains(one)} {_ports(services)}".strip()
        return Part(field, "segment", one.label, Match(hosts=hosts, services=services), value, one.resource.urn)

    def _callers(self, one: Operand) -> Iterator[Part]:
        directory = self._conditions.directory
        kind = one.kind if isinstance(one.kind, str) else ""
        for lhs, rhs in one.entries:
            judged = directory.judge(Operand(one.kind, ((lhs, rhs),), one.where))
            whos = directory.whos(judged.sure | judged.maybe)
            name = directory.workloads.get((kind, str(rhs))) or directory.groups.get(str(rhs)) or ""
            shown = _shown(lhs if kind in ("POSTURE", "TRUSTED_NETWORK", "PLATFORM", "COUNTRY_CODE") else rhs)
            value = f"for {name}" if name and name != shown else "" if judged.sure else "not known"
            for who in whos:
                yield Part(kind, _KINDS.get(kind, ""), shown, Match(who=who), value)


def _shown(value: object) -> str:
    return "" if value is UNKNOWN or value is None else str(value)


def _domains(one: Application) -> str:
    listed = sorted(str(pattern) for pattern in one.patterns)
    more = f" and {len(listed) - _MOST} more" if len(listed) > _MOST else ""
    return ", ".join(listed[:_MOST]) + more


def _ports(services: Services) -> str:
    return str(services).replace(" ", ", ") if services else ""
