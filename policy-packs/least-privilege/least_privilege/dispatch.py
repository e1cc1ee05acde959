"""Brings a resource only to the policies that concern it, and tells them which of its values are secret.

The SDK decodes a resource anew for every policy of a pack (`_PolicyAnalyzerServicer.Analyze`), and the whole stack anew for every
stack policy: with the policies here that is most of a preview's time. This servicer gives the SDK's own methods the policies
that concern the resource, and the resources that concern the policy. Should a later SDK look different inside, `install` changes
nothing: every policy still checks the type for itself, only slower, and without knowing secrets.
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import pulumi_policy.policy as sdk
from pulumi_airlock.soc2.criteria import UNDECIDED

from . import registry
from .reading import analysing

_POLICIES = "_PolicyAnalyzerServicer__policies"
_Servicer: Any = getattr(sdk, "_PolicyAnalyzerServicer", object)


class DispatchingServicer(_Servicer):  # type: ignore[misc]  # the SDK's class, looked up with care
    """The SDK's analyzer service, with less to do."""

    def Analyze(self, request: Any, context: Any) -> Any:  # noqa: N802  # the protocol's name
        """Judges one resource."""
        with analysing(request.properties), _noting_undecided() as undecided:
            answer = _Servicer.Analyze(self._with(_resource_policies(request.type)), request, context)
        return _with_undecided(answer, undecided)

    def Remediate(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Makes one resource right."""
        with analysing(request.properties):
            return _Servicer.Remediate(self._with(_resource_policies(request.type)), request, context)

    def AnalyzeStack(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Judges the stack."""
        response = None
        parents = {resource.urn: resource.parent for resource in request.resources}
        for one in registry.load():
            if not one.stack:
                continue
            shown = {
                urn for resource in request.resources if one.looks_at(resource.type) for urn in _upwards(resource.urn, parents)
            }
            seen = type(request)(resources=[resource for resource in request.resources if resource.urn in shown])
            with _noting_undecided() as undecided:
                answer = _Servicer.AnalyzeStack(self._with((one.name,)), seen, context)
            _with_undecided(answer, undecided)
            if response is None:
                response = answer
            else:
                response.MergeFrom(answer)
        return response

    def _with(self, names: tuple[str, ...]) -> Any:
        """This servicer, with some of its policies: a copy, since the SDK answers several requests at once."""
        narrowed = copy.copy(self)
        setattr(narrowed, _POLICIES, [policy for policy in getattr(self, _POLICIES) if policy.name in names])
        return narrowed


@contextmanager
def _noting_undecided() -> Iterator[list[tuple[str, str]]]:
    noted: list[tuple[str, str]] = []
    token = registry.UNDECIDED_HERE.set(noted)
    try:
        yield noted
    finally:
        registry.UNDECIDED_HERE.reset(token)


def _with_undecided(answer: Any, noted: list[tuple[str, str]]) -> Any:
    """Says of every policy that could not decide why it does not apply: neither a violation, nor evidence of anything."""
    for policy in dict.fromkeys(name for name, _ in noted):
        texts = dict.fromkeys(text for name, text in noted if name == policy)
        answer.not_applicable.add(policy_name=policy, reason=UNDECIDED + "; ".join(texts))
    return answer


def _upwards(urn: str, parents: Mapping[str, str]) -> Iterator[str]:
    """A resource and its ancestors: policies ask whose child a resource is, whatever stands between."""
    while urn in parents:
        yield urn
        urn = parents[urn]


@lru_cache(maxsize=4096)
def _resource_policies(type_: str) -> tuple[str, ...]:
    return tuple(one.name for one in registry.load() if not one.stack and one.concerns(type_))


def install() -> bool:
    """Makes the SDK serve this process's pack with `DispatchingServicer`; False, and no change, where it is of another build."""
    fits = _Servicer is not object and _POLICIES in _Servicer.__init__.__code__.co_names
    if fits:
        sdk._PolicyAnalyzerServicer = DispatchingServicer
    return fits
