"""The proxies of a stack as policies look at them: places in their configuration, whoever wrote it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..stack import UNKNOWN, Resource, Stack
from .haproxy.syntax import Document, Section, Words
from .places import Found, found
from .read_config import Configuration

CONNECT = "connect_matcher"


@dataclass(frozen=True)
class _Placed:
    """A proxy's configuration, with where it is."""

    found: Found

    @property
    def resource(self) -> Resource:
        """What it begins in."""
        return self.found.files[self.found.bootstrap].resource

    @property
    def path(self) -> tuple[str, ...]:
        """Where in the resource that is."""
        return self.found.files[self.found.bootstrap].path


@dataclass(frozen=True)
class Inspected(_Placed):
    """One proxy."""

    config: Configuration

    def place(self, file: str) -> tuple[Resource, tuple[str, ...]]:
        """Where a file is."""
        one = self.found.files.get(file) or self.found.files[self.found.bootstrap]
        return one.resource, one.path

    def tunnels(self) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
        """(file, virtual host, route) of every route that leads somewhere by CONNECT."""
        for file, routes in self.config.routes():
            for host in routes.get("virtual_hosts") or ():
                for route in host.get("routes") or () if isinstance(host, Mapping) else ():
                    if isinstance(route, Mapping) and CONNECT in (route.get("match") or {}) and route.get("route"):
                        yield file, host, route

    def lead(self) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]]:
        """(listener, filter chain, manager) of every listener that tunnels come in by."""
        for listener, chain, manager in self.config.managers():
            if any(one.get("upgrade_type") == "CONNECT" for one in manager.get("upgrade_configs") or ()):
                yield listener, chain, manager


def inspected(stack: Stack) -> Iterator[Inspected]:
    """Every Envoy that is a proxy and whose configuration the stack has."""
    for one in found(stack):
        if isinstance(one.files[one.bootstrap].document, Document):
            continue
        documents = {name: file.document for name, file in one.files.items()}
        proxy = Inspected(one, Configuration(documents, one.bootstrap))
        # Another Envoy of the cluster, which tunnels nothing, is none of ours.
        if one.component is not None or any(True for _ in proxy.lead()):
            yield proxy


def unread(stack: Stack) -> Iterator[tuple[Resource, str]]:
    """(resource, path) of what nobody can read before the update."""
    for one in inspected(stack):
        for file in one.found.files.values():
            if file.document is UNKNOWN:
                yield file.resource, ".".join(file.path)


@dataclass(frozen=True)
class InspectedHaproxy(_Placed):
    """One HAProxy."""

    document: Document

    def lead(self) -> Iterator[tuple[Section, Words]]:
        """(frontend, what it listens on) of every listener that carries TCP."""
        for one in self.document.proxies():
            if one.kind != "backend" and (one.says("mode") or ("tcp",))[0] == "tcp":
                yield from ((one, bind) for bind in one.each("bind"))


def haproxies(stack: Stack) -> Iterator[InspectedHaproxy]:
    """Every HAProxy whose configuration the stack has, and that is a proxy: one that ends no TLS of TCP is none of ours."""
    for one in found(stack):
        document = one.files[one.bootstrap].document
        if isinstance(document, Document):
            proxy = InspectedHaproxy(one, document)
            if one.component is not None or any("ssl" in bind for _, bind in proxy.lead()):
                yield proxy
