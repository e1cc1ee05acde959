"""How people sign in at a FortiGate: what has to be told of the identity provider, and the user groups that come of it. Pure.

Only people sign in. A task has no browser: a policy with a user group never matches it (FortiOS 7.4 administration guide,
"Authentication policies"), so that whoever asks for one is refused here; what tells a workload apart is its source address.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...access.errors import nearest
from ...access.model import Access, Principal, Route
from ...access.values import duration_text, parse_duration
from ...errors import Problems
from . import names
from .plan import Site, UserGroup

if TYPE_CHECKING:
    import pulumi

LONGEST_SIGN_IN = 1440
"""Minutes of `auth-timeout` in `config user setting` (FortiOS 7.4, "User and user group timeouts")."""
LONGEST_GROUP_SIGN_IN = 43200
"""Minutes of `authtimeout` in `config user group` (the same page)."""
LONGEST_URL = 255
LONGEST_ATTRIBUTE = 255
LONGEST_GROUP_VALUE = 511
"""`config user saml`, and `group-name` of `config match` in `config user group` (FortiOS 7.4 CLI reference)."""
TOLERANCE = 300
"""Seconds; `clock-tolerance` of `config user saml`."""

_ENTRA_ID = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEADLESS = (
    "a task cannot sign in, so that a policy with a user group never matches it; a FortiGate knows workloads by source address"
)


@dataclass(frozen=True, kw_only=True)
class SamlIdentity:
    """The identity provider that people sign in with at a FortiGate (SAML 2.0), with the FortiGate as service provider.

    Makes one user group for each group whose routes pass the gate. The application at the identity provider has to know
    `metadata_url`, `login_url` and `logout_url`, and to sign both the response and the assertion (FortiOS 7.2.12, 7.4.9 and
    7.6.4 refuse others, later versions can).
    """

    portal: str
    """The FortiGate's authentication portal as people reach it: `https://firewall.corp.example:1003` (1003 is FortiOS's port)."""
    idp_entity_id: "pulumi.Input[str]"
    idp_single_sign_on_url: "pulumi.Input[str]"
    idp_certificate: "pulumi.Input[str]"
    """The name that the device has for the certificate that the identity provider signs with. RSA: FortiOS takes no ECDSA."""
    idp_single_logout_url: "pulumi.Input[str] | None" = None
    certificate: "pulumi.Input[str] | None" = None
    """The name that the device has for the certificate that it signs its own requests with; they are not signed without it."""
    portal_certificate: "pulumi.Input[str] | None" = None
    """The name that the device has for the portal's own certificate; the device's default without it."""
    group_values: "Mapping[str, pulumi.Input[str]]" = field(default_factory=dict)
    """Group of the identity provider → what an assertion calls it. Okta sends names, Entra object ids; without it, its name."""
    user_attribute: str = "username"
    """The attribute of an assertion that names the person."""
    group_attribute: str = "group"
    """The attribute of an assertion that lists the groups."""
    clock_tolerance: int = 15
    """Seconds that the two clocks may differ: 0–300."""
    sign_in: str = "8h"
    """How long a sign-in lasts where no route of the group says a `session`: up to 1 day."""
    server: str | None = None
    """The name of the SAML server on the device; the prefix and `idp` without it."""
    settings: bool = True
    """Whether this gate owns `config user setting`, of which each VDOM has one. Off for all but one gate of a VDOM."""

    @property
    def metadata_url(self) -> str:
        """The FortiGate's entity id: Entra's "Identifier", Okta's "Audience URI"."""
        return f"{self.portal}/remote/saml/metadata/"

    @property
    def login_url(self) -> str:
        """Where assertions are posted: Entra's "Reply URL", Okta's "Single sign-on URL"."""
        return f"{self.portal}/remote/saml/login/"

    @property
    def logout_url(self) -> str:
        """Where people are sent to sign out."""
        return f"{self.portal}/remote/saml/logout/"

    def value_of(self, group: str) -> "pulumi.Input[str]":
        """What an assertion calls a group of the identity provider."""
        return self.group_values.get(group, group)

    def server_name(self, prefix: str) -> str:
        """The SAML server's name on the device."""
        return self.server or names.device_name(names.SAML_NAME, f"{prefix}idp")


