"""One case a behaviour of the reader: manifests as people write them, and what each connection comes to."""

from typing import Any

import pytest
from cilium_filters import decides
from pulumi_airlock.gates.cilium import meshed_l7, read
from pulumi_airlock.gates.kubernetes import read_cluster, stack_from_manifests
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_airlock.proof.filters import Action, Filter
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.tokens import CLUSTER, HELM_ENVIRONMENT
from ruamel.yaml import YAML

PODS = """
- {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: one}}}
- {apiVersion: v1, kind: Namespace, metadata: {name: data, labels: {team: two}}}
- {apiVersion: v1, kind: Namespace, metadata: {name: kube-system}}
- apiVersion: v1
  kind: Pod
  metadata: {name: web, namespace: shop, labels: {app: web}}
  spec: {serviceAccountName: web, containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}
- apiVersion: v1
  kind: Pod
  metadata: {name: db, namespace: data, labels: {app: db, pod-template-hash: abc}}
  spec:
    serviceAccountName: db
    containers: [{name: c, ports: [{name: sql, containerPort: 5432}, {name: http, containerPort: 8081}]}]
- apiVersion: v1
  kind: Pod
  metadata: {name: agent, namespace: kube-system, labels: {app: agent}}
  spec: {serviceAccountName: agent, hostNetwork: true, containers: [{name: c}]}
- apiVersion: v1
  kind: Pod
  metadata: {name: coredns, namespace: kube-system, labels: {k8s-app: kube-dns}}
  spec: {serviceAccountName: coredns, containers: [{name: c}]}
- apiVersion: v1
  kind: Service
  metadata: {name: db, namespace: data}
  spec: {selector: {app: db}, ports: [{port: 80, targetPort: 5432}]}
"""
FACTS = {
    "cni": "cilium",
    "podCidrs": ["10.60.0.0/16"],
    "serviceCidrs": ["10.61.0.0/16"],
    "nodeCidrs": ["10.62.0.0/24"],
    "apiServerCidrs": ["10.50.0.0/28"],
}
DNS = """
  - toEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s:k8s-app: kube-dns}}]
    toPorts: [{ports: [{port: "53"}], rules: {dns: [NAMES]}}]
"""


def stack_of(text: str, *more: dict[str, Any]) -> Stack:
    documents = [*YAML(typ="safe", pure=True).load(PODS), *more]
    documents += [one for one in YAML(typ="safe", pure=True).load_all(text) if one]
    declared = Resource(f"urn:pulumi:t::t::{CLUSTER}::bank", CLUSTER, FACTS)
    return Stack([*stack_from_manifests(documents).resources, declared])


def policy(spec: str, name: str = "p", namespace: str = "shop") -> str:
    return (
        f"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: {name}, namespace: {namespace}}}\n{spec}\n---\n"
    )


def clusterwide(spec: str, name: str = "c") -> str:
    return f"apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {{name: {name}}}\n{spec}\n---\n"


def lets(stack: Stack, asked: str, filters: list[Filter] | None = None) -> bool | None:
    """`web → db:5432/tcp GET /path`; an end is a pod, an address, or a name with a dot."""
    ends, _, rest = asked.partition(":")
    source, target = ends.split(" → ")
    port, *request = rest.split(" ")
    number, protocol = port.split("/")
    by_pod = {one.owner.removeprefix("Pod "): one for one in read_cluster(stack).workloads if one.owner}
    caller = by_pod.get(source)
    address = Hosts() if caller else Hosts.from_cidr(source)
    pod = by_pod.get(target)
    to = pod.names[0] if pod else Hosts.from_cidr(target) if target[0].isdigit() else target
    return decides(
        list(read(stack)) if filters is None else filters,
        caller.name if caller else "",
        address,
        to,
        Services.of(protocol, int(number), int(number)),
        (request[0], request[1]) if request else None,
    )


WEB = "spec:\n  endpointSelector: {matchLabels: {app: web}}\n"
DATABASE = "spec:\n  endpointSelector: {matchLabels: {app: db}}\n"
DENIED = WEB + "  egress: [{toEntities: [cluster], toPorts: [{ports: [{port: '5432'}]}]}]"
ON_HOSTS = "spec: {nodeSelector: {}, egress: [{toCIDR: [192.0.2.0/24]}]}"


