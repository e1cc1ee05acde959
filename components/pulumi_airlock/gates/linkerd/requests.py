"""Which route a request takes: the one that matches it best, and whose authorizations alone count for it.

Semantics: linkerd/linkerd2-proxy, linkerd/http/route (match.rs, path.rs): a host before none; the longer path, where exact paths
and patterns match as long as the path is, and prefixes as long as they are; then headers, query parameters, a method. Of routes
that match alike the older counts, then the first by name (linkerd2, policy-controller/grpc/src/inbound/http.rs).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import escape
from typing import Any

from ...proof.filters import HttpOperation
from ..kubernetes import KubeObject
from ..stack import UNKNOWN, listed

Rank = tuple[bool, bool, int, int, int, bool]
_PATTERN = re.compile(r"((?:[\w/~%-]|\\[^\w])*)(\.\*)?")
"""Of regular expressions, a text, and a text with anything behind it; others are not guessed."""


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """Requests that a route takes, if none that ranks higher does."""

    route: KubeObject
    rank: Rank
    """A host; the whole path; else the length of the prefix; headers; query parameters; a method."""
    operation: HttpOperation
    unknown: tuple[str, ...] = ()

    def meets(self, other: "RouteMatch") -> bool:
        """Whether some request may be both's."""
        one, two = self.operation, other.operation
        if "*" not in (one.method, two.method) and one.method != two.method:
            return False
        return one.path == two.path or fnmatchcase(one.path, two.path) or fnmatchcase(two.path, one.path)


def ranked(routes: list[KubeObject]) -> list[RouteMatch]:
    """Every match of every route, the one that counts first at the front."""
    found = [match for route in routes for match in _of_route(route)]
    return sorted(found, key=lambda one: (tuple(-part for part in one.rank), *_age(one.route)))


def tied(one: RouteMatch, others: list[RouteMatch]) -> list[RouteMatch]:
    """Matches of other routes that may count in its place: as good, and of a route whose age is not known."""
    return [
        other
        for other in others
        if other.route is not one.route
        and other.rank == one.rank
        and one.meets(other)
        and not (_age(one.route)[0] and _age(other.route)[0])
    ]


def _age(route: KubeObject) -> tuple[str, str]:
    made = route.get("metadata", "creationTimestamp")
    return made if isinstance(made, str) else "", route.name


def _of_route(route: KubeObject) -> Iterator[RouteMatch]:
    hosts = bool(route.get("spec", "hostnames"))
    for rule in route.get_list("spec", "rules") or [{}]:
        matches = rule.get("matches") if isinstance(rule, Mapping) else None
        for match in listed(matches) or [{}]:
            if route.kind == "GRPCRoute":
                yield from _grpc(route, match if isinstance(match, Mapping) else {}, hosts)
            else:
                yield from _http(route, match if isinstance(match, Mapping) else {}, hosts, unknown=match is UNKNOWN)


def _http(route: KubeObject, match: Mapping[str, Any], hosts: bool, *, unknown: bool) -> Iterator[RouteMatch]:
    where = route.resource.name
    headers, query = _count(match.get("headers")), _count(match.get("queryParams"))
    method, path = match.get("method"), match.get("path")
    doubts = [f"{where}: a match"] if unknown else []
    doubts += [f"{where}.spec.hostnames"] if hosts else []
    doubts += [f"{where}: {name}" for name, number in (("headers", headers), ("queryParams", query)) if number]
    doubts += [f"{where}: method"] if method is UNKNOWN else []
    given = path if isinstance(path, Mapping) else {}
    kind, value = given.get("type") or "PathPrefix", given.get("value") or "/"
    if path is UNKNOWN or not isinstance(kind, str) or not isinstance(value, str):
        kind, value = "", ""
    operation = str(method) if method and method is not UNKNOWN else "*"
    after = (headers, query, bool(method))

    def made(path: str, *more: str, whole: bool = True, length: int = 0) -> RouteMatch:
        rank = (hosts, whole, length, *after)
        return RouteMatch(route, rank, HttpOperation(operation, path), (*doubts, *more))

    match kind:
        case "Exact":
            yield made(escape(value))
        case "PathPrefix":
            # A prefix is of whole segments, and of its own path it matches the whole (path.rs).
            bare = value.rstrip("/")
            yield made(escape(bare or "/"))
            yield made(f"{escape(bare)}/*" if bare else "*", whole=False, length=len(bare) or 1)
        case "RegularExpression" if found := _PATTERN.fullmatch(value):
            yield made(escape(re.sub(r"\\(.)", r"\1", found[1])) + ("*" if found[2] else ""))
        case _:
            yield made("*", f"{where}: path {value}")


def _grpc(route: KubeObject, match: Mapping[str, Any], hosts: bool) -> Iterator[RouteMatch]:
    where = route.resource.name
    given = match.get("method")
    method = given if isinstance(given, Mapping) else {}
    service, name, headers = method.get("service"), method.get("method"), _count(match.get("headers"))
    doubts = [f"{where}.spec.hostnames"] if hosts else []
    doubts += [f"{where}: headers"] if headers else []
    known = given is not UNKNOWN and all(one is None or isinstance(one, str) for one in (service, name))
    if method.get("type", "Exact") != "Exact" or not known:
        doubts, service, name = [*doubts, f"{where}: method"], None, None
    # A call is POST /<service>/<method>.
    path = f"/{escape(service or '') or '*'}/{escape(name or '') or '*'}"
    rank = (hosts, bool(service), len(name or ""), headers, 0, True)
    yield RouteMatch(route, rank, HttpOperation("POST", path), tuple(doubts))


def _count(value: Any) -> int:
    return len(value) if isinstance(value, list | tuple) else int(value is not None)
