"""Puts planned resources before the policy packs, as the Pulumi engine does: remediations, then each resource, then the stack."""

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from pulumi.runtime.proto import analyzer_pb2

from . import urns
from .packs import Diagnostic, Level, Pending, PolicyPacks, Remediation
from .planner import Planner
from .steps import Registration, Step
from .wire import from_struct, to_struct


class Analysis:
    """One run's resources and what the packs say of them. Packs work while the program goes on."""

    def __init__(self, packs: PolicyPacks, planner: Planner) -> None:
        self._packs = packs
        self._planner = planner
        self._lock = threading.Lock()
        self._pending: list[Pending] = []
        self.remediations: list[Remediation] = []

    def remediate(self, asked: Registration) -> None:
        """Has the packs fix a registration's inputs, in place."""
        if asked.type == urns.STACK_TYPE or not self.remediates:
            return
        properties, done = self._packs.remediate(self._request(asked))
        if properties is not None:
            asked.inputs = from_struct(properties)
        if done:
            with self._lock:
                self.remediations += done

    @cached_property
    def remediates(self) -> bool:
        """Whether any pack may change inputs. Waits for the packs to be ready."""
        return any(policy.level is Level.REMEDIATE for pack in self._packs.infos for policy in pack.policies.values())

    def analyze(self, step: Step) -> None:
        """Asks the packs about a resource; returns at once.

        The stack itself is registered first, maybe before the packs are ready, and nothing depends on the answer: it is
        asked about last.
        """
        if step.registration is None or step.type == urns.STACK_TYPE:
            return
        pending = self._packs.analyze_later(self._request(step.registration))
        with self._lock:
            self._pending.append(pending)

    def finish(self, steps: Sequence[Step], meanwhile: Callable[[], None]) -> list[Diagnostic]:
        """Everything the packs found, with what the stack policies say of all resources as they will be.

        Does `meanwhile` while the packs think about the stack.
        """
        stacks = [step.registration for step in steps if step.type == urns.STACK_TYPE and step.registration]
        pending = [*self._pending, *(self._packs.analyze_later(self._request(asked)) for asked in stacks)]
        found = [diagnostic for one in pending for diagnostic in one.result()]
        remaining = [step for step in steps if step.registration is not None]
        asked = self._packs.analyze_stack_later([self._resource(step) for step in remaining])
        meanwhile()
        return found + asked.result()

    def _request(self, asked: Registration) -> analyzer_pb2.AnalyzeRequest:
        return analyzer_pb2.AnalyzeRequest(
            type=asked.type,
            properties=to_struct(asked.inputs),
            urn=asked.urn,
            name=urns.name_of(asked.urn),
            options=_options(asked),
            provider=self._provider(asked.provider),
        )

    def _resource(self, step: Step) -> analyzer_pb2.AnalyzerResource:
        asked = step.registration
        assert asked is not None  # noqa: S101  # only deletions have none
        links: Mapping[str, Any] = {
            key: analyzer_pb2.AnalyzerPropertyDependencies(urns=found) for key, found in asked.property_dependencies.items()
        }
        return analyzer_pb2.AnalyzerResource(
            type=asked.type,
            properties=to_struct(step.outputs),
            urn=asked.urn,
            name=urns.name_of(asked.urn),
            options=_options(asked),
            provider=self._provider(asked.provider),
            parent=asked.parent,
            dependencies=asked.dependencies,
            propertyDependencies=links,
        )

    def _provider(self, reference: str) -> analyzer_pb2.AnalyzerProviderResource | None:
        urn = reference.rsplit("::", 1)[0]
        step = self._planner.steps.get(urn)
        if step is None or step.registration is None:
            return None
        return analyzer_pb2.AnalyzerProviderResource(
            type=step.type, properties=to_struct(step.registration.inputs), urn=urn, name=step.name
        )


def _options(asked: Registration) -> analyzer_pb2.AnalyzerResourceOptions:
    timeouts = {key: _seconds(value) for key, value in asked.custom_timeouts.items() if key != "read"}
    return analyzer_pb2.AnalyzerResourceOptions(
        protect=asked.protect,
        ignoreChanges=asked.ignore_changes,
        deleteBeforeReplace=bool(asked.delete_before_replace),
        deleteBeforeReplaceDefined=asked.delete_before_replace is not None,
        additionalSecretOutputs=asked.additional_secret_outputs,
        aliases=asked.aliases,
        customTimeouts=analyzer_pb2.AnalyzerResourceOptions.CustomTimeouts(**timeouts),
        parent=asked.parent,
    )


def _seconds(duration: str) -> float:
    """A duration as Go writes it (`1h30m`, `45s`), in seconds."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(h|ms|m|s)", duration))