def device_group(site: Site, group: str, path: str, problems: Problems) -> str:
    """The user group on the device for a group of the identity provider; a problem where its name is too long."""
    given = site.user_groups.get(group)
    if given is None and site.saml is not None:
        return names.device_name(names.USER_GROUP_NAME, f"{site.prefix}{group}")
    found = group if given is None else given
    if not 0 < len(found) <= names.USER_GROUP_NAME:
        fix = "give the FortiGate's name for it in user_groups"
        what = f"over {names.USER_GROUP_NAME} characters, a user group's limit" if found else "no name"
        problems.add(f"{path}.group", f"{found!r} is {what}: {fix}")
    return found


def user_groups(access: Access, site: Site, problems: Problems) -> dict[str, UserGroup]:
    """The user groups to make, by name: those whose routes pass the gate. Empty where the device has its groups already."""
    if site.saml is None:
        return {}
    found: dict[str, UserGroup] = {}
    for principal, route in _people_here(access, site):
        group = principal.group or ""
        name = device_group(site, group, f"principals[{principal.name}]", problems)
        before = found.get(name)
        if before is not None and before.group != group:
            problems.add("user_groups", f"{name!r} would be both {before.group!r} and {group!r}: give them different names")
        minutes = _minutes(route, site.saml, problems)
        found[name] = UserGroup(name, group, min(minutes, before.minutes) if before else minutes)
    return found


def shortest(groups: Mapping[str, UserGroup], identity: SamlIdentity) -> int:
    """Minutes that a sign-in lasts for the VDOM as a whole.

    A person of several groups gets this one instead of the groups' own (FortiOS says so of RADIUS), so that it is the shortest.
    """
    return min([LONGEST_SIGN_IN, _length(identity.sign_in), *(one.minutes for one in groups.values())])


def _people_here(access: Access, site: Site) -> Iterator[tuple[Principal, Route]]:
    """Each people of each route that passes the gate."""
    people = {one.name: one for one in access.principals if one.group is not None}
    zones = {one.name: access.zones.get(one.zone) for one in access.destinations}
    for route in access.routes:
        if any((zone := zones.get(name)) is not None and site.name in zone.gates for name in route.to):
            yield from ((people[name], route) for name in route.from_ if name in people)


