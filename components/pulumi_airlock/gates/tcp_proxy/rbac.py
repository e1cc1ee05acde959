"""Who may open a tunnel to a target, as Envoy's RBAC: a denying set that names what blocks, and an allowing one that decides.

Whatever the denying policies refuse, the allowing ones would as well: they are there for their names, in logs and refusals. Where
a condition cannot be evaluated, a policy does not match, and the allowing set, which is last, lets nobody through.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from ...proof.times import ALWAYS
from .cel import closed, holds
from .issuers import TaskIssuer
from .log import JWT
from .matching import matcher_of
from .plan import Caller, Grant, ProxyPlan, Target

Rbac = dict[str, Any]
DENY, ALLOW = "airlock.deny", "airlock.allow"
"""What the two filters are called; routes configure them by these names."""
TYPE = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"
_ANY = [{"any": True}]


def filters() -> list[dict[str, Any]]:
    """The filters as they stand where no virtual host says otherwise: nobody is let through."""
    return [
        {"name": DENY, "typed_config": {"@type": TYPE}},
        {"name": ALLOW, "typed_config": {"@type": TYPE, "rules": {"action": "ALLOW"}}},
    ]


def per_target(plan: ProxyPlan, target: Target) -> dict[str, Any]:
    """What a target's virtual host has in their place."""
    deny, allow = _denying(plan, target), _allowing(plan, target)
    return {
        DENY: {"@type": f"{TYPE}PerRoute", "rbac": {"rules": {"action": "DENY", "policies": deny}}},
        ALLOW: {"@type": f"{TYPE}PerRoute", "rbac": {"rules": {"action": "ALLOW", "policies": allow}}},
    }


def unknown_target() -> dict[str, Any]:
    """For the virtual host that answers whoever asks for no target of the proxy: it leads nowhere, and says so."""
    return {ALLOW: {"@type": f"{TYPE}PerRoute"}}


def _allowing(plan: ProxyPlan, target: Target) -> dict[str, Rbac]:
    found = {}
    for grant in target.grants:
        principals = _principals(plan, [grant])
        if principals:
            policy: Rbac = {"permissions": _ANY, "principals": principals}
            found[f"{target.allow}/{grant.route}"] = policy | ({} if grant.times == ALWAYS else {"condition": holds(grant.times)})
    return found


def _denying(plan: ProxyPlan, target: Target) -> dict[str, Rbac]:
    everybody = _principals(plan, target.grants)
    if not everybody:
        return {target.deny: {"permissions": _ANY, "principals": _ANY}}
    found = {target.deny: {"permissions": _ANY, "principals": [{"not_id": _any_of(everybody)}]}}
    always = _principals(plan, [one for one in target.grants if one.times == ALWAYS])
    sometimes = [one for one in target.grants if one.times != ALWAYS]
    if waiting := _principals(plan, sometimes):
        who = _any_of(waiting)
        if always:
            who = {"and_ids": {"ids": [who, {"not_id": _any_of(always)}]}}
        condition = closed(one.times for one in sometimes)
        found[f"{target.deny}/closed"] = {"permissions": _ANY, "principals": [who], "condition": condition}
    return found


def _principals(plan: ProxyPlan, grants: Iterable[Grant]) -> list[Rbac]:
    """Who some grants are for: one for each issuer."""
    found: dict[str, dict[Caller, None]] = {}
    for grant in grants:
        for name, callers in grant.callers.items():
            found.setdefault(name, {}).update(dict.fromkeys(callers))
    return [_of_issuer(plan.issuer(name), [*callers]) for name, callers in found.items()]


def _of_issuer(issuer: TaskIssuer, callers: Sequence[Caller]) -> Rbac:
    who = _any_of([_all_of(_task(issuer, one)) for one in callers])
    return _all_of([*_environment(issuer), who])


def claims(issuer: TaskIssuer, caller: Caller) -> list[dict[str, Any]]:
    """The `MetadataMatcher`s that together say that a token is one of the issuer for these tasks."""
    return [one["sourced_metadata"]["metadata_matcher"] for one in (*_environment(issuer), *_task(issuer, caller))]


def _environment(issuer: TaskIssuer) -> list[Rbac]:
    """Nothing where a token does not say it: then its issuer is that of one environment, by the subjects that it has."""
    return [_claim(issuer, (*issuer.claims, "environment"), [{"exact": issuer.environment}])] if issuer.claims else []


def _task(issuer: TaskIssuer, caller: Caller) -> list[Rbac]:
    if not issuer.claims:
        return [_claim(issuer, ("sub",), [{"exact": issuer.subject_of(caller.account)}])]
    dags = _claim(issuer, (*issuer.claims, "dag_id"), list(map(matcher_of, caller.dags)))
    if "*" in caller.tasks:
        return [dags]
    return [dags, _claim(issuer, (*issuer.claims, "task_id"), list(map(matcher_of, caller.tasks)))]


def _all_of(parts: list[Rbac]) -> Rbac:
    return parts[0] if len(parts) == 1 else {"and_ids": {"ids": parts}}


def value(matchers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A `ValueMatcher`: one of some string matchers."""
    found = [{"string_match": one} for one in matchers]
    return found[0] if len(found) == 1 else {"or_match": {"value_matchers": found}}


def metadata(issuer: TaskIssuer, path: Sequence[str], matchers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A `MetadataMatcher` on what a verified token says."""
    return {"filter": JWT, "path": [{"key": key} for key in (issuer.name, *path)], "value": value(matchers)}


def _claim(issuer: TaskIssuer, path: Sequence[str], matchers: Sequence[dict[str, Any]]) -> Rbac:
    return {"sourced_metadata": {"metadata_matcher": metadata(issuer, path, matchers)}}


def _any_of(parts: list[Rbac]) -> Rbac:
    return parts[0] if len(parts) == 1 else {"or_ids": {"ids": parts}}
