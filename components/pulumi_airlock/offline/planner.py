"""What an update would do to each resource: create, update, replace, delete, or nothing, against the state.

The rules are the Pulumi engine's (`pkg/resource/deploy/step_generator.go`): aliases, protection, `ignoreChanges`,
`replaceOnChanges`, `replaceWith`, `deletedWith`, `deleteBeforeReplace`. Which input forces a replacement is for the provider to
say, and comes from `simulated_types` here; of dynamic resources the real provider says it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import Problem
from . import paths, urns
from .dynamic import DynamicProviders, Verdict, is_dynamic
from .simulation import Simulator
from .state import ResourceState, Sealer, Snapshot
from .steps import Change, Op, Registration, Step
from .wire import SECRET, SIGNATURE, UNKNOWN_STRING, has_unknown, is_secret, secret

PROVIDER_PREFIX = "pulumi:providers:"


class Planner:
    """Decides on one resource after the other, as they are registered."""

    def __init__(
        self, before: Snapshot, sealer: Sealer, simulator: Simulator, dynamic: DynamicProviders, *, preview: bool
    ) -> None:
        self._dynamic = dynamic
        self._olds = before.resources
        self._leftover = before.leftover
        self._sealer = sealer
        self._simulator = simulator
        self._preview = preview
        self._renamed: dict[str, str] = {}
        """Old URN → the URN of the resource that took its place by an alias."""
        self._aliases: dict[str, str] = {}
        """URN → the alias that it was found under; its children inherit it."""
        self._condemned: dict[str, str] = {}
        """URN of a resource that must go first → the URN of the resource whose replacement waits for it."""
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
        if is_dynamic(asked.type) and (problems := self._dynamic.check(asked.urn, old.inputs if old else {}, asked.inputs)):
            self.problems.extend(problems)
            return Step(Op.SAME, asked.urn, asked, old, old.id if old else "", dict(asked.inputs))
        if old is None or (old.external and asked.custom):
            return self._create(Op.IMPORT if asked.import_id else Op.CREATE, asked, old)
        verdict = self._verdict(asked, old)
        changes = [replace(one, replaces=one.replaces or one.path[0] in verdict.replaces) for one in self._changes(asked, old)]
        reasons = tuple(dict.fromkeys((*self._reasons(asked, old, changes), *verdict.replaces))) if asked.custom else ()
        because = self._condemned.get(old.urn, "")
        if reasons or because or old.pending_replacement:
            return self._replace(asked, old, changes, reasons, because, verdict.deletes_first)
        outputs = self._restored(old, asked)
        if not (changes if verdict.changes is None else verdict.changes):
            return Step(Op.SAME, asked.urn, asked, old, old.id, outputs)
        if is_dynamic(asked.type):
            outputs |= self._open(asked.inputs)
        elif asked.custom:
            outputs = self._simulator.update(asked.urn, self._open(asked.inputs), old.inputs, outputs, self._preview)
        return Step(Op.UPDATE, asked.urn, asked, old, old.id, outputs, changes)

    def _verdict(self, asked: Registration, old: ResourceState) -> Verdict:
        """What a real provider, which looks at what is there, says of it. It is not asked of what goes, or has gone, first."""
        gone = old.pending_replacement or old.urn in self._condemned
        if not is_dynamic(asked.type) or gone:
            return Verdict()
        return self._dynamic.diff(asked.urn, old.id, old.outputs, asked.inputs)

    def _replace(
        self,
        asked: Registration,
        old: ResourceState,
        changes: Sequence[Change],
        reasons: tuple[str, ...],
        because: str,
        deletes_first: bool | None,
    ) -> Step:
        step = self._create(Op.REPLACE, asked, old, changes)
        step.reasons, step.because = reasons, because
        if because or old.pending_replacement:  # it has gone already, or goes with what it depends on
            step.deletes_first = True
            return step
        if old.protect and asked.protect:
            self._refuse(old, "must be replaced")
        if asked.import_id and "import" not in reasons:
            message = f"was imported and must be replaced for {', '.join(reasons)}: take `import_` off it, or the change back"
            self.problems.append(Problem(step.name, step.type, message))
        wanted = deletes_first if asked.delete_before_replace is None else asked.delete_before_replace
        step.deletes_first = self._simulator.deletes_first(asked.type, old.inputs, asked.inputs) if wanted is None else wanted
        if step.deletes_first:
            step.condemned = tuple(self._condemn(old, asked.urn))
        return step

    def _condemn(self, root: ResourceState, root_urn: str) -> Iterator[ResourceState]:
        """The dependents that must go before a resource can: those that its replacement would have replaced. Last ones first.

        Of what depends on it by properties, a resource is replaced if a value in their place that is not known would force it.
        Who is registered already cannot depend on it any more.
        """
        gone = {root.urn}
        found = []
        for one in self._olds.values():
            if one.urn in self.steps or one.urn in self._renamed or one.pending_replacement or one.urn == root.urn:
                continue
            if one.urn in self._condemned or self._goes_with(one, gone, {root.urn, root_urn}):
                gone.add(one.urn)
                if one.urn not in self._condemned:
                    found.append(one)
                    self._condemned[one.urn] = root_urn
                    if one.protect:
                        self._refuse(one, f"must be deleted before {urns.name_of(root_urn)} is replaced")
        return reversed(found)

    def _goes_with(self, one: ResourceState, gone: set[str], root: set[str]) -> bool:
        if not one.custom or one.external:
            return False
        if one.provider.rsplit("::", 1)[0] in gone or one.deleted_with in gone or root & set(one.replace_with):
            return True
        kind = self._simulator.type(one.type)
        forced = [paths.parse(path) for path in one.replace_on_changes]
        ignored = [paths.parse(path) for path in one.ignore_changes]
        return any(
            (kind.replaced_with(key) or any(paths.covers(path, (key,)) for path in forced))
            and not any(paths.covers(path, (key,)) for path in ignored)
            for key, found in one.property_dependencies.items()
            if gone & set(found)
        )

    def _create(self, op: Op, asked: Registration, old: ResourceState | None, changes: Sequence[Change] = ()) -> Step:
        inputs = self._open(asked.inputs)
        if not asked.custom:
            return Step(op, asked.urn, asked, old)
        if is_dynamic(asked.type):
            id_ = "" if self._preview else self._simulator.create(asked.urn, {})[0]  # until its provider has made it
            return Step(op, asked.urn, asked, old, id_, inputs, list(changes))
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
        kind = self._simulator.type(asked.type)
        return [
            replace(one, replaces=kind.replaced_by(one.path) or any(paths.covers(path, one.path) for path in forced))
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

    def _reasons(self, asked: Registration, old: ResourceState, changes: Sequence[Change]) -> tuple[str, ...]:
        """Why the resource must be replaced; nothing where it need not be."""
        if asked.import_id and asked.import_id not in (old.import_id, old.id):
            return ("import",)
        found = list(dict.fromkeys(paths.show(change.path[:1]) for change in changes if change.replaces))
        if self._triggered(asked.replacement_trigger, old.replacement_trigger):
            found.append("replacementTrigger")
        if any(map(self._is_replaced, asked.replace_with)):
            found.append("replaceWith")
        if self._is_replaced(asked.deleted_with):
            found.append("deletedWith")
        if self._provider_changed(asked, old):
            found.append("provider")
        return tuple(found)

    def _is_replaced(self, urn: str) -> bool:
        return urn in self.steps and self.steps[urn].op is Op.REPLACE

    def _triggered(self, new: Any, old: Any) -> bool:
        """Whether a replacement trigger replaces: an unknown one does; one that is new, or there no more, does not."""
        if has_unknown(new):
            return True
        return new is not None and old is not None and any(self._differences((), old, self._sealer.seal(new)))

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
        found = [Step(Op.DELETE_REPLACED, old.urn, None, old, old.id, dict(old.outputs)) for old in reversed(self._leftover)]
        for urn, old in reversed([*self._olds.items()]):
            if urn in self.steps or urn in self._renamed:
                continue
            kept = old.retain_on_delete or old.external
            if old.protect and not kept and urn not in self._condemned:
                self._refuse(old, "is no longer in the program and would be deleted")
            op = Op.FORGET if kept else Op.DELETE
            found.append(Step(op, urn, None, old, old.id, dict(old.outputs), because=self._condemned.get(urn, "")))
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
