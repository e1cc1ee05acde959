"""An imitation of `pulumi_fortios`, the SDK that Pulumi generates from Fortinet's Terraform provider: it is not that SDK.

Made at run time of `names.json`, which is taken from the schema of the real one: the same classes and tokens, arguments (any
other is refused, in nested objects too), required arguments, kinds of values and outputs, and the same way of telling the engine
which package it is. It has the resources that Airlock makes, and the provider.
"""

import json
import keyword
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pulumi
from pulumi.runtime import settings
from pulumi.runtime.proto import resource_pb2

TABLE = json.loads((Path(__file__).parent / "names.json").read_text())
TYPES = {"string": str, "number": (int, float), "boolean": bool}


def python_name(name: str) -> str:
    """An argument's name in Python."""
    found = re.sub(r"(?<=[a-z0-9])[A-Z]", lambda found: f"_{found[0]}", name).lower()
    return f"{found}_" if keyword.iskeyword(found) else found


class _Resource(pulumi.CustomResource):
    _token: str
    _entry: Mapping[str, Any]

    def __init__(self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **arguments: Any) -> None:
        given = _translated(type(self).__name__, self._entry["inputs"], arguments)
        missing = [key for key in self._entry["required"] if given.get(key) is None]
        if missing:
            raise TypeError(f"Missing required property {python_name(missing[0])!r}")
        known = dict.fromkeys((*self._entry["inputs"], *self._entry["computed"]))
        super().__init__(self._token, resource_name, {**known, **given}, opts, package_ref=_package())

    def __getattr__(self, name: str) -> Any:
        for key in (*self._entry["inputs"], *self._entry["computed"]):
            if python_name(key) == name:
                return self.__dict__[key]
        raise AttributeError(name)


class Provider(pulumi.ProviderResource):
    def __init__(self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **arguments: Any) -> None:
        super().__init__("fortios", resource_name, arguments, opts, package_ref=_package())


Provider.__module__ = "pulumi_fortios.provider"


async def _package() -> str:
    inner = resource_pb2.Parameterization(name="fortios", version="1.25.0", value=b"{}")
    request = resource_pb2.RegisterPackageRequest(name="terraform-provider", version="1.0.0", parameterization=inner)
    return str(settings.get_monitor().RegisterPackage(request).ref)


def _translated(owner: str, fields: Mapping[str, str], arguments: Mapping[str, Any]) -> dict[str, Any]:
    names = {python_name(key): key for key in fields}
    for name in arguments:
        if name not in names:
            raise TypeError(f"{owner}.__init__() got an unexpected keyword argument {name!r}")
    return {names[name]: _value(f"{owner}.{name}", fields[names[name]], value) for name, value in arguments.items()}


def _value(place: str, type_: str, value: Any) -> Any:
    if value is None:
        return value
    if isinstance(value, pulumi.Output):
        return value.apply(lambda known: _value(place, type_, known))
    if type_.endswith("[]"):
        if not isinstance(value, list):
            raise TypeError(f"{place}: {value!r} is no list")
        return [_value(place, type_.removesuffix("[]"), one) for one in value]
    if type_ not in TYPES:
        return _translated(type_, TABLE["types"][type_], value)
    if not isinstance(value, TYPES[type_]) or (type_ == "number" and isinstance(value, bool)):
        raise TypeError(f"{place}: {value!r} is no {type_}")
    return value


def module() -> ModuleType:
    """The package, as `import pulumi_fortios` would give it."""
    made = ModuleType("pulumi_fortios", __doc__)
    for token, entry in TABLE["resources"].items():
        name = token.rpartition(":")[2]
        setattr(made, name, type(name, (_Resource,), {"_token": token, "_entry": entry, "__module__": "pulumi_fortios"}))
    made.Provider = Provider  # type: ignore[attr-defined]
    return made


def install(monkeypatch: Any) -> ModuleType:
    """Lets `import pulumi_fortios` find it for the length of a test."""
    made = module()
    monkeypatch.setitem(sys.modules, "pulumi_fortios", made)
    return made
