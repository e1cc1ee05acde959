"""Preview, update and destroy a stack offline: the way in for the command line, tests and scripts.

with Session(find_project(Path.cwd()), "prod", packs=[PackSpec(Path("policy-packs/least-privilege"))]) as session:
    plan = session.preview()
    plan.counts, plan.diagnostics, plan.stack()
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, TypeVar

from ..errors import InputError
from . import urns
from .analysis import Analysis
from .config import load_config
from .dynamic import DynamicError, DynamicProviders, is_dynamic
from .fixtures import load_fixtures
from .monitor import Monitor
from .operations import Journal, Operation, in_order
from .packs import Diagnostic, NotApplicable, PackSpec, PolicyPacks, Remediation
from .packs.masking import masked
from .plan import Plan
from .planner import Planner
from .program import LogMessage, ProgramError, Run, run_program
from .project import Project
from .simulation import Simulator
from .state import Sealer, StateFile
from .steps import Step
from .wire import MASKED_LENGTH, plain_texts, plaintexts

CHECKPOINT_SECONDS = 0.1
"""How often the state is written while an update is applied; a crash loses no more than what was done since."""

_Said = TypeVar("_Said", Diagnostic, Remediation, NotApplicable)

DEFAULT_REGION = "us-east-1"
DEFAULT_ACCOUNT = "123456789012"


class Session:
    """One stack of a project. A context manager: its policy packs run from entering it to leaving it.

    `progress` is told, in a few words, what goes on, from several threads; and nothing (an empty text) when a run is over.
    `on_secrets` is told the secrets of the configuration at once, and of each run those of its resources: for what shows them.
    """

    def __init__(
        self,
        project: Project,
        stack: str,
        *,
        packs: Sequence[PackSpec] = (),
        organization: str = "organization",
        progress: Callable[[str], None] = lambda text: None,
        on_pack_output: Callable[[str, str], None] | None = None,
        on_secrets: Callable[[Iterable[str]], None] = lambda texts: None,
    ) -> None:
        project.require_stack(stack)
        self.project, self.stack = project, stack
        self.state_file = StateFile(project.root, project.name, stack)
        self._organization = organization
        self._progress = progress
        self._config = load_config(project, stack)
        self._fixtures = load_fixtures(project.settings / "fixtures" / f"{stack}.yaml")
        self._simulator = Simulator(*self._place())
        self._dynamic = DynamicProviders(project.working_directory, project.name, self._config.values, self._progress)
        self._specs = packs
        self._on_pack_output = on_pack_output
        self._on_secrets = on_secrets
        on_secrets(self._config.plaintexts)
        self._packs: PolicyPacks | None = None
        self._packs_preview = True
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        # Before they are asked for: they take longer to start than the program does.
        self._start_packs(preview=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._exit.close()
        self._dynamic.close()

    def _start_packs(self, *, preview: bool) -> None:
        """Has the packs run, told whether it is a preview. They learn that at their start alone, as under the Pulumi CLI."""
        if not self._specs or (self._packs is not None and self._packs_preview is preview):
            return
        self._exit.close()
        started = PolicyPacks.start(
            self._specs,
            project=self.project.name,
            stack=self.stack,
            organization=self._organization,
            dry_run=preview,
            config=self._config.values,
            secret_keys=tuple(self._config.secret_keys),
            on_output=self._pack_output,
        )
        self._packs, self._packs_preview = self._exit.enter_context(started), preview

    @contextmanager
    def locked(self, command: str) -> Iterator[None]:
        """Holds the stack while it is changed. LockedError where another run holds it."""
        with self.state_file.locked(command):
            yield

    def preview(self, meanwhile: Callable[[Plan], None] = lambda plan: None) -> Plan:
        """Runs the program as a preview: values that only an update gives are unknown. Writes nothing.

        While the packs think about the stack, `meanwhile` is given the plan as far as it is known: without their findings.
        ProgramError when the program fails; InputError for what is wrong with its requests, all at once; PolicyPackError.
        """
        return self._run(preview=True, sealer=self.state_file.sealer(), meanwhile=meanwhile)

    def update(self) -> Plan:
        """Runs the program with simulated outputs, as an update would. Writes nothing yet: `apply` does."""
        return self._run(preview=False, sealer=self.state_file.sealer(create=True))

    def destruction(self) -> Plan:
        """The plan that deletes everything in the state. InputError where a resource is protected."""
        before = self.state_file.read()
        planner = Planner(before, self.state_file.sealer(), self._simulator, self._dynamic, preview=True)
        steps = planner.deletions()
        _raise(planner.problems)
        return Plan(self.project.name, self.stack, True, steps, in_order(steps, before))

    def apply(self, plan: Plan, applied: Callable[[Operation], None] = lambda operation: None) -> None:
        """Does what a plan of `update` or `destruction` says, and keeps the state file up to date meanwhile.

        Call it while `locked`. DynamicError where the provider of a dynamic resource fails; what was done until then is kept.
        """
        before = self.state_file.read()
        journal = Journal(before, plan.renamed, self.state_file.sealer(create=True))
        written = time.monotonic()
        for operation in plan.operations:
            try:
                done = self._really(operation)
            except DynamicError:
                self.state_file.write(journal.states())
                raise
            journal.note(operation)
            applied(operation)
            if done or time.monotonic() - written > CHECKPOINT_SECONDS:
                self.state_file.write(journal.states())
                written = time.monotonic()
        after = journal.states()
        if not after:
            self.state_file.remove()
        elif after != list(before):
            self.state_file.write(after)

    def _really(self, operation: Operation) -> bool:
        """Does an operation on a dynamic resource, which may take a while; False for any other."""
        if not is_dynamic(urns.type_of(operation.urn)):
            return False
        self._progress(f"{operation.op.value} {urns.name_of(operation.urn)}")
        done = self._dynamic.done(operation)
        self._progress("")
        return done

    def _run(self, *, preview: bool, sealer: Sealer, meanwhile: Callable[[Plan], None] = lambda plan: None) -> Plan:
        before = self.state_file.read()
        planner = Planner(before, sealer, self._simulator, self._dynamic, preview=preview)
        self._start_packs(preview=preview)
        analysis = Analysis(self._packs, planner) if self._packs else None
        logs: list[LogMessage] = []
        secrets = set(self._config.plaintexts)
        registered = 0

        def planned(step: Step) -> None:
            nonlocal registered
            registered += 1
            self._progress(f"{registered} resources")
            if analysis:
                analysis.analyze(step)

        hooks: dict[str, Any] = {"planned": planned}
        if analysis:
            hooks["remediate"] = analysis.remediate
        monitor = Monitor(self.project, self.stack, self._config, self._fixtures, planner, **hooks)
        run = Run(self.project, self.stack, self._config, preview, self._organization)
        self._progress("running the program")
        failure: ProgramError | None = None
        try:
            run_program(run, monitor, logs.append, secrets.add)
        except ProgramError as error:
            failure = error
        finally:
            monitor.close()
        if monitor.hooks:
            logs.append(LogMessage("warning", f"resource hooks are not run offline: {', '.join(dict.fromkeys(monitor.hooks))}"))
        # A request that could not be answered may be why the program failed: it is told first.
        monitor.problems.raise_any()
        secrets = _secrets(planner, secrets)
        self._on_secrets(secrets)
        if failure is not None:
            raise ProgramError(masked(str(failure), secrets)) from failure.__cause__
        steps = [*planner.steps.values(), *planner.deletions()]
        _raise(planner.problems)
        self._progress(f"{len(steps)} resources" + (", waiting for the policy packs" if analysis else ""))
        plan = Plan(
            self.project.name,
            self.stack,
            preview,
            steps,
            in_order(steps, before),
            outputs=monitor.stack_outputs,
            renamed=planner.renamed,
            logs=tuple(replace(one, message=masked(one.message, secrets)) for one in logs),
            encrypted=self._config.encrypted,
        )
        if analysis is None or self._packs is None:
            meanwhile(plan)
            self._progress("")
            return plan
        diagnostics = analysis.finish(steps, lambda: meanwhile(plan))
        self._progress("")
        return replace(
            plan,
            diagnostics=tuple(dict.fromkeys(map(self._masked, diagnostics))),
            remediations=tuple(map(self._masked, analysis.remediations)),
            not_applicable=tuple(dict.fromkeys(map(self._masked, self._packs.not_applicable))),
            packs=self._packs.infos,
        )

    def _masked(self, said: _Said) -> _Said:
        """What a pack said, without the secrets that structured configuration holds; all others are masked by then."""
        plaintexts = self._config.plaintexts
        return replace(said, message=masked(said.message, plaintexts)) if plaintexts else said

    def _pack_output(self, pack: str, line: str) -> None:
        if self._on_pack_output:
            self._on_pack_output(pack, masked(line, self._config.plaintexts))

    def _place(self) -> tuple[str, str]:
        """Region and account of simulated values: as the configuration and the fixtures say."""
        region = self._fixtures.call("aws:index/getRegion:getRegion", {}) or {}
        caller = self._fixtures.call("aws:index/getCallerIdentity:getCallerIdentity", {}) or {}
        configured = self._config.values.get("aws:region") or region.get("region") or region.get("name")
        return str(configured or DEFAULT_REGION), str(caller.get("accountId") or DEFAULT_ACCOUNT)


def _secrets(planner: Planner, noted: set[str]) -> set[str]:
    """Every secret that is known by now."""
    found = {value for value in noted if len(value) >= MASKED_LENGTH}
    for step in planner.steps.values():
        inputs = step.registration.inputs if step.registration else {}
        found.update(plaintexts(inputs))
        for key, value in step.outputs.items():
            # One that is marked as a whole (`additional_secret_outputs`) holds what the program gave in plain beside its secret.
            found.update(set(plaintexts(value)).difference(plain_texts(inputs.get(key))))
    return found


def _raise(problems: Sequence[Any]) -> None:
    if problems:
        raise InputError(problems)


__all__ = ["Diagnostic", "PackSpec", "Plan", "Session"]
