"""What Cilium lets through, decided connection by connection from its documentation: shares nothing with the reader."""

import fnmatch
import ipaddress
import re
from typing import Any

Pod = dict[str, Any]
End = Any  # a pod; "addr:192.0.2.1"; "name:api.one.example"
NODES = "10.62.0.0/24"
HIDDEN = ("pod-template-hash", "kubernetes.io/")


class Oracle:
    """A cluster's manifests: namespaces, pods, policies of all three kinds."""

    def __init__(self, namespaces: dict[str, dict[str, str]], pods: list[Pod], policies: list[dict[str, Any]]) -> None:
        self.namespaces, self.pods, self.policies = namespaces, pods, policies

    def allows(self, source: End, target: End, protocol: str, port: int, request: tuple[str, str] | None = None) -> bool:
        return self._side(source, target, target, "egress", protocol, port, request) and self._side(
            target, source, target, "ingress", protocol, port, request
        )

    # One end

    def _side(
        self, mine: End, other: End, target: End, way: str, protocol: str, port: int, request: tuple[str, str] | None
    ) -> bool:
        if isinstance(mine, str):
            return True
        selecting = [(policy, spec) for policy, spec in self._specs() if self._selects(policy, spec, mine)]
        networks = [one for one in self.policies if one["kind"] == "NetworkPolicy" and self._network_selects(one, mine, way)]
        for policy, spec in selecting:
            for rule in spec.get(f"{way}Deny", []):
                if self._peers(policy, rule, other, way, None) and self._l4(rule, target, protocol, port):
                    return False
        for one in networks:
            if any(self._network_rule(one, rule, other, target, way, protocol, port) for rule in one["spec"].get(way, [])):
                return True
        answers = [
            self._entry(entry, request)
            for policy, spec in selecting
            for rule in spec.get(way, [])
            if rule and self._peers(policy, rule, other, way, mine)
            for entry in rule.get("toPorts") or [{}]
            if self._ports(entry.get("ports"), target, protocol, port)
        ]
        isolated = bool(networks) or any(self._denies(spec, way) for _, spec in selecting)
        return any(answers) or (not answers and not isolated)

    def _entry(self, entry: dict[str, Any], request: tuple[str, str] | None) -> bool:
        http = entry.get("rules", {}).get("http")
        return not http or (request is not None and any(self._request(one, request) for one in http))

    def _specs(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        found = []
        for one in self.policies:
            if one["kind"] != "NetworkPolicy":
                found += [(one, spec) for spec in [*([one["spec"]] if "spec" in one else []), *one.get("specs", [])]]
        return found

    @staticmethod
    def _denies(spec: dict[str, Any], way: str) -> bool:
        said = spec.get("enableDefaultDeny", {}).get(way)
        return bool(spec.get(way) or spec.get(f"{way}Deny")) if said is None else said

    # Labels

    def _labels(self, pod: Pod) -> dict[str, str]:
        namespace = pod["metadata"]["namespace"]
        found = {k: v for k, v in pod["metadata"].get("labels", {}).items() if not k.startswith(HIDDEN)}
        for key, value in {**self.namespaces[namespace], "kubernetes.io/metadata.name": namespace}.items():
            found[f"io.cilium.k8s.namespace.labels.{key}"] = value
        found["io.kubernetes.pod.namespace"] = namespace
        found["io.cilium.k8s.policy.serviceaccount"] = pod["spec"].get("serviceAccountName", "default")
        return found

    @staticmethod
    def _fits(selector: dict[str, Any], labels: dict[str, str]) -> bool:
        def plain(key: str) -> str:
            return key.removeprefix("k8s:").removeprefix("any:")

        for key, value in selector.get("matchLabels", {}).items():
            if labels.get(plain(key)) != value:
                return False
        for one in selector.get("matchExpressions", []):
            there, value = plain(one["key"]) in labels, labels.get(plain(one["key"]))
            match one["operator"]:
                case "In":
                    good = there and value in one["values"]
                case "NotIn":
                    good = not there or value not in one["values"]
                case "Exists":
                    good = there
                case _:
                    good = not there
            if not good:
                return False
        return True

    def _selects(self, policy: dict[str, Any], spec: dict[str, Any], pod: Pod) -> bool:
        if pod["spec"].get("hostNetwork"):
            return False
        if policy["kind"] == "CiliumNetworkPolicy" and pod["metadata"]["namespace"] != policy["metadata"]["namespace"]:
            return False
        return self._fits(spec["endpointSelector"], self._labels(pod))

    # Peers

    def _peers(self, policy: dict[str, Any], rule: dict[str, Any], other: End, way: str, mine: Pod | None) -> bool:
        prefix = "from" if way == "ingress" else "to"
        kinds = {key: value for key, value in rule.items() if key.startswith(prefix) and key != "toPorts"}
        if any(not value for value in kinds.values()):
            return False
        if not kinds:
            return bool(rule.get("toPorts"))
        return any(
            self._peer(policy, key.removeprefix(prefix), one, other, mine) for key, value in kinds.items() for one in value
        )

    def _peer(self, policy: dict[str, Any], kind: str, one: Any, other: End, mine: Pod | None) -> bool:
        if kind == "Endpoints":
            return self._endpoint(policy, one, other)
        if kind == "Entities":
            return self._entity(one, other)
        if kind == "CIDR":
            return self._block({"cidr": one}, other)
        if kind == "CIDRSet":
            return self._block(one, other)
        assert kind == "FQDNs"
        assert mine is not None
        if not isinstance(other, str) or not other.startswith("name:"):
            return False
        name = other.removeprefix("name:")
        return _name_matches(one, name) and self._dns_shows(mine, name)

    def _endpoint(self, policy: dict[str, Any], one: dict[str, Any], other: End) -> bool:
        if isinstance(other, str) or other["spec"].get("hostNetwork"):
            return False
        keys = [*one.get("matchLabels", {}), *(each["key"] for each in one.get("matchExpressions", []))]
        names = any("io.kubernetes.pod.namespace" in key or "io.cilium.k8s.namespace.labels" in key for key in keys)
        here = other["metadata"]["namespace"] == policy["metadata"].get("namespace")
        if policy["kind"] == "CiliumNetworkPolicy" and not names and not here:
            return False
        return self._fits(one, self._labels(other))

    @staticmethod
    def _kind(other: End) -> str:
        if not isinstance(other, str):
            return "node" if other["spec"].get("hostNetwork") else "pod"
        if other.startswith("name:"):
            return "world"
        address = ipaddress.ip_address(other.removeprefix("addr:"))
        return "node" if address in ipaddress.ip_network(NODES) else "world"

    def _entity(self, entity: str, other: End) -> bool:
        kind = self._kind(other)
        return {
            "all": True,
            "world": kind == "world",
            "cluster": kind in ("pod", "node"),
            "host": kind == "node",
            "remote-node": kind == "node",
        }.get(entity, False)

    def _block(self, block: dict[str, Any], other: End) -> bool:
        if not isinstance(other, str) or not other.startswith("addr:") or self._kind(other) != "world":
            return False
        address = ipaddress.ip_address(other.removeprefix("addr:"))
        return address in ipaddress.ip_network(block["cidr"]) and not any(
            address in ipaddress.ip_network(one) for one in block.get("except", [])
        )

    def _dns_shows(self, mine: Pod, name: str) -> bool:
        shown, looked, plain = False, False, False
        for policy, spec in self._specs():
            if not self._selects(policy, spec, mine):
                continue
            for rule in spec.get("egress", []):
                if not rule or "toFQDNs" in rule:
                    continue
                resolvers = [
                    one
                    for one in self.pods
                    if one["metadata"]["name"] == "dns" and self._peers(policy, rule, one, "egress", None)
                ]
                if not resolvers:
                    continue
                for entry in rule.get("toPorts") or [{}]:
                    dns = entry.get("rules", {}).get("dns")
                    if dns:
                        looked = True
                        shown |= any(_name_matches(one, name) for one in dns)
                    elif not entry.get("rules", {}).get("http"):
                        plain |= self._ports(entry.get("ports"), resolvers[0], "UDP", 53) or self._ports(
                            entry.get("ports"), resolvers[0], "TCP", 53
                        )
        return looked and (shown or plain)

    # Ports and requests

    def _l4(self, rule: dict[str, Any], target: End, protocol: str, port: int) -> bool:
        return any(self._ports(entry.get("ports"), target, protocol, port) for entry in rule.get("toPorts") or [{}])

    @staticmethod
    def _ports(ports: list[dict[str, Any]] | None, target: End, protocol: str, port: int) -> bool:
        if not ports:
            return True
        for one in ports:
            if one.get("protocol", "ANY") not in ("ANY", protocol):
                continue
            if not one["port"].isdigit():
                if isinstance(target, str):
                    continue
                for container in target["spec"].get("containers", []):
                    for each in container.get("ports", []):
                        if (
                            each["name"] == one["port"]
                            and each.get("protocol", "TCP") == protocol
                            and each["containerPort"] == port
                        ):
                            return True
            elif one["port"] == "0" or int(one["port"]) <= port <= one.get("endPort", int(one["port"])):
                return True
        return False

    @staticmethod
    def _request(rule: dict[str, str], request: tuple[str, str]) -> bool:
        method, path = request
        return all(
            not rule.get(key) or re.fullmatch(rule[key], text) is not None for key, text in (("method", method), ("path", path))
        )

    # NetworkPolicies, as simple as the cases make them

    def _network_selects(self, one: dict[str, Any], pod: Pod, way: str) -> bool:
        here = pod["metadata"]["namespace"] == one["metadata"]["namespace"] and not pod["spec"].get("hostNetwork")
        return here and way.capitalize() in one["spec"]["policyTypes"]

    def _network_rule(
        self, policy: dict[str, Any], rule: dict[str, Any], other: End, target: End, way: str, protocol: str, port: int
    ) -> bool:
        peers = rule.get("from" if way == "ingress" else "to")
        ports = rule.get("ports")
        if ports and not any(one.get("protocol", "TCP") == protocol and one["port"] == port for one in ports):
            return False
        if not peers:
            return True
        for one in peers:
            if "ipBlock" in one:
                if self._block_of_any(one["ipBlock"], other):
                    return True
            elif (
                self._kind(other) == "pod"
                and other["metadata"]["namespace"] == policy["metadata"]["namespace"]
                and self._fits(one["podSelector"], other["metadata"].get("labels", {}))
            ):
                return True
        return False

    @staticmethod
    def _block_of_any(block: dict[str, Any], other: End) -> bool:
        if not isinstance(other, str) or not other.startswith("addr:"):
            return False
        return ipaddress.ip_address(other.removeprefix("addr:")) in ipaddress.ip_network(block["cidr"])


def _name_matches(one: dict[str, str], name: str) -> bool:
    if "matchName" in one:
        return one["matchName"] == name
    pattern = one["matchPattern"]
    if pattern == "*":
        return True
    if pattern.startswith("**."):
        return name.endswith(pattern[2:])
    return fnmatch.fnmatch(name, pattern) and name.count(".") == pattern.count(".")
