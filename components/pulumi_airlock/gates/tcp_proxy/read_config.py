"""What a configuration of Envoy lets through, whoever wrote it: each way from a listener to where it leads, and for whom.

Files are those that belong together: a bootstrap, and what it names by path. What is not understood is unknown; what would let
everybody through, where a file cannot be read, is said as what may be.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...proof.sets import Hosts, Services
from .logic import NO, YES, Box, Cases, all_of, any_of, both, negated, only, unknown
from .read_rbac import Request, Token, claims, decided
from .ways import EVERY_PORT, Way, hosts_of, tcp

Json = Mapping[str, Any]
_FILTERS = "type.googleapis.com/envoy.extensions.filters"
_HCM = f"{_FILTERS}.network.http_connection_manager.v3.HttpConnectionManager"
_TCP = f"{_FILTERS}.network.tcp_proxy.v3.TcpProxy"
_JWT = f"{_FILTERS}.http.jwt_authn.v3"
_RBAC = f"{_FILTERS}.http.rbac.v3"
_HARMLESS = (
    f"{_FILTERS}.http.router.v3.Router",
    f"{_FILTERS}.http.health_check.v3.HealthCheck",
    f"{_FILTERS}.http.buffer.v3.Buffer",
)
"""Filters that refuse nobody, and let nobody through."""
_CHOOSING = {"cluster_header", "cluster_specifier_plugin", "inline_cluster_specifier_plugin"}
"""What chooses a cluster by something of the request, or by code."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """What the component says of an issuer."""

    environment: str | None = None
    subject: str | None = None


def parsed(text: str) -> Any:
    """JSON or YAML; None where it is neither."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError):
        return None


def is_bootstrap(document: Any) -> bool:
    """Whether a document is a bootstrap of Envoy."""
    return isinstance(document, Mapping) and (
        isinstance(document.get("static_resources"), Mapping) or isinstance(document.get("dynamic_resources"), Mapping)
    )


