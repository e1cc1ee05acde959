"""AuthorizationPolicies as istiod hands them to a sidecar: RBAC rules of Envoy. Shares nothing with the reader.

What Istio documents of its translation (Istio, "Authorization Policy": DENY before ALLOW, no ALLOW policy means no ALLOW filter,
one without rules lets nobody in), for the fields that the tests use.
"""

from collections.abc import Iterable, Mapping
from typing import Any

Spec = Mapping[str, Any]


def rbac_of(policies: Iterable[tuple[str, Spec]]) -> list[dict[str, Any]]:
    """The RBAC filters of a workload, in order: policies as (namespace, spec)."""
    deny: dict[str, Any] = {}
    allow: dict[str, Any] = {}
    has_allow = False
    for number, (namespace, spec) in enumerate(policies):
        action = spec.get("action", "ALLOW")
        has_allow |= action == "ALLOW"
        for place, rule in enumerate(spec.get("rules") or ()):
            into = deny if action == "DENY" else allow
            into[f"ns[{namespace}]-policy[{number}]-rule[{place}]"] = {
                "principals": _principals(rule, namespace),
                "permissions": _permissions(rule),
            }
    found = [{"action": "DENY", "policies": deny}] if deny else []
    return [*found, {"action": "ALLOW", "policies": allow}] if has_allow else found


def _principals(rule: Spec, namespace: str) -> list[dict[str, Any]]:
    found = []
    for one in rule.get("from") or ():
        source = one["source"]
        parts: list[dict[str, Any]] = []
        if accounts := source.get("serviceAccounts"):
            ids = [
                f"spiffe://cluster.local/ns/{each.partition('/')[0] if '/' in each else namespace}/sa/{each.rpartition('/')[2]}"
                for each in accounts
            ]
            parts.append(_any("or_ids", "ids", [_named({"exact": each}) for each in ids]))
        if principals := source.get("principals"):
            parts.append(_any("or_ids", "ids", [_named({"exact": f"spiffe://{each}"}) for each in principals]))
        if spaces := source.get("namespaces"):
            regexes = [{"safe_regex": {"regex": f".*/ns/{each}/.*"}} for each in spaces]
            parts.append(_any("or_ids", "ids", [_named(each) for each in regexes]))
        if spaces := source.get("notNamespaces"):
            regexes = [{"safe_regex": {"regex": f".*/ns/{each}/.*"}} for each in spaces]
            parts.append({"not_id": _any("or_ids", "ids", [_named(each) for each in regexes])})
        found.append({"and_ids": {"ids": parts}})
    return found or [{"any": True}]


def _named(matcher: dict[str, Any]) -> dict[str, Any]:
    return {"authenticated": {"principal_name": matcher}}


def _permissions(rule: Spec) -> list[dict[str, Any]]:
    found = []
    for one in rule.get("to") or ():
        operation = one["operation"]
        parts: list[dict[str, Any]] = []
        for key, make in (("ports", _port), ("methods", _method), ("paths", _path)):
            if values := operation.get(key):
                parts.append(_any("or_rules", "rules", [make(str(each)) for each in values]))
            if values := operation.get(f"not{key.capitalize()}"):
                parts.append({"not_rule": _any("or_rules", "rules", [make(str(each)) for each in values])})
        found.append({"and_rules": {"rules": parts or [{"any": True}]}})
    return found or [{"any": True}]


def _any(kind: str, inner: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {kind: {inner: parts}}


def _port(text: str) -> dict[str, Any]:
    return {"destination_port": int(text)}


def _method(text: str) -> dict[str, Any]:
    return {"header": {"name": ":method", "string_match": _text(text)}}


def _path(text: str) -> dict[str, Any]:
    return {"url_path": {"path": _text(text)}}


def _text(text: str) -> dict[str, Any]:
    if text == "*":
        return {"safe_regex": {"regex": ".+"}}
    if text.endswith("*"):
        return {"prefix": text[:-1]}
    return {"suffix": text[1:]} if text.startswith("*") else {"exact": text}
