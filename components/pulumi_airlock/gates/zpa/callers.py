"""Who the conditions of a rule let through: sets of callers, and what each kind of operand says of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...proof.filters import Who
from ..stack import UNKNOWN
from .tenant import Tenant

CLOUD, MACHINE = "EDGE_CONNECTOR_GROUP", "MACHINE_GRP"
EDGE_CLIENT, MACHINE_CLIENT = "zpn_client_type_edge_connector", "zpn_client_type_machine_tunnel"
PEOPLE_CLIENT = "zpn_client_type_zapp"
OTHER_PEOPLE = frozenset(
    f"zpn_client_type_{one}" for one in ("exporter", "exporter_noauth", "browser_isolation", "zapp_partner", "vdi")
)
"""Client types by which people come, some of them: in a browser, isolated, as partners."""
NO_CALLERS = frozenset({"zpn_client_type_slogger", "zpn_client_type_zia_inspection"})
"""Zscaler's own: nobody who is asked about."""
USER_OPERANDS = frozenset({"SAML", "SCIM", "SCIM_GROUP", "IDP", "POSTURE", "CHROME_ENTERPRISE", "CHROME_POSTURE_PROFILE"})
"""What only people have: a Cloud Connector or machine tunnel knows no user and no posture, and never matches these."""
MACHINE_OPERANDS = frozenset({CLOUD, MACHINE, "BRANCH_CONNECTOR_GROUP", "LOCATION"})


@dataclass(frozen=True, slots=True)
class Callers:
    """A set of callers."""

    tasks: frozenset[str] = frozenset()
    """Environments that the stack maps to a Cloud Connector or machine group."""
    strangers: bool = False
    """Everything else without a user: tasks of other environments, workloads outside of Airflow."""
    people: frozenset[str] | None = frozenset()
    """Groups of the identity provider; None: all people."""

    def __bool__(self) -> bool:
        return bool(self.tasks or self.strangers or self.people is None or self.people)

    def __or__(self, other: "Callers") -> "Callers":
        people = None if self.people is None or other.people is None else self.people | other.people
        return Callers(self.tasks | other.tasks, self.strangers or other.strangers, people)

    def without(self, other: "Callers") -> "Callers":
        """What is not in the other one; people stay unless all of their groups are."""
        covered = other.people is None or (self.people is not None and self.people <= other.people)
        people = frozenset[str]() if covered else self.people
        return Callers(self.tasks - other.tasks, self.strangers and not other.strangers, people)


NOBODY = Callers()


@dataclass(frozen=True, slots=True)
class Judged:
    """Callers that surely match, others that may, and why."""

    sure: Callers
    maybe: Callers = NOBODY
    reasons: tuple[str, ...] = ()

    def either(self, other: "Judged") -> "Judged":
        """Who satisfies one of two."""
        return Judged(self.sure | other.sure, self.maybe | other.maybe, (*self.reasons, *other.reasons))

    def both(self, other: "Judged") -> "Judged":
        """Who satisfies both. Of people in two sets of groups, neither of which holds the other, nobody knows who is in both."""
        sure, certain = _common(self.sure, other.sure)
        most, _ = _common(self.sure | self.maybe, other.sure | other.maybe)
        reasons = () if certain else ("people in one of several groups and in one of others: which are in both",)
        if not certain:
            most |= Callers(people=sure.people)
            sure = Callers(sure.tasks, sure.strangers)
        rest = most.without(sure)
        return Judged(sure, rest, (*self.reasons, *other.reasons, *reasons) if rest else ())


def _common(one: Callers, other: Callers) -> tuple[Callers, bool]:
    """The callers in both, or more of them where that is not certain."""
    certain = True
    if one.people is None or other.people is None:
        people = other.people if one.people is None else one.people
    elif one.people <= other.people or other.people <= one.people:
        people = min(one.people, other.people, key=len)
    else:
        people, certain = min(one.people, other.people, key=len), False
    return Callers(one.tasks & other.tasks, one.strangers and other.strangers, people), certain


@dataclass(frozen=True, slots=True)
class Operand:
    """One operand of either version of the API: its kind, and its entries as pairs."""

    kind: Any
    entries: tuple[tuple[Any, Any], ...]
    where: str
    """`<rule>.conditions[1].operands[0]`."""
    condition: int = 0
    """The number of the condition that it stands in."""


