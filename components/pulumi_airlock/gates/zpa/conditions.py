"""The conditions of a rule, of either version of the API: which segments and which callers satisfy them.

Conditions are joined with AND, the operands of one with OR, the values of an operand with OR; `operator` says otherwise. A rule
without conditions on something holds for all of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from ..stack import UNKNOWN, Resource
from .applications import Application, Applications
from .callers import NOBODY, Directory, Judged, Operand
from .tenant import SEGMENT_GROUP, SEGMENTS, Named, Tenant

APP, APP_GROUP = "APP", "APP_GROUP"
_APPS = frozenset({APP, APP_GROUP})


@dataclass(frozen=True, slots=True)
class Chosen:
    """The segments that a condition names: surely, perhaps, and such as the stack does not have (with the reasons)."""

    apps: tuple[Application, ...] = ()
    perhaps: tuple[Application, ...] = ()
    elsewhere: tuple[str, ...] = ()
    doubt: tuple[str, ...] = ()
    """Why `perhaps`."""

    def also(self, other: "Chosen") -> "Chosen":
        """What either names."""
        return Chosen(
            _merged(self.apps, other.apps),
            _merged(self.perhaps, other.perhaps),
            (*self.elsewhere, *other.elsewhere),
            (*self.doubt, *other.doubt),
        )

    def only(self, other: "Chosen") -> "Chosen":
        """What both name; of segments that one of them names, multimatch may make a connection belong to both."""
        common = tuple(one for one in self.apps if one in other.apps)
        rest = tuple(one for one in _merged(self.apps + self.perhaps, other.apps + other.perhaps) if one not in common)
        doubt = ("two conditions on segments: whether one connection belongs to both",) if rest else ()
        return Chosen(common, rest, (*self.elsewhere, *other.elsewhere), (*self.doubt, *other.doubt, *doubt))


def _merged(one: tuple[Application, ...], other: tuple[Application, ...]) -> tuple[Application, ...]:
    return tuple(dict.fromkeys((*one, *other)))


@dataclass(frozen=True, slots=True)
class Branch:
    """One way to satisfy a rule: by these callers at these segments (None: all)."""

    callers: Judged
    chosen: Chosen | None


@dataclass(frozen=True, slots=True)
class _Condition:
    callers: Judged | None = None
    chosen: Chosen | None = None


class Conditions:
    """Reads the conditions of one tenant's rules."""

    def __init__(self, tenant: Tenant, applications: Applications, directory: Directory) -> None:
        self.tenant, self.applications, self.directory = tenant, applications, directory

    def branches(self, rule: Resource) -> list[Branch]:
        """The ways to satisfy a rule."""
        given = rule.get("conditions")
        everybody = Judged(self.directory.every)
        if given is UNKNOWN:
            return [Branch(Judged(NOBODY, self.directory.every, (f"{rule.name}.conditions",)), None)]
        found = [self._condition(rule, number) for number in range(len(rule.get_list("conditions")))]
        operator = rule.get("operator", default="AND")
        apart = len(found) > 1 and operator != "AND"
        branches = [self._branch([one], everybody) for one in found] if apart else [self._branch(found, everybody)]
        if apart and operator != "OR":
            reason = f"{rule.name}.operator"
            branches = [Branch(_doubted(one.callers, (reason,)), one.chosen) for one in branches]
        return branches

    @staticmethod
    def _branch(found: Iterable[_Condition], everybody: Judged) -> Branch:
        listed = list(found)
        callers = reduce(Judged.both, (one.callers for one in listed if one.callers is not None), everybody)
        chosen = [one.chosen for one in listed if one.chosen is not None]
        return Branch(callers, reduce(Chosen.only, chosen) if chosen else None)

    # One condition

    def _condition(self, rule: Resource, number: int) -> _Condition:
        where = f"{rule.name}.conditions[{number}]"
        entry = rule.get_list("conditions")[number]
        if not isinstance(entry, Mapping):
            return _Condition(Judged(NOBODY, self.directory.every, (where,)))
        listed = list(operands(rule, number))
        if not listed:
            return _Condition() if entry.get("operands") is not UNKNOWN else self._anything((f"{where}.operands",))
        apps = [one for one in listed if isinstance(one.kind, str) and one.kind in _APPS]
        if entry.get("negated") not in (None, False) or (apps and len(apps) < len(listed)):
            return self._anything((where,))
        operator = entry.get("operator")
        doubt = (f"{where}.operator",) if operator != "OR" and len(listed) > 1 else ()
        if apps:
            chosen = reduce(Chosen.also, (self._chosen(rule, one) for one in apps))
            if doubt:
                chosen = Chosen((), _merged(chosen.apps, chosen.perhaps), chosen.elsewhere, (*chosen.doubt, *doubt))
            return _Condition(chosen=chosen)
        judged = [self.directory.judge(one) for one in listed]
        if operator == "AND":
            return _Condition(reduce(Judged.both, judged))
        return _Condition(_doubted(reduce(Judged.either, judged), doubt))

    def _anything(self, reasons: tuple[str, ...]) -> _Condition:
        return _Condition(Judged(NOBODY, self.directory.every, reasons))

    def _chosen(self, rule: Resource, one: Operand) -> Chosen:
        found = Chosen()
        for named in self.named(rule, one):
            look = self._app if one.kind == APP else self._group
            found = found.also(look(named, one.where))
        return found

    def named(self, rule: Resource, one: Operand) -> list[Named]:
        """What an operand on segments names.

        The operands of one kind in a condition are one list, as they are joined with OR: which of its unknown ids is which does
        not matter. Where two conditions have such ids, it does, and is not told.
        """
        types = SEGMENTS if one.kind == APP else (SEGMENT_GROUP,)
        mine: list[Any] = []
        others, start = False, 0
        for number in range(len(rule.get_list("conditions"))):
            for each in operands(rule, number):
                values = [rhs for _, rhs in each.entries] if each.kind == one.kind else []
                if number != one.condition:
                    others |= UNKNOWN in values
                    continue
                start = len(mine) if each.where == one.where else start
                mine += values
        if others:
            found = [Named(value, None if value is UNKNOWN else self.tenant.with_id(str(value), *types)) for value in mine]
        else:
            found = self.tenant.named(rule, "conditions", mine, *types)
        return found[start : start + len(one.entries)]

    def _app(self, named: Named, where: str) -> Chosen:
        app = self.applications.by_urn.get(named.resource.urn) if named.resource is not None else None
        return Chosen((app,)) if app is not None else self._lost(named, where, "segment")

    def _group(self, named: Named, where: str) -> Chosen:
        if named.resource is None:
            return self._lost(named, where, "segment group")
        sure, perhaps = self.applications.in_group(named.resource)
        doubt = tuple(f"{one.resource.name}.segmentGroupId" for one in perhaps)
        return Chosen(tuple(sure), tuple(perhaps), (), doubt)

    def _lost(self, named: Named, where: str, what: str) -> Chosen:
        """What is named and not found: an id that is known is another stack's; one that is not may be any, also of this one."""
        if named.id is UNKNOWN:
            return Chosen((), tuple(self.applications.all), (where,), (where,))
        return Chosen(elsewhere=(f"{where}: no {what} of the stack is {named.id}",))


