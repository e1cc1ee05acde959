"""Previews or updates many stacks with Pulumi's Automation API, wave by wave: policies hold, and a failure stops what follows.

    python updates.py preview 'retail-*'
    python updates.py up --jobs 8

It needs the Pulumi CLI, and credentials of the clouds. `airlock fleet` needs neither, and comes first, in CI.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from environments import HERE, Environment, load, waves
from pulumi import automation
from pulumi_airlock.errors import InputError

PACKS = ("least-privilege", "access-proof")


@dataclass(frozen=True)
class Done:
    """What came of one stack."""

    stack: str
    ok: bool
    said: str


def run(command: str, stack: str, environment: Environment, packs: Sequence[str], logs: Path) -> Done:
    """One stack's preview or update; what Pulumi prints goes to a file. Never raises for what Pulumi refuses."""
    options = automation.LocalWorkspaceOptions(
        env_vars={"PULUMI_BACKEND_URL": environment.backend},
        secrets_provider=environment.secrets_provider,
    )
    with (logs / f"{stack}.txt").open("w", encoding="utf-8") as log:
        try:
            found = automation.create_or_select_stack(stack, work_dir=str(HERE), opts=options)
            given: dict[str, Any] = {"policy_packs": list(packs), "on_output": lambda line: print(line, file=log)}
            # Before an update too, which Automation API begins at once: the proof is of a whole stack, and would come at its end.
            changes = found.preview(**given).change_summary
            if command == "up":
                changes = found.up(suppress_outputs=True, **given).summary.resource_changes or {}
        except automation.CommandError as error:
            print(error, file=log)
            return Done(stack, False, f"fails: see {log.name}")
    counted = [f"{number} {op.value if isinstance(op, automation.OpType) else op}" for op, number in changes.items()]
    return Done(stack, True, ", ".join(counted) or "no changes")


def main() -> int:
    """The command; its exit status is 1 where any stack fails."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("command", choices=["preview", "up"])
    arguments.add_argument("stacks", nargs="*", default=["*"], help="stacks, or patterns of their names")
    arguments.add_argument("--jobs", type=int, default=4, help="how many at once")
    arguments.add_argument("--packs", type=Path, default=HERE.parents[1] / "policy-packs", help="the folder of the policy packs")
    arguments.add_argument("--logs", type=Path, default=HERE / "logs")
    given = arguments.parse_args()
    if shutil.which("pulumi") is None:
        print("error: the Pulumi CLI is not on PATH; `airlock fleet` previews without it", file=sys.stderr)
        return 1
    try:
        environments = load()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    unknown = [one for one in given.stacks if not any(fnmatchcase(name, one) for name in environments)]
    if unknown:
        print(f"error: no environment is meant by {', '.join(unknown)}; there are {', '.join(environments)}", file=sys.stderr)
        return 1
    given.logs.mkdir(parents=True, exist_ok=True)
    packs = [str(given.packs / pack) for pack in PACKS]
    for wave in waves(environments):
        chosen = [name for name in wave if any(fnmatchcase(name, pattern) for pattern in given.stacks)]
        with ThreadPoolExecutor(given.jobs) as pool:
            done = list(pool.map(lambda name: run(given.command, name, environments[name], packs, given.logs), chosen))
        for one in done:
            print(f"{'✓' if one.ok else '✗'} {one.stack}: {one.said}")
        if not all(one.ok for one in done):
            # What failed in the first environments is not tried in the others.
            print("stopped: the environments after these are as they were", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
