"""A provider plugin that asks no cloud: what it answers is what the offline engine makes up, and functions' answers of a fixture.

The real Pulumi engine attaches to it (`PULUMI_DEBUG_PROVIDERS="aws:PORT,…"`), so that previews and updates by the real CLI need
no provider plugin.
"""

from collections.abc import Iterator, Mapping
from concurrent import futures
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc
from pulumi_airlock.offline.fixtures import Fixtures, load_fixtures
from pulumi_airlock.offline.paths import Path as PropertyPath
from pulumi_airlock.offline.paths import show
from pulumi_airlock.offline.session import DEFAULT_ACCOUNT, DEFAULT_REGION
from pulumi_airlock.offline.simulation import Simulator
from pulumi_airlock.offline.urns import type_of
from pulumi_airlock.offline.wire import from_struct, reveal, to_struct

_SOME, _NONE = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE


class SimulatedProvider(provider_pb2_grpc.ResourceProviderServicer):
    """`calls` are the methods and URNs of what was made, changed and deleted."""

    def __init__(self, fixtures: Fixtures, simulator: Simulator) -> None:
        self._fixtures, self._simulator = fixtures, simulator
        self.calls: list[tuple[str, str]] = []

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True)

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="0.0.0")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True)

    def Check(self, request: Any, context: Any) -> Any:
        """Names what the program does not, as bridged providers do, which also say so (`__defaults`). A name stays."""
        olds, news = from_struct(request.olds), from_struct(request.news)
        kind = self._simulator.type(type_of(request.urn))
        named = [key for key, template in kind.outputs.items() if template == "{name}" and key not in news]
        if named:
            made = self._simulator.preview(request.urn, news)
            news |= {key: olds.get(key, made[key]) for key in named} | {"__defaults": named}
        return provider_pb2.CheckResponse(inputs=to_struct(news))

    def Diff(self, request: Any, context: Any) -> Any:
        before, now = reveal(from_struct(request.old_inputs)), reveal(from_struct(request.news))
        kind = self._simulator.type(type_of(request.urn))
        changed = list(_differences((), before, now))
        replacing = [path for path in changed if kind.replaced_by(path)]
        return provider_pb2.DiffResponse(
            changes=_SOME if changed else _NONE,
            diffs=list(dict.fromkeys(str(path[0]) for path in changed)),
            replaces=[show(path) for path in replacing],
            deleteBeforeReplace=bool(replacing) and self._simulator.deletes_first(type_of(request.urn), before, now),
        )

    def Create(self, request: Any, context: Any) -> Any:
        inputs = _without_defaults(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=to_struct(self._simulator.preview(request.urn, inputs)))
        self.calls.append(("Create", request.urn))
        id_, outputs = self._simulator.create(request.urn, inputs)
        return provider_pb2.CreateResponse(id=id_, properties=to_struct(outputs))

    def Update(self, request: Any, context: Any) -> Any:
        if not request.preview:
            self.calls.append(("Update", request.urn))
        inputs, before, outputs = _without_defaults(request.news), from_struct(request.old_inputs), from_struct(request.olds)
        changed = self._simulator.update(request.urn, inputs, before, outputs, request.preview)
        return provider_pb2.UpdateResponse(properties=to_struct(changed))

    def Read(self, request: Any, context: Any) -> Any:
        _, outputs = self._simulator.create(request.urn, from_struct(request.properties))
        return provider_pb2.ReadResponse(
            id=request.id, properties=to_struct({**outputs, "id": request.id}), inputs=request.inputs
        )

    def Delete(self, request: Any, context: Any) -> Any:
        self.calls.append(("Delete", request.urn))
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        given = from_struct(request.args)
        result = self._fixtures.call(request.tok, given)
        if result is None:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no fixture answers {request.tok} {given}")
        return provider_pb2.InvokeResponse(**{"return": to_struct(result or {})})

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


def _without_defaults(properties: Any) -> dict[str, Any]:
    return {key: value for key, value in from_struct(properties).items() if key != "__defaults"}


def _differences(path: PropertyPath, old: Any, new: Any) -> Iterator[PropertyPath]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in {**old, **new}:
            if key != "__defaults":
                yield from _differences((*path, key), old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, now) in enumerate(zip(old, new, strict=True)):
            yield from _differences((*path, index), before, now)
    elif old != new:
        yield path


class Serving:
    """Serves one `SimulatedProvider` on a free port of 127.0.0.1 while the context lasts, for any number of packages."""

    def __init__(self, fixture: Path, region: str = DEFAULT_REGION) -> None:
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=32))
        fixtures = load_fixtures(fixture)
        caller = fixtures.call("aws:index/getCallerIdentity:getCallerIdentity", {}) or {}
        self.provider = SimulatedProvider(fixtures, Simulator(region, str(caller.get("accountId") or DEFAULT_ACCOUNT)))
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(self.provider, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._server.stop(grace=0).wait()
