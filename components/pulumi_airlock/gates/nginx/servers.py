"""What a server of nginx passes on: for each location the requests, who may send them, and to whom they go.

What is not understood (Lua, njs, conditions, rewrites, what nobody can read) makes a rule unknown; it is never guessed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlsplit

from ...proof.filters import Action, HttpOperation, Match, Who
from ...proof.sets import Hosts, Services
from .config import _AMBIGUOUS
from .directives import Directive
from .locations import Location, flat, parted
from .names import Listening, destination, is_address, listening, listens, names_of, same_host, taken
from .own_paths import own_paths
from .paths import meet
from .plan import EMAIL, GROUPS, IDENTITY_HEADERS, NOBODY
from .pods import UNREAD
from .variables import Scope, effective, names_in

_STRANGE = re.compile(
    r".*_by_lua(_block|_file)?|js_(content|access|set|filter|header_filter|body_filter)|perl(_set)?|mirror|proxy_method"
)
_REFUSES = re.compile(r"[345][0-9][0-9]")
_DENIES = frozenset({("all",)})


@dataclass(frozen=True)
class Passed:
    """Requests of a host, and what becomes of them."""

    action: Action
    who: Who
    operations: frozenset[HttpOperation] | None
    """None: it does not look at HTTP."""
    directive: Directive
    label: str
    unknown: tuple[str, ...] = ()
    implied: bool = False


@dataclass(frozen=True)
class Server:
    """One server: its names, its ports, what it passes on, and where to."""

    hosts: Hosts
    """Names; every other name of its port for one that takes them all."""
    ports: tuple[int, ...]
    passed: tuple[Passed, ...]
    upstreams: tuple[Match, ...]
    directive: Directive


@dataclass(frozen=True)
class Surroundings:
    """What a configuration says beyond itself."""

    namespace: str
    signs_in: "Mapping[str, tuple[frozenset[str], tuple[str, ...]]]" = field(default_factory=dict)
    """Host of an oauth2-proxy → the groups that may sign in there (empty: all), and what of that is unknown."""
    tasks: frozenset[str] = frozenset()
    """Environments, whose tasks cannot sign in."""
    shared: bool = False
    """Whether the servers are some of a controller's: who comes by another name meets others."""


def read_servers(root: Sequence[Directive], around: Surroundings) -> Iterator[Server]:
    """All servers of a configuration."""
    main = Directive("", (), 0, "", tuple(root))
    for one in root:
        servers = list(one.all("server")) if one.name in ("http", "stream") else []
        there = listening(servers)
        for server in servers:
            reader = _Reader((main, one, server), around, there)
            yield from reader.all() if one.name == "http" else reader.of_connections()


