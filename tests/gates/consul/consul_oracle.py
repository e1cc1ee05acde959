"""Who gets in, connection by connection, as Consul decides it: shares nothing with the reader."""

import re
from dataclasses import dataclass, field
from typing import Any

Manifest = dict[str, Any]
Request = tuple[str, str]


@dataclass(frozen=True)
class Pod:
    namespace: str
    account: str
    annotations: dict[str, str] = field(default_factory=dict)
    proxy: bool = True
    address: str = "10.0.0.9"


OUTSIDER = Pod("", "", proxy=False, address="8.8.8.8")
PREFIX = "consul.hashicorp.com/"


def allows(documents: list[Manifest], default: bool, caller: Pod, server: Pod, port: int, request: Request | None) -> bool:
    """Whether a connection, or a request, gets in. `default`: whether what no intention names does."""
    if not server.proxy or server.annotations.get(f"{PREFIX}transparent-proxy") == "false":
        return True
    if str(port) in server.annotations.get(f"{PREFIX}transparent-proxy-exclude-inbound-ports", "").split(","):
        return True
    own = _spec(documents, "ServiceDefaults", server.account)
    every = _spec(documents, "ProxyDefaults", "global")
    exposed = own.get("expose", {}).get("paths", [])
    if request is not None and any((path["listenerPort"], path["path"]) == (port, request[1]) for path in exposed):
        return True
    if not caller.proxy:
        mode = own.get("mutualTLSMode") or every.get("mutualTLSMode") or "strict"
        meshes = [one["spec"] for one in documents if one["kind"] == "Mesh"]
        return mode == "permissive" and (not meshes or any(one.get("allowEnablingPermissiveMutualTLS") for one in meshes))
    protocol = own.get("protocol") or every.get("config", {}).get("protocol") or "tcp"
    source = _deciding(documents, caller, server)
    return default if source is None else _decides(source, request, default, http=protocol in ("http", "http2", "grpc"))


def _deciding(documents: list[Manifest], caller: Pod, server: Pod) -> Manifest | None:
    best: tuple[int, Manifest] | None = None
    for one in documents:
        if one["kind"] != "ServiceIntentions" or one["spec"]["destination"]["name"] not in (server.account, "*"):
            continue
        for source in one["spec"]["sources"]:
            if source["name"] not in (caller.account, "*") or source.get("peer"):
                continue
            exact = (one["spec"]["destination"]["name"] != "*", source["name"] != "*")
            precedence = {(True, True): 9, (True, False): 8, (False, True): 6, (False, False): 5}[exact]
            if best is None or precedence > best[0]:
                best = precedence, source
    return best and best[1]


def from_peers(documents: list[Manifest], server: Pod) -> bool:
    """Whether somebody of another cluster may be let in, by a service's name or by `*`."""
    named = [one["spec"] for one in documents if one["kind"] == "ServiceIntentions"]
    mine = [one for one in named if one["destination"]["name"] in (server.account, "*")]
    return any(source.get("peer") and source.get("action") != "deny" for one in mine for source in one["sources"])


def _decides(source: Manifest, request: Request | None, default: bool, *, http: bool) -> bool:
    if "permissions" not in source:
        return source["action"] == "allow" and (request is not None or not http)
    if not http or request is None:
        return False
    first = next((one["action"] for one in source["permissions"] if _matches(one["http"], request)), None)
    return default if first is None else bool(first == "allow")


def _spec(documents: list[Manifest], kind: str, name: str) -> Manifest:
    return next((one["spec"] for one in documents if one["kind"] == kind and one["metadata"]["name"] == name), {})


def _matches(http: Manifest, request: Request) -> bool:
    method, path = request
    if "methods" in http and method not in http["methods"]:
        return False
    if "pathExact" in http:
        return bool(path == http["pathExact"])
    if "pathPrefix" in http:
        return bool(path.startswith(http["pathPrefix"]))
    return "pathRegex" not in http or re.fullmatch(http["pathRegex"], path) is not None
