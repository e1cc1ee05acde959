"""One module per enforcement point, all of one shape: what it sees, a component that compiles, a `read` that reads back.

To add a gate, add its module, and its name to `GATES`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module

from ..proof.filters import Environment, Filter
from .stack import Stack

GATES = ("gates.aws_network", "gates.fortigate", "environments.mwaa")
"""Modules with a `read`, imported when the first stack is read: no gate's SDK is needed for another's resources."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a stack's resources say: the Airflow environments in it, and the filter of every enforcement point."""

    environments: tuple[Environment, ...]
    filters: tuple[Filter, ...]


def read_all(stack: Stack) -> Reading:
    """Reads every gate of a stack. Never raises on strange resources: what cannot be understood is an unknown rule."""
    package = __name__.rsplit(".", 1)[0]
    modules = [import_module(f"{package}.{name}") for name in GATES]
    environments: Iterable[Environment] = import_module(f"{package}.environments.mwaa").read_environments(stack)
    return Reading(tuple(environments), tuple(found for module in modules for found in module.read(stack)))
