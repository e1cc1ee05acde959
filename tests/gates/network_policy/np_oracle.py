"""Who connects to whom, decided pod by pod from the API's documentation: shares nothing with the reader but the manifests."""

import ipaddress
from typing import Any

Pod = dict[str, Any]
PORTS = {"web": ("TCP", 80), "sql": ("TCP", 5432), "dns": ("UDP", 53)}


def _fits(selector: Any, labels: dict[str, str]) -> bool:
    for key, value in (selector or {}).get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for one in (selector or {}).get("matchExpressions", []):
        key, operator, values = one["key"], one["operator"], one.get("values", [])
        if operator == "In" and not (key in labels and labels[key] in values):
            return False
        if operator == "NotIn" and key in labels and labels[key] in values:
            return False
        if operator == "Exists" and key not in labels:
            return False
        if operator == "DoesNotExist" and key in labels:
            return False
    return True


class Oracle:
    """A cluster's manifests: namespaces, pods, policies."""

    def __init__(self, namespaces: dict[str, dict[str, str]], pods: list[Pod], policies: list[dict[str, Any]]) -> None:
        self.blocks_mean_pods = True
        self.namespaces = namespaces
        self.pods = pods
        self.policies = policies

    def allows(self, source: Pod | str, destination: Pod | str, protocol: str, port: int) -> bool:
        """Either end is a pod, or an address beyond the cluster."""
        if source is destination:
            return True
        return self._side(source, destination, destination, "Egress", "egress", "to", protocol, port) and self._side(
            destination, source, destination, "Ingress", "ingress", "from", protocol, port
        )

    def _side(self, mine: Any, other: Any, target: Any, kind: str, section: str, key: str, protocol: str, port: int) -> bool:
        if isinstance(mine, str) or mine["spec"].get("hostNetwork"):
            return True
        isolated = False
        for policy in self.policies:
            if policy["metadata"]["namespace"] != mine["metadata"]["namespace"]:
                continue
            if not _fits(policy["spec"].get("podSelector"), mine["metadata"].get("labels", {})):
                continue
            types = policy["spec"].get("policyTypes") or (["Ingress", "Egress"] if policy["spec"].get("egress") else ["Ingress"])
            if kind not in types:
                continue
            isolated = True
            for rule in policy["spec"].get(section) or []:
                peers, ports = rule.get(key), rule.get("ports")
                if peers and not any(self._is(peer, other, policy["metadata"]["namespace"]) for peer in peers):
                    continue
                if ports and not any(self._port(one, target, protocol, port) for one in ports):
                    continue
                return True
        return not isolated

    def _is(self, peer: dict[str, Any], other: Any, namespace: str) -> bool:
        if "ipBlock" in peer:
            if not isinstance(other, str):
                if not (self.blocks_mean_pods or other["spec"].get("hostNetwork")) or "status" not in other:
                    return False
                other = other["status"]["podIP"]
            address = ipaddress.ip_address(other)
            inside = address in ipaddress.ip_network(peer["ipBlock"]["cidr"])
            return inside and not any(address in ipaddress.ip_network(one) for one in peer["ipBlock"].get("except", []))
        if isinstance(other, str) or other["spec"].get("hostNetwork"):
            return False
        theirs = other["metadata"]["namespace"]
        if "namespaceSelector" in peer:
            labels = {**self.namespaces[theirs], "kubernetes.io/metadata.name": theirs}
            if not _fits(peer["namespaceSelector"], labels):
                return False
        elif theirs != namespace:
            return False
        return _fits(peer.get("podSelector"), other["metadata"].get("labels", {}))

    def _port(self, one: dict[str, Any], target: Any, protocol: str, port: int) -> bool:
        if one.get("protocol", "TCP") != protocol:
            return False
        wanted = one.get("port")
        if wanted is None:
            return True
        if isinstance(wanted, str):
            if isinstance(target, str):
                return False
            for container in target["spec"].get("containers", []):
                for each in container.get("ports", []):
                    if each.get("name") == wanted and each.get("protocol", "TCP") == protocol and each["containerPort"] == port:
                        return True
            return False
        return bool(wanted <= port <= one.get("endPort", wanted))
