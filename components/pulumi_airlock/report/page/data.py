"""What the page's scripts know: the evidence as plain data, everything once and by number."""

from collections import Counter
from typing import Any

import numpy as np

from ...access.model import Access, Route
from ...access.window import Window
from ...proof.declared import expiry
from ...proof.evidence import ASPECTS, NONE, CallerKind, Entry, Evidence, Sample
from ...proof.findings import Blocked, Excess, Proof, Row, Unproven, Witness
from ..legend import key_of, legend_keys, meaning, sign
from ..rows import row_words
from ..visible import visible

SHOWN = 60
"""Findings of a kind that are shown with their path."""


class Texts:
    """Texts by number: each stands once in the page, however often it is said."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        """The number of a text, new or known."""
        return self._numbers.setdefault(visible(text), len(self._numbers))

    @property
    def all(self) -> list[str]:
        """Every text, by its number."""
        return list(self._numbers)


def page_data(proof: Proof, evidence: Evidence, access: Access, generated_from: str) -> dict[str, Any]:
    """The evidence, the access file and what findings are about, for the page; `js/data.js` says what is what."""
    texts = Texts()
    zones = list(access.zones)
    routes = {one.name: number for number, one in enumerate(access.routes)}
    callers = {one.name: number for number, one in enumerate(evidence.callers)}
    destinations = {name: number for number, name in enumerate(evidence.destinations)}
    moments = _Moments(evidence)
    columns = [_column(evidence.cells[:, number]) for number in range(len(evidence.destinations))]
    usual, unusual = _speaking(evidence)
    data = {
        "source": generated_from,
        "callers": [_caller(evidence, number, access) for number in range(len(evidence.callers))],
        "zones": [{"name": name, "gates": list(access.zones[name].gates)} for name in zones],
        "destinations": [
            {
                "name": one.name,
                "zone": zones.index(one.zone),
                "facts": _facts(
                    ("zone", f"{one.zone}: {', '.join(access.zones[one.zone].gates) or 'no gates'}"),
                    ("hosts", ", ".join(one.hosts)),
                    ("addresses", ", ".join(one.cidrs)),
                    ("ports", ", ".join(map(str, one.ports))),
                    ("protocol", one.protocol or ""),
                    ("class", one.data_class or ""),
                ),
            }
            for one in access.destinations
        ],
        "routes": [_route(one, callers, destinations) for one in access.routes],
        "legend": [{"key": key, "sign": sign, "words": words} for key, sign, words in legend_keys()],
        "findings": _findings(proof, callers, destinations),
        "entries": [_entry(one, texts) for one in evidence.entries],
        "columns": columns,
        "aspects": [one.value for one in ASPECTS],
        "speakers": [[texts(task), texts(source), timezone] for task, source, timezone in evidence.speakers],
        "usual": usual,
        "unusual": unusual,
        "moments": moments.all,
        "samples": [_sample(one, moments, texts, routes) for one in evidence.samples],
        "paths": [list(one) for one in evidence.paths],
        "rows": [_row(one, texts) for one in evidence.rows],
    }
    return {**data, "texts": texts.all}


def _findings(proof: Proof, callers: dict[str, int], destinations: dict[str, int]) -> dict[str, list[list[list[int]]]]:
    """The rows and the columns of each finding that the page shows, by kind and number."""
    kinds: dict[str, tuple[Excess | Blocked | Unproven, ...]] = {
        "excess": proof.excess,
        "blocked": proof.blocked,
        "unproven": proof.unproven,
    }
    return {
        kind: [
            [
                # Who is several principals at once is named with all of them.
                sorted({callers[name] for whole in one.principals for name in (whole, *whole.split(" + ")) if name in callers}),
                [destinations[name] for name in one.destinations if name in destinations],
            ]
            for one in found[:SHOWN]
        ]
        for kind, found in kinds.items()
    }


def _facts(*facts: tuple[str, str]) -> list[tuple[str, str]]:
    """Those that are known."""
    return [(name, visible(text)) for name, text in facts if text]


def _caller(evidence: Evidence, number: int, access: Access) -> dict[str, Any]:
    one = evidence.callers[number]
    base = {"name": one.name, "kind": one.kind.value, "environment": one.environment}
    if one.kind is CallerKind.OTHER:
        return {**base, "facts": [("who", f"any task of {one.environment} that no declared principal covers")]}
    if one.kind is CallerKind.OUTSIDE:
        return {**base, "facts": [("who", "whoever is in no Airflow environment, and in none of the declared groups")]}
    declared = access.principal(one.name)
    facts = _facts(
        ("DAGs", ", ".join(declared.dags)),
        ("tasks", "" if declared.is_people or declared.tasks == ("*",) else ", ".join(declared.tasks)),
        ("environment", declared.environment or ("" if declared.is_people else "any")),
        ("group", declared.group or ""),
        ("connects from", ", ".join(declared.sources)),
        ("role", declared.role or ""),
        ("owner", declared.owner or ""),
    )
    return {**base, "facts": facts}


def _route(one: Route, callers: dict[str, int], destinations: dict[str, int]) -> dict[str, Any]:
    http = "; ".join(
        f"{', '.join(each.methods)} on {', '.join(each.paths)}" + (f" but {', '.join(each.except_)}" if each.except_ else "")
        for each in one.http
    )
    credential = one.credential
    return {
        "name": one.name,
        "from": [callers[name] for name in one.from_ if name in callers],
        "to": [destinations[name] for name in one.to if name in destinations],
        "facts": _facts(
            ("when", window_text(one.window)),
            ("reason", one.reason),
            ("expires", f"after {one.expires}" if expiry(one) is not None else ""),
            ("session", f"at most {one.session}" if one.session else ""),
            ("requests", http),
            ("credential", "" if credential is None else f"{credential.kind}: {credential.ref}"),
            ("requires", ", ".join(one.requires)),
        ),
    }


def window_text(window: Window | None) -> str:
    """A window in words."""
    if window is None:
        return "always"
    if window.dagrun is not None:
        return f"while a run of {window.dagrun} is under way"
    days = ", ".join(day.capitalize() for day in window.days) or "every day"
    hours = f" {window.from_}–{window.to}" if window.from_ else ""
    return f"{days}{hours} ({window.timezone})"


def _column(cells: Any) -> dict[str, list[int]]:
    """A destination's cells, by the numbers of the few entries that it has."""
    entries, cells = np.unique(cells, return_inverse=True)
    return {"entries": entries.tolist(), "cells": cells.ravel().tolist()}


