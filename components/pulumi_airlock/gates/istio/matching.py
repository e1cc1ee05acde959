"""How Istio matches texts: exact, a beginning (`a*`), an end (`*a`), anything that is there (`*`), and templates of paths.

Sources: istio/istio, pilot/pkg/security/authz/matcher (the order in which forms are tried), pilot/pkg/security/trustdomain. A `*`
anywhere else stands for itself: `/a/*/b` is a path with a star in it.
"""

import re
from collections.abc import Sequence
from glob import escape

LOCAL_DOMAIN = "cluster.local"
"""In a principal it stands for the mesh's own trust domain and its aliases, whatever their names (bundle.go)."""
_TEMPLATE = re.compile(r"\{\*\*\}|\{\*\}|\*\*|\*")


def matches(pattern: str, text: str) -> bool:
    """Whether a text falls under a pattern."""
    if pattern == "*":
        return bool(text)
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    return pattern == text


def glob(pattern: str) -> str:
    """The same as a glob of the proof's."""
    if pattern.startswith("*"):
        return "*" + escape(pattern[1:])
    if pattern.endswith("*"):
        return escape(pattern[:-1]) + "*"
    return escape(pattern)


def is_template(path: str) -> bool:
    """Whether a path is a template: `{*}` is one segment, `{**}` any number of them (Istio 1.22 and later)."""
    return "{*}" in path or "{**}" in path


def wider(template: str) -> str:
    """A glob that holds all that a template does, and more: a glob's `*` crosses slashes."""
    return "*".join(map(escape, _TEMPLATE.split(template)))


def principals(text: str, domains: Sequence[str]) -> tuple[str, ...]:
    """The patterns that one of a policy becomes, with the mesh's trust domain and its aliases."""
    parts = text.split("/")
    own = parts[0]
    if len(parts) != 5 or own == "*" or not (own == LOCAL_DOMAIN or any(matches(own, one) for one in domains)):
        return (text,)
    kept = own.startswith("*")
    return tuple(dict.fromkeys(text if kept and matches(own, one) else "/".join([one, *parts[1:]]) for one in domains))
