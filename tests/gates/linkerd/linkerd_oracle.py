"""Who gets in, connection by connection, as Linkerd's policy controller and proxy decide it: shares nothing with the reader."""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any

Manifest = dict[str, Any]
CLUSTER = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")


@dataclass(frozen=True)
class Pod:
    namespace: str
    account: str
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    proxy: bool = True
    address: str = "10.0.0.9"
    probe: tuple[int, str] | None = None

    @property
    def identity(self) -> str:
        return f"{self.account}.{self.namespace}.serviceaccount.identity.linkerd.cluster.local"


OUTSIDER = Pod("", "", proxy=False, address="8.8.8.8")
Request = tuple[str, str]
PORT_NAMES = {"http": 8080, "data": 9000}


def allows(documents: list[Manifest], default: str, caller: Pod, server: Pod, port: int, request: Request | None) -> bool:
    """Whether a connection, or a request, gets in. `default`: the policy that the server's namespace is annotated with."""
    if not server.proxy or port in _ports(server.annotations.get("config.linkerd.io/skip-inbound-ports")):
        return True
    chosen = [one for one in documents if one["kind"] == "Server" and _for(one, server, port)]
    if not chosen:
        opaque = port in _ports(server.annotations.get("config.linkerd.io/opaque-ports"))
        policy = server.annotations.get("config.linkerd.io/default-inbound-policy", default)
        named = port in _ports(server.annotations.get("config.linkerd.io/proxy-require-identity-inbound-ports"))
        if not opaque and server.probe is not None and server.probe[0] == port and request == ("GET", server.probe[1]):
            return True
        return _default(policy, caller, named=named)
    mine = min(chosen, key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"]))
    spec = mine["spec"]
    protocol = spec.get("proxyProtocol", "unknown")
    in_server = _server(documents, mine, caller)
    if protocol in ("opaque", "TLS"):
        return in_server
    if request is None:
        return in_server if protocol == "unknown" else False
    routes = [one for one in documents if one["kind"] == "HTTPRoute" and _attached(one, mine)]
    if not routes:
        return in_server or (server.probe is not None and server.probe[0] == port and request == ("GET", server.probe[1]))
    best: tuple[Any, Manifest] | None = None
    for route in sorted(routes, key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"])):
        score = max(
            (found for rule in route["spec"]["rules"] for found in _scores(rule.get("matches") or [{}], request)), default=None
        )
        if score is not None and (best is None or score > best[0]):
            best = score, route
    if best is None:
        return False
    return in_server or _policies(documents, caller, best[1]["metadata"]["namespace"], "HTTPRoute", best[1]["metadata"]["name"])


def _ports(text: str | None) -> set[int]:
    return {int(one) for one in (text or "").split(",") if one}


def _for(one: Manifest, server: Pod, port: int) -> bool:
    spec = one["spec"]
    if "podSelector" not in spec or one["metadata"]["namespace"] != server.namespace:
        return False
    wanted = spec["podSelector"].get("matchLabels", {})
    number = PORT_NAMES[spec["port"]] if isinstance(spec["port"], str) else spec["port"]
    return number == port and all(server.labels.get(key) == value for key, value in wanted.items())


def _attached(route: Manifest, server: Manifest) -> bool:
    return route["metadata"]["namespace"] == server["metadata"]["namespace"] and any(
        ref["kind"] == "Server" and ref["name"] == server["metadata"]["name"] for ref in route["spec"]["parentRefs"]
    )


def _scores(matches: list[Manifest], request: Request) -> Any:
    method, path = request
    for match in matches:
        if match.get("method") not in (None, method):
            continue
        given = match.get("path", {"type": "PathPrefix", "value": "/"})
        length = None
        whole = {"Exact": given["value"] == path, "RegularExpression": re.fullmatch(given["value"], path) is not None}
        if whole.get(given["type"]):
            length = len(path)
        elif given["type"] == "PathPrefix" and given["value"] == "/":
            length = 1
        elif given["type"] == "PathPrefix":
            wanted, asked = given["value"].rstrip("/").split("/"), path.rstrip("/").split("/")
            if asked[: len(wanted)] == wanted:
                length = len("/".join(wanted))
        if length is not None:
            yield length, 0, 0, "method" in match


def _server(documents: list[Manifest], server: Manifest, caller: Pod) -> bool:
    space, name = server["metadata"]["namespace"], server["metadata"]["name"]
    return (
        _default(server["spec"].get("accessPolicy", "deny"), caller)
        or _policies(documents, caller, space, "Server", name)
        or _policies(documents, caller, space, "Namespace", None)
        or any(_older(one, server, caller) for one in documents if one["kind"] == "ServerAuthorization")
    )


def _default(policy: str, caller: Pod, *, named: bool = False) -> bool:
    if policy == "deny":
        return False
    if policy == "audit":
        return True
    scope, _, kind = policy.partition("-")
    if scope == "cluster" and not _within(caller, [{"cidr": cidr} for cidr in CLUSTER]):
        return False
    return caller.proxy or (kind == "unauthenticated" and not named)


def _policies(documents: list[Manifest], caller: Pod, space: str, kind: str, name: str | None) -> bool:
    for policy in documents:
        if policy["kind"] != "AuthorizationPolicy" or policy["metadata"]["namespace"] != space:
            continue
        target = policy["spec"]["targetRef"]
        if target["kind"] == kind and (name is None or target["name"] == name) and _fulfilled(documents, policy, caller):
            return True
    return False


def _fulfilled(documents: list[Manifest], policy: Manifest, caller: Pod) -> bool:
    refs = policy["spec"]["requiredAuthenticationRefs"]
    networks = [ref for ref in refs if ref["kind"] == "NetworkAuthentication"]
    if len(networks) > 1 or len(refs) - len(networks) > 1:
        return False
    for ref in refs:
        space = ref.get("namespace", policy["metadata"]["namespace"])
        if ref["kind"] == "ServiceAccount":
            met = caller.proxy and (caller.namespace, caller.account) == (space, ref["name"])
        else:
            found = [
                one
                for one in documents
                if (one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]) == (ref["kind"], space, ref["name"])
            ]
            if not found:
                return False
            spec = found[0]["spec"]
            met = _within(caller, spec["networks"]) if ref["kind"] == "NetworkAuthentication" else _meant(spec, space, caller)
        if not met:
            return False
    return True


def _meant(spec: Manifest, space: str, caller: Pod) -> bool:
    if not caller.proxy:
        return False
    for text in spec.get("identities", []):
        if text == "*" or text == caller.identity:
            return True
        if text.startswith("*.") and caller.identity.split(".")[-len(text.split(".")[1:]) :] == text.split(".")[1:]:
            return True
    for ref in spec.get("identityRefs", []):
        if ref["kind"] == "Namespace" and ref["name"] == caller.namespace:
            return True
        if ref["kind"] == "ServiceAccount" and (ref.get("namespace", space), ref["name"]) == (caller.namespace, caller.account):
            return True
    return False


def _older(one: Manifest, server: Manifest, caller: Pod) -> bool:
    if one["metadata"]["namespace"] != server["metadata"]["namespace"]:
        return False
    chosen, client = one["spec"]["server"], one["spec"]["client"]
    if "name" in chosen:
        if chosen["name"] != server["metadata"]["name"]:
            return False
    elif not chosen["selector"].get("matchLabels", {}).items() <= server["metadata"].get("labels", {}).items():
        return False
    if not _within(caller, client.get("networks") or [{"cidr": cidr} for cidr in CLUSTER]):
        return False
    if client.get("unauthenticated"):
        return True
    tls = client.get("meshTLS")
    if tls is None or not caller.proxy:
        return False
    accounts = [(each.get("namespace", one["metadata"]["namespace"]), each["name"]) for each in tls.get("serviceAccounts", [])]
    return bool(
        tls.get("unauthenticatedTLS")
        or (caller.namespace, caller.account) in accounts
        or _meant({"identities": tls.get("identities", [])}, "", caller)
    )


def _within(caller: Pod, networks: list[Manifest]) -> bool:
    address = ipaddress.ip_address(caller.address)
    return any(
        address in ipaddress.ip_network(one["cidr"])
        and not any(address in ipaddress.ip_network(out) for out in one.get("except", []))
        for one in networks
    )
