"""What `preview` and `prove` found in a stack, as checks."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ...errors import AirlockError, InputError, Problem
from ...identity.findings import IdentityFinding
from ...identity.findings import Severity as IdentitySeverity
from ...offline.packs import Diagnostic, PackInfo, PolicyInfo
from ...offline.packs import Level as PolicyLevel
from ...offline.plan import Plan
from ...proof import Proof
from ...proof.findings import Blocked, Excess, Row, Unproven, Witness
from ..rows import row_words
from .model import Check, Level, Place, Report, Result, Rule
from .places import Places, parsed_place

PROOF_RULES = (
    Rule(
        "proof/excess",
        "Nothing is let through that no route declares.",
        "Remove the rule that lets it through, or declare a route for it.",
        severity="critical",
        tags=("proof",),
    ),
    Rule(
        "proof/blocked",
        "What routes declare is let through.",
        "Let the gate that refuses it pass it, or take the route away.",
        severity="high",
        tags=("proof",),
    ),
    Rule(
        "proof/unproven",
        "Nothing unknown decides about access.",
        "Make the value known before the update.",
        severity="high",
        tags=("proof",),
    ),
    Rule("proof/expectation", "Every expectation of the access file holds.", severity="high", tags=("proof",)),
    Rule(
        "proof/check-owner",
        "Exactly one gate checks who people are on a path, and one which requests services send.",
        severity="high",
        tags=("proof",),
    ),
    Rule(
        "proof/identity", "Groups, roles and accounts are in every system what is declared.", severity="high", tags=("identity",)
    ),
)
INPUT_RULE = Rule("airlock/input", "The program and its files can be used.", tags=("input",))

PROOF_PACK, PROOF_POLICY, OWNERS_POLICY = "airlock-access-proof", "access-proof", "one-owner-per-check"
"""The pack, and those of its policies, that say again what the proof beside them says, resource by resource."""


def report_of_failure(name: str, error: AirlockError, otherwise: Place) -> Report:
    """A command that could not be carried out: every problem at its place, as far as it has one in a file."""
    cause = error if isinstance(error, InputError) else error.__cause__
    located = [_located(one, otherwise) for one in cause.problems] if isinstance(cause, InputError) else []
    results = tuple(
        Result(INPUT_RULE.id, Level.ERROR, text, place, subject=text) for place, text in located or [(otherwise, str(error))]
    )
    check = Check("program", "the program and its files can be used", results, broken=True)
    return Report(name, (check,), {INPUT_RULE.id: INPUT_RULE})


def report_of_stack(
    name: str, places: Places, *, plan: Plan | None = None, proof: Proof | None = None, identity: Sequence[IdentityFinding] = ()
) -> Report:
    """What packs, proof and comparison of identity say of a stack; each as far as it was made."""
    rules: dict[str, Rule] = {}
    checks: list[Check] = []
    if plan is not None:
        checks += _logged(plan, places, rules)
        checks += _policies(plan, places, rules, _told_by(proof))
    if proof is not None:
        rules |= {one.id: one for one in PROOF_RULES}
        checks += _proven(proof, places, _owners_level(plan))
        checks += _compared(identity, places)
    return Report(name, tuple(checks), rules)


def _located(problem: Problem, otherwise: Place) -> tuple[Place, str]:
    """Where a problem is shown, and what is said there."""
    place = parsed_place(problem.place)
    if not place.line or not Path(place.file).is_file():  # a resource's name may look like a place: `warehouse:5432`
        return otherwise, str(problem)
    return place, f"{problem.path}: {problem.message}" if problem.path else problem.message


# --- the program and the packs


def _logged(plan: Plan, places: Places, rules: dict[str, Rule]) -> Iterator[Check]:
    errors = [one for one in plan.logs if one.severity == "error"]
    results = tuple(
        Result(INPUT_RULE.id, Level.ERROR, one.message, places.resource(one.urn) or places.otherwise, one.urn, one.message)
        for one in errors
    )
    rules[INPUT_RULE.id] = INPUT_RULE
    yield Check("program", "the program and its files can be used", results, broken=bool(results))


def _told_by(proof: Proof | None) -> frozenset[str]:
    """Policies whose violations the proof tells itself."""
    if proof is None:
        return frozenset()
    told = {PROOF_POLICY: not proof.ok, OWNERS_POLICY: bool(proof.overlaps)}
    return frozenset(policy for policy, again in told.items() if again)


def _policies(plan: Plan, places: Places, rules: dict[str, Rule], covered: frozenset[str]) -> Iterator[Check]:
    for pack in plan.packs:
        for policy in pack.policies.values():
            if pack.name == PROOF_PACK and policy.name in covered:
                continue
            rule = _rule(pack, policy)
            rules[rule.id] = rule
            found = [one for one in plan.diagnostics if (one.pack, one.policy) == (pack.name, policy.name)]
            results = tuple(_violation(rule.id, one, places) for one in found)
            skipped = "disabled by the pack's configuration" if policy.level is PolicyLevel.DISABLED else ""
            yield Check(f"policies of {pack.name}", policy.name, results, skipped)


def _rule(pack: PackInfo, policy: PolicyInfo) -> Rule:
    tags = tuple(filter(None, (*policy.tags, policy.framework)))
    title = policy.description or policy.display_name or policy.name
    return Rule(f"{pack.name}/{policy.name}", title, policy.remediation_steps, policy.url, policy.severity, tags)


def _violation(rule: str, one: Diagnostic, places: Places) -> Result:
    level = Level.WARNING if one.level is PolicyLevel.ADVISORY else Level.ERROR
    message = one.message.strip() + (f"\nFix: {one.remediation_steps.strip()}" if one.remediation_steps else "")
    # Its first line tells it from others of the same policy on the same resource; further ones may hold a witness of today.
    return Result(rule, level, message, places.resource(one.urn) or places.otherwise, one.urn, message.split("\n", 1)[0])


# --- the proof


def _owners_level(plan: Plan | None) -> Level:
    """A check without exactly one owner fails `prove`; of a preview, the policy says whether it does."""
    if plan is None:
        return Level.ERROR
    fails = any(one.policy == OWNERS_POLICY and one.level is PolicyLevel.MANDATORY for one in plan.diagnostics)
    return Level.ERROR if fails else Level.WARNING


def _proven(proof: Proof, places: Places, owners_level: Level) -> Iterator[Check]:
    yield Check("proof", "nothing is let through that is not declared", tuple(_excess(one, places) for one in proof.excess))
    yield Check("proof", "what is declared is let through", tuple(_blocked(one, places) for one in proof.blocked))
    yield Check("proof", "nothing unknown decides", tuple(_unproven(one, places) for one in proof.unproven))
    owners = (
        Result(
            "proof/check-owner",
            owners_level,
            one.message,
            _first([places.resource(owner.rule.urn) for owner in reversed(one.owners)]) or places.access,
            one.owners[-1].rule.urn if one.owners else "",
            f"{one.check.name} {one.callers} {one.zone} {one.fault}",
        )
        for one in proof.overlaps
    )
    yield Check("proof", "every check has exactly one owner", tuple(owners))
    for number, one in enumerate(proof.expectations):
        place = places.expectation(number)
        message = _explained(f"Expected, and not so: {one.expectation}: {one.message}", one.witness, one.path)
        failed = () if one.passed else (Result("proof/expectation", Level.ERROR, message, place, subject=one.expectation),)
        yield Check("expectations", one.expectation, failed)


def _excess(one: Excess, places: Places) -> Result:
    urn = one.rule.urn if one.rule else ""
    subject = f"{one.gate} {one.rule.position}" if one.rule else " ".join(one.destinations)
    place = places.resource(urn) or places.access
    return Result("proof/excess", Level.ERROR, _explained(one.message, one.witness, one.path), place, urn, subject)


def _blocked(one: Blocked, places: Places) -> Result:
    place = _first(map(places.route, one.routes)) or places.resource(one.rule.urn) or places.access
    subject = f"{one.gate} {one.rule.position} {one.kind.value} {' '.join(one.needs)}"
    return Result("proof/blocked", Level.ERROR, _explained(one.message, one.witness, one.path), place, one.rule.urn, subject)


def _unproven(one: Unproven, places: Places) -> Result:
    row = next((row for row in one.path if row.outcome.value == "unknown"), None)
    urn = row.source.urn if row else ""
    place = places.resource(urn) or places.access
    subject = f"{one.declared} {' '.join(one.unknown)}"
    return Result("proof/unproven", Level.ERROR, _explained(one.message, one.witness, one.path), place, urn, subject)


def _explained(message: str, witness: Witness | None, path: Sequence[Row]) -> str:
    """A finding with its witness and what each gate does."""
    lines = [message, *([f"witness: {witness}"] if witness else [])]
    for row in path:
        words = row_words(row)
        lines.append(f"{row.gate}, {row.filter.name}: {words.says}" + (f" ({words.resource})" if words.resource else ""))
    return "\n".join(lines)


def _compared(identity: Sequence[IdentityFinding], places: Places) -> Iterator[Check]:
    results = tuple(
        Result(
            "proof/identity",
            Level.ERROR if one.severity is IdentitySeverity.ERROR else Level.WARNING,
            f"{one}\nFix: {one.fix}",
            places.resource(one.urn) or places.access,
            one.urn,
            f"{one.system} {one.kind.value} {one.name}",
        )
        for one in identity
    )
    yield Check("identity", "every system says what is declared", results)


def _first(places: Iterable[Place | None]) -> Place | None:
    return next((one for one in places if one is not None), None)
