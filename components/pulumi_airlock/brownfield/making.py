"""What every source makes: resources under URNs of their own, and what is to be said about them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any

from ..errors import Problems
from ..gates.stack import Resource, Stack

NAME = "imported"
"""What the stack and its project are called."""


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody says of an Airflow environment: the sources that do not know of it cannot."""

    name: str
    cidrs: tuple[str, ...] = ()
    """Where its tasks' traffic comes from."""
    workload: str = ""
    """As which workload of a cluster its tasks run: `<namespace>/<service account>`."""
    connector_groups: tuple[str, ...] = ()
    """Ids of the Cloud Connector groups by which its traffic comes to ZPA."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the sources do not say, and somebody does."""

    environments: tuple[Told, ...] = ()
    interfaces: tuple[str, ...] = ()
    """The FortiGate's interfaces by which the environments' traffic comes in; told by its routes where none is given."""
    timezone: str = ""
    """The FortiGate's clock, where its backup has it as one of FortiOS's numbers."""
    everybody: bool = False
    """Keep rules that can never hold for a task."""


@dataclass
class Made:
    """The resources found so far, and notes for whoever imports."""

    options: Options = field(default_factory=Options)
    resources: list[Resource] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    interfaces: set[str] = field(default_factory=set)
    """Of all FortiGates."""
    transit_tables: set[str] = field(default_factory=set)
    transit_routes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The route tables of transit gateways that attachments of VPCs are associated with, and those tables' routes."""
    of_google: set[str] = field(default_factory=set)
    """The kinds of Google Cloud's resources that the sources have."""
    attached: list[tuple[str, str]] = field(default_factory=list)
    """Networks of Google Cloud that name a firewall policy, and that policy, by their links."""
    _taken: set[str] = field(default_factory=set)

    def add(
        self,
        type_: str,
        name: str,
        properties: Mapping[str, Any],
        *,
        parent: str = "",
        provider: str = "",
        custom: bool = True,
        scope: str = "",
    ) -> Resource:
        """A resource of this type. Where the name is taken, its scope stands before it; where that is too, it gets a number."""
        names = chain((name, f"{scope}-{name}" if scope else name), (f"{name}-{number}" for number in count(2)))
        urns = (f"urn:pulumi:{NAME}::{NAME}::{type_}::{each}" for each in names)
        urn = next(each for each in urns if each not in self._taken)
        found = Resource(urn, type_, properties, custom=custom, parent=parent, provider=provider)
        self.keep(found)
        return found

    def keep(self, resource: Resource) -> None:
        """A resource that has its URN already."""
        self._taken.add(resource.urn)
        self.resources.append(resource)

    def holds(self, urn: str) -> bool:
        """Whether a resource of this URN is there."""
        return urn in self._taken

    def stack(self) -> Stack:
        """All of it as a stack."""
        return Stack(self.resources, name=NAME, project=NAME)


@dataclass(frozen=True)
class Source:
    """One file that is imported."""

    path: Path
    text: str
    documents: tuple[Any, ...]
    """Its JSON or YAML documents; none of a backup's text."""
    problems: Problems

    @property
    def name(self) -> str:
        """As messages call it."""
        return str(self.path)

    def wrong(self, path: tuple[str | int, ...], message: str) -> None:
        """Notes a problem at a place in the (first) document, with its line."""
        shown = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path).lstrip(".")
        self.problems.add(shown, message, place=f"{self.name}:{line_of(self.text, path)}")


def line_of(text: str, path: Iterable[str | int]) -> int:
    """The line of a place in a JSON or YAML document; of what holds it, where it is not there.

    Parses again, slowly: only ever done for a message.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    node = next(iter(YAML(pure=True).compose_all(text)), None)
    line = 1
    for step in path:
        line = node.start_mark.line + 1 if node is not None else line
        following = None
        if isinstance(node, MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(step)), None)
            line, following = (found[0].start_mark.line + 1, found[1]) if found else (line, None)
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            following = node.value[step]
            line = following.start_mark.line + 1
        if following is None:
            return line
        node = following
    return line


def slug(text: str, limit: int = 64) -> str:
    """A name that an access file takes: letters, digits and `-`, at most so many."""
    found = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower()[:limit].rstrip("-")
    return found or "unnamed"
