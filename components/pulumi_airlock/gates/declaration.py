"""The access that a stack declares, as it is found among its resources. No Pulumi import in here."""

from collections.abc import Mapping

from ..access import Access, AccessError
from ..errors import InputError, Problem
from ..tokens import ACCESS
from .stack import Stack


def declared_access(stack: Stack) -> Access | None:
    """The access that a stack declares; None when it declares none. AccessError when the document is not valid."""
    found = [one.get("document") for one in stack.of_type(ACCESS)]
    documents = [document for document in found if isinstance(document, Mapping)]
    if not documents:
        return None
    if len(documents) > 1:
        names = ", ".join(one.name for one in stack.of_type(ACCESS))
        raise AccessError.of(names, "", f"{len(documents)} access declarations in one stack: keep one")
    return Access.model_validate(documents[0])


def required_access(stack: Stack) -> Access:
    """The access that a stack declares. InputError when it declares none."""
    found = declared_access(stack)
    if found is None:
        fix = "declare it with AccessDeclaration(name, access)"
        raise InputError([Problem(stack.name, "", f"the stack declares no access to prove: {fix}")])
    return found


def declared_hosts(stack: Stack) -> frozenset[str]:
    """Every name that a destination of the declared access has; none where that cannot be read, which others tell."""
    try:
        access = declared_access(stack)
    except AccessError:
        return frozenset()
    return frozenset(str(host).lower() for one in access.destinations for host in one.hosts) if access else frozenset()
