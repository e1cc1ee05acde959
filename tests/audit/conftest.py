"""Runs a program in process and hands back what it registered: inputs, links, and what is secret."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi.runtime
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto import resource_pb2
from pulumi_airlock.gates.sources import plain, resource_from_wire
from pulumi_airlock.gates.stack import Stack

ACCOUNT, REGION = "111122223333", "eu-west-1"
SHORT = {
    "aws:s3/bucket:Bucket": "arn:aws:s3:::{bucket}",
    "aws:cloudwatch/logGroup:LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{name}}",
}
"""ARNs that a provider makes of the inputs; others are of the resource's own name."""


@dataclass(frozen=True)
class Registered:
    """One resource as the engine was told of it."""

    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    secret: set[str]
    depends_on: set[str]
    links: dict[str, set[str]]

    def document(self, prop: str = "policy") -> dict[str, Any]:
        """The statements of a policy document, by Sid."""
        return {one.get("Sid", ""): one for one in json.loads(self.inputs[prop])["Statement"]}


class Engine(mocks.MockMonitor):
    """Answers registrations as a provider would; at preview, with their inputs alone."""

    def __init__(self, preview: bool) -> None:
        super().__init__(mocks=None)
        self.preview = preview
        self.requests: dict[str, Any] = {}
        self.outputs: dict[str, dict[str, Any]] = {}
        self.warnings: list[str] = []

    def RegisterResource(self, request):  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        assert urn not in self.requests, f"{urn} is registered twice"
        self.requests[urn] = request
        outputs = json_format.MessageToDict(request.object)
        if not self.preview and request.custom:
            known = plain(outputs)
            arn = SHORT.get(request.type, f"arn:aws:mock:{REGION}:{ACCOUNT}:{request.name}").format(**known)
            outputs |= {"arn": arn}
            kind = request.type.rsplit(":", 1)[-1].lower()
            self.outputs[urn] = {**outputs, "id": f"{kind}-{request.name}"}
        answer = struct_pb2.Struct()
        json_format.ParseDict(outputs, answer)
        id_ = self.outputs.get(urn, {}).get("id", "")
        return resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=answer)

    def Invoke(self, request):  # noqa: N802
        assert request.tok == "aws:index/getCallerIdentity:getCallerIdentity", request.tok
        answer = struct_pb2.Struct()
        json_format.ParseDict({"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "userId": "A", "id": ACCOUNT}, answer)
        return resource_pb2.ResourceInvokeResponse(**{"return": answer})

    def Log(self, request):  # noqa: N802
        if request.severity == 2:
            self.warnings.append(request.message)

    def of(self, kind: str) -> dict[str, Registered]:
        """The registrations of a type (`aws:s3/bucket:Bucket`, or the end of one), by name."""
        return {one.name: self._registered(one) for one in self.requests.values() if one.type.endswith(kind)}

    def one(self, kind: str) -> Registered:
        """The only registration of a type."""
        (found,) = self.of(kind).values()
        return found

    @staticmethod
    def _registered(one: Any) -> Registered:
        inputs = json_format.MessageToDict(one.object)
        return Registered(
            one.type,
            one.name,
            _name(one.parent),
            plain(inputs),
            {key for key, value in inputs.items() if _holds_secret(value)},
            set(map(_name, one.dependencies)),
            {key: set(map(_name, found.urns)) for key, found in one.propertyDependencies.items() if found.urns},
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
                provider=one.provider,
                dependencies=one.dependencies,
                property_dependencies={key: found.urns for key, found in one.propertyDependencies.items()},
            )
            for urn, one in self.requests.items()
        )


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        marked = value.get(rpc._special_sig_key) == rpc._special_secret_sig
        return marked or any(map(_holds_secret, value.values()))
    return isinstance(value, list) and any(map(_holds_secret, value))


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
    """Runs a program where ids and ARNs are known."""
    return lambda program: run_program(program, preview=False)


@pytest.fixture(params=["preview", "update"])
def run(request) -> Callable[[Callable[[], object]], Engine]:
    """Both, one after the other."""
    return lambda program: run_program(program, preview=request.param == "preview")
