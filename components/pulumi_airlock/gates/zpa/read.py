"""What the ZPA tenants of a stack let through: their access rules as filters, hand-written ones as well as Airlock's own.

A connection belongs to the most specific segment of its host; then the first rule that matches decides; what none matches is
refused. What belongs to no segment never comes to ZPA, so that it is refused here as well. Holds at preview, where no id is
known, and on a state file. Whatever is not known becomes a rule that *may* match, with the reason; nothing is guessed.

Segments that the stack does not have are taken to hold none of the hosts of those that it has.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ...proof.filters import Action, Combine, Filter, Match, Rule, Source, Who
from ...proof.sets import Hosts, Services
from ...proof.shape import Shape
from ...tokens import ZPA_GATE
from ..stack import UNKNOWN, Resource, Stack
from .applications import CARRIED, Application, Applications
from .callers import Directory
from .conditions import Branch, Chosen, Conditions
from .order import Order
from .parts import Parts
from .relays import relays
from .tenant import FORWARDING, Tenant, gate_name, tenants

_ELSEWHERE = "segments of the tenant that the stack does not have"


@dataclass(frozen=True, slots=True)
class Box:
    """Something that a rule matches; with reasons, may match."""

    match: Match
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Reading:
    """One access rule, read."""

    rule: Resource
    actions: tuple[tuple[Action, tuple[str, ...]], ...]
    """What it does, in order; with reasons, what it may do."""
    boxes: tuple[Box, ...]
    through: tuple[str, ...]

    @property
    def plain(self) -> Action | None:
        """What it does, where it does one thing for sure."""
        return self.actions[0][0] if len(self.actions) == 1 and not self.actions[0][1] else None


def read(stack: Stack) -> Iterator[Filter]:
    """One filter per ZPA tenant (and microtenant) of the stack: first match by order, default deny.

    The gate's name is that of the ZpaGate component in the tenant, else the provider's.
    """
    found = [(tenant, _Reader(tenant)) for tenant in tenants(stack)]
    for tenant, reader in found:
        rules = (*_of_the_same_tenant_perhaps(tenant, found), *reader.kept_elsewhere(), *reader.rules())
        named = [(gate_name(one), one.urn) for one in tenant.components]
        what = f"access policy of {tenant.name}" + (f", microtenant {tenant.microtenant}" if tenant.microtenant else "")
        fallback = tenant.provider or tenant.resources[0].urn
        for gate, urn in named or [(tenant.name, fallback)]:
            yield Filter(
                gate=gate,
                name=what,
                combine=Combine.FIRST_MATCH,
                default=Action.DENY,
                rules=rules,
                urn=urn,
                relays=relays(tenant, reader.applications),
                shape=Shape(),
            )


class _Reader:
    """Reads one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.applications = Applications(tenant)
        self.directory = Directory(tenant)
        self.conditions = Conditions(tenant, self.applications, self.directory)
        self.parts = Parts(self.conditions)
        self.order = Order(tenant)
        self._own = Hosts.union(self.applications.extent(one).maybe[0] for one in self.applications.all)
        self.readings = [self._read(one) for one in self.order.rules]

    def rules(self) -> Iterator[Rule]:
        """All rules in order."""
        yield from self._around()
        for number, reading in enumerate(self.readings):
            yield from self._earlier_perhaps(number)
            yield from self._rules(reading, reading.boxes)

    # What never comes to ZPA

    def _around(self) -> Iterator[Rule]:
        """What is sent past ZPA: whether anything else stops it, ZPA does not know."""
        for one in self.applications.all:
            if one.enabled is not False and one.bypass != "NEVER":
                hosts, services = self.applications.extent(one).maybe
                shown = "bypassType" if one.bypass is UNKNOWN else f"bypassType {one.bypass}: its traffic goes past ZPA"
                source = one.resource.at("bypassType", label=f'segment "{one.label}"')
                yield Rule(Action.ALLOW, Match(hosts=hosts, services=services), source, (f"{one.resource.name}.{shown}",))
        for rule in self.tenant.of_type(*FORWARDING):
            action = rule.get("action")
            if action in ("INTERCEPT", "INTERCEPT_ACCESSIBLE"):
                continue
            shown = f"{rule.name}.action" if action is UNKNOWN else f"{rule.name}: its traffic goes past ZPA"
            for branch in self.conditions.branches(rule):
                for box in self._boxes(branch, Action.ALLOW):
                    source = Source(rule.urn, "", f'forwarding rule "{_name(rule)}"')
                    yield Rule(Action.ALLOW, box.match, source, (*box.reasons, shown), parts=self.parts.later(rule))

    def kept_elsewhere(self) -> Iterator[Rule]:
        """Segments alone are no tenant without access rules: those are kept elsewhere, and what they do is not known."""
        if not self.order.rules and not self.tenant.components:
            source = Source(self.tenant.resources[0].urn, "", "access rules elsewhere")
            yield Rule(Action.ALLOW, Match(), source, (f"the access rules of {self.tenant.name}, of which the stack has none",))

    # One rule

    def _read(self, rule: Resource) -> Reading:
        branches = self.conditions.branches(rule)
        actions = _actions(rule)
        kind = actions[-1][0] if len(actions) == 1 else Action.ALLOW
        boxes = tuple(dict.fromkeys(box for branch in branches for box in self._boxes(branch, kind)))
        through = [one for branch in branches if branch.chosen for one in (*branch.chosen.apps, *branch.chosen.perhaps)]
        urns = [urn for one in through for urn in (one.resource.urn, *((one.group.urn,) if one.group else ()))]
        return Reading(rule, actions, boxes, tuple(sorted(set(urns))))

    def _boxes(self, branch: Branch, action: Action) -> Iterator[Box]:
        """What a branch matches: who, at which hosts and ports. What is sure comes first."""
        places = list(self._places(branch.chosen, action))
        judged = branch.callers
        whos = [(who, ()) for who in self.directory.whos(judged.sure)]
        perhaps = [(who, judged.reasons) for who in self.directory.whos(judged.maybe)]
        if not whos and not perhaps:
            whos = [(Who(groups=frozenset()), ())]
        found = [
            Box(Match(who=who, hosts=hosts, services=services), tuple(dict.fromkeys((*doubt, *reasons))))
            for who, doubt in [*whos, *perhaps]
            for hosts, services, reasons in places
        ]
        yield from (one for one in found if not one.reasons)
        yield from (one for one in found if one.reasons)

    def _places(self, chosen: Chosen | None, action: Action) -> Iterator[tuple[Hosts, Services, tuple[str, ...]]]:
        if chosen is None and action is Action.DENY:
            # What is in no segment is refused anyway.
            yield Hosts.every(), Services.every(), ()
            return
        if chosen is None:
            chosen = Chosen(tuple(self.applications.all), (), (_ELSEWHERE,))
        sure: dict[Services, list[Hosts]] = {}
        doubtful: list[tuple[Hosts, Services, tuple[str, ...]]] = []
        for one in sorted(chosen.apps, key=_urn):
            extent = self.applications.extent(one)
            if extent.sure[0] and extent.sure[1]:
                sure.setdefault(extent.sure[1], []).append(extent.sure[0])
            if extent.reasons:
                doubtful.append((*extent.maybe, extent.reasons))
        for services, hosts in sorted(sure.items(), key=lambda item: item[0].cells.spans):
            yield Hosts.union(hosts), services, ()
        for one in sorted(chosen.perhaps, key=_urn):
            extent = self.applications.extent(one)
            doubtful.append((*extent.maybe, (*chosen.doubt, *extent.reasons)))
        if chosen.elsewhere:
            doubtful.append((self._own.complement(), CARRIED, chosen.elsewhere))
        yield from (place for place in doubtful if place[0] and place[1])

    def _rules(self, reading: Reading, boxes: Iterable[Box]) -> Iterator[Rule]:
        source = Source(reading.rule.urn, "", f'rule "{_name(reading.rule)}"', reading.through)
        later = self.parts.later(reading.rule)
        # The gate's own refusals stand last, to be logged by name.
        own = any(one.type == ZPA_GATE for one in reading.rule.ancestors())
        for box in boxes:
            for action, doubt in reading.actions:
                reasons, implied = tuple(dict.fromkeys((*box.reasons, *doubt))), own and action is Action.DENY
                yield Rule(action, box.match, source, reasons, parts=later, implied=implied)

    # Rules whose order is not known

    def _earlier_perhaps(self, number: int) -> Iterator[Rule]:
        """The later rules that may as well come first, where that would make a difference."""
        reading = self.readings[number]
        for other in self.readings[number + 1 :]:
            if other.plain is not None and other.plain == reading.plain:
                continue
            if self.order.surely_before(reading.rule, other.rule):
                continue
            reason = f"{other.rule.name}: whether before or after {reading.rule.name}, nothing tells"
            met = (_meet(two, one) for one in reading.boxes for two in other.boxes)
            shared = dict.fromkeys(Box(one, (reason,)) for one in met if one is not None)
            yield from self._rules(other, shared)


