"""Routes as any product's adapter takes them: whom it knows, what they reach, for how long. No SDK in here.

What no product can say is refused here, and what one cannot say by that product (`Product.unsayable`): all at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

from ...access import Access, Destination, Environment, Principal, Route
from ...access.errors import quoted
from ...access.manifest import Assurance
from ...errors import Problems
from ...proof.filters import Who
from ...proof.sets import Hosts, Services
from ..tcp_proxy.compile import behind, targets_of, unnamed
from ..tcp_proxy.plan import Target


@dataclass(frozen=True, slots=True)
class Account:
    """As whom a product knows callers."""

    name: str
    """What the product checks: a user's id, a role's ARN, a service account, a group."""
    environment: str
    workload: str | None = None
    """The workload of a cluster that it is the account of; None: all tasks of the environment share it."""
    assurance: Assurance = "asserted"


@dataclass(frozen=True, slots=True)
class Grant:
    """A route: these accounts may reach these targets."""

    route: str
    reason: str
    accounts: tuple[Account, ...]
    targets: tuple[Target, ...]
    session: int
    """Seconds that a session may last."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a product's documents say."""

    gate: str
    grants: tuple[Grant, ...]

    def targets(self) -> tuple[Target, ...]:
        """Every target, once."""
        return tuple({one.authority: one for grant in self.grants for one in grant.targets}.values())

    def accounts(self) -> tuple[Account, ...]:
        """Every account, once."""
        return tuple(dict.fromkeys(one for grant in self.grants for one in grant.accounts))

    def grants_of(self, account: Account) -> tuple[Grant, ...]:
        """What an account may."""
        return tuple(one for one in self.grants if account in one.accounts)


@dataclass(frozen=True, slots=True)
class Way:
    """What documents let somebody reach, read back."""

    account: str
    """The account's name; empty: anybody."""
    hosts: Hosts
    services: Services
    label: str
    """What an engineer of the product calls the rule: `role "etl-warehouse"`."""
    file: str
    who: Who | None = None
    """Who that is, where the documents themselves say it."""
    unknown: str = ""
    """What is not known of it; empty: nothing."""


def at(host: Any, port: Any) -> tuple[Hosts, Services] | None:
    """Where something is that documents name by host and port; None where that is not known."""
    text = str(port)
    if not isinstance(host, str) or not host or "${" in host or not text.isdecimal() or not 0 < int(text) < 65536:
        return None
    return Target(host.lower(), int(text), "", ()).hosts, Services.of("tcp", int(text), int(text))


class Product(Protocol):
    """A proxy that the user runs: one module, with a dataclass of what a program has to say of it, and a `read`."""

    @property
    def kind(self) -> str:
        """What it is called."""

    def wrong(self) -> Iterator[tuple[str, str]]:
        """What is wrong with what was given, as (path, message)."""

    def environments(self) -> frozenset[str]:
        """The environments whose tasks it knows."""

    def account(self, environment: str, principal: Principal) -> Account:
        """As whom it knows a principal's tasks in an environment."""

    def unsayable(self, route: Route, session: timedelta) -> Iterator[tuple[str, str]]:
        """What of a route it cannot say, as (path, message). `session`: how long one lasts where the route says nothing."""

    def documents(self, plan: Plan) -> Mapping[str, str]:
        """File name → text, in the product's own words."""


def compile_plan(access: Access, gate: str, product: Product, today: date, session: timedelta) -> Plan:
    """The plan of the proxy that zones call `gate`; routes that are over by `today` are left out.

    `session`: how long one lasts where a route says nothing. InputError with every problem.
    """
    problems = Problems(gate)
    for path, message in product.wrong():
        problems.add(f"product.{path}", message)
    mine, routes = behind(access, gate, today, session, problems)
    for destination in mine.values():
        for path, message in unnamed(destination):
            problems.add(path, message, f"destination {destination.name}")
    for route in routes:
        for path, message in (*_unseen(access, route, product), *product.unsayable(route, session)):
            problems.add(path, message, f"route {route.name}")
    problems.raise_any()
    return Plan(gate, tuple(_grant(access, one, mine, product, session) for one in routes))


def _grant(access: Access, route: Route, mine: Mapping[str, Destination], product: Product, session: timedelta) -> Grant:
    principals = [access.principal(name) for name in route.from_]
    accounts = dict.fromkeys(product.account(where, one) for one in principals for where in _homes(one, product))
    targets = (
        Target(host, port, one.name, (), one.data_class, one.cidrs)
        for name in route.to
        if (one := mine.get(name)) is not None
        for host, port in targets_of(one)
    )
    seconds = int((route.session_length() or session).total_seconds())
    return Grant(route.name, route.reason, tuple(accounts), tuple(targets), seconds)


def _homes(principal: Principal, product: Product) -> Sequence[str]:
    """The environments in which the product knows a principal's tasks."""
    return [one for one in sorted(product.environments()) if principal.environment in (None, one)]


def _unseen(access: Access, route: Route, product: Product) -> Iterator[tuple[str, str]]:
    """What no product can say: each knows accounts, and no clock."""
    if route.window is not None:
        yield (
            "window",
            f"{product.kind} knows no time of day: leave the window out, or let a gate keep it that does (tcp_proxy)",
        )
    for name in route.from_:
        one = access.principal(name)
        if one.is_people:
            yield (
                "from",
                f"{quoted(name)} is people: the adapter is for tasks; grant them access in {product.kind} itself",
            )
            continue
        homes = _homes(one, product)
        if not homes:
            yield "from", f"{quoted(name)} runs in {one.environment}, of which {product.kind} knows no account: give one"
        for where in homes:
            shared = product.account(where, one).workload is None
            if shared and not _is_whole(one, next((each for each in access.environments if each.name == where), None)):
                yield "from", _too_narrow(one, where, product)


def _is_whole(principal: Principal, environment: Environment | None) -> bool:
    """Whether a principal is all of an environment's tasks."""
    dags = environment.dags if environment else ("*",)
    return "*" in principal.tasks and ("*" in principal.dags or set(dags) <= set(principal.dags))


def _too_narrow(principal: Principal, environment: str, product: Product) -> str:
    fix = "let one principal be all of its tasks, give it an environment of its own, or use tcp_proxy, which tells tasks apart"
    return (
        f"{quoted(principal.name)} is some tasks of {environment}, and {product.kind} knows them all by one account "
        f"({product.account(environment, principal).name}): {fix}"
    )
