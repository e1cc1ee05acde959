"""Policies on the declared access itself: what the `Access` component of a stack registers as its `document`.

They judge each route as it is written. Whether the gates enforce it is the business of the `access-proof` pack.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pulumi_airlock.tokens import ACCESS
from pulumi_policy import EnforcementLevel, Severity

from .controls import Soc2
from .dates import TODAY, day_of, judged_on, length_of
from .fortigate import POLICY, accepts
from .reading import UNKNOWN, Resource, Stack, of_kind
from .registry import Config, Findings, setting, stack_policy, undecided, wrong

_CONFIDENTIAL = {"classes": setting("Classes of destinations that count as confidential.", ["confidential"])}

Entry = Mapping[str, Any]


def _entries(stack: Stack, section: str) -> Iterator[tuple[Resource, str, Any]]:
    """Each entry of a section of every declared document, with its path; `UNKNOWN` where the section is unknown."""
    for one in stack.of_type(ACCESS):
        if one.get("document", section) is UNKNOWN:
            yield one, f"document.{section}", UNKNOWN
            continue
        for index, entry in enumerate(one.get_list("document", section)):
            name = entry.get("name") if isinstance(entry, Mapping) else None
            yield one, f"{section}[{name if isinstance(name, str) else index}]", entry


def _each(stack: Stack, section: str, *deciding: str) -> Iterator[tuple[Resource, str, Entry | None]]:
    """Entries with all that decides known; None in place of one where some of it is not."""
    for one, path, entry in _entries(stack, section):
        if not isinstance(entry, Mapping):
            yield one, path, None
            continue
        hidden = [key for key in deciding if entry.get(key) is UNKNOWN]
        yield one, f"{path}.{hidden[0]}" if hidden else path, None if hidden else entry


@stack_policy(
    "access-route-not-expired",
    types=(ACCESS,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Take the route out of the access file, or have it approved again with a later `expires`.",
    settings=TODAY,
)
def route_not_expired(stack: Stack, config: Config) -> Findings:
    """No route is past its expiry: the gates would still hold it open."""
    for one, path, route in _each(stack, "routes", "expires"):
        if route is None:
            yield undecided(one, path)
        elif (day := day_of(route.get("expires"))) and day < judged_on(config):
            yield wrong(one, f"{path}.expires", f"was {day}")


@stack_policy(
    "access-route-expires-soon",
    types=(ACCESS,),
    severity=Severity.LOW,
    soc2=Soc2.CC6_3,
    fix="Ask the route's owner whether it is still needed.",
    level=EnforcementLevel.ADVISORY,
    settings=TODAY | {"days": setting("How long before its end a route is announced.", 30)},
)
def route_expires_soon(stack: Stack, config: Config) -> Findings:
    """Routes that end within a month are announced, so that no job stops by surprise."""
    for one, path, route in _each(stack, "routes", "expires"):
        if route is None:
            yield undecided(one, path)
        elif (day := day_of(route.get("expires"))) and 0 <= (day - judged_on(config)).days <= config["days"]:
            yield wrong(one, f"{path}.expires", f"is {day}")


@stack_policy(
    "access-confidential-expires",
    types=(ACCESS,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_3,
    fix="Give the route an `expires`, at most as far away as your access review.",
    settings=_CONFIDENTIAL,
)
def confidential_expires(stack: Stack, config: Config) -> Findings:
    """A route to confidential data ends some day, so that somebody has to want it again."""
    classes = _classes(stack)
    for one, path, route in _each(stack, "routes", "to", "expires"):
        if route is None:
            yield undecided(one, path)
            continue
        reached = [(name, classes.get((one.urn, name))) for name in route.get("to") or ()]
        secret = [name for name, kind in reached if kind is not UNKNOWN and kind in config["classes"]]
        if route.get("expires") is not None:
            continue
        if secret:
            yield wrong(one, path, f"leads to {', '.join(secret)} for ever: it has no `expires`")
        elif UNKNOWN in [kind for _, kind in reached]:
            yield undecided(one, f"{path}.to")


def _classes(stack: Stack) -> dict[tuple[str, Any], Any]:
    """The class of each destination, by document and name."""
    found = ((one, entry) for one, _, entry in _entries(stack, "destinations") if isinstance(entry, Mapping))
    return {(one.urn, entry.get("name")): entry.get("class") for one, entry in found}


@stack_policy(
    "access-window-has-session",
    types=(ACCESS,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Give the route a `session`: the longest connection, at most the window.",
)
def window_has_session(stack: Stack, _: Config) -> Findings:
    """A route that holds at certain times says how long a connection may last: it would outlive the window otherwise."""
    for one, path, route in _each(stack, "routes", "window", "session"):
        if route is None:
            yield undecided(one, path)
        elif route.get("window") and not route.get("session"):
            yield wrong(one, f"{path}.session", "is missing, and the route has a window")


@stack_policy(
    "access-session-within-window",
    types=(ACCESS,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Shorten the `session`, or widen the window.",
)
def session_within_window(stack: Stack, _: Config) -> Findings:
    """No session is longer than its route's window."""
    for one, path, route in _each(stack, "routes", "window", "session"):
        if route is None:
            yield undecided(one, path)
            continue
        session, window = length_of(route.get("session")), _length(route.get("window"))
        if window is UNKNOWN:
            yield undecided(one, f"{path}.window")
        elif session and window and session > window:
            yield wrong(one, f"{path}.session", f"is {route['session']}, and the window lasts {_hours(window)}")


