"""Credentials of routes and tokens of gates: kept, rotated on one cadence, and loud when they are not.

`Credentials` makes the secrets, their rotation and its alarms; `FortigateApiToken` the API users of a FortiGate, and their key
where Pulumi itself has to renew it; `rotation_function` is what AWS Lambda runs. docs/credentials.md tells all of it in order.
"""

from typing import TYPE_CHECKING

from ...lazy import exports

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

# The function's code is imported where no Pulumi is, and each component needs its own SDK alone.
__getattr__ = exports(__name__, dict.fromkeys(__all__, "parts") | {"Credentials": "component", "FortigateApiToken": "fortigate"})
