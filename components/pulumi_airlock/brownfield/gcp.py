"""What `gcloud compute … --format=json` and `gcloud composer environments describe` print: the network around Cloud Composer.

Facts: Compute Engine API, `v1` (each resource says what it is in `kind`; a list is the resources alone), Cloud Composer API,
`v1.Environment`. Policies' rules have the same names there as in pulumi-gcp. Of Composer's configuration only what is of the
network is taken: variables and overrides hold secrets.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from ..environments.composer.read import ENVIRONMENT
from ..environments.composer.read import read as read_unplaced
from ..gates.gcp_firewall import kinds
from ..gates.gcp_firewall.links import plain
from ..gates.gcp_routes.read import PEER, PEERING, ROUTE, ROUTER
from ..gates.stack import UNKNOWN, Resource
from .making import NAME, Made, Source

_Item = Mapping[str, Any]

_KIND = "compute#"
_ENVIRONMENT = re.compile(r"projects/(?P<project>[^/]+)/locations/(?P<region>[^/]+)/environments/(?P<name>[^/]+)")
_FORMAT = "give the output of `gcloud … --format=json` as it is"
_COMMANDS = {
    "compute#firewall": "gcloud compute firewall-rules list",
    "compute#subnetwork": "gcloud compute networks subnets list",
    "compute#route": "gcloud compute routes list",
    "compute#router": "gcloud compute routers list",
    "compute#firewallPolicy": "gcloud compute network-firewall-policies describe, and firewall-policies of the organization",
}
"""What a network's answer needs beside it → the command that prints it."""


def recognizes(source: Source) -> bool:
    """Whether a file is the output of one of these commands."""
    return any(_kind(item) for document in source.documents for _, item in _items(document))


def _items(document: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if _is_ancestry(document):
        yield (), document
    elif isinstance(document, list):
        yield from (((number,), item) for number, item in enumerate(document))
    else:
        yield (), document


def _is_ancestry(document: Any) -> bool:
    """Whether it is what `gcloud projects get-ancestors` prints: a project, and what is above it."""
    parts = document if isinstance(document, list) else []
    alike = all(isinstance(one, Mapping) and one.keys() == {"id", "type"} for one in parts)
    return bool(parts) and alike and parts[0]["type"] == "project"


def _kind(item: Any) -> str:
    if _is_ancestry(item):
        return "ancestry"
    if not isinstance(item, Mapping):
        return ""
    kind, name = item.get("kind"), item.get("name")
    if isinstance(kind, str) and kind.startswith(_KIND):
        return kind
    is_environment = isinstance(name, str) and _ENVIRONMENT.fullmatch(name) and isinstance(item.get("config"), Mapping)
    return "environment" if is_environment else ""


def read(source: Source, made: Made) -> None:
    """Every resource of the file."""
    for document in source.documents:
        for path, item in _items(document):
            kind = _kind(item)
            if kind not in _READERS:
                what = f"{kind} is not read" if kind else "is nothing of Google Cloud's network"
                source.wrong(
                    (*path, "kind"), f"{what}: give networks, subnetworks, firewall rules and policies, routes and routers"
                )
                continue
            needed, lists, reader = _READERS[kind]
            wrong = [key for key in needed if not isinstance(item.get(key), str)]
            shapes = [key for key in lists if not _is_list_of_objects(item.get(key))]
            for key in wrong:
                source.wrong((*path, key), f"is not there, or no text: {_FORMAT}")
            for key in shapes:
                source.wrong((*path, key), f"is no list of objects: {_FORMAT}")
            if not wrong and not shapes:
                made.of_google.add(kind)
                try:
                    reader(item, made)
                except ValueError as error:
                    source.wrong(path, str(error))


def _is_list_of_objects(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(one, Mapping) for one in value))


