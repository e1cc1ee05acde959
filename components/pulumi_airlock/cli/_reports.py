"""`--sarif` and `--junit`: what a command found, for CI systems."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import AirlockError
from ._run import write_file

if TYPE_CHECKING:
    from ..gates.stack import Stack
    from ..offline.plan import Plan
    from ..offline.project import Project
    from ..report.ci.model import Place, Report
    from ..report.ci.places import Places
    from ._run import Proving

Sarif = Annotated[
    Path | None, typer.Option("--sarif", help="Write what was found as SARIF 2.1.0 too, for code scanning.", dir_okay=False)
]
Junit = Annotated[
    Path | None, typer.Option("--junit", help="Write every check as JUnit's XML too, for CI systems.", dir_okay=False)
]


@dataclass(frozen=True)
class Reports:
    """The files that are asked for, and which stack's findings go into them."""

    sarif: Path | None
    junit: Path | None
    cwd: Path
    stack: str = ""
    read_from: Path | None = None
    """The file that the stack is read from, where it is."""

    @property
    def wanted(self) -> bool:
        """Whether any file is asked for."""
        return bool(self.sarif or self.junit)

    def write(self, report: "Report") -> None:
        """Writes the files."""
        from ..report.ci.junit import to_junit
        from ..report.ci.places import Folder
        from ..report.ci.sarif import to_sarif

        folder = Folder.of(self.cwd)
        for path, make in ((self.sarif, to_sarif), (self.junit, to_junit)):
            if path is not None:
                write_file(path, make(report, folder))

    def of_plan(self, plan: "Plan", proving: "Proving") -> "Report":
        """What packs and proof say of a preview."""
        from ..report.ci.stack import report_of_stack

        places = self.places(plan.stack())
        return report_of_stack(plan.stack_name, places, plan=plan, proof=proving.proof, identity=proving.identity)

    def places(self, stack: "Stack") -> "Places":
        """Where findings of the stack are shown."""
        from ..gates.declaration import declared_access
        from ..report.ci.places import Places, declared_in

        project = self._project()
        folders = (project.settings, project.working_directory) if project else (self.cwd,)
        return Places(stack, self._otherwise(), declared_in(declared_access(stack), stack.name, *folders))

    @contextmanager
    def of_failures(self) -> Iterator[None]:
        """Writes the files for an error on its way up: CI shows what is wrong with the input at its line."""
        try:
            yield
        except AirlockError as error:
            if self.wanted:
                from ..report.ci.stack import report_of_failure

                self.write(report_of_failure(self.stack or str(self.read_from), error, self._otherwise()))
            raise

    def _otherwise(self) -> "Place":
        from ..report.ci.model import Place

        project = self._project()
        if self.read_from is not None or project is None:
            return Place(str(self.read_from or self.cwd))
        return Place(str(project.stack_file(self.stack.rpartition("/")[2])))

    def _project(self) -> "Project | None":
        from ..offline.project import find_project

        try:
            return find_project(self.cwd)
        except AirlockError:
            return None
