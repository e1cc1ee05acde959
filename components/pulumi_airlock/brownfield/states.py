"""A Pulumi state (`pulumi stack export`), a preview (`pulumi preview --json`), or a stack that `airlock import` wrote."""

from collections.abc import Mapping

from ..gates.documents import pending, require_whole
from ..gates.sources import stack_from_document
from .making import Made, Source


def recognizes(source: Source) -> bool:
    """Whether a file is one."""
    return any(isinstance(one, Mapping) and ({"deployment"} & one.keys() or {"steps"} & one.keys()) for one in source.documents)


def read(source: Source, made: Made) -> None:
    """Every resource under its own URN."""
    for document in source.documents:
        require_whole(document, source.name)
        left = pending(document)
        made.notes += [f"{source.name}: {left}"] if left else []
        stack = stack_from_document(document)
        for resource in stack.resources if stack is not None else ():
            if made.holds(resource.urn):
                source.problems.add("", f"{resource.urn} is in another source too: give each stack once", place=source.name)
            else:
                made.keep(resource)
