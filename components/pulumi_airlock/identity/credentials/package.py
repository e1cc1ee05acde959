"""The rotation function as an archive: its source as it stands, its settings, and a private authority's certificates.

Texts, not files: the same content gives the same archive on every machine, and no path of one ends in the state.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import pulumi

from .rotation_function.service import Settings

SOURCE = Path(__file__).parent / "rotation_function"
HANDLER = "rotation_function.handler.handle"


def files(secrets: Mapping[str, Settings], ca_certificates: str | None) -> dict[str, str]:
    """Path in the archive → text."""
    found = {f"rotation_function/{path.name}": path.read_text(encoding="utf-8") for path in sorted(SOURCE.glob("*.py"))}
    found["rotation_function/settings.json"] = json.dumps({"secrets": dict(secrets)}, indent=1, sort_keys=True) + "\n"
    if ca_certificates:
        found["rotation_function/ca.pem"] = ca_certificates
    return found


def archive(secrets: Mapping[str, Settings], ca_certificates: str | None) -> pulumi.AssetArchive:
    """What Lambda gets."""
    texts = files(secrets, ca_certificates)
    return pulumi.AssetArchive({path: pulumi.StringAsset(text) for path, text in texts.items()})
