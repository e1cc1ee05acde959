"""Policies on Zscaler Private Access: what its access rules let through, whom they mean, and in whose order they stand."""

import re
from collections.abc import Iterator
from typing import Any

from pulumi_airlock.gates.zpa.applications import Applications
from pulumi_airlock.gates.zpa.callers import EDGE_CLIENT, MACHINE_CLIENT, MACHINE_OPERANDS, USER_OPERANDS, Directory
from pulumi_airlock.gates.zpa.conditions import APP, APP_GROUP, Conditions, operands
from pulumi_airlock.gates.zpa.order import Order
from pulumi_airlock.gates.zpa.tenant import REORDER, RULES, SEGMENT_GROUP, SEGMENTS, Named, Tenant, tenants
from pulumi_airlock.tokens import ZPA_GATE
from pulumi_policy import Severity

from .controls import Soc2
from .reading import UNKNOWN, Resource, Stack, Subject
from .registry import Config, Findings, resource_policy, setting, stack_policy, undecided, wrong

_GATES = ("airlock:index:*",)
_SERVICE_CLIENTS = frozenset({EDGE_CLIENT, MACHINE_CLIENT, "zpn_client_type_branch_connector"})
_TARGETS = frozenset({APP, APP_GROUP})


def _allows(one: Subject | Resource) -> Any:
    """Whether a rule lets traffic through, or may: True, False, or `UNKNOWN`. What needs an approval may."""
    action = one.get("action")
    return UNKNOWN if action is UNKNOWN or action is None else action != "DENY"


def _kinds(one: Resource) -> tuple[set[str], bool]:
    """The kinds of operands with a value, and whether some are not known."""
    known, unsure = set[str](), one.get("conditions") is UNKNOWN
    for number, condition in enumerate(one.get_list("conditions")):
        unsure |= condition is UNKNOWN or (isinstance(condition, dict) and condition.get("operands") is UNKNOWN)
        for operand in operands(one, number):
            unsure |= operand.kind is UNKNOWN
            if isinstance(operand.kind, str) and operand.entries:
                known.add(operand.kind)
    return known, unsure


def _values(one: Resource, kind: str) -> list[Any]:
    """The values that a rule has of one kind of operand; `UNKNOWN` for what is not known, or no text."""
    return [
        rhs if isinstance(rhs, str) else UNKNOWN
        for number in range(len(one.get_list("conditions")))
        for operand in operands(one, number)
        if operand.kind == kind
        for _, rhs in operand.entries
    ]


def _lacks(it: Subject, wanted: frozenset[str], message: str) -> Findings:
    """A finding where a rule that lets through has none of these operands."""
    allows = _allows(it)
    if allows is False:
        return
    known, unsure = _kinds(it.resource)
    if known & wanted:
        return
    if unsure:
        yield undecided(it, "conditions")
    elif allows is UNKNOWN:
        yield undecided(it, "action")
    else:
        yield wrong(it, "conditions", message)


@resource_policy(
    "zpa-rule-applications",
    types=RULES,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Name the application segments (APP) or segment groups (APP_GROUP) of the route's destinations.",
)
def rule_applications(it: Subject) -> Findings:
    """Every access rule that allows names what may be reached.

    A rule whose last APP operand went with its segment is one without: ZPA then matches every application.
    """
    known, _ = _kinds(it.resource)
    message = (
        "is empty: the rule lets everybody reach everything" if not known else "names no segment: every application is meant"
    )
    yield from _lacks(it, _TARGETS, message)


@resource_policy(
    "zpa-rule-client-type",
    types=RULES,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Add a CLIENT_TYPE operand: zpn_client_type_edge_connector for tasks, zpn_client_type_zapp for people.",
)
def rule_client_type(it: Subject) -> Findings:
    """Every access rule that allows says by which client its callers come."""
    yield from _lacks(it, frozenset({"CLIENT_TYPE"}), "names no CLIENT_TYPE: browsers, partners and machines are meant as well")


