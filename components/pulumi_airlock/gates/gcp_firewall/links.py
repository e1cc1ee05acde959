"""How the resources of a VPC hang together: by id, link or name where these are known, else by property dependency."""

import re
from dataclasses import dataclass
from typing import Any

from ..stack import UNKNOWN, Resource

_HOST = re.compile(r"^(https:)?//[^/]+/(compute/[^/]+/)?")
_NAMES = ("id", "selfLink", "selfLinkWithId", "name", "email", "firewallPolicyId", "networkFirewallPolicyId", "policyId")
"""What other resources may call a resource by; those that end in `Id` are numbers that Google gives."""


@dataclass(frozen=True, slots=True)
class Linked:
    """What a property refers to: resources of the stack, what is elsewhere (as it is called), and whether some is not known."""

    resources: tuple[Resource, ...] = ()
    foreign: tuple[str, ...] = ()
    unknown: bool = False

    def __bool__(self) -> bool:
        return bool(self.resources or self.foreign or self.unknown)

    def __str__(self) -> str:
        named = [one.name for one in self.resources] + list(self.foreign)
        return ", ".join(named + (["not known"] if self.unknown else [])) or "none"

    def meets(self, other: "Linked") -> bool | None:
        """Whether both refer to something that is the same; None where that is not known."""
        if set(self.resources) & set(other.resources):
            return True
        pairs = [(mine, theirs) for mine in self.foreign for theirs in other.foreign]
        if any(mine == theirs for mine, theirs in pairs):
            return True
        # `net` and `projects/x/global/networks/net` may be one.
        if any(_last(mine) == _last(theirs) and ("/" in mine) != ("/" in theirs) for mine, theirs in pairs):
            return None
        return None if self.unknown or other.unknown else False


def follow(resource: Resource, path: tuple[str | int, ...], types: tuple[str, ...]) -> Linked:
    """The resources of the given types that the value or values at `path` name.

    A known value is looked up; an unknown one is one of those that the path's first step was computed from.
    """
    found: dict[str, Resource] = {}
    foreign: list[str] = []
    unknown = 0
    for value in resource.get_list(*path):
        if value is UNKNOWN:
            unknown += 1
        elif (text := plain(value)) in ("", "None"):
            continue
        else:
            named = _meant(resource, str(path[0]), [one for one in resource.stack.of_type(*types) if called(one, text)])
            if len(named) == 1:
                found[named[0].urn] = named[0]
            elif named:
                unknown += 1
            else:
                foreign.append(text)
    if unknown:
        # One whose id is known would have been given by it.
        candidates = [one for one in resource.refers_to(str(path[0]), *types) if one.urn not in found]
        candidates = [one for one in candidates if not isinstance(one.get("id"), str)]
        if candidates and len(candidates) <= unknown and _alone(resource, path, candidates):
            found.update((one.urn, one) for one in candidates)
            unknown -= len(candidates)
    return Linked(tuple(found.values()), tuple(foreign), bool(unknown))


def _meant(resource: Resource, prop: str, named: list[Resource]) -> list[Resource]:
    """Of several that have one name, those that the property was computed from, else those of the same project."""
    if len(named) < 2:
        return named
    linked = [one for one in named if one in resource.refers_to(prop)]
    return linked or [one for one in named if one.get("project") == resource.get("project")] or named


def _alone(resource: Resource, path: tuple[str | int, ...], candidates: list[Resource]) -> bool:
    """Whether nothing else of the property may have been computed from the candidates: rules in a list share their links."""
    if not any(isinstance(step, int) for step in path):
        return True
    return set(resource.property_dependencies.get(str(path[0]), ())) == {candidates[0].urn}


def plain(value: Any) -> str:
    """A link or a name without the API's host: `projects/p/global/networks/n`."""
    return _HOST.sub("", str(value)).rstrip("/")


def called(one: Resource, text: str) -> bool:
    """Whether a plain link, path or name is that of a resource."""
    own = [plain(value) for value in map(one.get, _NAMES) if isinstance(value, str | int) and not isinstance(value, bool)]
    if text in own:
        return True
    name = one.get("name")
    if "/" not in text or not isinstance(name, str) or _last(text) != name:
        return False
    # A path that was put together from the name, where the id is not known yet.
    return not isinstance(one.get("id"), str) and all(
        one.get(prop) in (None, UNKNOWN, value) for prop, value in _parts(text).items()
    )


def _parts(path: str) -> dict[str, str]:
    found = re.match(r"projects/(?P<project>[^/]+)/(?:regions/(?P<region>[^/]+)/)?", path)
    return {key: value for key, value in found.groupdict().items() if value is not None} if found else {}


def _last(text: str) -> str:
    return text.rsplit("/", 1)[-1]
