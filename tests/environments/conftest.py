"""Runs a program in process and hands back what it registered: at preview, where ids are unknown, or after an update."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi.runtime
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2
from pulumi_airlock.gates.sources import plain, resource_from_wire
from pulumi_airlock.gates.stack import Stack

ACCOUNT = "111122223333"
REGION = "eu-west-1"

_COMPUTED: Mapping[str, Mapping[str, str]] = {
    "aws:ec2/vpcEndpoint:VpcEndpoint": {"prefixListId": "pl-6da54004"},
    "aws:mwaa/environment:Environment": {
        "webserverUrl": "abc.c3.eu-west-1.airflow.amazonaws.com",
        "databaseVpcEndpointService": "com.amazonaws.vpce.eu-west-1.vpce-svc-1",
        "webserverVpcEndpointService": "com.amazonaws.vpce.eu-west-1.vpce-svc-2",
    },
}


@dataclass(frozen=True)
class Registered:
    """One registration."""

    urn: str
    name: str
    type: str
    parent: str
    inputs: Mapping[str, Any]
    """As the engine gets them; unknown values are `UNKNOWN`."""
    depends_on: frozenset[str]
    """Names of resources that it has to come after."""
    from_: Mapping[str, frozenset[str]]
    """Property → names of the resources that it was computed from."""

    def document(self, prop: str = "policy") -> Mapping[str, Mapping[str, Any]]:
        """A policy document's statements, by Sid."""
        return {statement["Sid"]: statement for statement in json.loads(self.inputs[prop])["Statement"]}


class Engine(mocks.MockMonitor):
    """Answers registrations as a provider would; at preview, with their inputs alone."""

    def __init__(self, preview: bool) -> None:
        super().__init__(mocks=None)
        self.preview = preview
        self.requests: dict[str, resource_pb2.RegisterResourceRequest] = {}
        self.outputs: dict[str, Mapping[str, Any]] = {}
        self.warnings: list[str] = []

    def RegisterResource(self, request):  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        assert urn not in self.requests, f"{urn} is registered twice"
        self.requests[urn] = request
        outputs = json_format.MessageToDict(request.object)
        if not self.preview and request.custom:
            outputs |= self._computed(request)
            kind = request.type.rsplit(":", 1)[-1].lower()
            self.outputs[urn] = {**outputs, "id": f"{kind}-{request.name}"}
        answer = struct_pb2.Struct()
        json_format.ParseDict(outputs, answer)
        id_ = self.outputs.get(urn, {}).get("id", "")
        return resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=answer)

    def _computed(self, request) -> dict[str, str]:
        found = {"arn": f"arn:aws:mock:{REGION}:{ACCOUNT}:{request.name}", **_COMPUTED.get(request.type, {})}
        if request.type == "aws:s3/bucketObjectv2:BucketObjectv2":
            found["versionId"] = f"version-of-{request.name}"
        return found

    def RegisterResourceOutputs(self, request):  # noqa: N802
        self.outputs[request.urn] = json_format.MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)

    def Invoke(self, request):  # noqa: N802
        assert request.tok == "aws:index/getCallerIdentity:getCallerIdentity", request.tok
        answer = struct_pb2.Struct()
        json_format.ParseDict({"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "userId": "A", "id": ACCOUNT}, answer)
        return resource_pb2.ResourceInvokeResponse(**{"return": answer})

    def Log(self, request):  # noqa: N802
        if request.severity == 2:
            self.warnings.append(request.message)

    def of(self, kind: str) -> dict[str, Registered]:
        """The registrations of a type (`ec2/subnet:Subnet`), by name; a component's by its class (`AirflowVpc`)."""
        tokens = (f"aws:{kind}", f"airlock:index:{kind}")
        return {one.name: self._registered(urn, one) for urn, one in self.requests.items() if one.type in tokens}

    def _registered(self, urn: str, one: resource_pb2.RegisterResourceRequest) -> Registered:
        return Registered(
            urn=urn,
            name=one.name,
            type=one.type,
            parent=_name(one.parent),
            inputs=plain(json_format.MessageToDict(one.object)),
            depends_on=frozenset(map(_name, one.dependencies)),
            from_={key: frozenset(map(_name, found.urns)) for key, found in one.propertyDependencies.items() if found.urns},
        )

    def stack(self) -> Stack:
        """As readers see it."""
        return Stack(
            resource_from_wire(
                urn=urn,
                type_=one.type,
                inputs=json_format.MessageToDict(one.object),
                outputs=self.outputs.get(urn),
                custom=one.custom,
                parent=one.parent,
                dependencies=one.dependencies,
                property_dependencies={key: found.urns for key, found in one.propertyDependencies.items()},
            )
            for urn, one in self.requests.items()
        )


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]


def run_program(program: Callable[[], object], preview: bool) -> Engine:
    engine = Engine(preview)
    pulumi.runtime.set_mocks(None, project="bank", stack="test", preview=preview, monitor=engine)
    pulumi.runtime.settings.SETTINGS.engine = engine
    pulumi.runtime.set_all_config({"aws:region": REGION})
    pulumi.runtime.test(lambda: program() and None)()
    return engine


@pytest.fixture
def preview() -> Callable[[Callable[[], object]], Engine]:
    """Runs a program where no id is known yet."""
    return lambda program: run_program(program, preview=True)


@pytest.fixture
def update() -> Callable[[Callable[[], object]], Engine]:
    """Runs a program where ids and computed outputs are known."""
    return lambda program: run_program(program, preview=False)


@pytest.fixture(params=["preview", "update"])
def run(request) -> Callable[[Callable[[], object]], Engine]:
    """Both, one after the other."""
    return lambda program: run_program(program, preview=request.param == "preview")


@pytest.fixture
def dags(tmp_path: Path) -> Path:
    """A folder with DAGs, and with what must not be uploaded."""
    folder = tmp_path / "dags"
    (folder / "finance" / "__pycache__").mkdir(parents=True)
    (folder / "finance" / "load.py").write_text("from airflow import DAG\n")
    (folder / "finance" / "__pycache__" / "load.pyc").write_bytes(b"\0")
    (folder / ".airflowignore").write_text("helpers\n")
    return folder
