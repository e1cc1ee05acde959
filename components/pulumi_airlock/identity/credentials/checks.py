"""Every problem of what a program says about its credentials, before anything is registered."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ...access.errors import nearest
from ...access.values import duration_text, parse_duration
from ...environments.mwaa.limits import RETENTION_DAYS
from ...errors import Problems
from .cadence import schedule_expression
from .needs import Need, text
from .parts import FortigateToken, GateToken, RdsDatabase, Rotator, TokenEndpoint, VaultLease, ZscalerToken

SECRET_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
"""Names of secrets (Secrets Manager API Reference, CreateSecret)."""
VAULT_PATH = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+")
"""A path in Vault: a mount and what is in it, as in `database/creds/ledger`."""
DB_RESOURCE = re.compile(r"(db|cluster)-[A-Z0-9]{10,64}|prx-[a-z0-9]{10,40}")
"""What RDS calls a database for IAM (`DbiResourceId`, `DbClusterResourceId`, a proxy's id)."""
FUNCTION_ARN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_$-]+)?")
API_USER = re.compile(r"[A-Za-z0-9_.@-]{1,35}")
"""Names of a FortiGate's API users: at most 35 characters (FortiOS CLI Reference, `config system api-user`)."""


@dataclass(frozen=True)
class Declared:
    """What the checks look at."""

    needs: tuple[Need, ...]
    everything: timedelta | None
    """The access file's `rotation`."""
    principals: tuple[str, ...]
    rotators: Mapping[str, Rotator]
    gates: Sequence[GateToken]
    databases: Mapping[str, RdsDatabase]
    vault: VaultLease | Mapping[str, VaultLease]
    readers: Mapping[str, Any]
    administrators: Sequence[Any]
    grace: str
    watched: Mapping[str, Any]
    """Secrets that are rotated elsewhere, by name."""

    def of_kind(self, kind: str) -> list[Need]:
        """The needs of a kind."""
        return [need for need in self.needs if need.kind == kind]

    def lease(self, ref: str) -> VaultLease | None:
        """Vault's lease for a path."""
        return self.vault if isinstance(self.vault, VaultLease) else self.vault.get(ref)

    def gate_cadence(self, token: GateToken) -> timedelta | None:
        """How often a gate's token is renewed: as it says itself, else as everything."""
        return parse_duration(token.rotate) if token.rotate else self.everything


def secret_key(ref: str) -> str:
    """What the children of a route's secret are called."""
    return f"secret-{ref.replace('/', '-')}"


