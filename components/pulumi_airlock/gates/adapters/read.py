"""What proxies of others let through, by the documents of the stack that configure them, hand-written ones included.

Such a proxy is connected to in place of the destination, and goes on from addresses of its own, as its component says.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from ...proof.filters import Action, Combine, Filter, Match, Need, Relay, Rule, Source, Who
from ...proof.sets import Hosts, Services
from ...proof.shape import Shape
from ...tokens import OWN_PROXY
from ..kubernetes import objects
from ..stack import UNKNOWN, Resource, Stack
from .plan import Way

PRODUCTS = ("boundary", "hoop", "teleport")
"""Each a module of this package, with `is_mine` and `read`; and the gate of documents that belong to no component."""
_S3 = ("aws:s3/bucketObjectv2:BucketObjectv2", "aws:s3/bucketObject:BucketObject")
_MARKS = ('"boundary_', '"hoop_', "kind: ", '"kind"')
"""Only a text that may be a product's is parsed: YAML is slow."""


class _File:
    """A document, and the place of its text."""

    def __init__(self, name: str, text: Any, resource: Resource, path: tuple[str, ...]) -> None:
        self.name, self.resource, self.path = name, resource, path
        self.document = UNKNOWN if text is UNKNOWN else parsed(text)

    @property
    def component(self) -> Resource | None:
        """The component that made it, or is it."""
        return next((one for one in (self.resource, *self.resource.ancestors()) if one.type == OWN_PROXY), None)


def read(stack: Stack) -> Iterator[Filter]:
    """One filter for each component; and for each product one of the documents that belong to none."""
    files = list(_files(stack))
    for component in stack.of_type(OWN_PROXY):
        mine = [one for one in files if one.component is component]
        kept = [one for one in mine if one.resource is not component]
        # What is written somewhere counts before what the component says that it writes.
        yield _filter(component.name, str(component.get("product")), kept or mine, component)
    others = [one for one in files if one.component is None]
    for product in PRODUCTS:
        theirs = [one for one in others if _module(product).is_mine(one.document)]
        if theirs:
            yield _filter(product, product, theirs, None)


def _module(product: str) -> Any:
    return import_module(f".{product}", __package__)


def _files(stack: Stack) -> Iterator[_File]:
    for one in stack.of_type(OWN_PROXY):
        yield from _of_texts(one, ("documents",))
    if any(each.startswith("kubernetes:") for each in stack.types):
        for each in objects(stack, "", "ConfigMap"):
            yield from _of_texts(each.resource, ("data",))
    for one in stack.of_type(*_S3):
        if one.get("content") is not None:
            yield _File(str(one.get("key")), one.get("content"), one, ("content",))


def _of_texts(one: Resource, path: tuple[str, ...]) -> Iterator[_File]:
    found = one.get(*path)
    if found is UNKNOWN:
        yield _File(path[-1], UNKNOWN, one, path)
    for name, text in found.items() if isinstance(found, Mapping) else ():
        yield _File(str(name), text, one, (*path, str(name)))


def parsed(text: Any) -> Any:
    """A JSON object, or the list of a YAML file's documents; None where it is of no product, unknown where it is broken."""
    if not isinstance(text, str) or not any(one in text for one in _MARKS):
        return None
    try:
        found = json.loads(text)
        return [found] if isinstance(found, Mapping) and "kind" in found else found
    except ValueError:
        pass
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return list(YAML(typ="safe", pure=True).load_all(text))
    except (YAMLError, ValueError):
        return UNKNOWN


def _filter(gate: str, product: str, files: Sequence[_File], component: Resource | None) -> Filter:
    named = {one.name: one for one in files}
    accounts = {str(one["name"]): one for one in _accounts(component)}
    documents = {name: one.document for name, one in named.items() if one.document is not UNKNOWN}
    whole = component or files[0].resource
    rules = [_rule(way, named[way.file], accounts) for way in _module(product).read(documents)] if product in PRODUCTS else []
    unread = [one.resource.at(*one.path) for one in files if one.document is UNKNOWN]
    if not files or product not in PRODUCTS:
        unread.append(whole.at(label="its documents"))
    rules += [Rule(Action.ALLOW, Match(), one, (f"{gate}: its documents",)) for one in unread]
    leads = Hosts.union(one.match.hosts for one in rules)
    relay = _relay(component, accounts.values(), leads)
    # Also of one that leads nowhere: it is the network that sends tasks there, or past it.
    relays = (relay,) if leads or relay.entry is not None else ()
    needs = tuple(_needs(rules, relays))
    shape = Shape(nouns=("grant", "grants"))
    trusts = tuple(dict.fromkeys(_trust(product, one) for one in accounts.values()))
    decides = Filter(gate, "sessions", Combine.ANY_ALLOW, Action.DENY, tuple(rules), whole.urn)
    return replace(decides, relays=relays, needs=needs, shape=shape, trusts=trusts)


def _accounts(component: Resource | None) -> Iterator[Mapping[str, Any]]:
    for one in component.get_list("accounts") if component is not None else ():
        if isinstance(one, Mapping) and isinstance(one.get("name"), str):
            yield one


def _rule(way: Way, file: _File, accounts: Mapping[str, Mapping[str, Any]]) -> Rule:
    who, unknown = way.who, way.unknown
    if who is None and way.account:
        said = accounts.get(way.account)
        who = Who(environments=frozenset({str(said["environment"])})) if said is not None else None
        unknown = unknown or ("" if said is not None else f"who {way.account} is")
    match = Match(who=who or Who(), hosts=way.hosts, services=way.services)
    source: Source = file.resource.at(*file.path, label=way.label)
    return Rule(Action.ALLOW, match, source, (f"{way.file}: {unknown}",) if unknown else ())


def _relay(component: Resource | None, accounts: Iterable[Mapping[str, Any]], leads: Hosts) -> Relay:
    """What gates before and behind it meet."""
    environments = frozenset(str(one.get("environment")) for one in accounts)
    sources = [one for one in component.get_list("sources") if isinstance(one, str)] if component is not None else []
    return Relay(
        hosts=leads,
        sources=Hosts.from_cidrs(sources) if sources else None,
        entry=_entry(component.get("entry")) if component is not None else None,
        environments=environments or None,
        workload="",  # outside of every cluster
        others=False,
    )


def _needs(rules: Iterable[Rule], relays: Iterable[Relay]) -> Iterator[Need]:
    """That tasks in a cluster reach it: whom its rules know there."""
    workloads = sorted({name for rule in rules for name in rule.match.who.workloads or ()})
    for entry in [relay.entry for relay in relays if relay.entry is not None]:
        for name in workloads:
            yield Need(replace(entry, who=Who(workloads=frozenset({name}))), "tasks to the proxy")


def _entry(said: Any) -> Match | None:
    if not isinstance(said, Mapping):
        return None
    cidrs, port = [one for one in said.get("cidrs") or () if isinstance(one, str)], said.get("port")
    services = Services.of("tcp", int(port), int(port)) if isinstance(port, int | float) else Services.of("tcp")
    return Match(hosts=Hosts.from_cidrs(cidrs), services=services)


def _trust(product: str, account: Mapping[str, Any]) -> str:
    """What it is worth that a product takes somebody for an account."""
    if account.get("assurance") == "attested":
        return f"takes {account['name']} for tasks of one principal, attested: {product} has the platform's own word for it"
    environment = account.get("environment")
    return f"takes {account['name']} for the tasks of {environment}, asserted: whoever has its credentials comes as all of them"
