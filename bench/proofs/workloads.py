"""What is proven in the bench: a company's routes with all gates on the way (`chain`), and the sweep's weak spot (`wide`).

Both are random and the same for the same seed, and both hold: nothing is let through that no route declares, nothing is
blocked. An access file is built by the model, as a user's is; that time is not the proof's.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pulumi_airlock.access import Access
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Services

from .company import company
from .gates import compiled

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""When the proofs begin: a Monday before Europe's change of the clock."""


@dataclass(frozen=True)
class Workload:
    """What `prove` is given."""

    access: Access
    environments: list[Environment]
    filters: list[Filter]
    at: datetime = AT

    @property
    def rules(self) -> int:
        """Rules of all filters."""
        return sum(len(one.rules) for one in self.filters)


def chain(routes: int, seed: int = 0, principals: int | None = None) -> Workload:
    """So many routes of a company, through eight gates, each with the fewest rules for what it sees.

    `principals`: how many; by default a twentieth of the routes, and 1,000 at most.
    """
    made = company(routes, random.Random(seed), principals)  # noqa: S311
    access = Access.model_validate(made.document)
    return Workload(access, made.environments, compiled(access, made.environments))


def changed_rule(workload: Workload, gate: str = "fortigate") -> list[Filter]:
    """The filters with the middle rule of a gate changed: it lets a port and an address more through than before."""
    place = next(number for number, one in enumerate(workload.filters) if one.gate == gate)
    filters = list(workload.filters)
    rules = list(filters[place].rules)
    middle = len(rules) // 2
    match = rules[middle].match
    more = replace(
        match, hosts=match.hosts | Hosts.from_cidr("10.127.255.77/32"), services=match.services | Services.of("tcp", 60001, 60001)
    )
    rules[middle] = replace(rules[middle], match=more)
    filters[place] = replace(filters[place], rules=tuple(rules))
    return filters


# --- the weak spot

WIDE = 0.05
"""The usual share of rules with any source, a whole /8 and one port."""
_EIGHTS = (20, 21, 22, 23)
"""The /8 networks that everything is in: few, so that many wide rules meet at every host."""
_SOURCES = 256
"""Environments, each with a /24: what tells the narrow rules' sources apart."""

_Box = tuple[int, int, str, int, int]
"""First environment, how many (a power of two; all of them: any), network, first and last port."""


def wide(rules: int, seed: int = 0, share: float = WIDE) -> Workload:
    """So many rules in each of two gates, a share of them wide: any source to a /8 on a single port.

    The others have a few sources, a network of /24 to /32, and any port or few. One gate has them as they are (any allow), the
    other one shuffled, with some split in two, some twice, and some denied after they were allowed (first match). The access
    file declares the same boxes, in another order.
    """
    rng = random.Random(seed)  # noqa: S311
    boxes = [_wide_box(rng) if rng.random() < share else _narrow_box(rng) for _ in range(rules)]
    scope = Match(who=Who(environments=frozenset(map(_name, range(_SOURCES)))))
    first = tuple(_rule(Action.ALLOW, one, f"rule {number}") for number, one in enumerate(boxes))
    second = tuple(_rule(action, one, f"policy {number}") for number, (action, one) in enumerate(_variant(boxes, rng)))
    filters = [
        Filter("group", "security group wide", Combine.ANY_ALLOW, Action.DENY, first, "urn::group", scope=scope, always=True),
        Filter("wall", "policies", Combine.FIRST_MATCH, Action.DENY, second, "urn::wall", scope=scope),
    ]
    environments = [Environment(_name(one), f"urn::{_name(one)}", Hosts.from_cidr(f"10.0.{one}.0/24")) for one in range(_SOURCES)]
    return Workload(Access.model_validate(_declaring(rng.sample(boxes, len(boxes)))), environments, filters)


def _wide_box(rng: random.Random) -> _Box:
    port = rng.randint(1, 65535)
    return 0, _SOURCES, f"{rng.choice(_EIGHTS)}.0.0.0/8", port, port


def _narrow_box(rng: random.Random) -> _Box:
    count = rng.choice((1, 1, 2, 4))
    length = rng.choice((24, 26, 28, 30, 32, 32, 32))
    address = rng.randrange(2**24) >> (32 - length) << (32 - length)
    network = f"{rng.choice(_EIGHTS)}.{address >> 16}.{address >> 8 & 255}.{address & 255}/{length}"
    first, last = rng.choice([(0, 65535), (port := rng.randint(1, 65000), port), (port, port + rng.randrange(1, 500))])
    return rng.randrange(_SOURCES // count) * count, count, network, first, last


def _variant(boxes: Sequence[_Box], rng: random.Random) -> list[tuple[Action, _Box]]:
    parts: list[tuple[Action, _Box]] = []
    for source, count, network, first, last in rng.sample(boxes, len(boxes)):
        way = rng.random()
        middle = (first + last) // 2
        if way < 0.1 and count > 1:
            parts += [(Action.ALLOW, (start, count // 2, network, first, last)) for start in (source, source + count // 2)]
        elif way < 0.2 and first < last:
            parts += [(Action.ALLOW, (source, count, network, *span)) for span in ((first, middle), (middle + 1, last))]
        else:
            whole = (source, count, network, first, last)
            parts += [(Action.ALLOW, whole)] * (2 if way < 0.25 else 1)
            if way > 0.97:
                parts.append((Action.DENY, whole))
    return parts


def _name(environment: int) -> str:
    return f"site-{environment:03}"


def _rule(action: Action, box: _Box, label: str) -> Rule:
    source, count, network, first, last = box
    who = Who() if count == _SOURCES else Who(sources=Hosts.from_range(f"10.0.{source}.0", f"10.0.{source + count - 1}.255"))
    match = Match(who=who, hosts=Hosts.from_cidr(network), services=Services.of("tcp", first, last))
    return Rule(action, match, Source(f"urn::{label}", "", label))


def _declaring(boxes: Sequence[_Box]) -> dict[str, object]:
    """The access file that declares exactly these boxes."""
    sites = [_name(one) for one in range(_SOURCES)]
    return {
        "environments": [{"name": one} for one in sites],
        "principals": [
            *({"name": one, "dags": ["*"], "environment": one} for one in sites),
            {"name": "everywhere", "dags": ["*"]},
        ],
        "zones": {"wide": {"cidrs": [f"{one}.0.0.0/8" for one in _EIGHTS], "gates": ["group", "wall"]}},
        "destinations": [
            {"name": f"to-{number}", "zone": "wide", "cidrs": [network], "ports": [f"{first}-{last}/tcp"]}
            for number, (_, _, network, first, last) in enumerate(boxes)
        ],
        "routes": [
            {
                "name": f"route-{number}",
                "from": ["everywhere"] if count == _SOURCES else sites[source : source + count],
                "to": [f"to-{number}"],
                "reason": "bench",
            }
            for number, (source, count, *_) in enumerate(boxes)
        ],
    }
