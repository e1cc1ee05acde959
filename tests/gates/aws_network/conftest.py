"""Runs a small Pulumi program in process and hands back what it registered, as readers see it: at preview, or after an update."""

import sys
from collections.abc import Callable
from pathlib import Path

import pulumi
import pulumi.runtime
import pytest
from google.protobuf import json_format
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2
from pulumi_airlock.gates.sources import resource_from_wire
from pulumi_airlock.gates.stack import Resource, Stack

sys.path.insert(0, str(Path(__file__).parent))

OUTPUTS = {
    "aws:ec2/vpc:Vpc": {
        "defaultNetworkAclId": "acl-default",
        "mainRouteTableId": "rtb-main",
        "defaultSecurityGroupId": "sg-default",
    },
    "aws:ec2/vpcEndpoint:VpcEndpoint": {"prefixListId": "pl-of-the-endpoint"},
}
"""Outputs that are known after an update."""


class _Recorder(mocks.MockMonitor):
    """Answers registrations with their inputs, and notes each with its links."""

    def __init__(self, preview: bool) -> None:
        super().__init__(mocks=None)
        self.preview = preview
        self.found: dict[str, Resource] = {}
        self.outputs: dict[str, dict] = {}
        self.requests: dict[str, resource_pb2.RegisterResourceRequest] = {}

    def RegisterResource(self, request):  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        self.requests[urn] = request
        id_ = "" if self.preview or not request.custom else f"{request.type.split(':')[-1].lower()}-{request.name}"
        answer = resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=request.object)
        answer.object.update({} if self.preview else OUTPUTS.get(request.type, {}))
        return answer

    def RegisterResourceOutputs(self, request):  # noqa: N802
        self.outputs[request.urn] = json_format.MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)

    def stack(self) -> Stack:
        return Stack(self._resource(urn, request) for urn, request in self.requests.items())

    def _resource(self, urn, request) -> Resource:
        id_ = {} if self.preview or not request.custom else {"id": f"{request.type.split(':')[-1].lower()}-{request.name}"}
        return resource_from_wire(
            urn=urn,
            type_=request.type,
            inputs=json_format.MessageToDict(request.object),
            outputs={**self.outputs.get(urn, {}), **id_, **({} if self.preview else OUTPUTS.get(request.type, {}))},
            custom=request.custom,
            parent=request.parent,
            dependencies=request.dependencies,
            property_dependencies={key: value.urns for key, value in request.propertyDependencies.items()},
        )


@pytest.fixture(params=["preview", "update"])
def run(request) -> Callable[[Callable[[], object]], Stack]:
    """Runs a program and returns its stack; twice: with ids unknown, and with ids known."""
    return lambda program: run_program(program, preview=request.param == "preview")


@pytest.fixture
def preview() -> Callable[[Callable[[], object]], Stack]:
    """Runs a program at preview alone."""
    return lambda program: run_program(program, preview=True)


def run_program(program: Callable[[], object], preview: bool) -> Stack:
    recorder = _Recorder(preview)
    pulumi.runtime.set_mocks(None, project="bank", stack="test", preview=preview, monitor=recorder)
    pulumi.runtime.test(program)()
    return recorder.stack()
