"""Asks filters of the proof about one connection, or one request, as a proof does: no set algebra of its own."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from pulumi_airlock.proof.filters import Action, Combine, Filter, HttpOperation, Match, Rule
from pulumi_airlock.proof.sets import Hosts, Services


def passes(
    filters: Iterable[Filter], caller: str, address: str, host: str, port: int, request: tuple[str, str] | None
) -> bool | None:
    """Whether every filter lets it through; None: an unknown rule might decide. `caller`: a workload's name, `""` for nobody."""
    source, asked = Hosts.from_cidr(address), Services.of("tcp", port, port)

    def holds(match: Match) -> bool:
        who = match.who
        return (
            (who.workloads is None or caller in who.workloads)
            and (who.sources is None or who.sources.covers_addresses(source))
            and host in match.hosts.names
            and bool(match.services & asked)
            and (match.operations is None or (request is not None and any(_is(one, *request) for one in match.operations)))
        )

    answers = {_lets(one, [rule for rule in one.rules if holds(rule.match)]) for one in filters if holds(one.scope)}
    return False if False in answers else None if None in answers else True


def _is(one: HttpOperation, method: str, path: str) -> bool:
    return (
        one.method in ("*", method)
        and method not in one.not_methods
        and fnmatchcase(path, one.path)
        and not any(fnmatchcase(path, each) for each in one.not_paths)
    )


def _lets(one: Filter, matching: list[Rule]) -> bool | None:
    if one.combine is Combine.DENY_OVERRIDES:
        matching = sorted(matching, key=lambda rule: (rule.action is not Action.DENY, bool(rule.unknown)))
    possible: set[bool] = set()
    for rule in matching:
        possible.add(rule.action is Action.ALLOW)
        if not rule.unknown:
            break
    else:
        possible.add(one.default is Action.ALLOW)
    return possible.pop() if len(possible) == 1 else None
