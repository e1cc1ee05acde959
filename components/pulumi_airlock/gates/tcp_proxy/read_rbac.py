"""Envoy's RBAC as cases: who a policy means, of callers that have a token, a certificate, an address. No SDK in here.

What is not understood is unknown, never guessed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ...proof.sets import Hosts
from .cel import times_of
from .issuers import ACCOUNT, CLAIMS, STS_CLAIMS
from .log import JWT
from .logic import NO, YES, Box, Cases, all_of, any_of, labelled, negated, only, unknown
from .matching import globs_of

Json = Mapping[str, Any]
_SPIFFE = "spiffe://"


@dataclass(frozen=True, slots=True)
class Token:
    """A verified token's place, and what is known of whoever signs it."""

    key: str
    """Where the filter puts its claims (`payload_in_metadata`)."""
    environment: str | None = None
    """The environment that its issuer vouches for."""
    subject: str | None = None
    """The only subject that it may have."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, and by whom."""

    tokens: tuple[Token, ...] = ()
    authority: str | None = None
    """`host:port` of CONNECT; None where it is not one only."""
    connect: bool = True
    port: int = 0
    """Where the listener listens."""
    certificates: bool = True
    """Whether callers must show a certificate."""


def decided(rules: Json | None, request: Request) -> Cases:
    """Whether RBAC rules let a request through."""
    if rules is None:
        return YES
    action = rules.get("action", "ALLOW")
    policies = rules.get("policies") or {}
    if not isinstance(policies, Mapping) or action not in ("ALLOW", "DENY", "LOG", 0, 1, 2):
        return unknown(f"rules with action {action}")
    if action in ("LOG", 2):
        return YES
    # By name: the order in which Envoy looks at them, and in which one is named as the one that matched.
    matched = any_of(labelled(_policy(one, request), name) for name, one in sorted(policies.items()))
    return negated(matched) if action in ("DENY", 1) else matched


def _policy(policy: Json, request: Request) -> Cases:
    who = any_of(_matched(one, request, _PRINCIPALS) for one in _list(policy, "principals"))
    what = any_of(_matched(one, request, _PERMISSIONS) for one in _list(policy, "permissions"))
    return all_of([who, what, _condition(policy)])


def _condition(policy: Json) -> Cases:
    said = policy.get("condition")
    if said is None:
        return unknown("its checked condition") if policy.get("checked_condition") else YES
    times = times_of(said)
    return unknown("its condition is no window of time") if times is None else only(Box(times=times))


def _list(one: Json, name: str) -> Sequence[Json]:
    found = one.get(name) or ()
    return [each for each in found if isinstance(each, Mapping)]


_Test = Callable[[Any, Request], Cases]


def _matched(one: Json, request: Request, tests: Mapping[str, _Test]) -> Cases:
    """One principal or permission: a field, of which the name says what it is."""
    if len(one) != 1:
        return unknown(f"a matcher with {', '.join(map(str, one)) or 'nothing in it'}")
    (kind, value), *_ = one.items()
    test = tests.get(str(kind))
    return unknown(f"a matcher on {kind}") if test is None else test(value, request)


def _any(value: Any, _: Request) -> Cases:
    return YES if value is True else NO


def _all_ids(value: Json, request: Request) -> Cases:
    return all_of(_matched(one, request, _PRINCIPALS) for one in _list(value, "ids"))


def _any_id(value: Json, request: Request) -> Cases:
    return any_of(_matched(one, request, _PRINCIPALS) for one in _list(value, "ids"))


def _not_id(value: Json, request: Request) -> Cases:
    return negated(_matched(value, request, _PRINCIPALS))


def _all_rules(value: Json, request: Request) -> Cases:
    return all_of(_matched(one, request, _PERMISSIONS) for one in _list(value, "rules"))


def _any_rule(value: Json, request: Request) -> Cases:
    return any_of(_matched(one, request, _PERMISSIONS) for one in _list(value, "rules"))


def _not_rule(value: Json, request: Request) -> Cases:
    return negated(_matched(value, request, _PERMISSIONS))


def _certificate(value: Json, request: Request) -> Cases:
    """A client's certificate: any, where every client must show one; a workload's, where it is named as such."""
    name = value.get("principal_name") if isinstance(value, Mapping) else None
    if not name:
        return YES if request.certificates else unknown("whether a certificate is shown")
    exact = str(name.get("exact", "")) if isinstance(name, Mapping) else ""
    parts = exact.removeprefix(_SPIFFE).split("/")
    if exact.startswith(_SPIFFE) and len(parts) == 5 and (parts[1], parts[3]) == ("ns", "sa"):
        return only(Box(workloads=frozenset({f"{parts[2]}/{parts[4]}"})))
    return unknown("who has which certificate")


