"""Asks filters of one connection, as a proof does: no set algebra of its own."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from pulumi_airlock.proof.filters import Action, Combine, Filter, Match
from pulumi_airlock.proof.sets import Hosts, Services


def decides(
    filters: Iterable[Filter],
    who: str,
    source: Hosts,
    target: str | Hosts,
    service: Services,
    request: tuple[str, str] | None = None,
) -> bool | None:
    """Whether every filter lets it through; None: an unknown rule might decide. `target`: a name, or an address."""

    def holds(match: Match) -> bool:
        inside = target in match.hosts.names if isinstance(target, str) else match.hosts.covers_addresses(target)
        return (
            (match.who.workloads is None or who in match.who.workloads)
            and (match.who.sources is None or (bool(source) and match.who.sources.covers_addresses(source)))
            and inside
            and (match.services & service) == service
            and (
                match.operations is None
                or (request is not None and any(_asks(one.method, one.path, request) for one in match.operations))
            )
        )

    answers = set()
    for one in filters:
        if not holds(one.scope):
            continue
        found = [rule for rule in one.rules if holds(rule.match)]
        assert one.combine in (Combine.DENY_OVERRIDES, Combine.ANY_ALLOW)
        denies = [rule for rule in found if rule.action is Action.DENY]
        allows = [rule for rule in found if rule.action is Action.ALLOW]
        if any(not rule.unknown for rule in denies):
            answers.add(False)
        elif any(not rule.unknown for rule in allows) or (not allows and one.default is Action.ALLOW):
            answers.add(None if denies else True)
        else:
            answers.add(None if allows else False)
    return False if False in answers else None if None in answers else True


def _asks(method: str, path: str, request: tuple[str, str]) -> bool:
    return method in ("*", request[0]) and fnmatchcase(request[1], path)
