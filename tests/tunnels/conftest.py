"""Runs a small Pulumi program in process and hands back what it registered: inputs, links, and which of them are secret."""

from collections.abc import Callable
from dataclasses import dataclass

import pulumi
import pulumi.runtime
import pytest
from google.protobuf import json_format
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto import resource_pb2
from pulumi_airlock.gates.sources import plain

OUTPUTS = {
    "aws:ec2/vpnConnection:VpnConnection": {
        f"tunnel{tunnel}{key}": value
        for tunnel in (1, 2)
        for key, value in {
            "Address": f"203.0.113.{tunnel}",
            "PresharedKey": f"made.by.aws.{tunnel}",
            "CgwInsideAddress": f"169.254.10.{4 * tunnel + 2}",
            "VgwInsideAddress": f"169.254.10.{4 * tunnel + 1}",
            "BgpAsn": "64512",
        }.items()
    },
    "gcp:compute/haVpnGateway:HaVpnGateway": {
        "vpnInterfaces": [{"id": number, "ipAddress": f"203.0.113.{number + 1}"} for number in (0, 1)]
    },
    "random:index/randomPassword:RandomPassword": {"result": "MadeByChanceMadeByChanceMade1234"},
}
"""What providers answer after an update."""


@dataclass
class Registered:
    """One resource as the engine was told of it."""

    type: str
    name: str
    parent: str
    inputs: dict
    secret: set[str]
    secret_outputs: set[str]
    deleted_first: bool
    depends_on: set[str]
    links: dict[str, set[str]]


def _holds_secret(value: object) -> bool:
    """Whether a value on the wire is a secret, or an object that has one."""
    if not isinstance(value, dict):
        return False
    return value.get(rpc._special_sig_key) == rpc._special_secret_sig or any(map(_holds_secret, value.values()))


class _Recorder(mocks.MockMonitor):
    def __init__(self, preview: bool) -> None:
        super().__init__(mocks=None)
        self.preview = preview
        self.found: list[Registered] = []

    def RegisterResource(self, request):  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        inputs = json_format.MessageToDict(request.object)
        if request.type != "pulumi:pulumi:Stack":
            self.found.append(
                Registered(
                    request.type,
                    request.name,
                    request.parent,
                    plain(inputs),
                    {key for key, value in inputs.items() if _holds_secret(value)},
                    set(request.additionalSecretOutputs),
                    request.deleteBeforeReplace,
                    {urn.rsplit("::")[-1] for urn in request.dependencies},
                    {key: {urn.rsplit("::")[-1] for urn in value.urns} for key, value in request.propertyDependencies.items()},
                )
            )
        id_ = "" if self.preview or not request.custom else f"id-of-{request.name}"
        answer = resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=request.object)
        answer.object.update({} if self.preview else OUTPUTS.get(request.type, {}))
        return answer


@pytest.fixture
def registered() -> Callable[..., list[Registered]]:
    """Runs a program; after an update unless told `preview=True`."""
    return run


def run(program: Callable[[], object], preview: bool = False) -> list[Registered]:
    recorder = _Recorder(preview)
    pulumi.runtime.set_mocks(None, project="bank", stack="test", preview=preview, monitor=recorder)
    pulumi.runtime.test(program)()
    return recorder.found