def _address(value: Json, _: Request) -> Cases:
    try:
        return only(Box(sources=Hosts.from_cidr(f"{value['address_prefix']}/{value.get('prefix_len', 0)}")))
    except (KeyError, ValueError, TypeError):
        return unknown("a matcher on an address")


def _header(value: Json, request: Request) -> Cases:
    """The target and the method are what a tunnel is asked for by; whatever else, a client writes as it likes."""
    name = str(value.get("name", "")).lower()
    given = {":authority": request.authority, "host": request.authority, ":method": "CONNECT" if request.connect else None}
    text = given.get(name)
    matcher = value.get("string_match") or ({"exact": value["exact_match"]} if "exact_match" in value else None)
    if text is None or not isinstance(matcher, Mapping):
        return unknown(f"a matcher on header {name}")
    found = _says(matcher, text)
    return unknown(f"a matcher on header {name}") if found is None else YES if found != bool(value.get("invert_match")) else NO


def _says(matcher: Json, text: str) -> bool | None:
    globs = globs_of({key: one for key, one in matcher.items() if key != "ignore_case"})
    if globs is None:
        return None
    if matcher.get("ignore_case"):
        return any(fnmatchcase(text.lower(), one.lower()) for one in globs)
    return any(fnmatchcase(text, one) for one in globs)


def _port(value: Any, request: Request) -> Cases:
    return YES if value == request.port else NO


def _sourced(value: Json, request: Request) -> Cases:
    if str(value.get("metadata_source", "DYNAMIC")) not in ("DYNAMIC", "0"):
        return unknown("a matcher on metadata of the route")
    return claims(value.get("metadata_matcher") or {}, request)


def claims(matcher: Json, request: Request) -> Cases:
    """A `MetadataMatcher`, as far as it is about what a token says."""
    path = [str(one.get("key")) for one in _list(matcher, "path")]
    if matcher.get("filter") != JWT or not path:
        return unknown(f"a matcher on metadata of {matcher.get('filter')}")
    token = next((one for one in request.tokens if one.key == path[0]), None)
    found = NO if token is None else _claim(path[1:], matcher.get("value") or {}, token)
    return negated(found) if matcher.get("invert") else found


def _claim(path: Sequence[str], value: Json, token: Token) -> Cases:
    where, claim = tuple(path[:-1]), path[-1] if path else ""
    matchers = list(_strings(value))
    if any(one is None for one in matchers):
        return unknown(f"a matcher on claim {claim or token.key}")
    texts = [one for one in matchers if one is not None]
    if where == () and claim == "sub":
        return any_of(_subject(one, token) for one in texts)
    if where not in (CLAIMS, STS_CLAIMS) or claim not in ("dag_id", "task_id", "environment"):
        return unknown(f"a matcher on claim {'.'.join(path)}")
    return any_of(_of_task(claim, one) for one in texts)


def _strings(value: Json) -> Iterator[Json | None]:
    """The string matchers that a value is one of; None where it is more than that."""
    if isinstance(one := value.get("string_match"), Mapping):
        yield one
    elif isinstance(several := value.get("or_match"), Mapping):
        for each in _list(several, "value_matchers"):
            yield from _strings(each)
    elif value.get("present_match") is True:
        yield {"safe_regex": {"regex": ".*"}}
    else:
        yield None


def _of_task(claim: str, matcher: Json) -> Cases:
    globs = globs_of(matcher)
    if globs is None:
        return unknown(f"a regular expression on claim {claim}")
    if claim == "environment":
        if any(set(one) & set("*?[") for one in globs):
            return YES if "*" in globs else unknown("a pattern on claim environment")
        return only(Box(environments=frozenset(globs)))
    pairs = frozenset((one, "*") if claim == "dag_id" else ("*", one) for one in globs)
    return only(Box(tasks=(pairs,)))


def _subject(matcher: Json, token: Token) -> Cases:
    exact = matcher.get("exact")
    if isinstance(exact, str) and exact.startswith(ACCOUNT) and exact.count(":") == 3:
        return only(Box(workloads=frozenset({exact.removeprefix(ACCOUNT).replace(":", "/")})))
    if token.subject is not None:
        said = _says(matcher, token.subject)
        if said is not None:
            return YES if said else NO
    return unknown("a matcher on claim sub")


_SHARED: dict[str, _Test] = {
    "any": _any,
    "header": _header,
    "metadata": claims,
    "sourced_metadata": _sourced,
}
_PRINCIPALS: dict[str, _Test] = {
    **_SHARED,
    "and_ids": _all_ids,
    "or_ids": _any_id,
    "not_id": _not_id,
    "authenticated": _certificate,
    # `remote_ip` and `source_ip` go by what a client writes into x-forwarded-for.
    "direct_remote_ip": _address,
}
_PERMISSIONS: dict[str, _Test] = {
    **_SHARED,
    "and_rules": _all_rules,
    "or_rules": _any_rule,
    "not_rule": _not_rule,
    "destination_port": _port,
}
