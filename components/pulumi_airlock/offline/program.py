"""Runs a Pulumi program in this process, as the Python language host does, against a monitor of ours.

What the run changes in the process (working directory, `sys.path`, modules of the program, the SDK's settings, the event loop) is
put back afterwards, so that programs can run one after the other.
"""

import asyncio
import contextvars
import gc
import importlib
import logging
import os
import runpy
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pulumi
from google.protobuf import empty_pb2
from pulumi.runtime import resource, settings
from pulumi.runtime._callbacks import _CallbackServicer
from pulumi.runtime.proto import engine_pb2, source_pb2

from ..errors import AirlockError, InputError
from .config import StackConfig, encrypted_values_are_unknown, secrets_noted
from .project import Project

_OF_A_RESOURCE = 3
"""Constructors on the way to a registration: `Resource`, `CustomResource` or `ComponentResource`, and the class itself."""
_OURS = str(Path(__file__).parent)
_PLUMBING = tuple(
    str(Path(module.__file__).parent)
    for module in (pulumi, asyncio, importlib, sys.modules["concurrent.futures"])
    if module.__file__
)


class ProgramError(AirlockError):
    """The program failed. Its text is the program's own traceback, or what it reported."""


@dataclass(frozen=True, slots=True)
class LogMessage:
    """Something that the program logged (`pulumi.info`, `warn`, `error`)."""

    severity: str
    """`info`, `warning` or `error`."""
    message: str
    urn: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program."""

    project: Project
    stack: str
    config: StackConfig
    preview: bool
    organization: str = "organization"
    threaded: Callable[[], bool] = lambda: False
    """Whether to answer requests in threads: worth it where answers must wait (for remediations), slower where they need not."""


def run_program(run: Run, monitor: Any, log: Callable[[LogMessage], None], note_secret: Callable[[str], None]) -> None:
    """Runs the program to its end. ProgramError when it fails; its text may hold secrets, which `note_secret` is told of."""
    with _uncollected(), secrets_noted(note_secret):
        contextvars.copy_context().run(_run, run, monitor, log)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection meanwhile.

    What a program makes lives to its end; looking for garbage among it again and again takes a third of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # to look through it all once is no cheaper
        if was_enabled:
            gc.enable()


def _run(run: Run, monitor: Any, log: Callable[[LogMessage], None]) -> None:
    settings.ROOT.set(None)
    pulumi.runtime.set_all_config(dict(run.config.values), list(run.config.secret_keys))
    configured = settings.Settings(
        project=run.project.name,
        stack=run.stack,
        organization=run.organization,
        root_directory=str(run.project.root),
        monitor=monitor,
        engine=_Engine(log),
        dry_run=run.preview,
    )
    settings.configure(configured)
    traced = _tracing(run.project)
    with encrypted_values_are_unknown(), traced, _as_the_program(run.project), _event_loop(run.threaded) as loop:
        try:
            loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _execute(run.project)))
        except pulumi.RunError as error:
            raise ProgramError(str(error)) from error
        except SystemExit as error:
            if error.code:
                raise ProgramError(f"the program exited with status {error.code}") from error
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise ProgramError(_explain(error, run.project)) from error


async def _execute(project: Project) -> None:
    # The file and not its folder, of which Python would keep the compiled program: within a second, a changed one looks the same.
    file = project.program / "__main__.py" if project.program.is_dir() else project.program
    runpy.run_path(str(file), run_name="__main__")
    await _settle()


async def _settle() -> None:
    """Waits for what the program has started, all at once.

    The SDK waits too, but looks through every pending output each time one is done: quadratic, a fifth of the run at 500
    resources.
    Whoever fails is left for the SDK to find, and to raise as it does.
    """
    while True:
        pending = {task for task in settings.SETTINGS.outputs if not task.done()}
        if not pending:
            return
        await asyncio.wait(pending)


@contextmanager
def _tracing(project: Project) -> Iterator[None]:
    """Tells where the program asked for a resource by that line alone.

    The SDK tells the whole way there, and for each frame asks the disk whether its file has changed: a tenth of the run.
    """
    original = getattr(resource, "_get_stack_trace", None)
    if original is None:  # an SDK that looks different inside
        yield
        return
    resource._get_stack_trace = lambda: _trace(sys._getframe(1), project)
    try:
        yield
    finally:
        resource._get_stack_trace = original


def _trace(frame: FrameType | None, project: Project) -> source_pb2.StackTrace:
    constructors = 0
    while frame is not None:
        # As in the SDK, what is made by a resource's own class was asked for by whoever made that: the third `__init__` is its.
        if constructors >= _OF_A_RESOURCE and project.holds(frame.f_code.co_filename):
            position = source_pb2.SourcePosition(uri=Path(frame.f_code.co_filename).as_uri(), line=frame.f_lineno)
            return source_pb2.StackTrace(frames=[source_pb2.StackFrame(pc=position)])
        constructors += frame.f_code.co_name == "__init__"
        frame = frame.f_back
    return source_pb2.StackTrace()


class _Engine:
    """The engine's log, and nothing else of it. Debug messages, a dozen for each resource, are dropped."""

    def __init__(self, log: Callable[[LogMessage], None]) -> None:
        self._log = log

    def Log(self, request: Any) -> Any:  # noqa: N802  # the protocol's name
        if request.severity != engine_pb2.DEBUG:
            severity = engine_pb2.LogSeverity.Name(request.severity).lower()
            self._log(LogMessage(severity, request.message, request.urn))
        return empty_pb2.Empty()

    def RequirePulumiVersion(self, request: Any) -> Any:  # noqa: N802  # the protocol's name
        return engine_pb2.RequirePulumiVersionResponse()


