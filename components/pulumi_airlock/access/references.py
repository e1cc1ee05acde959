"""Names that an access document uses must be declared in it, once."""

from collections.abc import Iterator

from .draft import FREE, Draft
from .errors import join_path, nearest, quoted
from .messages import Located


def reference_problems(draft: Draft) -> list[tuple[str, str]]:
    """(path, message) of each name that is declared twice, or not at all."""
    return [(join_path(loc), message) for loc, message in located_references(draft)]


def located_references(draft: Draft) -> Iterator[Located]:
    """The same with locations."""
    yield from _declared_twice(draft)
    known = {section: draft.declared(section) for section in ("environments", "roles", "zones", "principals", "destinations")}
    seen: set[tuple[object, ...]] = set()
    for use in draft.uses:
        if use.section in FREE and not known[use.section]:
            continue  # without a list of them, any name may be one of the stack's, or of Airflow's
        if not known[use.section] and not draft.whole(use.section):
            continue  # the section is missing, which is told
        if use.name not in known[use.section]:
            yield use.loc, f"no {_one(use.section)} {quoted(use.name)}{nearest(use.name, known[use.section])}"
        elif (*use.loc[:-1], use.section, use.name) in seen:
            yield use.loc, f"{quoted(use.name)} is listed twice: leave it out"
        seen.add((*use.loc[:-1], use.section, use.name))


def _declared_twice(draft: Draft) -> Iterator[Located]:
    for section, names in draft.names.items():
        first: dict[str, str | int] = {}
        for index, name in names:
            if name in first:
                message = f"{quoted(name)} is already {section}[{first[name]}]: each {_one(section)} needs a name of its own"
                yield (section, index, "name"), message
            first.setdefault(name, index)


def _one(section: str) -> str:
    return section.removesuffix("s")
