"""What a provider would answer: ids and computed outputs, made up from a resource's URN, of the right form, always the same.

The types, and what is made up for each, are in `simulated_types`. A type that is not there gets an id and nothing else: its other
computed outputs are unknown in a preview, and absent after `airlock up`.
"""

import hashlib
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..gates.kinds import kind_of
from . import paths, urns
from .wire import MASK, UNKNOWN_STRING, plaintexts, reveal, secret


@dataclass(frozen=True, slots=True)
class Simulated:
    """One resource type. Texts are templates: see `Seed.fill`."""

    id: str = "{hex8}-{hex4.a}-4{hex3.b}-a{hex3.c}-{hex12.d}"
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """Computed outputs; one that the program gives as an input is what the program gives."""
    forces: frozenset[str] = frozenset()
    """Input properties whose change replaces the resource: paths."""
    refreshed: frozenset[str] = frozenset()
    """Computed outputs that a change of any input makes anew: unknown in the preview of an update."""
    secret: frozenset[str] = frozenset()
    """Computed outputs that are secret."""
    names: tuple[str, ...] = ()
    """Inputs (paths) that name it together, the name itself last; without it, each output that is made of `{name}` is a name."""

    def replaced_by(self, path: paths.Path) -> bool:
        """Whether a change at this path replaces the resource."""
        return any(paths.covers(paths.parse(one), path) for one in self.forces)

    def replaced_with(self, key: str) -> bool:
        """Whether the resource is replaced with one that this property (top level) takes a value of."""
        return any(paths.parse(one)[0] == key for one in self.forces)


GENERIC = Simulated()


@dataclass(frozen=True)
class Seed:
    """What made-up values are made from."""

    urn: str
    inputs: Mapping[str, Any]
    """Without secret marks."""
    region: str
    account: str
    generation: str = ""
    """Id of the resource that this one replaces: a replacement gets other values."""

    @cached_property
    def name(self) -> str:
        """The name that the resource has in the cloud: as given, else the logical name with seven digits after it."""
        for key in ("name", "bucket"):
            given = self.inputs.get(key)
            if isinstance(given, str) and given != UNKNOWN_STRING:
                return given
        prefix = self.inputs.get("namePrefix") or self.inputs.get("bucketPrefix")
        return f"{prefix or urns.name_of(self.urn) + '-'}{self.digest('name', 7)}"

    def digest(self, salt: str, length: int) -> str:
        """Hex digits."""
        return hashlib.sha256(f"{self.urn}\0{self.generation}\0{salt}".encode()).hexdigest()[:length]

    def fill(self, template: Any, made: Mapping[str, Any]) -> Any:
        """A template's value.

        `{hex17}` is 17 hex digits, `{hex17.main}` 17 others, `{digits6}` digits, `{upper16}` capitals and digits, `{name}`,
        `{region}` and `{account}` what they say, `{object}` a Kubernetes object's namespace and name, `{type}` the type's last
        word, `{content}` a hash of all inputs, `{in.vpcId}` an input and `{out.arn}` an output made before (as they are where
        they are the whole template), `{number.policyid}` an input or else a number, `{ip.198.51.100.0/24}` an address of that
        network, `{inside.1.2}` the second host inside a VPN's first tunnel.
        """
        if isinstance(template, Mapping):
            return {key: self.fill(item, made) for key, item in template.items()}
        if isinstance(template, list):
            return [self.fill(item, made) for item in template]
        if not isinstance(template, str):
            return template
        if whole := re.fullmatch(r"\{([^{}]+)\}", template):
            return self._value(whole[1], made)
        return re.sub(r"\{([^{}]+)\}", lambda found: str(self._value(found[1], made)), template)

    def _value(self, expression: str, made: Mapping[str, Any]) -> Any:
        word, _, rest = expression.partition(".")
        if sized := re.fullmatch(r"(hex|digits|upper)(\d+)", word):
            return self._characters(sized[1], int(sized[2]), rest)
        match word:
            case "in":
                return self.inputs.get(rest)
            case "out":
                return made.get(rest)
            case "type":
                return urns.type_of(self.urn).rsplit(":", 1)[-1]
            case "number":
                return self._number(rest)
            case "content":
                return hashlib.sha256(repr(sorted(self.inputs.items())).encode()).hexdigest()[:32]
            case "ip":
                network = ipaddress.ip_network(rest)
                return str(network[1 + int(self.digest(rest, 8), 16) % (network.num_addresses - 2)])
            case "inside":
                return self._inside(*map(int, rest.split(".")))
            case "object":
                return self._object()
            case "name" | "region" | "account":
                return getattr(self, word)
        raise ValueError(f"no such placeholder: {expression}")

    def _object(self) -> str:
        given = self.inputs.get("metadata")
        metadata = given if isinstance(given, Mapping) else {}
        name, namespace = metadata.get("name") or self.name, metadata.get("namespace")
        return f"{namespace}/{name}" if namespace else str(name)

    def _number(self, key: str) -> int:
        given = self.inputs.get(key)
        return given if isinstance(given, int) and given > 0 else 1000 + int(self.digest(key, 8), 16) % 1_000_000

    def _characters(self, kind: str, length: int, salt: str) -> str:
        number = int(self.digest(f"{kind}{salt}", 64), 16)
        alphabet = {"hex": "0123456789abcdef", "digits": "123456789", "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"}[kind]
        found = ""
        for _ in range(length):
            number, position = divmod(number, len(alphabet))
            found += alphabet[position]
        return found

    def _inside(self, tunnel: int, host: int) -> str:
        """A host of a tunnel's inside /30: as given (`tunnel1InsideCidr`), else one of 169.254.0.0/16 as AWS picks it."""
        given = self.inputs.get(f"tunnel{tunnel}InsideCidr")
        if isinstance(given, str) and given != UNKNOWN_STRING:
            return str(ipaddress.ip_network(given)[host])
        block = 6 * 64 + int(self.digest(f"inside{tunnel}", 8), 16) % 15_000  # above the first, which AWS reserves
        return str(ipaddress.ip_address("169.254.0.0") + 4 * block + host)


