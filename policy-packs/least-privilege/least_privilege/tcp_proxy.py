"""Policies on TCP proxies: who calls is proven twice, tunnels lead to named places, and end, and everything is told."""

import json
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from pulumi_airlock.access import AccessError
from pulumi_airlock.access.values import duration_text, parse_duration
from pulumi_airlock.gates.declaration import declared_access
from pulumi_airlock.gates.tcp_proxy.inspect import Inspected, haproxies, inspected, unread
from pulumi_airlock.gates.tcp_proxy.read_config import without_token
from pulumi_airlock.tokens import LOCAL_FILES, TCP_PROXY
from pulumi_policy import EnforcementLevel, Severity

from . import haproxy
from .controls import Soc2
from .reading import UNKNOWN, Resource, Stack
from .registry import Config, Findings, stack_policy, undecided, wrong

CONFIGURED = (
    "kubernetes:core/v1:ConfigMap",
    "aws:s3/bucketObjectv2:BucketObjectv2",
    "aws:s3/bucketObject:BucketObject",
    "aws:ssm/parameter:Parameter",
    "gcp:compute/instance:Instance",
    "gcp:compute/instanceTemplate:InstanceTemplate",
    "gcp:compute/regionInstanceTemplate:RegionInstanceTemplate",
    LOCAL_FILES,
)
_BESIDE = ("kubernetes:*", "airlock:index:*", "aws:s3/*")
_OLD = (None, "TLS_AUTO", "TLSv1_0", "TLSv1_1", "TLSv1_2")
_TOLD = ("RESPONSE_CODE_DETAILS", "DOWNSTREAM_PEER_SUBJECT", "START_TIME", ":AUTHORITY")


def _has_proxy(stack: Stack) -> bool:
    """Whether any of the files and parameters is a proxy's configuration, or may be one that cannot be read."""
    return any(True for of in (inspected, haproxies, unread) for _ in of(stack))


def _unread(stack: Stack) -> Findings:
    return (undecided(at, path) for at, path in unread(stack))


def _map(one: Any, *path: str) -> Mapping[str, Any]:
    for key in path:
        one = one.get(key) if isinstance(one, Mapping) else None
    return one if isinstance(one, Mapping) else {}


@stack_policy(
    "tcp-proxy-client-certificates",
    types=CONFIGURED,
    beside=_BESIDE,
    among=_has_proxy,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Set `require_client_certificate: true`, and whom it trusts, in the listener's `DownstreamTlsContext`; of HAProxy "
    "`verify required ca-file …` on its `bind`.",
)
def client_certificates(stack: Stack, _: Config) -> Findings:
    """Whoever asks a TCP proxy for a tunnel shows a client certificate of an authority that it trusts."""
    yield from _unread(stack)
    yield from haproxy.of_each(stack, haproxy.client_certificates)
    for one in inspected(stack):
        for listener, chain, _manager in one.lead():
            context = _map(chain, "transport_socket", "typed_config")
            name = listener.get("name")
            if context.get("require_client_certificate") is not True:
                yield wrong(one.resource, one.path, f"asks nobody for a certificate, in listener {name}")
                continue
            common = _map(context, "common_tls_context")
            if not any("validation_context" in key for key in common):
                yield wrong(one.resource, one.path, f"takes the certificate of any authority, in listener {name}")


@stack_policy(
    "tcp-proxy-tokens",
    types=CONFIGURED,
    beside=_BESIDE,
    among=_has_proxy,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Write a rule with `match: {connect_matcher: {}}` in `jwt_authn`: rules on paths do not hold for CONNECT.",
    url="https://github.com/envoyproxy/envoy/issues/34988",
)
def tokens(stack: Stack, _: Config) -> Findings:
    """Every tunnel of a TCP proxy takes a token that is verified: signed, for this audience, not expired."""
    yield from _unread(stack)
    for one in inspected(stack):
        for listener, _chain, manager in one.lead():
            if without_token(manager):
                yield wrong(one.resource, one.path, f"takes CONNECT without a token, in listener {listener.get('name')}")
            for provider, settings in _providers(manager):
                if not settings.get("audiences"):
                    yield wrong(one.resource, one.path, f"takes tokens for any audience, of provider {provider}")
                if settings.get("require_expiration") is not True:
                    yield wrong(one.resource, one.path, f"takes tokens that never expire, of provider {provider}")


