"""What ZPA would refuse, or could never match: found in the arguments, each with its place and its fix."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from typing import Any

from ...access.model import Access, Destination, Principal
from ...errors import Problems
from . import names
from .site import LOG_TYPES, LogReceiver, Site

_NEVER = "tasks have no user and no device that ZPA knows of: it can never match a service account"


def check_site(access: Access, site: Site, problems: Problems) -> None:
    """Notes every problem of the arguments beside the routes."""
    if not names.takes_name(f"{site.prefix}x"):
        problems.add("prefix", f"{site.prefix!r}: ZPA takes letters, digits, and . - _ in names")
    _connectors(access, site, problems)
    _workloads(site, problems)
    _people(access, site, problems)
    for number, receiver in enumerate(site.log_receivers):
        for where, message in _receiver(receiver, site):
            problems.add(f"log_receivers[{number}].{where}", message)


def leads_here(access: Access, site: Site, zone: str) -> bool:
    """Whether a zone lists the gate."""
    return zone in access.zones and site.name in access.zones[zone].gates


def _connectors(access: Access, site: Site, problems: Problems) -> None:
    for zone, group in site.connectors.items():
        path = f"connectors[{zone}]"
        if zone not in access.zones:
            problems.add(path, f"no zone {zone!r}; zones: {', '.join(sorted(access.zones)) or 'none'}")
        elif not leads_here(access, site, zone):
            problems.add(path, f"zone {zone!r} does not list {site.name!r} among its gates")
        for key, value, most in (("latitude", group.latitude, 90), ("longitude", group.longitude, 180)):
            if not -most <= value <= most:
                problems.add(f"{path}.{key}", f"{value} is no {key}: {-most} to {most} degrees")
        if len(group.country_code) != 2 or not group.country_code.isalpha() or not group.country_code.isupper():
            problems.add(f"{path}.country_code", f"{group.country_code!r}: write two capitals (ISO 3166-1), as in DE")
        if group.key_uses < 1:
            problems.add(f"{path}.key_uses", f"{group.key_uses}: at least one App Connector must be able to enrol")
        if not 0 <= group.upgrade_second < 86400 or group.upgrade_second % 900:
            problems.add(f"{path}.upgrade_second", f"{group.upgrade_second}: seconds since midnight, in steps of 900")
        for cidr in group.cidrs:
            _cidr(problems, f"{path}.cidrs", cidr)


def _cidr(problems: Problems, path: str, text: str) -> None:
    try:
        ip_network(text)
    except ValueError:
        problems.add(path, f"{text!r} is no CIDR without host bits; write 10.50.0.0/28")


def _workloads(site: Site, problems: Problems) -> None:
    for environment, workload in site.workloads.items():
        _one_of(problems, f"workloads[{environment}]", {"name": workload.name, "group_id": workload.group_id})
    ids: dict[Any, str] = {}
    for environment, workload in site.workloads.items():
        key = (type(workload), workload.name, workload.group_id)
        if key in ids:
            message = f"the same group as {ids[key]!r}: ZPA could not tell the two environments apart; give each its own"
            problems.add(f"workloads[{environment}]", message)
        ids.setdefault(key, environment)


def _one_of(problems: Problems, path: str, given: dict[str, str | None]) -> None:
    if sum(value is not None and value != "" for value in given.values()) != 1:
        problems.add(path, f"give exactly one of {' and '.join(given)}")


def _people(access: Access, site: Site, problems: Problems) -> None:
    people = {one.name: one for one in access.principals if one.is_people}
    for principal, postures in site.postures.items():
        path = f"postures[{principal}]"
        if principal != "*" and principal not in people:
            workload = any(one.name == principal for one in access.principals)
            problems.add(path, f"{principal!r} are tasks, not people; {_NEVER}" if workload else f"no principal {principal!r}")
        for number, posture in enumerate(postures):
            _one_of(problems, f"{path}[{number}]", {"name": posture.name, "udid": posture.udid})
    provider = site.identity_provider
    if provider is None:
        return
    _one_of(problems, "identity_provider", {"name": provider.name, "idp_id": provider.idp_id})
    groups = {one.group for one in people.values()}
    accounts = {one.service_account or one.name for one in access.principals if not one.is_people}
    for key, given in (("group_names", provider.group_names), ("group_ids", provider.group_ids)):
        for group in given:
            if group not in groups:
                why = f"is a service account; {_NEVER}" if group in accounts else "is no group of a principal"
                problems.add(f"identity_provider.{key}[{group}]", f"{group!r} {why}")


def _receiver(one: LogReceiver, site: Site) -> Iterator[tuple[str, str]]:
    if not 1 <= one.port <= 65535:
        yield "port", f"{one.port}: ports go from 1 to 65535"
    if not one.host:
        yield "host", "empty: name the receiver"
    if one.zone not in site.connectors:
        yield "zone", f"no App Connectors for zone {one.zone!r}; connectors: {', '.join(sorted(site.connectors)) or 'none'}"
    if not one.log_types:
        yield "log_types", "empty: name what is to be sent"
    for kind in one.log_types:
        if kind not in LOG_TYPES:
            yield "log_types", f"{kind!r} is no log type; they are {', '.join(LOG_TYPES)}"
    for kind in one.formats:
        if kind not in one.log_types:
            yield f"formats[{kind}]", "is not among log_types"


def check_destination(one: Destination, problems: Problems) -> None:
    """Notes what of a destination no application segment can say."""
    path = f"destinations[{one.name}]"
    for text, (protocol, first, _) in zip(one.ports, one.services(), strict=True):
        if protocol not in ("tcp", "udp", "icmp"):
            problems.add(f"{path}.ports", f"{text!r}: ZPA carries TCP, UDP and ICMP; send it through another gate")
        elif protocol != "icmp" and first == 0:
            problems.add(f"{path}.ports", f"{text!r}: ZPA takes ports 1–65535")
    for network in one.networks():
        if network.version != 4:
            message = f"{network}: application segments take IPv4 networks and names; write the destination's hosts instead"
            problems.add(f"{path}.cidrs", message)
        elif network.prefixlen == 0:
            problems.add(f"{path}.cidrs", f"{network} is every address: name the networks that are meant")


def check_person(principal: Principal, site: Site, problems: Problems) -> bool:
    """Whether people can be known to ZPA; a problem where not."""
    if site.identity_provider is None:
        problems.add("identity_provider", f"missing, but principal {principal.name!r} are people: give the one ZPA knows them by")
        return False
    return True


def environments_of(principal: Principal, site: Site, problems: Problems) -> Sequence[str]:
    """The environments whose tasks a principal is; a problem for each that ZPA has no way to know."""
    path = f"principals[{principal.name}]"
    if principal.environment is None:
        if not site.workloads:
            problems.add(
                "workloads", f"empty, but principal {principal.name!r} is tasks: give each environment's Cloud Connector"
            )
        return list(site.workloads)
    if principal.environment not in site.workloads:
        known = ", ".join(sorted(site.workloads)) or "none"
        message = f"no Cloud Connector or machine group for environment {principal.environment!r}; workloads: {known}"
        problems.add(f"{path}.environment", message)
        return []
    return [principal.environment]
