"""Routes: who may reach what. The model, the access file, names and expectations. No Pulumi import in here."""

from .check import check
from .errors import AccessError
from .findings import Finding, Severity
from .load import Reading, load, loads, read
from .model import (
    Access,
    Credential,
    Destination,
    Environment,
    Expectation,
    HttpAccess,
    IdentityProvider,
    Principal,
    Role,
    Route,
    Trust,
    TrustException,
    Zone,
)
from .names import Caller, CallerKind, Target, other_example, select_destinations, select_principals
from .window import Window

__all__ = [
    "Access",
    "AccessError",
    "Caller",
    "CallerKind",
    "Credential",
    "Destination",
    "Environment",
    "Expectation",
    "Finding",
    "HttpAccess",
    "IdentityProvider",
    "Principal",
    "Reading",
    "Role",
    "Route",
    "Severity",
    "Target",
    "Trust",
    "TrustException",
    "Window",
    "Zone",
    "check",
    "load",
    "loads",
    "other_example",
    "read",
    "select_destinations",
    "select_principals",
]
