"""Policies on credentials and their rotation: what routes and gates authenticate with is renewed, often enough, by somebody.

The declared cadence is that of the `Access` component's document; who renews what is told by the inputs of `Credentials` and
`FortigateApiToken`, and by the rotation of the secrets themselves, whoever made them.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pulumi_airlock.tokens import ACCESS, CREDENTIALS, FORTIGATE_API_TOKEN, FORTIGATE_GATE, LOCAL_ENVIRONMENT, ZIA_GATE, ZPA_GATE
from pulumi_policy import Severity

from .controls import Soc2
from .dates import TODAY, day_of, judged_on, length_of
from .reading import UNKNOWN, Resource, Stack
from .registry import Config, Finding, Findings, setting, stack_policy, undecided, wrong

SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105  # types, no secrets
ROTATION = "aws:secretsmanager/secretRotation:SecretRotation"
VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
GATES = (FORTIGATE_GATE, ZIA_GATE, ZPA_GATE)

_SHORTEST_ROLE_SESSION = timedelta(hours=1)
"""IAM has no shorter one for a role (IAM User Guide, "Modify a role's maximum session duration")."""
_GUIDE = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets.html"


def _mappings(one: Resource, *path: str) -> Iterator[Any]:
    """The entries of a list of objects; `UNKNOWN` for what is unknown among them."""
    for entry in one.get_list(*path):
        if entry is UNKNOWN or isinstance(entry, Mapping):
            yield entry


def _declared(stack: Stack) -> Iterator[tuple[Resource, str, Any]]:
    """Each route's credential, with its document and its place; `UNKNOWN` where it, or the route, is unknown."""
    for access in stack.of_type(ACCESS):
        for index, route in enumerate(_mappings(access, "document", "routes")):
            if route is UNKNOWN:
                yield access, f"routes[{index}]", UNKNOWN
                continue
            name, credential = route.get("name"), route.get("credential")
            place = f"routes[{name if isinstance(name, str) else index}].credential"
            if credential is UNKNOWN or isinstance(credential, Mapping):
                yield access, place, credential


def _cadences(stack: Stack, kind: str, ref: Any) -> list[Any]:
    """The cadences that hold for a credential: of each route that uses it, or of everything. `UNKNOWN` for what is unknown."""
    found = []
    for access, _, credential in _declared(stack):
        if credential is UNKNOWN or UNKNOWN in (credential.get("kind"), credential.get("ref"), credential.get("rotate")):
            found.append(UNKNOWN)
        elif (credential.get("kind"), credential.get("ref")) == (kind, ref):
            found.append(credential.get("rotate") or access.get("document", "rotation"))
    return [one for one in found if one is not None]


def _everything(stack: Stack) -> list[Any]:
    """The cadence of everything, as the stack's documents say it."""
    return [said for access in stack.of_type(ACCESS) if (said := access.get("document", "rotation")) is not None]


def _rotations(stack: Stack, secret: Resource) -> Iterator[Resource]:
    names = {secret.get(prop) for prop in ("id", "arn", "name")} - {None, UNKNOWN}
    for one in stack.of_type(ROTATION):
        if secret in one.refers_to("secretId") or one.get("secretId") in names:
            yield one


def _by_pulumi(stack: Stack, secret: Resource) -> bool:
    """Whether a `FortigateApiToken` writes the secret: Pulumi renews what is in it."""
    writers = stack.referring_to(secret, "secretId", VERSION)
    return any(above.type == FORTIGATE_API_TOKEN for one in writers for above in one.ancestors())


@stack_policy(
    "credential-secret-rotates",
    types=(SECRET,),
    beside=(ROTATION, VERSION, ACCESS, CREDENTIALS, FORTIGATE_API_TOKEN),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Give the secret an `aws.secretsmanager.SecretRotation`, or let `Credentials` make it.",
    url=_GUIDE,
    settings={"every": setting("Whether it is asked of every secret of the stack, not only of those that routes use.", False)},
)
def secret_rotates(stack: Stack, config: Config) -> Findings:
    """A secret that routes or gates use is rotated."""
    used = [credential for _, _, credential in _declared(stack)]
    refs = {one.get("ref") for one in used if one is not UNKNOWN and one.get("kind") == "secrets-manager"}
    unlinked = any(one.get("secretId") is UNKNOWN and not one.refers_to("secretId") for one in stack.of_type(ROTATION))
    for secret in stack.of_type(SECRET):
        name = secret.get("name")
        mine = config["every"] or any(above.type == CREDENTIALS for above in secret.ancestors()) or name in refs - {UNKNOWN}
        perhaps = (name is UNKNOWN and bool(refs)) or UNKNOWN in refs or UNKNOWN in used
        if not (mine or perhaps) or any(_rotations(stack, secret)) or _by_pulumi(stack, secret):
            continue
        if unlinked or not mine:
            yield undecided(secret, "name" if not mine else "rotation")
        else:
            yield wrong(secret, "", "has no rotation: it is what it is until somebody notices")