def config(data: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: cilium-config, namespace: kube-system}}\ndata: {{{data}}}\n---\n"


CASES: dict[str, tuple[str, dict[str, bool | None]]] = {
    "a rule in one direction isolates in that direction alone": (
        policy(WEB + "  egress: [{toCIDR: [192.0.2.0/24]}]"),
        {"web → 192.0.2.1:443/tcp": True, "web → 198.51.100.1:443/tcp": False, "db → web:8080/tcp": True},
    ),
    "an empty rule is there for default deny": (policy(WEB + "  egress: [{}]"), {"web → db:80/tcp": False}),
    "an empty list of rules isolates nobody": (policy(WEB + "  egress: []"), {"web → db:80/tcp": True}),
    "default deny is off only where all say so": (
        policy(WEB + "  egress: [{toCIDR: [192.0.2.0/24]}]\n  enableDefaultDeny: {egress: false}"),
        {"web → 198.51.100.1:443/tcp": True},
    ),
    "one that says nothing of it denies by default": (
        policy(WEB + "  egress: [{}]\n  enableDefaultDeny: {egress: false}")
        + policy(WEB + "  egress: [{toCIDR: [192.0.2.0/24]}]", "q"),
        {"web → 198.51.100.1:443/tcp": False},
    ),
    "default deny that is asked for needs no rule": (
        policy(WEB + "  enableDefaultDeny: {egress: true}"),
        {"web → db:80/tcp": False},
    ),
    "default deny that is off does not hold for requests": (
        policy(
            WEB
            + "  egress: [{toEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: data}}],"
            + " toPorts: [{ports: [{port: '5432'}], rules: {http: [{method: GET}]}}]}]\n  enableDefaultDeny: {egress: false}"
        ),
        {
            "web → db:80/tcp GET /a": True,
            "web → db:80/tcp POST /a": False,
            "web → db:80/tcp": False,
            "web → db:8081/tcp": True,
            "web → 192.0.2.1:5432/tcp": True,
        },
    ),
    "a deny beats every allow, clusterwide and of NetworkPolicies too": (
        policy(WEB + "  egress: [{toEntities: [all]}]")
        + clusterwide("spec: {endpointSelector: {}, egressDeny: [{toCIDR: [192.0.2.0/24], toPorts: [{ports: [{port: '443'}]}]}]}")
        + "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: n, namespace: shop}\n"
        + "spec: {podSelector: {}, policyTypes: [Egress], egress: [{}]}\n",
        {"web → 192.0.2.1:443/tcp": False, "web → 192.0.2.1:80/tcp": True, "web → db:80/tcp": True},
    ),
    "a deny alone denies the rest by default": (
        policy(WEB + "  egressDeny: [{toCIDR: [192.0.2.0/24]}]"),
        {"web → 198.51.100.1:443/tcp": False},
    ),
    "a deny beside default deny that is off leaves the rest": (
        policy(WEB + "  egressDeny: [{toCIDR: [192.0.2.0/24]}]\n  enableDefaultDeny: {egress: false}"),
        {"web → 192.0.2.1:443/tcp": False, "web → 198.51.100.1:443/tcp": True},
    ),
    "a NetworkPolicy and Cilium's own add up": (
        policy(WEB + "  egress: [{toCIDR: [192.0.2.0/24]}]")
        + "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: n, namespace: shop}\n"
        + "spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 198.51.100.0/24}}]}]}\n",
        {"web → 192.0.2.1:443/tcp": True, "web → 198.51.100.1:443/tcp": True, "web → 203.0.113.1:443/tcp": False},
    ),
    "no peers, with ports: anybody": (
        policy(DATABASE + "  ingress: [{toPorts: [{ports: [{port: '5432', protocol: TCP}]}]}]", namespace="data"),
        {"web → db:80/tcp": True, "192.0.2.1 → db:80/tcp": True, "web → db:8081/tcp": False},
    ),
    "an empty list of peers: nobody": (
        policy(DATABASE + "  ingress: [{fromEndpoints: [], toPorts: [{ports: [{port: '5432'}]}]}]", namespace="data"),
        {"web → db:80/tcp": False},
    ),
    "an empty list beside another: nobody": (
        policy(WEB + "  egress: [{toEntities: [], toCIDR: [192.0.2.0/24]}]"),
        {"web → 192.0.2.1:443/tcp": False},
    ),
    "an empty selector: all of the policy's own namespace": (
        policy(DATABASE + "  ingress: [{fromEndpoints: [{}]}]", namespace="data"),
        {"web → db:80/tcp": False},
    ),
    "an empty selector clusterwide: all pods, and nobody beyond": (
        clusterwide(DATABASE + "  ingress: [{fromEndpoints: [{}]}]"),
        {"web → db:80/tcp": True, "192.0.2.1 → db:80/tcp": False, "agent → db:80/tcp": False},
    ),
    "labels of namespaces": (
        policy(
            DATABASE + "  ingress: [{fromEndpoints: [{matchLabels: {io.cilium.k8s.namespace.labels.team: one}}]}]", "p", "data"
        ),
        {"web → db:80/tcp": True, "coredns → db:80/tcp": False},
    ),
    "an endpoint selector never leaves its namespace": (
        policy("spec: {endpointSelector: {matchLabels: {k8s:io.kubernetes.pod.namespace: data}}, egress: [{}]}"),
        {"db → web:8080/tcp": True, "web → db:80/tcp": False},
    ),
    "labels that Cilium does not see": (
        policy("spec: {endpointSelector: {matchLabels: {pod-template-hash: abc}}, egress: [{}]}", "p", "data"),
        {"db → web:8080/tcp": True},
    ),
    "labels of another source": (
        policy("spec: {endpointSelector: {matchLabels: {'container:app': web}}, egress: [{}]}"),
        {"web → db:80/tcp": True},
    ),
    "reserved labels are entities": (
        clusterwide(DATABASE + "  ingress: [{fromEndpoints: [{matchLabels: {'reserved:world': ''}}]}]"),
        {"192.0.2.1 → db:80/tcp": True, "web → db:80/tcp": False},
    ),
    "a block means neither pods nor nodes": (
        policy(WEB + "  egress: [{toCIDR: [0.0.0.0/0]}]"),
        {
            "web → 192.0.2.1:80/tcp": True,
            "web → db:80/tcp": False,
            "web → 10.62.0.4:80/tcp": False,
            "web → 10.60.0.4:80/tcp": False,
        },
    ),
    "exceptions, and groups of networks": (
        policy(WEB + "  egress: [{toCIDRSet: [{cidrGroupRef: bank, except: [192.0.2.128/25]}]}]")
        + "apiVersion: cilium.io/v2\nkind: CiliumCIDRGroup\nmetadata: {name: bank}\nspec: {externalCIDRs: [192.0.2.0/24]}\n",
        {"web → 192.0.2.1:80/tcp": True, "web → 192.0.2.200:80/tcp": False, "web → 198.51.100.1:80/tcp": False},
    ),
    "a group that is not in the stack is unknown": (
        policy(WEB + "  egress: [{toCIDRSet: [{cidrGroupRef: bank}]}]"),
        {"web → 192.0.2.1:80/tcp": None, "web → db:80/tcp": False},
    ),
    "entities": (
        policy(WEB + "  egress: [{toEntities: [cluster]}]") + policy(DATABASE + "  egress: [{toEntities: [world]}]", "q", "data"),
        {
            "web → db:80/tcp": True,
            "web → 10.62.0.4:80/tcp": True,
            "web → agent:80/tcp": True,
            "web → 192.0.2.1:80/tcp": False,
            "db → 192.0.2.1:80/tcp": True,
            "db → api.example:80/tcp": True,
            "db → web:8080/tcp": False,
            "db → 10.62.0.4:80/tcp": False,
        },
    ),
    "the API server": (
        policy(WEB + "  egress: [{toEntities: [kube-apiserver], toPorts: [{ports: [{port: '443', protocol: TCP}]}]}]"),
        {
            "web → kubernetes.default.svc.cluster.local:443/tcp": True,
            "web → 10.50.0.3:443/tcp": True,
            "web → 10.50.0.99:443/tcp": False,
        },
    ),
    "an entity that nobody knows": (policy(WEB + "  egress: [{toEntities: [moon]}]"), {"web → db:80/tcp": None}),
    "a name by its Service's backends": (
        policy(WEB + "  egress: [{toServices: [{k8sService: {serviceName: db, namespace: data}}]}]"),
        {"web → db:80/tcp": True, "web → agent:80/tcp": False},
    ),
    "a Service of which nothing is known": (
        policy(WEB + "  egress: [{toServices: [{k8sService: {serviceName: x, namespace: data}}]}]"),
        {"web → x.data.svc.cluster.local:80/tcp": None, "web → db:80/tcp": False},
    ),
    "groups of the cloud and nodes by labels are unknown": (
        policy(WEB + "  egress: [{toGroups: [{aws: {region: eu-central-1}}]}, {toNodes: [{matchLabels: {pool: one}}]}]"),
        {"web → 192.0.2.1:80/tcp": None, "web → 10.62.0.4:80/tcp": None, "web → db:80/tcp": False},
    ),
    "ranges, protocols and names of ports": (
        policy(
            WEB
            + "  egress:\n  - toEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: data}}]\n"
            + "    toPorts: [{ports: [{port: http, protocol: TCP}, {port: '9000', endPort: 9010, protocol: UDP}]}]"
        ),
        {
            "web → db:8081/tcp": True,
            "web → db:80/tcp": False,
            "web → db:9005/udp": True,
            "web → db:9005/tcp": False,
            "web → db:9011/udp": False,
        },
    ),
    "ICMP by type is unknown": (
        policy(WEB + "  egress: [{toCIDR: [192.0.2.0/24], icmps: [{fields: [{type: 8, family: IPv4}]}]}]"),
        {"web → 192.0.2.1:0/icmp": None, "web → 192.0.2.1:443/tcp": False},
    ),
    "a name needs a DNS rule that shows it": (
        policy(WEB + "  egress: [{toFQDNs: [{matchName: api.example}]}]"),
        {"web → api.example:443/tcp": False},
    ),
    "a name with its DNS rule": (
        policy(WEB + "  egress:\n  - toFQDNs: [{matchName: api.example}]" + DNS.replace("NAMES", "{matchPattern: '*.example'}")),
        {"web → api.example:443/tcp": True, "web → other.example:443/tcp": False},
    ),
    "a DNS rule for another name": (
        policy(WEB + "  egress:\n  - toFQDNs: [{matchName: api.example}]" + DNS.replace("NAMES", "{matchName: other.example}")),
        {"web → api.example:443/tcp": False},
    ),
    "a DNS rule without a look at names": (
        policy(WEB + "  egress:\n  - toFQDNs: [{matchName: api.example}]" + DNS.replace(", rules: {dns: [NAMES]}", "")),
        {"web → api.example:443/tcp": False, "web → coredns:53/udp": True},
    ),
    "DNS let through twice: the look at names sees all of them": (
        policy(WEB + "  egress:\n  - toFQDNs: [{matchName: api.example}]" + DNS.replace("NAMES", "{matchName: other.example}"))
        + policy(WEB + "  egress: [{toEntities: [cluster], toPorts: [{ports: [{port: '53'}]}]}]", "q"),
        {"web → api.example:443/tcp": True},
    ),
    "a star alone stands for one label, two for any depth": (
        policy(
            WEB
            + "  egress:\n  - toFQDNs: [{matchPattern: '*.one.example'}, {matchPattern: '**.two.example'}]"
            + DNS.replace("NAMES", "{matchPattern: '*'}")
        ),
        {
            "web → a.two.example:443/tcp": True,
            "web → a.b.two.example:443/tcp": True,
            "web → two.example:443/tcp": False,
            "web → a.one.example:443/tcp": None,
            "web → one.example:443/tcp": False,
        },
    ),
    "names never mean pods": (
        policy(WEB + "  egress:\n  - toFQDNs: [{matchPattern: '*'}]" + DNS.replace("NAMES", "{matchPattern: '*'}")),
        {"web → db:80/tcp": False, "web → api.example:443/tcp": True},
    ),
    "server names narrow the names": (
        policy(
            WEB
            + "  egress:\n  - toFQDNs: [{matchPattern: '**.example'}]\n"
            + "    toPorts: [{ports: [{port: '443', protocol: TCP}], serverNames: [api.example]}]"
            + DNS.replace("NAMES", "{matchPattern: '*'}")
        ),
        {"web → api.example:443/tcp": True, "web → b.example:443/tcp": False, "web → api.example:80/tcp": False},
    ),
    "an allow without requests voids those of another rule": (
        policy(
            WEB
            + "  egress:\n"
            + "  - {toEntities: [cluster], toPorts: [{ports: [{port: '5432'}], rules: {http: [{method: GET}]}}]}\n"
            + "  - {toEntities: [cluster], toPorts: [{ports: [{port: '5432'}]}]}"
        ),
        {"web → db:80/tcp POST /a": True, "web → db:80/tcp": True},
    ),
    "requests by expressions": (
        policy(
            WEB
            + "  egress:\n  - toEntities: [cluster]\n    toPorts:\n    - ports: [{port: '5432'}]\n"
            + "      rules: {http: [{method: 'GET|POST', path: '/execution/.*'}, {method: PUT, path: '/v[12]/a\\.b'}]}"
        ),
        {
            "web → db:80/tcp GET /execution/x/y": True,
            "web → db:80/tcp DELETE /execution/x": False,
            "web → db:80/tcp GET /execution": False,
            "web → db:80/tcp PUT /v2/a.b": True,
            "web → db:80/tcp PUT /v3/a.b": False,
            "web → db:80/tcp PUT /v1/axb": False,
            "web → db:80/tcp": False,
        },
    ),
    "expressions that no glob says are unknown": (
        policy(
            WEB
            + "  egress:\n  - toEntities: [cluster]\n    toPorts:\n    - ports: [{port: '5432'}]\n"
            + "      rules: {http: [{method: GET, path: '/v1/[^/]*'}, {method: PUT, headers: ['X-Team: one']}]}"
        ),
        {"web → db:80/tcp GET /v1/a": None, "web → db:80/tcp GET /v2": False, "web → db:80/tcp PUT /v1/a": None},
    ),
    "an empty list of requests restricts nothing": (
        policy(WEB + "  egress: [{toEntities: [cluster], toPorts: [{ports: [{port: '5432'}], rules: {http: []}}]}]"),
        {"web → db:80/tcp": True},
    ),
    "mutual authentication lets through whom it authenticates": (
        policy(WEB + "  egress: [{toEntities: [cluster], authentication: {mode: required}}]")
        + policy(DATABASE + "  egress: [{toEntities: [all], authentication: {mode: test-always-fail}}]", "q", "data"),
        {"web → db:80/tcp": True, "db → web:8080/tcp": False},
    ),
    "demands on the peers of all rules leave them open": (
        policy(WEB + "  egress: [{toEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: data}}]}]")
        + policy(WEB + "  egress: [{toRequires: [{matchLabels: {tier: back}}]}]", "q"),
        {"web → db:80/tcp": None, "web → agent:80/tcp": False},
    ),
    "several specifications": (
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: shop}\nspecs:\n"
        + "- {endpointSelector: {}, egress: [{toCIDR: [192.0.2.0/24]}]}\n- {endpointSelector: {}, ingress: [{}]}\n",
        {"web → 192.0.2.1:80/tcp": True, "web → db:80/tcp": False, "db → web:8080/tcp": False},
    ),
    "a policy of hosts is of pods on the host's network, where their firewall is on": (
        clusterwide(ON_HOSTS) + config("enable-host-firewall: 'true'"),
        {"agent → db:80/tcp": False, "agent → 192.0.2.1:80/tcp": True, "web → db:80/tcp": True},
    ),
    "where that is not known, it refuses perhaps": (
        clusterwide(ON_HOSTS),
        {"agent → db:80/tcp": None, "agent → 192.0.2.1:80/tcp": True, "web → db:80/tcp": True},
    ),
    "where it is off, it does nothing": (
        clusterwide(ON_HOSTS) + config("enable-host-firewall: 'false'"),
        {"agent → db:80/tcp": True, "agent → 192.0.2.1:80/tcp": True},
    ),
    "a policy of some hosts": (
        clusterwide("spec: {nodeSelector: {matchLabels: {pool: one}}, egress: [{toCIDR: [192.0.2.0/24]}]}")
        + config("enable-host-firewall: 'true'"),
        {"agent → db:80/tcp": None},
    ),
    "policies that are audited refuse nothing": (
        policy(DENIED) + config("policy-audit-mode: 'true'"),
        {"web → db:80/tcp": True, "web → db:443/tcp": True},
    ),
    "policies that are not enforced refuse nothing": (
        policy(DENIED) + config("enable-policy: never"),
        {"web → db:80/tcp": True, "web → db:443/tcp": True},
    ),
    "policies that are audited on some nodes refuse perhaps": (
        policy(DENIED)
        + "apiVersion: cilium.io/v2\nkind: CiliumNodeConfig\nmetadata: {name: some, namespace: kube-system}\n"
        + "spec: {nodeSelector: {}, defaults: {policy-audit-mode: 'true'}}\n---\n",
        {"web → db:80/tcp": True, "web → db:443/tcp": None},
    ),
    "where policies always hold, what none selects is denied as well": (
        policy(DENIED) + config("enable-policy: always"),
        {"web → db:80/tcp": False, "db → web:8080/tcp": False, "agent → 192.0.2.1:80/tcp": None},
    ),
    "but no host whose firewall is off": (
        policy(DENIED) + config("enable-policy: always, enable-host-firewall: 'false'"),
        {"agent → 192.0.2.1:80/tcp": True, "db → web:8080/tcp": False},
    ),
    "pods on the host's network are beyond others": (
        clusterwide("spec: {endpointSelector: {}, egress: [{}]}"),
        {"agent → db:80/tcp": True, "web → db:80/tcp": False},
    ),
}


