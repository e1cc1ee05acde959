"""What one rule of an AuthorizationPolicy says, as boxes: of callers, of ports, of requests, of server names.

Source: istio/istio, pilot/pkg/security/authz/model (model.go, generator.go) for proxies; ambient/authorization.go for ztunnel.
Entries of `from` and of `to` are alternatives, everything else must hold; values are alternatives, `not…` takes out. Where a part
is not known, there are two boxes: what is known, and, unknown, what it may be at most.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import product
from typing import Any

from ...proof.filters import HttpOperation
from ...proof.sets import Hosts, Services
from ..stack import UNKNOWN, listed
from .identities import Identities, Meant
from .matching import glob, is_template, matches, wider

ANY_REQUEST = frozenset({HttpOperation()})
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
"""RFC 9110 and RFC 5789: what a pattern of methods is known to mean."""
_OF_REQUESTS = frozenset({"hosts", "notHosts", "methods", "notMethods", "paths", "notPaths"})
_OF_TOKENS = frozenset({"requestPrincipals", "notRequestPrincipals"})
_IDENTITIES = ("principals", "namespaces", "serviceAccounts")
_CONDITIONS = {"source.principal": "principals", "source.namespace": "namespaces", "source.serviceAccount": "serviceAccounts"}


class Enforcer(Enum):
    """Who enforces a rule: what it sees differs."""

    HTTP = "a proxy, of requests"
    TCP = "a proxy, of connections"
    ZTUNNEL = "ztunnel"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls."""

    named: frozenset[str] | None = None
    """Workloads that match when they show their certificate; None: all of them."""
    unnamed: bool = True
    """Whether whoever shows none matches."""
    sources: Hosts | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """Callers, and what they may send where: all of it must hold."""

    caller: Caller = Caller()
    ports: Services = field(default_factory=Services.every)
    """Of the pods."""
    operations: frozenset[HttpOperation] | None = None
    """None: whatever goes over the connection."""
    names: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    """Conditions on the server name: (one of these, none of those)."""
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """One alternative of one part of a rule."""

    box: Box = field(default_factory=Box)
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rules:
    """Reads rules for one enforcer."""

    identities: Identities
    enforcer: Enforcer
    namespace: str
    """The policy's."""
    allow: bool
    tokens: bool = True
    """Whether a RequestAuthentication may hold at the workload: without one no request has a principal."""
    sni: bool = False
    """Whether server names are looked at: at an egress gateway."""

    def boxes(self, rule: Any, where: str) -> Iterator[Box]:
        """The boxes of a rule; none where it never matches."""
        if not isinstance(rule, Mapping):
            yield Box(unknown=(where,))
            return
        requests = _looks_at_requests(rule, self.enforcer)
        if requests and self.allow and self.enforcer is not Enforcer.HTTP:
            return  # An ALLOW rule with anything of HTTP never matches what is not HTTP, whatever else it says.
        callers = self._entries(rule, "from", "source", where, self._source)
        targets = self._entries(rule, "to", "operation", where, self._operation)
        conditions = [
            list(self._condition(one, f"{where}.when[{number}]")) for number, one in enumerate(listed(rule.get("when")))
        ]
        for parts in product(callers, targets, *conditions):
            box = _joined(parts)
            if box is None:
                continue
            if requests and self.enforcer is Enforcer.HTTP and box.operations is None:
                box = Box(box.caller, box.ports, ANY_REQUEST, box.names, box.unknown)
            yield box

    def _entries(
        self, rule: Mapping[str, Any], key: str, inner: str, where: str, read: Callable[[Mapping[str, Any], str], Iterator[_Part]]
    ) -> list[_Part]:
        given = rule.get(key)
        if given is None or given == [] or given == ():
            return [_Part()]
        found: list[_Part] = []
        for number, entry in enumerate(listed(given)):
            place = f"{where}.{key}[{number}]"
            value = entry.get(inner) if isinstance(entry, Mapping) else UNKNOWN
            if not isinstance(value, Mapping):
                found.append(_Part(unknown=(place,)))
            elif self.enforcer is Enforcer.ZTUNNEL and not _for_ztunnel(value):
                continue  # ztunnel drops what it does not know, and a match with nothing left matches nothing.
            else:
                found += read(value, place)
        return found

    def _source(self, source: Mapping[str, Any], where: str) -> Iterator[_Part]:
        """Callers by identity and address: what is known of them, and what they may be besides."""
        alternatives = [[_Part()]]
        for key in _IDENTITIES:
            alternatives.append(self._identity(key, listed(source.get(key)), listed(source.get(_not(key))), f"{where}.source"))
        alternatives.append(_addresses(source, "ipBlocks", "notIpBlocks", f"{where}.source"))
        doubts = [key for key in source if _is_strange(str(key)) and listed(source[key])]
        if self.enforcer is Enforcer.ZTUNNEL:
            doubts = [key for key in doubts if str(key) not in _OF_TOKENS and "emoteIpBlocks" not in str(key)]
        if self.enforcer is Enforcer.TCP:
            doubts = [key for key in doubts if str(key) not in _OF_TOKENS]
        if not self.tokens and listed(source.get("requestPrincipals")) and self.enforcer is Enforcer.HTTP:
            return
        if not self.tokens:
            doubts = [key for key in doubts if str(key) not in _OF_TOKENS]
        # Whence a request came first is what a header says, which whoever calls can write.
        reasons = tuple(f"{where}.source.{key}" for key in doubts)
        for parts in product(*alternatives):
            if (box := _joined(parts)) is not None:
                yield _Part(box, reasons)

    def _identity(self, key: str, values: Sequence[Any], without: Sequence[Any], where: str) -> list[_Part]:
        everybody = self.identities.everybody
        sure, may, unnamed, reasons = everybody, everybody, True, []
        if values:
            meant, vague = self._meant(key, values)
            sure, may, unnamed = meant.sure, everybody if vague else meant.sure | meant.maybe, False
            reasons += [f"{where}.{key}"] if vague or meant.maybe else []
        if without:
            meant, vague = self._meant(key, without)
            sure = frozenset() if vague else sure - meant.sure - meant.maybe
            may -= meant.sure
            reasons += [f"{where}.{_not(key)}"] if vague or meant.maybe else []
        if not values and not without:
            return [_Part()]
        found = [_Part(Box(Caller(sure, unnamed)))]
        if may - sure:
            found.append(_Part(Box(Caller(may - sure, False)), tuple(reasons)))
        return found

    def _meant(self, key: str, values: Sequence[Any]) -> tuple[Meant, bool]:
        """Whom values mean, and whether some of them are not known."""
        found, vague = Meant(), False
        for value in values:
            one = (
                self.identities.of(key, value, self.namespace, ztunnel=self.enforcer is Enforcer.ZTUNNEL)
                if isinstance(value, str)
                else None
            )
            vague = vague or one is None
            found |= one or Meant()
        return found, vague

    def _operation(self, one: Mapping[str, Any], where: str) -> Iterator[_Part]:
        ports = _ports(listed(one.get("ports")), listed(one.get("notPorts")), f"{where}.operation")
        if self.enforcer is not Enforcer.HTTP:
            yield from ports
            return
        requests = list(_requests(one, f"{where}.operation"))
        strange = [key for key in one if str(key) not in {*_OF_REQUESTS, "ports", "notPorts"} and listed(one[key])]
        # The host of a request is what whoever calls writes into it.
        doubts = [key for key in ("hosts", "notHosts") if listed(one.get(key))] + list(map(str, strange))
        reasons = tuple(f"{where}.operation.{key}" for key in doubts)
        for parts in product(ports, requests):
            if (box := _joined(parts)) is not None:
                yield _Part(box, reasons)

    def _condition(self, one: Any, where: str) -> Iterator[_Part]:
        key = one.get("key") if isinstance(one, Mapping) else UNKNOWN
        if not isinstance(key, str):
            yield _Part(unknown=(where,))
            return
        values, without = listed(one.get("values")), listed(one.get("notValues"))
        if key.startswith("request.") and self.enforcer is Enforcer.TCP:
            yield _Part()  # left out of a DENY; an ALLOW with it never comes here
        elif key in _CONDITIONS and not (self.enforcer is Enforcer.ZTUNNEL and key == "source.serviceAccount"):
            yield from self._identity(_CONDITIONS[key], values, without, where)
        elif key == "source.ip":
            yield from _addresses({"ipBlocks": values, "notIpBlocks": without}, "ipBlocks", "notIpBlocks", where)
        elif key == "destination.port":
            yield from _ports(values, without, where)
        elif self.enforcer is Enforcer.ZTUNNEL and key != "destination.ip":
            return  # a DENY with a condition that ztunnel does not know never matches there
        elif key.startswith("request.auth.") and not self.tokens:
            if not values:
                yield _Part()
        elif key == "connection.sni" and self.sni and all(isinstance(each, str) for each in (*values, *without)):
            yield _Part(Box(names=((tuple(values), tuple(without)),)))
        else:
            yield _Part(unknown=(where,))


