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


def in_order(steps: Sequence[Step]) -> list[Operation]:
    """The operations of steps, which come as they are registered, then deletions with dependents first."""
    last = {step.old.urn: step.old for step in steps if step.op is Op.REPLACE and step.old and not step.deletes_first}
    operations: list[Operation] = []
    for step in steps:
        operations += _of(step)
    # Deleted after all else: what replacements replaced, dependents first.
    return operations + [Operation(Op.DELETE_REPLACED, old.urn, old) for old in reversed(last.values())]


def _of(step: Step) -> Iterator[Operation]:
    old = step.old
    match step.op:
        case Op.REPLACE if old is not None and step.deletes_first:
            for one in step.condemned:
                yield Operation(Op.DELETE_REPLACED, one.urn, one)
            if not step.because and not old.pending_replacement:
                yield Operation(Op.DELETE_REPLACED, old.urn, old)
            yield Operation(Op.REPLACE, step.urn, old, step)
            yield Operation(Op.CREATE_REPLACEMENT, step.urn, old, step)
        case Op.REPLACE:
            yield Operation(Op.CREATE_REPLACEMENT, step.urn, old, step)
            yield Operation(Op.REPLACE, step.urn, old, step)
        case Op.DELETE | Op.FORGET if old is not None and (step.because or old.pending_replacement):
            yield Operation(Op.REMOVE_PENDING, step.urn, old)
        case Op.DELETE | Op.FORGET | Op.DELETE_REPLACED:
            yield Operation(step.op, step.urn, old)
        case _:
            yield Operation(step.op, step.urn, old, step)


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
