"""Who gets in, decided connection by connection by Istio's documentation and istiod's source: shares nothing with the reader."""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod, and what stands before it: `sidecar`, `ztunnel`, or nothing."""

    namespace: str
    account: str
    labels: dict[str, str] = field(default_factory=dict)
    proxy: str = ""
    address: str = "10.0.0.9"
    kept_out: int = 0
    """A port that leads past its sidecar."""

    @property
    def identity(self) -> str:
        return f"cluster.local/ns/{self.namespace}/sa/{self.account}"


@dataclass(frozen=True)
class Request:
    """An HTTP request; None in its place is a connection that is something else."""

    method: str
    path: str
    host: str = "svc"


OUTSIDER = Pod("", "", address="192.0.2.7")
_HTTP_SOURCE = ("requestPrincipals", "notRequestPrincipals")
_HTTP_OPERATION = ("hosts", "notHosts", "methods", "notMethods", "paths", "notPaths")


def allows(documents: list[Manifest], caller: Pod, server: Pod, port: int, request: Request | None, protocol: str = "") -> bool:
    """Whether a connection gets in. `protocol`: what the Service says of the port, `http`, `tcp` or nothing."""
    if not server.proxy or port == server.kept_out:
        return True
    mode = _mode([one for one in documents if one["kind"] == "PeerAuthentication"], server, port)
    if mode == "STRICT" and not caller.proxy:
        return False
    identity = caller.identity if caller.proxy and mode != "DISABLE" else ""
    seen = None if protocol == "tcp" or server.proxy == "ztunnel" else request
    here = [one for one in documents if one["kind"] == "AuthorizationPolicy" and _selects(one, server)]
    allowing = [one for one in here if one["spec"].get("action", "ALLOW") == "ALLOW"]

    def hit(policy: Manifest) -> bool:
        return any(
            _rule(rule, policy, identity, caller.address, port, seen, server.proxy == "ztunnel")
            for rule in policy["spec"].get("rules", [])
        )

    if any(one["spec"].get("action") == "DENY" and hit(one) for one in here):
        return False
    return not allowing or any(map(hit, allowing))


def _selects(policy: Manifest, server: Pod) -> bool:
    if policy["metadata"].get("annotations", {}).get("istio.io/dry-run") == "true":
        return False
    labels = policy["spec"].get("selector", {}).get("matchLabels", {})
    return policy["metadata"]["namespace"] in ("istio-system", server.namespace) and labels.items() <= server.labels.items()


def _mode(peers: list[Manifest], server: Pod, port: int) -> str:
    mode = "PERMISSIVE"
    mine = None
    for place in ("mesh", "namespace", "workload"):
        for one in peers:
            labels = one["spec"].get("selector", {}).get("matchLabels", {})
            space = one["metadata"]["namespace"]
            where = (
                "workload"
                if labels and space != "istio-system"
                else ""
                if labels
                else "mesh"
                if space == "istio-system"
                else "namespace"
            )
            if where != place or (place != "mesh" and space != server.namespace) or not labels.items() <= server.labels.items():
                continue
            given = one["spec"].get("mtls", {}).get("mode", "UNSET")
            mode = mode if given == "UNSET" else given
            mine = one if place == "workload" else mine
    if mine is not None:
        given = mine["spec"].get("portLevelMtls", {}).get(str(port), {}).get("mode", "UNSET")
        mode = mode if given == "UNSET" else given
    return "PERMISSIVE" if mode == "DISABLE" and server.proxy == "ztunnel" else mode


def _rule(
    rule: Manifest, policy: Manifest, identity: str, address: str, port: int, request: Request | None, ztunnel: bool
) -> bool:
    deny = policy["spec"].get("action") == "DENY"
    namespace = policy["metadata"]["namespace"]
    sources = [one["source"] for one in rule.get("from", [])]
    operations = [one["operation"] for one in rule.get("to", [])]
    keys = [one["key"] for one in rule.get("when", [])]
    http = (
        any(key in one for one in sources for key in _HTTP_SOURCE)
        or any(key in one for one in operations for key in _HTTP_OPERATION)
        or any(key.startswith("request.") for key in keys)
        or (ztunnel and any("emoteIpBlocks" in key for one in sources for key in one))
    )
    if request is None and http and not deny:
        return False
    left_out = (*_HTTP_SOURCE, *_HTTP_OPERATION, *(("remoteIpBlocks", "notRemoteIpBlocks") if ztunnel else ()))

    def kept(one: Manifest) -> Manifest:
        return {key: values for key, values in one.items() if key not in left_out}

    if request is None:
        sources, operations = list(map(kept, sources)), list(map(kept, operations))
        if ztunnel:
            # What has nothing left matches nothing there; elsewhere it matches everything.
            if (sources and not any(sources)) or (operations and not any(operations)):
                return False
            if any(key.startswith("request.") for key in keys):
                return False
            sources, operations = [one for one in sources if one], [one for one in operations if one]
    if sources and not any(_source(one, namespace, identity, address, ztunnel) for one in sources):
        return False
    if operations and not any(_operation(one, port, request) for one in operations):
        return False
    return all(
        _condition(one, namespace, identity, address, port, ztunnel)
        for one in rule.get("when", [])
        if not one["key"].startswith("request.")
    )


def _source(one: Manifest, namespace: str, identity: str, address: str, ztunnel: bool) -> bool:
    for key, values in one.items():
        negative = key.startswith("not")
        kind = (key[3].lower() + key[4:]) if negative else key
        if kind == "requestPrincipals":
            found = False  # nothing checks tokens in these tests, so that no request has a principal
        else:
            found = any(_means(kind, value, namespace, identity, address, ztunnel) for value in values)
        if found == negative:
            return False
    return True


def _means(kind: str, value: str, namespace: str, identity: str, address: str, ztunnel: bool) -> bool:
    if kind in ("ipBlocks", "remoteIpBlocks"):
        return ipaddress.ip_address(address) in ipaddress.ip_network(value)
    if not identity:
        return False
    if kind == "principals":
        return _text(value, identity)
    if kind == "namespaces" and ztunnel:
        return _text(value, identity.split("/")[2])
    if kind == "namespaces":
        return re.fullmatch(f".*/ns/{value.replace('*', '.*')}/.*", identity) is not None
    space, _, account = value.rpartition("/")
    return identity.split("/")[2::2] == [space or namespace, account]


def _operation(one: Manifest, port: int, request: Request | None) -> bool:
    for key, values in one.items():
        negative = key.startswith("not")
        kind = (key[3].lower() + key[4:]) if negative else key
        if kind == "ports":
            found = str(port) in values
        else:
            assert request is not None
            text = {"methods": request.method, "paths": request.path, "hosts": request.host}[kind]
            found = any(_path(value, text) if kind == "paths" else _text(value, text) for value in values)
        if found == negative:
            return False
    return True


def _condition(one: Manifest, namespace: str, identity: str, address: str, port: int, ztunnel: bool) -> bool:
    kind = {"source.principal": "principals", "source.namespace": "namespaces", "source.ip": "ipBlocks"}.get(one["key"])

    def hit(value: str) -> bool:
        return str(port) == value if kind is None else _means(kind, value, namespace, identity, address, ztunnel)

    if one.get("values") and not any(map(hit, one["values"])):
        return False
    return not any(map(hit, one.get("notValues", [])))


def _path(value: str, text: str) -> bool:
    if "{" not in value:
        return _text(value, text)
    pattern = re.escape(value).replace(r"\{\*\*\}", ".*").replace(r"\{\*\}", "[^/]+")
    return re.fullmatch(pattern, text) is not None


def _text(value: str, text: str) -> bool:
    if value == "*":
        return text != ""
    if value[0] == "*":
        return text.endswith(value[1:])
    return text.startswith(value[:-1]) if value[-1] == "*" else text == value