def link(made: Made) -> None:
    """Ends with what lists say together: what of a network is not among the sources, is not known."""
    there = {plain(one.get("attachmentTarget")) for one in made.resources if one.type in kinds.GLOBAL_ASSOCIATION}
    for network, policy in made.attached:
        if plain(network) not in there:
            properties = {"attachmentTarget": network, "firewallPolicy": policy}
            made.add(kinds.GLOBAL_ASSOCIATION[0], f"{_last(network)}-{_last(policy)}", properties)
    networks = [one for one in made.resources if one.type in kinds.NETWORK and one.urn.startswith(f"urn:pulumi:{NAME}::")]
    for kind, command in _COMMANDS.items() if networks else ():
        if kind not in made.of_google:
            made.notes.append(f"{_MISSING[kind]}: give `{command} --format=json`")
    described = {plain(one.get("network")) for one in made.resources if one.type in kinds.SUBNETWORK}
    for one in networks:
        changed = dict(one.properties)
        # The default route is one of the list, which may lack it.
        changed["deleteDefaultRoutesOnCreate"] = True if "compute#route" in made.of_google else UNKNOWN
        if plain(one.get("selfLink", default=one.name)) in described:
            changed["autoCreateSubnetworks"] = False
        found = replace(one, properties=changed)
        at = made.resources.index(one)
        # Without its firewall rules a network is one of elsewhere: whatever they say is not known.
        made.resources[at : at + 1] = [found] if "compute#firewall" in made.of_google else []

    for unplaced in read_unplaced(made.stack()):
        reasons = ", ".join(unplaced.rules[0].unknown)
        made.notes.append(
            f"where the traffic of environment {unplaced.gate} comes from is not known ({reasons}): nothing of it is declared; "
            "give `gcloud compute networks subnets list` and `gcloud compute network-attachments list`, with --format=json"
        )


_MISSING = {
    "compute#firewall": "VPC firewall rules are not among the sources, so that nothing is known to be let through",
    "compute#subnetwork": "subnetworks are not among the sources, and with them where an environment's traffic comes from",
    "compute#route": "routes are not among the sources: whether a network has its default route is not known",
    "compute#router": "Cloud Routers are not among the sources: what they learn by BGP is not seen",
    "compute#firewallPolicy": "firewall policies are not among the sources: where there are any, what they say is not seen",
}


# --- what each becomes


def _add(made: Made, types: tuple[str, ...], item: _Item, properties: _Item, name: str = "") -> Resource:
    known = {key: value for key, value in properties.items() if value not in (None, "")}
    named = {"name": item["name"], "selfLink": item.get("selfLink"), "project": _project(item)} if "name" in item else {}
    return made.add(types[0], name or str(item["name"]), {**_said(named), **known})


def _said(properties: _Item) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if value is not None}


def _project(item: _Item) -> str | None:
    found = re.search(r"projects/([^/]+)/", str(item.get("selfLink", "")))
    return found[1] if found else None


def _last(value: Any) -> str | None:
    return str(value).rpartition("/")[2] if value else None


def _network(item: _Item, made: Made) -> None:
    properties = {
        "autoCreateSubnetworks": item.get("autoCreateSubnetworks", False),
        "routingMode": _object(item, "routingConfig").get("routingMode"),
        "networkFirewallPolicyEnforcementOrder": item.get("networkFirewallPolicyEnforcementOrder"),
    }
    network = _add(made, kinds.NETWORK, item, properties)
    for one in item.get("peerings") or ():
        if one.get("state") != "INACTIVE":
            link = {"network": network.get("selfLink", default=network.name), "peerNetwork": one.get("network")}
            made.add(PEERING[0], f"{network.name}-{one.get('name')}", {"name": one.get("name"), **link})
    if policy := item.get("firewallPolicy"):
        made.attached.append((str(item.get("selfLink") or item["name"]), str(policy)))


def _subnetwork(item: _Item, made: Made) -> None:
    properties = {key: item.get(key) for key in ("network", "ipCidrRange", "secondaryIpRanges")}
    _add(made, kinds.SUBNETWORK, item, {**properties, "region": _last(item.get("region"))})


def _attachment(item: _Item, made: Made) -> None:
    _add(made, kinds.ATTACHMENT, item, {"subnetworks": item.get("subnetworks"), "region": _last(item.get("region"))})


def _firewall(item: _Item, made: Made) -> None:
    same = ("network", "priority", "direction", "disabled", "sourceRanges", "destinationRanges", "sourceTags", "targetTags")
    properties = {key: item.get(key) for key in (*same, "sourceServiceAccounts", "targetServiceAccounts", "description")}
    blocks = {
        prop: [{"protocol": one.get("IPProtocol"), "ports": one.get("ports")} for one in item.get(key) or ()] or None
        for prop, key in (("allows", "allowed"), ("denies", "denied"))
    }
    _add(made, kinds.VPC_RULE, item, {**properties, **blocks})


def _policy(item: _Item, made: Made) -> None:
    """A policy with its rules, and what it is associated with."""
    region = _last(item.get("region"))
    hierarchical = str(item.get("parent", "")).startswith(("organizations/", "folders/"))
    if hierarchical:
        policy, association = kinds.HIERARCHICAL_WITH_RULES, kinds.HIERARCHICAL_ASSOCIATION
    elif region:
        policy, association = kinds.REGIONAL_WITH_RULES, kinds.REGIONAL_ASSOCIATION
    else:
        policy, association = kinds.GLOBAL_WITH_RULES, kinds.GLOBAL_ASSOCIATION
    shown = str(item.get("displayName") or item.get("shortName") or item["name"])
    # Rules of a feed or a proxy are for others; one of packets' mirroring decides nothing.
    _add(made, policy, item, {"rules": item.get("rules"), "parent": item.get("parent"), "region": region}, shown)
    for one in item.get("associations") or ():
        properties = {
            "name": one.get("name"),
            "attachmentTarget": one.get("attachmentTarget"),
            "firewallPolicy": item.get("selfLink") or item["name"],
            "priority": one.get("priority"),
            "region": region,
        }
        made.add(association[0], f"{shown}-{one.get('name')}", _said(properties))


