"""What the three kinds of identity provider have in common: what is asked of them, and what they answer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import pulumi

from ..errors import Problems
from .plan import IdentityPlan, Login
from .saml import AssignedService, SamlSignOn


@dataclass(frozen=True, slots=True)
class Order:
    """What an identity provider is to make."""

    name: str
    """The component's name, in front of every child's."""
    plan: IdentityPlan
    callbacks: Mapping[str, Sequence[str]]
    """Environment → where its sign-in sends people back to."""
    opts: pulumi.ResourceOptions
    services: tuple[AssignedService, ...] = ()
    """Gates that people sign in at, each with its groups."""
    issuer: str = ""

    def key(self, login: Login) -> str:
        """A child's name for a login."""
        return f"{self.name}-sign-in-{login.environment}-{slug(login.role)}"


@dataclass(frozen=True, slots=True)
class Made:
    """What an identity provider has made, or has."""

    groups: Mapping[str, pulumi.Output[str]]
    """Group → its id at the provider; empty where groups are only named."""
    client_ids: Mapping[str, pulumi.Input[str]]
    """`environment/role` → the client that its people sign in with."""
    managed: Mapping[str, bool]
    """Group → whether a resource of this component is it."""
    saml: Mapping[str, SamlSignOn] = field(default_factory=dict)
    """Gate → what it has to be told."""


class Provider(Protocol):
    """A kind of identity provider. One module each, so that each needs its own SDK alone."""

    kind: ClassVar[str]
    """What the access file calls it."""
    managed: ClassVar[bool]
    """Whether groups and clients are made here; otherwise they are only named."""

    def check(self, plan: IdentityPlan, problems: Problems) -> None:
        """Notes what the provider would refuse."""

    def check_services(self, issuer: str, problems: Problems) -> None:
        """Notes why gates that people sign in at cannot have applications there."""

    def client(self, login: Login) -> str | None:
        """The client that people sign in with; None where the provider says which it is, once it is made."""

    def make(self, order: Order) -> Made:
        """Groups, clients and assignments."""


def slug(text: str) -> str:
    """A part of a resource's name."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-")
