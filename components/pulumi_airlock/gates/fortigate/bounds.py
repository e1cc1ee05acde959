"""A set that is known in part: what surely belongs to it, and what may."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar


class _Set(Protocol):
    def __bool__(self) -> bool: ...
    def __or__(self, other: Self, /) -> Self: ...
    def __and__(self, other: Self, /) -> Self: ...


S = TypeVar("S")
T = TypeVar("T", bound=_Set)


@dataclass(frozen=True, slots=True)
class Bound(Generic[S]):
    """`sure` ⊆ the set ⊆ `maybe`; `reasons` say what is not known, where the two differ."""

    sure: S
    maybe: S
    reasons: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    """URNs of the objects that it comes from."""

    @classmethod
    def exactly(cls, value: S, through: Iterable[str] = ()) -> "Bound[S]":
        """A set that is known."""
        return Bound(value, value, (), tuple(through))

    def by_way_of(self, *urns: str) -> "Bound[S]":
        """The same set, said to come from these objects as well."""
        return Bound(self.sure, self.maybe, self.reasons, (*urns, *self.through))


def union(parts: Iterable[Bound[T]], empty: T) -> Bound[T]:
    """Any of the parts; `empty` is the union of none."""
    sure, maybe = empty, empty
    reasons: dict[str, None] = {}
    through: dict[str, None] = {}
    for part in parts:
        sure, maybe = sure | part.sure, maybe | part.maybe
        reasons.update(dict.fromkeys(part.reasons))
        through.update(dict.fromkeys(part.through))
    return Bound(sure, maybe, tuple(reasons), tuple(through))