def _route(item: _Item, made: Made) -> None:
    if item.get("nextHopNetwork") or item.get("nextHopPeering"):
        return  # a subnetwork's own, and a peer's: those are read with what brings them
    hops = ("nextHopGateway", "nextHopVpnTunnel", "nextHopIlb", "nextHopInstance", "nextHopIp")
    _add(made, ROUTE, item, {key: item.get(key) for key in ("network", "destRange", "priority", "tags", *hops)})


def _router(item: _Item, made: Made) -> None:
    router = _add(made, ROUTER, item, {"network": item.get("network"), "region": _last(item.get("region"))})
    for one in item.get("bgpPeers") or ():
        properties = {
            "name": one.get("name"),
            "router": router.get("selfLink", default=router.name),
            "enable": str(one.get("enable", "TRUE")).upper() != "FALSE",
            "customLearnedIpRanges": one.get("customLearnedIpRanges"),
            "importPolicies": one.get("importPolicies"),
        }
        made.add(PEER[0], f"{router.name}-{one.get('name')}", _said(properties))


def _environment(item: _Item, made: Made) -> None:
    found = _ENVIRONMENT.fullmatch(item["name"])
    assert found is not None  # noqa: S101  # `_kind` looked
    config = item["config"]
    node, private = _object(config, "nodeConfig"), _object(config, "privateEnvironmentConfig")
    cluster, policy = _object(private, "privateClusterConfig"), _object(node, "ipAllocationPolicy")
    ranges = ("clusterIpv4CidrBlock", "clusterSecondaryRangeName", "servicesIpv4CidrBlock", "servicesSecondaryRangeName")
    parts = {
        "nodeConfig": {
            **_some(node, "network", "subnetwork", "serviceAccount", "tags", "composerNetworkAttachment"),
            "ipAllocationPolicy": _some(policy, *ranges),
        },
        "softwareConfig": _some(_object(config, "softwareConfig"), "imageVersion"),
        "privateEnvironmentConfig": {
            **_some(private, "cloudSqlIpv4CidrBlock", "cloudComposerConnectionSubnetwork"),
            **_some(cluster, "masterIpv4CidrBlock"),
        },
    }
    properties = {"name": found["name"], "region": found["region"], "project": found["project"], "config": parts}
    made.add(ENVIRONMENT[0], found["name"], {"id": item["name"], **properties})


def _object(item: _Item, key: str) -> _Item:
    found = item.get(key)
    if found is not None and not isinstance(found, Mapping):
        raise ValueError(f"{key} is no object: {_FORMAT}")
    return found or {}


def _some(item: _Item, *keys: str) -> dict[str, Any]:
    return {key: item[key] for key in keys if item.get(key) not in (None, "", [])}


def _ancestry(document: Any, made: Made) -> None:
    """A project, and the folders and the organization above it, from the bottom up."""
    above = [f"{one['type']}s/{one['id']}" for one in document[1:]]
    first = {} if not above else {"orgId": above[0]} if above[0].startswith("organizations/") else {"folderId": above[0]}
    project = str(document[0]["id"])
    made.add(kinds.PROJECT[0], project, {"projectId": project, **first})
    for folder, parent in pairwise(above):
        made.add(kinds.FOLDER[0], folder.replace("/", "-"), {"name": folder, "parent": parent})


_READERS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], Callable[[Any, Made], None]]] = {
    "compute#network": (("name",), ("peerings",), _network),
    "compute#subnetwork": (("name", "network", "ipCidrRange"), ("secondaryIpRanges",), _subnetwork),
    "compute#networkAttachment": (("name",), (), _attachment),
    "compute#firewall": (("name", "network"), ("allowed", "denied"), _firewall),
    "compute#firewallPolicy": (("name",), ("rules", "associations"), _policy),
    "compute#route": (("name", "network", "destRange"), (), _route),
    "compute#router": (("name", "network"), ("bgpPeers",), _router),
    "environment": (("name",), (), _environment),
    "ancestry": ((), (), _ancestry),
}
"""Kind → the texts and the lists of objects that it needs, and what reads one."""
