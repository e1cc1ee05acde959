"""What the three kinds of identity provider have in common: what is asked of them, and what they answer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

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


def slug(text: str) -> str:
    """A part of a resource's name."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-")
