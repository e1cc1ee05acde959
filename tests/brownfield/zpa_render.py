"""A stack's ZPA objects as ZPA's API answers: pages with a `list`, rules with the operands of the first version."""

from typing import Any

from pulumi_airlock.gates.stack import Resource, Stack

FIELDS = ("name", "enabled", "domainNames", "bypassType", "icmpAccessType", "matchStyle", "segmentGroupId")


def answered(stack: Stack) -> dict[str, Any]:
    """Path of the request → its answer."""
    order = {
        str(entry["id"]): str(entry["order"])
        for one in stack.of_type("zpa:index/policyAccessReorderRule:PolicyAccessReorderRule")
        if one.get("policyType") == "ACCESS_POLICY"
        for entry in one.get_list("rules")
    }
    return {
        "application": page([segment(one) for one in of(stack, "applicationSegment")]),
        "segmentGroup": page([{**own(one), "applications": []} for one in of(stack, "segmentGroup")]),
        "serverGroup": page([server_group(one) for one in of(stack, "serverGroup")]),
        "rules": page([rule(one, order) for one in of(stack, "policyAccessRuleV2")]),
    }


def of(stack: Stack, kind: str) -> list[Resource]:
    return list(stack.of_type(f"zpa:index/{kind}:{kind[0].upper()}{kind[1:]}"))


def page(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"totalPages": "1", "totalCount": str(len(items)), "list": items}


def own(one: Resource) -> dict[str, Any]:
    return {"id": one.get("id"), "name": one.get("name"), "enabled": one.get("enabled"), "modifiedBy": "72057594037928508"}


def segment(one: Resource) -> dict[str, Any]:
    ports = {prop: one.get(prop) or [] for prop in ("tcpPortRange", "udpPortRange")}
    flat = {f"{prop}s": [end for span in spans for end in (span["from"], span["to"])] for prop, spans in ports.items()}
    groups = [{"id": id_, "name": "servers"} for entry in one.get_list("serverGroups") for id_ in entry["ids"]]
    return {**own(one), **{key: one.get(key) for key in FIELDS}, **ports, **flat, "serverGroups": groups, "policyStyle": "NONE"}


def server_group(one: Resource) -> dict[str, Any]:
    groups = [{"id": id_} for entry in one.get_list("appConnectorGroups") for id_ in entry["ids"]]
    return {**own(one), "dynamicDiscovery": one.get("dynamicDiscovery"), "appConnectorGroups": groups}


def rule(one: Resource, order: dict[str, str]) -> dict[str, Any]:
    conditions = [
        {
            "operator": entry["operator"],
            "negated": False,
            "operands": [each for found in entry["operands"] for each in operands(found)],
        }
        for entry in one.get_list("conditions")
    ]
    placed = {"ruleOrder": order[str(one.get("id"))], "policyType": "1", "policySetId": "72058304855015424"}
    return {**own(one), **placed, "action": one.get("action"), "operator": one.get("operator"), "conditions": conditions}


def operands(found: dict[str, Any]) -> list[dict[str, Any]]:
    single = [{"objectType": found["objectType"], "lhs": "id", "rhs": value} for value in found.get("values") or ()]
    pairs = [{"objectType": found["objectType"], "lhs": one["lhs"], "rhs": one["rhs"]} for one in found.get("entryValues") or ()]
    return [*single, *pairs]