def _looks_at_requests(rule: Mapping[str, Any], enforcer: Enforcer) -> bool:
    """Whether a rule has anything that a connection alone does not show."""
    sources = _OF_TOKENS | ({"remoteIpBlocks", "notRemoteIpBlocks"} if enforcer is Enforcer.ZTUNNEL else frozenset())
    for key, inner, fields in (("from", "source", sources), ("to", "operation", _OF_REQUESTS)):
        for entry in listed(rule.get(key)):
            value = entry.get(inner) if isinstance(entry, Mapping) else None
            if isinstance(value, Mapping) and any(listed(value.get(each)) for each in fields):
                return True
    keys = [str(one.get("key")) for one in listed(rule.get("when")) if isinstance(one, Mapping)]
    if enforcer is Enforcer.ZTUNNEL:
        known = {"source.ip", "source.namespace", "source.principal", "destination.ip", "destination.port"}
        return any(key not in known for key in keys)
    return any(key.startswith("request.") for key in keys)


def _for_ztunnel(value: Mapping[str, Any]) -> bool:
    known = {key for name in (*_IDENTITIES, "ipBlocks", "ports") for key in (name, _not(name))}
    return any(listed(value.get(key)) for key in known)


def _joined(parts: Iterable[_Part]) -> Box | None:
    """All parts at once; None where nobody, or nothing, is in all of them."""
    named: frozenset[str] | None = None
    unnamed, sources, ports, operations = True, None, Services.every(), None
    names: tuple[Any, ...] = ()
    unknown: tuple[str, ...] = ()
    for part in parts:
        box = part.box
        one = box.caller
        named = one.named if named is None else named if one.named is None else named & one.named
        unnamed = unnamed and one.unnamed
        sources = one.sources if sources is None else sources if one.sources is None else sources & one.sources
        ports &= box.ports
        operations = box.operations if operations is None else operations
        names += box.names
        unknown += (*box.unknown, *part.unknown)
    nobody = (named is not None and not named and not unnamed) or (sources is not None and not sources)
    if nobody or not ports or (operations is not None and not operations):
        return None
    return Box(Caller(named, unnamed, sources), ports, operations, names, tuple(dict.fromkeys(unknown)))