def _providers(manager: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for one in manager.get("http_filters") or ():
        for name, settings in _map(one, "typed_config", "providers").items():
            yield str(name), _map({"it": settings}, "it")


@stack_policy(
    "tcp-proxy-named-targets",
    types=CONFIGURED,
    beside=_BESIDE,
    among=_has_proxy,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Give each target a virtual host with its one `host:port`, and a cluster with its endpoint; of HAProxy a `backend` with "
    "its `server`.",
)
def named_targets(stack: Stack, _: Config) -> Findings:
    """A TCP proxy leads to targets that are named: no wildcards, no clusters that go wherever a client says."""
    yield from _unread(stack)
    yield from haproxy.of_each(stack, haproxy.named_targets)
    for one in inspected(stack):
        for file, host, _route in one.tunnels():
            wide = [str(each) for each in host.get("domains") or () if "*" in str(each)]
            if wide:
                at, path = one.place(file)
                yield wrong(at, path, f"leads wherever a client says, for {', '.join(wide)}")
        for name, cluster in one.config.clusters.items():
            kind = str(_map(cluster, "cluster_type").get("name") or cluster.get("type") or "STATIC")
            if "dynamic_forward_proxy" in kind or kind == "ORIGINAL_DST":
                yield wrong(one.resource, one.path, f"has a cluster that goes wherever a client says: {name} ({kind})")
        for way in one.config.ways():
            if not way.connect:
                at, path = one.place(way.file)
                yield wrong(at, path, f"passes on what is no tunnel, by {way.label}")


@stack_policy(
    "tcp-proxy-sessions",
    types=CONFIGURED,
    beside=_BESIDE,
    among=_has_proxy,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Set `max_stream_duration` on the route: the session of the access file's route. Of HAProxy `timeout tunnel` and "
    "`hard-stop-after`, since it ends no tunnel by its length.",
    settings={
        "longest": {"type": "string", "default": "12h", "description": "The longest that a tunnel may last (`30m`, `12h`)."}
    },
)
def sessions(stack: Stack, config: Config) -> Findings:
    """Tunnels of a TCP proxy end: a token, or a certificate, is looked at when one is opened, and never again."""
    yield from _unread(stack)
    yield from haproxy.of_each(stack, lambda one: haproxy.sessions(one, str(config["longest"])))
    longest = parse_duration(str(config["longest"])).total_seconds()
    for one in inspected(stack):
        for file, host, route in one.tunnels():
            said = str(_map(route, "route", "max_stream_duration").get("max_stream_duration") or "")
            seconds = float(said.removesuffix("s")) if said.removesuffix("s").replace(".", "", 1).isdigit() else 0.0
            at, path = one.place(file)
            if not seconds:
                yield wrong(at, path, f"lets tunnels to {host.get('name')} last for ever")
            elif seconds > longest:
                most = duration_text(parse_duration(str(config["longest"])))
                yield wrong(at, path, f"lets tunnels to {host.get('name')} last {seconds:.0f} seconds, over {most}")


@stack_policy(
    "tcp-proxy-access-log",
    types=CONFIGURED,
    beside=_BESIDE,
    among=_has_proxy,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Log `START_TIME`, `REQ(:AUTHORITY)`, `RESPONSE_CODE_DETAILS` and `DOWNSTREAM_PEER_SUBJECT`; never the token. Of HAProxy "
    "`%ci`, `%ts` and `ssl_c_s_dn`, and every connection: a refused one has carried nothing.",
)
def access_log(stack: Stack, _: Config) -> Findings:
    """A TCP proxy logs every tunnel and refusal: when, who, where to, and which policy decided. No token stands in it."""
    yield from _unread(stack)
    yield from haproxy.of_each(stack, haproxy.access_log)
    for one in inspected(stack):
        for listener, _chain, manager in one.lead():
            log = json.dumps(manager.get("access_log") or [])
            missing = [each for each in _TOLD if each not in log]
            if missing:
                yield wrong(one.resource, one.path, f"does not log {', '.join(missing)}, in listener {listener.get('name')}")
            if "PROXY-AUTHORIZATION" in log.upper():
                yield wrong(one.resource, one.path, f"logs tokens, in listener {listener.get('name')}")


@stack_policy(
    "tcp-proxy-tls",
    types=CONFIGURED,
    beside=_BESIDE,
    among=_has_proxy,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Set `tls_minimum_protocol_version: TLSv1_3` (of HAProxy `ssl-min-ver TLSv1.3`); of what fetches an issuer's keys, "
    "TLSv1_2 at least.",
)
def tls(stack: Stack, _: Config) -> Findings:
    """Tunnels of a TCP proxy come in by TLS 1.3: both ends are ours. Issuers' keys are fetched by TLS 1.2 at least."""
    yield from _unread(stack)
    yield from haproxy.of_each(stack, haproxy.tls)
    for one in inspected(stack):
        for listener, chain, _manager in one.lead():
            context = _map(chain, "transport_socket", "typed_config")
            least = _map(context, "common_tls_context", "tls_params").get("tls_minimum_protocol_version")
            if not context:
                yield wrong(one.resource, one.path, f"is plain text, in listener {listener.get('name')}")
            elif least in _OLD:
                yield wrong(one.resource, one.path, f"takes TLS before 1.3, in listener {listener.get('name')}")
        for name, cluster in one.config.clusters.items():
            context = _map(cluster, "transport_socket", "typed_config")
            least = _map(context, "common_tls_context", "tls_params").get("tls_minimum_protocol_version")
            if context and least in _OLD[:-1]:
                yield wrong(one.resource, one.path, f"goes on by TLS before 1.2, to cluster {name}")


@stack_policy(
    "tcp-proxy-administration",
    types=CONFIGURED,
    beside=_BESIDE,
    among=_has_proxy,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Let `admin.address` be 127.0.0.1, or leave `admin` out: whoever reaches it reads certificates and stops the proxy.",
)
def administration(stack: Stack, _: Config) -> Findings:
    """The administration of Envoy, and of HAProxy, listens on the machine's own address alone."""
    yield from _unread(stack)
    yield from haproxy.of_each(stack, haproxy.administration)
    for one in inspected(stack):
        address = _map(one.config.bootstrap, "admin", "address")
        socket = _map(address, "socket_address")
        if socket and not _is_loopback(str(socket.get("address"))):
            yield wrong(one.resource, one.path, f"has its administration at {socket.get('address')}:{socket.get('port_value')}")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@stack_policy(
    "tcp-proxy-enforces",
    types=CONFIGURED,
    beside=_BESIDE,
    among=_has_proxy,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Write `rules` beside `shadow_rules`: these count, and refuse nobody.",
)
def enforces(stack: Stack, _: Config) -> Findings:
    """Rules of a TCP proxy decide: none stands there as a shadow alone."""
    yield from _unread(stack)
    for one in inspected(stack):
        for file, name, rules in _rbac(one):
            if "shadow_rules" in rules and "rules" not in rules:
                at, path = one.place(file)
                yield wrong(at, path, f"has rules that refuse nobody, in {name}")


def _rbac(one: Inspected) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(file, where, configuration) of every RBAC filter and of what takes its place."""
    for listener, _chain, manager in one.lead():
        for each in manager.get("http_filters") or ():
            yield one.found.bootstrap, f"listener {listener.get('name')}", _map(each, "typed_config")
    for file, routes in one.config.routes():
        for host in (routes, *(routes.get("virtual_hosts") or ())):
            for each in _map(host, "typed_per_filter_config").values():
                yield file, str(host.get("name")), _map(each, "rbac")


@stack_policy(
    "tcp-proxy-attested",
    types=(TCP_PROXY,),
    beside=("airlock:index:Access",),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    level=EnforcementLevel.ADVISORY,
    fix="Let such tasks run in pods of their own, with projected tokens; `TcpProxy(attested=[…])` refuses all others.",
    settings={
        "classes": {
            "type": "array",
            "items": {"type": "string"},
            "default": ["confidential"],
            "description": "Classes of data that take an attested identity.",
        }
    },
)
def attested(stack: Stack, config: Config) -> Findings:
    """Sensitive data is reached with an attested identity: an asserted one is any task's that shares the role."""
    try:
        access = declared_access(stack)
    except AccessError:
        return
    if access is None:
        return
    classes = set(config["classes"])
    for proxy in stack.of_type(TCP_PROXY):
        issuers = proxy.get("issuers")
        if issuers is UNKNOWN:
            yield undecided(proxy, "issuers")
            continue
        behind = {
            one.name: one.data_class
            for one in access.destinations
            if one.data_class in classes and proxy.name in access.zones[one.zone].gates
        }
        yield from _asserted(proxy, behind, access.routes)


def _asserted(proxy: Resource, behind: Mapping[str, str | None], routes: Any) -> Findings:
    closed = {str(one) for one in proxy.get_list("attested")}
    asserted = [
        str(one.get("name"))
        for one in proxy.get_list("issuers")
        if isinstance(one, Mapping) and one.get("assurance") != "attested"
    ]
    for route in routes:
        named = sorted(name for name in route.to if name in behind and behind[name] not in closed)
        if named and asserted:
            message = f"takes an asserted identity ({', '.join(asserted)}) for {', '.join(named)} of route {route.name}"
            yield wrong(proxy, "issuers", message)
