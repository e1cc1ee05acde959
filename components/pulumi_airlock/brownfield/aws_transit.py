"""What `aws ec2 …-transit-gateway-…` prints: attachments, with the table that each is associated with, and the tables' routes.

The answer of `search-transit-gateway-routes` does not say whose routes they are: the file is called after its table, as in
`tgw-rtb-0a1b2c3d4e5f67890.json`.
"""

import re
from collections.abc import Mapping
from typing import Any

from ..gates.aws_network.read_transit import ATTACHMENT, TABLE
from ..gates.stack import UNKNOWN, Resource
from .making import Made, Source

_Item = Mapping[str, Any]
_TABLE_ID = re.compile(r"tgw-rtb-[0-9a-f]+")
COMMAND = "aws ec2 search-transit-gateway-routes --transit-gateway-route-table-id ID --filters Name=state,Values=active,blackhole"


def are_routes(document: _Item) -> bool:
    """Whether it is an answer of `search-transit-gateway-routes`."""
    return isinstance(document.get("Routes"), list) and "AdditionalRoutesAvailable" in document


def read_routes(source: Source, document: _Item, made: Made) -> None:
    """The routes of the table that the file is called after."""
    found = _TABLE_ID.search(source.path.name)
    if found is None:
        source.wrong(("Routes",), "does not say of which table they are: call the file after it, as in tgw-rtb-0a1b2c3d.json")
        return
    if document["AdditionalRoutesAvailable"]:
        source.wrong(("AdditionalRoutesAvailable",), "are not all routes: ask for them in parts, by --filters, one file each")
        return
    routes = made.transit_routes.setdefault(found[0], [])
    for index, item in enumerate(document["Routes"]):
        where = ("Routes", index)
        if not isinstance(item, Mapping) or not (item.get("DestinationCidrBlock") or item.get("PrefixListId")):
            source.wrong(where, f"has neither DestinationCidrBlock nor PrefixListId: give the output of `{COMMAND}` as it is")
            continue
        routes.append(
            {
                "destinationCidrBlock": item.get("DestinationCidrBlock", ""),
                "prefixListId": item.get("PrefixListId", ""),
                # A route of a state on its way, `pending` or `deleting`, may lead on.
                "blackhole": item.get("State") in ("blackhole", "deleted"),
            }
        )


def attachment(item: _Item, made: Made) -> None:
    """An attachment of a VPC, and its association; where others lead, the tables' routes say."""
    if item.get("ResourceType") != "vpc" or item.get("State") in ("deleted", "deleting", "failed", "rejected"):
        return
    id_, table = str(item["TransitGatewayAttachmentId"]), item.get("Association") or {}
    properties = {
        "id": id_,
        "transitGatewayId": item.get("TransitGatewayId"),
        "vpcId": item.get("ResourceId"),
        "transitGatewayDefaultRouteTableAssociation": False,  # what it is associated with, is told
    }
    made.add(ATTACHMENT[0], id_, properties)
    table_id = table.get("TransitGatewayRouteTableId")
    if table_id and table.get("State") in (None, "associated", "associating"):
        type_ = "aws:ec2transitgateway/routeTableAssociation:RouteTableAssociation"
        properties = {"transitGatewayAttachmentId": id_, "transitGatewayRouteTableId": table_id}
        made.add(type_, f"{id_}-{table_id}", {"id": f"{table_id}_{id_}", **properties})
        made.transit_tables.add(str(table_id))


def finish(made: Made) -> None:
    """The tables that attachments are associated with, each with its routes, or with the word that nobody gave them."""
    for table in sorted(made.transit_tables):
        routes = made.transit_routes.get(table)
        if routes is None:
            made.notes.append(
                f"{table}: a transit gateway's routes are not among the sources: give `{COMMAND}`, called {table}.json"
            )
        made.add(TABLE[0], table, {"id": table, "routes": UNKNOWN if routes is None else routes})
    attached = {(str(one.get("transitGatewayId")), str(one.get("vpcId"))) for one in made.resources if one.type in ATTACHMENT}
    for gateway in sorted({gateway for one in made.resources for gateway in _gateways(one, attached)}):
        made.notes.append(
            f"{gateway}: what this transit gateway's own tables refuse is not seen: give "
            f"`aws ec2 describe-transit-gateway-attachments` and, of each table, `{COMMAND}`"
        )


def _gateways(table: Resource, attached: set[tuple[str, str]]) -> set[str]:
    """The transit gateways to which a VPC's route table leads, without an attachment that says how they go on."""
    routes = table.get_list("routes") if table.type == "aws:ec2/routeTable:RouteTable" else ()
    found = {str(one["transitGatewayId"]) for one in routes if isinstance(one, Mapping) and one.get("transitGatewayId")}
    return {one for one in found if (one, str(table.get("vpcId"))) not in attached}