def _meet(one: Box, other: Box) -> Match | None:
    """What of a box another one may decide as well; None where nothing."""
    hosts, services = one.match.hosts & other.match.hosts, one.match.services & other.match.services
    return replace(one.match, hosts=hosts, services=services) if hosts and services else None


def _actions(rule: Resource) -> tuple[tuple[Action, tuple[str, ...]], ...]:
    """What a rule does once it matches: no later rule is asked, whatever it decides."""
    action = rule.get("action")
    if action == "ALLOW":
        return ((Action.ALLOW, ()),)
    if action == "DENY":
        return ((Action.DENY, ()),)
    reason = f"{rule.name}.action" if not isinstance(action, str) else f"{rule.name}: {action}: somebody decides each time"
    return ((Action.ALLOW, (reason,)), (Action.DENY, ()))


def _name(rule: Resource) -> str:
    name = rule.get("name")
    return name if isinstance(name, str) else rule.name


def _of_the_same_tenant_perhaps(tenant: Tenant, found: list[tuple[Tenant, _Reader]]) -> Iterator[Rule]:
    """Rules of a provider whose customer is not known (its environment has it): they may be in a gate's tenant, anywhere."""
    if not tenant.components:
        return
    for other, reader in found:
        if other is tenant or other.components or (tenant.customer and other.customer) or tenant.microtenant != other.microtenant:
            continue
        reason = f"{other.name}.customerId: whether this is the same tenant as {tenant.name}"
        for rule in reader.rules():
            yield replace(rule, unknown=(*rule.unknown, reason))


def _urn(one: Application) -> str:
    return one.resource.urn
