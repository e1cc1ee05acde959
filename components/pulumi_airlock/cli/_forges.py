"""A comment on the pull request that a CI job runs for: found again by its first line, and changed in place.

GitHub's REST API for issue comments, GitLab's for notes of merge requests; both as their CI systems' variables say.
"""

import http.client
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..errors import InputError, Problem, Problems
from ._secrets import token_of

A_PAGE = 100
"""Comments asked for at once: the most that both give."""
SECONDS = 30
"""How long an answer may take."""
_BOT = "github-actions[bot]"


@dataclass(frozen=True)
class Forge:
    """The comments of one pull request."""

    comments: str
    """The address at which they are listed and added."""
    one: Callable[[Any], str]
    """The address of the comment with an id."""
    change: str
    """The method that changes one."""
    headers: Mapping[str, str]
    is_ours: Callable[[Mapping[str, Any]], bool]
    """Whether we wrote a comment: anybody may write one that begins like ours."""

    def post(self, text: str) -> str:
        """Writes the comment, or changes the one that is there; which of both. InputError where the API refuses."""
        mark = text.partition("\n")[0].strip()
        for found in self._all():
            if str(found.get("body") or "").partition("\n")[0].strip() == mark and self.is_ours(found):
                _ask(self.change, self.one(found["id"]), self.headers, {"body": text})
                return "changed"
        _ask("POST", self.comments, self.headers, {"body": text})
        return "written"

    def _all(self) -> Iterator[Mapping[str, Any]]:
        page = 1
        while True:
            found = _ask("GET", f"{self.comments}?per_page={A_PAGE}&page={page}", self.headers, wanted=list)
            yield from (one for one in found if isinstance(one, dict))
            if len(found) < A_PAGE:
                return
            page += 1


def forge_of(environment: Mapping[str, str] = os.environ) -> Forge:
    """The pull request that this CI job is about. InputError with every variable that is missing, or where it is about none."""
    if environment.get("GITHUB_ACTIONS"):
        return _github(environment)
    if environment.get("GITLAB_CI"):
        return _gitlab(environment)
    message = "this is no job of GitHub Actions or GitLab CI: neither GITHUB_ACTIONS nor GITLAB_CI is set"
    raise InputError([Problem("airlock comment", "", message)])


def _github(environment: Mapping[str, str]) -> Forge:
    fixes = {
        "GITHUB_TOKEN": "give the step `env: {GITHUB_TOKEN: ${{ github.token }}}`, and its job `pull-requests: write`",
        "GITHUB_API_URL": "GitHub sets it",
        "GITHUB_REPOSITORY": "GitHub sets it",
        "GITHUB_EVENT_PATH": "GitHub sets it",
    }
    _, api, repository, event = _required(environment, fixes)
    token = token_of(environment, "GITHUB_TOKEN")
    try:
        number = json.loads(Path(event).read_text(encoding="utf-8"))["pull_request"]["number"]
    except (OSError, ValueError, KeyError, TypeError):
        message = "the job's event is no pull request: run the step where `github.event_name == 'pull_request'`"
        raise InputError([Problem("airlock comment", "GITHUB_EVENT_PATH", message)]) from None
    issues = f"{api.rstrip('/')}/repos/{repository}/issues"
    return Forge(
        comments=f"{issues}/{int(number)}/comments",
        one=lambda id_: f"{issues}/comments/{int(id_)}",
        change="PATCH",
        headers={
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
        is_ours=lambda found: (found.get("user") or {}).get("login") == environment.get("AIRLOCK_COMMENT_AUTHOR", _BOT),
    )


def _gitlab(environment: Mapping[str, str]) -> Forge:
    fixes = {
        "GITLAB_TOKEN": "a project access token with the scope `api` and the role Reporter, as a masked variable of CI",
        "CI_API_V4_URL": "GitLab sets it",
        "CI_PROJECT_ID": "GitLab sets it",
        "CI_MERGE_REQUEST_IID": "GitLab sets it in pipelines of merge requests: `rules: [{if: $CI_PIPELINE_SOURCE == "
        "'merge_request_event'}]`",
    }
    _, api, project, number = _required(environment, fixes)
    headers = {"PRIVATE-TOKEN": token_of(environment, "GITLAB_TOKEN")}
    api = api.rstrip("/")
    me = _ask("GET", f"{api}/user", headers, wanted=dict).get("id")
    notes = f"{api}/projects/{quote(project, safe='')}/merge_requests/{quote(number, safe='')}/notes"
    return Forge(
        comments=notes,
        one=lambda id_: f"{notes}/{int(id_)}",
        change="PUT",
        headers=headers,
        is_ours=lambda found: (found.get("author") or {}).get("id") == me and not found.get("system"),
    )


def _required(environment: Mapping[str, str], fixes: Mapping[str, str]) -> list[str]:
    problems = Problems("airlock comment")
    for name, fix in fixes.items():
        if not environment.get(name):
            problems.add(name, f"is not set: {fix}")
    problems.raise_any()
    return [environment[name] for name in fixes]


def _ask(method: str, url: str, headers: Mapping[str, str], body: Any = None, *, wanted: type = dict) -> Any:
    data = None if body is None else json.dumps(body).encode()
    given = {**headers, "Content-Type": "application/json", "User-Agent": "airlock"}
    if not url.startswith(("https://", "http://")):
        raise InputError([Problem("airlock comment", "", f"{url} is no address of an API")])
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, given, method=method), timeout=SECONDS) as answer:  # noqa: S310
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        said = error.read(2_000).decode("utf-8", "replace").strip()
        hint = "; the token may not do that" if error.code in (401, 403, 404) else ""
        raise InputError([Problem(f"{method} {url}", "", f"answered {error.code}{hint}: {said}")]) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise InputError([Problem(f"{method} {url}", "", f"cannot be asked: {error}")]) from None
    if not isinstance(found, wanted):
        raise InputError([Problem(f"{method} {url}", "", "answered something else: is this the address of the forge's API?")])
    return found
