"""`airlock diff`: what access a change adds and takes away, and by which change."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import AirlockError, InputError, Problem
from ..unreadable import why
from . import _revisions, _stacks
from ._run import EXIT_PROOF, Cwd, print_json
from ._secrets import without_secrets

if TYPE_CHECKING:
    from ..access import Access
    from ..gates.stack import Stack
    from ..proof.difference import Case, Difference
    from ..proof.difference.ways import Ways

HERE = "."
"""The working tree, where a revision is expected."""

Old = Annotated[
    str,
    typer.Argument(
        metavar="OLD",
        help="Before: a JSON file (of `pulumi preview --json`, `pulumi stack export` or `airlock`), an access file, "
        "`REVISION:path` of one in git; with `--stack` a git revision.",
    ),
]
New = Annotated[
    str | None,
    typer.Argument(
        metavar="NEW", help="After, in the same forms; with `--stack`, `.` is the working tree, and taken where none is given."
    ),
]
StackAt = Annotated[
    str | None, typer.Option("--stack", "-s", help="Preview this stack of the project offline as both git revisions have it.")
]
Gate = Annotated[str | None, typer.Option("--gate", help="What this gate alone lets through, whatever other gates do.")]
Markdown = Annotated[
    str | None,
    typer.Option("--markdown", metavar="FILE", help="Write a comment for a pull request to this file; `-` prints it."),
]
ExitCode = Annotated[
    bool, typer.Option("--exit-code", help="Exit with 3 when there is a difference, as `git diff --exit-code` does with 1.")
]


def diff(
    old: Old,
    new: New = None,
    stack: StackAt = None,
    gate: Gate = None,
    at: Annotated[str | None, typer.Option(help="An instant instead of now (ISO 8601; UTC unless it has an offset).")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the difference as JSON.")] = False,
    markdown: Markdown = None,
    exit_code: ExitCode = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show every finding with both paths, and every change without effect.")
    ] = False,
    cwd: Cwd = Path(),
) -> None:
    """Show what access a change adds and takes away: for whom, where, on which ports, when, and by which rule or route.

    Exit status: 0 compared, whatever differs (3 with `--exit-code`); 1 the program, a file or the command is wrong.
    """
    from ..report.comment import comment
    from ..report.difference import show, to_json

    if json_ and markdown == "-":
        raise InputError([Problem("", "--markdown", "prints to the same place as --json: give it a file")])
    sides = _revisions_of(old, new or HERE, stack, cwd) if stack is not None else _files(old, new, cwd)
    names = sides[0].name, sides[1].name
    found = compare(sides, gate, _stacks.instant(at, "--at") or datetime.now(UTC))
    if markdown is not None:
        _write(markdown, comment(found, names, stack=stack or ""))
    if json_:
        print_json(to_json(found, names))
    elif markdown != "-":
        show(found, names, verbose=verbose)
    raise typer.Exit(EXIT_PROOF if exit_code and not found.same else 0)


@dataclass(frozen=True)
class Side:
    """One of the two, as it was read."""

    name: str
    stack: "Stack | None" = None
    access: "Access | None" = None

    def case(self) -> tuple["Case", "Ways"]:
        """What is compared: the way through all gates, and those around some."""
        from ..gates import read_all
        from ..gates.declaration import declared_access
        from ..proof.difference import Case

        if self.stack is None:
            assert self.access is not None  # noqa: S101  # a side is one or the other
            return Case(self.access), ((), ())
        access = declared_access(self.stack)
        if access is None:
            fix = "declare it with AccessDeclaration(name, access)"
            raise InputError([Problem(self.name, "", f"the stack declares no access to compare: {fix}")])
        reading = read_all(self.stack)
        return Case(access, reading.environments, reading.filters), (reading.environments, reading.around)


def compare(sides: tuple[Side, Side], gate: str | None, at: datetime) -> "Difference":
    """What differs between the two. InputError where one of them cannot be compared."""
    from ..access.errors import nearest
    from ..proof.difference import declared_difference, difference, with_ways

    (old, old_ways), (new, new_ways) = (one.case() for one in sides)
    if all(one.stack is not None for one in sides):
        try:
            found = difference(old, new, at=at, gate=gate or "")
            return found if gate else with_ways(found, old_ways, new_ways, at=at)
        except KeyError:
            known = {one.gate for case in (old, new) for one in case.filters}
            raise InputError([Problem("", "--gate", f"no gate {gate!r} in either stack{nearest(str(gate), known)}")]) from None
    if gate is not None:
        raise InputError([Problem("", "--gate", "needs two stacks: an access file has no gates")])
    return declared_difference(old, new, at=at)


def _files(old: str, new: str | None, cwd: Path) -> tuple[Side, Side]:
    if new is None:
        message = "is missing: give two files, or a git revision and --stack NAME to compare it with the working tree"
        raise InputError([Problem("", "NEW", message)])
    return _read(old, cwd), _read(new, cwd)


def _read(spec: str, cwd: Path) -> Side:
    """A file, or `REVISION:path`."""
    from ..access.load import loads
    from ..gates.documents import parse_document

    content = _content(spec, cwd)
    if not (spec.endswith(".json") or content.lstrip()[:1] in (b"{", b"[")):
        return Side(spec, access=loads(content, spec))
    document = parse_document(content, spec)
    if isinstance(document, dict) and str(document.get("apiVersion", "")).startswith("airlock/"):
        return Side(spec, access=loads(json.dumps(document), spec))
    return Side(spec, stack=_stacks.stack_in(document, spec))


def _content(spec: str, cwd: Path) -> bytes:
    path = Path(spec)
    if path.is_dir():
        raise InputError([Problem(spec, "", "is a folder: name a file, or compare git revisions of a stack with --stack NAME")])
    if path.exists():
        try:
            return path.read_bytes()
        except OSError as error:
            raise InputError([Problem(spec, "", why(error))]) from error
    if ":" in spec:
        return _revisions.file_at(spec, cwd)
    if _revisions.is_revision(spec, cwd):
        message = f"is a git revision: name a file in it ({spec}:stacks/access/prod.yaml), or a stack with --stack NAME"
        raise InputError([Problem(spec, "", message)])
    raise InputError([Problem(spec, "", "there is no such file; a file of a git revision is written REVISION:path")])


def _revisions_of(old: str, new: str, stack: str, cwd: Path) -> tuple[Side, Side]:
    """The previews of a stack as two revisions have it."""
    for spec in (old, new):
        if ":" in spec or (spec != HERE and Path(spec).is_file()):
            message = (
                f"with --stack, give git revisions: the stack is previewed as each has it, its access file included ({spec})"
            )
            raise InputError([Problem("", "--stack", message)])
    return _preview(old, stack, cwd), _preview(new, stack, cwd)


def _preview(revision: str, stack: str, cwd: Path) -> Side:
    if revision == HERE:
        return Side("the working tree", stack=_stacks.stack_of(stack, None, cwd))
    from ..offline.project import find_project

    project = find_project(cwd)
    with _revisions.checkout_with_state(revision, project.root) as folder:
        try:
            return Side(revision, stack=_stacks.stack_of(stack, None, folder))
        except AirlockError as error:
            text = str(error).replace(f"{folder}/", "")
            raise InputError([Problem(f"{stack} at {revision}", "", text)]) from error


def _write(file: str, text: str) -> None:
    if file == "-":
        typer.echo(text, nl=False)
        return
    try:
        Path(file).write_text(without_secrets(text), encoding="utf-8")
    except OSError as error:
        raise InputError([Problem(file, "", f"cannot be written: {error.strerror}")]) from None
