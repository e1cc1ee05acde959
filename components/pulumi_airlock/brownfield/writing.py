"""A drafted access as the text of an access file: what is excess, or not known, is marked in comments beside it."""

from collections.abc import Iterator, Sequence

from ..access.writing import written
from .drafting import Draft


def access_file(draft: Draft, sources: Sequence[str]) -> str:
    """The whole file. `sources`: what it was drafted from."""
    return "\n".join(_lines(draft, sources)) + "\n"


def _lines(draft: Draft, sources: Sequence[str]) -> Iterator[str]:
    access = draft.access
    yield f"# What Airflow can reach today by {', '.join(sources)}. Drafted by `airlock import`."
    yield "# Nobody has confirmed it: give each route its reason and narrower principals, or take it out, and its rule with it."
    yield "apiVersion: airlock/v1"
    yield ""
    yield "principals:"
    yield from (f"  - {written(one)}" for one in access.principals)
    yield ""
    yield "zones:"
    yield from (f"  {written(name)}: {written(zone)}" for name, zone in access.zones.items())
    for section in ("destinations", "routes"):
        listed = getattr(access, section)
        yield ""
        yield f"{section}:" if listed else f"{section}: []"
        for one in listed:
            yield from _marks(draft, one.name) if section == "routes" else ()
            yield f"  - {written(one)}"
    yield from _undeclared(draft)


def _marks(draft: Draft, route: str) -> Iterator[str]:
    why = draft.why[route]
    if why.broad:
        yield f"  # EXCESS: {why.broad}, let through by {'; '.join(why.rules) or 'no gate'}"
        yield f"  #   for example {why.witness}"


def _undeclared(draft: Draft) -> Iterator[str]:
    sections = (
        ("EXCESS that no route can declare: the proof shows it until its rule is gone or narrowed", draft.undeclared),
        ("UNKNOWN: what is not known decides, so that it is not declared", draft.unknown),
    )
    for title, found in sections:
        if found:
            yield ""
            yield f"# {title}"
        for one in found:
            yield f"#   {one.message}"
            if one.witness is not None:
                yield f"#     for example {one.witness}"
