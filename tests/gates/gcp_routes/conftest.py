"""Runs programs as the tests of Google Cloud's firewall do, with the real SDK."""

import importlib.util
import sys
from pathlib import Path

_FIREWALL = Path(__file__).parents[1] / "gcp_firewall"
sys.path.insert(0, str(_FIREWALL))
_spec = importlib.util.spec_from_file_location("gcp_firewall_conftest", _FIREWALL / "conftest.py")
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

_answers = _module._computed
_MORE = {
    "HaVpnGateway": {"vpnInterfaces": [{"id": number, "ipAddress": f"203.0.113.{number}"} for number in (1, 2)]},
    "RandomPassword": {"result": "MadeByChanceMadeByChanceMade1234"},
}
_module._computed = lambda request: {**_answers(request), **_MORE.get(request.type.rsplit(":", 1)[-1], {})}

preview, run = _module.preview, _module.run
