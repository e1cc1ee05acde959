"""Which rules a task can meet: a device guards much else, and what is not about Airflow is not to be declared."""

from collections.abc import Collection, Sequence

from ..environments import read_environments
from ..gates import fortigate, zpa
from ..gates.fortigate.device import INTERFACES, POLICY, devices
from ..gates.fortigate.device import kind_of as fortios_kind
from ..gates.fortigate.site import Place
from ..gates.stack import Stack
from ..gates.zpa.tenant import RULES
from ..proof.filters import Environment, Who
from .making import NAME


def without_strangers(stack: Stack) -> tuple[Stack, int]:
    """The stack without the FortiGate's policies and ZPA's rules that can hold for no task, and how many there were.

    What is left out decides about nothing that a task does. Only of backups and answers, which tell the order of all rules at
    once: in a program's stack, one may be known by its place beside another. O(rules).
    """
    environments = list(read_environments(stack))
    if not environments:
        return stack, 0
    ours = [one for one in stack.resources if one.urn.startswith(f"urn:pulumi:{NAME}::")]
    judged = {one.urn for one in ours if fortios_kind(one) == POLICY or one.type in RULES}
    elsewhere = judged & _by_other_interfaces(stack)
    met = {
        rule.source.urn
        for read in (fortigate.read, zpa.read)
        for one in read(_without(stack, elsewhere))
        for rule in one.rules
        if rule.source.urn in judged and _may_be_task(rule.match.who, environments)
    }
    # Of each device one rule stays: without any, nothing would say that it stands there.
    first = {one.provider: one.urn for one in reversed(ours) if one.urn in judged}
    kept = {one.provider for one in ours if one.urn in met}
    left_out = judged - met - {urn for provider, urn in first.items() if provider not in kept}
    return _without(stack, left_out), len(left_out)


def _without(stack: Stack, urns: Collection[str]) -> Stack:
    return Stack([one for one in stack.resources if one.urn not in urns], name=stack.name, project=stack.project)


def _by_other_interfaces(stack: Stack) -> set[str]:
    """The policies of interfaces by which no environment comes in: told before anything else is read of them."""
    found: set[str] = set()
    for device in devices(stack):
        site = Place(device)
        for one in device.of_kind(POLICY) if site.tunnels else ():
            names, complete = site.spread(device.references(one, "srcintfs", *INTERFACES))
            if complete and not names & {"any", *(site.tunnels or ())}:
                found.add(one.urn)
    return found


def _may_be_task(who: Who, environments: Sequence[Environment]) -> bool:
    return who.groups is None and any(_may_be_of(who, one) for one in environments)


def _may_be_of(who: Who, one: Environment) -> bool:
    named = who.environments is None or one.name in who.environments
    left = who.outside is None or one.name not in who.outside
    here = who.sources is None or bool(who.sources.addresses() & one.sources.addresses())
    return named and left and here and _runs_as(who.workloads, one)


def _runs_as(workloads: Collection[str] | None, one: Environment) -> bool:
    return workloads is None or bool(one.workloads.of_tasks() & set(workloads))
