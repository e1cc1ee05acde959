"""A plan as HAProxy's configuration. No SDK in here.

A client asks for a target by TLS's server name, and is known by its certificate. Who shows `http/1.1` in ALPN besides is answered
by HTTP in place of a tunnel: may it, and if not, by which policy; who names no target is told which manifests the proxy goes by.
HAProxy reads its files at a start and at a reload (`running.SCRIPT`), which open tunnels outlive.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from ....access.values import is_address
from ....proof.times import Once
from ..files import Configuration
from ..keys import MANIFEST
from ..plan import Grant, ProxyPlan, Target
from ..settings import AUTHORITY, CERTIFICATE, Settings
from . import log

FILE = "haproxy.cfg"
ASKS = "http/1.1"
"""The protocol of ALPN with which a client asks, in place of opening a tunnel."""
_KEEPALIVE = "60s"
"""Of silence after which both ends of a tunnel are asked whether they are there: firewalls forget silent flows later."""
_CHECK = "check inter 15s fastinter 2s downinter 5s"
"""How often HAProxy connects to a target itself, so that it can say whether one is reached. It says nothing there."""
_JSON = "content-type application/json"
_ALLOWED = "acl allowed var(sess.policy) -m beg allow-"
"""Whatever no route has let through is refused, also what no rule is about."""


def haproxy_configuration(plan: ProxyPlan, settings: Settings, host: str) -> Configuration:
    """All files of a proxy that tasks call `host`: targets are `<label>.<host>` (`ProxyPlan.labels`)."""
    sections = (_global(plan, settings), _defaults(plan), _resolvers(plan, settings), _tunnels(plan, settings, host))
    backends = [line for one in plan.targets for line in _backend(plan, one, settings)]
    lines = [line for section in sections for line in section]
    text = "\n".join([*lines, *backends, *_answers(plan), *_health(settings)])
    return Configuration({FILE: text.lstrip("\n") + "\n"}, {}, settings, FILE)


def _section(head: str, lines: Sequence[str]) -> list[str]:
    return ["", head, *(f"  {one}" for one in lines)]


def _global(plan: ProxyPlan, settings: Settings) -> list[str]:
    return _section(
        "global",
        [
            "log stdout len 8192 format raw local0 info",
            f"maxconn {settings.connections}",
            # tls.key beside tls.crt, as cert-manager and Kubernetes' secrets have them.
            "ssl-load-extra-del-ext",
            # Each connection shows its certificate: one that is over, or of an authority that is gone, resumes nothing.
            "tune.ssl.cachesize 0",
            # Tunnels outlive a reload, and end after it.
            f"hard-stop-after {plan.session}s",
        ],
    )


def _defaults(plan: ProxyPlan) -> list[str]:
    return _section(
        "defaults",
        [
            "mode tcp",
            "log global",
            "retries 1",
            "timeout connect 10s",
            "timeout http-request 10s",
            # Of whoever has not been let through yet, TLS among it: nobody holds a connection by saying nothing.
            *(f"timeout {side} 10s" for side in ("client", "server")),
            f"timeout tunnel {plan.session}s",
            *(f"option {side}tcpka" for side in ("cli", "srv")),
            *(f"{side}tcpka-idle {_KEEPALIVE}" for side in ("cli", "srv")),
        ],
    )


def _resolvers(plan: ProxyPlan, settings: Settings) -> list[str]:
    if all(is_address(settings.upstream(one)[0]) for one in plan.targets):
        return []
    return _section("resolvers system", ["parse-resolv-conf", "accepted_payload_size 4096", "hold valid 30s"])


# Who gets where


def _tunnels(plan: ProxyPlan, settings: Settings, host: str) -> list[str]:
    folder, labels = settings.certificates, plan.labels()
    trusted = f"crt {folder}/{CERTIFICATE} ca-file {folder}/{AUTHORITY} verify required"
    lines = [
        f"bind {settings.address}:{settings.port} ssl {trusted} ssl-min-ver TLSv1.3 no-tls-tickets alpn {ASKS}",
        f"log-format '{log.sessions(plan)}'",
        f"error-log-format '{log.handshakes(plan)}'",
        "tcp-request connection set-var(sess.start) date,utime(%Y-%m-%dT%H:%M:%S)",
        "acl decided var(sess.policy) -m found",
        _ALLOWED,
        f"acl asks ssl_fc_alpn -m str {ASKS}",
        *_issuers(plan),
    ]
    for target in plan.targets:
        lines += _target(plan, target, f"to-{labels[target.authority]}", f"{labels[target.authority]}.{host}")
    lines += [
        "tcp-request content set-var(sess.event) str(close)",
        "tcp-request content set-var(sess.event) str(asked) if asks",
        "tcp-request content set-var(sess.event) str(refused) unless allowed",
        "tcp-request content set-var(sess.reason) str(permission) unless allowed",
        "tcp-request content switch-mode http if asks",
        "tcp-request content reject unless allowed",
        "use_backend answers if asks",
        *(f"use_backend {label} if to-{label}" for label in labels.values()),
    ]
    return _section("frontend tunnels", lines)


def _issuers(plan: ProxyPlan) -> Iterator[str]:
    for one in plan.certificates:
        subject = one.subject("", "")
        of = f"of-{one.name}"
        known = f"ssl_c_s_dn(OU) -m str {one.environment}" if "OU" in subject else f"ssl_c_s_dn(CN) -m beg {subject['CN']}"
        yield f"acl {of} {known}"
        said = {"issuer": one.name, "environment": one.environment, "assurance": one.assurance}
        yield from (f"tcp-request content set-var(sess.{name}) str({value}) if {of}" for name, value in said.items())


def _target(plan: ProxyPlan, target: Target, to: str, server_name: str) -> Iterator[str]:
    yield f"acl {to} ssl_fc_sni -m str -i {server_name}"
    yield f"tcp-request content set-var(sess.target) str({target.authority}) if {to}"
    yield f"tcp-request content set-var(sess.destination) str({target.destination}) if {to}"
    for grant in target.grants:
        policy = f"{target.allow}/{grant.route}"
        for condition in _callers(plan, grant):
            yield f"tcp-request content set-var(sess.policy) str({policy}) if {to} !decided {condition}"
    yield f"tcp-request content set-var(sess.policy) str({target.deny}) if {to} !decided"


def _callers(plan: ProxyPlan, grant: Grant) -> Iterator[str]:
    """The conditions of which one holds for whoever a route lets through: one for each issuer."""
    until = "".join(f" {{ date lt {int(end.timestamp())} }}" for end in _ends(grant))
    for one in plan.certificates:
        several = [one.subject(caller.principal, caller.account) for caller in grant.callers.get(one.name, ())]
        if several:
            names = " ".join(dict.fromkeys(subject["CN"] for subject in several))
            yield f"of-{one.name} {{ ssl_c_s_dn(CN) -m str {names} }}{until}"


def _ends(grant: Grant) -> Iterator[datetime]:
    for clause in grant.times:
        (window,) = clause
        if not isinstance(window, Once) or window.start is not None or window.end is None:
            raise ValueError(f"{window!r}: HAProxy knows of the time when a route ends, and no more")
        yield window.end


# Where tunnels lead


def _backend(plan: ProxyPlan, target: Target, settings: Settings) -> list[str]:
    host, port = settings.upstream(target)
    shown = f"[{host}]" if ":" in host else host
    by_name = "" if is_address(host) else " resolvers system init-addr last,libc,none"
    return _section(f"backend {plan.labels()[target.authority]}", [f"server target {shown}:{port}{by_name} {_CHECK}"])


# What is answered by HTTP


def _answers(plan: ProxyPlan) -> list[str]:
    denied = log.answer(plan, "permission", "the certificate %[ssl_c_s_dn,json(utf8s)] has no route")
    unknown = log.answer(plan, "permission", "no target of the proxy is called %[ssl_fc_sni,json(utf8s)]")
    away = log.answer(plan, "routing", "the target takes no connections")
    is_manifest = f"!known {{ path {MANIFEST} }}"
    lines = [
        "mode http",
        _ALLOWED,
        "acl known var(sess.target) -m found",
        "acl away var(sess.reason) -m str routing",
        "http-request set-var(txn.correlation) req.hdr(x-airlock-correlation)",
        "http-request set-var(txn.session) req.hdr(x-airlock-session)",
        f"http-request set-var(sess.event) str(asked) if {is_manifest}",
        f"http-request unset-var(sess.reason) if {is_manifest}",
        f"http-request return status 200 {_JSON} string '{_manifests(plan.manifests)}' if {is_manifest}",
        f"http-request return status 404 {_JSON} lf-string '{unknown}' unless known",
        f"http-request return status 403 {_JSON} lf-string '{denied}' unless allowed",
        *(
            f"http-request set-var(sess.reason) str(routing) if {{ var(sess.target) -m str {target} }} {{ nbsrv({label}) lt 1 }}"
            for target, label in plan.labels().items()
        ),
        "http-request set-var(sess.event) str(refused) if away",
        f"http-request return status 503 {_JSON} lf-string '{away}' if away",
        f"http-request return status 200 {_JSON} lf-string '{log.answer(plan)}'",
    ]
    return _section("backend answers", lines)


def _manifests(manifests: Mapping[str, str]) -> str:
    return json.dumps(dict(manifests), sort_keys=True)


def _health(settings: Settings) -> list[str]:
    if settings.health_port is None:
        return []
    bind = f"bind {settings.health_address}:{settings.health_port}"
    return _section("frontend health", ["mode http", "no log", bind, "monitor-uri /ready", "http-request return status 404"])
