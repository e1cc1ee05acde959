"""Credentials of routes and tokens of gates: kept, rotated on one cadence, and loud when they are not.

`Credentials` makes the secrets, their rotation and its alarms; `FortigateApiToken` the API users of a FortiGate, and their key
where Pulumi itself has to renew it; `rotation_function` is what AWS Lambda runs. docs/credentials.md tells all of it in order.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .component import Credentials
    from .fortigate import FortigateApiToken
    from .parts import BroughtRotator, FortigateToken, FunctionNetwork, RdsDatabase, TokenEndpoint, VaultLease, ZscalerToken

__all__ = [
    "BroughtRotator",
    "Credentials",
    "FortigateApiToken",
    "FortigateToken",
    "FunctionNetwork",
    "RdsDatabase",
    "TokenEndpoint",
    "VaultLease",
    "ZscalerToken",
]

_WHERE = {"Credentials": "component", "FortigateApiToken": "fortigate"}


def __getattr__(name: str) -> Any:
    # The function's code is imported where no Pulumi is, and each component needs its own SDK alone.
    if name in __all__:
        return getattr(import_module(f".{_WHERE.get(name, 'parts')}", __package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
