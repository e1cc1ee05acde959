"""Whatever resources hold, readers, proof and policies come to an end; what they do not understand is unknown."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pulumi_policy.policy as sdk
import pytest
from damage import damaged, examples
from generated_programs import STATES, recorded
from google.protobuf import struct_pb2
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from least_privilege import dispatch, registry
from pulumi.runtime.proto import analyzer_pb2
from pulumi_airlock.access import Access
from pulumi_airlock.gates import GATES, linkerd, read_all
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_airlock.proof import Proof, prove
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def some(usual: int) -> settings:
    phases = [Phase.explicit, Phase.generate]  # a stack is no smaller for shrinking
    return settings(max_examples=examples(usual), deadline=None, suppress_health_check=list(HealthCheck), phases=phases)


def strange(data: st.DataObject, stack: Stack) -> tuple[list[Resource], list[int]]:
    """The stack's resources with a few of them damaged, rare kinds as often as frequent ones; and which."""
    resources = [replace(one, stack=None) for one in stack.resources]
    touched = []
    for _ in range(data.draw(st.integers(1, 8))):
        kind = data.draw(st.sampled_from(stack.types))
        index = data.draw(st.sampled_from([number for number, one in enumerate(resources) if one.type == kind]))
        resources[index] = replace(resources[index], properties=damaged(data, dict(resources[index].properties)))
        touched.append(index)
    return resources, touched


def proven(stack: Stack, access: Access) -> Proof:
    reading = read_all(stack, access)
    return prove(access, reading.environments, reading.filters, at=NOW, around=reading.around)


def stumbled(stack: Stack, access: Access) -> Iterator[str]:
    for one in read_all(stack, access).written:
        for rule in one.rules:
            yield from (why for why in rule.unknown if "cannot read this stack" in why)


@pytest.mark.parametrize("path", STATES, ids=lambda path: path.name.partition(".")[0])
@some(10)
@given(data=st.data())
def test_a_stack_of_strange_resources_is_read_and_proven(path: Path, data: st.DataObject) -> None:
    stack, access = recorded(path)
    resources, _ = strange(data, stack)
    made = Stack(resources, stack.name, stack.project)
    assert not list(stumbled(made, access))
    proven(made, access)


def test_of_a_gate_whose_reader_stumbles_nothing_is_proven_and_the_others_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    stack, access = recorded(next(path for path in STATES if path.name.startswith("dev-gke")))
    whole = proven(stack, access)

    def stumbles(_: Stack) -> Iterator[Any]:
        raise KeyError("spec")
        yield

    monkeypatch.setattr(linkerd, "read", stumbles)
    found = proven(stack, access)
    assert whole.ok
    assert not found.ok
    assert any("gates.linkerd cannot read this stack (KeyError at" in reason for one in found.unproven for reason in one.unknown)
    assert len(read_all(stack, access).filters) > 1
    assert "gates.linkerd" in GATES


def wire(value: Any) -> Any:
    """As the engine sends it."""
    if value is UNKNOWN:
        return UNKNOWN_STRING_VALUE
    if isinstance(value, dict):
        return {str(key): wire(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [wire(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if value == value else 0.0
    return value


def message(properties: Any) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(wire(dict(properties)))
    return struct


@pytest.fixture(scope="module")
def pack() -> Any:
    """The servicer of `least-privilege`, as the pack's process runs it."""
    policies = [one.policy for one in registry.load()]
    return dispatch.DispatchingServicer("pack", "1.0.0", policies, sdk.EnforcementLevel.MANDATORY, *[None] * 7)


@pytest.mark.parametrize("path", [one for one in STATES if "mwaa" not in one.name], ids=lambda path: path.name.partition(".")[0])
@some(4)
@given(data=st.data())
def test_policies_take_strange_resources(path: Path, pack: Any, data: st.DataObject) -> None:
    stack, _ = recorded(path)
    resources, touched = strange(data, stack)
    for one in (resources[index] for index in touched):
        asked = analyzer_pb2.AnalyzeRequest(type=one.type, urn=one.urn, name=one.name, properties=message(one.properties))
        pack.Analyze(asked, None)
    whole = [
        analyzer_pb2.AnalyzerResource(
            type=one.type,
            urn=one.urn,
            name=one.name,
            properties=message(one.properties),
            parent=one.parent,
            propertyDependencies={
                key: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns) for key, urns in one.property_dependencies.items()
            },
        )
        for one in resources
    ]
    pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=whole), None)