@stack_policy(
    "credential-declared-renewed",
    types=(ACCESS,),
    beside=(CREDENTIALS, SECRET, LOCAL_ENVIRONMENT),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Add `Credentials(…, access=access)` to the stack, and tell it who rotates the credential.",
)
def declared_renewed(stack: Stack, _: Config) -> Findings:
    """Every standing credential of a route is one that the stack keeps and renews."""
    keepers = [*stack.of_type(CREDENTIALS), *stack.of_type(LOCAL_ENVIRONMENT)]
    recorded = [entry for one in keepers for entry in _mappings(one, "credentials")]
    known = {(entry.get("kind"), entry.get("ref")) for entry in recorded if entry is not UNKNOWN}
    names = [one.get("name") for one in stack.of_type(SECRET)]
    for access, place, credential in _declared(stack):
        if credential is UNKNOWN or UNKNOWN in (credential.get("kind"), credential.get("ref")):
            yield undecided(access, place)
            continue
        kind, ref = credential.get("kind"), credential.get("ref")
        if kind not in ("secrets-manager", "vault") or (kind, ref) in known or (kind == "secrets-manager" and ref in names):
            continue
        if UNKNOWN in recorded or (kind == "secrets-manager" and UNKNOWN in names):
            yield undecided(access, f"{place}.ref")
        else:
            yield wrong(access, f"{place}.ref", f"is {ref}, and nothing in this stack renews it")


@stack_policy(
    "credential-rotation-cadence",
    types=(ROTATION, CREDENTIALS, FORTIGATE_API_TOKEN),
    beside=(ACCESS, SECRET),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Rotate as often as the access file's `rotation`, and as the credential's own `rotate`, or more often.",
    url="https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html",
)
def rotation_cadence(stack: Stack, _: Config) -> Findings:
    """Nothing is rotated more slowly than the access file declares."""
    for one in stack.of_type(ROTATION):
        yield from _rotation_slower(stack, one)
    for one in stack.of_type(CREDENTIALS):
        for entry in _mappings(one, "gates"):
            gate = "" if entry is UNKNOWN else entry.get("gate")
            said = UNKNOWN if entry is UNKNOWN else entry.get("rotate")
            yield from _slower(one, f"gates[{gate}].rotate" if gate else "gates", said, _everything(stack))
    for one in stack.of_type(FORTIGATE_API_TOKEN):
        yield from _slower(one, "rotate", one.get("rotate"), _everything(stack))


def _rotation_slower(stack: Stack, one: Resource) -> Iterator[Finding]:
    from pulumi_airlock.identity.credentials.cadence import parse_schedule

    names = [secret.get("name") for secret in one.refers_to("secretId", SECRET)] or [one.get("secretId")]
    wanted = _cadences(stack, "secrets-manager", names[0]) + _everything(stack) if names[0] is not UNKNOWN else [UNKNOWN]
    if not stack.of_type(ACCESS) or not wanted:
        return
    days, expression = (one.get("rotationRules", key) for key in ("automaticallyAfterDays", "scheduleExpression"))
    if UNKNOWN in (days, expression):
        yield undecided(one, "rotationRules")
        return
    if days:
        found = timedelta(days=float(days))
    elif (parsed := parse_schedule(str(expression))) is not None:
        found = parsed
    else:
        # A cron expression: its gaps differ, and nobody here counts them.
        yield undecided(one, "rotationRules.scheduleExpression")
        return
    yield from _slower(one, "rotationRules", found, wanted)


def _slower(one: Resource, path: str, said: Any, wanted: list[Any]) -> Iterator[Finding]:
    """The finding where what is said is slower than the fastest that is wanted."""
    from pulumi_airlock.access.values import duration_text

    lengths = [length for text in wanted if text is not UNKNOWN and (length := length_of(text)) is not None]
    found = said if isinstance(said, timedelta) or said is UNKNOWN else length_of(said)
    if found is UNKNOWN:
        if wanted:
            yield undecided(one, path)
    elif found is None:
        if lengths:
            yield wrong(one, path, "is missing, and the access file declares a cadence")
    elif lengths and found > min(lengths):
        yield wrong(one, path, f"is every {duration_text(found)}, and {duration_text(min(lengths))} is declared")
    elif UNKNOWN in wanted:
        yield undecided(one, path)


