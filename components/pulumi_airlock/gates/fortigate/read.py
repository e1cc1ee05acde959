"""What the FortiGates of a stack let through: their policies as filters, hand-written ones as well as Airlock's own.

Holds at preview, where ids and names may be unknown, and on a state file. Whatever is not known (an internet service, an address
that the stack does not have, the order of two policies) becomes a rule that *may* match, with the reason; nothing is guessed.

Traffic that does not pass through the device's policies is not here: local-in policies, multicast, the FortiGate's own traffic.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from ...proof.filters import Action, Combine, Filter, Match, Rule, Source, Who
from ...proof.sets import Hosts
from ...proof.shape import Shape
from ..stack import UNKNOWN, Resource, Stack
from .device import POLICY, Device, devices
from .objects import Objects
from .order import Order
from .parts import Parts
from .policies import Box, Ingress, PolicyReading, read_policy
from .site import Place
from .unread import opens, unread


def read(stack: Stack) -> Iterator[Filter]:
    """One filter per FortiGate (and VDOM) of the stack: first match by sequence, implicit deny.

    The gate's name is that of the FortigateGate component on the device, else the provider's.
    """
    found = [(device, tuple(_Reader(device).rules())) for device in devices(stack, opens)]
    for device, own in found:
        if not device.of_kind(POLICY):
            continue
        rules = (*_of_the_same_device_perhaps(device, found), *own)
        named = [(str(one.get("gate", default=one.name) or one.name), one.urn) for one in device.components]
        fallback = device.provider or device.resources[0].urn
        what = f"policies of {device.name}" + (f", VDOM {device.vdom}" if device.vdom else "")
        shape = Shape(apart=tuple(hosts for _, hosts in Place(device).territories), nouns=("policy", "policies"))
        for gate, urn in named or [(device.name, fallback)]:
            yield Filter(
                gate=gate, name=what, combine=Combine.FIRST_MATCH, default=Action.DENY, rules=rules, urn=urn, shape=shape
            )


class _Reader:
    """Reads one device."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.place = Place(device)
        self.order = Order(device)
        objects = Objects(device, self.place.timezone)
        self.parts = Parts(device, self.place, objects)
        found = (read_policy(one, device, self.place, objects) for one in self.order.policies)
        self.readings = [one for one in found if one is not None]

    def rules(self) -> Iterator[Rule]:
        """All rules in sequence."""
        yield from unread(self.device, self.place)
        boxes = [list(one.boxes(self._whos(number))) for number, one in enumerate(self.readings)]
        for number, reading in enumerate(self.readings):
            yield from self._earlier_perhaps(number, boxes)
            yield from _rules(reading, boxes[number], self.parts)
            yield from self._stopped_tasks(reading, number)

    # Who a policy sees

    def _whos(self, number: int) -> list[tuple[Who, tuple[str, ...]]]:
        """The callers that a policy is for, with what is not known of each."""
        reading = self.readings[number]
        doubt = (f"{reading.policy.name}.srcintfs",)
        if reading.groups is not None:
            sure = self._people_come_in(reading, number)
            unsure = (*(() if sure else doubt), *self._not_asked(reading))
            known_people = [(Who(groups=reading.groups), unsure)] if reading.groups else []
            strangers = ((Who(environments=frozenset()), (reason,)) for reason in reading.strangers)
            return [*known_people, *((Who(), (reason,)) for reason in reading.some_people), *strangers]
        inside, outside = self._inside(reading, number), self._outside(reading, number)
        if inside and outside:
            return [(Who(), ())]
        known = self.place.environments
        whos: list[tuple[Who, tuple[str, ...]]] = []
        if inside and known:
            whos.append((Who(environments=known), ()))
        if outside:
            whos.append((Who(environments=frozenset()), ()))
        if outside is None and inside is False:
            whos.append((Who(environments=frozenset()), doubt))
        elif inside is None or outside is None or (inside and not known):
            whos.append((Who(), doubt))
        return whos

    def _not_asked(self, reading: PolicyReading) -> tuple[str, ...]:
        """Why a policy that refuses people of some groups may not: before they sign in, nobody knows that they are in one."""
        if Action.DENY not in reading.actions or self.place.asks_always:
            return ()
        return (f"{reading.policy.name}.groups: authOnDemand is not always, so that who has not signed in is not refused",)

    def _stopped_tasks(self, reading: PolicyReading, number: int) -> Iterator[Rule]:
        """The tasks that a policy for people stops: where `authOnDemand` is always, it has them sign in, and they cannot."""
        inside = self._inside(reading, number) if reading.groups is not None and self.place.asks_always else False
        if inside is False or not self.place.environments:
            return
        tasks = (Who(environments=self.place.environments), () if inside else (f"{reading.policy.name}.srcintfs",))
        refusing = replace(reading, actions=(Action.DENY,))
        yield from _rules(refusing, list(reading.boxes([tasks])), self.parts, " (asks tasks to sign in)")

    def _inside(self, reading: PolicyReading, number: int) -> bool | None:
        """Whether the environments' traffic comes in where the policy looks; None: perhaps."""
        if reading.ingress.anywhere:
            return True
        tunnels = self.place.tunnels
        if tunnels is None:
            return self._somewhere(reading, number)
        if tunnels <= reading.ingress.names:
            return True
        return None if tunnels & reading.ingress.names or not reading.ingress.complete else False

    def _outside(self, reading: PolicyReading, number: int) -> bool | None:
        """The same of everybody else, who may come in anywhere."""
        return True if reading.ingress.anywhere else self._somewhere(reading, number)

    def _somewhere(self, reading: PolicyReading, number: int) -> bool | None:
        """Whether a policy on certain interfaces decides about callers of whom it is not known where they come in.

        One that lets traffic in does: somebody may be there. One that refuses does so only where it stands: it decides for sure
        when everything that a later policy would let in comes in there too, and not at all when none of it does.
        """
        if not reading.ingress.complete:
            return None
        if reading.actions == (Action.ALLOW,):
            return True
        later = self._perhaps_later(number)
        if all(reading.ingress.covers(one) for one in later):
            return True
        return False if all(reading.ingress.misses(one) for one in later) else None

    def _perhaps_later(self, number: int) -> Collection[Ingress]:
        """Where the policies look that let traffic in and may stand behind a policy."""
        if self.order.total:
            return self._behind[number]
        policy = self.readings[number].policy
        return [
            other.ingress
            for position, other in enumerate(self.readings)
            if position != number and Action.ALLOW in other.actions and not self.order.surely_before(other.policy, policy)
        ]

    @cached_property
    def _behind(self) -> list[frozenset[Ingress]]:
        """The same for every policy, where their order is known."""
        found: list[frozenset[Ingress]] = []
        so_far = frozenset[Ingress]()
        for reading in reversed(self.readings):
            found.append(so_far)
            if Action.ALLOW in reading.actions and reading.ingress not in so_far:
                so_far |= {reading.ingress}
        return found[::-1]

    def _people_come_in(self, reading: PolicyReading, number: int) -> bool:
        doors = self.place.people_interfaces
        if doors is None or reading.ingress.anywhere:
            return bool(reading.ingress.anywhere or self._somewhere(reading, number))
        return doors <= reading.ingress.names

    # Policies whose order is not known

    def _earlier_perhaps(self, number: int, boxes: list[list[Box]]) -> Iterator[Rule]:
        """The later policies that may as well come first, where that would make a difference."""
        reading = self.readings[number]
        for position in range(number + 1, 0 if self.order.total else len(self.readings)):
            other = self.readings[position]
            if other.actions == reading.actions and len(other.actions) == 1:
                continue
            if self.order.surely_before(reading.policy, other.policy):
                continue
            reason = f"{other.policy.name}: whether before or after {reading.policy.name}, no PolicyMove or dependency tells"
            shared = [met for one in boxes[number] for two in boxes[position] if (met := _meet(one.match, two.match))]
            for match in dict.fromkeys(shared):
                yield from _rules(other, [Box(match, (reason,))], self.parts)


