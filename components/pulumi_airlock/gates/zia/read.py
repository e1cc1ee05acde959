"""What ZIA lets through: the cloud firewall's rules and those of URL filtering as two filters, hand-written ones as well as
Airlock's own.

Both have to let a connection through. Rules are looked at by number, then admin rank; the first match decides; behind them
stand the firewall's default rule, which only the tenant knows unless the stack has it, and URL filtering's, which allows.
(Zscaler, "Configuring the Firewall Filtering Policy", "Configuring the URL Filtering Policy".)

What is not known here, without a tenant to try it on, is never guessed but becomes a rule that *may* match: how several kinds of
destinations in one rule are joined, rules on a location above sub-locations, network applications, ZIA's own categories. That the
firewall looks at explicitly proxied requests as it does at tunnelled ones is taken for granted; where it does not, URL
filtering decides alone.

The gate is read for the environments' locations. People come by locations of their own, of which the stack says nothing: nothing
is said of them here, and an expectation that they get nowhere does not hold.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...proof.filters import Action, Combine, Filter, Match, Rule, Source, Who
from ...proof.sets import Hosts, Services
from ...proof.shape import Shape
from ...tokens import ZIA_GATE
from ..stack import UNKNOWN, Resource, Stack
from .kinds import CLOUD_APP_RULE, FIREWALL_RULE, LOCATION, TLS_RULES, URL_RULE
from .objects import Objects
from .parts import Parts
from .place import Place
from .rules import RuleReading, read_rule
from .tenant import Tenant, tenants

WEB = Services.union(Services.of("tcp", port, port) for port in (80, 443))
"""Where ZIA looks for web traffic in a tunnel, unless the tenant's advanced settings say more ("Configuring Custom Ports")."""
_TCP = Services.of("tcp")
_DEFAULT = "Default Firewall Filtering Rule"


def read(stack: Stack) -> Iterator[Filter]:
    """Two filters for each tenant of the stack that has locations or rules, for each of its gates: cloud firewall, and URL
    filtering.
    """
    for tenant in tenants(stack):
        if not tenant.of_kind(LOCATION, FIREWALL_RULE, URL_RULE):
            continue
        reader = _Reader(tenant)
        firewall, urls = tuple(reader.firewall()), tuple(reader.urls())
        relays = tuple(reader.place.relays())
        ways = frozenset(reader.place.ways)
        scope = Match(who=Who(environments=ways)) if ways else Match(hosts=Hosts())
        for gate, urn in tenant.names:
            shape = Shape(nouns=("rule", "rules"))
            default = reader.default
            where = default.urn if default is not None else urn
            first, deny, allow = Combine.FIRST_MATCH, Action.DENY, Action.ALLOW
            yield Filter(gate, "cloud firewall", first, deny, firewall, where, scope=scope, relays=relays, shape=shape)
            yield Filter(gate, "URL filtering", first, allow, urls, urn, scope=scope, shape=shape)


