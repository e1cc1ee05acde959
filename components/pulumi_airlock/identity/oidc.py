"""Any other OIDC provider: its groups and clients are made elsewhere, and only named here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ..errors import Problems
from .plan import IdentityPlan, Login
from .providers import Made, Order


@dataclass(frozen=True, slots=True)
class Oidc:
    """An OIDC provider that somebody else looks after. What it assigns to whom cannot be seen here, and is not proven."""

    kind: ClassVar[str] = "oidc"
    managed: ClassVar[bool] = False

    client_ids: Mapping[str, str] = field(default_factory=dict)
    """`environment/role` → the client whose people are signed in with that role. Every login needs one of its own."""

    def check(self, plan: IdentityPlan, problems: Problems) -> None:
        """Notes what is missing, and clients that two roles would share: whoever gets one would get both."""
        logins = {login.key for login in plan.logins}
        for key in sorted(logins - self.client_ids.keys()):
            problems.add(f'provider.client_ids["{key}"]', f"is missing: write the client whose people get {key}")
        for key in sorted(self.client_ids.keys() - logins):
            problems.add(f'provider.client_ids["{key}"]', f"no such login; there are {', '.join(sorted(logins)) or 'none'}")
        seen: dict[str, str] = {}
        for key, client in self.client_ids.items():
            other = seen.setdefault(client, key)
            if other != key:
                problems.add(
                    f'provider.client_ids["{key}"]', f"{client!r} is also that of {other}: AWS could not tell their people apart"
                )

    def check_services(self, issuer: str, problems: Problems) -> None:
        """Notes that there are none."""
        problems.add("saml_services", "an OIDC provider that somebody else looks after gets no applications: make them there")

    def client(self, login: Login) -> str | None:
        """The one that is named."""
        return self.client_ids.get(login.key)

    def make(self, order: Order) -> Made:
        """Nothing: what is named."""
        return Made({}, dict(self.client_ids), dict.fromkeys(order.plan.groups, False))
