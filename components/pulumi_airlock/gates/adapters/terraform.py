"""Terraform's JSON syntax, for products whose maintained tool is a provider of Terraform. No SDK in here.

Source: Terraform language, "JSON Configuration Syntax".
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..naming import cut_name

Resources = dict[str, dict[str, Any]]
"""Type → name → arguments."""
_REFERENCE = re.compile(r"\$\{([a-z_]+)\.([A-Za-z_][A-Za-z0-9_-]*)\.id\}")
_LONGEST = 120


def configuration(provider: str, source: str, version: str, resources: Resources) -> str:
    """A file `*.tf.json` with all resources of one provider; the provider's own settings come by its environment variables."""
    required = {"required_providers": {provider: {"source": source, "version": version}}}
    about = "Compiled from the access file: change that."
    return json.dumps({"//": about, "terraform": required, "resource": resources}, indent=2) + "\n"


def identifier(*parts: str) -> str:
    """A name that Terraform takes (letters, digits, `_` and `-`; no digit first): the same for the same parts."""
    return re.sub(r"^(?=[0-9-])", "_", cut_name(_LONGEST, *parts).replace(".", "-"))


def reference(type_: str, name: str) -> str:
    """The id of another resource of the file."""
    return f"${{{type_}.{name}.id}}"


def referred(text: Any, type_: str) -> str | None:
    """The resource of a type whose id a text is; None where it is something else."""
    found = _REFERENCE.fullmatch(text) if isinstance(text, str) else None
    return found.group(2) if found and found.group(1) == type_ else None


def resources(document: Any, type_: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, arguments) of every resource of a type in a file."""
    kept = document.get("resource") if isinstance(document, Mapping) else None
    # A block may be written as a list of blocks, and a body as a list of one.
    for block in kept if isinstance(kept, list) else [kept]:
        found = block.get(type_) if isinstance(block, Mapping) else None
        for name, one in found.items() if isinstance(found, Mapping) else ():
            body = one[0] if isinstance(one, list) and len(one) == 1 else one
            yield str(name), body if isinstance(body, Mapping) else {}


def listed(one: Mapping[str, Any], name: str) -> list[Any]:
    """An argument that is a list; one that is an expression is its only entry."""
    found = one.get(name)
    return list(found) if isinstance(found, list | tuple) else [found] if isinstance(found, str) else []