@stack_policy(
    "access-window-scheduled",
    types=(ACCESS,),
    beside=(POLICY,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Give the policy the schedule of the route's window, or one that lies within it.",
)
def window_scheduled(stack: Stack, _: Config) -> Findings:
    """A FortiGate policy that was made for a route with a window has a schedule: its comment names the route."""
    windowed: set[str] = set()
    for one, path, route in _each(stack, "routes", "window"):
        if route is None:
            yield undecided(one, path)
        elif _length(route.get("window")):
            windowed.add(str(route.get("name")))
    for policy in of_kind(stack, POLICY):
        comment, schedule = policy.get("comments", default=""), policy.get("schedule", default="always")
        if not accepts(policy) or (schedule is not UNKNOWN and schedule != "always"):
            continue
        if UNKNOWN in (comment, schedule):
            yield undecided(policy, "comments" if comment is UNKNOWN else "schedule")
            continue
        named = [name for name in sorted(windowed) if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", str(comment))]
        if named:
            yield wrong(policy, "schedule", f"is always, and the route {named[0]} has a window")


def _length(window: Any) -> Any:
    """How long a weekly window lasts; None for a DAG run, which ends when it ends; `UNKNOWN` where an end is unknown."""
    if not isinstance(window, Mapping):
        return None
    first, last = window.get("from"), window.get("to")
    if UNKNOWN in (first, last):
        return UNKNOWN
    found = [re.fullmatch(r"(\d\d?):(\d\d)", str(text)) for text in (first, last)]
    if None in found:
        return None
    start, end = (timedelta(hours=int(one[1]), minutes=int(one[2])) for one in found if one)
    # An end at or before the start is on the next day.
    return end - start if end > start else end - start + timedelta(days=1)


def _hours(length: timedelta) -> str:
    hours, rest = divmod(int(length.total_seconds()), 3600)
    return f"{hours}h" + (f" {rest // 60}m" if rest else "")


@stack_policy(
    "access-credential-rotation",
    types=(ACCESS,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Set the access file's `rotation`, or the credential's `rotate`, to a cadence within the limit.",
    settings={
        "maximumDays": setting("Longest life of a credential.", 90),
        "shortLived": setting("Kinds that are issued for each connection, and need no cadence.", ["rds-iam", "gcp-iam"]),
    },
)
def credential_rotation(stack: Stack, config: Config) -> Findings:
    """Every credential of a route is renewed, and often enough."""
    for one, path, credential in _credentials(stack, "kind", "rotate"):
        everything = one.get("document", "rotation")
        said = credential.get("rotate") or everything if credential else None
        if credential is None:
            yield undecided(one, path)
        elif credential.get("kind") in config["shortLived"]:
            continue
        elif said is UNKNOWN:
            yield undecided(one, "document.rotation")
        elif (cadence := length_of(said)) is None:
            yield wrong(one, f"{path}.rotate", "is missing: the credential is never renewed")
        elif cadence > timedelta(days=config["maximumDays"]):
            yield wrong(one, f"{path}.rotate", f"is {said}; at most {config['maximumDays']:g}d")


@stack_policy(
    "access-no-static-credential",
    types=(ACCESS,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Use `vault`, `secrets-manager`, `rds-iam` or `gcp-iam`.",
)
def no_static_credential(stack: Stack, _: Config) -> Findings:
    """No route uses a credential that somebody typed in once."""
    for one, path, credential in _credentials(stack, "kind"):
        if credential is None:
            yield undecided(one, path)
        elif credential.get("kind") == "static":
            yield wrong(one, f"{path}.kind", "is static")


def _credentials(stack: Stack, *deciding: str) -> Iterator[tuple[Resource, str, Entry | None]]:
    for one, path, route in _each(stack, "routes", "credential"):
        credential = route.get("credential") if route else None
        if route is None:
            yield one, path, None
        elif isinstance(credential, Mapping):
            hidden = [key for key in deciding if credential.get(key) is UNKNOWN]
            yield one, f"{path}.credential" + (f".{hidden[0]}" if hidden else ""), None if hidden else credential


@stack_policy(
    "access-reason-ticket",
    types=(ACCESS,),
    severity=Severity.LOW,
    soc2=Soc2.CC8_1,
    fix="Name the ticket in which the access was approved.",
    settings={
        "pattern": setting("What a ticket looks like (a regular expression that is searched for).", r"\b[A-Z][A-Z0-9]+-\d+\b")
    },
)
def reason_ticket(stack: Stack, config: Config) -> Findings:
    """Every route names the ticket in which it was approved."""
    for one, path, route in _each(stack, "routes", "reason"):
        if route is None:
            yield undecided(one, path)
        elif not re.search(config["pattern"], str(route.get("reason") or "")):
            yield wrong(one, f"{path}.reason", f"is {route.get('reason') or 'missing'}: nothing like {config['pattern']}")


@stack_policy(
    "access-principal-owner",
    types=(ACCESS,),
    severity=Severity.LOW,
    soc2=Soc2.CC8_1,
    fix="Set the principal's `owner` to a team's address.",
    level=EnforcementLevel.ADVISORY,
)
def principal_owner(stack: Stack, _: Config) -> Findings:
    """Every principal has an owner, who is asked when its routes come up for review."""
    for one, path, principal in _each(stack, "principals", "owner"):
        if principal is None:
            yield undecided(one, path)
        elif not principal.get("owner"):
            yield wrong(one, f"{path}.owner", "is missing")
