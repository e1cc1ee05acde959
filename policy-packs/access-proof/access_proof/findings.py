"""A proof's findings as violations: each on the resource that decides, with the explanation as its message."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.proof import Blocked, Excess, ExpectationResult, Outcome, Proof, Row, Unproven, Witness
from pulumi_airlock.proof.wording import MOST
from pulumi_airlock.tokens import ACCESS

COMPONENT = "airlock:"
"""How the type of every Airlock component starts."""


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong, and on which resource. No URN: on the stack itself."""

    urn: str | None
    message: str


def failures(stack: Stack, proof: Proof) -> Iterator[Violation]:
    """Everything that makes the proof fail: excess, blocked routes, what could not be proven, expectations that do not hold."""
    for excess in proof.excess:
        yield Violation(_known(stack, _source_of(excess)), _explained(_whole(excess), excess.witness, excess.path))
    for blocked in proof.blocked:
        yield Violation(_known(stack, blocked.rule.urn), _explained(_whole(blocked), blocked.witness, blocked.path))
    for unproven in proof.unproven:
        yield Violation(_known(stack, _undecided(unproven)), _explained(_whole(unproven), unproven.witness, unproven.path))
    for failed in proof.failed:
        message = f"Expected, and not so: {failed.expectation}: {failed.message}"
        yield Violation(_known(stack, _decider(failed)), _explained(message, failed.witness, failed.path))


def unjustified(stack: Stack, proof: Proof, network_acls: bool) -> Iterator[Violation]:
    """Rules of hand-written resources that grant what no route declares, though another gate on the path stops it today.

    A rule that Airlock compiled may grant more than one gate should, since a coarse gate cannot say less; a hand-written one has
    no such excuse, and the next change of the other gate makes it excess. Network ACLs are looked at
    only when asked for: they are stateless, so answers need wide rules, and a security group stands behind each.
    """
    seen: set[tuple[str, str]] = set()
    for internal in proof.internal:
        place = (internal.rule.urn, internal.rule.position)
        if place in seen or _is_excused(stack, internal.rule.urn, network_acls):
            continue
        seen.add(place)
        yield Violation(_known(stack, internal.rule.urn), _explained(internal.message, internal.witness, ()))


def unowned(stack: Stack, proof: Proof) -> Iterator[Violation]:
    """Checks that have not exactly one owner, each on the rule of the last gate that makes it: the one that came to an owner."""
    for one in proof.overlaps:
        lines = [one.message, *(f"  {owner.gate}: {owner.rule}" for owner in one.owners)]
        yield Violation(_known(stack, one.owners[-1].rule.urn if one.owners else None), "\n".join(lines))


def _is_excused(stack: Stack, urn: str, network_acls: bool) -> bool:
    resource = stack.find(urn)
    if resource is None:
        return False
    is_compiled = any(above.type.startswith(COMPONENT) for above in resource.ancestors())
    return is_compiled or (not network_acls and "NetworkAcl" in resource.type)


def _whole(finding: Excess | Blocked | Unproven) -> str:
    """A finding's message, and all names where the message has only some of them."""
    lists = {"principals": finding.principals, "destinations": finding.destinations}
    if isinstance(finding, Blocked):
        lists |= {"routes": finding.routes, "needs": finding.needs}
    long = [f"All {len(names)} {what}: {', '.join(names)}" for what, names in lists.items() if len(names) > MOST]
    return "\n".join([finding.message, *long])


def _explained(message: str, witness: Witness | None, path: Iterable[Row]) -> str:
    lines = [message]
    if witness:
        lines.append(f"Witness: {witness}")
    lines += [f"  {row.gate}, {row.filter.name}: {row.why}" for row in path]
    return "\n".join(lines)


def _source_of(excess: Excess) -> str | None:
    if excess.rule:
        return excess.rule.urn
    # Each gate's grant is declared: the gate nearest to the destination is the one that should tell principals apart.
    return next((row.source.urn for row in reversed(excess.path) if row.outcome is Outcome.ALLOW), None)


def _undecided(unproven: Unproven) -> str | None:
    return next((row.source.urn for row in unproven.path if row.outcome is Outcome.UNKNOWN), None)


def _decider(failed: ExpectationResult) -> str | None:
    """The first gate that refuses, or the last that lets through: what has to change for the expectation to hold."""
    refusing = next((row.source.urn for row in failed.path if row.outcome is not Outcome.ALLOW), None)
    return refusing or (failed.path[-1].source.urn if failed.path else None)


def _known(stack: Stack, urn: str | None) -> str | None:
    """A URN of the stack: the given one, or the declaration's, which is wrong where no resource is."""
    if urn and stack.find(urn):
        return urn
    declaration = next(iter(stack.of_type(ACCESS)), None)
    return declaration.urn if declaration else None
