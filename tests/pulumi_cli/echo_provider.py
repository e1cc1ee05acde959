"""A provider plugin that creates nothing: it accepts what it is given and answers functions from a fixture.

The real Pulumi engine attaches to it (`PULUMI_DEBUG_PROVIDERS="aws:PORT,…"`), so that a preview by the real CLI needs no
provider plugin.
"""

from concurrent import futures
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc
from pulumi_airlock.offline.simulated_types import TYPES
from pulumi_airlock.offline.simulation import Seed
from pulumi_airlock.offline.urns import type_of
from ruamel.yaml import YAML


def _names(urn: str, properties: dict[str, Any]) -> dict[str, str]:
    """The names that a provider makes up where the program gives none: already a preview knows them."""
    kind = TYPES.get(type_of(urn))
    named = [key for key, template in kind.outputs.items() if template == "{name}"] if kind else []
    return {key: Seed(urn, properties, "", "").name for key in named if key not in properties}


class EchoProvider(provider_pb2_grpc.ResourceProviderServicer):
    def __init__(self, fixture: Path) -> None:
        loaded = YAML(typ="safe").load(fixture.read_text()) if fixture.exists() else None
        self._answers = (loaded or {}).get("functions", [])

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True)

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="0.0.0")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True)

    def Check(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_UNKNOWN)

    def Create(self, request: Any, context: Any) -> Any:
        properties = struct_pb2.Struct()
        properties.CopyFrom(request.properties)
        for key, name in _names(request.urn, json_format.MessageToDict(request.properties)).items():
            properties[key] = name
        return provider_pb2.CreateResponse(id="" if request.preview else "echo", properties=properties)

    def Invoke(self, request: Any, context: Any) -> Any:
        given = json_format.MessageToDict(request.args)
        for answer in self._answers:
            wanted = answer.get("args") or {}
            if answer["token"] == request.tok and all(given.get(key) == value for key, value in wanted.items()):
                result = struct_pb2.Struct()
                json_format.ParseDict(answer["result"], result)
                return provider_pb2.InvokeResponse(**{"return": result})
        context.abort(grpc.StatusCode.NOT_FOUND, f"no fixture answers {request.tok} {given}")
        return None

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


class Serving:
    """Serves one `EchoProvider` on a free port of 127.0.0.1 while the context lasts."""

    def __init__(self, fixture: Path) -> None:
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(EchoProvider(fixture), self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._server.stop(grace=0).wait()
