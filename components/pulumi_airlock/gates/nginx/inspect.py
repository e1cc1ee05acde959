"""What policies look at: the places of a gateway at which it passes people on, and how. No SDK in here.

A gateway is a configuration that asks who somebody is (`auth_request`) somewhere; any other nginx is none of this library's.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ..kubernetes import read_cluster
from ..stack import UNKNOWN, Resource, Stack
from .directives import ConfigError, Directive
from .locations import flat
from .own_paths import own_paths
from .plan import IDENTITY_HEADERS
from .pods import MAIN, gateways
from .synth import made
from .variables import Scope, effective


@dataclass(frozen=True)
class Place:
    """A location that passes requests on."""

    resource: Resource
    path: str
    """Where in the resource."""
    label: str
    """`location / of airflow.bank.example`."""
    blocks: tuple[Directive, ...]
    """The blocks around it, and its own."""

    @property
    def asks(self) -> bool:
        """Whether it asks who somebody is."""
        return any(one.args and one.args[0] != "off" for one in effective(self.blocks, "auth_request"))

    def passed_on(self) -> list[str]:
        """The identity headers that go on as the client sends them."""
        if any(one.args == ("off",) for one in effective(self.blocks, "proxy_pass_request_headers")):
            return []
        scope = Scope(self.blocks)
        said = {one.args[0].lower(): one.args[1] for one in effective(self.blocks, "proxy_set_header") if len(one.args) == 2}
        return [
            name for name in IDENTITY_HEADERS if (value := said.get(name.lower())) is None or (value and scope.from_client(value))
        ]


@dataclass(frozen=True)
class Gateway:
    """A configuration that asks who people are."""

    resource: Resource
    path: str
    http: Directive
    servers: tuple[tuple[Directive, tuple[Place, ...]], ...]
    """Each server that passes requests on, with the places where it does."""
    whole: bool
    """Whether it is nginx's own configuration: logs and TLS are in it, and not in a controller's."""

    def places(self) -> Iterator[Place]:
        """All places."""
        return (place for _, places in self.servers for place in places)


def inspected(stack: Stack) -> Iterator[Gateway]:
    """Every gateway of a stack. A configuration that nginx would not take is left to the reader."""
    for one in gateways(stack, read_cluster(stack, strangers=False)):
        try:
            root = one.root()
        except ConfigError:
            continue
        kept = {path: (found.resource, f"data.{key}") for path, (found, key, _) in one.files.items()}
        for http in (each for each in root if each.name == "http"):
            server = next(http.all("server"), http)
            resource, path = kept.get(server.file, (one.owner.resource, ""))
            yield from _asking(resource, path, root, http, whole=True)
    for other in made(stack):
        for http in other.root:
            yield from _asking(other.object.resource, "spec", other.root, http, whole=False)


def unread(stack: Stack) -> Iterator[tuple[Resource, str]]:
    """The configurations that are not known, with their place: what they say decides."""
    for one in gateways(stack, read_cluster(stack, strangers=False)):
        for path, (kept, key, text) in one.files.items():
            if text is UNKNOWN and (path == MAIN or path.endswith(".conf")):
                yield kept.resource, f"data.{key}"


def _asking(resource: Resource, path: str, root: tuple[Directive, ...], http: Directive, whole: bool) -> Iterator[Gateway]:
    main = Directive("", (), 0, "", root)
    servers = []
    for server in http.all("server"):
        blocks = (main, http, server)
        own = own_paths(blocks)
        names = [name for one in server.all("server_name") for name in one.args]
        found = tuple(
            Place(resource, path, f"{one.name} of {names[0] if names else 'every host'}", (*one.above, one.directive))
            for one in flat(server, blocks)
            if one.directive not in own and one.directive.last("proxy_pass") is not None
        )
        if found:
            servers.append((server, found))
    if any(place.asks for _, places in servers for place in places):
        yield Gateway(resource, path, http, tuple(servers), whole)
