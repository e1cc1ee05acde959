"""Path globs, as the access file has them, and the regular expressions that nginx matches paths with. No SDK in here.

`*` stands for any characters, `/` included. An expression is anchored at both ends, and its dot means every character: without
`(?s)` and `\\z`, a path with a line feed in it (`%0a`) would slip past an exception.
"""

import re
from collections.abc import Iterable, Sequence

from ...access import globs

PLAIN = re.compile(r"[A-Za-z0-9/._~!@:=+,&'()%*?-]+")
"""The characters of a path glob that can be said in nginx."""
_MAP = re.compile(
    r"\(\?s\)\^(?P<methods>\(\?:[A-Z|-]+\)|\[\^ \]\+) "
    r"(?:\(\?!\(\?:(?P<without>.*?)\)\\z\))?"
    r"\(\?:(?P<paths>.*)\)\\z"
)
_ANY = "[^ ]+"


def to_regex(glob: str) -> str:
    """The expression of a glob, not anchored."""
    return "".join(".*" if char == "*" else "." if char == "?" else _literal(char) for char in glob)


def _literal(char: str) -> str:
    return char if char.isalnum() or char in "/_-~!@:=,&%'" else "\\" + char


def from_regex(text: str) -> str | None:
    """The glob of an expression that is nothing but letters, `.*` and `.`; None for any other."""
    found: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        following = text[at + 1 : at + 2]
        if char == "\\":
            if not following or following.isalnum() or following in "*?[":
                return None
            found.append(following)
            at += 2
        elif char == ".":
            if following == "*":
                found.append("*")
                at += 2
            elif following in ("+", "?", "{"):
                return None
            else:
                found.append("?")
                at += 1
        elif char in "+()^$|?*[]{}" or following in ("*", "+", "?", "{"):
            return None
        else:
            found.append(char)
            at += 1
    return "".join(found)


def of_location(text: str) -> str | None:
    """The glob of a location's expression (`^/api/`, `^/x$`); None where it is no glob."""
    start, end = text.startswith("^"), text.endswith("$") and not text.endswith("\\$")
    found = from_regex(text[start : len(text) - end])
    return None if found is None else ("" if start else "*") + found + ("" if end else "*")


def request_regex(methods: Sequence[str], paths: Iterable[str], without: Iterable[str]) -> str:
    """The expression of requests, as `<method> <path>`."""
    verbs = _ANY if "*" in methods else f"(?:{'|'.join(methods)})"
    taken = "|".join(map(to_regex, without))
    exception = rf"(?!(?:{taken})\z)" if taken else ""
    return rf"(?s)^{verbs} {exception}(?:{'|'.join(map(to_regex, paths))})\z"


def read_request_regex(text: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]] | None:
    """Methods, paths and exceptions of such an expression; None where it is another."""
    match = _MAP.fullmatch(text)
    if match is None:
        return None
    methods = ("*",) if match["methods"] == _ANY else tuple(match["methods"][3:-1].split("|"))
    paths = [from_regex(one) for one in match["paths"].split("|")]
    without = [from_regex(one) for one in match["without"].split("|")] if match["without"] else []
    if None in paths or None in without:
        return None
    return methods, tuple(one for one in paths if one is not None), tuple(one for one in without if one is not None)


def meet(one: str, other: str) -> str | None:
    """The glob of what both match: `""` for nothing; None where it is no single glob."""
    if globs.includes((one,), other):
        return other
    if globs.includes((other,), one):
        return one
    return None if globs.overlap(one, other) else ""