class Configuration:
    """One Envoy: its bootstrap and the other files, as documents by their names.

    `names`: where an endpoint is → the target (`host:port`) that it stands for, where no DNS says so.
    """

    def __init__(
        self,
        files: Mapping[str, Any],
        bootstrap: str,
        issuers: Mapping[str, Issuer] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self._files, self._name, self._issuers, self._names = files, bootstrap, issuers or {}, names or {}
        self.bootstrap: Json = files[bootstrap]
        self.unread: list[str] = []
        """What could not be read."""
        static, dynamic = _map(self.bootstrap, "static_resources"), _map(self.bootstrap, "dynamic_resources")
        self.listeners = [(bootstrap, one) for one in _list(static, "listeners")]
        self.listeners += self._discovered(dynamic.get("lds_config"), "listeners")
        clusters = [(bootstrap, one) for one in _list(static, "clusters")]
        clusters += self._discovered(dynamic.get("cds_config"), "clusters")
        self.unread += [
            f"{one} of a control plane" for one in ("lds_resources_locator", "cds_resources_locator") if one in dynamic
        ]
        self.clusters = {str(one.get("name")): one for _, one in clusters}

    def _discovered(self, source: Any, what: str) -> list[tuple[str, Json]]:
        """What a file has; a source that is no file of these is noted."""
        if source is None:
            return []
        path = str(_map(source, "path_config_source").get("path") or _map(source).get("path") or "")
        name = path.rpartition("/")[2]
        document = self._files.get(name)
        if not isinstance(document, Mapping):
            self.unread.append(f"{what} of {name or 'a control plane'}")
            return []
        return [(name, one) for one in _list(document, "resources")]

    def ways(self) -> Iterator[Way]:
        """Every way through it."""
        for file, listener in self.listeners:
            for chain in (*_list(listener, "filter_chains"), *filter(None, [_map(listener, "default_filter_chain")])):
                yield from self._of_chain(file, listener, chain)

    def managers(self) -> Iterator[tuple[Json, Json, Json]]:
        """(listener, filter chain, HTTP connection manager) of each."""
        for _, listener in self.listeners:
            for chain in (*_list(listener, "filter_chains"), *filter(None, [_map(listener, "default_filter_chain")])):
                for one in _list(chain, "filters"):
                    if _type(one) == _HCM:
                        yield listener, chain, _map(one, "typed_config")

    def _of_chain(self, file: str, listener: Json, chain: Json) -> Iterator[Way]:
        port = _map(listener, "address", "socket_address").get("port_value", 0)
        tls = _map(chain, "transport_socket", "typed_config")
        request = Request(port=port, certificates=tls.get("require_client_certificate") is True)
        before: Cases = YES
        name, ends = str(listener.get("name", "listener")), False
        for one in _list(chain, "filters"):
            kind, config = _type(one), _map(one, "typed_config")
            if kind == _HCM:
                ends = True
                yield from self._of_manager(file, config, request, before)
            elif kind == _TCP:
                ends, through = True, unknown(f"what listener {name} tunnels to") if "tunneling_config" in config else YES
                for cluster in self._led(config):
                    for hosts, services, cases in self._places(cluster, None):
                        yield Way(hosts, services, all_of([before, cases, through]), file, f'listener "{name}"', connect=False)
            elif kind == f"{_FILTERS}.network.rbac.v3.RBAC":
                before = both(before, decided(config.get("rules"), request))
            else:
                before = both(before, unknown(f"filter {kind.rpartition('/')[2]} of listener {name}"))
        if not ends and _list(chain, "filters"):
            # One that leads on itself, as those of databases do.
            self.unread.append(f"where listener {name} leads")

    def _of_manager(self, file: str, manager: Json, request: Request, before: Cases) -> Iterator[Way]:
        for where, routes in self._routes(file, manager):
            for host in _list(routes, "virtual_hosts"):
                yield from self._of_host(where, manager, routes, host, request, before)

    def providers(self) -> Iterator[tuple[str, str]]:
        """(name, issuer) of whoever signs the tokens that it takes."""
        for _, _, manager in self.managers():
            for one in _list(manager, "http_filters"):
                for name, provider in _map(one, "typed_config", "providers").items():
                    yield str(name), str(_map(provider).get("issuer") or "anybody")

    def routes(self) -> Iterator[tuple[str, Json]]:
        """(file, route configuration) of every manager."""
        for _, _, manager in self.managers():
            yield from self._routes(self._name, manager)

    def _routes(self, file: str, manager: Json) -> list[tuple[str, Json]]:
        if inline := _map(manager, "route_config"):
            return [(file, inline)]
        if "scoped_routes" in manager:
            self.unread.append("scoped routes")
        rds = _map(manager, "rds")
        found = self._discovered(rds.get("config_source"), "routes") if rds else []
        return [(where, one) for where, one in found if one.get("name") == rds.get("route_config_name")]

    def _of_host(self, file: str, manager: Json, routes: Json, host: Json, request: Request, before: Cases) -> Iterator[Way]:
        domains = [str(one) for one in host.get("domains") or ()]
        only_one = domains[0].lower() if len(domains) == 1 and "*" not in domains[0] else None
        taken: Cases = NO
        for route in _list(host, "routes"):
            match = _map(route, "match")
            connect = "connect_matcher" in match
            asked = replace(request, authority=only_one, connect=connect)
            overrides = [_map(one, "typed_per_filter_config") for one in (routes, host, route)]
            mine = all_of([before, self._passed(manager, overrides, asked, match, negated(taken))])
            if connect and _list(match, "dynamic_metadata"):
                taken = any_of([taken, self._chosen(manager, overrides, asked, match)])
            for cluster in self._led(_map(route, "route")):
                for hosts, services, cases in self._places(cluster, domains):
                    label = f'virtual host "{host.get("name", "")}"'
                    yield Way(hosts, services, both(mine, cases), file, label, connect)

    def _passed(self, manager: Json, overrides: Sequence[Json], request: Request, match: Json, left: Cases) -> Cases:
        """For whom a request passes all filters, and takes a route."""
        found = []
        for tokens, cases in self._contexts(manager, overrides, request):
            asked = replace(request, tokens=tokens)
            # A route that is chosen by what a token says; whatever else chooses it, a client writes as it likes.
            chosen = all_of(claims(one, asked) for one in _list(match, "dynamic_metadata"))
            found.append(all_of([cases, chosen]))
        return both(any_of(found), left)

    def _chosen(self, manager: Json, overrides: Sequence[Json], request: Request, match: Json) -> Cases:
        return any_of(
            all_of(claims(one, replace(request, tokens=tokens)) for one in _list(match, "dynamic_metadata"))
            for tokens, _ in self._contexts(manager, overrides, request)
        )

    def _contexts(self, manager: Json, overrides: Sequence[Json], request: Request) -> list[tuple[tuple[Token, ...], Cases]]:
        """Each set of tokens that may be there after all filters, and for whom they let it through."""
        found: list[tuple[tuple[Token, ...], Cases]] = [((), YES)]
        for one in _list(manager, "http_filters"):
            kind, config = _type(one), _map(one, "typed_config")
            over = next((each[name] for each in reversed(overrides) if (name := str(one.get("name"))) in each), None)
            if one.get("disabled") is True or (isinstance(over, Mapping) and over.get("disabled") is True):
                continue
            if kind == f"{_JWT}.JwtAuthentication":
                given = _required(config, over, request)
                found = [
                    ((*tokens, *(self._token(config, each) for each in names)), cases)
                    for tokens, cases in found
                    for names in given
                ]
                found = [(tokens, both(cases, self._vouched(tokens))) for tokens, cases in found]
            elif kind == f"{_RBAC}.RBAC":
                rules = config if over is None else _map(over, "rbac")
                found = [(tokens, both(cases, _rules(rules, replace(request, tokens=tokens)))) for tokens, cases in found]
            elif kind not in _HARMLESS:
                found = [(tokens, both(cases, unknown(f"filter {one.get('name')}"))) for tokens, cases in found]
        return found

    def _token(self, config: Json, provider: str) -> Token:
        one = _map(config, "providers", provider)
        known = self._issuers.get(provider, Issuer())
        exact = _map(one, "subjects").get("exact")
        subject = exact if isinstance(exact, str) else known.subject
        return Token(str(one.get("payload_in_metadata") or ""), known.environment, subject)

    def _vouched(self, tokens: Iterable[Token]) -> Cases:
        """An issuer that vouches for the tasks of one environment gives nobody else a token."""
        return all_of(only(Box(environments=frozenset({one.environment}))) for one in tokens if one.environment)

    def _led(self, action: Json) -> Iterator[str]:
        """The clusters that a route, or a filter on TCP, may lead to: any, where a client's request chooses."""
        weighted = _list(_map(action, "weighted_clusters"), "clusters")
        if "cluster" in action:
            yield str(action["cluster"])
        yield from (str(one["name"]) for one in weighted if one.get("name"))
        if any(_CHOOSING & each.keys() for each in (action, *weighted)):
            yield from self.clusters

    def _places(self, cluster: str, domains: Sequence[str] | None) -> Iterator[tuple[Hosts, Services, Cases]]:
        """Where a cluster is, and whether; one that nothing is known of is nowhere: Envoy answers 503."""
        one = self.clusters.get(cluster)
        if one is None:
            if self.unread:
                yield Hosts.every(), EVERY_PORT, unknown(f"cluster {cluster}, which is not here")
            return
        kind = str(_map(one, "cluster_type").get("name") or one.get("type") or "STATIC")
        if kind in ("STATIC", "STRICT_DNS", "LOGICAL_DNS", "0", "1", "2"):
            for endpoint in _endpoints(one):
                address = _map(endpoint, "endpoint", "address")
                socket = _map(address, "socket_address")
                if socket:
                    yield *self._place(str(socket.get("address")), socket.get("port_value")), YES
                elif "envoy_internal_address" not in address:  # that is a listener of its own, with ways of its own
                    yield Hosts.every(), EVERY_PORT, unknown(f"where an endpoint of cluster {cluster} is")
        elif "dynamic_forward_proxy" in kind:
            yield from ((*place, YES) for place in _by_domain(domains))
        else:
            yield Hosts.every(), EVERY_PORT, unknown(f"where cluster {cluster} is ({kind})")

    def _place(self, host: str, port: Any) -> tuple[Hosts, Services]:
        """Host and port of an endpoint; where its component says which name it stands for, that one's."""
        name, _, its_port = self._names.get(f"{host}:{port}", "").rpartition(":")
        return (hosts_of(name), tcp(int(its_port))) if name and its_port.isdigit() else (hosts_of(host), tcp(port))


def _endpoints(cluster: Json) -> Iterator[Json]:
    for group in _list(_map(cluster, "load_assignment"), "endpoints"):
        yield from _list(group, "lb_endpoints")


def _by_domain(domains: Sequence[str] | None) -> Iterator[tuple[Hosts, Services]]:
    """Of a cluster that resolves what a client asks for."""
    for domain in domains or ("*",):
        host, _, port = domain.rpartition(":") if domain.rpartition(":")[2].isdigit() else (domain, "", "")
        services = tcp(int(port)) if port else EVERY_PORT
        if host.startswith("*.") or "*" not in host:
            yield hosts_of(host.strip("[]")), services
        else:
            yield Hosts.every(), services


def _rules(config: Json, request: Request) -> Cases:
    if config.get("matcher"):
        return unknown("a matcher tree in place of rules")
    rules = config.get("rules")
    return decided(rules if isinstance(rules, Mapping) else None, request)


def _required(config: Json, over: Any, request: Request) -> list[tuple[str, ...]]:
    """Each set of issuers whose tokens let a request pass; the empty one: without a token."""
    if isinstance(over, Mapping) and "requirement_name" in over:
        return _requirement(config, _map(config, "requirement_map", str(over["requirement_name"])))
    for rule in _list(config, "rules"):
        match = _map(rule, "match")
        # A rule on a path is not for CONNECT (envoyproxy/envoy#34988); one on a header may be.
        if ("connect_matcher" in match) if request.connect else (match.get("prefix") == "/" and len(match) == 1):
            if set(match) - {"connect_matcher", "prefix"}:
                return [*_requirement(config, _map(rule, "requires")), ()]
            if "requirement_name" in rule:
                return _requirement(config, _map(config, "requirement_map", str(rule["requirement_name"])))
            return _requirement(config, _map(rule, "requires"))
    return [()]


def _requirement(config: Json, one: Json) -> list[tuple[str, ...]]:
    if "provider_name" in one:
        return [(str(one["provider_name"]),)]
    if "provider_and_audiences" in one:
        return [(str(_map(one, "provider_and_audiences").get("provider_name")),)]
    if "requires_any" in one:
        return [each for part in _list(_map(one, "requires_any"), "requirements") for each in _requirement(config, part)]
    if "requires_all" in one:
        found: list[tuple[str, ...]] = [()]
        for part in _list(_map(one, "requires_all"), "requirements"):
            found = [(*names, *each) for names in found for each in _requirement(config, part)]
        return found
    if "allow_missing" in one or "allow_missing_or_failed" in one:
        # With a token that verifies, its claims are there; which issuer's, nobody says.
        return [(), *((name,) for name in _map(config, "providers"))]
    return [()]


def _type(one: Json) -> str:
    config = _map(one, "typed_config")
    return str(config.get("@type", one.get("name", "")))


def _map(one: Any, *path: str) -> dict[str, Any]:
    for key in path:
        one = one.get(key) if isinstance(one, Mapping) else None
    return dict(one) if isinstance(one, Mapping) else {}


def _list(one: Any, name: str) -> list[Any]:
    found = one.get(name) if isinstance(one, Mapping) else None
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list | tuple) else []


# For policies


def without_token(manager: Json, connect: bool = True) -> bool:
    """Whether a manager lets requests on for which no token is there."""
    for one in _list(manager, "http_filters"):
        if _type(one) == f"{_JWT}.JwtAuthentication" and one.get("disabled") is not True:
            return () in _required(_map(one, "typed_config"), None, Request(connect=connect))
    return True
