"""The state file: what a stack's resources are, in the shape of `pulumi stack export` (version 3).

`.airlock/<project>/<stack>.json`. It is replaced as a whole (written beside, synced, renamed), so that whatever happens it is the
old or the new one. Secrets never stand in it: each is replaced by a keyed hash of its value, which tells a changed secret from an
unchanged one, and nothing else. The key is in a file of its own beside it (`.airlock/<project>/key`, readable by its owner
alone); without it every secret looks changed.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import AirlockError, InputError, Problem, Problems
from ..gates.documents import misshapen, read_document
from .wire import SECRET, SIGNATURE, is_secret

VERSION = 3
"""Version of the deployment's shape (pulumi `sdk/go/common/apitype`, DeploymentV3)."""


_ANEW = "move the file away, then run `airlock up`"
_PARTS = 3
"""Separators in a URN: stack, project, type, name."""


class LockedError(AirlockError):
    """Another run holds the stack."""


@dataclass(frozen=True, slots=True)
class ResourceState:
    """One resource as the last update left it. Secrets in `inputs` and `outputs` are sealed."""

    urn: str
    type: str
    custom: bool
    id: str = ""
    parent: str = ""
    provider: str = ""
    """Reference of its provider, `<urn>::<id>`."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool = False
    external: bool = False
    """Read from elsewhere, not managed."""
    delete: bool = False
    """Replaced already, and still to be deleted."""
    pending_replacement: bool = False
    """Deleted already, and still to be replaced."""
    retain_on_delete: bool = False
    deleted_with: str = ""
    replace_with: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    custom_timeouts: Mapping[str, str] = field(default_factory=dict)
    import_id: str = ""
    replacement_trigger: Any = None

    def needs(self) -> Iterator[str]:
        """URNs of everything that must be there before this resource is."""
        yield from filter(None, (self.parent, self.provider.rsplit("::", 1)[0], self.deleted_with))
        yield from self.replace_with
        yield from self.dependencies
        for urns in self.property_dependencies.values():
            yield from urns

    def to_json(self) -> dict[str, Any]:
        """As `pulumi stack export` has it; what is empty is left out."""
        found = {name: getattr(self, attribute) for attribute, name in _NAMES.items()}
        kept = {name: value for name, value in found.items() if value or name in ("custom", "replacementTrigger")}
        if kept["replacementTrigger"] is None:
            del kept["replacementTrigger"]
        return kept

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ResourceState":
        """The reverse of `to_json`."""
        found = {attribute: document[name] for attribute, name in _NAMES.items() if name in document}
        for attribute in _TUPLES:
            found[attribute] = tuple(found.get(attribute) or ())
        links = found.get("property_dependencies") or {}
        found["property_dependencies"] = {key: tuple(urns or ()) for key, urns in links.items()}
        return cls(**found)


_NAMES = {
    "urn": "urn",
    "custom": "custom",
    "id": "id",
    "type": "type",
    "inputs": "inputs",
    "outputs": "outputs",
    "parent": "parent",
    "protect": "protect",
    "external": "external",
    "delete": "delete",
    "pending_replacement": "pendingReplacement",
    "dependencies": "dependencies",
    "provider": "provider",
    "property_dependencies": "propertyDependencies",
    "additional_secret_outputs": "additionalSecretOutputs",
    "aliases": "aliases",
    "custom_timeouts": "customTimeouts",
    "import_id": "importID",
    "retain_on_delete": "retainOnDelete",
    "deleted_with": "deletedWith",
    "replace_with": "replaceWith",
    "ignore_changes": "ignoreChanges",
    "replace_on_changes": "replaceOnChanges",
    "replacement_trigger": "replacementTrigger",
}
_TUPLES = ("dependencies", "aliases", "ignore_changes", "replace_on_changes", "replace_with", "additional_secret_outputs")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A stack's resources at one moment, each after what it needs."""

    resources: Mapping[str, ResourceState] = field(default_factory=dict)
    """By URN."""
    leftover: tuple[ResourceState, ...] = ()
    """Replaced and not deleted yet: an update was interrupted. Their URNs are those of what took their place."""

    def __iter__(self) -> Iterator[ResourceState]:
        yield from self.resources.values()
        yield from self.leftover


