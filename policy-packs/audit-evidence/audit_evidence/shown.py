"""Keeps the stack as Pulumi's engine shows it, so that other packs can be shown the very same.

The SDK hands a policy decoded values, in which secrets are no longer marked: a pack asked about those would take them for plain
text. Should a later SDK look different inside, `install` changes nothing, and the policy says that it cannot ask.
"""

from contextvars import ContextVar
from typing import Any

import pulumi_policy.policy as sdk

REQUEST: ContextVar[Any] = ContextVar("REQUEST", default=None)
"""The engine's request (`AnalyzeStackRequest`) that is being answered; None where the SDK alone is at work."""

_Servicer: Any = getattr(sdk, "_PolicyAnalyzerServicer", object)


class ShowingServicer(_Servicer):  # type: ignore[misc]  # the SDK's class, looked up with care
    """The SDK's analyzer service, whose policies find the request."""

    def AnalyzeStack(self, request: Any, context: Any) -> Any:  # noqa: N802  # the protocol's name
        """Judges the stack."""
        token = REQUEST.set(request)
        try:
            return _Servicer.AnalyzeStack(self, request, context)
        finally:
            REQUEST.reset(token)


def install() -> bool:
    """Makes the SDK serve this process's pack with `ShowingServicer`; False, and no change, where it is of another build."""
    fits = _Servicer is not object and hasattr(_Servicer, "AnalyzeStack")
    if fits:
        sdk._PolicyAnalyzerServicer = ShowingServicer
    return fits
