"""`airlock comment`: a comment on the pull request that a CI job runs for."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError, Problem
from ..unreadable import why

MARK = "<!-- airlock-"
"""How the first line of every comment begins: it is found again by that line."""

_File = Annotated[Path, typer.Argument(help="What `diff --markdown` or `fleet --markdown` wrote.", metavar="FILE")]


def comment(file: _File) -> None:
    """Comment on the pull request (GitHub Actions) or merge request (GitLab CI) that this job runs for.

    The comment that an earlier run wrote is changed in place. GitHub: GITHUB_TOKEN, with `pull-requests: write`; where that is
    another bot's token, AIRLOCK_COMMENT_AUTHOR is its login. GitLab: GITLAB_TOKEN, with the scope `api`.

    Exit status: 0 written or changed; 1 it cannot be.
    """
    from ._forges import forge_of

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError([Problem(str(file), "", why(error))]) from error
    if not text.startswith(MARK):
        message = "does not begin with Airlock's mark: give what `airlock diff` or `airlock fleet` wrote with --markdown"
        raise InputError([Problem(str(file), "", message)])
    typer.echo(f"{forge_of().post(text)}: the comment on the pull request")
