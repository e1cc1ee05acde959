"""People: groups that nobody declares, that are not there, and that are called differently from system to system."""

from collections.abc import Iterator

from ..access.errors import nearest
from ..access.model import Access
from .findings import IdentityFinding, Kind, Severity
from .plan import People
from .read import IdentityReading
from .read_elsewhere import Named


def people_findings(access: Access, reading: IdentityReading, people: tuple[People, ...]) -> Iterator[IdentityFinding]:
    """What is found about groups, in every system."""
    declared = tuple(dict.fromkeys(one.group for one in people))
    others = frozenset(name for told in reading.told for name in told.listed("otherGroups"))
    yield from _provider_groups(reading, declared, others)
    yield from _missing_groups(access, reading, declared)
    yield from _device_groups(reading, people, others)
    yield from _scim_groups(reading, people, others)


def _provider_groups(reading: IdentityReading, declared: tuple[str, ...], others: frozenset[str]) -> Iterator[IdentityFinding]:
    for group in reading.groups:
        if group.name is None or group.name in declared or group.name in others:
            continue
        yield IdentityFinding(
            Severity.ERROR,
            Kind.ORPHAN,
            group.system,
            group.name,
            group.resource.urn,
            f'group "{group.name}" ({group.resource.name}) is declared by no principal{nearest(group.name, declared)}',
            "declare a principal with this group, take the group away, or name it in other_groups",
        )


def _missing_groups(access: Access, reading: IdentityReading, declared: tuple[str, ...]) -> Iterator[IdentityFinding]:
    made = {group.name for group in reading.groups}
    if None in made:
        return
    kind = next((told.provider for told in reading.told), access.identity_provider.kind if access.identity_provider else "oidc")
    brought = {name for told in reading.told for name, entry in told.mapping("groups").items() if not _managed(entry)}
    for group in declared:
        if kind != "oidc" and group not in made and group not in brought:
            # Without a component nobody promised to make them here.
            severity = Severity.ERROR if reading.told else Severity.WARNING
            urn = reading.told[0].resource.urn if reading.told else ""
            message = f'group "{group}" is declared, and the stack neither makes it nor names it as made elsewhere'
            fix = "give the Identity component the same access file, or the group's id in existing_groups"
            yield IdentityFinding(severity, Kind.MISSING, kind, group, urn, message, fix)


def _managed(entry: object) -> bool:
    return isinstance(entry, dict) and entry.get("managed") is True


def _device_groups(reading: IdentityReading, people: tuple[People, ...], others: frozenset[str]) -> Iterator[IdentityFinding]:
    yield from _named(
        "fortigate",
        "user group",
        reading.device_groups,
        {one.group: one.user_group for one in people},
        others,
        bool(reading.told),
    )


def _scim_groups(reading: IdentityReading, people: tuple[People, ...], others: frozenset[str]) -> Iterator[IdentityFinding]:
    known = {one.name: one.group for one in reading.scim_groups if one.group is not None}
    for one in reading.scim_groups:
        if one.group is None and one.name not in known:
            yield IdentityFinding(
                Severity.WARNING,
                Kind.UNKNOWN,
                "zpa",
                one.name,
                one.resource.urn,
                f'SCIM group {one.name} in rule "{one.resource.name}" is no group that a component of this stack names',
                "declare the route and let ZpaGate write the rule, or look the group up and check whose it is",
            )
    yield from _named("zpa", "SCIM group", reading.scim_groups, {one.group: one.scim_group for one in people}, others, False)


def _named(
    system: str,
    what: str,
    found: tuple[Named, ...],
    declared: dict[str, str],
    others: frozenset[str],
    names_told: bool,
) -> Iterator[IdentityFinding]:
    """Groups of another system that stand for nobody declared, or for somebody else than was said."""
    owners = {name: group for group, name in declared.items()}
    for one in found:
        if one.group is None or one.group in others:
            continue
        at = f"{one.resource.name}{f'.{one.position}' if one.position else ''}"
        expected = owners.get(one.name)
        if expected is not None and one.group != expected:
            yield IdentityFinding(
                Severity.ERROR,
                Kind.DRIFT,
                system,
                one.name,
                one.resource.urn,
                f'{what} "{one.name}" stands for "{one.group}" ({at}), and for "{expected}" in the access file',
                f'let it match "{expected}", or give the names in both components alike',
            )
        elif one.group not in declared:
            yield IdentityFinding(
                Severity.ERROR,
                Kind.ORPHAN,
                system,
                one.name,
                one.resource.urn,
                f'{what} "{one.name}" stands for "{one.group}" ({at}), which no principal declares{nearest(one.group, declared)}',
                "declare a principal with this group, or take it away",
            )
        elif names_told and expected is None:
            yield IdentityFinding(
                Severity.ERROR,
                Kind.DRIFT,
                system,
                one.name,
                one.resource.urn,
                f'{what} "{one.name}" is a second one for "{one.group}" ({at}), which is "{declared[one.group]}" elsewhere',
                f'use "{declared[one.group]}", or give the name in user_groups of the Identity component',
            )