def _ports(values: Sequence[Any], without: Sequence[Any], where: str) -> list[_Part]:
    sure, vague = _numbers(values)
    out, vaguely = _numbers(without)
    reasons = tuple(f"{where}.ports" for found in (vague, vaguely) if found)
    within = sure if values else Services.every()
    found = [] if vaguely else [_Part(Box(ports=within - out))]
    if reasons:
        found.append(_Part(Box(ports=(Services.every() if vague or not values else sure) - out), reasons))
    return found


def _numbers(values: Sequence[Any]) -> tuple[Services, bool]:
    """Ports, and whether some of them are not known."""
    known = [int(each) for each in values if str(each).isdigit() and int(each) < 65536]
    return Services.union(Services.of("tcp", port, port) for port in known), len(known) < len(values)


def _addresses(source: Mapping[str, Any], key: str, negative: str, where: str) -> list[_Part]:
    values, without = listed(source.get(key)), listed(source.get(negative))
    if not values and not without:
        return [_Part()]
    sure, vague = _networks(values)
    out, vaguely = _networks(without)
    within = sure if values else Hosts.every().addresses()
    found = [] if vaguely else [_Part(Box(Caller(sources=(within - out).addresses())))]
    if vague or vaguely:
        wide = Hosts.every().addresses() if vague or not values else sure
        found.append(_Part(Box(Caller(sources=(wide - out).addresses())), (f"{where}.{key if vague else negative}",)))
    return found


