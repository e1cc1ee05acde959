"""Lends a task a connection: decides, checks the trust conditions, gets the credential, and opens the way through the proxy.

What was lent is kept per task and connection until it ends, so that a lookup costs microseconds; everything else happens once.
Whatever goes wrong is a refusal that the task's log and the audit trail name: which gate, which rule, of which kind.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from . import audit, certificates, context, credentials, decide, denied, forks, manifest, masking, settings, trust, tunnels
from .audit import CREDENTIAL, PERMISSION, ROUTING, Refusal, TaskRun
from .decide import GATE, Granted, Refused
from .forwarder import Forwarder, TlsFiles
from .manifest import Destination, Manifest
from .tokens import CERTIFICATE, Holder

log = logging.getLogger("airflow.task.airlock")
"""Below Airflow's own logger of tasks: what is said here is in the task's log."""

FOREVER = 3600.0
"""Seconds after which a connection that nothing ends is decided on again."""
_TYPES = {
    "https": "http",
    "postgresql": "postgres",
    "rest": "http",
    "sqlserver": "mssql",
}
"""Airflow's connection type of a protocol, where the two are not called the same."""


@dataclass(frozen=True)
class Lent:
    """A connection as a task gets it. It is never printed."""

    id: str
    type: str
    host: str
    port: int
    schema: str | None
    login: str | None
    password: str | None = field(repr=False)
    extra: Mapping[str, Any] = field(repr=False)
    expires: float
    """Seconds since 1970."""


@dataclass
class Task:
    """What one task run has been given."""

    run: TaskRun
    holder: Holder
    forwarder: Forwarder
    lent: dict[tuple[str, str], Lent] = field(default_factory=dict)
    """By connection and the manifest's digest."""
    logins: list[credentials.Login] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)


_Id = tuple[context.Key, str]
_tasks: dict[_Id, Task] = {}
_lock = forks.lock()


@contextlib.contextmanager
def nothing_else(connection: str) -> Iterator[None]:
    """Makes a refusal of whatever goes wrong inside, be it a fault of this very code: Airflow would look elsewhere."""
    try:
        yield
    except Exception as error:
        if denied.is_refusal(error):
            raise
        # Where it happened, without its words: they are told below, plainly.
        log.debug("airlock: a fault of the provider\n%s", "".join(traceback.format_tb(error.__traceback__)))
        text = f"the provider itself failed, {type(error).__name__}: {audit.plain(str(error))}"
        raise stop(_gets_none(connection), None, Refusal(kind=PERMISSION, text=text, gate=GATE, rule="fault")) from None


def lend(connection: str) -> Lent | None:
    """A connection for the task that asks; None: not Airlock's to answer. Raises what stops Airflow from looking elsewhere."""
    options = settings.current()
    try:
        known = manifest.load(options.manifest, options.digest)
    except manifest.ManifestError as error:
        raise stop(
            _gets_none(connection), None, Refusal(kind=PERMISSION, text=f"manifest {error}", gate=GATE, rule="manifest")
        ) from None
    destination = known.by_connection.get(connection)
    if destination is None and any(fnmatchcase(connection, one) for one in options.pass_on):
        return None
    try:
        asker = context.asker()
    except context.UnknownTaskError as error:
        raise stop(_gets_none(connection), None, Refusal(kind=PERMISSION, text=str(error), gate=GATE, rule="no-task")) from None
    identity = (asker.key, context.agent_of(asker))
    task = _tasks.get(identity)
    lent = task.lent.get((connection, known.digest)) if task is not None else None
    if lent is not None and lent.expires > time.time():
        return lent
    task = task or task_of(asker, known)
    with task.lock:
        lent = task.lent.get((connection, known.digest))
        if lent is None or lent.expires <= time.time():
            lent = task.lent[connection, known.digest] = _lend(connection, destination, asker, task, known, options)
        return lent