class _Executor(ThreadPoolExecutor):
    """Runs what the SDK would run in a thread right away, in the event loop's own: there is no waiting in our answers.

    Threads are used where there is: for packs that remediate, and once the program has callbacks, which need the loop to answer.
    """

    def __init__(self, threaded: Callable[[], bool]) -> None:
        super().__init__(max_workers=8)
        self._threaded = threaded

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        if _CallbackServicer._servicers or self._threaded():
            return super().submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def _event_loop(threaded: Callable[[], bool]) -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    executor = _Executor(threaded)
    loop.set_default_executor(executor)
    asyncio.set_event_loop(loop)
    # A program that fails leaves outputs that nobody awaits; asyncio would complain of each, as the language host knows.
    logger = logging.getLogger("asyncio")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield loop
    except BaseException:
        _abandon(loop)
        raise
    finally:
        executor.shutdown(wait=True)
        loop.close()
        asyncio.set_event_loop(None)
        logger.setLevel(level)


def _abandon(loop: asyncio.AbstractEventLoop) -> None:
    """Ends whatever of a failed program still waits."""
    pending = asyncio.all_tasks(loop)
    for task in pending:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
    gc.collect()  # so that exceptions nobody asked for are dropped while the logger is silent


@contextmanager
def _as_the_program(project: Project) -> Iterator[None]:
    """The process as a program expects it; as it was again afterwards. The program's own modules are forgotten."""
    directory, argv, path, modules = Path.cwd(), sys.argv, list(sys.path), set(sys.modules)
    os.chdir(project.working_directory)
    sys.argv = [str(project.program)]
    sys.path.insert(0, str(project.working_directory))
    try:
        yield
    finally:
        os.chdir(directory)
        sys.argv, sys.path[:] = argv, path
        own = str(project.working_directory) + os.sep
        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if file.startswith(own) and "site-packages" not in file:
                del sys.modules[name]
        importlib.invalidate_caches()


def _explain(error: BaseException, project: Project) -> str:
    """The program's own traceback: from its first frame on. An input that Airlock refused is told with its place alone."""
    if isinstance(error, InputError):
        place = _place(error, project)
        return f"{error}\n  at {place}" if place else str(error)
    if isinstance(error, SyntaxError) and error.filename and project.holds(error.filename):
        return "".join(traceback.format_exception_only(error)).strip()  # no frame of the program ran
    described = traceback.TracebackException.from_exception(error)
    _trim(described, project)
    return "".join(described.format()).rstrip()


def _place(error: BaseException, project: Project) -> str:
    """The innermost line of the program that led to an error."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if project.holds(one.filename)]
    return f"{os.path.relpath(frames[-1].filename, project.root)}:{frames[-1].lineno}" if frames else ""


def _trim(described: traceback.TracebackException, project: Project) -> None:
    frames = list(described.stack)
    first = next((at for at, frame in enumerate(frames) if project.holds(frame.filename)), None)
    # An apply that fails is called by the SDK alone: what is left then are the program's own frames, or its libraries'.
    frames = frames[first:] if first is not None else [one for one in frames if not _is_plumbing(one.filename)] or frames
    described.stack = traceback.StackSummary.from_list(frames)
    for other in (described.__cause__, described.__context__):
        if other is not None:
            _trim(other, project)


def _is_plumbing(filename: str) -> bool:
    return filename.startswith((_OURS, *_PLUMBING, "<frozen"))