class Directory:
    """Which ids stand for whom: what the ZpaGate components of a tenant say of themselves."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def _entries(self, prop: str) -> Iterable[Mapping[str, Any]]:
        for component in self.tenant.components:
            yield from (one for one in component.get_list(prop) if isinstance(one, Mapping))

    @cached_property
    def workloads(self) -> Mapping[tuple[str, str], str]:
        """(kind, id) → environment."""
        return {
            (str(one.get("kind")), str(one.get("id"))): str(one.get("environment"))
            for one in self._entries("workloads")
            if one.get("id") is not UNKNOWN
        }

    @cached_property
    def groups(self) -> Mapping[str, str]:
        """Id of a SCIM group → group of the identity provider."""
        return {str(one.get("id")): str(one.get("group")) for one in self._entries("scimGroups") if one.get("id") is not UNKNOWN}

    @cached_property
    def postures(self) -> frozenset[str]:
        """UDIDs of the posture profiles that people's devices are declared to satisfy."""
        listed = (one for component in self.tenant.components for one in component.get_list("postures"))
        return frozenset(one for one in listed if isinstance(one, str))

    @property
    def every(self) -> Callers:
        """Everybody."""
        return Callers(self.environments(), True, None)

    def environments(self, kind: str | None = None) -> frozenset[str]:
        """The environments that are known by this kind of group."""
        return frozenset(name for (mine, _), name in self.workloads.items() if kind in (None, mine))

    def judge(self, one: Operand) -> Judged:
        """Who satisfies an operand that is about callers."""
        if one.kind is UNKNOWN or not isinstance(one.kind, str):
            return Judged(NOBODY, self.every, (f"{one.where}.objectType",))
        found = Judged(NOBODY)
        for lhs, rhs in one.entries or ((UNKNOWN, UNKNOWN),):
            found = found.either(self._entry(one, lhs, rhs))
        return found

    def _entry(self, one: Operand, lhs: Any, rhs: Any) -> Judged:
        match one.kind:
            case "CLIENT_TYPE":
                return self._client(one, rhs)
            case kind if kind in (CLOUD, MACHINE):
                return self._group(one, rhs)
            case "SCIM_GROUP":
                return self._people(one, rhs)
            case "POSTURE":
                return self._posture(one, lhs, rhs)
            case kind if kind in USER_OPERANDS:
                return Judged(NOBODY, Callers(people=None), (f"{one.where}: {kind} is known to ZPA alone",))
            case kind if kind in MACHINE_OPERANDS:
                return Judged(NOBODY, Callers(strangers=True), (f"{one.where}: {kind} is known to ZPA alone",))
        return Judged(NOBODY, self.every, (f"{one.where}: {one.kind} is known to ZPA alone",))

    def _client(self, one: Operand, rhs: Any) -> Judged:
        if not isinstance(rhs, str):
            return Judged(NOBODY, self.every, (f"{one.where}.values",))
        if rhs in (EDGE_CLIENT, MACHINE_CLIENT):
            tasks = self.environments(CLOUD if rhs == EDGE_CLIENT else MACHINE)
            return Judged(Callers(tasks), Callers(strangers=True), (f"{one.where}: who else comes as {rhs}",))
        if rhs == PEOPLE_CLIENT:
            return Judged(Callers(people=None))
        if rhs in OTHER_PEOPLE:
            return Judged(NOBODY, Callers(people=None), (f"{one.where}: which people come as {rhs}",))
        if rhs in NO_CALLERS:
            return Judged(NOBODY)
        return Judged(NOBODY, Callers(strangers=True, people=None), (f"{one.where}: who comes as {rhs}",))

    def _group(self, one: Operand, rhs: Any) -> Judged:
        environment = self.workloads.get((one.kind, str(rhs))) if rhs is not UNKNOWN else None
        if environment is not None:
            return Judged(Callers(frozenset({environment})))
        if rhs is UNKNOWN:
            return Judged(NOBODY, Callers(self.environments(one.kind), strangers=True), (f"{one.where}.values",))
        what = "Cloud Connector group" if one.kind == CLOUD else "machine group"
        return Judged(NOBODY, Callers(strangers=True), (f"{one.where}: no ZpaGate says whose {what} {rhs} is",))

    def _people(self, one: Operand, rhs: Any) -> Judged:
        group = self.groups.get(str(rhs)) if rhs is not UNKNOWN else None
        if group is not None:
            return Judged(Callers(people=frozenset({group})))
        known = f"{one.where}.entryValues" if rhs is UNKNOWN else f"{one.where}: no ZpaGate says which group {rhs} is"
        return Judged(NOBODY, Callers(people=None), (known,))

    def _posture(self, one: Operand, lhs: Any, rhs: Any) -> Judged:
        """Devices are taken to satisfy the profiles that a gate declares for its people."""
        if lhs in self.postures and str(rhs).lower() == "true":
            return Judged(Callers(people=None))
        return Judged(NOBODY, Callers(people=None), (f"{one.where}: whose devices satisfy posture {_shown(lhs)}",))

    def whos(self, callers: Callers) -> list[Who]:
        """The callers as rules write them."""
        mapped = self.environments()
        if callers.people is None and callers.strangers:
            left = mapped - callers.tasks
            return [Who(outside=left) if left else Who()]
        found = []
        if callers.tasks:
            found.append(Who(environments=callers.tasks))
        if callers.strangers:
            found.append(Who(outside=mapped) if mapped else Who())
        if callers.people is None:
            found.append(Who(environments=frozenset()))
        elif callers.people:
            found.append(Who(groups=callers.people))
        return found


def _shown(value: Any) -> str:
    return "(not known)" if value is UNKNOWN else str(value)