def _minutes(route: Route, identity: SamlIdentity, problems: Problems) -> int:
    session = route.session_length()
    if session is None:
        return _length(identity.sign_in)
    minutes = int(session.total_seconds() // 60)
    if minutes > LONGEST_GROUP_SIGN_IN:
        longest = duration_text(timedelta(minutes=LONGEST_GROUP_SIGN_IN))
        problems.add(f"routes[{route.name}].session", f"{route.session!r} is over {longest}, the longest sign-in of a user group")
    return minutes


def _length(text: str) -> int:
    """Minutes; 1 for what is no duration, which is told elsewhere."""
    try:
        return max(1, int(parse_duration(text).total_seconds() // 60))
    except ValueError:
        return 1


# What cannot be


def check(access: Access, site: Site, problems: Problems) -> None:
    """Everything of the people's side that the device would refuse, or that could never match."""
    if site.people_interface is not None and site.people_interface in site.tunnels:
        problems.add("people_interface", f"{site.people_interface!r} is where the environments come in: {_HEADLESS}; use another")
    _check_groups("user_groups", site.user_groups, access, problems)
    if site.saml is not None:
        _check_server(site.saml, site.prefix, problems.add)
        _check_values(site.saml, access, site, problems)


def _check_groups(where: str, mapping: Mapping[str, Any], access: Access, problems: Problems) -> None:
    """No workload among the groups."""
    people = {one.group for one in access.principals if one.group is not None}
    workloads = {name: one for one in access.principals if one.group is None for name in (one.name, one.service_account) if name}
    for group in mapping:
        if group in workloads and group not in people:
            problems.add(f"{where}[{group}]", f"{workloads[group].name!r} are workloads: {_HEADLESS}; leave it out")


def _check_server(identity: SamlIdentity, prefix: str, add: Callable[[str, str], None]) -> None:
    _check_portal(identity, add)
    for key in ("idp_entity_id", "idp_single_sign_on_url", "idp_single_logout_url"):
        _check_text(f"saml.{key}", getattr(identity, key), LONGEST_URL, add)
    for key in ("idp_single_sign_on_url", "idp_single_logout_url"):
        url = getattr(identity, key)
        if isinstance(url, str) and url and not url.startswith("https://"):
            add(f"saml.{key}", f"{url!r} is not encrypted: write an https URL")
    for key in ("idp_certificate", "certificate", "portal_certificate"):
        _check_text(f"saml.{key}", getattr(identity, key), names.CERTIFICATE_NAME, add)
    for key in ("user_attribute", "group_attribute"):
        _check_text(f"saml.{key}", getattr(identity, key), LONGEST_ATTRIBUTE, add)
    _check_text("saml.server", identity.server_name(prefix), names.SAML_NAME, add)
    if not 0 <= identity.clock_tolerance <= TOLERANCE:
        add("saml.clock_tolerance", f"{identity.clock_tolerance} seconds; FortiOS takes 0–{TOLERANCE}")
    try:
        minutes = int(parse_duration(identity.sign_in).total_seconds() // 60)
    except ValueError as error:
        add("saml.sign_in", str(error))
    else:
        if not 1 <= minutes <= LONGEST_SIGN_IN:
            add("saml.sign_in", f"{identity.sign_in!r} is {minutes} minutes; FortiOS takes 1–{LONGEST_SIGN_IN}")


def _check_portal(identity: SamlIdentity, add: Callable[[str, str], None]) -> None:
    try:
        parts = urlsplit(identity.portal)
        sound = parts.scheme == "https" and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        sound = False
    if not sound or identity.portal != f"https://{parts.netloc}" or "@" in identity.portal:
        add("saml.portal", f"{identity.portal!r}: write scheme, host and port alone, as in https://firewall.corp.example:1003")
    elif len(identity.metadata_url) > LONGEST_URL:
        add("saml.portal", f"makes URLs of {len(identity.metadata_url)} characters; FortiOS takes {LONGEST_URL}")


def _check_text(path: str, value: Any, limit: int, add: Callable[[str, str], None]) -> None:
    """Of what is known beforehand."""
    if isinstance(value, str) and not 1 <= len(value) <= limit:
        add(path, f"{value!r} has {len(value)} characters; FortiOS takes 1–{limit}")


def _check_values(identity: SamlIdentity, access: Access, site: Site, problems: Problems) -> None:
    people = {one.group for one in access.principals if one.group is not None}
    workloads = {name for one in access.principals if one.group is None for name in (one.name, one.service_account)}
    _check_groups("saml.group_values", identity.group_values, access, problems)
    called: dict[str, str] = {}
    for group, value in identity.group_values.items():
        path = f"saml.group_values[{group}]"
        if group not in people and group not in workloads:
            problems.add(path, f"no principal has the group {group!r}{nearest(group, people)}")
        _check_text(path, value, LONGEST_GROUP_VALUE, problems.add)
    for group in sorted({one.group or "" for one, _ in _people_here(access, site)}):
        value = identity.value_of(group)
        if not isinstance(value, str):
            continue
        if value in called:
            message = f"{value!r} is already what an assertion calls {called[value]!r}: the device could not tell the two apart"
            problems.add(f"saml.group_values[{group}]", message)
        called.setdefault(value, group)
        if _is_entra(access) and group not in identity.group_values and not _ENTRA_ID.fullmatch(group):
            fix = "write the object id (or the name, where the application sends names)"
            problems.add(f"saml.group_values[{group}]", f"missing: Entra calls its groups by object id in assertions; {fix}")


def _is_entra(access: Access) -> bool:
    return access.identity_provider is not None and access.identity_provider.kind == "entra"
