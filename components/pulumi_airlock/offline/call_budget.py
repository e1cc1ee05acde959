"""How many calls of a rate-limited API an update spends, and how long it takes at that rate: Zscaler's two.

An update that runs into a limit stops in the middle and goes on an hour later; four deletions an hour is soon reached. So a
preview tells the number beforehand. What is counted is what a plan says: one call for each creation, update and deletion, and
one look afterwards for each of the first two. Providers may do more (put rules in order, try again): it is the least.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import ceil
from typing import TYPE_CHECKING, Any

from .urns import type_of

if TYPE_CHECKING:
    from .plan import Plan


class Call(Enum):
    """What APIs count apart."""

    READ = "reads"
    WRITE = "writes"
    DELETE = "deletions"


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `calls` in `seconds`."""

    calls: int
    seconds: int

    def wait(self, wanted: int) -> int:
        """The seconds before the last of so many calls may be made."""
        return max(0, ceil(wanted / self.calls) - 1) * self.seconds


@dataclass(frozen=True, slots=True)
class Api:
    """One API: who its resources are, and what it takes."""

    name: str
    prefix: str
    rates: Mapping[Call, tuple[Rate, ...]]
    source: str
    free: frozenset[str] = frozenset()
    """Types whose deletion the provider does not pass on."""
    together: bool = False
    """Whether writes and deletions are counted as one."""


APIS = (
    Api(
        "ZIA",
        "zia:",
        {
            Call.READ: (Rate(2, 1), Rate(1000, 3600)),
            Call.WRITE: (Rate(1, 1), Rate(400, 3600)),
            Call.DELETE: (Rate(1, 60), Rate(4, 3600)),
        },
        "Zscaler, ZIA API developer guide, rate limits (medium weight for reads and writes, heavy for deletions)",
        # "Delete is a no-op" (zscaler-pulumi-zia, Activation).
        frozenset({"zia:index:Activation"}),
    ),
    Api(
        "ZPA",
        "zpa:",
        {Call.READ: (Rate(20, 10),), Call.WRITE: (Rate(10, 10),)},
        "Zscaler, ZPA API rate limits: 20 reads, and 10 writes or deletions, in 10 s",
        together=True,
    ),
)

_CALLS: Mapping[str, tuple[Call, ...]] = {
    "create": (Call.WRITE, Call.READ),
    "create-replacement": (Call.WRITE, Call.READ),
    "update": (Call.WRITE, Call.READ),
    "import": (Call.READ,),
    "import-replacement": (Call.READ,),
    "read": (Call.READ,),
    "read-replacement": (Call.READ,),
    "refresh": (Call.READ,),
    "delete": (Call.DELETE,),
    "delete-replaced": (Call.DELETE,),
    # Without its parts, as `pulumi preview --json` tells it unless asked for them.
    "replace": (Call.WRITE, Call.READ, Call.DELETE),
}
_PARTS = ("create-replacement", "delete-replaced")


@dataclass(frozen=True)
class Spent:
    """What an update spends of one API."""

    api: Api
    calls: Mapping[Call, int]
    seconds: int
    """How long that takes at least, at the API's rates."""
    over: tuple[str, ...] = ()
    """What is more than the API takes in an hour, in words."""
    replaced: tuple[str, ...] = field(default=())
    """URNs of what is replaced or deleted, where deletions are over the limit."""

    @property
    def text(self) -> str:
        """On one line, as a preview shows it."""
        parts = ", ".join(_counted(call, count) for call, count in self.calls.items() if count)
        time = f": {duration(self.seconds)} at least, at its rate limits" if self.seconds else ""
        return f"{self.api.name}'s API: {parts}{time}"

    def document(self) -> dict[str, Any]:
        """The same as JSON."""
        counts = {call.value: self.calls.get(call, 0) for call in Call}
        return {
            "api": self.api.name,
            **counts,
            "seconds": self.seconds,
            "overLimit": list(self.over),
            "deleted": list(self.replaced),
        }


def plan_calls(plan: "Plan") -> tuple[Spent, ...]:
    """What an update by this plan spends."""
    return call_budget((one.op.value, one.urn) for one in plan.operations)


def preview_calls(document: Any) -> tuple[Spent, ...]:
    """What an update spends by `pulumi preview --json`, or by `airlock preview --json`; nothing for any other document."""
    steps = document.get("steps") if isinstance(document, Mapping) else None
    listed = steps if isinstance(steps, list) else []
    return call_budget((str(one.get("op")), str(one.get("urn", ""))) for one in listed if isinstance(one, Mapping))


def call_budget(operations: Iterable[tuple[str, str]]) -> tuple[Spent, ...]:
    """What operations, each with its resource's URN, spend of each API that they touch."""
    listed = list(operations)
    split = {urn for op, urn in listed if op in _PARTS}
    asked = [(op, urn) for op, urn in listed if not (op == "replace" and urn in split)]
    return tuple(spent for api in APIS if (spent := _spent(api, asked)) is not None)


def _spent(api: Api, operations: list[tuple[str, str]]) -> Spent | None:
    calls: dict[Call, int] = {}
    gone: list[str] = []
    for op, urn in operations:
        kind = _type(urn)
        if not kind.startswith(api.prefix):
            continue
        for call in _CALLS.get(op, ()):
            if call is Call.DELETE and kind in api.free:
                continue
            calls[call] = calls.get(call, 0) + 1
            if call is Call.DELETE:
                gone.append(urn)
    if not calls:
        return None
    asked = dict(calls)
    if api.together:
        asked[Call.WRITE] = asked.get(Call.WRITE, 0) + asked.pop(Call.DELETE, 0)
    seconds = max(rate.wait(asked.get(call, 0)) for call, rates in api.rates.items() for rate in rates)
    over = tuple(_over(api, asked))
    return Spent(api, {call: calls[call] for call in Call if call in calls}, seconds, over, tuple(gone) if over else ())


def _over(api: Api, calls: Mapping[Call, int]) -> Iterator[str]:
    for call, rates in api.rates.items():
        for rate in rates:
            if rate.seconds == 3600 and calls.get(call, 0) > rate.calls:
                yield f"{_counted(call, calls[call])} are over {rate.calls} an hour"


def _counted(call: Call, count: int) -> str:
    return f"{count} {call.value.removesuffix('s') if count == 1 else call.value}"


def _type(urn: str) -> str:
    return type_of(urn) if urn.count("::") >= 3 else ""


def duration(seconds: int) -> str:
    """`2 h 1 min`, `45 s`."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = [(hours, "h"), (minutes, "min"), (left if not hours else 0, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"
