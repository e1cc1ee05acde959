"""A proxy's configuration as files, whichever engine reads them. No SDK in here."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .settings import Settings


@dataclass(frozen=True, slots=True)
class Configuration:
    """An engine's configuration: relative file name → content, and the key sets by their own folder's names."""

    files: Mapping[str, str]
    keys: Mapping[str, str]
    settings: Settings
    start: str
    """The file that the engine is started with."""

    def write(self) -> Path:
        """Writes it where its settings say: each file is replaced at once, so that a running engine takes it as it is.

        The path of the file that it is started with, for `envoy -c` and `haproxy -f`.
        """
        for folder, files in ((self.settings.keys, self.keys), (self.settings.folder, self.files)):
            for name, text in files.items():
                _replace(Path(folder) / name, text)
        return Path(self.settings.folder) / self.start

    def digest(self) -> str:
        """What a deployment that cannot replace files notices a change by."""
        whole = json.dumps([dict(self.files), dict(self.keys)], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.new")
    made.write_text(text)
    os.replace(made, path)
