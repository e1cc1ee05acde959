"""The environments: where each stack's state is kept, what encrypts its secrets, who deploys it, and after which others."""

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from pulumi_airlock.access.errors import nearest
from pulumi_airlock.errors import Problems
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

HERE = Path(__file__).parent
FILE = HERE / "environments.yaml"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""A stack is an object of Kubernetes by the same name (RFC 1123 label)."""


class Environment(BaseModel):
    """One stack. Each has a key of its own: whoever may read one stack's secrets reads no other's."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    backend: str = Field(pattern=r"^(s3|gs|azblob|https)://\S+$")
    secrets_provider: str = Field(pattern=r"^(awskms|gcpkms|azurekeyvault|hashivault)://\S+$")
    role: str = Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/\S+$")
    after: tuple[str, ...] = ()
    """Stacks that are updated first: a change reaches few environments before it reaches all."""


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    environments: dict[str, Environment]


def load(path: Path = FILE) -> Mapping[str, Environment]:
    """The environments by the names of their stacks. InputError with everything that is wrong in the file."""
    problems = Problems(path.name)
    try:
        found = _File.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8"))).environments
    except (OSError, YAMLError) as error:
        problems.add("", f"cannot be read: {error}")
        problems.raise_any()
    except ValidationError as error:
        for one in error.errors():
            problems.add(".".join(map(str, one["loc"])), f"{one['msg']} (found {one['input']!r})")
        problems.raise_any()
    for name, environment in found.items():
        for earlier in environment.after:
            if earlier not in found:
                problems.add(f"environments.{name}.after", f'no environment "{earlier}"{nearest(earlier, found)}')
        if not _NAME.fullmatch(name):
            problems.add(
                f"environments.{name}", "is no name of a Kubernetes object: small letters, digits and hyphens, at most 63"
            )
    problems.raise_any()
    try:
        list(waves(found))
    except CycleError as error:
        problems.add("environments", f"wait for each other: {' → '.join(error.args[1])}")
    problems.raise_any()
    return found


def waves(environments: Mapping[str, Environment]) -> Iterator[tuple[str, ...]]:
    """The stacks in the order of their updates: all of a wave at once. CycleError where some wait for each other."""
    order = TopologicalSorter({name: one.after for name, one in environments.items()})
    order.prepare()
    while order.is_active():
        wave = order.get_ready()
        yield tuple(sorted(wave))
        order.done(*wave)
