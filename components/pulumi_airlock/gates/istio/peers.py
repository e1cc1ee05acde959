"""How workloads take connections: PeerAuthentication of the mesh, of the namespace, of the workload, and of single ports.

Source: istio/istio, pilot/pkg/model and security/authn (ComposePeerAuthentication): of several at one place the oldest counts; a
selector in the root namespace counts for nobody; UNSET goes by what is above, and at the top it is PERMISSIVE.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...proof.sets import Services
from ..kubernetes import KubeObject, LabelSelector, Workload
from ..stack import UNKNOWN, port_number

STRICT, PERMISSIVE, DISABLE, UNSET = "STRICT", "PERMISSIVE", "DISABLE", "UNSET"
_MODES = frozenset({STRICT, PERMISSIVE, DISABLE})


@dataclass(frozen=True, slots=True)
class Taking:
    """How some ports of a workload take connections."""

    ports: Services
    modes: frozenset[str]
    """One, or those that it may be."""
    said: KubeObject | None = None
    """The object that says so; None: nobody does."""

    @property
    def strict(self) -> bool | None:
        """Whether a certificate of the mesh is asked for; None: perhaps."""
        return True if self.modes == {STRICT} else None if STRICT in self.modes else False

    @property
    def named(self) -> bool | None:
        """Whether callers of the mesh have their identity; with DISABLE nobody has one. None: perhaps."""
        return False if self.modes == {DISABLE} else None if DISABLE in self.modes else True


@dataclass(frozen=True)
class _Level:
    """A place at which PeerAuthentications are, and what the one that counts there says."""

    candidates: tuple[KubeObject, ...]
    sure: bool
    """Whether the one that counts is among them: each of them surely selects."""


def takings(one: Workload, peers: Iterable[KubeObject], root: str, *, ambient: bool = False) -> tuple[Taking, ...]:
    """How a workload takes connections, by its ports.

    In ambient mode DISABLE counts for nothing: ztunnel has mTLS on anyway (Istio, "PeerAuthentication").
    """
    mesh: list[KubeObject] = []
    space: list[KubeObject] = []
    mine: list[KubeObject] = []
    perhaps: list[KubeObject] = []
    for each in peers:
        selector = LabelSelector.parse(each.get("spec", "selector"))
        if selector.everything and each.namespace == root:
            mesh.append(each)
        elif selector.everything and each.namespace == one.namespace:
            space.append(each)
        elif not selector.everything and each.namespace == one.namespace != root and selector.matches(one.labels):
            (perhaps if selector.unknown else mine).append(each)
    modes, said = frozenset({PERMISSIVE}), None
    for level in (
        _Level(_oldest(mesh), True),
        _Level(_oldest(space), True),
        _Level(_oldest(mine), True),
        _Level(tuple(perhaps), False),
    ):
        modes, said = _above(level, modes, said)
    found: list[Taking] = []
    rest = Services.every()
    for port, (given, by) in sorted(_of_ports([*_oldest(mine), *perhaps], bool(perhaps) or len(_oldest(mine)) > 1).items()):
        here = Services.of("tcp", port, port)
        found.append(_taking(here, frozenset().union(*(modes if mode == UNSET else {mode} for mode in given)), by, ambient))
        rest -= here
    return (*found, _taking(rest, modes, said, ambient))


def _taking(ports: Services, modes: frozenset[str], said: KubeObject | None, ambient: bool) -> Taking:
    return Taking(ports, frozenset(PERMISSIVE if ambient and one == DISABLE else one for one in modes), said)


def _above(level: _Level, modes: frozenset[str], said: KubeObject | None) -> tuple[frozenset[str], KubeObject | None]:
    """The modes with one more place looked at."""
    found: set[str] = set()
    by = said
    for each in level.candidates:
        mode = _mode(each.get("spec", "mtls", "mode", default=UNSET))
        found |= modes if mode == {UNSET} else mode - {UNSET} | (modes if UNSET in mode else set())
        by = each if mode != {UNSET} else by
    if not level.candidates:
        return modes, said
    return frozenset(found if level.sure else found | modes), by


def _mode(value: Any) -> frozenset[str]:
    if value is UNKNOWN:
        return _MODES | {UNSET}
    return frozenset({value}) if isinstance(value, str) and value in _MODES else frozenset({UNSET})


def _oldest(found: Sequence[KubeObject]) -> tuple[KubeObject, ...]:
    """The one that counts; all of them where a preview does not tell their age."""
    ages = [one.get("metadata", "creationTimestamp") for one in found]
    if len(found) > 1 and all(isinstance(age, str) and age for age in ages):
        return (min(zip(ages, range(len(found)), found, strict=True))[2],)
    return tuple(found)


def _of_ports(found: Sequence[KubeObject], unsure: bool) -> Mapping[int, tuple[frozenset[str], KubeObject]]:
    """Port → its modes (UNSET: the workload's), of policies that select the workload."""
    ports: dict[int, tuple[frozenset[str], KubeObject]] = {}
    for each in found:
        given = each.get("spec", "portLevelMtls")
        for port, one in given.items() if isinstance(given, Mapping) else ():
            mode = _mode(one.get("mode", UNSET) if isinstance(one, Mapping) else UNKNOWN if one is UNKNOWN else UNSET)
            number = port_number(port)
            if number is None:
                continue  # the API refuses it
            known = ports.get(number, (frozenset({UNSET}) if unsure else frozenset[str](), each))[0]
            ports[number] = (known | mode, each)
    return ports
