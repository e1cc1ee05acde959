"""Policies on gateways of people: who somebody is, is asked everywhere, nobody's own word is passed on, refusals are logged."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from pulumi_airlock.access.values import duration_text, parse_duration
from pulumi_airlock.gates.nginx import read
from pulumi_airlock.gates.nginx.inspect import Gateway, inspected, unread
from pulumi_airlock.gates.nginx.plan import pinned
from pulumi_airlock.gates.nginx.pods import SignIn, sign_ins
from pulumi_airlock.proof.filters import Action, Rule
from pulumi_policy import Severity

from .controls import Soc2
from .reading import UNKNOWN, Stack, Subject
from .registry import Config, Findings, plain_text, resource_policy, setting, stack_policy, undecided, wrong

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
SECRET = "kubernetes:core/v1:Secret"  # noqa: S105  # a type
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
VIRTUAL_SERVER = "kubernetes:k8s.nginx.org/v1:VirtualServer"
HTTP_ROUTE = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"
GATEWAYS = (CONFIG_MAP, INGRESS, VIRTUAL_SERVER, HTTP_ROUTE)
_BESIDE = ("kubernetes:*", "airlock:index:*")
_HIDDEN = "/execution/health"
_STRONG = frozenset({"TLSv1.2", "TLSv1.3"})
_LOGGED = ("$time_iso8601", "$request_id", "$request_method", "$status", "$upstream_status")


# Gateways


def _unread(stack: Stack) -> Findings:
    return (undecided(at, path) for at, path in unread(stack))


@stack_policy(
    "gateway-identity-headers",
    types=GATEWAYS,
    beside=_BESIDE,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Set each identity header from the authentication's answer, or to nothing: `proxy_set_header X-Forwarded-User ''`.",
)
def identity_headers(stack: Stack, _: Config) -> Findings:
    """No gateway passes on an identity header as the client sends it: whoever sends one would be whom it names."""
    yield from _unread(stack)
    for gateway in inspected(stack):
        for place in gateway.places():
            if place.asks and (names := place.passed_on()):
                shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
                yield wrong(place.resource, place.path, f"passes on {shown} as the client sends it, in {place.label}")


@stack_policy(
    "gateway-asks-everywhere",
    types=GATEWAYS,
    beside=_BESIDE,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Write `auth_request` in the location, or in the server around it.",
)
def asks_everywhere(stack: Stack, _: Config) -> Findings:
    """Where a gateway asks who somebody is, it asks at every location that passes requests on."""
    yield from _unread(stack)
    for gateway in inspected(stack):
        for place in gateway.places():
            if not place.asks:
                yield wrong(place.resource, place.path, f"passes on whoever comes, in {place.label}")


@stack_policy(
    "gateway-hides-execution-api",
    types=GATEWAYS,
    beside=_BESIDE,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Answer 404 for `/execution` and all below it: tasks report there, inside the cluster.",
)
def hides_execution_api(stack: Stack, _: Config) -> Findings:
    """No gateway of people leads to the API that tasks report to."""
    if not any(True for _ in inspected(stack)):
        return
    for found in read(stack):
        for rule in found.rules:
            if rule.action is Action.ALLOW and _opens(rule):
                at = stack.find(rule.source.urn)
                if rule.unknown:
                    yield undecided(at, rule.source.position)
                else:
                    yield wrong(at, rule.source.position, f"leads to /execution: {rule.source.label}")


def _opens(rule: Rule) -> bool:
    return rule.match.operations is None or any(
        fnmatchcase(_HIDDEN, one.path) and not any(fnmatchcase(_HIDDEN, each) for each in one.not_paths)
        for one in rule.match.operations
    )


@stack_policy(
    "gateway-tls",
    types=(CONFIG_MAP,),
    beside=_BESIDE,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Write `listen … ssl` and `ssl_protocols TLSv1.2 TLSv1.3`, which nginx does not have by default before 1.27.",
)
def tls(stack: Stack, _: Config) -> Findings:
    """A gateway takes people's requests by TLS 1.2 or later alone."""
    yield from _unread(stack)
    for gateway in inspected(stack):
        for server, places in gateway.servers if gateway.whole else ():
            label = places[0].label.partition(" of ")[2]
            listens = list(server.all("listen"))
            if not listens or any(not {"ssl", "quic"} & set(one.args[1:]) for one in listens):
                yield wrong(gateway.resource, gateway.path, f"takes plain HTTP for {label}")
                continue
            said = server.last("ssl_protocols") or gateway.http.last("ssl_protocols")
            if said is None:
                yield wrong(gateway.resource, gateway.path, f"says no ssl_protocols for {label}")
            elif not set(said.args) <= _STRONG:
                yield wrong(gateway.resource, gateway.path, f"takes {', '.join(sorted(set(said.args) - _STRONG))} for {label}")


