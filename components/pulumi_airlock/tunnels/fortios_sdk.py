"""`fortios.router` as it was meant: pulumiverse-fortios 0.0.6 resolves the types of several of its classes in the wrong
module.

`pulumiverse_fortios/router/__init__.py` imports everything of `.ospf6`, `outputs` included, which from then on hides its own
`outputs`. Every class with a list that is imported after it (`Static`, `Prefixlist`, `Routemap`, …) fails as soon as it is
registered: `module 'pulumiverse_fortios.router.ospf6.outputs' has no attribute 'StaticSdwanZone'`. Its `Bgp` is hidden by the
package `bgp` in the same way.
"""

import sys
from importlib import import_module

import pulumiverse_fortios as fortios

router = fortios.router
_OUTPUTS = import_module("pulumiverse_fortios.router.outputs")

for _kind in (router.Static, router.Prefixlist):
    _module = sys.modules[_kind.__module__]
    if _module.outputs is not _OUTPUTS:
        _module.outputs = _OUTPUTS  # type: ignore[attr-defined]  # that is the repair

__all__ = ["router"]
