"""Runs a program in process and hands back what it registered."""

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi.runtime
from google.protobuf import json_format
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2
from pulumi_airlock.gates.sources import resource_from_wire
from pulumi_airlock.gates.stack import Resource


class _Recorder(mocks.MockMonitor):
    """Answers registrations with their inputs."""

    def __init__(self) -> None:
        super().__init__(mocks=None)
        self.requests: dict[str, resource_pb2.RegisterResourceRequest] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        assert urn not in self.requests, f"{urn} is registered twice"
        self.requests[urn] = request
        return resource_pb2.RegisterResourceResponse(urn=urn, id="id" if request.custom else "", object=request.object)

    def found(self) -> list[Resource]:
        return [
            resource_from_wire(
                urn=urn,
                type_=request.type,
                inputs=json_format.MessageToDict(request.object),
                outputs={},
                custom=request.custom,
                parent=request.parent,
                provider="",
                dependencies=request.dependencies,
                property_dependencies={},
            )
            for urn, request in self.requests.items()
        ]


def run(program: Callable[[], object]) -> list[Resource]:
    recorder = _Recorder()
    pulumi.runtime.set_mocks(None, project="bank", stack="test", preview=False, monitor=recorder)
    pulumi.runtime.test(lambda: program() and None)()
    return recorder.found()