class Simulator:
    """Makes up what providers answer."""

    def __init__(self, region: str, account: str) -> None:
        self._region = region
        self._account = account

    def type(self, type_: str) -> Simulated:
        """What is made up for a type."""
        from .simulated_types import KINDS, OTHERS, TYPES

        return TYPES.get(type_) or KINDS.get(kind_of(type_)) or OTHERS.get(type_.partition(":")[0], GENERIC)

    def deletes_first(self, type_: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Whether a replacement can only come when the old resource has gone: it keeps the name that the program gave it.

        So do providers that are bridged from Terraform (pulumi-terraform-bridge, `nameRequiresDeleteBeforeReplace`), for a type
        that makes names up where none is given; and so does Kubernetes' (pulumi-kubernetes, `provider.go`).
        """
        kind = self.type(type_)
        if kind.names:
            before, now = ([paths.at(paths.parse(one), inputs) for one in kind.names] for inputs in (old, new))
            return isinstance(before[-1], str) and before == now
        named = [key for key, template in kind.outputs.items() if template == "{name}"]
        return any(key in old and old[key] == new.get(key) for key in named)

    def create(self, urn: str, inputs: Mapping[str, Any], replaces: str = "") -> tuple[str, dict[str, Any]]:
        """The id and the outputs of a new resource with these inputs, which are outputs too."""
        kind = self.type(urns.type_of(urn))
        plain = reveal(inputs)
        region = plain.get("region")
        known_region = region if isinstance(region, str) and region != UNKNOWN_STRING else self._region
        seed = Seed(urn, plain, known_region, self._account, replaces)
        made: dict[str, Any] = {"region": known_region} if urns.type_of(urn).startswith("aws:") else {}
        hidden = tuple(plaintexts(inputs))
        made["id"] = _masked(str(seed.fill(kind.id, made)), hidden)
        for key, template in kind.outputs.items():
            made[key] = seed.fill(template, {**made, **plain})
        marked = {
            key: secret(value) if key in kind.secret or _holds(value, hidden) else value
            for key, value in made.items()
            if value is not None
        }
        return str(made["id"]), {**marked, **inputs}

    def preview(self, urn: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs of a new resource before it is there: its inputs, and the name that its provider would give it.

        All else that is made up for its type is unknown.
        """
        kind = self.type(urns.type_of(urn))
        named = Seed(urn, reveal(inputs), self._region, self._account)
        made = {key: named.name if template == "{name}" else UNKNOWN_STRING for key, template in kind.outputs.items()}
        return {**made, "id": UNKNOWN_STRING, **inputs}

    def update(
        self, urn: str, inputs: Mapping[str, Any], old_inputs: Mapping[str, Any], old_outputs: Mapping[str, Any], preview: bool
    ) -> dict[str, Any]:
        """The outputs of a changed resource: computed ones stay, but for those that any change makes anew."""
        kind = self.type(urns.type_of(urn))
        kept = {key: value for key, value in old_outputs.items() if key not in old_inputs and key not in kind.refreshed}
        if preview:
            return {**kept, **dict.fromkeys(kind.refreshed, UNKNOWN_STRING), **inputs}
        _, made = self.create(urn, inputs)
        return {**kept, **{key: made[key] for key in kind.refreshed if key in made}, **inputs}


def _masked(id_: str, hidden: tuple[str, ...]) -> str:
    """An id that is made of secret inputs without them: ids are never secret, and stand in the state as they are."""
    for text in sorted(hidden, key=len, reverse=True):
        id_ = id_.replace(text, MASK)
    return id_


def _holds(value: Any, hidden: tuple[str, ...]) -> bool:
    """Whether an output, at any depth, is made of a secret input: then it is secret as well."""
    if isinstance(value, str):
        return any(text in value for text in hidden)
    entries = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(_holds(one, hidden) for one in entries)
