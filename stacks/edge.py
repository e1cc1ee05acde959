"""The FortiGate at the edge of the bank's network: what the stacks say of it, and the Pulumi provider that manages it."""

import pulumi
from pulumi_airlock.errors import Problems
from pulumi_airlock.gates.fortigate.dialect import Dialect, Sdk, check_sdk
from reading import Part


class Fortigate(Part):
    """The device."""

    hostname: str
    timezone: str
    dialect: Dialect = "pulumiverse"
    """Which Pulumi package manages it, by its FortiOS: up to 7.4.4 `pulumiverse`, from 7.4.5 on `terraform-provider`."""
    wan_interface: str
    tunnel_zone: str
    """The zone that the tunnels' interfaces are put in."""
    interfaces: dict[str, str]
    """Zone of the access file → the interface that leads to it."""

    def provider(self) -> pulumi.ProviderResource:
        """The device's provider. Its API token comes from FORTIOS_ACCESS_TOKEN, never from the program.

        InputError where the dialect's package is missing.
        """
        problems = Problems(f"Pulumi.{pulumi.get_stack()}.yaml")
        check_sdk(problems, self.dialect, None, "airlock:fortigate.dialect")
        problems.raise_any()
        made: pulumi.ProviderResource = Sdk(self.dialect).provider("edge", hostname=self.hostname)
        return made
