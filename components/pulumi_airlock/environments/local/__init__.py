"""Airflow on this machine, for trying Airlock out: real processes on 127.0.0.1, made by the same program as any other stack.

`processes`, `files`, `certificates` and `runs` are dynamic resources, which the Pulumi CLI and the offline engine both run for
real. `issuer`, `lending`, `echo` and `postgres` are small servers that run as such processes.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .read import read_environments

if TYPE_CHECKING:
    from .component import LocalEnvironment, Ports, Tools, Try

__all__ = ["LocalEnvironment", "Ports", "Tools", "Try", "read_environments"]

__getattr__ = exports(__name__, dict.fromkeys(("LocalEnvironment", "Ports", "Tools", "Try"), "component"))