@dataclass(frozen=True)
class _Reader:
    """Reads one server."""

    blocks: tuple[Directive, ...]
    around: Surroundings
    there: Listening

    @property
    def here(self) -> Directive:
        return self.blocks[-1]

    def all(self) -> Iterator[Server]:
        """The server, once for each set of names by which it is met."""
        names, unsure = names_of(self.here)
        found, upstreams = self._all()
        if unsure:
            names, found = Hosts.every(), [replace(one, unknown=(*one.unknown, *unsure)) for one in found]
        rest = not unsure and not (self.around.shared and names)
        for hosts, ports in taken(self.here, self.there, names, rest=rest):
            yield Server(hosts, ports, tuple(found), tuple(dict.fromkeys(upstreams)), self.here)

    def of_connections(self) -> Iterator[Server]:
        """A server of a `stream` block: it looks at no name and no request, and passes whatever comes on."""
        passes = self.here.last("proxy_pass") or self.here.last("pass")
        ports = tuple(dict.fromkeys(port for _, port, _ in listens(self.here)))
        if passes is None or not passes.args or not ports:
            return
        found = [one for host in self._hosts(passes.args[0]) if (one := destination(host, 0)) is not None]
        label = f"stream on {', '.join(map(str, ports))}: whoever comes"
        unknown = () if found else (f"{_where(passes)}: {passes}: where to",)
        passed = Passed(Action.ALLOW, Who(), None, self.here, label, unknown)
        yield Server(Hosts.every(), ports, (passed,), tuple(found), self.here)

    # Locations

    def _all(self) -> tuple[list[Passed], list[Match]]:
        found: list[Passed] = []
        upstreams: list[Match] = []
        everything = frozenset({HttpOperation("*", "/*")})
        if (answer := self._answers(self.here)) is not None:
            return [Passed(Action.DENY, Who(), everything, answer, f"every request is answered {answer}")], []
        own = own_paths(self.blocks)
        unsure, opening = self._strange(self.blocks)
        if opening:
            found.append(Passed(Action.ALLOW, Who(), everything, self.here, f"{self._shown()}: {opening[0]}", opening))
        for one in parted([each for each in flat(self.here, self.blocks) if each.directive not in own]):
            more, opening = self._strange((one.directive,))
            doubts = (*unsure, *more, *(f"{each} may take it" for each in one.unsure))
            label = f"{one.name} of {self._shown()}"
            if opening:
                found.append(Passed(Action.ALLOW, Who(), _requests(one), one.directive, f"{label}: {opening[0]}", opening))
            for passed, upstream in self._location(one, label):
                found.append(replace(passed, unknown=(*passed.unknown, *doubts)) if passed.action is Action.ALLOW else passed)
                if upstream is not None:
                    upstreams.append(upstream)
        return found, upstreams

    def _shown(self) -> str:
        names = [name for one in self.here.all("server_name") for name in one.args]
        return names[0] if names else "every host"

    def _answers(self, block: Directive) -> Directive | None:
        """The `return` that answers every request of a block."""
        return next((one for one in block.all("return") if one.args), None)

    def _location(self, one: Location, label: str) -> Iterator[tuple[Passed, Match | None]]:
        requests = _requests(one)
        odd = () if one.glob is not None else (f"{one.name}: which paths it matches",)
        passes = one.directive.last("proxy_pass")
        answer = self._answers(one.directive) or (one.directive.last("internal"))
        if answer is not None or passes is None or not passes.args:
            says = f"{label}: {answer}" if answer is not None else f"{label}: passes nothing on"
            yield Passed(Action.DENY, Who(), requests, one.directive, says, odd), None
            return
        blocks = (*one.above, one.directive)
        upstream, doubts = self._upstream(passes, Scope(blocks))
        methods, more = self._methods(one.directive)
        for passed in self._people(blocks, one.directive, requests, label):
            limited = _limited(passed, methods)
            if limited.operations:
                yield replace(limited, unknown=(*limited.unknown, *odd, *doubts, *more)), upstream

    def _strange(self, blocks: Sequence[Directive]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What in these blocks is not understood; and what of that may let in whoever comes, and not only refuse."""
        found = list(self._not_understood(blocks))
        return tuple(text for text, _ in found), tuple(text for text, opens in found if opens)

    def _not_understood(self, blocks: Sequence[Directive]) -> Iterator[tuple[str, bool]]:
        for block in blocks:
            for one in block.block or ():
                if one.name == "if" and not self._harmless(one):
                    yield f"{_where(one)}: {one}", not self._refuses(one)
                elif one.name in ("rewrite", UNREAD, "satisfy", "auth_basic", "auth_jwt") or _STRANGE.fullmatch(one.name):
                    yield f"{_where(one)}: {one.name} {' '.join(one.args[:1])}".rstrip(), True
                elif one.name == "try_files" or (one.name in ("allow", "deny") and one.args not in _DENIES):
                    yield f"{_where(one)}: {one}", one.name == "try_files"
                elif one.name == "error_page" and (target := self._fallback(one)) is not None:
                    yield f"{_where(one)}: {one}: what {target} passes on", True

    def _harmless(self, one: Directive) -> bool:
        """A condition that refuses paths which have two readings: no path of a route is among them."""
        if not self._refuses(one):
            return False
        text = " ".join(one.args).strip("()").strip()
        if text.startswith("$request_uri ~* "):
            return text.removeprefix("$request_uri ~* ").strip('"') == _AMBIGUOUS.removeprefix("~*")
        made = Scope(self.blocks).maps.get(text.lstrip("$"))
        entries = [each for each in (made.block or ()) if each.name != "default"] if made is not None else []
        return made is not None and made.args[:1] == ("$request_uri",) and [each.name for each in entries] == [_AMBIGUOUS]

    def _refuses(self, one: Directive) -> bool:
        """A condition that does nothing but answer."""
        body = list(one.block or ())
        return len(body) == 1 and body[0].name == "return" and bool(body[0].args) and bool(_REFUSES.fullmatch(body[0].args[0]))

    def _fallback(self, one: Directive) -> str | None:
        """A named location that an error leads to, and that passes requests on."""
        target = one.args[-1] if one.args else ""
        for each in self.here.all("location"):
            if each.args == (target,) and target.startswith("@") and each.last("proxy_pass") is not None:
                return target
        return None

    def _methods(self, block: Directive) -> tuple[frozenset[str] | None, tuple[str, ...]]:
        found = block.last("limit_except")
        if found is None:
            return None, ()
        inside = [str(one) for one in found.block or ()]
        methods = frozenset(one.upper() for one in found.args) | ({"HEAD"} if "GET" in found.args else set())
        return methods, () if inside == ["deny all"] else (f"{_where(found)}: limit_except {' '.join(inside)}",)

    # Who

    def _people(
        self, blocks: tuple[Directive, ...], block: Directive, requests: frozenset[HttpOperation], label: str
    ) -> Iterator[Passed]:
        if any(one.args in _DENIES for one in effective(blocks, "deny")) and not effective(blocks, "allow"):
            yield Passed(Action.DENY, Who(), requests, block, f"{label}: deny all")
            return
        scope = Scope(blocks)
        asks = [one for one in effective(blocks, "auth_request") if one.args and one.args[0] != "off"]
        if not asks:
            yield Passed(Action.ALLOW, Who(), requests, block, f"{label}: no auth_request: whoever comes")
            return
        forged, sure = self._forged(blocks, scope)
        if forged:
            label = f"{label}: passes on {forged} as the client sends it: anyone may claim any group"
            unknown = () if sure else (f"whether Airflow goes by {forged}",)
            yield Passed(Action.ALLOW, Who(), requests, block, label, unknown)
            if sure:
                return
        yield from self._signed_in(asks[-1].args[0], scope, block, requests, label)

    def _forged(self, blocks: tuple[Directive, ...], scope: Scope) -> tuple[str, bool]:
        """An identity header that the client has a hand in; and whether it is one that this gateway itself sets."""
        if any(one.args == ("off",) for one in effective(blocks, "proxy_pass_request_headers")):
            return "", True
        lax = [*effective(blocks, "underscores_in_headers"), *effective(blocks, "ignore_invalid_headers")]
        if any(one.args == ({"underscores_in_headers": "on"}.get(one.name, "off"),) for one in lax):
            return f"{EMAIL} (with underscores)", True
        said = {one.args[0].lower(): one.args[1] for one in effective(blocks, "proxy_set_header") if len(one.args) == 2}
        given = {name for name, value in said.items() if _from_answer(value, scope)}
        for name in IDENTITY_HEADERS:
            value = said.get(name.lower())
            asked = name in (EMAIL, GROUPS) or name.lower() in given or value
            if asked and (value is None or scope.from_client(value)):
                return name, value is not None or self._ever_set()
        return "", True

    def _ever_set(self) -> bool:
        """Whether a location of this configuration sets the headers that Airflow is told to go by."""
        wanted = {EMAIL.lower(), GROUPS.lower()}
        return any(
            one.args and one.args[0].lower() in wanted
            for block in _within(self.blocks[1])
            for one in block.all("proxy_set_header")
        ) or any(
            one.args[-1].startswith("$upstream_http_x_auth_request_")
            for block in _within(self.blocks[1])
            for one in block.all("auth_request_set")
            if one.args
        )

    def _signed_in(
        self, uri: str, scope: Scope, block: Directive, requests: frozenset[HttpOperation], label: str
    ) -> Iterator[Passed]:
        place = next((one for one in flat(self.here, self.blocks) if one.pattern == uri and one.modifier in ("=", "")), None)
        target = place.directive.last("proxy_pass") if place is not None else None
        if target is None or not target.args:
            yield Passed(Action.ALLOW, Who(), requests, block, label, (f"auth_request {uri}: whom it asks",))
            return
        # The question is asked in a location of its own: what `set` says there and at the request both hold.
        inner = Scope((*scope.blocks, *((place.directive,) if place is not None else ())))
        url = urlsplit(target.args[0])
        query = next(
            (value for name, value in parse_qsl(url.query.replace("%", "%25").replace("+", "%2B")) if name == "allowed_groups"),
            "",
        )
        known = next((found for host, found in self.around.signs_in.items() if same_host(host, self._hosts(url.netloc))), None)
        yield from self._by_groups(query, inner, known, Passed(Action.ALLOW, Who(), requests, block, label))

    def _by_groups(
        self, query: str, scope: Scope, known: tuple[frozenset[str], tuple[str, ...]] | None, passed: Passed
    ) -> Iterator[Passed]:
        everybody, unsure = known or (frozenset(), ("who may sign in: no oauth2-proxy in the stack",))
        always, some, doubts = scope.groups(query)
        people = always - {NOBODY}
        if doubts:
            yield replace(passed, who=self._anyone(), unknown=tuple(f"the groups in {one}" for one in doubts))
        if people:
            yield replace(passed, who=_of(people, everybody))
        for requests, groups in some:
            limited, odd = _within_requests(passed.operations or frozenset(), requests)
            if limited:
                yield replace(passed, operations=limited, who=_of(groups, everybody), unknown=odd)
        if always or doubts:
            return
        # No group is named at some requests: whoever may sign in is let through.
        who = Who(groups=everybody) if everybody else self._anyone()
        label = passed.label if everybody else f"{passed.label}: whoever signs in, of whichever group"
        yield replace(passed, who=who, label=label, unknown=unsure if not everybody else ())

    def _anyone(self) -> Who:
        """Whoever the identity provider knows: no task is."""
        return Who(outside=self.around.tasks) if self.around.tasks else Who()

    # Where to

    def _upstream(self, passes: Directive, scope: Scope) -> tuple[Match | None, tuple[str, ...]]:
        text = passes.args[0]
        if names_in(text):
            values = [one for name in names_in(text) for one in scope.values(name)]
            if len(values) != 1 or names_in(values[0]):
                return None, (f"{_where(passes)}: {passes}: where to",)
            text = re.sub(r"\$\{?\w+\}?", values[0], text, count=1)
        url = urlsplit(text)
        port = 443 if url.scheme == "https" else 80
        matches = [destination(one, port) for one in self._hosts(url.netloc)]
        found = [one for one in matches if one is not None]
        if not found or len(found) < len(matches):
            return None, (f"{_where(passes)}: {passes}: where to",)
        return Match(hosts=Hosts.union(one.hosts for one in found), services=Services.union(one.services for one in found)), ()

    def _hosts(self, netloc: str) -> list[str]:
        """`host:port` of each server that a name stands for: those of an `upstream`, or itself."""
        for block in self.blocks:
            for one in block.all("upstream"):
                if one.args == (netloc,):
                    return [self._whole(each.args[0]) for each in one.all("server") if each.args]
        return [self._whole(netloc)]

    def _whole(self, netloc: str) -> str:
        """With the whole name of a Service, which a pod may shorten."""
        host, colon, port = netloc.partition(":")
        parts = host.split(".")
        if is_address(host):
            return netloc
        if len(parts) == 1:
            host = f"{host}.{self.around.namespace}.svc.cluster.local"
        elif len(parts) == 2 or (len(parts) == 3 and parts[2] == "svc"):
            host = f"{parts[0]}.{parts[1]}.svc.cluster.local"
        return host + colon + port


def _requests(one: Location) -> frozenset[HttpOperation]:
    """What falls into a location."""
    return frozenset({HttpOperation("*", one.glob or "/*", not_paths=frozenset(one.without))})


def _within(block: Directive) -> Iterator[Directive]:
    yield block
    for one in block.block or ():
        if one.block is not None:
            yield from _within(one)


def _from_answer(value: str, scope: Scope) -> bool:
    return any(one.startswith("$upstream_http_") for name in names_in(value) for one in scope.values(name))


def _of(groups: Iterable[str], everybody: frozenset[str]) -> Who:
    found = frozenset(groups)
    return Who(groups=found & everybody if everybody else found)


def _limited(one: Passed, methods: frozenset[str] | None) -> Passed:
    if methods is None or one.operations is None:
        return one
    found: set[HttpOperation] = set()
    for each in one.operations:
        mine = methods if each.method == "*" else methods & {each.method}
        found |= {replace(each, method=method, not_methods=frozenset()) for method in mine - each.not_methods}
    return replace(one, operations=frozenset(found))


def _within_requests(
    operations: frozenset[HttpOperation], requests: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
) -> tuple[frozenset[HttpOperation], tuple[str, ...]]:
    """The part of some requests that a map names; and what of it is no single glob."""
    methods, paths, without = requests
    found: set[HttpOperation] = set()
    odd: list[str] = []
    for one in operations:
        for path in paths:
            shared = meet(one.path, path)
            if shared is None:
                odd.append(f"paths that are both {one.path} and {path}")
                shared = path
            if shared:
                taken = frozenset((*one.not_paths, *without))
                found |= {HttpOperation(method, shared, not_paths=taken) for method in methods}
    return frozenset(found), tuple(odd)


def _where(one: Directive) -> str:
    return f"{one.file.rsplit('/', 1)[-1]}:{one.line}" if one.line else one.file