@pytest.mark.parametrize("about", CASES)
def test_a_behaviour(about: str) -> None:
    text, expected = CASES[about]
    stack = stack_of(text)
    filters = list(read(stack))
    assert {asked: lets(stack, asked, filters) for asked in expected} == expected


def test_a_rule_is_named_as_an_engineer_finds_it() -> None:
    (egress,) = read(stack_of(policy(WEB + "  egress: [{}, {toFQDNs: [{matchName: api.example}]}]")))
    (rule,) = egress.rules
    assert rule.source.label == "CiliumNetworkPolicy shop/p egress[1] (no DNS rule shows Cilium such a name)"
    assert rule.source.position == "spec.egress[1]"
    assert (egress.gate, egress.name, egress.default) == ("cilium", "egress of pods", Action.DENY)


@pytest.mark.parametrize(
    "spec",
    [
        UNKNOWN,
        {"endpointSelector": UNKNOWN, "egress": [{}]},
        {"endpointSelector": {"matchLabels": {"app": UNKNOWN}}, "egress": [{}]},
        {"endpointSelector": {}, "egress": UNKNOWN},
        {"endpointSelector": {}, "egress": [UNKNOWN]},
        {"endpointSelector": {}, "egress": [{"toEndpoints": UNKNOWN}]},
        {"endpointSelector": {}, "egress": [{"toCIDR": [UNKNOWN]}]},
        {"endpointSelector": {}, "egress": [{"toCIDRSet": [{"cidr": "0.0.0.0/0", "except": UNKNOWN}]}]},
        {"endpointSelector": {}, "egress": [{"toEntities": ["world"], "toPorts": UNKNOWN}]},
        {"endpointSelector": {}, "egress": [{"toEntities": ["world"], "toPorts": [{"ports": [{"port": UNKNOWN}]}]}]},
        {"endpointSelector": {}, "egress": [{"toEntities": ["world"], "toPorts": [{"serverNames": UNKNOWN}]}]},
        {"endpointSelector": {}, "enableDefaultDeny": {"egress": UNKNOWN}, "egress": [{}]},
    ],
    ids=str,
)
def test_what_is_unknown_is_open(spec: Any) -> None:
    kind = "kubernetes:cilium.io/v2:CiliumNetworkPolicy"
    made = Resource(f"urn:pulumi:t::t::{kind}::p", kind, {"metadata": {"name": "p", "namespace": "shop"}, "spec": spec})
    stack = Stack([*stack_of("").resources, made])
    assert lets(stack, "web → 192.0.2.1:443/tcp") is None