def _networks(values: Sequence[Any]) -> tuple[Hosts, bool]:
    found, vague = Hosts(), False
    for each in values:
        try:
            found |= Hosts.from_cidr(each)
        except (ValueError, TypeError):
            vague = True
    return found, vague


def _requests(one: Mapping[str, Any], where: str) -> Iterator[_Part]:
    """Requests by method and path: those that are known, and those that may be."""
    methods, paths = listed(one.get("methods")), listed(one.get("paths"))
    without, not_paths = listed(one.get("notMethods")), listed(one.get("notPaths"))
    if not (methods or paths or without or not_paths):
        yield _Part()
        return
    reasons: list[str] = []
    some, any_method = _chosen(methods, _method, f"{where}.methods", reasons)
    places, _ = _chosen(paths, _path, f"{where}.paths", reasons)
    out, more = _chosen(without, _method, f"{where}.notMethods", reasons)
    hidden, further = _chosen(not_paths, _path, f"{where}.notPaths", reasons)
    taken = frozenset(out), frozenset(hidden)
    if not more and not further:
        # What is known to match: nothing that is left out may still be on its way.
        known = [
            HttpOperation(method, path, *taken)
            for method in (some if methods else ["*"])
            for path in (places if paths else ["*"])
        ]
        if "*" not in out and "*" not in hidden and known:
            yield _Part(Box(operations=frozenset(known)))
    if reasons:
        wide = [wider(each) for each in paths if isinstance(each, str) and is_template(each)]
        within = ["*"] if any(each is UNKNOWN for each in paths) or not paths else [*places, *wide]
        every = ["*"] if any_method or not methods else some
        if "*" not in out and "*" not in hidden:
            yield _Part(
                Box(operations=frozenset(HttpOperation(method, path, *taken) for method in every for path in within)),
                tuple(reasons),
            )


def _chosen(
    values: Sequence[Any], read: Callable[[str], list[str] | None], where: str, reasons: list[str]
) -> tuple[list[str], bool]:
    """What is known of some values, and whether there is more."""
    found: list[str] = []
    vague = False
    for each in values:
        one = read(each) if isinstance(each, str) else None
        vague = vague or one is None or (read is _method and "*" in each and each != "*")
        found += one or []
    if vague:
        reasons.append(where)
    return list(dict.fromkeys(found)), vague


def _method(text: str) -> list[str] | None:
    return [text] if "*" not in text or text == "*" else [one for one in _METHODS if matches(text, one)]


def _path(text: str) -> list[str] | None:
    return None if is_template(text) else [glob(text)]


def _is_strange(key: str) -> bool:
    """Whether a field of a source is none of identities and addresses."""
    return key not in {each for name in (*_IDENTITIES, "ipBlocks") for each in (name, _not(name))}


def _not(key: str) -> str:
    return f"not{key[0].upper()}{key[1:]}"
