"""The routes of a VPC network in Google Cloud: where an environment of Cloud Composer has a way to, and where it has none.

Nothing is compiled here: tunnels bring routes, and a network has those of its subnetworks by itself. `read` reads them; `learned`
is about those that Cloud Router takes from a device.
"""

from .read import read

__all__ = ["read"]
