"""Where a stack's logs go, in the terminal: one line for what reaches the declared SIEM, one for what does not."""

from collections import Counter
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from ..audit.read import Declared, LogSource, Standing, declared_siems, sinks
from ..gates.stack import Stack

_WORDS = {
    "fortigate": ("FortiGate", "FortiGates"),
    "zpa": ("ZPA tenant", "ZPA tenants"),
    "zia": ("ZIA tenant", "ZIA tenants"),
    "vpc": ("VPC", "VPCs"),
    "mwaa": ("MWAA log stream", "MWAA log streams"),
    "vpn": ("VPN connection", "VPN connections"),
    "cloudtrail": ("CloudTrail", "CloudTrail"),
}


def show_audit(console: Console, stack: Stack) -> None:
    """Nothing where the stack declares no SIEM: a policy says so."""
    declared = declared_siems(stack)
    if declared:
        for line in lines(declared[0], sinks(stack)):
            console.print(line)


def lines(declared: Declared, sources: tuple[LogSource, ...]) -> Iterator[Text]:
    """What reaches the SIEM, by kind; what does not; and what cannot be known before the update."""
    found: dict[Standing, list[LogSource]] = {}
    for source in sources:
        found.setdefault(_best(declared, source), []).append(source)
    reached = Counter(source.kind for source in found.pop(Standing.SIEM, []))
    told = ", ".join(_counted(kind, number) for kind, number in reached.items()) or "nothing"
    yield Text(f"Logs reach {declared.name}: {told}", "dim" if reached else "yellow")
    unknown = found.pop(Standing.UNKNOWN, [])
    lost = [source for listed in found.values() for source in listed]
    if lost:
        yield Text(f"Logs do not reach {declared.name}: {_named(lost)}", "yellow")
    if unknown:
        yield Text(f"Whether logs reach {declared.name} is known after the update: {_named(unknown)}", "dim")


def _best(declared: Declared, source: LogSource) -> Standing:
    standings = {declared.standing(sink) for sink in source.sinks}
    if Standing.SIEM in standings:
        return Standing.SIEM
    return Standing.UNKNOWN if source.unknown or Standing.UNKNOWN in standings else Standing.ELSEWHERE


def _counted(kind: str, number: int) -> str:
    one, several = _WORDS[kind]
    return several if kind == "cloudtrail" else f"{number} {one if number == 1 else several}"


def _named(sources: list[LogSource]) -> str:
    return ", ".join(f"{source.kind} {source.name}" for source in sources)
