"""Property values as they travel: protobuf structs to and from plain Python, with sentinels and signatures kept.

Numbers without a fraction become `int`. Unknown values stay the engine's sentinel strings; secrets, assets, archives and resource
references stay dicts with their signature (pulumi `sdk/python/lib/pulumi/runtime/rpc.py`).
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from google.protobuf import struct_pb2

from ..errors import InputError, Problem
from ..gates.sources import UNKNOWN_SENTINELS

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

MASKED_LENGTH = 4
"""Secrets shorter than this are not looked for in messages: they could not be told from other text."""

MASK = "[secret]"
"""What is shown in place of a secret, as the Pulumi CLI writes it."""


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """A struct as a dict. Nulls are dropped, as the engine drops them."""
    found = ((key, _from_value(value)) for key, value in struct.fields.items())
    return {key: value for key, value in found if value is not None}


def _from_value(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "struct_value":
            return from_struct(value.struct_value)
        case "list_value":
            return [_from_value(item) for item in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case _:
            return None


def to_struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """A dict as a struct; the reverse of `from_struct`."""
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        _fill(struct.fields[key], value)
    return struct


def _fill(target: struct_pb2.Value, value: Any) -> None:
    if isinstance(value, str):
        target.string_value = value
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, Mapping):
        target.struct_value.SetInParent()
        for key, item in value.items():
            _fill(target.struct_value.fields[key], item)
    else:
        target.list_value.SetInParent()
        for item in value:
            _fill(target.list_value.values.add(), item)


def secret(value: Any) -> Any:
    """The value marked as secret; as it is when it is one already."""
    return value if is_secret(value) else {SIGNATURE: SECRET, "value": value}


def is_secret(value: Any) -> bool:
    """Whether the value itself is a secret (not: holds one)."""
    return isinstance(value, Mapping) and value.get(SIGNATURE) == SECRET


def is_unknown(value: Any) -> bool:
    """Whether the value itself is unknown; an unknown secret is."""
    if is_secret(value):
        return is_unknown(value.get("value"))
    return isinstance(value, str) and value in UNKNOWN_SENTINELS


def has_unknown(value: Any) -> bool:
    """Whether the value is or holds an unknown."""
    if isinstance(value, str):
        return value in UNKNOWN_SENTINELS
    if isinstance(value, Mapping):
        return any(map(has_unknown, value.values()))
    return isinstance(value, list) and any(map(has_unknown, value))


def has_secret(value: Any) -> bool:
    """Whether the value is or holds a secret."""
    if isinstance(value, Mapping):
        return is_secret(value) or any(map(has_secret, value.values()))
    return isinstance(value, list) and any(map(has_secret, value))


def reveal(value: Any) -> Any:
    """The value without secret marks. Never print what comes out of here."""
    if isinstance(value, Mapping):
        return reveal(value.get("value")) if is_secret(value) else {key: reveal(item) for key, item in value.items()}
    return [reveal(item) for item in value] if isinstance(value, list) else value


def masked(value: Any) -> Any:
    """The value with `[secret]` for every secret: what may be shown."""
    if isinstance(value, Mapping):
        return MASK if is_secret(value) else {key: masked(item) for key, item in value.items()}
    return [masked(item) for item in value] if isinstance(value, list) else value


def plaintexts(value: Any) -> Iterator[str]:
    """The text of every secret within a value, for finding it in messages. Text too short to be told apart is left out."""
    if is_secret(value):
        yield from _texts(reveal(value))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from plaintexts(item)
    elif isinstance(value, list):
        for item in value:
            yield from plaintexts(item)


def plain_texts(value: Any) -> Iterator[str]:
    """Every text within a value that is no secret."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping) and not is_secret(value):
        for item in value.values():
            yield from plain_texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from plain_texts(item)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) >= MASKED_LENGTH and value not in UNKNOWN_SENTINELS:
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def with_hashes(value: Any, folder: Path, urn: str) -> Any:
    """The value with the content hash of every asset and archive, so that a changed file is a change.

    `folder` is where relative paths start. The engine does the same; its hash of an archive is another one than ours, which is
    over the paths and contents of its files. InputError where a file is not there.
    """
    if isinstance(value, list):
        return [with_hashes(item, folder, urn) for item in value]
    if not isinstance(value, Mapping):
        return value
    if value.get(SIGNATURE) in (ASSET, ARCHIVE):
        return {**value, "hash": _digest(value, folder, urn)}
    return {key: with_hashes(item, folder, urn) for key, item in value.items()}


def _digest(asset: Mapping[str, Any], folder: Path, urn: str) -> str:
    digest = hashlib.sha256()
    if "path" in asset:
        path = folder / str(asset["path"])
        if not path.exists():
            raise InputError([Problem(urn.rsplit("::", 1)[-1], "", f"the file to upload is not there: {path}")])
        if path.is_file():
            digest.update(path.read_bytes())
            return digest.hexdigest()
        for found in sorted(one for one in path.rglob("*") if one.is_file()):
            digest.update(f"{found.relative_to(path).as_posix()}\0".encode())
            digest.update(hashlib.sha256(found.read_bytes()).digest())
    elif "text" in asset:
        digest.update(str(asset["text"]).encode())
    elif "assets" in asset and isinstance(asset["assets"], Mapping):
        for name, one in sorted(asset["assets"].items()):
            digest.update(f"{name}\0{_digest(one, folder, urn)}".encode())
    else:
        digest.update(str(asset.get("uri", "")).encode())
    return digest.hexdigest()