def test_nothing_is_read_where_nothing_is() -> None:
    assert not list(read(stack_of("")))


MESHED = {
    "istio": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "meshed", "labels": {"istio-injection": "enabled"}}},
    "linkerd": {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "meshed", "labels": {"linkerd.io/inject": "enabled"}},
    },
    "consul": {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "meshed", "labels": {"consul.hashicorp.com/connect-inject": "true"}},
    },
}


@pytest.mark.parametrize("mesh", MESHED)
def test_requests_on_a_meshed_hop_are_not_seen(mesh: str) -> None:
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "meshed", "labels": {"app": name}},
            "spec": {"serviceAccountName": name, "containers": [{"name": "c"}]},
        }
        for name in ("one", "two")
    ]
    rule = "  ingress: [{fromEntities: [cluster], toPorts: [{ports: [{port: '80'}], rules: {http: [{method: GET}]}}]}]"
    text = policy("spec:\n  endpointSelector: {matchLabels: {app: two}}\n" + rule, namespace="meshed")
    stack = stack_of(text, MESHED[mesh], *pods)
    (found,) = meshed_l7(stack)
    assert (found.hop.caller, found.hop.destination, found.hop.mesh) == ("meshed/one", "meshed/two", mesh.capitalize())
    assert found.position == "spec.ingress[0]"
    assert f"put methods and paths into {mesh.capitalize()}'s policy at meshed/two" in found.fix
    assert lets(stack, "one → two:80/tcp GET /a") is None
    unseen = {reason for one in read(stack) for rule in one.rules for reason in rule.unseen}
    assert unseen == {f"requests of meshed/one to meshed/two, which {mesh.capitalize()} encrypts"}
    # From outside of the mesh Cilium reads them.
    alone = policy(
        "spec:\n  endpointSelector: {matchLabels: {app: two}}\n" + rule.replace("cluster", "world"), namespace="meshed"
    )
    assert not meshed_l7(stack_of(alone, MESHED[mesh], *pods))
    assert not any(rule.unseen for one in read(stack_of(alone, MESHED[mesh], *pods)) for rule in one.rules)


