"""What `aws ec2 describe-…` and `aws mwaa get-environment` print: the network around Amazon MWAA, with its real ids.

What readers of the AWS network do not look at is not imported: nothing of a customer gateway's configuration, which holds keys.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..gates.stack import Resource
from . import aws_transit
from .making import Made, Source

_Item = Mapping[str, Any]

_TARGETS = {
    "GatewayId": "gatewayId",
    "NatGatewayId": "natGatewayId",
    "TransitGatewayId": "transitGatewayId",
    "VpcPeeringConnectionId": "vpcPeeringConnectionId",
    "NetworkInterfaceId": "networkInterfaceId",
    "InstanceId": "instanceId",
    "EgressOnlyInternetGatewayId": "egressOnlyGatewayId",
    "CarrierGatewayId": "carrierGatewayId",
    "LocalGatewayId": "localGatewayId",
    "CoreNetworkArn": "coreNetworkArn",
}
"""Targets of a route (EC2 API Reference, "Route") → properties of pulumi-aws."""
_NEEDLESS = ("TransitGatewayRouteTables", "TransitGatewayVpcAttachments", "TransitGateways")
"""Lists of which others say all that is needed."""

_FORMS: Mapping[str, type] = {
    **dict.fromkeys(("Association", "CidrBlockState", "IcmpTypeCode", "NetworkConfiguration"), Mapping),
    **dict.fromkeys(("Options", "PortRange", "ReferencedGroupInfo"), Mapping),
    **dict.fromkeys(
        ("Associations", "CidrBlockAssociationSet", "Entries", "Groups", "PrivateIpAddresses", "Routes", "Tags"), dict
    ),
    **dict.fromkeys(("IpPermissions", "IpPermissionsEgress"), dict),
    **dict.fromkeys(("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"), dict),
    **dict.fromkeys(("Cidrs", "RouteTableIds", "SecurityGroupIds", "SubnetIds"), str),
}
"""Keys of items (EC2 API Reference) whose value is an object, or a list of objects (`dict`) or of texts (`str`)."""


def recognizes(source: Source) -> bool:
    """Whether a file is the output of one of these commands."""
    return any(isinstance(one, Mapping) and _kinds(one) for one in source.documents)


def _kinds(document: _Item) -> list[str]:
    found = [key for key in (*_READERS, *_NEEDLESS) if isinstance(document.get(key), list)]
    found += ["Routes"] if aws_transit.are_routes(document) else []
    environment = document.get("Environment")
    return [*found, *(["Environment"] if isinstance(environment, Mapping) and "NetworkConfiguration" in environment else [])]


def read(source: Source, made: Made) -> None:
    """Every resource of the file."""
    for document in source.documents:
        for kind in _kinds(document) if isinstance(document, Mapping) else ():
            if document.get("NextToken"):
                source.wrong(("NextToken",), "is the first page alone: run the command without --no-paginate and --max-items")
            if kind == "Routes":
                aws_transit.read_routes(source, document, made)
            elif kind == "Environment":
                _read_environment(source, document["Environment"], made)
            elif kind not in _NEEDLESS:
                _read_list(source, document[kind], kind, made)


def _read_environment(source: Source, item: _Item, made: Made) -> None:
    misshapen = list(_misshapen(item, ("Environment",)))
    for path, expected in misshapen:
        source.wrong(path, f"is no {expected}: give the output of `aws mwaa get-environment` as it is")
    if not misshapen:
        _environment(item, made)


def _read_list(source: Source, items: list[Any], kind: str, made: Made) -> None:
    id_key, reader = _READERS[kind]
    for index, item in enumerate(items):
        if not isinstance(item, Mapping) or not isinstance(item.get(id_key), str):
            source.wrong((kind, index), f"has no {id_key}: give the output of `aws ec2 describe-…` as it is, without --query")
            continue
        if misshapen := list(_misshapen(item, (kind, index))):
            for path, expected in misshapen:
                source.wrong(path, f"is no {expected}: give the output of `aws ec2 describe-…` as it is, without --query")
            continue
        reader(item, made)


def _misshapen(item: _Item, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What of an item has not the form that the API gives it."""
    for key, value in item.items():
        here = (*path, key)
        if value is None or not (form := _FORMS.get(key)):
            continue
        if form is Mapping:
            yield from _misshapen(value, here) if isinstance(value, Mapping) else [(here, "object")]
        elif not isinstance(value, list):
            yield here, "list"
        else:
            for index, one in enumerate(value):
                if isinstance(one, dict) and form is dict:
                    yield from _misshapen(one, (*here, index))
                elif not isinstance(one, form):
                    yield (*here, index), "object" if form is dict else "text"


def link(made: Made) -> None:
    """Ties resources together by their ids, as property dependencies do in a stack; gateway endpoints get their prefix lists."""
    aws_transit.finish(made)
    by_id = {one.properties["id"]: one.urn for one in made.resources if isinstance(one.properties.get("id"), str)}
    lists = _prefix_lists(made.resources)

    def linked(one: Resource) -> Resource:
        known = lists.get(str(one.get("id")))
        properties = {**one.properties, **({"prefixListId": known} if known and one.get("prefixListId") is None else {})}
        found = {prop: _urns(value, by_id, one.urn) for prop, value in properties.items() if prop != "id"}
        return replace(one, properties=properties, property_dependencies={prop: urns for prop, urns in found.items() if urns})

    def is_bare(one: Resource) -> bool:
        return one.type.startswith("aws:") and not one.property_dependencies

    made.resources = [linked(one) if is_bare(one) else one for one in made.resources]


