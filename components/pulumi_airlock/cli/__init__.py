"""The `airlock` command: one module per subcommand, put together here.

Exit status: 0 all well; 1 the program, a file or the command is wrong; 2 a mandatory policy is violated; 3 the proof or an
expectation fails.
"""

import gc
import sys
from importlib import import_module
from importlib.metadata import version
from keyword import iskeyword
from typing import Any

import typer
from typer.core import TyperGroup

from ._secrets import masking, without_secrets

COMMANDS = (
    *("check", "schema", "preview", "fleet", "calls", "up", "destroy"),
    *("prove", "explain", "reach", "diff", "comment", "verify", "learn", "unused", "import", "audit", "evidence"),
)


class _Lazy(TyperGroup):
    """Imports a subcommand's module only when it runs: `airlock check` does not wait for the engine."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        own = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        function = getattr(import_module(f"{__name__}.{own}"), own)
        single = typer.Typer(add_completion=False)
        single.command(cmd_name)(function)
        command = typer.main.get_command(single)
        command.name = cmd_name
        return command


app = typer.Typer(cls=_Lazy, no_args_is_help=True, rich_markup_mode="markdown", pretty_exceptions_enable=False)


_usage_error: Any = typer.BadParameter.__base__
# A wrong command line exits with 1 as all wrong input: 2 says that a policy is violated.
_usage_error.exit_code = 1


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"airlock {version('pulumi-airlock')}")
        raise typer.Exit


@app.callback()
def _airlock(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
) -> None:
    """Airflow behind network security: routes declared once, every gate compiled from them and proven."""
    ctx.with_resource(masking())


def main() -> None:
    """Runs the command line. A mistake in the input is told as such, without a traceback."""
    from ..errors import AirlockError

    try:
        app()
    except AirlockError as error:
        print(f"error: {without_secrets(str(error))}", file=sys.stderr)
        raise SystemExit(1) from None
    finally:
        # On the way out, Python looks at every object once more: half a second after a large program, for nothing.
        gc.freeze()


__all__ = ["app", "main"]
