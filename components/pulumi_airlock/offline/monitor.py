"""The resource monitor that a program talks to: the engine's side of the SDK's protocol, in this process.

Built on the SDK's `MockMonitor`. Requests come from the program's event loop by way of its executor (see `program`), as protobuf
messages, and are answered with what the plan says.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.mocks import MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import alias_pb2, callback_pb2, callback_pb2_grpc, provider_pb2, resource_pb2

from ..errors import InputError, Problem, Problems
from . import urns
from .config import StackConfig
from .fixtures import Fixtures
from .planner import Planner
from .project import Project
from .steps import Registration, Step
from .wire import UNKNOWN_STRING, from_struct, is_secret, masked, reveal, to_struct, with_hashes

_FEATURES = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACEMENT_TRIGGER,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_TRANSFORMS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_INVOKE_TRANSFORMS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_HOOKS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ERROR_HOOKS,
)

STACK_REFERENCE = "pulumi:pulumi:StackReference"


class _NoMocks(Mocks):
    """`MockMonitor` asks for mocks; ours answers without."""

    def call(self, args: Any) -> Any:
        raise NotImplementedError

    def new_resource(self, args: MockResourceArgs) -> Any:
        raise NotImplementedError


class Monitor(MockMonitor):
    """Answers one run of a program.

    `remediate` may change a registration's inputs before they are planned; `planned` is told of every step. Problems of the
    program's requests (a duplicate URN, a function that nothing answers) are collected in `problems`: the run goes on, so that
    all are told at once.
    """

    def __init__(
        self,
        project: Project,
        stack: str,
        config: StackConfig,
        fixtures: Fixtures,
        planner: Planner,
        *,
        remediate: Callable[[Registration], None] = lambda asked: None,
        planned: Callable[[Step], None] = lambda step: None,
    ) -> None:
        super().__init__(_NoMocks())
        self._project, self._stack = project, stack
        self._config, self._fixtures, self._planner = config, fixtures, planner
        self._remediate, self._planned = remediate, planned
        self._lock = threading.RLock()
        self._defaults: dict[str, str] = {}
        self._packages: dict[str, resource_pb2.RegisterPackageRequest] = {}
        self._stack_callbacks: list[callback_pb2.Callback] = []
        self._invoke_callbacks: list[callback_pb2.Callback] = []
        self._channels: dict[str, grpc.Channel] = {}
        self.problems = Problems(project.name)
        self.stack_outputs: dict[str, Any] = {}
        self.hooks: list[str] = []
        """Names of the program's resource hooks, which are not run."""

    # The protocol's names.

    def GetDeploymentInfo(self, request: Any) -> Any:  # noqa: D102, N802
        return resource_pb2.DeploymentInfo(supportedFeatures=_FEATURES)

    def SupportsFeature(self, request: Any) -> Any:  # noqa: D102, N802
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id != "outputValues")

    def RegisterPackage(self, request: Any) -> Any:  # noqa: D102, N802
        parameterization = request.parameterization if request.HasField("parameterization") else request
        reference = f"{request.name}/{parameterization.name}@{parameterization.version}"
        self._packages[reference] = request
        return resource_pb2.RegisterPackageResponse(ref=reference)

    def RegisterResource(self, request: Any) -> Any:  # noqa: D102, N802
        if request.remote:
            message = f"{request.type}: components of other packages run in their plugin, which there is none of offline"
            self.problems.add(request.type, message, place=request.name)
            return resource_pb2.RegisterResourceResponse(urn=self._urn(request), result=resource_pb2.Result.SUCCESS)
        request = self._transformed(request)
        asked = self._asked(request)
        step = self._register(asked, request)
        answer = resource_pb2.RegisterResourceResponse(urn=asked.urn, id=step.id, result=resource_pb2.Result.SUCCESS)
        answer.object.CopyFrom(to_struct(step.outputs if asked.custom else {}))
        return answer

    def ReadResource(self, request: Any) -> Any:  # noqa: D102, N802
        if request.type == STACK_REFERENCE:
            return self._read_stack(request)
        asked = Registration(
            urn=self._urn(request),
            type=request.type,
            custom=True,
            parent=request.parent,
            inputs=from_struct(request.properties),
            dependencies=tuple(request.dependencies),
            additional_secret_outputs=tuple(request.additionalSecretOutputs),
            read_id=request.id or UNKNOWN_STRING,
            place=self._place(request),
        )
        step = self._register(asked, request)
        return resource_pb2.ReadResourceResponse(urn=asked.urn, id=step.id, properties=to_struct(step.outputs))

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: D102, N802
        outputs = with_hashes(from_struct(request.outputs), self._project.working_directory, request.urn)
        with self._lock:
            step = self._planner.steps.get(request.urn)
            if step is not None:
                step.outputs = outputs
            if urns.type_of(request.urn) == urns.STACK_TYPE:
                self.stack_outputs = outputs
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:  # noqa: D102, N802
        request = self._transformed_call(request)
        args = from_struct(request.args)
        if request.tok == "pulumi:pulumi:getResource":
            return self._get_resource(str(args.get("urn")))
        result = self._fixtures.call(request.tok, args)
        if result is None:
            shown = ", ".join(f"{key}={masked(value)!r}" for key, value in args.items())
            problem = f"no fixture answers {request.tok}({shown}); {self._fixtures.how_to_answer_call(request.tok, args)}"
            self._note(Problem("", "", problem))
            return resource_pb2.ResourceInvokeResponse(unknown=True)
        answer = resource_pb2.ResourceInvokeResponse()
        getattr(answer, "return").CopyFrom(to_struct(result))
        return answer

    def Call(self, request: Any) -> Any:  # noqa: D102, N802
        problem = f"{request.tok} is a method of a resource, which only its provider can run; it is not run offline"
        self._note(Problem("", "", problem))
        return provider_pb2.CallResponse()

    def ExistsResource(self, request: Any) -> Any:  # noqa: D102, N802
        return resource_pb2.ExistsResourceResponse(unknown=True)

    def RegisterStackTransform(self, request: Any) -> Any:  # noqa: D102, N802
        self._stack_callbacks.append(request)
        return empty_pb2.Empty()

    def RegisterStackInvokeTransform(self, request: Any) -> Any:  # noqa: D102, N802
        self._invoke_callbacks.append(request)
        return empty_pb2.Empty()

    def RegisterResourceHook(self, request: Any) -> Any:  # noqa: D102, N802
        self.hooks.append(request.name)
        return empty_pb2.Empty()

    def RegisterErrorHook(self, request: Any) -> Any:  # noqa: D102, N802
        self.hooks.append(request.name)
        return empty_pb2.Empty()

    def close(self) -> None:
        """Ends the connections to the program's callbacks."""
        for channel in self._channels.values():
            channel.close()

    # Registration.

    def _register(self, asked: Registration, request: Any) -> Step:
        with self._lock:
            earlier = self._planner.steps.get(asked.urn)
            if earlier is not None:
                self._note(Problem(urns.name_of(asked.urn), "", _duplicate(earlier, asked)))
                return earlier
            if asked.custom and not asked.type.startswith("pulumi:"):
                asked.provider = request.provider or self._provider_of(asked, request)
            old = self._planner.find_old(asked.urn, asked.aliases)
            asked.inputs = self._planner.with_ignored(asked, old)
        self._remediate(asked)
        with self._lock:
            step = self._planner.plan(asked, old)
        self._planned(step)
        return step

    def _urn(self, request: Any) -> str:
        return urns.make(self._stack, self._project.name, request.parent, request.type, request.name)

    def _asked(self, request: Any) -> Registration:
        urn = self._urn(request)
        given = [_alias(one) for one in request.aliases] + list(request.aliasURNs)
        inherited = self._planner.inherited_aliases(request.parent)
        timeouts = {name: getattr(request.customTimeouts, name) for name in ("create", "update", "delete", "read")}
        trigger = request.replacement_trigger if request.HasField("replacement_trigger") else None
        return Registration(
            urn=urn,
            type=request.type,
            custom=request.custom,
            parent=request.parent,
            inputs=with_hashes(from_struct(request.object), self._project.working_directory, urn),
            dependencies=tuple(sorted(request.dependencies)),
            property_dependencies={
                key: tuple(sorted(one.urns)) for key, one in sorted(request.propertyDependencies.items()) if one.urns
            },
            aliases=tuple(urns.aliases(self._stack, self._project.name, urn, request.parent, given, inherited)),
            protect=request.protect,
            ignore_changes=tuple(request.ignoreChanges),
            replace_on_changes=tuple(request.replaceOnChanges),
            delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
            additional_secret_outputs=tuple(request.additionalSecretOutputs),
            custom_timeouts={name: value for name, value in timeouts.items() if value},
            retain_on_delete=request.retainOnDelete,
            deleted_with=request.deletedWith,
            replace_with=tuple(request.replace_with),
            import_id=request.importId,
            replacement_trigger=_trigger(trigger),
            place=self._place(request),
        )

    def _place(self, request: Any) -> str:
        """The innermost line of the program itself on the way to a registration: not that of a library's component."""
        for frame in request.stackTrace.frames:
            file = unquote(frame.pc.uri.removeprefix("file://"))
            if self._project.holds(file):
                return f"{file}:{frame.pc.line}"
        return ""

    def _provider_of(self, asked: Registration, request: Any) -> str:
        """The provider that a resource without one of its own gets: its package's default provider, made when first needed."""
        package, version, url = asked.type.split(":", 1)[0], request.version, request.pluginDownloadURL
        described = self._packages.get(request.packageRef)
        if described is not None:
            inner = described.parameterization if described.HasField("parameterization") else described
            package, version, url = inner.name, inner.version, described.download_url
        name = urns.default_provider_name(version, url)
        key = f"{package}/{name}"
        if key not in self._defaults:
            inputs: dict[str, Any] = dict(self._config.of_package(package))
            inputs |= {"version": version} if version else {}
            inputs |= {"__internal": {"pluginDownloadURL": url}} if url else {}
            type_ = f"pulumi:providers:{package}"
            urn = urns.make(self._stack, self._project.name, "", type_, name)
            provider = Registration(urn=urn, type=type_, custom=True, inputs=inputs)
            step = self._planner.plan(provider, self._planner.find_old(urn, ()))
            self._defaults[key] = f"{urn}::{step.id or UNKNOWN_STRING}"
            self._planned(step)
        return self._defaults[key]

    # Other stacks and resources.

    def _read_stack(self, request: Any) -> Any:
        name = str(reveal(from_struct(request.properties).get("name", request.id)))
        outputs = self._fixtures.stacks.get(name)
        if outputs is None:
            self._note(Problem("", "", f"no fixture answers stack {name}; {self._fixtures.how_to_answer_stack(name)}"))
            return resource_pb2.ReadResourceResponse(urn=self._urn(request), id=request.id, unknown=True)
        properties = {
            "name": name,
            "outputs": outputs,
            "secretOutputNames": [key for key, one in outputs.items() if is_secret(one)],
        }
        asked = Registration(
            urn=self._urn(request), type=request.type, custom=True, parent=request.parent, inputs={"name": name}, read_id=name
        )
        step = self._register(asked, request)
        step.outputs = properties
        return resource_pb2.ReadResourceResponse(urn=asked.urn, id=name, properties=to_struct(properties))

    def _get_resource(self, urn: str) -> Any:
        step = self._planner.steps.get(urn)
        if step is None:
            raise InputError([Problem("", "", f"there is no resource {urn} in this stack")])
        answer = resource_pb2.ResourceInvokeResponse()
        getattr(answer, "return").CopyFrom(to_struct({"urn": urn, "id": step.id or UNKNOWN_STRING, "state": step.outputs}))
        return answer

    def _note(self, problem: Problem) -> None:
        with self._lock:
            self.problems.add(problem.path, problem.message, place=problem.place or self._project.name)

    # Transforms: the program's own functions, called over the protocol as the engine calls them.

    def _transformed(self, request: Any) -> Any:
        callbacks = [*request.transforms, *self._stack_callbacks]
        if not callbacks:
            return request
        from .transforms import transform_resource

        for callback in callbacks:
            transform_resource(self._call(callback), request)
        return request

    def _transformed_call(self, request: Any) -> Any:
        if not self._invoke_callbacks:
            return request
        from .transforms import transform_call

        for callback in self._invoke_callbacks:
            transform_call(self._call(callback), request)
        return request

    def _call(self, callback: Any) -> Callable[[bytes], bytes]:
        with self._lock:
            if callback.target not in self._channels:
                self._channels[callback.target] = grpc.insecure_channel(callback.target, options=(("grpc.enable_http_proxy", 0),))
            stub = callback_pb2_grpc.CallbacksStub(self._channels[callback.target])

        def call(request: bytes) -> bytes:
            message = callback_pb2.CallbackInvokeRequest(token=callback.token, request=request)
            return bytes(stub.Invoke(message).response)

        return call


def _alias(alias: alias_pb2.Alias) -> Mapping[str, Any] | str:
    if alias.WhichOneof("alias") == "urn":
        return str(alias.urn)
    spec = alias.spec
    return {field.name: value for field, value in spec.ListFields()}


def _trigger(value: struct_pb2.Value | None) -> Any:
    if value is None:
        return None
    wrapped = struct_pb2.Struct()
    wrapped.fields["trigger"].CopyFrom(value)
    return from_struct(wrapped).get("trigger")


def _duplicate(earlier: Step, asked: Registration) -> str:
    first, second = earlier.parent or "the stack", asked.parent or "the stack"
    return (
        f"registered twice: {asked.type} {urns.name_of(asked.urn)!r} under {first}, "
        f"and again under {second}; give one another name (URN {asked.urn})"
    )
