"""What the function needs of a service that issues credentials, and the errors that tell what went wrong."""

from collections.abc import Mapping
from typing import Any, Protocol

Credential = Mapping[str, str]
"""The fields of one version of a secret, as the secret's JSON has them."""
Settings = Mapping[str, Any]
"""What the program declared of one secret: never a secret itself."""


class RotationError(Exception):
    """A rotation that cannot go on: the text says which step of which secret, and never holds a secret."""


class ServiceError(RotationError):
    """A service that did not do as asked, or did not answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status; 0 where there was no answer."""


class Service(Protocol):
    """Issues, tries and retires credentials."""

    def issue(self, current: Credential) -> Credential:
        """A new credential, asked for with the current one, which stays valid.

        A new one that was issued before and lost (a crash in between) is replaced, so that none is left behind.
        """

    def works(self, credential: Credential) -> bool:
        """Whether the service takes the credential. ServiceError where it cannot be asked."""

    def retire(self, current: Credential, previous: Credential) -> None:
        """Makes the previous credential invalid, with the current one. Doing it twice is no error."""


def field(credential: Credential, name: str) -> str:
    """A field of a secret. RotationError where it is missing."""
    value = credential.get(name)
    if not isinstance(value, str) or not value:
        raise RotationError(f'the secret has no "{name}": write it as JSON with that field')
    return value
