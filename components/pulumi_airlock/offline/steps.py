"""What a program asks for, and what an update would do about it: the words that planning, applying and showing share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from . import urns
from .state import ResourceState, Sealer


class Op(Enum):
    """What is done to a resource; the values are those of `pulumi preview --json`."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    SAME = "same"
    READ = "read"
    IMPORT = "import"
    FORGET = "discard"
    """No longer in the state, and left where it is (`retainOnDelete`, or only read)."""
    CREATE_REPLACEMENT = "create-replacement"
    """Part of a replacement: the new resource comes."""
    DELETE_REPLACED = "delete-replaced"
    """Part of a replacement: the old resource goes. On its own, what an interrupted update left over."""
    REMOVE_PENDING = "remove-pending-replace"
    """A resource that went before another was replaced, and does not come back, is forgotten."""


@dataclass(slots=True)
class Registration:
    """A resource as the program asked for it."""

    urn: str
    type: str
    custom: bool
    parent: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    provider: str = ""
    """Reference of the provider, `<urn>::<id>`; empty for components."""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    delete_before_replace: bool | None = None
    additional_secret_outputs: tuple[str, ...] = ()
    custom_timeouts: Mapping[str, str] = field(default_factory=dict)
    retain_on_delete: bool = False
    deleted_with: str = ""
    replace_with: tuple[str, ...] = ()
    import_id: str = ""
    read_id: str = ""
    """The id that is read, for a resource that another hand manages."""
    remote: bool = False
    replacement_trigger: Any = None
    place: str = ""
    """The line of the program that led to it, `…/bank/__main__.py:31`; empty where unknown. Not in the state."""


@dataclass(frozen=True, slots=True)
class Change:
    """One property that differs. Secrets are sealed in `old`, and compared by their hashes."""

    path: tuple[str | int, ...]
    kind: str
    """`add`, `delete` or `update`."""
    old: Any
    new: Any
    replaces: bool = False


@dataclass(slots=True)
class Step:
    """What happens to one resource."""

    op: Op
    urn: str
    registration: Registration | None = None
    old: ResourceState | None = None
    id: str = ""
    """Empty where there is none, or where it is not known yet."""
    outputs: dict[str, Any] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    reasons: tuple[str, ...] = ()
    """Why it is replaced: input properties, or `provider`, `replacementTrigger`, `replaceWith`, `deletedWith`, `import`."""
    deletes_first: bool = False
    """Of a replacement: the old resource goes before the new one comes. Otherwise it goes last of all."""
    because: str = ""
    """URN of the resource that cannot go before this one has gone, and so has this one replaced."""
    condemned: tuple[ResourceState, ...] = ()
    """Of a replacement that deletes first: the dependents that must go before, in that order."""

    @property
    def type(self) -> str:
        """The resource's type."""
        return urns.type_of(self.urn)

    @property
    def name(self) -> str:
        """The resource's name."""
        return urns.name_of(self.urn)

    @property
    def parent(self) -> str:
        """URN of its parent."""
        source = self.registration or self.old
        return source.parent if source else ""

    def state(self, seal: Sealer | None = None) -> ResourceState:
        """The resource after this step; with a sealer, as it stands in the state file."""
        asked = self.registration
        if asked is None:
            assert self.old is not None  # noqa: S101  # a step has one or the other
            return self.old
        keep = seal.seal if seal else lambda value: value
        return ResourceState(
            urn=self.urn,
            type=asked.type,
            custom=asked.custom,
            id=self.id,
            parent=asked.parent,
            provider=asked.provider,
            inputs=keep(asked.inputs),
            outputs=keep(self.outputs),
            dependencies=asked.dependencies,
            property_dependencies=asked.property_dependencies,
            protect=asked.protect,
            external=bool(asked.read_id),
            retain_on_delete=asked.retain_on_delete,
            deleted_with=asked.deleted_with,
            aliases=asked.aliases,
            ignore_changes=asked.ignore_changes,
            replace_on_changes=asked.replace_on_changes,
            replace_with=asked.replace_with,
            additional_secret_outputs=asked.additional_secret_outputs,
            custom_timeouts=asked.custom_timeouts,
            import_id=asked.import_id,
            replacement_trigger=keep(asked.replacement_trigger),
        )
