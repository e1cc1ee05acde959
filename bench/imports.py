"""Measures `airlock import`: a FortiGate's backup read, and an access file drafted from it, by the number of its policies.

python -m bench.imports [--policies N]… [--markdown FILE] [--json]
"""

import argparse
import json
import multiprocessing
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pulumi_airlock.brownfield import Options, Told, access_file, draft, read_sources, without_strangers
from rich.console import Console

from .measure import peak_megabytes
from .pages import replace_table

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
SIZES = (1_000, 5_000, 10_000, 20_000)
SHARE = 50
"""Of so many policies one is about Airflow."""
MARKS = ("<!-- bench.imports: begin -->", "<!-- bench.imports: end -->")
_SERVICES = ("HTTPS", "SSH", "oracle", "postgres", "ALL_TCP")
_HEAD = """\
#config-version=FG600F-7.4.3-FW-build2573-240201:opmode=0:vdom=0:user=admin
config system global
    set hostname "core"
    set timezone "Europe/Zurich"
end
config system interface
    edit "lan"
        set ip 10.20.0.1 255.252.0.0
    next
    edit "wan"
        set ip 198.51.100.2 255.255.255.0
    next
    edit "cloud"
        set type tunnel
    next
end
config router static
    edit 1
        set gateway 198.51.100.1
        set device "wan"
    next
    edit 2
        set dst 10.40.0.0 255.255.0.0
        set device "cloud"
    next
end
config firewall service custom
    edit "oracle"
        set tcp-portrange 1521
    next
    edit "postgres"
        set tcp-portrange 5432
    next
end"""


@dataclass(frozen=True)
class Imported:
    """One backup that was imported."""

    policies: int
    lines: int
    about_airflow: int
    routes: int
    reading: float
    """Seconds of a processor, to read the backup and leave out what holds for no task."""
    drafting: float
    """The same for the draft with its proof, and the access file's text."""
    memory: float
    """Most megabytes that the process had."""


def backup(policies: int, seed: int = 7) -> Iterator[str]:
    """The lines of a backup: an address for each policy and a group for each tenth, one policy in `SHARE` from the cloud."""
    chance = random.Random(seed)  # noqa: S311  # nothing secret
    yield _HEAD
    yield "config firewall address"
    for number in range(policies):
        third, fourth = divmod(number, 250)
        address = f"10.{20 + third // 250}.{third % 250}.{fourth + 1}"
        yield f'    edit "host-{number}"\n        set subnet {address} 255.255.255.255\n    next'
    yield "end\nconfig firewall addrgrp"
    for number in range(0, policies, 10):
        members = " ".join(f'"host-{chance.randrange(policies)}"' for _ in range(8))
        yield f'    edit "group-{number}"\n        set member {members}\n    next'
    yield "end\nconfig firewall policy"
    for number in range(policies):
        ours = number % SHARE == 0
        target = f"group-{number // 10 * 10}" if chance.random() < 0.2 else f"host-{number}"
        yield f"""\
    edit {number + 1}
        set name "rule-{number}"
        set uuid 4e1ad2a0-2222-51ee-0000-{number:012}
        set srcintf "{"cloud" if ours else "lan"}"
        set dstintf "{"lan" if ours else "wan"}"
        set action {"deny" if chance.random() < 0.05 else "accept"}
        set srcaddr "all"
        set dstaddr "{target}"
        set schedule "always"
        set service "{chance.choice(_SERVICES)}"
        set logtraffic all
    next"""
    yield "end"


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.imports", description=__doc__)
    arguments.add_argument("--policies", type=int, nargs="*", default=list(SIZES), help="of each backup")
    arguments.add_argument("--markdown", type=Path, help="a page to put the table into, at its marks")
    arguments.add_argument("--json", action="store_true", help="print the numbers as JSON")
    given = arguments.parse_args()
    console, found = Console(stderr=True), list[Imported]()
    for policies in given.policies:
        with multiprocessing.get_context("spawn").Pool(1) as pool:  # a process of its own, whose memory is this backup's
            found.append(pool.apply(measure, (policies,)))
        console.print(found[-1])
    if given.markdown:
        replace_table(given.markdown, *MARKS, _table(found))
    if given.json:
        print(json.dumps([asdict(one) for one in found], indent=2))


def measure(policies: int) -> Imported:
    """Imports one backup."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "core.conf"
        path.write_text("\n".join(backup(policies)) + "\n", encoding="utf-8")
        lines = path.read_text(encoding="utf-8").count("\n")
        started = time.process_time()
        found = read_sources([path], Options(environments=(Told("finance", ("10.40.0.0/24",)),)))
        stack, _ = without_strangers(found.stack)
        read = time.process_time()
        made = draft(stack, {}, AT)
        access_file(made, [path.name])
        drafted = time.process_time()
    ours = len(range(0, policies, SHARE))
    return Imported(policies, lines, ours, len(made.access.routes), read - started, drafted - read, peak_megabytes())


def _table(found: list[Imported]) -> str:
    head = (
        "| policies | lines | about Airflow | routes drafted | reading, s | drafting and proof, s | most MB of memory |\n"
        "|--:|--:|--:|--:|--:|--:|--:|"
    )
    rows = [
        f"| {one.policies:,} | {one.lines:,} | {one.about_airflow:,} | {one.routes:,} | {one.reading:.1f} | {one.drafting:.1f} | "
        f"{one.memory:,.0f} |"
        for one in found
    ]
    return "\n".join([head, *rows])


if __name__ == "__main__":
    main()
