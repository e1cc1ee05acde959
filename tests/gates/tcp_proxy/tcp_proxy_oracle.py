"""Envoy's decision on one CONNECT, from its documentation: `jwt_authn`, RBAC, CEL on the time. Shares nothing with the reader.

`tests/real/test_tcp_proxy_oracle.py` holds it against a real Envoy.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

JWT = "envoy.filters.http.jwt_authn"


@dataclass(frozen=True)
class Asked:
    """One CONNECT: whose token (None: none), what it claims, when."""

    provider: str | None
    claims: Mapping[str, Any]
    when: datetime


def lets_through(filters: Sequence[Mapping[str, Any]], overrides: Mapping[str, Any], asked: Asked, authority: str) -> bool:
    """Whether HTTP filters let it through, those that a virtual host overrides as it says."""
    metadata: dict[str, Any] = {}
    for one in filters:
        config = one["typed_config"]
        kind = config["@type"].rpartition(".")[2]
        if kind == "JwtAuthentication":
            names = _required(config)
            if names and asked.provider not in names:
                return False
            # A token that no rule asks for is not looked at.
            if names and asked.provider is not None:
                metadata = {config["providers"][asked.provider]["payload_in_metadata"]: asked.claims}
        elif kind == "RBAC":
            if one["name"] in overrides:
                config = overrides[one["name"]].get("rbac", {})
            if not _passes(config.get("rules"), metadata, asked.when, authority):
                return False
    return True


def _required(config: Mapping[str, Any]) -> list[str]:
    """The issuers of which a token must be; empty: none must be there."""
    for rule in config.get("rules", ()):
        if "connect_matcher" in rule["match"]:
            requires = rule.get("requires", {})
            names = [requires["provider_name"]] if "provider_name" in requires else []
            return names + [one["provider_name"] for one in requires.get("requires_any", {}).get("requirements", ())]
    return []


def _passes(rules: Mapping[str, Any] | None, metadata: Mapping[str, Any], when: datetime, authority: str) -> bool:
    if rules is None:
        return True
    matched = any(
        any(_matches(each, metadata, authority) for each in one["principals"])
        and any(_matches(each, metadata, authority) for each in one["permissions"])
        and ("condition" not in one or bool(value_of(one["condition"], when)))
        for one in rules.get("policies", {}).values()
    )
    return matched == (rules["action"] == "ALLOW")


def _matches(one: Mapping[str, Any], metadata: Mapping[str, Any], authority: str) -> bool:
    ((kind, value),) = one.items()
    if kind == "any":
        return bool(value)
    if kind in ("and_ids", "and_rules"):
        return all(_matches(each, metadata, authority) for each in value["ids" if kind == "and_ids" else "rules"])
    if kind in ("or_ids", "or_rules"):
        return any(_matches(each, metadata, authority) for each in value["ids" if kind == "or_ids" else "rules"])
    if kind in ("not_id", "not_rule"):
        return not _matches(value, metadata, authority)
    if kind == "header":
        return _string(value["string_match"], {":authority": authority, ":method": "CONNECT"}[value["name"]])
    return _claim(value["metadata_matcher"] if kind == "sourced_metadata" else value, metadata)


def _claim(matcher: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    found: Any = metadata
    for step in matcher["path"]:
        found = found.get(step["key"]) if isinstance(found, Mapping) else None
    return _is(matcher["value"], found) != matcher.get("invert", False)


def _is(value: Mapping[str, Any], found: Any) -> bool:
    if "or_match" in value:
        return any(_is(one, found) for one in value["or_match"]["value_matchers"])
    if "present_match" in value:
        return (found is not None) == value["present_match"]
    return isinstance(found, str) and _string(value["string_match"], found)


def _string(matcher: Mapping[str, Any], text: str) -> bool:
    ((kind, value),) = matcher.items()
    if kind == "safe_regex":
        return re.fullmatch(value["regex"], text) is not None
    return {
        "exact": text == value,
        "prefix": text.startswith(str(value)),
        "suffix": text.endswith(str(value)),
        "contains": str(value) in text,
    }[kind]


def value_of(expr: Mapping[str, Any], when: datetime) -> Any:
    """What a CEL expression is at an instant."""
    if "const_expr" in expr:
        ((kind, value),) = expr["const_expr"].items()
        return int(value) if kind == "int64_value" else value
    if "list_expr" in expr:
        return [value_of(one, when) for one in expr["list_expr"]["elements"]]
    if "select_expr" in expr:
        assert (expr["select_expr"]["operand"]["ident_expr"]["name"], expr["select_expr"]["field"]) == ("request", "time")
        return when
    call = expr["call_expr"]
    args = [value_of(one, when) for one in call["args"]]
    if "target" in call:
        here = when.astimezone(ZoneInfo(args[0]))
        return {"getDayOfWeek": here.isoweekday() % 7, "getHours": here.hour, "getMinutes": here.minute}[call["function"]]
    return _called(call["function"], args)


def _called(function: str, args: list[Any]) -> Any:
    match function, args:
        case "timestamp", [text]:
            return datetime.fromisoformat(text)
        case "@in", [one, several]:
            return one in several
        case "!_", [one]:
            return not one
        case "_&&_", [one, other]:
            return one and other
        case "_||_", [one, other]:
            return one or other
        case "_+_", [one, other]:
            return one + other
        case "_*_", [one, other]:
            return one * other
        case "_<_", [one, other]:
            return one < other
        case "_>=_", [one, other]:
            return one >= other
    raise AssertionError(function)
