"""What an update would do to each resource: create, update, replace, delete, or nothing, against the state.

The rules are the Pulumi engine's (`pkg/resource/deploy/step_generator.go`): aliases, protection, `ignoreChanges`,
`replaceOnChanges`. Which input forces a replacement is the provider's to say, and comes from `simulated_types` here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from ..errors import Problem
from . import paths, urns
from .simulation import Simulator
from .state import ResourceState, Sealer
from .wire import SECRET, SIGNATURE, UNKNOWN_STRING, has_unknown, is_secret, secret

PROVIDER_PREFIX = "pulumi:providers:"


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
            additional_secret_outputs=asked.additional_secret_outputs,
            custom_timeouts=asked.custom_timeouts,
            import_id=asked.import_id,
            replacement_trigger=keep(asked.replacement_trigger),
        )


class Planner:
    """Decides on one resource after the other, as they are registered."""

    def __init__(self, olds: Mapping[str, ResourceState], sealer: Sealer, simulator: Simulator, *, preview: bool) -> None:
        self._olds = olds
        self._sealer = sealer
        self._simulator = simulator
        self._preview = preview
        self._renamed: dict[str, str] = {}
        """Old URN → the URN of the resource that took its place by an alias."""
        self._aliases: dict[str, str] = {}
        """URN → the alias that it was found under; its children inherit it."""
        self.steps: dict[str, Step] = {}
        self.problems: list[Problem] = []

    @property
    def renamed(self) -> Mapping[str, str]:
        """Old URN → new URN, for resources that were found under an alias."""
        return self._renamed

    def inherited_aliases(self, parent: str) -> tuple[str, ...]:
        """The alias under which a parent was found in the state."""
        return (self._aliases[parent],) if parent in self._aliases else ()

    def find_old(self, urn: str, aliases: Sequence[str]) -> ResourceState | None:
        """The resource in the state that a registration continues, under its URN or one of its aliases."""
        if urn in self._olds:
            return self._olds[urn]
        for alias in aliases:
            if alias in self._olds and alias not in self._renamed and alias not in self.steps:
                self._renamed[alias] = urn
                self._aliases[urn] = alias
                return self._olds[alias]
        return None

    def with_ignored(self, asked: Registration, old: ResourceState | None) -> dict[str, Any]:
        """The inputs, with what `ignoreChanges` names as it is in the state."""
        inputs: dict[str, Any] = asked.inputs
        if old is None:
            return inputs
        for path in asked.ignore_changes:
            inputs = paths.reset(paths.parse(path), dict(old.inputs), inputs)
        return inputs

    def plan(self, asked: Registration, old: ResourceState | None) -> Step:
        """Decides on a resource; its inputs are final by now."""
        step = self._decide(asked, old)
        for key in asked.additional_secret_outputs:
            if key in step.outputs:
                step.outputs[key] = secret(step.outputs[key])
        self.steps[asked.urn] = step
        return step

    def _decide(self, asked: Registration, old: ResourceState | None) -> Step:
        if asked.read_id:
            return self._read(asked, old)
        if old is None or (old.external and asked.custom):
            return self._create(Op.IMPORT if asked.import_id else Op.CREATE, asked, old)
        changes = self._changes(asked, old)
        if asked.custom and self._must_replace(asked, old, changes):
            if old.protect:
                self._refuse(old, "must be replaced")
            return self._create(Op.REPLACE, asked, old, changes)
        outputs = self._restored(old, asked)
        if not changes:
            return Step(Op.SAME, asked.urn, asked, old, old.id, outputs)
        if asked.custom:
            outputs = self._simulator.update(asked.urn, self._open(asked.inputs), old.inputs, outputs, self._preview)
        return Step(Op.UPDATE, asked.urn, asked, old, old.id, outputs, changes)

    def _create(self, op: Op, asked: Registration, old: ResourceState | None, changes: Sequence[Change] = ()) -> Step:
        inputs = self._open(asked.inputs)
        if not asked.custom:
            return Step(op, asked.urn, asked, old)
        if self._preview:
            outputs = inputs if asked.type.startswith(PROVIDER_PREFIX) else self._simulator.preview(asked.urn, inputs)
            return Step(op, asked.urn, asked, old, asked.import_id, outputs, list(changes))
        id_, outputs = self._simulator.create(asked.urn, inputs, old.id if op is Op.REPLACE and old else "")
        if asked.type.startswith(PROVIDER_PREFIX):
            outputs = inputs
        return Step(op, asked.urn, asked, old, asked.import_id or id_, outputs, list(changes))

    def _read(self, asked: Registration, old: ResourceState | None) -> Step:
        known = not has_unknown(asked.read_id)
        outputs = self._open(asked.inputs)
        if not self._preview:
            _, made = self._simulator.create(asked.urn, outputs)
            outputs = {**made, "id": asked.read_id}
        return Step(Op.READ, asked.urn, asked, old, asked.read_id if known else "", outputs)

    def _changes(self, asked: Registration, old: ResourceState) -> list[Change]:
        found = list(self._differences((), dict(old.inputs), self._sealer.seal(asked.inputs)))
        forced = [paths.parse(path) for path in asked.replace_on_changes]
        forces = self._simulator.type(asked.type).forces
        return [
            replace(
                one, replaces=bool(one.path and one.path[0] in forces) or any(paths.covers(path, one.path) for path in forced)
            )
            for one in found
        ]

    def _differences(self, path: tuple[str | int, ...], old: Any, new: Any) -> Iterator[Change]:
        if isinstance(old, dict) and isinstance(new, dict) and SIGNATURE not in old and SIGNATURE not in new:
            for key in dict.fromkeys([*old, *new]):
                if key not in new:
                    yield Change((*path, key), "delete", old[key], None)
                elif key not in old:
                    yield Change((*path, key), "add", None, new[key])
                else:
                    yield from self._differences((*path, key), old[key], new[key])
        elif isinstance(old, list) and isinstance(new, list):
            for index in range(max(len(old), len(new))):
                if index >= len(new):
                    yield Change((*path, index), "delete", old[index], None)
                elif index >= len(old):
                    yield Change((*path, index), "add", None, new[index])
                else:
                    yield from self._differences((*path, index), old[index], new[index])
        elif not self._equal(old, new):
            yield Change(path, "update", old, new)

    def _equal(self, old: Any, new: Any) -> bool:
        """Whether two values are the same; being secret or not is no difference."""
        if is_secret(old) != is_secret(new):
            old, new = (value if is_secret(value) else self._sealer.seal(secret(value)) for value in (old, new))
        return bool(old == new)

    def _must_replace(self, asked: Registration, old: ResourceState, changes: Sequence[Change]) -> bool:
        if any(change.replaces for change in changes):
            return True
        if self._sealer.seal(asked.replacement_trigger) != old.replacement_trigger:
            return True
        if any(self.steps[urn].op is Op.REPLACE for urn in asked.replace_with if urn in self.steps):
            return True
        return self._provider_changed(asked, old)

    def _provider_changed(self, asked: Registration, old: ResourceState) -> bool:
        """Another provider replaces its resources; another version of the default one does not."""
        before, now = (reference.rsplit("::", 1)[0] for reference in (old.provider, asked.provider))
        before = self._renamed.get(before, before)
        if not before or not now or before == now:
            return False
        return not (urns.name_of(before).startswith("default") and urns.name_of(now).startswith("default"))

    def _refuse(self, old: ResourceState, what: str) -> None:
        fix = "run once with `protect` taken off it"
        message = f"{what}, but it is protected: {fix}, or keep what changed about it"
        self.problems.append(Problem(urns.name_of(old.urn), urns.type_of(old.urn), message))

    def _restored(self, old: ResourceState, asked: Registration) -> dict[str, Any]:
        """The outputs in the state, with their secrets: those that are inputs from there, made-up ones made up again."""
        outputs = dict(old.outputs)
        if not any(map(_sealed, outputs.values())):
            return outputs
        inputs = self._open(asked.inputs)
        _, made = self._simulator.create(asked.urn, inputs) if asked.custom else ("", {})
        for key, value in outputs.items():
            if _sealed(value):
                again = inputs.get(key, made.get(key))
                outputs[key] = again if self._sealer.seal(again) == value else secret(UNKNOWN_STRING)
        return outputs

    def _open(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs without sealed values, which `ignoreChanges` brings from the state: those are unknown secrets."""
        return {key: _opened(value) for key, value in inputs.items()} if any(map(_sealed, inputs.values())) else dict(inputs)

    def deletions(self) -> list[Step]:
        """The steps for what is in the state and no longer in the program, dependents first."""
        found = []
        for urn, old in reversed([*self._olds.items()]):
            if urn in self.steps or urn in self._renamed:
                continue
            kept = old.retain_on_delete or old.external
            if old.protect and not kept:
                self._refuse(old, "is no longer in the program and would be deleted")
            found.append(Step(Op.FORGET if kept else Op.DELETE, urn, None, old, old.id, dict(old.outputs)))
        return found


def _sealed(value: Any) -> bool:
    if isinstance(value, Mapping):
        return (value.get(SIGNATURE) == SECRET and "ciphertext" in value) or any(map(_sealed, value.values()))
    return isinstance(value, list) and any(map(_sealed, value))


def _opened(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.get(SIGNATURE) == SECRET and "ciphertext" in value:
            return secret(UNKNOWN_STRING)
        return {key: _opened(item) for key, item in value.items()}
    return [_opened(item) for item in value] if isinstance(value, list) else value