def _speaking(evidence: Evidence) -> tuple[list[int], dict[str, list[int]]]:
    """For each caller who speaks most often; and for other cells who speaks there, for each aspect, by `row,column`."""
    usual: list[int] = []
    unusual: dict[str, list[int]] = {}
    for row, table in enumerate(evidence.speaking):
        counts = Counter(table[table != NONE].tolist())
        usual.append(counts.most_common(1)[0][0] if counts else NONE)
        other = ((table != NONE) & (table != usual[-1])).any(axis=1)
        unusual.update({f"{row},{column}": table[column].tolist() for column in np.flatnonzero(other).tolist()})
    return usual, unusual


class _Moments:
    """Instants by number: in UTC, and on the wall clock of every zone that a witness may have."""

    def __init__(self, evidence: Evidence) -> None:
        self._zones = sorted({timezone for _, _, timezone in evidence.speakers})
        self._numbers: dict[str, int] = {}
        self.all: list[dict[str, Any]] = []

    def __call__(self, one: Witness) -> int:
        """The number of a witness's time, new or known."""
        iso = f"{one.time:%Y-%m-%dT%H:%M}Z"
        number = self._numbers.setdefault(iso, len(self.all))
        if number == len(self.all):
            seen = {zone: Witness("", "", "", "", "", 0, one.time, timezone=zone).when for zone in self._zones}
            self.all.append({"at": iso, "when": seen})
        return number


def _entry(one: Entry, texts: Texts) -> list[Any]:
    faults = [fault.value for fault in one.faults]
    key = key_of(one.standing, one.depth)
    return [texts(key), texts(sign(one.standing, one.depth)), texts(meaning(one.standing, one.depth)), faults, one.samples]


def _sample(one: Sample, moments: _Moments, texts: Texts, routes: dict[str, int]) -> list[Any]:
    seen = one.witness
    operation = f"{seen.operation.method} {seen.operation.path}" if seen.operation else ""
    return [
        ASPECTS.index(one.aspect),
        one.outcome.value,
        [texts(gate) for gate in one.refusals],
        texts(seen.host),
        texts(seen.protocol),
        seen.port,
        moments(seen),
        texts(operation),
        [texts(dag) for dag in sorted(seen.running)],
        one.path,
        [routes[name] for name in one.routes],
    ]


def _row(row: Row, texts: Texts) -> list[Any]:
    told = row_words(row)
    return [
        texts(row.gate),
        texts(row.filter.name),
        row.outcome.value,
        texts(told.says),
        texts(row.detail),
        texts(told.resource),
        texts(row.source.urn),
        [texts(str(one)) for one in row.trace],
        row.filter.kind.value,
    ]