def task_of(asker: context.Asker, known: Manifest) -> Task:
    """What the task that asks has been given so far."""
    identity = (asker.key, context.agent_of(asker))
    with _lock:
        if identity not in _tasks:
            run = context.task_run(asker, known)
            holder = Holder(known.identity, run)
            source, files = known.identity.source, certificates.tls(settings.current())
            forwarder = Forwarder(run, None if source == CERTIFICATE else holder, files, source=source)
            _tasks[identity] = Task(run, holder, forwarder)
        return _tasks[identity]


def _lend(
    connection: str,
    destination: Destination | None,
    asker: context.Asker,
    task: Task,
    known: Manifest,
    options: settings.Settings,
) -> Lent:
    now = datetime.now(UTC)
    decision = decide.decide(known, task.run, connection, now, context.limits(asker, now), context.running)
    if isinstance(decision, Refused):
        raise refused(task.run, _gets_none(connection), decision.destination, decision.refusal)
    granted = decision
    situation = _situation(task, granted, known, options, connection)
    if isinstance(situation, Refusal):
        raise refused(task.run, _gets_none(connection), destination, situation, granted)
    unmet = trust.unmet(situation)
    if unmet is not None:
        raise refused(situation.run, _gets_none(connection), destination, unmet, granted)
    login = _login(situation, connection, task)
    ends = [now.timestamp() + FOREVER]
    ends += [granted.deadline.timestamp()] if granted.deadline else []
    ends += [login.expires] if login else []
    return _assembled(connection, situation, login, _address(task, situation, connection), min(ends))


def situation_of(
    task: Task, granted: Granted, known: Manifest, options: settings.Settings, connection: str = ""
) -> trust.Situation:
    """What the trust conditions look at. ValueError where the destination has no single address."""
    target = tunnels.target_of(granted.destination, known.connections.get(connection))
    run, proxy = replace(task.run, principal=granted.principal.name), granted.proxy
    return trust.Situation(
        run=run,
        granted=granted,
        manifest=known,
        settings=options,
        target=target,
        token=task.holder.get,
        reach=lambda: tunnels.reach(task.forwarder, granted, known, target, _files(options, run)),
        policy=lambda: tunnels.policy(proxy, known.environment, _files(options, run)) if proxy else "",
    )


def _files(options: settings.Settings, run: TaskRun) -> TlsFiles:
    """What the proxy is shown: the certificate of the run's principal, where each has its own."""
    return certificates.tls(options, run.principal)


def _situation(
    task: Task, granted: Granted, known: Manifest, options: settings.Settings, connection: str
) -> trust.Situation | Refusal:
    try:
        return situation_of(task, granted, known, options, connection)
    except ValueError as error:
        return Refusal(kind=ROUTING, text=str(error), gate=GATE, rule=granted.route.name)


def _login(situation: trust.Situation, connection: str, task: Task) -> credentials.Login | None:
    granted, run = situation.granted, situation.run
    credential, destination = granted.route.credential, granted.destination
    if credential is None:
        return None
    said = situation.manifest.connections.get(connection)
    until, _ = granted.ends(datetime.now(UTC))
    asked = credentials.Asked(
        kind=credential.kind,
        ref=credential.ref,
        run=run,
        host=situation.target[0],
        port=situation.target[1],
        user=(said.login if said else None) or "",
        protocol=destination.protocol or "",
        region=situation.manifest.identity.region,
        seconds=int(until.timestamp() - time.time()) if until else int(FOREVER),
        settings=situation.settings,
        token=situation.token,
    )
    about = tunnels.told(granted, situation.target)
    try:
        login = credentials.issue(asked)
    except credentials.CredentialError as error:
        refusal = Refusal(
            kind=CREDENTIAL, text=f"no credential for {destination.name}: {error}", gate=GATE, rule=granted.route.name
        )
        audit.emit(audit.credential_refused(run, about, refusal, kind=credential.kind, ref=credential.ref))
        raise stop(_gets_none(connection), run, refusal) from None
    masking.mask(login.secret)
    task.logins.append(login)
    audit.emit(
        audit.credential_issued(run, about, kind=credential.kind, ref=credential.ref, expires=login.expires, user=login.user)
    )
    return login