def _urns(value: Any, by_id: Mapping[str, str], own: str) -> tuple[str, ...]:
    found = (by_id[text] for text in _texts(value) if text in by_id)
    return tuple(dict.fromkeys(urn for urn in found if urn != own))


def _prefix_lists(resources: Iterable[Resource]) -> dict[str, str]:
    """Gateway endpoint → AWS's prefix list behind it: only the routes to it tell."""
    routes = (one for table in resources for one in table.get_list("routes") if isinstance(one, Mapping))
    return {
        str(one["gatewayId"]): str(one["destinationPrefixListId"])
        for one in routes
        if str(one.get("gatewayId", "")).startswith("vpce-") and one.get("destinationPrefixListId")
    }


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _add(made: Made, module: str, kind: str, item: _Item, id_: str, properties: _Item) -> None:
    member = kind[0].lower() + kind[1:]
    name = next((tag.get("Value") for tag in item.get("Tags") or () if tag.get("Key") == "Name" and tag.get("Value")), id_)
    known = {key: value for key, value in properties.items() if value is not None}
    made.add(f"aws:{module}/{member}:{kind}", str(name), {"id": id_, **known})


def _environment(item: _Item, made: Made) -> None:
    network = item.get("NetworkConfiguration") or {}
    ids = {"subnetIds": network.get("SubnetIds") or [], "securityGroupIds": network.get("SecurityGroupIds") or []}
    name = str(item.get("Name"))
    properties = {"name": name, "networkConfiguration": ids, "webserverAccessMode": item.get("WebserverAccessMode")}
    _add(
        made,
        "mwaa",
        "Environment",
        {},
        name,
        {**properties, "airflowVersion": item.get("AirflowVersion"), "arn": item.get("Arn")},
    )


def _vpc(item: _Item, made: Made) -> None:
    _add(made, "ec2", "Vpc", item, item["VpcId"], {"cidrBlock": item.get("CidrBlock")})
    for more in item.get("CidrBlockAssociationSet") or ():
        state = (more.get("CidrBlockState") or {}).get("State")
        if more.get("CidrBlock") != item.get("CidrBlock") and state in (None, "associated", "associating"):
            properties = {"vpcId": item["VpcId"], "cidrBlock": more.get("CidrBlock")}
            _add(made, "ec2", "VpcIpv4CidrBlockAssociation", {}, str(more.get("AssociationId")), properties)


def _subnet(item: _Item, made: Made) -> None:
    properties = {"vpcId": item.get("VpcId"), "cidrBlock": item.get("CidrBlock")}
    _add(made, "ec2", "Subnet", item, item["SubnetId"], properties)


def _security_group(item: _Item, made: Made) -> None:
    blocks = {
        prop: [block for one in item.get(key) or () for block in _permission(one)]
        for prop, key in (("ingress", "IpPermissions"), ("egress", "IpPermissionsEgress"))
    }
    named = {**item, "Tags": item.get("Tags") or [{"Key": "Name", "Value": item.get("GroupName")}]}
    _add(made, "ec2", "SecurityGroup", named, item["GroupId"], {"vpcId": item.get("VpcId"), **blocks})


def _permission(item: _Item) -> Iterator[dict[str, Any]]:
    """One block for each peer, since each has a description of its own."""
    what = {"protocol": item.get("IpProtocol"), "fromPort": item.get("FromPort"), "toPort": item.get("ToPort")}
    peers = (
        ("IpRanges", "CidrIp", "cidrBlocks"),
        ("Ipv6Ranges", "CidrIpv6", "ipv6CidrBlocks"),
        ("PrefixListIds", "PrefixListId", "prefixListIds"),
        ("UserIdGroupPairs", "GroupId", "securityGroups"),
    )
    for key, field, prop in peers:
        for one in item.get(key) or ():
            yield {**what, prop: [one.get(field)], "description": one.get("Description", "")}


def _security_group_rule(item: _Item, made: Made) -> None:
    direction = "Egress" if item.get("IsEgress") else "Ingress"
    properties = {
        "securityGroupId": item.get("GroupId"),
        "ipProtocol": item.get("IpProtocol"),
        "fromPort": item.get("FromPort"),
        "toPort": item.get("ToPort"),
        "cidrIpv4": item.get("CidrIpv4"),
        "cidrIpv6": item.get("CidrIpv6"),
        "prefixListId": item.get("PrefixListId"),
        "referencedSecurityGroupId": (item.get("ReferencedGroupInfo") or {}).get("GroupId"),
        "description": item.get("Description"),
    }
    _add(made, "vpc", f"SecurityGroup{direction}Rule", item, item["SecurityGroupRuleId"], properties)


