"""A Pulumi program with the SDK's own runtime and nothing else: the yardstick. Prints how many resources it registered.

python -m bench.alone PROGRAM STACK
"""

import asyncio
import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import mocks
from pulumi.runtime.stack import run_pulumi_func
from ruamel.yaml import YAML


class Echo(mocks.Mocks):
    """Creates nothing, and counts."""

    def __init__(self) -> None:
        self.resources = 0

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.resources += 1
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        return {"accountId": "123456789012", "arn": "arn:aws:iam::123456789012:root", "userId": "bench", **args.args}, []


def main(program: Path, stack: str) -> None:
    project = YAML(typ="safe").load(program / "Pulumi.yaml")["name"]
    config = YAML(typ="safe").load(program / f"Pulumi.{stack}.yaml")["config"]
    echo = Echo()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    mocks.set_mocks(echo, project=project, stack=stack, preview=True)
    pulumi.runtime.set_all_config({key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()})
    os.chdir(program)
    sys.path.insert(0, str(program))
    loop.run_until_complete(run_pulumi_func(lambda: _run(program)))
    print(echo.resources)


def _run(program: Path) -> None:
    runpy.run_path(str(program / "__main__.py"), run_name="__main__")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), sys.argv[2])
