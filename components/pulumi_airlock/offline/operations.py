"""What an update does, one operation after the other, and what the state is after each of them.

In the Pulumi engine's order: a replacement is created, and what it replaces is deleted once all else is done; or, where a
replacement deletes first, its dependents and it itself are deleted before it is created. A state between two operations is one
from which the next update goes on: what is replaced but not deleted is marked `delete`, what is deleted but not replaced
`pendingReplacement` (pulumi `sdk/go/common/apitype`, ResourceV3).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from .state import ResourceState, Sealer, Snapshot
from .steps import Op, Step


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that is done to one resource."""

    op: Op
    urn: str
    old: ResourceState | None = None
    """The resource before; none where it is new."""
    step: Step | None = None
    """The resource after; none where it is gone."""


def in_order(steps: Sequence[Step], before: Snapshot) -> list[Operation]:
    """The operations of steps, which come as they are registered. What is deleted after all else goes dependents first."""
    operations = [one for step in steps for one in _of(step)]
    replaced = [
        Operation(Op.DELETE_REPLACED, step.old.urn, step.old)
        for step in steps
        if step.op is Op.REPLACE and step.old and not step.deletes_first
    ]
    gone = [one for step in steps if step.registration is None for one in _gone(step)]
    place = {(one.urn, one.id, one.delete): at for at, one in enumerate(before)}

    def last_first(one: Operation) -> int:
        return -place[one.old.urn, one.old.id, one.old.delete] if one.old else 0

    return operations + sorted([*replaced, *gone], key=last_first)


def _of(step: Step) -> Iterator[Operation]:
    old = step.old
    if step.registration is None:
        return
    if step.op is not Op.REPLACE or old is None:
        yield Operation(step.op, step.urn, old, step)
        return
    parts = [Op.CREATE_REPLACEMENT, Op.REPLACE]
    if step.deletes_first:
        parts.reverse()
        for one in step.condemned:
            yield Operation(Op.DELETE_REPLACED, one.urn, one)
        if not step.because and not old.pending_replacement:
            yield Operation(Op.DELETE_REPLACED, old.urn, old)
    for op in parts:
        yield Operation(op, step.urn, old, step)


def _gone(step: Step) -> Iterator[Operation]:
    pending = step.because or (step.old and step.old.pending_replacement)
    yield Operation(Op.REMOVE_PENDING if pending else step.op, step.urn, step.old)


class Journal:
    """The state while operations are applied to it."""

    def __init__(self, before: Snapshot, renamed: Mapping[str, str], sealer: Sealer) -> None:
        self._sealer = sealer
        self._done: dict[str, ResourceState] = {}
        self._left = {urn: _moved(state, renamed) if renamed else state for urn, state in before.resources.items()}
        self._leftover = list(before.leftover)

    def note(self, operation: Operation) -> None:
        """An operation has been done."""
        old, step = operation.old, operation.step
        match operation.op:
            case Op.REPLACE:
                return  # its parts do it
            case Op.DELETE_REPLACED if old is not None:
                self._delete_replaced(old)
            case Op.CREATE_REPLACEMENT if old is not None and step is not None and not step.deletes_first:
                self._leftover.append(replace(self._left.pop(old.urn), delete=True))
            case _:
                self._left.pop(old.urn if old else operation.urn, None)
        if step is not None:
            self._done[step.urn] = step.state(self._sealer)

    def _delete_replaced(self, old: ResourceState) -> None:
        left = [one for one in self._leftover if (one.urn, one.id) != (old.urn, old.id)]
        if len(left) < len(self._leftover):
            self._leftover = left
        elif old.urn in self._left:
            self._left[old.urn] = replace(self._left[old.urn], pending_replacement=True)

    def states(self) -> list[ResourceState]:
        """Every resource as it is now, each after what it needs."""
        return [*self._done.values(), *self._left.values(), *self._leftover]


def _moved(state: ResourceState, renamed: Mapping[str, str]) -> ResourceState:
    """A state whose links follow resources that have another URN now."""

    def new(urn: str) -> str:
        return renamed.get(urn, urn)

    provider, _, id_ = state.provider.rpartition("::")
    return replace(
        state,
        parent=new(state.parent),
        provider=f"{new(provider)}::{id_}" if provider else state.provider,
        dependencies=tuple(map(new, state.dependencies)),
        property_dependencies={key: tuple(map(new, found)) for key, found in state.property_dependencies.items()},
        deleted_with=new(state.deleted_with),
        replace_with=tuple(map(new, state.replace_with)),
    )
