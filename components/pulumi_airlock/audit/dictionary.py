"""Writes the dictionary of fields into `docs/audit.md`: `python -m pulumi_airlock.audit.dictionary docs/audit.md`."""

import sys
from pathlib import Path

from .fields import FIELDS, LOGS

BEGIN, END = "<!-- fields: begin -->", "<!-- fields: end -->"


def table() -> str:
    """The dictionary as a table of Markdown: a row for each canonical field, a column for each log."""
    head = ["Field", "Meaning", *(one.title for one in LOGS.values())]
    rows = [head, ["---"] * len(head)]
    for one in FIELDS:
        names = (", ".join(f"`{name}`" for name in one.names.get(log, ())) for log in LOGS)
        rows.append([f"**`{one.name}`**" if one.joins else f"`{one.name}`", one.meaning, *names])
    return "\n".join("| " + " | ".join(cell for cell in row) + " |" for row in rows) + "\n"


def with_table(page: str) -> str:
    """The page with the table between its marks. ValueError where it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{table()}{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")
