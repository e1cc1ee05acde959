"""The engine's side of the package: a process of the real provider, the offline engine's monitor on a port, programs' requests.

What a program in another language sends is what its SDK would: numbers as floats, components as resource references, outputs of
others as output values with what they depend on.
"""

import subprocess
import sys
from concurrent import futures
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import (
    engine_pb2_grpc,
    errors_pb2,
    provider_pb2,
    provider_pb2_grpc,
    resource_pb2,
    resource_pb2_grpc,
    status_pb2,
)
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.offline.config import StackConfig
from pulumi_airlock.offline.dynamic import DynamicProviders
from pulumi_airlock.offline.fixtures import load_fixtures
from pulumi_airlock.offline.monitor import Monitor
from pulumi_airlock.offline.plan import Plan
from pulumi_airlock.offline.planner import Planner
from pulumi_airlock.offline.project import Project
from pulumi_airlock.offline.simulation import Simulator
from pulumi_airlock.offline.state import Snapshot, StateFile

ROOT = Path(__file__).parents[2]
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key that marks what is no plain map (sdk/go/common/resource/sig)."""
OUTPUT, RESOURCE, SECRET = (
    "d0e6a833031e9bbcd3f4e8bde6ca49a4",
    "5cf8f73096256a8f31e491e813e4eb8e",
    "1b47061264138c4ac30d75fd1eb44270",
)
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
STACK = "urn:pulumi:test::project::pulumi:pulumi:Stack::project-test"
CONFIG = {"aws:region": "eu-central-1"}


class RefusedError(Exception):
    """What the provider answered in place of a component: property → reason."""

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{path}: {reason}" for path, reason in problems.items()))


class Made:
    """A component, as the program holds it: its outputs, and a reference to it for the next one."""

    def __init__(self, urn: str, outputs: dict[str, Any], dependencies: dict[str, list[str]], id: str | None = None) -> None:  # noqa: A002
        self.urn, self.outputs, self.dependencies, self.id = urn, outputs, dependencies, id

    @property
    def reference(self) -> dict[str, Any]:
        return {SIGNATURE: RESOURCE, "urn": self.urn, **({"id": self.id} if self.id is not None else {})}

    def __getitem__(self, output: str) -> dict[str, Any]:
        """An output of it, as an SDK hands it to another component: what is unknown within makes all of it unknown."""
        return self._output(self.outputs[output], output)

    def item(self, output: str, key: str) -> dict[str, Any]:
        """One item of an output that is a map."""
        return self._output(self.outputs[output][key], output)

    def _output(self, value: Any, output: str) -> dict[str, Any]:
        known = {} if UNKNOWN in str(value) else {"value": _revealed(value)}
        return {
            SIGNATURE: OUTPUT,
            **known,
            "secret": SECRET in str(value),
            "dependencies": [self.urn, *self.dependencies.get(output, [])],
        }


class Package:
    """The provider in a process of its own. A context manager: it runs from entering to leaving."""

    def __init__(self, folder: Path, config: dict[str, str] | None = None) -> None:
        config = CONFIG if config is None else config
        self._folder, self._config = folder, config
        project = Project("project", folder, folder, folder)
        simulator = Simulator("eu-central-1", "123456789012")
        dynamic = DynamicProviders(folder, "project", config, lambda line: None)
        sealer = StateFile(folder, "project", "test").sealer()
        self._planner = Planner(Snapshot(), sealer, simulator, dynamic, preview=True)
        fixtures = load_fixtures(folder / "fixtures.yaml")
        self.monitor = Monitor(project, "test", StackConfig(config), fixtures, self._planner)
        self.logs: list[str] = []

    def __enter__(self) -> Self:
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(_Served(self.monitor), self._server)
        engine_pb2_grpc.add_EngineServicer_to_server(_Log(self.logs), self._server)
        self._address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()
        program = [sys.executable, "-u", str(ROOT / "components" / "__main__.py"), self._address]
        self._process = subprocess.Popen(program, cwd=self._folder, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._channel = grpc.insecure_channel(f"127.0.0.1:{int(self._process.stdout.readline())}")
        self._provider = provider_pb2_grpc.ResourceProviderStub(self._channel)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._channel.close()
        self._process.kill()
        self._process.communicate()
        self._server.stop(grace=0).wait()

    def schema(self) -> str:
        return str(self._provider.GetSchema(provider_pb2.GetSchemaRequest(), timeout=60).schema)

    def construct(self, component: str, name: str, **inputs: Any) -> Made:
        """Asks for a component, as the engine does. `Made` among the inputs are components. RefusedError with all problems."""
        request = provider_pb2.ConstructRequest(
            project="project",
            stack="test",
            organization="organization",
            config=self._config,
            dryRun=True,
            parallel=8,
            monitorEndpoint=self._address,
            type=f"airlock:index:{component}",
            name=name,
            parent=STACK,
        )
        json_format.ParseDict(_on_the_wire(inputs), request.inputs)
        for key, value in inputs.items():
            request.inputDependencies[key].urns.extend(_dependencies(value))
        try:
            answer = self._provider.Construct(request, timeout=120)
        except grpc.RpcError as error:
            raise _refused(error) from error
        outputs = json_format.MessageToDict(answer.state)
        return Made(answer.urn, outputs, {key: list(one.urns) for key, one in answer.stateDependencies.items()})

    def register_provider(self, package: str, name: str) -> Made:
        """A provider of the program's own."""
        type_ = f"pulumi:providers:{package}"
        asked = resource_pb2.RegisterResourceRequest(type=type_, name=name, custom=True, parent=STACK)
        answer = self.monitor.RegisterResource(asked)
        return Made(answer.urn, {}, {}, id=answer.id or UNKNOWN)

    def plan(self) -> Plan:
        """What was registered."""
        self.monitor.problems.raise_any()
        return Plan("project", "test", True, list(self._planner.steps.values()))

    def stack(self) -> Stack:
        """The same, for readers and the proof."""
        return self.plan().stack()


