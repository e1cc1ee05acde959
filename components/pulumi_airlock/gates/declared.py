"""The declared access as part of the stack: so that whoever sees the stack's resources can prove them against it."""

from typing import Any

import pulumi

from ..access import Access
from ..tokens import ACCESS


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
