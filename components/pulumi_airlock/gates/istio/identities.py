"""Which workloads the identities of a policy mean: by principal, by namespace, by service account.

A workload that stands for pods that nothing is known of may be meant in part: that is told apart (`Meant.maybe`).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..kubernetes import Cluster, KubeObject, Workload, names_of
from .matching import matches, principals
from .mesh_config import MeshConfig


@dataclass(frozen=True, slots=True)
class Meant:
    """The workloads that some identities mean, surely and perhaps."""

    sure: frozenset[str] = frozenset()
    maybe: frozenset[str] = frozenset()

    def __or__(self, other: "Meant") -> "Meant":
        sure = self.sure | other.sure
        return Meant(sure, (self.maybe | other.maybe) - sure)


class Identities:
    """Everybody of the cluster, as policies speak of them."""

    def __init__(self, cluster: Cluster, config: MeshConfig, policies: Iterable[KubeObject]) -> None:
        self._cluster, self._config = cluster, config
        # An account that no workload has is somebody all the same: one who may still come.
        mentioned = (name for policy in policies for name in _mentioned(policy, config))
        self.everybody = names_of(cluster.workloads) | {each for name in mentioned for each in cluster.of_account(*name)}

    def of(self, key: str, text: str, namespace: str, *, ztunnel: bool) -> Meant | None:
        """Whom one value of `principals`, `namespaces` or `serviceAccounts` means; None where that is not known."""
        if key == "principals":
            return self._of_principal(text)
        if key == "namespaces":
            return self._of_namespace(text, ztunnel)
        if "*" in text:
            return None
        space, slash, account = text.partition("/")
        return Meant(self._cluster.of_account(space, account) if slash else self._cluster.of_account(namespace, space))

    def _of_principal(self, text: str) -> Meant:
        found = Meant()
        for pattern in principals(text, self._config.domains):
            found |= self._where(lambda one, pattern=pattern: self._principal(one, pattern))  # type: ignore[misc]
            domain, _, rest = pattern.partition("/ns/")
            namespace, has, account = rest.partition("/sa/")
            if has and "*" not in pattern and domain in self._config.domains:
                found |= Meant(self._cluster.of_account(namespace, account))
        return found

    def _principal(self, one: Workload, pattern: str) -> bool | None:
        texts = [f"{domain}/ns/{one.namespace}/sa/" for domain in self._config.domains]
        if not one.stands_for:
            return any(matches(pattern, f"{text}{one.service_account}") for text in texts)
        if one.namespace == "*":
            return True if pattern == "*" else None if "*" in pattern else False
        if pattern == "*" or (pattern.endswith("*") and any(text.startswith(pattern[:-1]) for text in texts)):
            return True
        if pattern.startswith("*"):
            before, slash, _ = pattern[1:].rpartition("/")
            return None if not slash or any(f"{text}".endswith(f"{before}/") for text in texts) else False
        return None if pattern.endswith("*") and any(pattern.startswith(text) for text in texts) else False

    def _of_namespace(self, text: str, ztunnel: bool) -> Meant:
        if ztunnel:
            return self._where(
                lambda one: (
                    (None if "*" in text and text != "*" else text == "*")
                    if one.namespace == "*"
                    else matches(text, one.namespace)
                )
            )
        # A regular expression over the whole identity (istio/istio, generator.go): a `*` may reach into what follows.
        pattern = re.compile(f".*/ns/{'.*'.join(map(re.escape, text.split('*')))}/.*")

        def test(one: Workload) -> bool | None:
            if one.namespace == "*":
                return None if "*" in text and text != "*" else text == "*"
            return pattern.fullmatch(f"{self._config.domain}/ns/{one.namespace}/sa/{one.service_account}") is not None

        found = self._where(test)
        return found | Meant(
            frozenset(
                name for name in self.everybody - names_of(self._cluster.workloads) if matches(text, name.partition("/")[0])
            )
        )

    def _where(self, test: Callable[[Workload], bool | None]) -> Meant:
        answers = [(one.name, test(one)) for one in self._cluster.workloads]
        return Meant(frozenset(name for name, yes in answers if yes), frozenset(name for name, yes in answers if yes is None))


def _mentioned(policy: KubeObject, config: MeshConfig) -> Iterator[tuple[str, str]]:
    """Namespace and account of those whom a policy names one by one."""
    for rule in policy.get_list("spec", "rules"):
        for key, text in _identities_of(rule):
            if key in ("serviceAccounts", "source.serviceAccount") and "*" not in text:
                space, slash, account = text.partition("/")
                yield (space, account) if slash else (policy.namespace, space)
            elif key in ("principals", "source.principal"):
                for pattern in principals(text, config.domains):
                    parts = pattern.split("/")
                    if len(parts) == 5 and "*" not in pattern and parts[0] in config.domains:
                        yield parts[2], parts[4]


def _identities_of(rule: Any) -> Iterator[tuple[str, str]]:
    given = rule if isinstance(rule, Mapping) else {}
    for entry in _list(given.get("from")):
        source = entry.get("source") if isinstance(entry, Mapping) else None
        for key, values in source.items() if isinstance(source, Mapping) else ():
            positive = str(key).removeprefix("not")
            yield from ((positive[:1].lower() + positive[1:], value) for value in _list(values) if isinstance(value, str))
    for one in _list(given.get("when")):
        if isinstance(one, Mapping):
            for value in (*_list(one.get("values")), *_list(one.get("notValues"))):
                if isinstance(value, str):
                    yield str(one.get("key")), value


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
