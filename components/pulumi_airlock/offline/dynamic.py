"""Dynamic providers: the one kind of provider that runs for real here, as its code is Python and comes with the program.

The SDK's own provider server (`python -m pulumi.dynamic`) is started when the first dynamic resource is there, and spoken to over
the provider protocol: `Check` and `Diff` while planning, `Create`, `Update` and `Delete` when a plan is applied. So a plan that
is refused has touched nothing. What a new resource answers is in the state; the run that makes it sees its inputs.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from ..errors import AirlockError, Problem
from . import urns
from .operations import Operation
from .plugin_process import PluginProcess
from .steps import Op
from .wire import from_struct, has_secret, has_unknown, to_struct

PREFIX = "pulumi-python:dynamic"
PROVIDER = "__provider"
"""The input that holds the provider's code."""

_START = 30.0
_OPTIONS = (("grpc.enable_http_proxy", 0),)
_SEALED = (
    "its provider is a secret, and secrets are not kept in the state, so it could not be deleted: "
    "write `serialize_as_secret_always = False` into the class of the provider"
)


class DynamicError(AirlockError):
    """A dynamic provider refused or failed; what was done before is in the state."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a provider says of a resource whose inputs are as they are now."""

    changes: bool | None = None
    """None: that is left to whoever compares the inputs."""
    replaces: tuple[str, ...] = ()
    deletes_first: bool | None = None
    """None: that is left to whoever knows the type."""


def is_dynamic(type_: str) -> bool:
    """Whether a type is a dynamic resource's."""
    return type_.startswith(PREFIX)


class DynamicProviders:
    """The provider server of one run. `close` ends it; what it started for resources goes on."""

    def __init__(self, folder: Path, project: str, config: Mapping[str, str], on_output: Callable[[str], None]) -> None:
        self._folder, self._project, self._config, self._on_output = folder, project, config, on_output
        self._process: PluginProcess | None = None
        self._channel: grpc.Channel | None = None

    def check(self, urn: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[Problem]:
        """What a provider has against a resource's inputs."""
        if not _plain(news):
            return [Problem(urns.name_of(urn), PROVIDER, _SEALED)]
        request = provider_pb2.CheckRequest(urn=urn, olds=to_struct(_kept(olds)), news=to_struct(news))
        answer = self._ask("Check", urn, request)
        return [Problem(urns.name_of(urn), one.property, one.reason) for one in answer.failures]

    def diff(self, urn: str, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Verdict:
        """What has to be done about a resource that is there."""
        request = provider_pb2.DiffRequest(id=id_, urn=urn, olds=to_struct(_kept(olds)), news=to_struct(news))
        answer = self._ask("Diff", urn, request)
        known = {provider_pb2.DiffResponse.DIFF_NONE: False, provider_pb2.DiffResponse.DIFF_SOME: True}
        return Verdict(known.get(answer.changes), tuple(answer.replaces), answer.deleteBeforeReplace)

    def done(self, operation: Operation) -> bool:
        """Does an operation on a dynamic resource, whose step then says what is there. False where there is nothing to do."""
        step, old, urn = operation.step, operation.old, operation.urn
        match operation.op:
            case Op.CREATE | Op.CREATE_REPLACEMENT if step is not None and step.registration is not None:
                step.id, step.outputs = self.create(urn, step.registration.inputs)
            case Op.UPDATE if step is not None and step.registration is not None and old is not None:
                step.outputs = self.update(urn, old.id, old.outputs, step.registration.inputs)
            case Op.DELETE | Op.DELETE_REPLACED if old is not None:
                self.delete(urn, old.id, old.outputs)
            case _:
                return False
        return True

    def create(self, urn: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Makes the resource: its id and outputs."""
        answer = self._ask("Create", urn, provider_pb2.CreateRequest(urn=urn, properties=to_struct(inputs)))
        return answer.id, from_struct(answer.properties)

    def update(self, urn: str, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        """Changes the resource: its outputs."""
        request = provider_pb2.UpdateRequest(id=id_, urn=urn, olds=to_struct(_kept(olds)), news=to_struct(news))
        return from_struct(self._ask("Update", urn, request).properties)

    def delete(self, urn: str, id_: str, outputs: Mapping[str, Any]) -> None:
        """Takes the resource away."""
        self._ask("Delete", urn, provider_pb2.DeleteRequest(id=id_, urn=urn, properties=to_struct(_kept(outputs))))

    def close(self) -> None:
        """Ends the server."""
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            self._process.close()

    def _ask(self, method: str, urn: str, request: Any) -> Any:
        try:
            return getattr(provider_pb2_grpc.ResourceProviderStub(self._connected()), method)(request)
        except grpc.RpcError as error:
            raise DynamicError(f"{urns.name_of(urn)}: {_last_line(error)}") from error

    def _connected(self) -> grpc.Channel:
        if self._channel is None:
            path = os.pathsep.join(filter(None, [str(self._folder), os.environ.get("PYTHONPATH")]))
            environment = {**os.environ, "PULUMI_PROJECT": self._project, "PYTHONPATH": path}
            self._process = PluginProcess([sys.executable, "pulumi.dynamic"], self._folder, environment, self._on_output)
            with suppress(TimeoutError):
                if port := self._process.first_line(_START):
                    self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=_OPTIONS)
            if self._channel is None:
                raise DynamicError(f"the dynamic provider did not start: {self._process.errors()}")
            request = provider_pb2.ConfigureRequest(args=to_struct(self._config))
            provider_pb2_grpc.ResourceProviderStub(self._channel).Configure(request)
        return self._channel


def _plain(inputs: Mapping[str, Any]) -> bool:
    return isinstance(inputs.get(PROVIDER), str) and not has_unknown(inputs[PROVIDER])


def _kept(state: Mapping[str, Any]) -> dict[str, Any]:
    """What the state knows of properties: all but secrets, of which it keeps hashes alone."""
    return {key: value for key, value in state.items() if not has_secret(value)}


def _last_line(error: grpc.RpcError) -> str:
    """Of a traceback, which the server sends whole, what was raised."""
    lines: Sequence[str] = str(error.details()).strip().splitlines()
    return lines[-1] if lines else str(error)
