"""Airflow environments, one package a kind, each with the gates that it brings of its own.

To add a kind, add its package, with `read_environments`, and its name to `ENVIRONMENTS`; where it brings gates of its own, also
`read`, and its name to `gates.GATES`.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..gates.stack import Stack
    from ..proof.filters import Environment

ENVIRONMENTS = ("mwaa", "composer", "helm", "local", "imported")
"""Packages with a `read_environments`, imported when the first stack is read: no cloud's SDK is needed to read another's."""


def read_environments(stack: "Stack") -> Iterator["Environment"]:
    """Every Airflow environment of a stack, of whichever kind."""
    for kind in ENVIRONMENTS:
        yield from import_module(f"{__name__}.{kind}").read_environments(stack)