def _network_acl(item: _Item, made: Made) -> None:
    sides: dict[str, list[dict[str, Any]]] = {"egress": [], "ingress": []}
    for one in item.get("Entries") or ():
        ports, icmp = one.get("PortRange") or {}, one.get("IcmpTypeCode") or {}
        sides["egress" if one.get("Egress") else "ingress"].append(
            {
                "ruleNo": one.get("RuleNumber"),
                "action": one.get("RuleAction"),
                "protocol": one.get("Protocol"),
                "cidrBlock": one.get("CidrBlock"),
                "ipv6CidrBlock": one.get("Ipv6CidrBlock"),
                "fromPort": ports.get("From"),
                "toPort": ports.get("To"),
                "icmpType": icmp.get("Type"),
                "icmpCode": icmp.get("Code"),
            }
        )
    subnets = [one.get("SubnetId") for one in item.get("Associations") or ()]
    _add(made, "ec2", "NetworkAcl", item, item["NetworkAclId"], {"vpcId": item.get("VpcId"), "subnetIds": subnets, **sides})


def _route_table(item: _Item, made: Made) -> None:
    table = item["RouteTableId"]
    # The local route is every table's own, and propagated routes stand among the others with what they lead to.
    routes = [_route(one) for one in item.get("Routes") or () if one.get("GatewayId") != "local"]
    _add(made, "ec2", "RouteTable", item, table, {"vpcId": item.get("VpcId"), "routes": routes})
    for one in item.get("Associations") or ():
        id_ = str(one.get("RouteTableAssociationId"))
        if one.get("Main"):
            _add(made, "ec2", "MainRouteTableAssociation", {}, id_, {"vpcId": item.get("VpcId"), "routeTableId": table})
        elif one.get("SubnetId"):
            _add(made, "ec2", "RouteTableAssociation", {}, id_, {"subnetId": one.get("SubnetId"), "routeTableId": table})


def _route(item: _Item) -> dict[str, Any]:
    found = {prop: item[key] for key, prop in _TARGETS.items() if item.get(key)}
    # A gateway endpoint is a target by its id as any gateway is; its prefix list has the endpoint's service as a name.
    return {
        **found,
        "cidrBlock": item.get("DestinationCidrBlock", ""),
        "ipv6CidrBlock": item.get("DestinationIpv6CidrBlock", ""),
        "destinationPrefixListId": item.get("DestinationPrefixListId", ""),
        "state": item.get("State", "active"),
    }


def _endpoint(item: _Item, made: Made) -> None:
    properties = {
        "vpcId": item.get("VpcId"),
        "serviceName": item.get("ServiceName"),
        "vpcEndpointType": item.get("VpcEndpointType"),
        "subnetIds": item.get("SubnetIds") or [],
        "routeTableIds": item.get("RouteTableIds") or [],
        "securityGroupIds": [one.get("GroupId") for one in item.get("Groups") or ()],
    }
    _add(made, "ec2", "VpcEndpoint", item, item["VpcEndpointId"], properties)


def _prefix_list(item: _Item, made: Made) -> None:
    entries = [{"cidr": cidr} for cidr in item.get("Cidrs") or ()]
    if entries:
        named = {"Tags": [{"Key": "Name", "Value": item.get("PrefixListName")}]}
        _add(made, "ec2", "ManagedPrefixList", named, item["PrefixListId"], {"entries": entries})


def _interface(item: _Item, made: Made) -> None:
    properties = {
        "subnetId": item.get("SubnetId"),
        "privateIps": [one.get("PrivateIpAddress") for one in item.get("PrivateIpAddresses") or ()],
        "securityGroups": [one.get("GroupId") for one in item.get("Groups") or ()],
    }
    _add(made, "ec2", "NetworkInterface", item, item["NetworkInterfaceId"], properties)


def _vpn(item: _Item, made: Made) -> None:
    static = (item.get("Options") or {}).get("StaticRoutesOnly")
    properties = {
        "vpnGatewayId": item.get("VpnGatewayId"),
        "transitGatewayId": item.get("TransitGatewayId"),
        "customerGatewayId": item.get("CustomerGatewayId"),
        "staticRoutesOnly": static,
    }
    _add(made, "ec2", "VpnConnection", item, item["VpnConnectionId"], properties)


_READERS: Mapping[str, tuple[str, Callable[[_Item, Made], None]]] = {
    "Vpcs": ("VpcId", _vpc),
    "Subnets": ("SubnetId", _subnet),
    "SecurityGroups": ("GroupId", _security_group),
    "SecurityGroupRules": ("SecurityGroupRuleId", _security_group_rule),
    "NetworkAcls": ("NetworkAclId", _network_acl),
    "RouteTables": ("RouteTableId", _route_table),
    "VpcEndpoints": ("VpcEndpointId", _endpoint),
    "PrefixLists": ("PrefixListId", _prefix_list),
    "NetworkInterfaces": ("NetworkInterfaceId", _interface),
    "VpnConnections": ("VpnConnectionId", _vpn),
    "TransitGatewayAttachments": ("TransitGatewayAttachmentId", aws_transit.attachment),
}
"""Key of a command's output → the key of its items' ids, and what reads one."""