@stack_policy(
    "credential-static-expires",
    types=(CREDENTIALS,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Renew the credential by another kind, or take out the routes that use it.",
    settings=TODAY,
)
def static_expires(stack: Stack, config: Config) -> Findings:
    """A static credential is an exception that ends, and has not ended."""
    today = judged_on(config)
    for one in stack.of_type(CREDENTIALS):
        for entry in _mappings(one, "credentials"):
            if entry is UNKNOWN or UNKNOWN in (entry.get("kind"), entry.get("expires")):
                yield undecided(one, "credentials")
            elif entry.get("kind") == "static":
                day = day_of(entry.get("expires"))
                path = f"credentials[{entry.get('ref')}]"
                if day is None:
                    yield wrong(one, path, "is static, and nothing says until when")
                elif day < today:
                    yield wrong(one, path, f"is static, and its exception ended on {day}")


@stack_policy(
    "credential-outlives-session",
    types=(CREDENTIALS, ROLE),
    beside=(ACCESS, ROLE_POLICY),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Shorten the lease at Vault (`default_ttl` of its role), or `maxSessionDuration` of the IAM role.",
)
def outlives_session(stack: Stack, _: Config) -> Findings:
    """No lease is longer than the session of its routes, and no role's session longer than the longest of them.

    Tokens of RDS and of Google Cloud open a connection and no more; how long they live is not ours to set.
    """
    for one in stack.of_type(CREDENTIALS):
        for entry in _mappings(one, "credentials"):
            yield from _lease_longer(one, entry)
    sessions = [session for _, session in _sessions(stack)]
    lengths = [length for text in sessions if text is not UNKNOWN and (length := length_of(text)) is not None]
    if not lengths:
        return
    most = max([*lengths, _SHORTEST_ROLE_SESSION])
    for role in _reading_roles(stack):
        seconds = role.get("maxSessionDuration", default=3600)
        if seconds is UNKNOWN:
            yield undecided(role, "maxSessionDuration")
        elif timedelta(seconds=float(seconds)) > most:
            if UNKNOWN in sessions:
                yield undecided(role, "maxSessionDuration")
            else:
                limit = int(most.total_seconds())
                yield wrong(role, "maxSessionDuration", f"is {float(seconds):g} s; the longest session of a route is {limit} s")


def _lease_longer(one: Resource, entry: Any) -> Iterator[Finding]:
    if entry is UNKNOWN or UNKNOWN in (entry.get("kind"), entry.get("ttl"), entry.get("session")):
        yield undecided(one, "credentials")
        return
    if entry.get("kind") != "vault":
        return
    path, ttl, session = f"credentials[{entry.get('ref')}].ttl", length_of(entry.get("ttl")), length_of(entry.get("session"))
    if ttl is None:
        yield wrong(one, path, "is missing: nobody says how long Vault lets it live")
    elif session is not None and ttl > session:
        yield wrong(one, path, f"is {entry['ttl']}, and a session of its routes lasts {entry['session']}")


def _sessions(stack: Stack) -> Iterator[tuple[Resource, Any]]:
    for access in stack.of_type(ACCESS):
        for route in _mappings(access, "document", "routes"):
            session = UNKNOWN if route is UNKNOWN else route.get("session")
            if session is not None:
                yield access, session


def _reading_roles(stack: Stack) -> Iterator[Resource]:
    """The roles of the stack that `Credentials` lets read secrets: those of principals, not that of its function."""
    seen = set()
    for policy in stack.of_type(ROLE_POLICY):
        if any(above.type == CREDENTIALS for above in policy.ancestors()):
            for role in policy.refers_to("role", ROLE):
                own = any(above.type == CREDENTIALS for above in role.ancestors())
                if not own and role.urn not in seen:
                    seen.add(role.urn)
                    yield role


@stack_policy(
    "credential-gate-token-rotates",
    types=GATES,
    beside=(ACCESS, CREDENTIALS, FORTIGATE_API_TOKEN),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Give the gate's token to `Credentials(gates=[…])`, or a FortiGate's to `FortigateApiToken(providers=…)`.",
    settings={"required": setting("Whether gates of stacks that say of no credential how often it is renewed count too.", False)},
)
def gate_token_rotates(stack: Stack, config: Config) -> Findings:
    """Every gate with an API of its own has a token that is rotated, where the stack says how often credentials are renewed."""
    if not (config["required"] or _everything(stack) or stack.of_type(CREDENTIALS, FORTIGATE_API_TOKEN)):
        return
    recorded = [
        UNKNOWN if entry is UNKNOWN else entry.get("gate")
        for one in stack.of_type(CREDENTIALS)
        for entry in _mappings(one, "gates")
    ]
    waiting: list[Any] = []
    for token in stack.of_type(FORTIGATE_API_TOKEN):
        by = token.get("rotatedBy")
        gate = UNKNOWN if by is UNKNOWN else token.get("gate")
        (recorded if by in ("pulumi", UNKNOWN) else waiting).append(gate)
    for gate in stack.of_type(*GATES):
        if gate.name in recorded:
            continue
        if UNKNOWN in recorded:
            yield undecided(gate, "apiToken")
        elif gate.name in waiting:
            yield wrong(gate, "", "has API users that the rotation function should renew, and none is told to")
        else:
            yield wrong(gate, "", "has an API token that nothing in this stack rotates")
