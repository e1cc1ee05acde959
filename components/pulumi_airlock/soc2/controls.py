"""The controls that are no policies: the proof, its expectations, the declared routes, their exceptions, identity, the change."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC

from ..access import Access
from ..access.clearance import exemptions
from ..access.model import Route
from ..gates.stack import Stack
from ..identity.findings import IdentityFinding, Severity
from ..proof import Proof
from ..tokens import ACCESS
from .model import Control, Evaluated, ExceptionEvidence, Finding, Kind, Result, RouteEvidence, is_past


def proof_controls(proof: Proof) -> Iterator[Control]:
    """The proof, who owns each check, and the expectations."""
    excess = [Finding(message=one.message, resource=one.rule.urn if one.rule else "") for one in proof.excess]
    blocked = [Finding(message=one.message, resource=one.rule.urn) for one in proof.blocked]
    unknown = [Finding(message=one.message) for one in proof.unproven]
    yield Control(
        id="proof",
        kind=Kind.PROOF,
        criteria=("CC6.1", "CC6.3", "CC6.6"),
        description="What all gates let through together is exactly what is declared.",
        result=Result.VIOLATED if excess or blocked else Result.UNDECIDED if unknown else Result.HOLDS,
        reason="" if excess or blocked or not unknown else "something that decides is not known before the update",
        whole_stack=True,
        findings=(*excess, *blocked, *unknown),
    )
    overlaps = [Finding(message=one.message, resource=one.owners[-1].rule.urn if one.owners else "") for one in proof.overlaps]
    yield Control(
        id="owners-of-checks",
        kind=Kind.PROOF,
        criteria=("CC6.1",),
        description="On every path exactly one gate checks who people are, and one which requests services send.",
        result=Result.VIOLATED if overlaps else Result.HOLDS if proof.checks else Result.NOT_APPLICABLE,
        reason="" if proof.checks else "no path needs such a check",
        whole_stack=True,
        findings=tuple(overlaps),
    )
    failed = [Finding(message=f"{one.expectation}: {one.message}") for one in proof.failed]
    yield Control(
        id="expectations",
        kind=Kind.EXPECTATIONS,
        criteria=("CC6.6", "CC8.1"),
        description="The access file's allow and deny tests hold; they run with every proof.",
        result=Result.VIOLATED if failed else Result.HOLDS if proof.expectations else Result.NOT_APPLICABLE,
        reason="" if proof.expectations else "the access file has no expectations",
        whole_stack=True,
        findings=tuple(failed),
    )


def routes_of(access: Access) -> Iterator[RouteEvidence]:
    """The routes as an auditor looks at them: who, where, why, who answers for it, until when."""
    owners = {one.name: one.owner for one in access.principals}
    for one in access.routes:
        yield RouteEvidence(
            name=one.name,
            principals=one.from_,
            destinations=one.to,
            reason=one.reason,
            owners=tuple(dict.fromkeys(owner for name in one.from_ if (owner := owners.get(name)))),
            session=one.session or "",
            expires=one.expires,
            exception=_exception(one),
        )


def _exception(route: Route) -> ExceptionEvidence | None:
    one = route.exception
    return None if one is None else ExceptionEvidence(reason=one.reason, approved_by=one.approved_by, expires=one.expires)


def route_controls(stack: Stack, access: Access, evaluated: Evaluated) -> Iterator[Control]:
    """Whether each route has somebody who answers for it and is not over; and the exceptions among them."""
    declaration = tuple(one.urn for one in stack.of_type(ACCESS))
    found = list(_flaws(access, evaluated, declaration[0] if declaration else ""))
    yield Control(
        id="routes",
        kind=Kind.ROUTES,
        criteria=("CC6.1", "CC6.2", "CC6.3"),
        description="Every access is declared, with its reason and somebody who answers for it, and none is kept beyond its end.",
        result=Result.VIOLATED if found else Result.HOLDS if access.routes else Result.NOT_APPLICABLE,
        reason="" if access.routes else "no route is declared",
        resources=declaration,
        findings=tuple(found),
    )
    held = exemptions(access, evaluated.as_of.astimezone(UTC).date())
    yield Control(
        id="exceptions",
        kind=Kind.EXCEPTIONS,
        criteria=("CC6.3",),
        description="Access above a clearance is an exception that somebody approved, and that ends.",
        result=Result.HOLDS if held else Result.NOT_APPLICABLE,
        reason="" if held else "no exception is in force",
        resources=declaration if held else (),
    )


def _flaws(access: Access, evaluated: Evaluated, urn: str) -> Iterator[Finding]:
    owners = {one.name: one.owner for one in access.principals}
    for route in access.routes:
        nobody = [name for name in route.from_ if not owners.get(name)]
        if nobody:
            yield Finding(message=f"route {route.name}: nobody answers for {', '.join(nobody)}", resource=urn)
        if is_past(route.expires, evaluated.as_of):
            yield Finding(message=f"route {route.name} ended on {route.expires} and is still declared", resource=urn)


def identity_control(found: Sequence[IdentityFinding], compared: Iterable[str]) -> Control:
    """The comparison of identity over systems; `compared` are the resources that say something of it."""
    errors = [Finding(message=str(one), resource=one.urn) for one in found if one.severity is Severity.ERROR]
    return Control(
        id="identity",
        kind=Kind.IDENTITY,
        criteria=("CC6.1", "CC6.2", "CC6.3"),
        description="Identity provider, clouds, Airflow and gates say the same of people's groups and of tasks' roles.",
        result=Result.VIOLATED if errors else Result.HOLDS,
        resources=tuple(dict.fromkeys(compared)),
        findings=tuple(errors),
    )


def change_control(evaluated: Evaluated) -> Control:
    """Which change was evaluated: the commit that reviewers saw."""
    if not evaluated.commit:
        result, reason = Result.UNDECIDED, "the project is in no git repository: nothing says which change this is"
    elif evaluated.changed:
        result, reason = Result.UNDECIDED, f"files differ from commit {evaluated.commit}: nobody can have reviewed them"
    else:
        result, reason = Result.HOLDS, ""
    return Control(
        id="change",
        kind=Kind.CHANGE,
        criteria=("CC8.1",),
        description="What was evaluated is a commit. Who approved it is told by the repository and the sign-offs.",
        result=result,
        reason=reason,
        whole_stack=True,
    )
