"""One platform for each stack; what differs between stacks stands in their settings and access files."""

from pathlib import Path

import pulumi
import pulumiverse_fortios as fortios
from bank_platform import AirflowPlatform, Firewall, Unit
from pulumi_airlock.access import load

HERE = Path(__file__).parent
config = pulumi.Config()
firewall = config.require_object("firewall")
units = {
    name: Unit(
        dags=HERE / "dags" / name, workers=one["workers"], subnets=one["subnets"], size=one.get("environmentClass", "mw1.small")
    )
    for name, one in config.require_object("units").items()
}
platform = AirflowPlatform(
    "bank",
    access=load(HERE / "access" / f"{pulumi.get_stack()}.yaml"),
    cidr=config.require("cidr"),
    units=units,
    firewall=Firewall(firewall["address"], firewall["wanInterface"], firewall["datacenterInterface"]),
    opts=pulumi.ResourceOptions(providers=[fortios.Provider("edge", hostname=firewall["hostname"])]),
)
pulumi.export("webservers", platform.webserver_urls)
