"""Globs on DAG and task ids as Envoy's string matchers, and read back. No SDK in here.

A glob that a prefix, a suffix or the whole text says becomes that: faster than a regular expression, and easy to
read. Regular expressions (RE2) match the whole value.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Matcher = dict[str, Any]
_SPECIAL = frozenset("*?[")


def matcher_of(glob: str) -> Matcher:
    """A `StringMatcher` for what a glob matches; an empty id is no id."""
    if _SPECIAL.isdisjoint(glob):
        return {"exact": glob}
    if glob.endswith("*") and len(glob) > 1 and _SPECIAL.isdisjoint(glob[:-1]):
        return {"prefix": glob[:-1]}
    if glob.startswith("*") and len(glob) > 1 and _SPECIAL.isdisjoint(glob[1:]):
        return {"suffix": glob[1:]}
    return {"safe_regex": {"regex": "(?s)" + ("".join(map(_regex, elements(glob))) if glob.strip("*") else ".+")}}


def globs_of(matcher: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The globs that match what a `StringMatcher` does; None where it says something that globs do not.

    A regular expression is understood where it has the form that `matcher_of` writes, or is a plain alternation of such.
    """
    if matcher.get("ignore_case") or len({*matcher} - {"ignore_case"}) != 1:
        return None
    (kind, value), *_ = ((key, one) for key, one in matcher.items() if key != "ignore_case")
    match kind:
        case "exact":
            return (_escaped(str(value)),)
        case "prefix":
            return (f"{_escaped(str(value))}*",)
        case "suffix":
            return (f"*{_escaped(str(value))}",)
        case "contains":
            return (f"*{_escaped(str(value))}*",)
        case "safe_regex":
            return globs_of_regex(str(value.get("regex", "")) if isinstance(value, Mapping) else "")
    return None


def elements(glob: str) -> Iterator[str]:
    """The elements of a glob as `fnmatch` cuts them: a `[` without its `]` is itself."""
    place = 0
    while place < len(glob):
        end = place + 1
        if glob[place] == "[":
            closing = glob.find("]", end + 1 + (glob[end : end + 1] == "!"))
            end = closing + 1 if closing >= 0 else end
        yield glob[place:end]
        place = end


def _regex(element: str) -> str:
    if element == "*":
        return ".*"
    if element == "?":
        return "."
    if len(element) == 1:
        return re.escape(element)
    inner = element[1:-1]
    negated = inner.startswith("!")
    members = "".join(f"\\{one}" if one in "\\]^[" else one for one in inner[negated:])
    return f"[{'^' if negated else ''}{members}]"


_TOKEN = re.compile(
    r"(?P<any>\.[*+])|(?P<one>\.)|\\(?P<escaped>[^A-Za-z0-9])|(?P<set>\[\^?(?:\\.|[^\]\\])+\])(?![*+?{])|(?P<plain>[^\\.\[\](){}*+?^$|])"
)


def globs_of_regex(regex: str) -> tuple[str, ...] | None:
    """The globs that together match what a regular expression does as a whole; None where it is more than such."""
    bare = regex.removeprefix("(?s)")
    if bare.startswith("(") and bare.endswith(")") and "(" not in bare[1:-1] and ")" not in bare[1:-1]:
        bare = bare[1:-1].removeprefix("?:")
    found = [_glob(one) for one in _alternatives(bare)]
    return None if any(one is None for one in found) else tuple(one for one in found if one is not None)


def _alternatives(regex: str) -> Sequence[str]:
    return re.split(r"(?<!\\)\|", regex)


def _glob(regex: str) -> str | None:
    found, place = "", 0
    while place < len(regex):
        token = _TOKEN.match(regex, place)
        if token is None or regex[token.end() : token.end() + 1] in ("*", "+", "?", "{"):
            return None
        found += _element(token)
        place = token.end()
    return found


def _element(token: re.Match[str]) -> str:
    if token["any"]:
        return "*" if token["any"] == ".*" else "?*"
    if token["one"]:
        return "?"
    if token["set"]:
        inner = token["set"][1:-1]
        negated = inner.startswith("^")
        members = re.sub(r"\\(.)", r"\1", inner[negated:])
        return f"[{'!' if negated else ''}{members}]"
    return _escaped(token["escaped"] or token["plain"])


def _escaped(text: str) -> str:
    """Text that a glob takes as it is."""
    return "".join(f"[{one}]" if one in _SPECIAL else one for one in text)