def _doubted(judged: Judged, reasons: tuple[str, ...]) -> Judged:
    if not reasons:
        return judged
    return Judged(NOBODY, judged.sure | judged.maybe, (*judged.reasons, *reasons))


def operands(rule: Resource, number: int) -> Iterator[Operand]:
    """The operands of a condition, of either version: V1 has one value each, V2 lists."""
    entry = rule.get_list("conditions")[number]
    given = entry.get("operands") if isinstance(entry, Mapping) else None
    for index, one in enumerate(given if isinstance(given, list | tuple) else ()):
        where = f"{rule.name}.conditions[{number}].operands[{index}]"
        if not isinstance(one, Mapping):
            yield Operand(UNKNOWN, (), where, number)
            continue
        yield Operand(one.get("objectType"), tuple(_entries(one)), where, number)


def _entries(one: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """(lhs, rhs) of each value; for kinds without a left side the value stands on the right."""
    for value in _listed(one.get("values")):
        yield "id", value
    for pair in _listed(one.get("entryValues")):
        yield (pair.get("lhs"), pair.get("rhs")) if isinstance(pair, Mapping) else (UNKNOWN, UNKNOWN)
    rhs = [*_listed(one.get("rhs")), *_listed(one.get("rhsLists"))]
    for value in rhs:
        yield one.get("lhs"), value


def _listed(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
