"""Times `airlock verify`'s reading of logs, beside counting their lines: lines a second, for each format and for a mixture.

python -m bench.verify [--lines N] [--runs N] [--json]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pulumi_airlock.gates.sources import load_stack
from pulumi_airlock.verify import Verifier, expected_of, lines_of
from rich.console import Console
from rich.table import Table

from .measure import ROOT

PROGRAM = ROOT / "tests" / "verify" / "bank"
AT = datetime(2026, 11, 24, 9, 20, tzinfo=UTC)
START = int(AT.timestamp())


@dataclass(frozen=True)
class Timed:
    """One log that was read."""

    name: str
    lines: int
    megabytes: float
    seconds: float
    """To verify it, in the fastest run."""
    counting: float
    """To count its lines."""
    decided: int
    findings: int


def lss(number: int) -> str:
    """The warehouse, reached from one of finance's addresses."""
    return json.dumps(
        {
            "LogTimestamp": "Tue Nov 24 09:20:01 2026",
            "Customer": "Bank",
            "SessionID": "SqyZIMkg0JTj7EABsvwA",
            "ConnectionID": f"SqyZIMkg0JTj7EABsvwA,{number}",
            "InternalReason": "",
            "ConnectionStatus": "active",
            "IPProtocol": 6,
            "Username": "cc-finance",
            "ServicePort": 5432,
            "ClientPublicIP": "192.0.2.10",
            "ClientPrivateIP": f"10.40.0.{number % 100 + 10}",
            "Policy": "airlock-finance-warehouse",
            "Connector": "dc-1",
            "Host": "warehouse.corp.example",
            "Application": "airlock-warehouse",
            "ServerIP": "10.20.4.10",
            "ServerPort": 5432,
        }
    )


def firewall(number: int) -> str:
    """The rates, reached by finance's worker."""
    fields = {
        "datetime": "Tue Nov 24 09:20:01 2026",
        "user": "finance-worker",
        "locationname": "airlock-finance-worker",
        "cdport": "443",
        "csport": str(1024 + number % 60000),
        "csip": f"10.40.0.{number % 100 + 10}",
        "cdip": "203.0.113.80",
        "cdfqdn": "api.rates.example",
        "action": "Allowed",
        "proto": "TCP",
        "rulelabel": "airlock-rates",
    }
    return json.dumps({"sourcetype": "zscalernss-fw", "event": fields})


def web(number: int) -> str:
    """The same as a request, in CEF."""
    return (
        "Nov 24 09:20:01 zscaler-nss CEF:0|Zscaler|NSSWeblog|5.7|Allowed|Allowed|3| act=Allowed app=HTTPS dhost=api.rates.example"
        f" dst=203.0.113.80 src=10.40.0.{number % 100 + 10} request=api.rates.example/v1/{number % 50} requestMethod=GET "
        "suser=finance-worker spriv=airlock-finance-worker urlfilterrulelabel=airlock-rates rt=Nov 24 2026 09:20:01"
    )


def flow(number: int) -> str:
    """On its way to the proxy."""
    return (
        f"2 123456789012 eni-1 10.40.0.{number % 100 + 10} 10.40.13.4 {32768 + number % 28000} {10001 + number % 3} 6 20 4249 "
        f"{START + number % 3600} {START + 60} ACCEPT OK"
    )


def around(number: int) -> str:
    """Past it, each to somewhere else: the worst that a log can hold."""
    return flow(number).replace("10.40.13.4", f"203.0.{number // 250 % 256}.{number % 250 + 1}")


LOGS = {
    "flow log": (flow,),
    "LSS (JSON)": (lss,),
    "NSS firewall (JSON)": (firewall,),
    "NSS web (CEF)": (web,),
    "all four mixed": (flow, lss, firewall, web),
    "flow log, each line another finding": (around,),
}


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.verify", description=__doc__)
    arguments.add_argument("--lines", type=int, default=200_000, help="of each log (default: 200000)")
    arguments.add_argument("--runs", type=int, default=2, help="how often each is read; the fastest counts (default: 2)")
    arguments.add_argument("--json", action="store_true", help="print the numbers as JSON")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, Console(stderr=True).status("measuring …") as status:
        timed = []
        for one in _measured(Path(folder), given.lines, given.runs):
            status.update(f"measured {one.name}")
            timed.append(one)
    if given.json:
        print(json.dumps([asdict(one) for one in timed], indent=2))
    else:
        Console().print(_table(timed))


def _measured(folder: Path, lines: int, runs: int) -> Iterator[Timed]:
    preview = folder / "preview.json"
    command = [sys.executable, "-m", "pulumi_airlock.cli", "preview", "--stack", "test", "--json", "--no-policy-packs"]
    preview.write_bytes(subprocess.run([*command, "-C", str(PROGRAM)], capture_output=True, check=False).stdout)
    expected = expected_of(load_stack(preview))
    for name, makers in LOGS.items():
        file = folder / "log"
        file.write_text("".join(makers[number % len(makers)](number) + "\n" for number in range(lines)))
        counting, seconds = [], []
        for _ in range(runs):
            started = time.perf_counter()
            with file.open("rb") as log:
                count = sum(1 for _ in log)
            counting.append(time.perf_counter() - started)
            started = time.perf_counter()
            verifier = Verifier(expected, at=AT)
            verifier.read(name, lines_of(str(file)))
            found = verifier.result()
            seconds.append(time.perf_counter() - started)
        found_all = len(found.findings) + found.more_findings
        yield Timed(name, count, file.stat().st_size / 1e6, min(seconds), min(counting), found.decided, found_all)


def _table(timed: list[Timed]) -> Table:
    table = Table(title="airlock verify: reading logs, in one process")
    table.add_column("")
    for heading in ("lines", "MB", "seconds", "lines/s", "× counting lines", "decided", "findings"):
        table.add_column(heading, justify="right")
    for one in timed:
        table.add_row(
            one.name,
            f"{one.lines:,}",
            f"{one.megabytes:.0f}",
            f"{one.seconds:.2f}",
            f"{one.lines / one.seconds:,.0f}",
            f"{one.seconds / one.counting:.0f}",
            f"{one.decided:,}",
            f"{one.findings:,}",
        )
    return table


if __name__ == "__main__":
    main()
