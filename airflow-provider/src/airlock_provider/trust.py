"""Trust conditions: what has to hold besides the rules before a task runs, and before each new connection of it.

A condition is a function of a `Situation` that returns why it is not met, or nothing. Routes name it in `requires`; whoever has
conditions of their own registers them in the entry points' group `airlock.conditions` of a distribution:

    [project.entry-points."airlock.conditions"]
    month-is-open = "bank_airflow.conditions:month_is_open"

One that raises, or that nobody has registered, is not met.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path

from . import forks, web
from .audit import TRUST, Refusal, TaskRun
from .decide import GATE, Granted
from .manifest import Manifest
from .settings import Settings
from .tokens import Token

GROUP = "airlock.conditions"
KEPT = 15.0
"""Seconds for which a condition that was met is not asked again for the same task, agent, route and destination."""
FRESH = 60.0
"""Seconds that a token has to last."""


@dataclass(frozen=True)
class Situation:
    """What a condition may look at."""

    run: TaskRun
    granted: Granted
    manifest: Manifest
    settings: Settings
    target: tuple[str, int]
    """Host and port of the destination."""
    token: Callable[[], Token]
    """The task's token; raises TokenError."""
    reach: Callable[[], None]
    """Opens a connection to the destination, by its proxy where it has one, and closes it; raises OSError."""
    policy: Callable[[], str]
    """The manifest's digest that the proxy goes by; raises OSError."""


Condition = Callable[[Situation], str | None]


def unmet(situation: Situation, names: Iterable[str] | None = None) -> Refusal | None:
    """The first of a route's conditions that is not met, as a refusal that names it; None: all are."""
    run, granted = situation.run, situation.granted
    about = (run.correlation or str(run), run.agent_id, granted.route.name, granted.destination.name, situation.manifest.digest)
    for name in granted.route.requires if names is None else names:
        key = (name, *about)
        if _met.get(key, 0.0) > time.monotonic():
            continue
        why = _asked(name, situation)
        if why:
            text = f"trust condition {name} of route {granted.route.name} is not met: {why}"
            return Refusal(kind=TRUST, text=text, gate=GATE, rule=name, detail=why)
        with _lock:
            _met[key] = time.monotonic() + KEPT
    return None


def tunnel_up(situation: Situation) -> str | None:
    """The destination takes a connection, all the way: by the proxy, with the task's token, where there is one."""
    try:
        situation.reach()
    except OSError as error:
        return f"{situation.granted.destination.name} cannot be reached: {error}"
    return None


def token_fresh(situation: Situation) -> str | None:
    """The task has a token, of the right issuer and audience, that lasts a minute more by this worker's clock."""
    token = situation.token()
    token.check(situation.manifest.identity, time.time())
    left = token.expires - time.time()
    return None if left >= FRESH else f"the token ends in {left:.0f} s, and no newer one is to be had"


def policy_current(situation: Situation) -> str | None:
    """The manifest here is the one that is in force at the proxy, or where `[airlock] policy_source` says."""
    source = situation.settings.policy_source
    if source == "proxy":
        if situation.granted.proxy is None:
            return f"no proxy leads to {situation.granted.destination.name} that could say which manifest is in force"
        there = situation.policy()
    elif source.startswith("https://"):
        there = str(web.request(source)["digest"])
    else:
        there = Path(source).read_text(encoding="ascii").split()[0]
    here = situation.manifest.digest
    if there == here:
        return None
    return f"the manifest here is {here[:12]}…, the one in force {there[:12]}…: deploy the environment and its gates together"


def forget() -> None:
    """Forgets which conditions were met."""
    with _lock:
        _met.clear()


_met: dict[tuple[str, ...], float] = {}
_lock = forks.lock()


def _asked(name: str, situation: Situation) -> str | None:
    try:
        condition = conditions().get(name)
        if condition is None:
            return f"nothing here is called so; there are {', '.join(sorted(conditions()))}"
        return condition(situation)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@lru_cache(maxsize=1)
def conditions() -> dict[str, Condition]:
    """Every condition that is installed, by name: Airlock's own, which nobody else's can replace, and others'."""
    own: dict[str, Condition] = {"tunnel-up": tunnel_up, "token-fresh": token_fresh, "policy-current": policy_current}
    found: Sequence[object] = [one for one in entry_points(group=GROUP) if one.name not in own]
    return {one.name: one.load() for one in found} | own  # type: ignore[attr-defined]
