"""An HTTP answer as somebody saw it, and who on the way gave it: by the marks that each of them leaves.

Read are what `curl -i` prints, a line of the gateway's JSON access log, and a line of Envoy's: a 403 looks the same in a browser,
whoever said it. Facts, and how sure:

- Airflow answers `{"detail":"Forbidden"}` (measured, Airflow 3.3); the gateway then logs an `upstream_status` of 403.
- Envoy's RBAC answers `RBAC: access denied`, and logs `rbac_access_denied_matched_policy[name]`, `none` where nothing allows
  (measured, Envoy 1.40). Istio names policies `ns[…]-policy[…]-rule[…]`, Consul `consul-intentions-layer…` (their sources).
- Linkerd marks every answer of its own with `l5d-proxy-error`; no route is a 404 (linkerd2-proxy's source).
- Cilium's proxy answers `Access denied` unless it is told another text (cilium/cilium#3430).
- nginx answers with a page that ends in its name, or with what the gateway says in its place.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ..proof.filters import Kind


class Speaker(Enum):
    """Who on the way answers requests by itself."""

    AIRFLOW = "Airflow"
    GATEWAY = "the Nginx gateway"
    SIGN_IN = "oauth2-proxy"
    ISTIO = "Istio"
    CONSUL = "Consul"
    LINKERD = "Linkerd"
    CILIUM = "Cilium"
    ENVOY = "an Envoy proxy"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of an answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """By names in small letters."""
    body: str = ""
    upstream_status: str | None = None
    """What the one behind the gateway answered, as its log says; `""` for nobody; None: no log of a gateway."""
    details: str = ""
    """Envoy's response code details."""
    policy: str = ""
    """The policy that an Envoy names; `none` where nothing allowed."""
    logged: bool = False
    """Whether it is a line of a log: there is no body, and no header of the answer."""

    @property
    def server(self) -> str:
        """The `server` header."""
        return self.headers.get("server", "").lower()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who gave an answer, and what it means."""

    speaker: Speaker
    kind: Kind
    says: str
    """What it said no to."""
    mark: str
    """By what it is known."""
    fix: str
    """Where to look."""
    policy: str = ""
    """The policy, rule or route that it names."""


_POLICY = re.compile(r"rbac_access_denied_matched_policy\[(.*)\]$")
_ISTIO_POLICY = re.compile(r"ns\[(?P<namespace>[^\]]*)\]-policy\[(?P<name>[^\]]*)\]-rule\[(?P<rule>\d+)\]")
_STATUS = re.compile(r"HTTP/[\d.]+ (\d{3})")


def read_answer(text: str) -> Answer:
    """The answer in a text: `curl -i`, a line of the gateway's log, or of Envoy's. ValueError where there is none."""
    stripped = text.strip()
    if stripped.startswith("{"):
        return _logged(stripped)
    # A redirect or a proxy's own answer stands before the last one.
    starts = [found.start() for found in re.finditer(r"^(?:< )?HTTP/[\d.]+ \d{3}", stripped, re.MULTILINE)]
    if not starts:
        raise ValueError(
            "no answer: give what `curl -i` prints (it begins with `HTTP/1.1 403`), or a line of the gateway's or Envoy's log"
        )
    head, _, body = stripped[starts[-1] :].replace("\r\n", "\n").partition("\n\n")
    first, *rest = [line.removeprefix("< ") for line in head.split("\n")]
    status = _STATUS.match(first)
    assert status is not None  # noqa: S101  # the search above found it
    headers = {name.strip().lower(): value.strip() for name, colon, value in (line.partition(":") for line in rest) if colon}
    return Answer(int(status[1]), headers, body.strip())


def _logged(text: str) -> Answer:
    try:
        fields = json.loads(text)
    except ValueError:
        raise ValueError("a line of JSON that is damaged") from None
    if "detail" in fields and not {"status", "response_code"} & fields.keys():
        raise ValueError("a body without its status: give the head of the answer too, as `curl -i` prints it")
    status = str(fields.get("status") or fields.get("response_code") or "")
    if not status.isdigit():
        raise ValueError("a line of JSON without the answer's status (`status`, or `response_code`)")
    upstream = fields.get("upstream_status")
    details = str(fields.get("response_code_details") or "")
    found = _POLICY.search(details)
    return Answer(
        int(status),
        upstream_status=None if "upstream_status" not in fields else _given(upstream),
        details=details,
        policy=found[1] if found else "",
        logged=True,
    )


def _given(value: Any) -> str:
    """What nginx writes for the last of its upstreams; a dash, or nothing, where it asked none."""
    text = str(value or "").split(",")[-1].split(":")[-1].strip()
    return "" if text == "-" else text


def verdicts(answer: Answer) -> tuple[Verdict, ...]:
    """Who gave it: one, where a mark tells; those who may have, the likeliest first, where none does."""
    for test in _SURE:
        if (found := test(answer)) is not None:
            return (found,)
    return tuple(found for test in _LIKELY if (found := test(answer)) is not None)


def _airflow(one: Answer) -> Verdict | None:
    detail = _detail(one.body)
    if one.upstream_status in ("401", "403") and one.status == int(one.upstream_status):
        mark = f"upstream_status {one.upstream_status}: the gateway passed the request on"
    elif detail is not None and one.status in (401, 403):
        mark = f"the body is {one.body[:80]}"
    else:
        return None
    if one.status == 401:
        fix = "Sign in again: the token of Airflow's API ends by itself ([api_auth] jwt_expiration_time), or is another's."
        return Verdict(Speaker.AIRFLOW, Kind.TOKEN, "the token, or that there is none", mark, fix)
    fix = "Look at the Airflow role that the person's groups give, and at its permission on this DAG (`airlock check --rbac`)."
    return Verdict(Speaker.AIRFLOW, Kind.PERMISSION, "the DAG-level permission of the person's role", mark, fix)


def _detail(body: str) -> str | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return str(found["detail"]) if isinstance(found, dict) and "detail" in found else None


def _linkerd(one: Answer) -> Verdict | None:
    error = one.headers.get("l5d-proxy-error", "")
    if "unauthorized" in error or "forbidden" in error:
        fix = "Look at the AuthorizationPolicies of the Server, and of its routes: none names this caller's service account."
        return Verdict(Speaker.LINKERD, Kind.PERMISSION, "the caller's identity", f"l5d-proxy-error: {error}", fix)
    if error and one.status == 404:
        fix = "The Server has HTTPRoutes, and none of them matches: Linkerd answers 404 there, not 403. Add the path to a route."
        return Verdict(Speaker.LINKERD, Kind.PERMISSION, "a request that no HTTPRoute has", f"l5d-proxy-error: {error}", fix)
    if error:
        fix = "It is the connection that failed, not a permission: look at the destination's proxy, and at its certificate."
        return Verdict(Speaker.LINKERD, Kind.ROUTING, "the connection", f"l5d-proxy-error: {error}", fix)
    return None


def _rbac(one: Answer) -> Verdict | None:
    if not one.policy and "rbac: access denied" not in one.body.lower():
        return None
    mark = f"rbac_access_denied_matched_policy[{one.policy}]" if one.policy else "the body is `RBAC: access denied`"
    speaker = _mesh(one)
    if named := _ISTIO_POLICY.search(one.policy):
        says = f"a DENY rule: AuthorizationPolicy {named['namespace']}/{named['name']}, rule {named['rule']}"
        return Verdict(Speaker.ISTIO, Kind.PERMISSION, says, mark, "Look at what that rule denies.", one.policy)
    if speaker is Speaker.CONSUL:
        fix = "Look at the intentions of the destination: by precedence the first that fits decides, and none allows this source."
    elif speaker is Speaker.ISTIO:
        fix = "Look at the AuthorizationPolicies of the workload: none allows the caller's service account, method and path."
    else:
        fix = "Look at the mesh's policies of the destination: none allows the caller's identity, method and path."
    return Verdict(speaker, Kind.PERMISSION, "the caller's identity: nothing allows it", mark, fix, one.policy)


def _mesh(one: Answer) -> Speaker:
    if one.policy.startswith("consul-"):
        return Speaker.CONSUL
    return Speaker.ISTIO if "istio" in one.server else Speaker.ENVOY


def _jwt(one: Answer) -> Verdict | None:
    text = f"{one.details} {one.body}".lower()
    if "jwt_authn" not in text and not re.search(r"\bjwt (is|verification|issuer|has|not)\b|audiences in jwt", text):
        return None
    mark = one.details or f"the body is `{one.body[:80]}`"
    speaker = Speaker.ISTIO if "istio" in one.server else Speaker.ENVOY
    return Verdict(speaker, Kind.TOKEN, "the token", mark, "Look at its issuer, its audience and when it ended.")


def _cilium(one: Answer) -> Verdict | None:
    if one.status == 403 and one.body.strip() == "Access denied":
        fix = "Look at the HTTP rules of the CiliumNetworkPolicies of both ends: none has this method and path."
        return Verdict(Speaker.CILIUM, Kind.PERMISSION, "the request's method or path", "the body is `Access denied`", fix)
    return None


def _sign_in(one: Answer) -> Verdict | None:
    text = one.body.lower()
    if "oauth2 proxy" not in text and "oauth2-proxy" not in text and not one.headers.get("location", "").count("/oauth2/"):
        return None
    if one.status in (301, 302, 303, 307):
        fix = (
            "Sign in. Where that goes in circles, the cookie is not kept (domain, Secure, SameSite), or the token has no groups."
        )
        return Verdict(Speaker.SIGN_IN, Kind.TOKEN, "that nobody is signed in", "it sends to /oauth2/", fix)
    fix = "Look at the person's groups: none of them is one of the groups that may sign in (allowed_groups)."
    return Verdict(Speaker.SIGN_IN, Kind.PERMISSION, "the person's groups", "a page of oauth2-proxy", fix)


def _gateway(one: Answer) -> Verdict | None:
    if one.upstream_status == "" and one.status in (401, 403, 404):
        mark = "no upstream_status: the gateway passed nothing on"
    elif one.body.lower().count("nginx") and one.status in (401, 403, 404):
        mark = "a page of nginx"
    else:
        return None
    return _of_gateway(one.status, mark)


def _of_gateway(status: int, mark: str) -> Verdict:
    if status == 401:
        return Verdict(Speaker.GATEWAY, Kind.TOKEN, "that nobody is signed in", mark, "Sign in again: the session is over.")
    if status == 404:
        fix = "It hides what is for tasks alone (`/execution`): tasks reach it at the API server itself, by the mesh."
        return Verdict(Speaker.GATEWAY, Kind.PERMISSION, "the path", mark, fix)
    fix = "Look at the person's groups in the identity provider, and at the routes that these groups have to this Airflow."
    return Verdict(Speaker.GATEWAY, Kind.PERMISSION, "the person's groups", mark, fix)


def _passed_on(one: Answer) -> Verdict | None:
    """A gateway that asked somebody, and got another answer than it gave: who is behind it spoke."""
    if one.upstream_status in (None, "", str(one.status)):
        return None
    return _of_gateway(one.status, f"status {one.status} in place of upstream_status {one.upstream_status}")


def _by_server(one: Answer) -> Verdict | None:
    if one.status != 403 or one.logged:
        return None
    if "nginx" in one.server:
        return _of_gateway(403, "the server header is nginx, and nothing tells more: its log does (upstream_status)")
    if "envoy" in one.server:
        speaker = Speaker.ISTIO if "istio" in one.server else Speaker.ENVOY
        fix = "Give the line of its access log: response_code_details names the policy."
        return Verdict(speaker, Kind.PERMISSION, "something that only its log tells", f"the server header is {one.server}", fix)
    return None


_Test = Callable[[Answer], Verdict | None]
_SURE: tuple[_Test, ...] = (_linkerd, _rbac, _jwt, _cilium, _airflow, _sign_in, _gateway, _passed_on)
"""By a mark that nobody else leaves; in this order, since a gateway logs what a mesh behind it answered, and marks are kept."""
_LIKELY: tuple[_Test, ...] = (_by_server,)
