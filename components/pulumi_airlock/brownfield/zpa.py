"""What ZPA's API answers: segments, segment groups, server groups, access and forwarding rules, as pages or bare lists.

(`GET /mgmtconfig/v1/admin/customers/{id}/application`, `/segmentGroup`, `/serverGroup`, and
`/policySet/rules/policyType/ACCESS_POLICY`.) Names of fields are the API's own, as the provider has them too.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ..tokens import ZPA_GATE
from .making import Made, Source

_Item = Mapping[str, Any]

PROVIDER = "zpa"
_SEGMENT, _SEGMENT_GROUP = "zpa:index/applicationSegment:ApplicationSegment", "zpa:index/segmentGroup:SegmentGroup"
_SERVER_GROUP, _CONNECTOR_GROUP = "zpa:index/serverGroup:ServerGroup", "zpa:index/connectorGroup:ConnectorGroup"
_ACCESS_RULE = "zpa:index/policyAccessRule:PolicyAccessRule"
_FORWARDING_RULE = "zpa:index/policyAccessForwardingRule:PolicyAccessForwardingRule"
_OTHER_RULE = "rule"
"""Of sessions, inspection, isolation: it decides nothing about who gets where."""
_DUAL = "DUAL_POLICY_EVAL"
"""What the API calls a segment whose rules are asked for names and for addresses; the provider has it as a flag."""
_FORWARDING = ("INTERCEPT", "INTERCEPT_ACCESSIBLE", "BYPASS")
_ACCESS = ("ALLOW", "DENY", "REQUIRE_APPROVAL")

_KINDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    _SEGMENT: (
        ("domainNames",),
        (
            "domainNames",
            "tcpPortRange",
            "tcpPortRanges",
            "udpPortRange",
            "udpPortRanges",
            "segmentGroupId",
            "segmentGroupName",
            "bypassType",
            "icmpAccessType",
            "matchStyle",
            "policyStyle",
            "serverGroups",
            "enabled",
        ),
    ),
    _ACCESS_RULE: (("action", "conditions"), ("action", "conditions", "operator", "ruleOrder", "description")),
    _SERVER_GROUP: (("dynamicDiscovery",), ("enabled", "dynamicDiscovery", "appConnectorGroups")),
    _CONNECTOR_GROUP: (("latitude",), ("enabled",)),
    _SEGMENT_GROUP: (("applications",), ("enabled", "applications")),
}
"""Type → the fields by which its objects are known, and those that are imported. The first that fits is it."""


def recognizes(source: Source) -> bool:
    """Whether a file is an answer of this API."""
    return any(_kind(item) for document in source.documents for _, item in _items(document))


def _items(document: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    listed = document.get("list") if isinstance(document, Mapping) else document
    path: tuple[str | int, ...] = ("list",) if isinstance(document, Mapping) else ()
    for index, item in enumerate(listed if isinstance(listed, list) else ()):
        yield (*path, index), item


def _kind(item: Any) -> str:
    if not isinstance(item, Mapping):
        return ""
    found = next((type_ for type_, (fields, _) in _KINDS.items() if all(field in item for field in fields)), "")
    return found if found != _ACCESS_RULE else _rule(item)


def _rule(item: _Item) -> str:
    action = str(item.get("action"))
    return _ACCESS_RULE if action in _ACCESS else _FORWARDING_RULE if action in _FORWARDING else _OTHER_RULE


def read(source: Source, made: Made) -> None:
    """Every object of the file."""
    parent = _gate(made)
    for document in source.documents:
        _check_pages(source, document)
        for path, item in _items(document):
            kind = _kind(item)
            if kind == _OTHER_RULE:
                continue
            if not kind:
                source.wrong(
                    path,
                    "is nothing of ZPA's that is read: segments, segment groups, server groups, connector groups and rules are",
                )
            elif not isinstance(item.get("id"), str):
                source.wrong(path, "has no id: give the API's answer as it is")
            else:
                fields = _KINDS[_ACCESS_RULE if kind == _FORWARDING_RULE else kind][1]
                properties = {field: item[field] for field in fields if item.get(field) is not None}
                if kind == _SEGMENT:
                    properties["policyStyle"] = item.get("policyStyle") == _DUAL
                name = str(item.get("name") or item["id"])
                made.add(kind, name, {"id": item["id"], "name": name, **properties}, parent=parent, provider=_provider(made))


def _check_pages(source: Source, document: Any) -> None:
    """A page alone leaves something out, which would be read as if it were not there."""
    if isinstance(document, Mapping) and str(document.get("totalPages", "1")) not in ("0", "1"):
        total, held = str(document.get("totalCount", "")), len(document.get("list") or ())
        if total != str(held):
            message = f"is one of {document['totalPages']} pages: ask with pagesize=500, or put all pages' lists into one"
            source.wrong(("totalPages",), message)


def _provider(made: Made) -> str:
    urn = next((one.urn for one in made.resources if one.type == "pulumi:providers:zpa"), "")
    return urn or made.add("pulumi:providers:zpa", PROVIDER, {}).urn


def _gate(made: Made) -> str:
    """The component that says which Cloud Connector groups are whose; nothing where nobody says."""
    known = next((one.urn for one in made.resources if one.type == ZPA_GATE), "")
    workloads = [
        {"kind": "EDGE_CONNECTOR_GROUP", "id": group, "environment": one.name}
        for one in made.options.environments
        for group in one.connector_groups
    ]
    return known or (
        made.add(ZPA_GATE, PROVIDER, {"gate": PROVIDER, "workloads": workloads}, custom=False).urn if workloads else ""
    )