def _revealed(value: Any) -> Any:
    """A value without the marks of secrets: the SDKs make the whole output one."""
    if isinstance(value, dict):
        return (
            _revealed(value["value"]) if value.get(SIGNATURE) == SECRET else {key: _revealed(one) for key, one in value.items()}
        )
    return [_revealed(one) for one in value] if isinstance(value, list) else value


def _on_the_wire(value: Any) -> Any:
    if isinstance(value, Made):
        return value.reference
    if isinstance(value, dict):
        return {key: _on_the_wire(one) for key, one in value.items()}
    return [_on_the_wire(one) for one in value] if isinstance(value, list) else value


def _dependencies(value: Any) -> list[str]:
    if isinstance(value, Made):
        return [value.urn]
    if isinstance(value, dict):
        own = value.get("dependencies", []) if value.get(SIGNATURE) == OUTPUT else []
        return [*own, *(urn for one in value.values() for urn in _dependencies(one))]
    return [urn for one in value for urn in _dependencies(one)] if isinstance(value, list) else []


def _refused(error: Any) -> Exception:
    metadata = dict(error.trailing_metadata() or ())
    if "grpc-status-details-bin" not in metadata:
        return error
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    details = errors_pb2.InputPropertiesError()
    status.details[0].Unpack(details)
    return RefusedError({one.property_path: one.reason for one in details.errors})


class _Served(resource_pb2_grpc.ResourceMonitorServicer):
    """The offline engine's monitor on a port."""

    def __init__(self, monitor: Monitor) -> None:
        for method in dir(resource_pb2_grpc.ResourceMonitorServicer):
            if not method.startswith("_") and hasattr(monitor, method):
                setattr(self, method, _answering(getattr(monitor, method)))


def _answering(method: Any) -> Any:
    return lambda request, context: method(request)


class _Log(engine_pb2_grpc.EngineServicer):
    def __init__(self, logs: list[str]) -> None:
        self._logs = logs

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802  # the protocol's name
        self._logs.append(request.message)
        return empty_pb2.Empty()