@resource_policy(
    "zpa-rule-callers",
    types=RULES,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Add the SCIM groups of people (SCIM_GROUP), or the Cloud Connector or machine groups of tasks.",
)
def rule_callers(it: Subject) -> Findings:
    """Every access rule that allows says who may, not only by which client."""
    wanted = USER_OPERANDS - {"POSTURE", "IDP", "CHROME_ENTERPRISE", "CHROME_POSTURE_PROFILE"} | MACHINE_OPERANDS
    yield from _lacks(
        it, frozenset(wanted), "names no group of people, Cloud Connectors or machines: whoever has a client is meant"
    )


@resource_policy(
    "zpa-service-account-operand",
    types=RULES,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Know tasks by CLIENT_TYPE and EDGE_CONNECTOR_GROUP (or MACHINE_GRP) alone; give people a rule of their own.",
)
def service_account_operand(it: Subject) -> Findings:
    """No access rule for service accounts asks for what only people have: it can never match, or matches people instead."""
    known, unsure = _kinds(it.resource)
    asked = sorted(known & USER_OPERANDS)
    groups = sorted(known & MACHINE_OPERANDS)
    clients = _values(it.resource, "CLIENT_TYPE")
    services = [one for one in clients if one in _SERVICE_CLIENTS]
    if asked and (services or groups):
        meant = services[0] if services else groups[0]
        yield wrong(it, "conditions", f"asks for {asked[0]} of {meant}: tasks have no user and no posture, it never matches them")
    elif (unsure and (asked or groups or services)) or (asked and UNKNOWN in clients):
        yield undecided(it, "conditions")


@resource_policy(
    "zpa-rule-reason",
    types=RULES,
    severity=Severity.LOW,
    soc2=Soc2.CC8_1,
    fix="Write the ticket or the route's reason into `description`.",
    settings={"pattern": setting("What a reason looks like (a regular expression that is searched for).", r"[A-Z][A-Z0-9]+-\d+")},
)
def rule_reason(it: Subject) -> Findings:
    """Every access rule that allows says by whose decision."""
    text = it.get("description", default="")
    if _allows(it) is False:
        return
    if text is UNKNOWN:
        yield undecided(it, "description")
    elif not re.search(it.config["pattern"], str(text)):
        yield wrong(it, "description", f"names no ticket (nothing like {it.config['pattern']})" if text else "is empty")


# The order, and who owns it


@stack_policy(
    "zpa-deny-last",
    types=RULES,
    beside=(REORDER, *_GATES),
    severity=Severity.HIGH,
    soc2=Soc2.CC7_2,
    fix="Add a rule that denies and stands behind those that allow: what it refuses is logged with its name.",
)
def deny_last(stack: Stack, _: Config) -> Findings:
    """In every tenant whose rules allow, a rule behind them denies the rest."""
    for tenant in tenants(stack):
        order = Order(tenant)
        allowing = [one for one in order.rules if _allows(one) is True]
        unsure = [one for one in order.rules if _allows(one) is UNKNOWN]
        if not allowing:
            continue
        denying = [one for one in order.rules if _allows(one) is False]
        last = [one for one in denying if all(order.surely_before(other, one) for other in allowing)]
        if last:
            continue
        if unsure:
            yield undecided(unsure[0], "action")
        elif denying:
            yield undecided(denying[-1], "the place behind every rule that allows")
        else:
            yield wrong(allowing[-1], "", "is followed by no rule that denies the rest")


