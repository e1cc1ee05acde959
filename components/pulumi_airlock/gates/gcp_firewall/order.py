"""Google's evaluation, as one list in which the first match decides.

Policies and VPC firewall rules stand in stages. Within a stage the matching rule with the lowest number as its priority decides;
`goto_next`, and no match at all, hands on to the next stage. A list of first matches has no such jump: what `goto_next` takes is
taken out of the later rules of its stage. ("Evaluation order for firewall policies and rules".)
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ...proof.filters import ANYONE, Action, Match, Rule, Who
from ...proof.sets import Hosts, Names
from ..stack import UNKNOWN
from .boxes import ANY, Box, without
from .entries import Entry

_DECIDING = {"allow": (Action.ALLOW,), "deny": (Action.DENY,), "goto_next": ()}
_INSPECTED = "apply_security_profile_group"
_EITHER = (Action.ALLOW, Action.DENY)


def ordered_policy(entries: Iterable[Entry]) -> list[Entry]:
    """The rules of a policy by priority. Where two have one, which Google refuses, either may come first."""
    found = list(entries)
    counts: dict[int, int] = {}
    for one in found:
        if one.priority is not UNKNOWN:
            counts[one.priority] = counts.get(one.priority, 0) + 1
    made = [
        one.doubted(f"{one.name}.priority ({one.priority} twice)") if counts.get(one.priority, 0) > 1 else one for one in found
    ]
    return _sorted(made, lambda one: (one.priority,))


def ordered_vpc(entries: Iterable[Entry]) -> list[Entry]:
    """VPC firewall rules by priority; of those with the same priority, the ones that deny first."""
    return _sorted(list(entries), lambda one: (one.priority, one.action != "deny"))


def _sorted(entries: list[Entry], key: Callable[[Entry], tuple[Any, ...]]) -> list[Entry]:
    """One whose priority is not known comes first, as one that may or may not match: no other outcome is possible."""
    hidden = [one.doubted(f"{one.name}.priority") for one in entries if one.priority is UNKNOWN]
    return hidden + sorted((one for one in entries if one.priority is not UNKNOWN), key=key)


@dataclass
class _Stage:
    """What earlier rules of a stage leave to its later ones."""

    gone: list[Box] = field(default_factory=list)
    """What `goto_next` surely hands on."""
    perhaps: list[tuple[Box, tuple[str, ...]]] = field(default_factory=list)
    """What it may hand on."""
    taken: list[Box] = field(default_factory=list)
    """What was surely decided since something was handed on perhaps: no later rule can be meant there."""

    def left(self, box: Box, name: str) -> list[tuple[Box, tuple[str, ...]]]:
        """What of a box a rule still decides, and why that is not sure."""
        parts: list[tuple[Box, tuple[str, ...]]] = [(box, ())]
        unresolved = (f"which addresses the names of {name} have",)
        for other in self.gone:
            parts = [
                (rest, reasons + (unresolved if unsure else ()))
                for part, reasons in parts
                for rest, unsure in without(part, other)
            ]
        for hidden, why in self.perhaps:
            parts = [cut for part, reasons in parts for cut in self._cut(part, reasons, hidden, why)]
        return parts

    def _cut(
        self, part: Box, reasons: tuple[str, ...], hidden: Box, why: tuple[str, ...]
    ) -> Iterator[tuple[Box, tuple[str, ...]]]:
        inside = [part.meet(hidden)]
        if not inside[0]:
            yield part, reasons
            return
        for other in self.taken:
            inside = [rest for one in inside for rest, _ in without(one, other)]
        yield from ((one, reasons + why) for one in inside)
        yield from ((rest, reasons + (why if unsure else ())) for rest, unsure in without(part, hidden))

    def hand_on(self, box: Box, reasons: tuple[str, ...], name: str) -> None:
        """Notes what `goto_next` takes. Names are addresses that are not known, whichever they are."""
        if box.hosts.names and box.hosts.names != Names.every():
            self.perhaps.append((replace(box, hosts=ANY), (*reasons, f"which addresses the names of {name} have")))
            box = replace(box, hosts=box.hosts.addresses())
        if box and reasons:
            self.perhaps.append((box, reasons))
        elif box:
            self.gone.append(box)


def decided(entries: Iterable[Entry]) -> Iterator[Rule]:
    """The rules of one stage, in order, as a list in which the first match decides; what matches none goes on."""
    stage = _Stage()
    for one in entries:
        boxes = [(box, ()) for box in one.sure] + list(one.maybe)
        for box, reasons in boxes:
            for part, why in stage.left(box, one.name):
                yield from _rules(one, part, (*reasons, *why))
        for box, reasons in boxes:
            if one.action == "goto_next":
                stage.hand_on(box, reasons, one.name)
            elif one.action not in (*_DECIDING, _INSPECTED):
                stage.hand_on(box, (*reasons, f"{one.name}.action"), one.name)
            elif stage.perhaps and not reasons:
                stage.taken.append(box)


def _rules(one: Entry, box: Box, reasons: tuple[str, ...]) -> Iterator[Rule]:
    match = Match(who=_who(box.sources), hosts=box.hosts, services=box.services)
    if one.action in _DECIDING:
        for action in _DECIDING[one.action]:
            yield Rule(action, match, one.source, reasons, one.parts)
    elif one.action == _INSPECTED:
        # The endpoint that inspects it lets it through or not; nothing after this rule does.
        why = f"{one.name}.securityProfileGroup ({one.profile} decides)"
        yield Rule(Action.ALLOW, match, one.source, (*reasons, why), one.parts)
        yield Rule(Action.DENY, match, one.source, reasons, one.parts)
    else:
        for action in _EITHER:
            yield Rule(action, match, one.source, (*reasons, f"{one.name}.action"), one.parts)


def _who(sources: Hosts) -> Who:
    return ANYONE if sources.covers_addresses(ANY) else Who(sources=sources)
