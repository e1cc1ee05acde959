"""Generated programs: pieces of real ones put together at random, some damaged, with an access file that is changed at random.

The pieces are components with all that is in them: of the recorded stacks, the TCP proxy on its platforms, proxies of others. So
each gate's reader meets resources that it knows in company that it does not know, and of forms that nothing has.
"""

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from adapter_program import PLACES, PRODUCTS
from adapter_program import compiled as adapted
from damage import damaged
from hypothesis import strategies as st
from pulumi_airlock.access import Access, AccessError
from pulumi_airlock.gates.declaration import declared_access
from pulumi_airlock.gates.sources import stack_of_document
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.gates.tcp_proxy import TaskCertificates
from pulumi_airlock.tokens import ACCESS
from tcp_proxy_program import ACCESS as PROXIED
from tcp_proxy_program import DOCUMENT, cluster, compiled, fargate

STATES = sorted((Path(__file__).parents[1] / "upgrade" / "recorded" / "0.1.0").glob("*.json.gz"))
LARGEST = 25
"""Resources of one component: the largest have hundreds that are alike."""
_STACK = "pulumi:pulumi:Stack"
IN_PODS = TaskCertificates("pods", "finance", namespace="airflow", assurance="attested")


@cache
def recorded(path: Path) -> tuple[Stack, Access]:
    stack = stack_of_document(json.loads(gzip.decompress(path.read_bytes())), path.name)
    access = declared_access(stack)
    assert access is not None
    return stack, access


@cache
def stacks() -> dict[str, Stack]:
    """Whole ones."""
    found = {path.name.partition(".")[0]: recorded(path)[0] for path in STATES}
    found |= {"envoy on Fargate": compiled(fargate()), "envoy in a cluster": compiled(cluster())}
    found["haproxy"] = compiled(cluster(), _without_times(), engine="haproxy", issuers=(IN_PODS,))
    return found | {name: adapted(product, keep=PLACES["config-map"]) for name, product in PRODUCTS.items()}


@cache
def pieces() -> dict[str, tuple[Resource, ...]]:
    """Name → a component with everything below it, or the resources that are in none."""
    found: dict[str, list[Resource]] = {}
    for name, stack in stacks().items():
        above = {one.urn: one.parent for one in stack.resources}
        types = {one.urn: one.type for one in stack.resources}

        def top(urn: str, above: Mapping[str, str] = above, types: Mapping[str, str] = types) -> str:
            while above.get(urn) and types.get(above[urn]) not in (_STACK, None):
                urn = above[urn]
            return urn

        for one in stack.resources:
            if one.type in (_STACK, ACCESS):
                continue
            urn = top(one.urn)
            piece = urn.rpartition("::")[2] if types[urn].startswith("airlock:") else "the rest"
            found.setdefault(f"{name}: {piece}", []).append(replace(one, stack=None))
    return {name: tuple(resources) for name, resources in found.items()}


def _without_times() -> Access:
    """HAProxy knows no windows."""
    routes = [{key: value for key, value in one.items() if key not in ("window", "session")} for one in DOCUMENT["routes"]]
    return Access.model_validate({**DOCUMENT, "routes": routes, "expect": []})


@cache
def accesses() -> tuple[dict[str, Any], ...]:
    """Access documents of these programs."""
    known = [*(recorded(path)[1] for path in STATES), PROXIED]
    return tuple(one.model_dump(mode="json", by_alias=True, exclude_defaults=True) for one in known)


def access(data: st.DataObject, gates: Iterable[str]) -> Access:
    """One of these, with routes, gates and expectations taken away, moved and doubled, as long as it stays a valid one."""
    document = data.draw(st.sampled_from(accesses()))
    found = Access.model_validate(document)
    for _ in range(data.draw(st.integers(0, 5))):
        changed = _changed(data, json.loads(json.dumps(document)), list(gates))
        try:
            found, document = Access.model_validate(changed), changed
        except (AccessError, ValueError):
            continue
    return found


def _changed(data: st.DataObject, document: dict[str, Any], gates: list[str]) -> dict[str, Any]:
    def drawn(*of: Any) -> Any:
        return data.draw(st.sampled_from(of))

    zone = document["zones"][drawn(*document["zones"])]
    principal, destination = drawn(*document["principals"]), drawn(*document["destinations"])
    match drawn("gates", "order", "dags", "ports", "route", "no route", "expect", "window", "damage"):
        case "gates":
            zone["gates"] = data.draw(st.lists(st.sampled_from(gates), unique=True, max_size=4)) if gates else []
        case "order":
            zone["gates"] = data.draw(st.permutations(zone.get("gates", [])))
        case "dags" if "dags" in principal:
            principal["dags"] = drawn(["*"], ["a_*"], ["*_daily", "x"], ["finance_daily"])
        case "ports":
            destination["ports"] = drawn(["1-65535/tcp"], ["53/udp", "443/tcp"], ["5432/tcp"])
        case "route":
            new = {"name": "drawn", "from": [principal["name"]], "to": [destination["name"]], "reason": "DRAWN-1"}
            document["routes"] = [*document.get("routes", []), new]
        case "no route" if document.get("routes"):
            document["routes"].pop(data.draw(st.integers(0, len(document["routes"]) - 1)))
        case "expect":
            document["expect"] = [{"from": principal["name"], "to": destination["name"], "allow": data.draw(st.booleans())}]
        case "window" if document.get("routes"):
            times = {"from": "22:00", "to": "04:00", "timezone": drawn("UTC", "Europe/Zurich", "Pacific/Apia")}
            drawn(*document["routes"])["window"] = {"days": ["mon", "sun"], **times}
        case "damage":
            damaged_one: dict[str, Any] = damaged(data, document)
            return damaged_one
    return document


def program(data: st.DataObject) -> tuple[Stack, Access]:
    """A stack of some pieces, with up to eight properties damaged; and what it declares."""
    chosen = data.draw(st.lists(st.sampled_from(sorted(pieces())), min_size=1, max_size=5, unique=True))
    resources = list[Resource]()
    for name in chosen:
        piece = pieces()[name]
        start = data.draw(st.integers(0, len(piece) - LARGEST)) if len(piece) > LARGEST else 0
        resources += [piece[0], *piece[max(start, 1) : start + LARGEST]]
    for _ in range(data.draw(st.integers(0, 8))):
        kind = data.draw(st.sampled_from(sorted({one.type for one in resources})))
        index = data.draw(st.sampled_from([number for number, one in enumerate(resources) if one.type == kind]))
        resources[index] = replace(resources[index], properties=damaged(data, dict(resources[index].properties)))
    gates = [name.rpartition(": ")[2] for name in chosen]
    return Stack(resources, "drawn", "drawn"), access(data, gates)