@stack_policy(
    "zpa-order-owner",
    types=(REORDER,),
    beside=RULES,
    severity=Severity.HIGH,
    soc2=Soc2.CC8_1,
    fix="Keep one PolicyAccessReorderRule per tenant and policy type; list other rules in ZpaGate(rules_after=…).",
)
def order_owner(stack: Stack, _: Config) -> Findings:
    """One resource alone orders the rules of a policy: two undo each other's work at every update."""
    for tenant in tenants(stack):
        owners: dict[Any, list[Resource]] = {}
        for one in tenant.of_type(REORDER):
            given = one.get("policyType")
            kind = given if given is UNKNOWN else str(given)
            owners.setdefault("ACCESS_POLICY" if kind == "GLOBAL_POLICY" else kind, []).append(one)
        for kind, listed in owners.items():
            if kind is UNKNOWN:
                yield from (undecided(one, "policyType") for one in listed)
            # A gate's own is the one to keep.
            listed.sort(key=lambda one: not any(above.type == ZPA_GATE for above in one.ancestors()))
            for one in listed[1:] if kind is not UNKNOWN else ():
                yield wrong(one, "policyType", f"is {kind}, which {listed[0].name} orders as well")
        for one in tenant.of_type(*RULES):
            if owners.get("ACCESS_POLICY") and one.get("ruleOrder") not in (None, UNKNOWN, ""):
                yield wrong(one, "ruleOrder", f"is set, and {owners['ACCESS_POLICY'][0].name} orders the rules")


@stack_policy(
    "zpa-foreign-rule",
    types=RULES,
    beside=_GATES,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC8_1,
    fix="Declare a route in the access file, and take the rule out; or manage it in a tenant of its own.",
)
def foreign_rule(stack: Stack, _: Config) -> Findings:
    """In a tenant that a ZpaGate manages, nothing else allows: a rule beside it is access nobody declared."""
    for tenant in tenants(stack):
        for one in tenant.of_type(*RULES) if tenant.components else ():
            if any(above.type.startswith("airlock:index:") for above in one.ancestors()):
                continue
            allows = _allows(one)
            if allows is UNKNOWN:
                yield undecided(one, "action")
            elif allows:
                yield wrong(one, "", f"allows in the tenant that {tenant.gate} manages, and no route declares it")


# What rules name


@stack_policy(
    "zpa-rule-dangling",
    types=RULES,
    beside=(*SEGMENTS, SEGMENT_GROUP, *_GATES),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC8_1,
    fix="Take the operand out of the rule first, in an update of its own; then the segment. List what others manage in `known`.",
    settings={"known": setting("Ids of segments and segment groups that other stacks manage.", [])},
)
def rule_dangling(stack: Stack, config: Config) -> Findings:
    """No access rule names a segment or segment group that is gone or disabled.

    ZPA strips a deleted one from every rule, and the rule that survives matches more than it did: an ALLOW whose last APP operand
    goes is one for every application.
    """
    for tenant in tenants(stack):
        conditions = Conditions(tenant, Applications(tenant), Directory(tenant))
        for rule in tenant.of_type(*RULES):
            for place, kind, named in _named(conditions, rule):
                yield from _judged(tenant, rule, place, kind, named, config)


def _named(conditions: Conditions, rule: Resource) -> Iterator[tuple[str, str, Named]]:
    """(place, what, entry) of each segment and group that a rule names."""
    for number in range(len(rule.get_list("conditions"))):
        for one in operands(rule, number):
            if one.kind in _TARGETS:
                what = "segment" if one.kind == APP else "segment group"
                place = one.where.removeprefix(f"{rule.name}.")
                yield from ((place, what, named) for named in conditions.named(rule, one))


def _judged(tenant: Tenant, rule: Resource, place: str, what: str, named: Named, config: Config) -> Findings:
    if named.resource is None:
        if named.id is UNKNOWN:
            yield undecided(rule, place)
        elif str(named.id) not in config["known"]:
            yield wrong(
                rule, place, f"names {what} {named.id}, which no resource of {tenant.gate} is: deleted, it widens the rule"
            )
        return
    enabled = named.resource.get("enabled")
    if enabled is False:
        yield wrong(rule, place, f"names {what} {named.resource.name}, which is disabled")