class _Reader:
    """Reads one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.place = Place(tenant)
        self.objects = Objects(tenant)
        self.parts = Parts(self.place, self.objects)
        rules = tenant.of_kind(FIREWALL_RULE)
        self.default = next((one for one in rules if one.get("defaultRule") is True or one.get("name") == _DEFAULT), None)

    def firewall(self) -> Iterator[Rule]:
        """The firewall's rules in order."""
        yield from self._not_in_force()
        yield from self._without_firewall()
        own = [one for one in self.tenant.of_kind(FIREWALL_RULE) if one is not self.default]
        yield from self._ordered(own)
        if self.default is None:
            source = Source(self.tenant.names[0][1], "", _DEFAULT)
            yield Rule(Action.ALLOW, Match(), source, ("the tenant's default firewall rule is not in the stack",), implied=True)
        else:
            yield from self._ordered([self.default])

    def urls(self) -> Iterator[Rule]:
        """URL filtering's rules in order, behind what it does not look at."""
        yield from self._not_in_force()
        for one in self.tenant.of_kind(CLOUD_APP_RULE):
            # An application that is allowed there is not looked at again, unless the tenant cascades.
            yield Rule(
                Action.ALLOW, Match(), one.at(), (f"{one.name}: a cloud application rule, which comes before URL filtering",)
            )
        for one in self.tenant.of_kind(*TLS_RULES):
            if one.get("state", default="ENABLED") != "DISABLED" and _bypasses(one.properties):
                reason = f"{one.name}: what it does not decrypt goes past all other policies of the web"
                yield Rule(Action.ALLOW, Match(), one.at(), (reason,))
        yield from self._not_web()
        yield from self._ordered(self.tenant.of_kind(URL_RULE))

    def _not_in_force(self) -> Iterator[Rule]:
        """Without an activation nothing of all this is in force: what the tenant lets through then is not known."""
        if self.tenant.activated is None:
            source = Source(self.tenant.names[0][1], "", "no activation")
            reason = ("the stack activates nothing: ZIA goes by the rules that were last activated",)
            yield Rule(Action.ALLOW, Match(), source, reason)
            yield Rule(Action.DENY, Match(), source, reason)

    def _without_firewall(self) -> Iterator[Rule]:
        """Locations at which the firewall is off: it lets everything through there. One with sign-in lets no task through,
        perhaps.
        """
        for one in self.tenant.of_kind(LOCATION):
            owners = frozenset(self.place.owners[one.urn])
            if not owners:
                continue
            match = Match(who=Who(environments=owners))
            on = one.get("ofwEnabled", default=False)
            if on is not True:
                reason = (f"{one.name}.ofwEnabled",) if on is UNKNOWN else ()
                yield Rule(Action.ALLOW, match, one.at("ofwEnabled", label=f"firewall off at {_label(one)}"), reason)
            asks = one.get("authRequired", default=False)
            if asks is not False:
                yield Rule(Action.DENY, match, one.at("authRequired"), (f"{one.name}.authRequired: a task cannot sign in",))

    def _not_web(self) -> Iterator[Rule]:
        """A proxy carries TCP alone, all of it for URL filtering; of a tunnel's traffic URL filtering looks at the web's."""
        proxied, tunnelled = self.place.proxied, self.place.placed - self.place.proxied
        where = {name: one for one in self.tenant.of_kind(LOCATION) for name in self.place.owners[one.urn]}
        if proxied & where.keys():
            match = Match(who=Who(environments=proxied), services=_TCP.complement())
            label = "an explicit proxy carries TCP alone"
            yield Rule(Action.DENY, match, where[min(proxied & where.keys())].at("ports", label=label), implied=True)
        if tunnelled & where.keys():
            match = Match(who=Who(environments=tunnelled), services=WEB.complement())
            label = "no web traffic, so that URL filtering does not look at it"
            yield Rule(Action.ALLOW, match, where[min(tunnelled & where.keys())].at(label=label))
        if self.place.unplaced:
            match = Match(who=Who(environments=self.place.unplaced), services=WEB.complement())
            source = Source(self.tenant.names[0][1], "", "no web traffic")
            yield Rule(Action.ALLOW, match, source, ("whether it comes by a proxy or a tunnel",))

    # Order

    def _ordered(self, rules: Sequence[Resource]) -> Iterator[Rule]:
        activated = self.tenant.activated
        read = [read_rule(one, self.place, self.objects, activated) for one in rules]
        found = sorted((one for one in read if one is not None), key=lambda one: one.place or (0, 0))
        for number, one in enumerate(found):
            for other in found[number + 1 :]:
                if not _surely_before(one, other) and one.actions != other.actions:
                    reason = f"{other.rule.name}: whether before or after {one.rule.name}, their order and rank do not tell"
                    yield from self._rules(other, (reason,))
            yield from self._rules(one, ())

    def _rules(self, reading: RuleReading, more: tuple[str, ...]) -> Iterator[Rule]:
        source = Source(reading.rule.urn, "", _label(reading.rule), reading.through)
        later = self.parts.later(reading.rule)
        # The gate's own refusals stand last, whatever the tenant's defaults are.
        own = any(one.type == ZIA_GATE for one in reading.rule.ancestors())
        for box in reading.boxes():
            reasons = tuple(dict.fromkeys((*box.reasons, *more)))
            for position, action in enumerate(reading.actions):
                # Of two things that it may do, the first is never sure.
                doubt = (f"{reading.rule.name}.action",) if len(reading.actions) > 1 and position == 0 else ()
                implied = own and action is Action.DENY
                yield Rule(action, box.match, source, (*reasons, *doubt), parts=later, implied=implied)


def _surely_before(one: RuleReading, other: RuleReading) -> bool:
    return one.place is not None and other.place is not None and one.place < other.place


def _bypasses(given: Any) -> bool:
    """Whether a rule on TLS has `bypassOtherPolicies`, or may: in whichever of its blocks."""
    if isinstance(given, Mapping):
        return given.get("bypassOtherPolicies", False) not in (None, False) or any(map(_bypasses, given.values()))
    return isinstance(given, list | tuple) and any(map(_bypasses, given))


def _label(one: Resource) -> str:
    """What an administrator calls a rule or location: its number where it has one, and its name."""
    order, name = one.get("order"), one.get("name")
    shown = name if isinstance(name, str) else one.name
    number = f"{order:.0f} " if isinstance(order, int | float) else ""
    return f'rule {number}"{shown}"' if number else f'"{shown}"'
