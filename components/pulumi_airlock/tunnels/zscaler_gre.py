"""A GRE tunnel to Zscaler, which a router of one's own begins: AWS has no managed one to a third party."""

import pulumi
import zscaler_pulumi_zia as zia

from ..errors import Problems
from .checks import check_public_address
from .zscaler_location import check_location, make_location


class ZscalerGre(pulumi.ComponentResource):
    """Zscaler's end of a GRE tunnel that a router in the VPC begins, and the location that it belongs to.

    The router and its public address are one's own. GRE is not encrypted: take IPsec where the traffic itself is not.

    Args:
        source_address: the router's public address (an Elastic IP).
        location_name: Zscaler's name of the location; the component's unless given (32 characters).
        within_country: whether both of Zscaler's ends have to be in the router's country.
        country, tz: Zscaler's names of country and time zone of the location.

    Raises:
        InputError: every argument that Zscaler would refuse.
    """

    location_id: pulumi.Output[int]
    """ZIA's number of the tunnel's location."""

    def __init__(
        self,
        name: str,
        *,
        source_address: str,
        location_name: str | None = None,
        within_country: bool = True,
        country: str | None = None,
        tz: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        problems = Problems(name)
        check_public_address(problems, "source_address", source_address)
        check_location(problems, location_name or name)
        problems.raise_any()
        super().__init__("airlock:index:ZscalerGre", name, {"sourceAddress": source_address}, opts)
        child = pulumi.ResourceOptions(parent=self)
        static = zia.TrafficForwardingStaticIp(
            f"{name}-address", ip_address=source_address, routable_ip=True, comment=f"GRE {name}", opts=child
        )
        tunnel = zia.TrafficForwardingGreTunnel(
            f"{name}-tunnel",
            source_ip=static.ip_address,
            within_country=within_country,
            ip_unnumbered=True,
            comment=f"GRE {name}",
            opts=child,
        )
        self.location_id = make_location(
            self, name, location_name, country, tz, ip_addresses=[static.ip_address], vpn_credentials=[], after=[tunnel]
        )
        self.register_outputs({"locationId": self.location_id})