class StateFile:
    """A stack's state on disk."""

    def __init__(self, root: Path, project: str, stack: str) -> None:
        self.folder = root / ".airlock" / project
        self.path = self.folder / f"{stack}.json"
        self._lock = self.folder / f"{stack}.lock"
        self._key = self.folder / "key"

    def read(self) -> Snapshot:
        """The resources; none where there is no file. InputError where it is not a state of ours."""
        if not self.path.exists():
            return Snapshot()
        document = read_document(self.path)
        if not isinstance(document, dict) or not isinstance(document.get("deployment", {}), dict):
            raise InputError([Problem(str(self.path), "", f"is no state: {_ANEW}")])
        found = document.get("version")
        if found != VERSION:
            message = f"the state is of version {found!r}, this Airlock reads {VERSION}: {_ANEW}"
            raise InputError([Problem(str(self.path), "version", message)])
        listed = document.get("deployment", {}).get("resources")
        if not isinstance(listed, list):
            raise InputError([Problem(str(self.path), "deployment.resources", f"are no list: {_ANEW}")])
        problems, states = Problems(str(self.path)), list[ResourceState]()
        for number, one in enumerate(listed):
            wrong = misshapen(one) or ("" if one["urn"].count("::") >= _PARTS else f"has a urn that is none: {one['urn']!r}")
            try:
                states += [] if wrong else [ResourceState.from_json(one)]
            except (AttributeError, TypeError):
                wrong = "is not as `airlock up` writes it"
            if wrong:
                problems.add(f"deployment.resources[{number}]", f"{wrong}: {_ANEW}")
        problems.raise_any()
        live = {state.urn: state for state in states if not state.delete}
        return Snapshot(live, tuple(state for state in states if state.delete))

    def write(self, states: Iterable[ResourceState]) -> None:
        """Replaces the state as a whole, durably."""
        document = {
            "version": VERSION,
            "deployment": {
                "manifest": {"time": _now(), "magic": "", "version": "airlock"},
                "resources": [state.to_json() for state in states],
                "metadata": {},
            },
        }
        text = json.dumps(document, indent=1, ensure_ascii=False)
        self.folder.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".json.new")
        with beside.open("w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)
        self._sync_folder()

    def remove(self) -> None:
        """Forgets the stack."""
        self.path.unlink(missing_ok=True)
        self._sync_folder()

    def _sync_folder(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    @contextmanager
    def locked(self, command: str) -> Iterator[None]:
        """Holds the stack for one run. LockedError, which tells who holds it, where another run does.

        The lock is the operating system's: it ends with the process, however that ends.
        """
        import fcntl

        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                holder = file.read().strip() or "another run"
                raise LockedError(f"the stack is held by {holder}; wait for it to end ({self._lock})") from error
            file.truncate(0)
            file.write(f"`{command}`, process {os.getpid()} on {socket.gethostname()}, since {_now()}\n")
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)

    def sealer(self, *, create: bool = False) -> "Sealer":
        """What seals this stack's secrets. Makes the key where there is none yet and `create` is set."""
        try:
            return Sealer(self._key.read_bytes())
        except FileNotFoundError:
            key = secrets.token_bytes(32)
        if create:
            self.folder.mkdir(parents=True, exist_ok=True)
            beside = self._key.with_suffix(f".{os.getpid()}")
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(key)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._key)
        return Sealer(key)


class Sealer:
    """Replaces secrets by keyed hashes of their values."""

    def __init__(self, key: bytes) -> None:
        self._key_bytes = key

    def seal(self, value: Any) -> Any:
        """The value with every secret sealed; a sealed one stays as it is."""
        if isinstance(value, Mapping):
            if is_secret(value):
                return value if "ciphertext" in value else {SIGNATURE: SECRET, "ciphertext": self._hash(value.get("value"))}
            return {key: self.seal(item) for key, item in value.items()}
        return [self.seal(item) for item in value] if isinstance(value, list) else value

    def _hash(self, value: Any) -> str:
        text = json.dumps(value, sort_keys=True, ensure_ascii=False).encode()
        return "airlock-hmac-sha256:" + base64.b64encode(hmac.new(self._key_bytes, text, hashlib.sha256).digest()).decode()


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
