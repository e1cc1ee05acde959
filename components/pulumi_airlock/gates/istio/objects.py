"""Istio's objects as plain data, before they are made; and what several parts of compiling write alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..kubernetes import Workload
from .matching import LOCAL_DOMAIN
from .versions import MAX_ACCOUNTS, takes_accounts

NETWORKING = "networking.istio.io/v1"
SECURITY = "security.istio.io/v1"
TELEMETRY = "telemetry.istio.io/v1"
GATEWAY_API = "gateway.networking.k8s.io/v1"
LONGEST = 63
"""Of a name: it is a label's value in places (Kubernetes, "Labels and Selectors")."""


@dataclass(frozen=True, slots=True)
class IstioObject:
    """One object to make."""

    api_version: str
    kind: str
    namespace: str
    name: str
    spec: Mapping[str, Any]
    routes: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()


def sources(accounts: Sequence[str], version: tuple[int, ...]) -> list[dict[str, Any]]:
    """`from`: callers by `<namespace>/<service account>`, as this version takes them."""
    names = list(dict.fromkeys(accounts))
    if not takes_accounts(version, names):
        return [{"source": {"principals": [f"{LOCAL_DOMAIN}/ns/{one.replace('/', '/sa/', 1)}" for one in names]}}]
    lists = [names[start : start + MAX_ACCOUNTS] for start in range(0, len(names), MAX_ACCOUNTS)]
    return [{"source": {"serviceAccounts": one}} for one in lists]


def accounts_of(callers: Sequence[Workload]) -> list[str]:
    """The accounts of some workloads, each once."""
    return list(dict.fromkeys(one.account for one in callers))
