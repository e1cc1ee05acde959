"""One module per enforcement point, all of one shape: what it sees, a component that compiles, a `read` that reads back.

To add a gate, add its module, and its name to `GATES`.
"""

import traceback
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..environments import read_environments
from ..proof.filters import EVERYTHING, Action, Combine, Environment, Filter, Rule, Source
from .stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..access import Access
    from ..proof.ways import WayAround

_T = TypeVar("_T")

GATES = (
    "gates.aws_network",
    "gates.gcp_firewall",
    "gates.gcp_routes",
    "gates.fortigate",
    "gates.zpa",
    "gates.zia",
    "gates.nginx",
    "gates.network_policy",
    "gates.cilium",
    "gates.istio",
    "gates.linkerd",
    "gates.consul",
    "gates.tcp_proxy",
    "gates.adapters",
    "environments.mwaa",
    "environments.composer",
    "environments.helm",
)
"""Modules with a `read`, imported when the first stack is read: no gate's SDK is needed for another's resources."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a stack's resources say: the Airflow environments in it, and the filter of every enforcement point."""

    environments: tuple[Environment, ...]
    filters: tuple[Filter, ...]
    """As traffic meets them: behind an App Connector, a security group sees the connector's address (`proof.relays`)."""
    around: "tuple[WayAround, ...]" = ()
    """The ways past gates that carry traffic on."""
    written: tuple[Filter, ...] = ()
    """As the resources say it, each gate by itself."""


def read_all(stack: Stack, access: "Access | None" = None) -> Reading:
    """Reads every gate of a stack. Never raises on strange resources: what cannot be understood is an unknown rule.

    Of a gate whose reader stumbles nothing is known, and so nothing that passes it is proven; the others are read all the same.
    `access` says in what order gates stand on a path, which counts where one carries traffic on; the stack's own without it.
    """
    package = __name__.rsplit(".", 1)[0]
    environments, lost = _attempt("environments", partial(read_environments, stack))
    read = [_attempt(name, partial(import_module(f"{package}.{name}").read, stack)) for name in GATES]
    filters = (*lost, *(one for parts in read for part in parts for one in part))
    found = Reading(environments, filters, written=filters)
    return _carried(stack, access, found) if any(one.relays or one.voluntary for one in filters) else found


def _attempt(name: str, read: "Callable[[], Iterable[_T]]") -> tuple[tuple[_T, ...], tuple[Filter, ...]]:
    """What a reader reads; where it stumbles over a resource of a form that nothing has, a filter of which nothing is known."""
    try:
        return tuple(read()), ()
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).parent.name}/{Path(last.filename).name}:{last.lineno}"
        reason = f"{name} cannot read this stack ({type(error).__name__} at {where}: {error}): report it, with the stack"
        gate = name.rpartition(".")[2]
        rule = Rule(Action.DENY, EVERYTHING, Source("", label=gate), (reason,))
        return (), (Filter(gate, name, Combine.FIRST_MATCH, Action.ALLOW, (rule,), "", always=True),)


def _carried(stack: Stack, access: "Access | None", found: Reading) -> Reading:
    from ..access.errors import AccessError
    from ..proof.relays import around, carried  # here: it needs numpy, which most stacks' readers do without
    from .declaration import declared_access

    try:
        access = access or declared_access(stack)
    except AccessError:
        return found  # told by whoever needs the access
    if access is None:
        return found
    environments = tuple(_with_entries(one, found.filters) for one in found.environments)
    return Reading(environments, carried(access, found.filters), tuple(around(access, found.filters)), found.filters)


def _with_entries(environment: Environment, filters: tuple[Filter, ...]) -> Environment:
    """Reaching a gate's own hosts is how it is used: what lies behind them is that gate's to decide."""
    entries = [
        relay.entry
        for one in filters
        for relay in one.relays
        if relay.entry is not None and (relay.environments is None or environment.name in relay.environments)
    ]
    return replace(environment, own=tuple(dict.fromkeys((*environment.own, *entries)))) if entries else environment
