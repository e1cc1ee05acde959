"""Runs policy packs over resources that nobody plans just now: those of a file, or those that another pack is shown.

The packs are real ones, in processes of their own, and are asked over the analyzer protocol as Pulumi's engine asks them.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2

from ..gates.documents import GONE
from ..gates.sources import MASK, UNKNOWN_STRING
from ..offline.packs import PackSpec, PolicyPacks
from ..offline.wire import from_struct, is_secret, is_unknown, secret, to_struct
from .gather import Judged

STACK_TYPE = "pulumi:pulumi:Stack"


@dataclass(frozen=True, slots=True)
class Shown:
    """A resource as packs are shown it."""

    resource: analyzer_pb2.AnalyzerResource
    """As it will be, for policies on the stack."""
    inputs: struct_pb2.Struct
    """What is asked for, for policies on single resources."""


def judge(
    specs: Sequence[PackSpec],
    resources: Sequence[Shown],
    *,
    project: str,
    stack: str,
    on_output: Callable[[str, str], None] | None = None,
) -> Judged:
    """What the packs say of each of the resources, and of them all. PolicyPackError where a pack cannot be used."""
    with PolicyPacks.start(specs, project=project, stack=stack, on_output=on_output) as packs:
        pending = [packs.analyze_later(_request(one)) for one in resources if one.resource.type != STACK_TYPE]
        found = [diagnostic for one in pending for diagnostic in one.result()]
        found += packs.analyze_stack(one.resource for one in resources)
        return Judged(packs.infos, tuple(dict.fromkeys(found)), tuple(dict.fromkeys(packs.not_applicable)))


def _request(shown: Shown) -> analyzer_pb2.AnalyzeRequest:
    one = shown.resource
    return analyzer_pb2.AnalyzeRequest(
        type=one.type, properties=shown.inputs, urn=one.urn, name=one.name, options=one.options, provider=one.provider
    )


def as_planned(one: analyzer_pb2.AnalyzerResource) -> Shown:
    """A resource of a stack at preview, whose inputs nobody tells: all its properties but those that its provider will compute.

    Those are unknown, and come from no other resource.
    """
    inputs = struct_pb2.Struct()
    inputs.CopyFrom(one.properties)
    for key, value in from_struct(one.properties).items():
        # To ask a protobuf map for a key would add it.
        depends = key in one.propertyDependencies and one.propertyDependencies[key].urns
        if is_unknown(value) and not depends:
            del inputs.fields[key]
    return Shown(one, inputs)


def resources_of(document: Mapping[str, Any]) -> list[Shown]:
    """The resources that a preview's or a state's document says there will be, as an engine would show them to a pack."""
    states = {state["urn"]: state for state in _states(document)}
    return [Shown(_resource(one, states), to_struct(_unmasked(one.get("inputs") or {}))) for one in states.values()]


def _states(document: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    deployment = document.get("deployment")
    if isinstance(deployment, Mapping):
        states: Iterable[Mapping[str, Any]] = deployment.get("resources") or ()
        return (one for one in states if not one.get("delete") and not one.get("pendingReplacement"))
    return _planned(document.get("steps") or ())


def _planned(steps: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for step in steps:
        new, old = step.get("newState"), step.get("oldState") or {}
        if new and step.get("op") not in GONE:
            # The CLI leaves out what stays as it is.
            yield {**new, "outputs": new.get("outputs") or (old.get("outputs") if step.get("op") == "same" else None)}


def _resource(state: Mapping[str, Any], states: Mapping[str, Mapping[str, Any]]) -> analyzer_pb2.AnalyzerResource:
    links: Mapping[str, Any] = {
        key: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns or ())
        for key, urns in (state.get("propertyDependencies") or {}).items()
    }
    return analyzer_pb2.AnalyzerResource(
        type=state["type"],
        # Outputs of a preview lack what only the provider knows; inputs say what is asked for.
        properties=to_struct(_unmasked({**(state.get("outputs") or {}), **(state.get("inputs") or {})})),
        urn=state["urn"],
        name=state["urn"].rsplit("::", 1)[-1],
        options=analyzer_pb2.AnalyzerResourceOptions(protect=bool(state.get("protect")), parent=state.get("parent") or ""),
        provider=_provider(state.get("provider") or "", states),
        parent=state.get("parent") or "",
        dependencies=state.get("dependencies") or (),
        propertyDependencies=links,
    )


def _provider(reference: str, states: Mapping[str, Mapping[str, Any]]) -> analyzer_pb2.AnalyzerProviderResource | None:
    state = states.get(reference.rsplit("::", 1)[0])
    if state is None:
        return None
    properties = to_struct(_unmasked(state.get("inputs") or {}))
    urn = state["urn"]
    return analyzer_pb2.AnalyzerProviderResource(type=state["type"], properties=properties, urn=urn, name=urn.rsplit("::", 1)[-1])


def _unmasked(value: Any) -> Any:
    """The value with its secrets as an engine marks them: unknown ones for masks and for what a state file has encrypted."""
    if isinstance(value, list):
        return [_unmasked(item) for item in value]
    if not isinstance(value, Mapping):
        return secret(UNKNOWN_STRING) if value == MASK else value
    if not is_secret(value):
        return {key: _unmasked(item) for key, item in value.items()}
    if "plaintext" in value:
        return secret(json.loads(value["plaintext"]))
    return value if "value" in value else secret(UNKNOWN_STRING)