def _address(task: Task, situation: trust.Situation, connection: str) -> tuple[str, int]:
    """Where the task connects to: the forwarder's port for the target, or the target itself where no proxy leads there."""
    granted = situation.granted
    if granted.proxy is None:
        return situation.target
    asked_anew = [one for one in granted.route.requires if one != "tunnel-up"]  # the connection itself will tell

    def check() -> Refusal | None:
        _files(situation.settings, situation.run)  # a new one, where it is time
        return trust.unmet(situation, asked_anew)

    try:
        files = _files(situation.settings, situation.run)
    except OSError as error:
        refusal = Refusal(kind=CREDENTIAL, text=str(error), gate=GATE, rule="client-certificate")
        raise refused(situation.run, _gets_none(connection), granted.destination, refusal, granted) from None
    try:
        return task.forwarder.open(tunnels.way(granted, granted.proxy, situation.manifest, situation.target, check, files))
    except OSError as error:
        refusal = Refusal(kind=ROUTING, text=f"this worker has no port left: {error}", gate=GATE, rule="forwarder")
        raise refused(situation.run, _gets_none(connection), granted.destination, refusal, granted) from None


def _assembled(
    connection: str, situation: trust.Situation, login: credentials.Login | None, address: tuple[str, int], expires: float
) -> Lent:
    said = situation.manifest.connections.get(connection) or manifest.Settings()
    protocol = (situation.granted.destination.protocol or "").lower()
    kind = said.type or _TYPES.get(protocol, protocol) or "generic"
    extra = dict(said.extra) | dict(login.extra if login else {})
    host, port = address
    if host != situation.target[0] and kind == "postgres" and extra.get("sslmode") == "verify-full":
        # libpq checks the certificate against `host` and connects to `hostaddr` (PostgreSQL, "Parameter Key Words").
        extra["hostaddr"], host = host, situation.target[0]
    return Lent(
        id=connection,
        type=kind,
        host=host,
        port=port,
        schema=(login.schema if login else None) or said.schema or ("https" if protocol == "https" else None),
        login=(login.user if login else None) or said.login,
        password=login.secret if login else None,
        extra=extra,
        expires=expires,
    )


def end() -> None:
    """Takes back what the tasks of this process have: tunnels are closed, leases given back. Never raises."""
    with _lock:
        ended = list(_tasks.values())
        _tasks.clear()
    trust.forget()
    for task in ended:
        task.forwarder.close()
        for login in task.logins:
            if login.release is not None:
                login.release()


def refused(
    run: TaskRun, what: str, destination: Destination | None, refusal: Refusal, granted: Granted | None = None
) -> BaseException:
    """What to raise for a refusal to a task, which the audit trail is told of: `what` stands behind the task's name."""
    about = (
        tunnels.told(granted) if granted else audit.Destination(destination.name if destination else "", zone=_zone(destination))
    )
    audit.emit(audit.access_refused(run, about, refusal))
    return stop(what, run, refusal)


def stop(what: str, run: TaskRun | None, refusal: Refusal) -> BaseException:
    """What to raise; the same words go to the task's log, as code may swallow what is raised."""
    who = f"{run.dag_id}.{run.task_id}" if run else "whoever asks"
    text = audit.plain(f"airlock: {who} {what}: {described(refusal)}")
    log.error("%s", text)
    return denied.refusal(text)


def _gets_none(connection: str) -> str:
    return f'does not get connection "{connection}"'


def _zone(destination: Destination | None) -> str:
    return destination.zone if destination else ""


def described(refusal: Refusal) -> str:
    """A refusal in one line: the kind, why, the gate and its rule."""
    by = f"gate {refusal.gate}" + (f", rule {refusal.rule}" if refusal.rule else "")
    more = f"; {refusal.detail}" if refusal.detail and refusal.detail not in refusal.text else ""
    return f"{refusal.kind}: {refusal.text} ({by}{more})"


def _after_fork() -> None:
    """A forked process has none of its parent's threads, and nothing of what its tasks were given."""
    _tasks.clear()
    context.forget()


os.register_at_fork(after_in_child=_after_fork)
