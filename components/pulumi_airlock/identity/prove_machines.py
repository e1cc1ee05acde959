"""Service accounts at Zscaler: the groups of machines of their environments, which are all that it tells them apart by."""

from collections.abc import Iterator

from ..access.model import Access, Principal
from .findings import IdentityFinding, Kind, Severity
from .read import IdentityReading
from .read_elsewhere import Machines


def machine_findings(access: Access, reading: IdentityReading) -> Iterator[IdentityFinding]:
    """What is found about groups of machines."""
    environments = {name for told in reading.told for name in told.mapping("environments")}
    shared: dict[str, set[str]] = {}
    for one in reading.machines:
        if one.environment is None:
            yield _finding(
                one,
                Severity.WARNING,
                Kind.UNKNOWN,
                f'group of machines {one.id} in rule "{one.resource.name}" is for no environment that a component names',
                "declare the route and let ZpaGate write the rule, or look the group up and check whose it is",
            )
            continue
        shared.setdefault(one.id, set()).add(one.environment)
        if reading.told and one.environment not in environments:
            yield _finding(
                one,
                Severity.ERROR,
                Kind.DRIFT,
                f'group of machines {one.id} is for environment "{one.environment}", which the Identity component does not have',
                "give both components the same environments",
            )
    for one in reading.machines:
        both = sorted(shared.pop(one.id, ()))
        if len(both) > 1:
            accounts = ", ".join(_account(each) for each in access.principals if _runs_in(each, both))
            # A coarse gate is no fault as long as another one on the path tells them apart: the network's proof knows.
            yield _finding(
                one,
                Severity.WARNING,
                Kind.SHARED,
                f"group of machines {one.id} is for {' and '.join(both)}: ZPA cannot tell {accounts} apart",
                "give each environment a Cloud Connector or machine group of its own",
            )


def _runs_in(principal: Principal, environments: list[str]) -> bool:
    return not principal.is_people and principal.environment in (None, *environments)


def _account(principal: Principal) -> str:
    return principal.service_account or principal.name


def _finding(one: Machines, severity: Severity, kind: Kind, message: str, fix: str) -> IdentityFinding:
    return IdentityFinding(severity, kind, "zpa", one.id, one.resource.urn, message, fix)
