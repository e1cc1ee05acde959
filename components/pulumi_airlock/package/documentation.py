"""The words of the schema: what docstrings say of components, their arguments and their fields."""

import ast
import inspect
import re
from collections.abc import Callable, Collection
from functools import cache
from typing import Any

from griffe import Docstring, DocstringSectionKind

from .surface import wire_name

_NAME = re.compile(r"`([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(=…)?`")
_LINE = re.compile(r"(?<!\n)\n(?!\n|[-*] )")
_BULLET = re.compile(r"^- ((?:`\w+`(?:, )?)+): (.*?)(?=\n- |\n\n|\Z)", re.MULTILINE | re.DOTALL)
"""An argument as constructors list it: ``- `first`, `second`: what they are``."""


class Documentation:
    """Reads docstrings. `names`: what is written otherwise in the other languages than in Python."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def of(self, documented: Any) -> str:
        """What a class or a function is, without its arguments."""
        return self._written(_sections(documented)[0])

    def of_argument(self, make: Callable[..., Any], name: str) -> str:
        """What an argument, or a field of a dataclass, is; empty where nothing says it."""
        return self._written(_attributes(make).get(name) or _arguments(make).get(name, ""))

    def _written(self, text: str) -> str:
        """On one line for each paragraph, with names as the other languages have them."""

        def named(found: re.Match[str]) -> str:
            return f"`{wire_name(found[1])}`" if found[1] in self._names else found[0]

        return _NAME.sub(named, _LINE.sub(" ", inspect.cleandoc(text))).strip()


def sentences(*parts: str) -> str:
    """Parts of a description, each a sentence."""
    told = [part[:1].upper() + part[1:] for part in parts if part]
    return " ".join(part if part.endswith((".", "!", "?", ":", "`")) else f"{part}." for part in told)


@cache
def _sections(documented: Any) -> tuple[str, dict[str, str]]:
    """The text before the first section, and what the section of arguments says of each."""
    text: list[str] = []
    arguments: dict[str, str] = {}
    for section in Docstring(inspect.getdoc(documented) or "", lineno=1).parse("google", warnings=False):
        if section.kind is DocstringSectionKind.text:
            for names, said in _BULLET.findall(section.value):
                arguments |= dict.fromkeys(re.findall(r"\w+", names), said)
            text.append(section.value)
        elif section.kind is DocstringSectionKind.parameters:
            for one in section.value:
                # `device_asn, google_asn: for both ends` tells of two.
                arguments |= dict.fromkeys((each.strip() for each in one.name.split(",")), one.description)
    return "\n\n".join(text), arguments


def _arguments(make: Any) -> dict[str, str]:
    constructor = vars(make).get("__init__") if inspect.isclass(make) else None
    return _sections(make)[1] | (_sections(constructor)[1] if inspect.getdoc(constructor) else {})


@cache
def _attributes(owner: Any) -> dict[str, str]:
    """The docstrings below a class's annotations, which are nowhere at run time."""
    if not inspect.isclass(owner):
        return {}
    body = ast.parse(inspect.cleandoc("\n" + inspect.getsource(owner))).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101  # it is a class's source
    found = {}
    for annotated, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(annotated, ast.AnnAssign) and isinstance(annotated.target, ast.Name) and isinstance(below, ast.Expr):
            said = below.value.value if isinstance(below.value, ast.Constant) else None
            if isinstance(said, str):
                found[annotated.target.id] = said
    return found
