"""What `preview`, `up` and `destroy` have in common: options, the session, progress, exit status."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import AirlockError, InputError, Problem
from ._secrets import note, without_secrets

if TYPE_CHECKING:
    from rich.console import Console

    from ..identity.findings import IdentityFinding
    from ..offline.operations import Operation
    from ..offline.packs import PackSpec
    from ..offline.plan import Plan
    from ..offline.session import Session
    from ..proof import Proof

_WIDE = 400
EXIT_WRONG, EXIT_POLICY, EXIT_PROOF = 1, 2, 3

Stack = Annotated[str, typer.Option("--stack", "-s", help="The stack: `Pulumi.<stack>.yaml`.")]
Cwd = Annotated[Path, typer.Option("--cwd", "-C", help="A folder of the project.", file_okay=False, exists=True)]
PolicyPack = Annotated[
    list[Path] | None,
    typer.Option(
        "--policy-pack", help="A policy pack's folder; several times. Without it, those in the project's `policy-packs`."
    ),
]
NoPolicyPacks = Annotated[bool, typer.Option("--no-policy-packs", help="Run no policy packs.")]
PolicyPackConfig = Annotated[
    list[Path] | None, typer.Option("--policy-pack-config", help="A configuration file for each `--policy-pack`, in their order.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead, in the shape of `pulumi preview --json`.")]
Diff = Annotated[bool, typer.Option("--diff", help="Show the properties that differ.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@contextmanager
def session(
    stack: str,
    cwd: Path,
    packs: list[Path] | None = None,
    configs: list[Path] | None = None,
    *,
    without_packs: bool = False,
    json_: bool = False,
) -> Iterator[tuple["Session", "Console"]]:
    """A session on a stack, and the console that shows it. With JSON on standard output, all else goes to standard error."""
    from rich.console import Console

    from ..offline.project import find_project
    from ..offline.session import Session

    project = find_project(cwd)
    specs = specs_of([] if without_packs else packs or list(project.policy_packs), configs or ())
    console = Console(stderr=json_, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _WIDE  # a log has no width: nothing is cut short
    organization, _, name = stack.rpartition("/")
    with _progress(console) as progress, redirect_stdout(sys.stderr if json_ else sys.stdout):
        opened = Session(
            project,
            name,
            packs=specs,
            organization=organization.partition("/")[0] or "organization",
            progress=progress,
            on_pack_output=lambda pack, line: print(f"{pack}: {line}", file=sys.stderr),
            on_secrets=note,
        )
        with opened:
            yield opened, console


def specs_of(folders: Sequence[Path], configs: Sequence[Path]) -> "list[PackSpec]":
    """Policy packs, each with its configuration, if there is one. InputError where there are more of these than packs."""
    from ..offline.packs import PackSpec

    if len(configs) > len(folders):
        message = f"{len(configs)} files for {len(folders)} policy packs: give one for each --policy-pack, in their order"
        raise InputError([Problem("", "--policy-pack-config", message)])
    chosen = [*configs, *([None] * (len(folders) - len(configs)))]
    return [PackSpec(folder, config) if config else PackSpec(folder) for folder, config in zip(folders, chosen, strict=True)]


class _Status:
    """A line that tells what goes on, on a terminal alone."""

    def __init__(self, console: "Console") -> None:
        self._status = console.status("starting") if console.is_terminal else None

    def __call__(self, text: str) -> None:
        if self._status and text:
            self._status.update(text)
            self._status.start()
        else:
            self.stop()

    def stop(self) -> None:
        if self._status:
            self._status.stop()


def tell_done(console: "Console") -> Callable[["Operation"], None]:
    """Tells of each dynamic resource that was made or taken away, and how long that took: the rest is done in no time."""
    from ..offline import urns
    from ..offline.dynamic import is_dynamic
    from ..offline.steps import Op

    since = time.monotonic()

    def tell(operation: "Operation") -> None:
        nonlocal since
        now, name = time.monotonic(), urns.name_of(operation.urn)
        if is_dynamic(urns.type_of(operation.urn)) and operation.op not in (Op.SAME, Op.REPLACE):
            console.print(f"  {operation.op.value} [bold]{name}[/] [dim]{now - since:.1f} s[/]")
        since = now

    return tell


@contextmanager
def _progress(console: "Console") -> Iterator[_Status]:
    status = _Status(console)
    status("starting")
    try:
        yield status
    finally:
        status.stop()


def print_json(document: Any) -> None:
    """JSON on the real standard output."""
    print(without_secrets(json.dumps(document, indent=2, ensure_ascii=False)), file=sys.__stdout__)


def write_file(path: Path, text: str) -> None:
    """Writes a file that an option names, and says so. InputError where that cannot be done."""
    try:
        path.write_text(without_secrets(text), encoding="utf-8")
    except OSError as error:
        raise InputError([Problem(str(path), "", f"cannot be written: {error.strerror}")]) from error
    print(f"wrote {path}", file=sys.stderr)


class Proving:
    """The proof of a plan's access, made while the policy packs think; kept, or its error, until it is asked for."""

    def __init__(self) -> None:
        self._proof: Proof | None = None
        self._identity: tuple[IdentityFinding, ...] = ()
        self._compared = ""
        self._error: AirlockError | None = None

    def __call__(self, plan: "Plan") -> None:
        """Proves the plan's resources."""
        from ..report.identity import compared_in, identity_in
        from ..report.proof import prove_if_declared

        try:
            stack = plan.stack()
            self._proof = prove_if_declared(stack)
            if self._proof is not None:
                self._identity, self._compared = identity_in(stack, at=self._proof.at), compared_in(stack)
        except AirlockError as error:
            self._error = error

    @property
    def proof(self) -> "Proof | None":
        """The proof; None where there was nothing to prove. Raises what went wrong while proving."""
        if self._error is not None:
            raise self._error
        return self._proof

    @property
    def identity(self) -> "tuple[IdentityFinding, ...]":
        """Where the systems disagree on who is who."""
        return self._identity

    def show(self) -> bool:
        """Shows the proof in short; whether all is well. Nothing to prove is well. Raises what went wrong while proving."""
        from ..report.identity import show_identity, show_identity_summary
        from ..report.lines import console
        from ..report.proof import show

        proof = self.proof
        if proof is None:
            return True
        out = console()
        proven = show(proof, out, brief=True)
        same = show_identity(out, self._identity, brief=True)
        show_identity_summary(out, self._identity, self._compared)
        return proven and same


def judge(plan: "Plan", proving: Proving, *, json_: bool) -> int:
    """The exit status of a plan: policies first, then the proof of its access, which is shown."""
    if plan.failed:
        return EXIT_WRONG
    if plan.violated:
        return EXIT_POLICY
    with redirect_stdout(sys.stderr if json_ else sys.stdout):
        return 0 if proving.show() else EXIT_PROOF