def check(name: str, declared: Declared, problems: Problems) -> None:
    """Notes every problem."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,47}", name):
        problems.add("name", f"{name!r}: it is in the function's name; write 1 to 47 letters, digits, - and _")
    _check_cadences(declared, problems)
    _check_secrets(declared, problems)
    _check_databases(declared, problems)
    _check_vault(declared, problems)
    _check_static(declared, problems)
    _check_readers(declared, problems)
    _check_gates(declared, problems)
    _check_grace(declared, problems)
    _check_watched(declared, problems)


def _check_cadences(declared: Declared, problems: Problems) -> None:
    for need in declared.needs:
        path = f'access: credential "{need.ref}"'
        if need.kind in ("secrets-manager", "vault") and need.cadence is None:
            problems.add(
                path, "nothing says how often it is renewed: write rotation in the access file, or the credential's rotate"
            )
        elif need.cadence and declared.everything and need.cadence > declared.everything:
            most = duration_text(declared.everything)
            problems.add(
                path, f"is renewed every {text(need.cadence)}, everything else at least every {most}: write {most} or less"
            )


def _schedule(path: str, cadence: timedelta | None, problems: Problems) -> None:
    if cadence is None:
        return
    try:
        schedule_expression(cadence)
    except ValueError as error:
        problems.add(path, str(error))


def _check_secrets(declared: Declared, problems: Problems) -> None:
    wanted = {need.ref: need for need in declared.of_kind("secrets-manager")}
    for ref, need in wanted.items():
        path = f'rotators["{ref}"]'
        if not SECRET_NAME.fullmatch(ref):
            problems.add(path, f"{ref!r} is no secret's name: write letters, digits and /_+=.@-")
        _schedule(path, need.cadence, problems)
        if ref not in declared.rotators:
            fix = "give TokenEndpoint(…), which the function here rotates, or BroughtRotator(function_arn=…, role_arn=…)"
            problems.add(path, f"nobody rotates it, and route {need.routes[0]} uses it: {fix}")
    taken: dict[str, str] = {}
    for ref in wanted:
        other = taken.setdefault(secret_key(ref), ref)
        if other != ref:
            problems.add(
                f'access: credential "{ref}"', f'is too like "{other}": / and - are one in the names of resources; rename it'
            )
    for ref, rotator in declared.rotators.items():
        path = f'rotators["{ref}"]'
        if ref not in wanted:
            problems.add(path, f"no route has a secrets-manager credential with this ref{nearest(ref, wanted)}")
        if isinstance(rotator, TokenEndpoint):
            _check_urls(path, rotator.urls(), problems)
            continue
        if isinstance(rotator.function_arn, str) and not FUNCTION_ARN.fullmatch(rotator.function_arn):
            problems.add(f"{path}.function_arn", f"{rotator.function_arn!r} is no ARN of a Lambda function")
        _check_role(f"{path}.role_arn", rotator.role_arn, problems)


def _check_urls(path: str, urls: Mapping[str, str], problems: Problems) -> None:
    for argument, url in urls.items():
        try:
            parts = urlsplit(url)
        except ValueError:
            problems.add(f"{path}.{argument}", "is no URL: write https://host/path")
            continue
        if parts.scheme != "https" or not parts.hostname or parts.username or parts.password or parts.fragment:
            # Without what may be a password.
            shown = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
            problems.add(f"{path}.{argument}", f"{shown}: write an https URL without user, password, fragment")


def _check_databases(declared: Declared, problems: Problems) -> None:
    wanted = [need.ref for need in declared.of_kind("rds-iam")]
    for ref in wanted:
        if ref not in declared.databases:
            problems.add(f'databases["{ref}"]', "which database, and which user? give RdsDatabase(resource_id=…, user=…)")
    for ref, database in declared.databases.items():
        path = f'databases["{ref}"]'
        if ref not in wanted:
            problems.add(path, f"no route has an rds-iam credential with this ref{nearest(ref, wanted)}")
        if not DB_RESOURCE.fullmatch(database.resource_id):
            problems.add(f"{path}.resource_id", f"{database.resource_id!r}: write the DbiResourceId, as in db-ABCDEFGHIJKL01234")
        if not re.fullmatch(r"[A-Za-z0-9_.$-]{1,63}", database.user):
            problems.add(f"{path}.user", f"{database.user!r}: name one database user, without wildcards")


def _check_vault(declared: Declared, problems: Problems) -> None:
    wanted = {need.ref: need for need in declared.of_kind("vault")}
    for ref, need in wanted.items():
        path = f'vault["{ref}"]'
        if not VAULT_PATH.fullmatch(ref):
            problems.add(
                path, f"{ref!r} is no path in Vault: write mount and path without a leading /, as in database/creds/ledger"
            )
        lease = declared.lease(ref)
        if lease is None:
            problems.add(path, 'how long does Vault let it live? give VaultLease(ttl="1h") as the role there says')
        else:
            _check_lease(path, lease, need, problems)
    if not isinstance(declared.vault, VaultLease):
        for ref in declared.vault:
            if ref not in wanted:
                problems.add(f'vault["{ref}"]', f"no route has a vault credential with this ref{nearest(ref, wanted)}")


def _check_lease(path: str, lease: VaultLease, need: Need, problems: Problems) -> None:
    lengths = {}
    for argument, value in (("ttl", lease.ttl), ("max_ttl", lease.max_ttl)):
        try:
            lengths[argument] = parse_duration(value) if value is not None else None
        except ValueError as error:
            problems.add(f"{path}.{argument}", str(error))
            return
    ttl, longest = lengths["ttl"], lengths["max_ttl"]
    if ttl and longest and ttl > longest:
        problems.add(f"{path}.ttl", f"{lease.ttl} is longer than max_ttl, {lease.max_ttl}")
    if ttl and need.session and ttl > need.session:
        problems.add(
            f"{path}.ttl", f"{lease.ttl} outlives the session of {need.routes[0]}, {text(need.session)}: write that or less"
        )
    most = longest or ttl
    if most and need.cadence and most > need.cadence:
        problems.add(f"{path}.max_ttl", f"{text(most)} is longer than {text(need.cadence)}, after which it is to be renewed")


def _check_static(declared: Declared, problems: Problems) -> None:
    for need in declared.of_kind("static"):
        if need.expires is None:
            fix = "use vault, secrets-manager, rds-iam or gcp-iam; or, as an exception, give each of its routes an expires"
            problems.add(f'access: credential "{need.ref}"', f"is static, for ever: nobody renews it; {fix}")


def _check_readers(declared: Declared, problems: Problems) -> None:
    wanted: dict[str, str] = {}
    for need in declared.needs:
        if need.kind in ("secrets-manager", "rds-iam"):
            wanted.update(dict.fromkeys(need.principals, need.ref))
    for principal, ref in wanted.items():
        if principal not in declared.readers:
            problems.add(f'readers["{principal}"]', f'which role do its tasks have? Only that one may use "{ref}": give its ARN')
    for principal, role in declared.readers.items():
        if principal not in declared.principals:
            problems.add(f'readers["{principal}"]', f"is no principal{nearest(principal, declared.principals)}")
        _check_role(f'readers["{principal}"]', role, problems)


def _check_role(path: str, role: Any, problems: Problems) -> None:
    if isinstance(role, str) and not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", role):
        problems.add(path, f"{role!r} is no ARN of a role")


def _check_gates(declared: Declared, problems: Problems) -> None:
    names = [token.gate for token in declared.gates]
    if declared.gates and not declared.administrators:
        problems.add("administrators", "gates have tokens, and nobody may read them: give the ARN of the role that deploys")
    for position, role in enumerate(declared.administrators):
        _check_role(f"administrators[{position}]", role, problems)
    for position, token in enumerate(declared.gates):
        path = f"gates[{position}]"
        if names.index(token.gate) != position:
            problems.add(f"{path}.gate", f'"{token.gate}" has a token already: gates[{names.index(token.gate)}]')
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", token.gate):
            problems.add(f"{path}.gate", f"{token.gate!r} is no component's name")
        _check_gate_cadence(path, token, declared, problems)
        _check_urls(path, token.urls(), problems)
        if isinstance(token, FortigateToken):
            _check_users(path, token.users, problems)
        elif isinstance(token, ZscalerToken):
            _check_zscaler(path, token, declared.gates, problems)


def _check_gate_cadence(path: str, token: GateToken, declared: Declared, problems: Problems) -> None:
    if declared.everything is None and token.rotate is None:
        problems.add(path, "nothing says how often it is renewed: write rotation in the access file, or rotate here")
        return
    try:
        cadence = declared.gate_cadence(token)
    except ValueError as error:
        problems.add(f"{path}.rotate", str(error))
        return
    if cadence and declared.everything and cadence > declared.everything:
        problems.add(f"{path}.rotate", f"{token.rotate} is slower than the access file's rotation, {text(declared.everything)}")
    _schedule(f"{path}.rotate", cadence, problems)


def check_users(path: str, users: tuple[str, str], problems: Problems) -> None:
    """Two API users, different, with names that a FortiGate takes."""
    if len(users) != 2 or len(set(users)) != 2:
        problems.add(f"{path}", f"{', '.join(users)}: two different API users renew each other's key")
    for user in users:
        if not API_USER.fullmatch(user):
            problems.add(f"{path}", f"{user!r}: write 1 to 35 letters, digits and _.@-")


def _check_users(path: str, users: tuple[str, str], problems: Problems) -> None:
    check_users(f"{path}.users", users, problems)


def _check_zscaler(path: str, token: ZscalerToken, gates: Sequence[GateToken], problems: Problems) -> None:
    for argument, value in (("vanity_domain", token.vanity_domain), ("api_client", token.api_client)):
        if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", value):
            problems.add(f"{path}.{argument}", f"{value!r}: write letters, digits and -")
    if token.manager is not None:
        managers = [one.gate for one in gates if isinstance(one, ZscalerToken) and one is not token and one.manager is None]
        if token.manager not in managers:
            fix = f"name a ZscalerToken that manages itself{nearest(token.manager, managers)}"
            problems.add(f"{path}.manager", f"{token.manager!r}: {fix}")


def _check_grace(declared: Declared, problems: Problems) -> None:
    try:
        grace = parse_duration(declared.grace)
    except ValueError as error:
        problems.add("grace", str(error))
        return
    cadences = [need.cadence for need in declared.of_kind("secrets-manager")]
    try:
        cadences += [declared.gate_cadence(token) for token in declared.gates]
    except ValueError:
        return  # said already
    shortest = min((one for one in cadences if one is not None), default=None)
    if shortest is not None and grace >= shortest:
        problems.add(
            "grace", f"{declared.grace}: the credential before would live until after the next rotation, {text(shortest)} later"
        )


def _check_watched(declared: Declared, problems: Problems) -> None:
    own = {need.ref for need in declared.of_kind("secrets-manager")}
    for secret, arn in declared.watched.items():
        path = f'watched["{secret}"]'
        if secret in own:
            problems.add(path, "is a secret that is made and watched here: leave it out")
        if declared.everything is None:
            problems.add(path, "nothing says how often it is renewed: write rotation in the access file")
        if isinstance(arn, str) and not re.fullmatch(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+", arn):
            problems.add(path, f"{arn!r} is no ARN of a secret")


def check_operation(
    topic: Any,
    emails: Sequence[str],
    recovery_window_days: int,
    log_retention_days: int,
    ca_certificates: str | None,
    problems: Problems,
) -> None:
    """What can be wrong with how it is run: who hears alarms, how long things are kept, whom the function trusts."""
    if topic is None and not emails:
        problems.add("alarm_topic_arn", "nobody would hear of a failed rotation: give the ARN of a topic, or alarm_emails")
    if topic is not None and emails:
        problems.add("alarm_emails", "the topic is brought, and so are its subscribers: leave them out, or alarm_topic_arn")
    for position, email in enumerate(emails):
        if "@" not in email.strip("@"):
            problems.add(f"alarm_emails[{position}]", f"{email!r} is no address")
    if not 7 <= recovery_window_days <= 30:
        problems.add("recovery_window_days", f"{recovery_window_days}: Secrets Manager waits 7 to 30 days")
    if log_retention_days not in RETENTION_DAYS:
        problems.add("log_retention_days", f"{log_retention_days}: CloudWatch keeps logs one of {RETENTION_DAYS} days")
    if ca_certificates is not None and "-----BEGIN CERTIFICATE-----" not in ca_certificates:
        problems.add("ca_certificates", "holds no certificate: write PEM, -----BEGIN CERTIFICATE----- and what follows")
    if ca_certificates is not None and "PRIVATE KEY" in ca_certificates:
        problems.add(
            "ca_certificates", "holds a private key, which would be readable with the function's code: certificates only"
        )
