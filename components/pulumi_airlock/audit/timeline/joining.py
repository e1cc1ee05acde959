"""Joins what lines tell: entries to task runs by their correlation id, entries of one connection to a session, and what gates on
the way logged to the session that it was of.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from ...logs import Connection
from .model import PROVIDER, Entry, Place, Run, Session, Trail, What

_NEAR = timedelta(seconds=15)
"""Within which the forwarder's and the proxy's word on one connection lie where no name of a session joins them."""
_CLOCKS = timedelta(minutes=2)
"""By which clocks of devices may differ, where addresses and ports join a line to a session."""
_OF_SESSIONS = frozenset({What.OPENED, What.CLOSED, What.REFUSED, What.FAILED})


def join(entries: Iterable[Entry], trail: Trail) -> None:
    """Puts entries into the trail's runs and sessions."""
    runs, nameless = _Runs(), list[Entry]()
    for one in entries:
        if one.what is What.LOST:
            trail.lost += one.bytes_in
        elif one.correlation or one.who.run_id:
            runs.add(one, runs.of(one))
        else:
            nameless.append(one)
    for one in nameless:  # a token that was not accepted names nobody to the proxy: the session's name may
        runs.add(one, runs.of_session(one) or runs.of_connection(one) or runs.unknown(one))
    trail.runs = runs.all
    for run in trail.runs:
        run.sessions = _sessions(runs.waiting(run))
    trail.runs.sort(key=lambda run: run.started)


class _Runs:
    """Task runs by correlation, or where a line has none by the task's own ids."""

    def __init__(self) -> None:
        self._by_correlation: dict[str, list[Run]] = {}
        self._by_ids: dict[tuple[object, ...], Run] = {}
        self._by_session: dict[str, Run] = {}
        self._by_client: dict[str, list[tuple[datetime, Run]]] = {}
        self._by_stream: dict[str, Run] = {}
        self._unknown: dict[str, Run] = {}
        self._waiting: dict[int, list[Entry]] = {}
        self.all: list[Run] = []

    def add(self, entry: Entry, run: Run) -> None:
        """Puts an entry into a run; those of sessions wait until all are there."""
        (self.waiting(run) if entry.what in _OF_SESSIONS else run.entries).append(entry)
        if entry.session and entry.by == PROVIDER:
            self._by_session.setdefault(entry.session, run)
            if entry.what is What.OPENED and entry.client:
                self._by_client.setdefault(entry.client, []).append((entry.time, run))

    def waiting(self, run: Run) -> list[Entry]:
        """Entries of sessions."""
        return self._waiting.setdefault(id(run), [])

    def of_session(self, entry: Entry) -> Run | None:
        """The run whose forwarder calls a session so."""
        return self._by_session.get(entry.session) if entry.session else None

    def of_connection(self, entry: Entry) -> Run | None:
        """The run whose forwarder opened a connection from that address and port then: a certificate names no run."""
        if entry.stream in self._by_stream:
            return self._by_stream[entry.stream]
        for time, run in self._by_client.get(entry.client, ()) if entry.stream else ():
            if abs(time - entry.time) <= _NEAR:
                self._by_stream[entry.stream] = run
                return run
        return None

    def unknown(self, entry: Entry) -> Run:
        """A run of whoever it was: one for each gate and caller's address, since nothing tells them apart."""
        caller = f"{entry.by} {entry.client.rpartition(':')[0]}"
        if caller not in self._unknown:
            self._unknown[caller] = Run(entry.who)
            self.all.append(self._unknown[caller])
        return self._unknown[caller]

    def of(self, entry: Entry) -> Run:
        """The run that an entry names."""
        ids = entry.who.key if entry.who.run_id else None
        run = self._correlated(entry)
        if run is None and ids is not None:
            known = self._by_ids.get(ids)
            # The same try has one correlation: one that differs is another's claim, and stays apart.
            run = known if known is not None and (not entry.correlation or known.correlation in ("", entry.correlation)) else None
        if run is None:
            run = Run(entry.who)
            self.all.append(run)
        run.who = run.who.completed(entry.who)
        run.correlation = run.correlation or entry.correlation
        if run.correlation and run not in (known_as := self._by_correlation.setdefault(run.correlation, [])):
            known_as.append(run)
        if ids is not None:
            self._by_ids.setdefault(ids, run)
        return run

    def _correlated(self, entry: Entry) -> Run | None:
        """The run of this correlation id, unless it is another task's: the id is what a task says it is, and whom the proxy
        verified must not vanish behind it."""
        for run in self._by_correlation.get(entry.correlation, ()) if entry.correlation else ():
            if not entry.who.task or run.who.task in ("", entry.who.task):
                return run
        return None