def _of_the_same_device_perhaps(device: Device, found: Sequence[tuple[Device, tuple[Rule, ...]]]) -> Iterator[Rule]:
    """Policies that may be on a gate's device, anywhere: of a provider whose host is not known (its environment has it), or of a
    VDOM where the other leaves its own to the provider.
    """
    if not device.components:
        return
    for other, rules in found:
        same_vdom = not device.vdom or not other.vdom or device.vdom == other.vdom
        same_host = not device.hostname or not other.hostname or device.hostname == other.hostname
        if other is device or other.components or not same_vdom or not same_host:
            continue
        if device.hostname and device.hostname == other.hostname:
            reason = f"{device.name}.vdom: whether it is {device.vdom or other.vdom}"
        else:
            reason = f"{other.name}.hostname: whether this is the same FortiGate as {device.name}"
        for rule in rules:
            yield replace(rule, unknown=(*rule.unknown, reason))


def _rules(reading: PolicyReading, boxes: list[Box], parts: Parts, note: str = "") -> Iterator[Rule]:
    source = Source(reading.policy.urn, "", _label(reading.policy) + note, reading.through)
    later = parts.later(reading.policy)
    for box in boxes:
        for action in reading.actions:
            yield Rule(action, box.match, source, box.reasons, parts=later)


def _label(policy: Resource) -> str:
    """What the device's engineer calls a policy: its id where that is known, and its name."""
    number, name = policy.get("policyid"), policy.get("name")
    parts = ["policy"]
    if number is not UNKNOWN and number:
        parts.append(f"{number:.0f}" if isinstance(number, float) else str(number))
    parts.append(f'"{name}"' if isinstance(name, str) else f'"{policy.name}"')
    return " ".join(parts)


def _meet(one: Match, other: Match) -> Match | None:
    """What two matches have in common; None when that is nothing."""
    hosts, services = one.hosts & other.hosts, one.services & other.services
    environments = _both(one.who.environments, other.who.environments)
    groups = _both(one.who.groups, other.who.groups)
    apart = _apart(one.who.environments, other.who.environments) or groups == frozenset()
    sources = _sources(one.who.sources, other.who.sources)
    if not hosts or not services or apart or (sources is not None and not sources):
        return None
    who = Who(environments=environments, sources=sources, groups=groups)
    return Match(who=who, hosts=hosts, services=services, times=(*one.times, *other.times))


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _apart(one: frozenset[str] | None, other: frozenset[str] | None) -> bool:
    """Whether no caller is in both; the empty set is the outside, not nobody."""
    return one is not None and other is not None and one != other and not one & other


def _sources(one: Hosts | None, other: Hosts | None) -> Hosts | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other
