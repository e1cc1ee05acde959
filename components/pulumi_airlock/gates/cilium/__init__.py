"""Cilium on the way: policies of layers 3 to 7 compiled from routes (`CiliumGate`) and read back (`read`), hand-written ones too.

`labels`, `patterns`, `ports` and `rules` have what the objects say, `policies` whom they mean, `read` makes filters of it;
`meshed` tells rules whose requests a mesh hides; `compile`, `hubble` and `gate` make objects and the chart's values.
"""

from typing import TYPE_CHECKING

from ...lazy import exports
from .hubble import cilium_values, hubble_export_values
from .meshed import Meshed, meshed_l7
from .read import read

if TYPE_CHECKING:
    from .gate import CiliumGate

__all__ = ["CiliumGate", "Meshed", "cilium_values", "hubble_export_values", "meshed_l7", "read"]

# Readers run in policy packs and notebooks, where no SDK of Kubernetes need be installed: only composing needs it.
__getattr__ = exports(__name__, {"CiliumGate": "gate"})
