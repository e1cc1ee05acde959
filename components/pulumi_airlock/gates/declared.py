"""The declared access as part of the stack: so that whoever sees the stack's resources can prove them against it."""

from collections.abc import Mapping
from typing import Any

import pulumi

from ..access import Access, AccessError
from ..errors import InputError, Problem
from ..tokens import ACCESS
from .stack import Stack


class AccessDeclaration(pulumi.ComponentResource):
    """Registers an access document among the stack's outputs, where the `access-proof` policy and `airlock prove` find it.

    It creates nothing. One stack has at most one.
    """

    document: dict[str, Any]
    """The access file's content, as JSON."""

    def __init__(self, name: str, access: Access, opts: pulumi.ResourceOptions | None = None):
        document = access.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        # Among the inputs for `pulumi preview --json`, which has no outputs of components; among the outputs for stack policies.
        super().__init__(ACCESS, name, {"document": document}, opts)
        # Afterwards: the SDK puts an output in the place of every input.
        self.document = document
        self.register_outputs({"document": document})


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