def _pod(name: str, **annotations: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "meshed", "labels": {"app": name}, "annotations": annotations},
        "spec": {"serviceAccountName": name, "containers": [{"name": "c"}]},
    }


_LINKERD, _CONSUL = "linkerd.io/inject", "consul.hashicorp.com/connect-inject"


@pytest.mark.parametrize(
    ("namespace", "one", "two", "mesh"),
    [
        ({_LINKERD: "enabled"}, {}, {}, "Linkerd"),
        ({_LINKERD: "ingress"}, {}, {}, "Linkerd"),
        ({}, {_LINKERD: "enabled"}, {_LINKERD: "ingress"}, "Linkerd"),
        ({_LINKERD: "enabled"}, {_LINKERD: "disabled"}, {}, None),
        ({}, {_LINKERD: "enabled"}, {}, None),
        ({}, {_CONSUL: "true"}, {_CONSUL: "true"}, "Consul"),
        ({}, {_CONSUL: "true"}, {_CONSUL: "false"}, None),
        ({}, {_LINKERD: "enabled"}, {_CONSUL: "true"}, None),
    ],
    ids=str,
)
def test_who_is_in_a_mesh_by_annotations(
    namespace: dict[str, str], one: dict[str, str], two: dict[str, str], mesh: str | None
) -> None:
    rule = "  ingress: [{fromEntities: [cluster], toPorts: [{ports: [{port: '80'}], rules: {http: [{method: GET}]}}]}]"
    text = policy("spec:\n  endpointSelector: {matchLabels: {app: two}}\n" + rule, namespace="meshed")
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "meshed", "annotations": namespace}}
    stack = stack_of(text, space, _pod("one", **one), _pod("two", **two))
    assert [found.hop.mesh for found in meshed_l7(stack) if found.hop.caller == "meshed/one"] == ([mesh] if mesh else [])
    if mesh:  # Nobody can say that Cilium sees these requests.
        assert lets(stack, "one → two:80/tcp GET /a") is None


def test_pods_of_an_environment_are_in_the_mesh_that_it_names() -> None:
    workloads = [
        {"namespace": "meshed", "serviceAccount": name, "labels": {"app": name}, "services": [{"name": name}]}
        for name in ("one", "two")
    ]
    environment = Resource("urn:pulumi:t::t::airlock::finance", HELM_ENVIRONMENT, {"workloads": workloads, "mesh": "consul"})
    rule = "  ingress: [{fromEntities: [cluster], toPorts: [{ports: [{port: '80'}], rules: {http: [{method: GET}]}}]}]"
    text = policy("spec:\n  endpointSelector: {matchLabels: {app: two}}\n" + rule, namespace="meshed")
    (found,) = meshed_l7(Stack([environment, *stack_of(text).resources]))
    assert (found.hop.caller, found.hop.mesh) == ("meshed/one", "Consul")
