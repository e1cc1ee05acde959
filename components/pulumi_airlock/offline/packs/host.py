"""Several policy packs side by side, as one: what the offline engine talks to."""

import atexit
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2

from ...errors import Problem
from .client import PackClient, StackSettings, Timeouts
from .config import PackConfig, load_config
from .manifest import Manifest, load_manifest
from .results import Diagnostic, NotApplicable, PackInfo, PolicyPackError, Remediation


@dataclass(frozen=True, slots=True)
class PackSpec:
    """A pack to run: its folder, and its configuration (a `--policy-pack-config` file, or what such a file holds)."""

    path: Path
    config: PackConfig | Path = field(default_factory=dict)


class Pending:
    """Answers on their way: `result` waits for all packs and gives what they found. Every pack works on it meanwhile."""

    def __init__(self, waiting: Sequence[Callable[[], list[Diagnostic]]]) -> None:
        self._waiting = waiting

    def result(self) -> list[Diagnostic]:
        """The violations, pack by pack. PolicyPackError when a policy crashed: every pack's crash at once."""
        found: list[Diagnostic] = []
        problems: list[Problem] = []
        for wait in self._waiting:
            try:
                found += wait()
            except PolicyPackError as error:
                problems += error.problems
        if problems:
            raise PolicyPackError(problems)
        return found


class PolicyPacks:
    """Policy packs that run together. A context manager: leaving it ends every pack's process.

    Safe to use from several threads. Packs that are not ready yet make the first question wait, so start them before whatever
    can be done meanwhile.
    """

    def __init__(self, packs: Sequence[PackClient]) -> None:
        self._packs = packs
        # Where nobody closes us. Packs end themselves as well when this process goes, however it goes.
        atexit.register(self.close)

    @classmethod
    def start(
        cls,
        specs: Iterable[PackSpec],
        *,
        project: str,
        stack: str,
        organization: str = "organization",
        dry_run: bool = True,
        config: Mapping[str, str] | None = None,
        secret_keys: Sequence[str] = (),
        tags: Mapping[str, str] | None = None,
        timeouts: Timeouts | None = None,
        on_output: Callable[[str, str], None] | None = None,
    ) -> Self:
        """Starts all packs in parallel and returns at once.

        `config` is by full key (`project:key`) with secrets in plain text; `secret_keys` are those whose values must not show.
        `on_output` is given (pack's folder name, line) for what packs print, from threads of ours. PolicyPackError when a
        pack's manifest or configuration file is wrong: every pack's problems at once.
        """
        loaded: list[tuple[Manifest, PackConfig]] = []
        problems: list[Problem] = []
        for spec in specs:
            try:
                given = load_config(spec.config) if isinstance(spec.config, Path) else spec.config
                loaded.append((load_manifest(spec.path), given))
            except PolicyPackError as error:
                problems += error.problems
        if problems:
            raise PolicyPackError(problems)
        settings = StackSettings(project, stack, organization, dry_run, dict(config or {}), tuple(secret_keys), dict(tags or {}))
        packs: list[PackClient] = []
        try:
            for manifest, given in loaded:
                forward = _named(on_output, manifest.path.name)
                packs.append(PackClient(manifest, given, settings, timeouts or Timeouts(), forward))
        except OSError as error:
            for pack in packs:
                pack.close()
            raise PolicyPackError([Problem(str(manifest.path), "", f"{manifest.python} cannot be run: {error}")]) from error
        return cls(packs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends every pack."""
        atexit.unregister(self.close)
        for pack in self._packs:
            pack.close()

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the packs."""
        return tuple(pack.pid for pack in self._packs)

    @property
    def infos(self) -> tuple[PackInfo, ...]:
        """What each pack is; waits until all are ready. PolicyPackError with every pack that is not."""
        infos: list[PackInfo] = []
        problems: list[Problem] = []
        for pack in self._packs:
            try:
                infos.append(pack.info)
            except PolicyPackError as error:
                problems += error.problems
        if problems:
            raise PolicyPackError(problems)
        return tuple(infos)

    @property
    def not_applicable(self) -> tuple[NotApplicable, ...]:
        """What policies said so far about not applying, pack by pack."""
        return tuple(one for pack in self._packs for one in pack.not_applicable)

    def remediate(self, request: analyzer_pb2.AnalyzeRequest) -> tuple[struct_pb2.Struct | None, list[Remediation]]:
        """The resource's inputs as the packs fix them (None: as they are), and what they did.

        Pack after pack, each sees what the one before made of it. The request stays as it was.
        """
        _ = self.infos
        current: struct_pb2.Struct | None = None
        done: list[Remediation] = []
        for pack in self._packs:
            properties, found = pack.remediate(request)
            done += found
            if properties is not None:
                current = properties
                changed = analyzer_pb2.AnalyzeRequest()
                changed.CopyFrom(request)
                changed.properties.CopyFrom(properties)
                request = changed
        return current, done

    def analyze_later(self, request: analyzer_pb2.AnalyzeRequest) -> Pending:
        """Sends a resource to every pack and returns at once."""
        _ = self.infos
        return Pending([pack.ask_resource(request) for pack in self._packs])

    def analyze(self, request: analyzer_pb2.AnalyzeRequest) -> list[Diagnostic]:
        """What every pack's resource policies say of a resource."""
        return self.analyze_later(request).result()

    def analyze_stack(self, resources: Iterable[analyzer_pb2.AnalyzerResource]) -> list[Diagnostic]:
        """What every pack's stack policies say of all resources. A violation of no resource is the root stack's."""
        return self.analyze_stack_later(resources).result()

    def analyze_stack_later(self, resources: Iterable[analyzer_pb2.AnalyzerResource]) -> Pending:
        """Sends all resources to every pack's stack policies and returns at once."""
        _ = self.infos
        request = analyzer_pb2.AnalyzeStackRequest(resources=resources)
        known = frozenset(one.urn for one in request.resources)
        root = next((one.urn for one in request.resources if one.type == "pulumi:pulumi:Stack"), "")
        return Pending([pack.ask_stack(request, root, known) for pack in self._packs])


def _named(on_output: Callable[[str, str], None] | None, name: str) -> Callable[[str], None]:
    return (lambda line: on_output(name, line)) if on_output else (lambda line: None)