@stack_policy(
    "gateway-access-log",
    types=(CONFIG_MAP,),
    beside=_BESIDE,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Log JSON (`log_format … escape=json`) with time, request id, person, method, path, status and `$upstream_status`.",
)
def access_log(stack: Stack, _: Config) -> Findings:
    """A gateway logs each request as JSON, with what tells its own refusal from Airflow's."""
    yield from _unread(stack)
    for gateway in inspected(stack):
        if not gateway.whole:
            continue
        formats = {one.args[0]: one.args[1:] for one in gateway.http.all("log_format") if one.args}
        for server, places in gateway.servers:
            label = places[0].label.partition(" of ")[2]
            for message in _log_faults(gateway, server, formats):
                yield wrong(gateway.resource, gateway.path, f"{message} for {label}")


def _log_faults(gateway: Gateway, server: Any, formats: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    said = list(server.all("access_log")) or list(gateway.http.all("access_log"))
    if not said or any(one.args == ("off",) for one in said):
        yield "logs nothing"
        return
    for one in said:
        words = formats.get(one.args[1] if len(one.args) > 1 else "combined", ())
        text = " ".join(words)
        if "escape=json" not in words:
            yield "does not log JSON"
        elif missing := [name for name in _LOGGED if name not in text]:
            yield f"does not log {', '.join(missing)}"


@resource_policy(
    "ingress-nginx-retired",
    types=(INGRESS,),
    severity=Severity.HIGH,
    soc2=Soc2.CC8_1,
    fix="Move to `NginxGateway`, F5 NGINX Ingress Controller or NGINX Gateway Fabric; until then, the proof reads the Ingress.",
    url="https://kubernetes.io/blog/2025/11/11/ingress-nginx-retirement/",
)
def ingress_nginx_retired(it: Subject) -> Findings:
    """No Ingress is served by ingress-nginx, which has had no security fixes since March 2026."""
    name = it.get("spec", "ingressClassName")
    annotations = it.mapping("metadata", "annotations")
    if name is UNKNOWN or annotations is UNKNOWN:
        yield undecided(it, "spec.ingressClassName" if name is UNKNOWN else "metadata.annotations")
    elif name == "nginx" or annotations.get("kubernetes.io/ingress.class") == "nginx":
        yield wrong(it, "spec.ingressClassName", "is ingress-nginx, which was retired in March 2026")
    elif any(str(one).startswith("nginx.ingress.kubernetes.io/") for one in annotations):
        yield wrong(it, "metadata.annotations", "are ingress-nginx's, which was retired in March 2026")


# oauth2-proxy


@stack_policy(
    "sign-in-groups",
    types=(DEPLOYMENT,),
    beside=_BESIDE,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_3,
    fix="Name the groups that may sign in (`--allowed-group`), or the domains of their addresses.",
)
def sign_in_groups(stack: Stack, _: Config) -> Findings:
    """No oauth2-proxy lets in whoever the identity provider knows."""
    for one in sign_ins(stack):
        domains = one.options.get("email-domain", ())
        limited = one.groups or "authenticated-emails-file" in one.options or "allowed-role" in one.options
        if "*" in domains and not limited:
            at = one.owner.resource
            yield undecided(at, "spec") if one.unsure else wrong(at, "spec", "lets in everybody: --email-domain=*, and no group")


@stack_policy(
    "sign-in-cookies",
    types=(DEPLOYMENT,),
    beside=_BESIDE,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Set `--cookie-secure`, `--cookie-httponly`, `--cookie-samesite=lax` and a `--cookie-expire` as the routes' sessions.",
    settings={"max_session": setting("Longest session of people.", "12h")},
)
def sign_in_cookies(stack: Stack, config: Config) -> Findings:
    """Sessions of oauth2-proxy are kept in cookies that scripts and plain HTTP do not get, and that end the same day."""
    longest = parse_duration(config["max_session"])
    for one in sign_ins(stack):
        at = one.owner.resource
        for option in ("cookie-secure", "cookie-httponly"):
            if str(one.last(option) if one.last(option) is not None else "true").lower() not in ("true", "1", "t"):
                yield wrong(at, "spec", f"has --{option}=false")
        if one.last("cookie-samesite") not in ("lax", "strict"):
            yield undecided(at, "spec") if one.unsure else wrong(at, "spec", "has no --cookie-samesite=lax")
        seconds = _seconds(one)
        if seconds is None:
            yield undecided(at, "spec")
        elif not 0 < seconds <= longest.total_seconds():
            yield wrong(at, "spec", f"keeps sessions for {_shown(seconds)}, over {duration_text(longest)}")


def _shown(seconds: float) -> str:
    return "ever" if seconds == 0 else f"{seconds / 3600:g}h"


def _seconds(one: SignIn) -> float | None:
    """How long a session holds: a week unless it says otherwise (oauth2-proxy, `--cookie-expire`, 168h)."""
    text = one.last("cookie-expire")
    if text is None:
        return None if one.unsure else 168 * 3600.0
    total, number = 0.0, ""
    for char in str(text):
        if char.isdigit() or char == ".":
            number += char
        elif char in "hms" and number:
            total += float(number) * {"h": 3600, "m": 60, "s": 1}[char]
            number = ""
        else:
            return None
    return None if number else total


@stack_policy(
    "sign-in-secrets",
    types=(DEPLOYMENT,),
    beside=_BESIDE,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Give oauth2-proxy its client and cookie secret by `secretKeyRef`, or as files: arguments are seen by everybody.",
)
def sign_in_secrets(stack: Stack, _: Config) -> Findings:
    """No secret of oauth2-proxy stands in its arguments or environment as plain text."""
    for one in sign_ins(stack):
        for option in ("client-secret", "cookie-secret"):
            if isinstance(one.last(option), str):
                yield wrong(one.owner.resource, "spec", f"has its {option.replace('-', ' ')} in plain text")
        if one.unsure:
            yield undecided(one.owner.resource, "spec")


@resource_policy(
    "kubernetes-secret-marked",
    types=(SECRET,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Take the value from a secret of the configuration, or wrap it in `pulumi.Output.secret`: else the state shows it.",
)
def secret_marked(it: Subject) -> Findings:
    """What a Kubernetes Secret holds is marked secret in the program, so that no state and no preview has it in plain text."""
    yield from plain_text(it, "stringData", "data")


# Pods


def _containers(it: Subject) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    yield from it.items("spec", "template", "spec", "containers")


def _of_gateway(container: Any) -> bool:
    return isinstance(container, Mapping) and any(name in str(container.get("image")) for name in ("nginx", "oauth2-proxy"))


@resource_policy(
    "gateway-image-pinned",
    types=(DEPLOYMENT,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC8_1,
    fix="Name the image by its digest, or by a version at least.",
)
def image_pinned(it: Subject) -> Findings:
    """Images of nginx and oauth2-proxy say which one they are: by digest or version, never `latest`."""
    for path, container in _containers(it):
        image = container.get("image") if isinstance(container, Mapping) else container
        if image is UNKNOWN:
            yield undecided(it, (*path, "image"))
        elif _of_gateway(container) and not pinned(str(image)):
            yield wrong(it, (*path, "image"), f"is {image}: another image tomorrow, perhaps")


@resource_policy(
    "gateway-pod-hardened",
    types=(DEPLOYMENT,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Set runAsNonRoot, a read-only root file system, no privilege escalation, and automountServiceAccountToken: false.",
)
def pod_hardened(it: Subject) -> Findings:
    """nginx and oauth2-proxy run without root, without a writable root, and without a token of the cluster."""
    pod = it.mapping("spec", "template", "spec")
    if pod is UNKNOWN:
        yield undecided(it, "spec.template.spec")
        return
    found = [(path, one) for path, one in _containers(it) if _of_gateway(one)]
    token = pod.get("automountServiceAccountToken")
    if found and token is not False:
        at = "spec.template.spec.automountServiceAccountToken"
        yield undecided(it, at) if token is UNKNOWN else wrong(it, at, "is on: a gateway asks the cluster nothing")
    for path, container in found:
        yield from _of_container(it, path, container, pod)


def _of_container(it: Subject, path: tuple[str | int, ...], container: Mapping[str, Any], pod: Mapping[str, Any]) -> Findings:
    own, around = container.get("securityContext") or {}, pod.get("securityContext") or {}
    if UNKNOWN in (own, around):
        yield undecided(it, (*path, "securityContext"))
        return
    for name, wanted in (("runAsNonRoot", True), ("readOnlyRootFilesystem", True), ("allowPrivilegeEscalation", False)):
        value = own.get(name, around.get(name) if name == "runAsNonRoot" else None)
        if value is UNKNOWN:
            yield undecided(it, (*path, "securityContext", name))
        elif value is not wanted:
            yield wrong(it, (*path, "securityContext", name), f"is not {str(wanted).lower()}")
