"""Workloads: whether the AWS roles that tasks may assume let in the declared DAGs and tasks, and nobody else."""

from collections.abc import Iterator

from ..access import globs
from ..access.model import Access, Principal
from .documents import Principal as Caller
from .findings import IdentityFinding, Kind, Severity
from .plan import principal_pairs
from .read import IdentityReading
from .read_aws import Admission, TaskRole, broad

Pairs = tuple[tuple[str, str], ...]


def task_findings(access: Access, reading: IdentityReading) -> Iterator[IdentityFinding]:
    """What is found about roles that tasks may assume."""
    owners = dict(_owners(access, reading))
    others = frozenset(name for told in reading.told for name in told.listed("otherRoles"))
    here = set()
    for role in reading.task_roles:
        principal = owners.get(role.name)
        if principal is not None:
            here.add(principal.name)
            yield from _of_principal(role, principal)
        elif role.name not in others:
            yield from _orphan(role)
    for told in reading.told:
        for principal in access.principals:
            if not principal.is_people and principal.name not in here:
                yield IdentityFinding(
                    Severity.ERROR,
                    Kind.MISSING,
                    "aws",
                    principal.name,
                    told.resource.urn,
                    f'principal "{principal.name}" has no AWS role that its tasks could assume',
                    "give the Identity component the same access file as the declaration",
                )


def _owners(access: Access, reading: IdentityReading) -> Iterator[tuple[str, Principal]]:
    """AWS role's name → the principal that it is for."""
    principals = {one.name: one for one in access.principals if not one.is_people}
    for told in reading.told:
        for name, entry in told.mapping("workloads").items():
            role = entry.get("awsRole") if isinstance(entry, dict) else None
            if name in principals and isinstance(role, str):
                yield role, principals[name]


def _of_principal(role: TaskRole, principal: Principal) -> Iterator[IdentityFinding]:
    if role.unknown:
        yield IdentityFinding(
            Severity.WARNING,
            Kind.UNKNOWN,
            "aws",
            role.name,
            role.resource.urn,
            f'whom AWS role "{role.name}" of "{principal.name}" lets in is not known before the update',
            "prove again from the state after the update",
        )
        return
    declared = principal_pairs(principal)
    for admission in role.admissions:
        yield from _callers(role, principal, admission)
        if admission.dags is None or admission.tasks is None:
            missing = "dag_id" if admission.dags is None else "task_id"
            yield _error(
                Kind.UNTAGGED,
                role,
                f'AWS role "{role.name}" of "{principal.name}" may be assumed without the session tag {missing}: any task can',
                f"demand it: Condition StringLike aws:RequestTag/{missing}, with the principal's globs",
            )
        else:
            beyond = _outside(_pairs(admission), declared)
            if beyond:
                yield _error(
                    Kind.WIDER,
                    role,
                    f'AWS role "{role.name}" of "{principal.name}" lets in {beyond}, which the principal does not cover',
                    "demand session tags of the principal's DAGs and tasks alone",
                )
    admitted = tuple(pair for one in role.admissions if one.dags is not None for pair in _pairs(one))
    lacking = None if any(one.dags is None or one.tasks is None for one in role.admissions) else _outside(declared, admitted)
    if lacking:
        yield _error(
            Kind.NARROWER,
            role,
            f'AWS role "{role.name}" does not let in {lacking}, a task of "{principal.name}"',
            "demand session tags of all of the principal's DAGs and tasks",
        )


def _callers(role: TaskRole, principal: Principal, admission: Admission) -> Iterator[IdentityFinding]:
    """Whoever else than the principal's environment may assume the role."""
    for caller in admission.callers:
        environment = role.environments.get(caller.name)
        at_home = environment is not None and principal.environment in (None, environment)
        if caller.kind == "AWS" and at_home:
            continue
        yield _error(
            Kind.WIDER,
            role,
            f'AWS role "{role.name}" of "{principal.name}" may be assumed by {_said(caller, environment)}',
            "trust the role that the environment's tasks run with, and nobody else",
        )


def _said(caller: Caller, environment: str | None) -> str:
    if environment is not None:
        return f"tasks of environment {environment}, where the principal is not"
    if not caller.name:
        return "somebody who is not known yet"
    return f"anybody of {caller.name}" if broad(caller) and caller.kind != "*" else "anybody" if broad(caller) else caller.name


def _orphan(role: TaskRole) -> Iterator[IdentityFinding]:
    """A role that no principal has."""
    environments = sorted(
        {role.environments[one.name] for each in role.admissions for one in each.callers if one.name in role.environments}
    )
    where = f"tasks of {', '.join(environments)}" if environments else "an environment's tasks"
    yield _error(
        Kind.ORPHAN,
        role,
        f'AWS role "{role.name}" may be assumed by {where}, and is no declared principal\'s',
        "declare a principal for these tasks, take the trust away, or name the role in other_roles",
    )


def _pairs(admission: Admission) -> Pairs:
    return tuple((dag, task) for dag in admission.dags or () for task in admission.tasks or ())


def _outside(inner: Pairs, outer: Pairs) -> str | None:
    """A task of some pair of `inner` that no pair of `outer` covers, as `dag.task`; None when there is none.

    Where the globs are too entangled to tell, the pair itself is the answer: better one finding too many than one too few.
    """
    for pair in inner:
        try:
            found = globs.uncovered((pair,), outer)
        except globs.GlobBudgetError:
            found = pair
        if found:
            return ".".join(found)
    return None


def _error(kind: Kind, role: TaskRole, message: str, fix: str) -> IdentityFinding:
    return IdentityFinding(Severity.ERROR, kind, "aws", role.name, role.resource.urn, message, fix)
