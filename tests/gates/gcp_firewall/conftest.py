"""Runs a small program with the real SDK of Google Cloud in process, and hands back what readers see of it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi.runtime
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2
from pulumi_airlock.gates.sources import resource_from_wire
from pulumi_airlock.gates.stack import Resource, Stack

sys.path.insert(0, str(Path(__file__).parent))

_COLLECTIONS = {
    "Network": "global/networks",
    "Subnetwork": "regions/r/subnetworks",
    "NetworkAttachment": "regions/r/networkAttachments",
    "NetworkFirewallPolicy": "global/firewallPolicies",
    "NetworkFirewallPolicyWithRules": "global/firewallPolicies",
    "RegionNetworkFirewallPolicy": "regions/r/firewallPolicies",
    "AddressGroup": "locations/global/addressGroups",
}


def _computed(request: Any) -> dict[str, Any]:
    """What Google would answer: ids are paths, numbers or addresses."""
    kind = request.type.rsplit(":", 1)[-1]
    inputs = json_format.MessageToDict(request.object)
    name = inputs.get("name", request.name)
    if kind == "Account":
        email = f"{inputs['accountId']}@bank-airflow.iam.gserviceaccount.com"
        return {"id": f"projects/bank-airflow/serviceAccounts/{email}", "email": email}
    if kind in ("FirewallPolicy", "FirewallPolicyWithRules"):
        return {"id": f"locations/global/firewallPolicies/77{len(request.name)}", "firewallPolicyId": f"77{len(request.name)}"}
    if kind == "Folder":
        return {"id": f"folders/99{len(request.name)}", "name": f"folders/99{len(request.name)}"}
    if kind in _COLLECTIONS:
        path = f"projects/bank-airflow/{_COLLECTIONS[kind]}/{name}"
        return {"id": path, "name": name, "selfLink": f"https://www.googleapis.com/compute/v1/{path}"}
    return {"id": f"{kind.lower()}-{request.name}", "name": name}


class _Recorder(mocks.MockMonitor):
    """Answers registrations, and notes each with its links."""

    def __init__(self, preview: bool) -> None:
        super().__init__(mocks=None)
        self.preview = preview
        self.outputs: dict[str, dict[str, Any]] = {}
        self.requests: dict[str, resource_pb2.RegisterResourceRequest] = {}

    def RegisterResource(self, request):  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        self.requests[urn] = request
        known = {} if self.preview or not request.custom else _computed(request)
        answer = resource_pb2.RegisterResourceResponse(urn=urn, id=known.pop("id", ""), object=request.object)
        answer.object.update(known)
        return answer

    def RegisterResourceOutputs(self, request):  # noqa: N802
        self.outputs[request.urn] = json_format.MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)

    def Invoke(self, request):  # noqa: N802
        answer = struct_pb2.Struct()
        json_format.ParseDict({"projectId": "bank-airflow", "number": "123456789012", "id": "bank-airflow"}, answer)
        return resource_pb2.ResourceInvokeResponse(**{"return": answer})

    def stack(self) -> Stack:
        return Stack(self._resource(urn, request) for urn, request in self.requests.items())

    def _resource(self, urn, request) -> Resource:
        known = {} if self.preview or not request.custom else _computed(request)
        return resource_from_wire(
            urn=urn,
            type_=request.type,
            inputs=json_format.MessageToDict(request.object),
            outputs={**self.outputs.get(urn, {}), **known},
            custom=request.custom,
            parent=request.parent,
            dependencies=request.dependencies,
            property_dependencies={key: value.urns for key, value in request.propertyDependencies.items()},
        )


Run = Callable[[Callable[[], object]], Stack]


@pytest.fixture(params=["preview", "update"])
def run(request) -> Run:
    """Runs a program and returns its stack; twice: with ids unknown, and with ids known."""
    return lambda program: run_program(program, preview=request.param == "preview")


@pytest.fixture
def preview() -> Run:
    """Runs a program at preview alone."""
    return lambda program: run_program(program, preview=True)


def run_program(program: Callable[[], object], preview: bool) -> Stack:
    recorder = _Recorder(preview)
    pulumi.runtime.set_mocks(None, project="bank", stack="test", preview=preview, monitor=recorder)
    pulumi.runtime.set_all_config({"gcp:project": "bank-airflow", "gcp:region": "europe-west1"})
    pulumi.runtime.test(lambda: program() and None)()
    return recorder.stack()
