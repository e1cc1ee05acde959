"""Locations in which a gateway itself speaks. No SDK in here."""

from urllib.parse import urlsplit

from .directives import Directive
from .locations import Location, flat
from .variables import effective


def own_paths(blocks: tuple[Directive, ...]) -> list[Directive]:
    """Locations of the innermost block in which the gateway itself speaks: its questions to oauth2-proxy, and that one's pages.

    They are no paths of Airflow's: nothing is told apart there.
    """
    places = flat(blocks[-1], blocks)
    asked = {uri for one in places for each in effective((*one.above, one.directive), "auth_request") for uri in each.args}
    asking = [one for one in places if one.modifier in ("=", "") and one.pattern in asked]
    hosts = {host for one in asking for host in _targets(one)}
    pages = [one for one in places if one not in asking and _speaks(one, hosts)]
    signs = tuple(one.pattern for one in pages if one.modifier in ("", "^~")) or ("\0",)
    closed = [one for one in places if one.modifier == "=" and (_internal(one) or one.pattern.startswith(signs))]
    return [one.directive for one in (*asking, *pages, *closed)]


def _internal(one: Location) -> bool:
    return one.directive.last("internal") is not None


def _speaks(one: Location, hosts: set[str]) -> bool:
    asks = one.directive.last("auth_request") is not None
    return bool(hosts & set(_targets(one))) and one.pattern != "/" and not asks


def _targets(one: Location) -> list[str]:
    return [urlsplit(each.args[0]).netloc for each in one.directive.all("proxy_pass") if each.args]
