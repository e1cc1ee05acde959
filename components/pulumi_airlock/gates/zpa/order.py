"""In which order a tenant looks at its access rules: what the stack says of it, and where it says nothing.

A new rule is appended. So a place is known from
- the order resource (`PolicyAccessReorderRule`): listed rules by their number, before all that are not listed. At preview its ids
  are not known; the order of a ZpaGate's own is then what the component says of itself;
- `rule_order` of V1 rules, where no order resource is in the way;
- creation: a rule that waits for another (it depends on it) is appended behind it, unless something orders the two.
Two owners of the order undo each other's work: only what none of them contradicts is known.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ...tokens import ZPA_GATE
from ..stack import UNKNOWN, Resource
from .tenant import ACCESS_POLICIES, REORDER, RULES, Tenant

_LAST = 1_000_000
"""Behind every number that a rule may have."""


class Order:
    """The order of one tenant's access rules, as far as it is known."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        rules = tenant.of_type(*RULES)
        self.owners = [one for one in tenant.of_type(REORDER) if one.get("policyType") in (*ACCESS_POLICIES, UNKNOWN)]
        """The resources that order access rules, or may."""
        self._places = [self._listed(one) for one in self.owners]
        self._numbers = {one.urn: _number(one.get("ruleOrder")) for one in rules}
        self.rules = self._line_up(rules)

    def surely_before(self, one: Resource, other: Resource) -> bool:
        """Whether the stack tells that `one` is looked at before `other`."""
        told = [_before(places, one.urn, other.urn) for places in self._places]
        if set(told) - {None}:
            return True in told and False not in told
        mine, theirs = self._numbers[one.urn], self._numbers[other.urn]
        if mine is not None and theirs is not None:
            return mine < theirs
        return mine is None and theirs is None and self._created_before(one, other)

    @staticmethod
    def _created_before(one: Resource, other: Resource) -> bool:
        return one.urn in other.dependencies

    def _line_up(self, rules: list[Resource]) -> list[Resource]:
        """One order that fits what is known, otherwise the stack's own. Whoever lists the most goes first."""
        first = {one.urn: number for number, one in enumerate(rules)}
        told = sorted((one for one in self._places if one), key=len, reverse=True)

        def key(one: Resource) -> tuple[int, ...]:
            number = self._numbers[one.urn]
            listed = (places.get(one.urn, _LAST) for places in told)
            return (*listed, _LAST if number is None else number, self._depth(one, first, 0), first[one.urn])

        return sorted(rules, key=key)

    def _depth(self, one: Resource, rules: Mapping[str, int], so_far: int) -> int:
        """How long a chain of rules this one waits for."""
        if so_far > len(rules):
            return so_far
        behind = (self._tenant.stack.find(urn) for urn in one.dependencies if urn in rules and urn != one.urn)
        return max((1 + self._depth(other, rules, so_far + 1) for other in behind if other is not None), default=0)

    def _listed(self, owner: Resource) -> Mapping[str, int] | None:
        """URN → number for the rules that an order resource lists; None where it is not known which these are."""
        entries = owner.get_list("rules")
        found: dict[str, int] = {}
        for entry in entries:
            number = _number(entry.get("order")) if isinstance(entry, Mapping) else None
            rule_id = entry.get("id") if isinstance(entry, Mapping) else UNKNOWN
            rule = self._tenant.with_id(rule_id, *RULES) if isinstance(rule_id, str) else None
            if rule is not None and number is not None:
                found[rule.urn] = number
            elif rule is None and isinstance(rule_id, str):
                continue  # a rule that the stack does not have
            else:
                return self._told(owner)
        return found

    def _told(self, owner: Resource) -> Mapping[str, int] | None:
        """What the component that an order resource is part of says of the order of its own rules."""
        for component in owner.ancestors():
            if component.type == ZPA_GATE:
                return dict(_own(component, owner))
        return None


def _own(component: Resource, owner: Resource) -> Iterator[tuple[str, int]]:
    """A gate's own rules: those that allow as it lists them, then those that deny."""
    rules = [one for one in component.stack.children(component) if one.type in RULES]
    listed = {str(name): number for number, name in enumerate(component.get_list("accessRules"))}
    for number, one in enumerate(rules):
        place = listed.get(str(one.get("name")))
        yield one.urn, place if place is not None else len(listed) + number


def _before(places: Mapping[str, int] | None, one: str, other: str) -> bool | None:
    """Whether an order resource puts one rule before the other; None where it lists neither, and leaves them as they are."""
    if places is None:
        return False
    mine, theirs = places.get(one), places.get(other)
    if mine is None and theirs is None:
        return None
    return mine is not None and (theirs is None or mine < theirs)


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