def _sessions(entries: list[Entry]) -> list[Session]:
    """Connections of one run: by the session's name, the proxy's stream, the caller's port; at last by target and time."""
    named: dict[tuple[str, str], Session] = {}
    found: list[Session] = []
    for one in sorted(entries, key=lambda one: (one.time, not one.session)):
        keys = [(kind, text) for kind, text in (("session", one.session), ("stream", one.stream)) if text]
        session = next((named[key] for key in keys if key in named), None) or _beside(one, found)
        if session is None:
            session = Session(one.destination, one.target)
            found.append(session)
        session.entries.append(one)
        session.destination = session.destination or one.destination
        session.target = session.target or one.target
        for key in keys:
            named.setdefault(key, session)
    for session in found:
        session.entries.sort(key=lambda one: one.time)
    return sorted(found, key=lambda session: session.entries[0].time)


def _beside(entry: Entry, sessions: list[Session]) -> Session | None:
    """A session that the other side of the tunnel tells of, and that has no such line yet. Not for what the provider refused."""
    for session in reversed(sessions):
        first = session.entries[0]
        if any((one.by == PROVIDER) == (entry.by == PROVIDER) for one in session.entries) or not (first.client and entry.client):
            continue
        same = first.client == entry.client if entry.what is What.OPENED else first.target == entry.target
        if same and abs(first.time - entry.time) <= _NEAR and first.target == entry.target:
            return session
    return None


class Devices:
    """Gates without identities, FortiGates and flow logs among them: what they saw is joined to sessions by both ends' addresses.

    Made when all sessions are known; then asked line by line.
    """

    def __init__(self, trail: Trail) -> None:
        self._ends: dict[tuple[str, int, int], list[tuple[Run, Session]]] = {}
        self._targets: dict[tuple[str, int], list[Session]] = {}
        for run, session in trail.sessions():
            for one in session.entries:
                for near, far in ((one.client, ""), (one.upstream_local, one.upstream)):
                    if (end := _split(near)) is not None:
                        there = _split(far)
                        self._ends.setdefault((*end, there[1] if there else 0), []).append((run, session))
            for end in {_split(session.target), *(_split(one.upstream) for one in session.entries)}:
                if end is not None and not session.reached:
                    self._targets.setdefault(end, []).append(session)

    def add(self, one: Connection, place: Place) -> bool:
        """Puts a device's line into the session that it was of; False: of none."""
        if one.time is None:
            return False
        for session, how in self._candidates(one):
            session.entries.append(_entry(one, place, how))
            session.entries.sort(key=lambda entry: entry.time)
            return True
        return False

    def _candidates(self, one: Connection) -> list[tuple[Session, str]]:
        assert one.time is not None  # noqa: S101  # add looks
        if one.source_port:
            for port in (one.port, 0):
                for _, session in self._ends.get((one.source, one.source_port, port), ()):
                    if _during(session, one.time):
                        return [(session, "addresses")]
        if one.allowed is not False:
            return []
        # Of what a device dropped, the proxy has no port to tell: the attempt that failed at that time, if it is one alone.
        near = [
            session
            for host in filter(None, (one.destination, one.name))
            for session in self._targets.get((host, one.port), ())
            if abs(session.entries[0].time - one.time) <= _NEAR
        ]
        return [(near[0], "time")] if len({id(session) for session in near}) == 1 else []


def _during(session: Session, time: datetime) -> bool:
    times = [one.time for one in session.entries if not one.joined]
    if session.reached and session.closed is None:
        times += [one.ends for one in session.entries if one.ends is not None]
    return min(times) - _CLOCKS <= time <= max(times) + _CLOCKS


def _entry(one: Connection, place: Place, how: str) -> Entry:
    assert one.time is not None  # noqa: S101  # add looks
    rule = one.rule or (f"rule {one.rule_id}" if one.rule_id else "")
    said = ", ".join(filter(None, (one.action, one.detail)))
    what = What.DROPPED if one.allowed is False else What.PASSED
    return Entry(
        one.time,
        what,
        one.device or one.format,
        place,
        gate=one.device or one.format,
        rule=rule,
        kind="permission" if what is What.DROPPED else "",
        text=f"{one.format}: {said}" if said else one.format,
        client=f"{one.source}:{one.source_port}" if one.source_port else one.source,
        target=one.where,
        joined=how,
    )


def _split(text: str) -> tuple[str, int] | None:
    host, _, port = text.rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdigit() else None


def gaps(trail: Trail, kinds: Iterable[str]) -> list[str]:
    """What one side's log shows and the other's does not, where both were given."""
    if len(set(kinds)) < 2:
        return []
    alone: dict[str, int] = {}
    for _, session in trail.sessions():
        if not session.reached:
            continue
        sides = {one.by == PROVIDER for one in session.entries if not one.joined}
        if sides == {False}:
            alone["past"] = alone.get("past", 0) + 1
        elif sides == {True}:
            alone["unseen"] = alone.get("unseen", 0) + 1
    found = []
    if count := alone.get("past"):
        found.append(
            f"{_many(count)} at the proxy that no forwarder tells of: its events are lost or not given, or somebody used the "
            "token and the certificate of a task without it"
        )
    if count := alone.get("unseen"):
        found.append(
            f"{_many(count)} of forwarders that no proxy's log shows: is the log of that proxy, and of that time, given?"
        )
    return found


def _many(count: int) -> str:
    return "1 session" if count == 1 else f"{count} sessions"
