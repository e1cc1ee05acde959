"""Which configuration an nginx of the cluster runs, and what its oauth2-proxy was told: found by mounts, arguments and names."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from ..kubernetes import Cluster, KubeObject, Workload, objects
from ..stack import UNKNOWN, Stack
from .directives import Directive, parse

_KINDS = ("Deployment", "DaemonSet", "StatefulSet")
_FOLDER = "/etc/nginx"
MAIN = f"{_FOLDER}/nginx.conf"
_HARMLESS = ("mime.types", "fastcgi_params", "uwsgi_params", "scgi_params", "proxy_params")
UNREAD = "airlock-unread"
"""The name of a directive that stands for a file that nobody could read."""


@dataclass(frozen=True)
class Nginx:
    """An nginx of the cluster: its pods, and the files that they mount."""

    owner: KubeObject
    workload: Workload | None
    files: Mapping[str, tuple[KubeObject, str, Any]]
    """Path → ConfigMap or Secret, key, text (or `UNKNOWN`)."""

    def root(self) -> tuple[Directive, ...]:
        """Its directives, with what they include in their place. ConfigError where a file is no configuration."""
        if MAIN in self.files:
            return tuple(self._included(self._parsed(MAIN), 0))
        servers = [
            one for path in sorted(self.files) if fnmatchcase(path, f"{_FOLDER}/conf.d/*.conf") for one in self._parsed(path)
        ]
        return (Directive("http", (), 0, "", tuple(self._included(servers, 0))),)

    def _parsed(self, path: str) -> tuple[Directive, ...]:
        text = self.files[path][2]
        if not isinstance(text, str):
            return (Directive(UNREAD, (path,), 0, path),)
        return parse(text, path)

    def _included(self, found: Any, depth: int) -> Iterator[Directive]:
        for one in found:
            if one.name == "include" and one.args:
                yield from self._of_include(one, depth)
            elif one.block is not None and one.name not in ("map", "geo", "types", "split_clients"):
                yield replace(one, block=tuple(self._included(one.block, depth)))
            else:
                yield one  # What a map includes are its entries, whatever they are.

    def _of_include(self, one: Directive, depth: int) -> Iterator[Directive]:
        pattern = posixpath.normpath(posixpath.join(_FOLDER, one.args[0]))
        paths = [path for path in sorted(self.files) if fnmatchcase(path, pattern)]
        for path in paths if depth < 10 else ():
            yield from self._included(self._parsed(path), depth + 1)
        if not paths and posixpath.basename(pattern) not in _HARMLESS and not set(pattern) & set("*?["):
            yield Directive(UNREAD, (pattern,), one.line, one.file)


def gateways(stack: Stack, cluster: Cluster) -> Iterator[Nginx]:
    """Every nginx whose configuration comes from the stack."""
    kept = {(one.kind, one.namespace, one.name): one for one in objects(stack, "", "ConfigMap", "Secret")}
    for owner in objects(stack, "apps", *_KINDS):
        files: dict[str, tuple[KubeObject, str, Any]] = {}
        for container in owner.get_list("spec", "template", "spec", "containers"):
            if isinstance(container, Mapping):
                files |= _files(owner, container, kept)
        named = [path for path in files if path == MAIN or path.startswith(f"{_FOLDER}/conf.d/")]
        if named:
            workload = next((one for one in cluster.workloads if one.urn == owner.resource.urn), None)
            yield Nginx(owner, workload, files)


def _files(
    owner: KubeObject, container: Mapping[str, Any], kept: Mapping[tuple[str, str, str], KubeObject]
) -> dict[str, tuple[KubeObject, str, Any]]:
    volumes = {
        one["name"]: one
        for one in owner.get_list("spec", "template", "spec", "volumes")
        if isinstance(one, Mapping) and "name" in one
    }
    found: dict[str, tuple[KubeObject, str, Any]] = {}
    for mount in container.get("volumeMounts") or ():
        volume = volumes.get(mount.get("name")) if isinstance(mount, Mapping) else None
        if volume is None or not isinstance(mount.get("mountPath"), str):
            continue
        for path, key, one in _projected(owner.namespace, volume, kept):
            place = mount["mountPath"].rstrip("/")
            if mount.get("subPath"):
                if mount["subPath"] != path:
                    continue
            else:
                place = f"{place}/{path}"
            found[place] = (one, key, _text(one, key))
    return found


def _projected(
    namespace: str, volume: Mapping[str, Any], kept: Mapping[tuple[str, str, str], KubeObject]
) -> Iterator[tuple[str, str, KubeObject]]:
    for kind, prop, key in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName")):
        source = volume.get(prop)
        if not isinstance(source, Mapping) or (one := kept.get((kind, namespace, str(source.get(key))))) is None:
            continue
        listed = source.get("items")
        if isinstance(listed, list | tuple):
            for each in listed:
                if isinstance(each, Mapping) and each.get("key"):
                    yield str(each.get("path") or each["key"]), str(each["key"]), one
        else:
            for part in ("data", "stringData"):
                data = one.get(part)
                for each in data if isinstance(data, Mapping) else ():
                    yield str(each), str(each), one


def _text(one: KubeObject, key: str) -> Any:
    found = one.get("stringData", key, default=None)
    return one.get("data", key, default=UNKNOWN) if found is None else found


# oauth2-proxy


@dataclass(frozen=True)
class SignIn:
    """What an oauth2-proxy was told, as far as the stack says."""

    owner: KubeObject
    options: Mapping[str, tuple[Any, ...]]
    """Option without its dashes → its values."""
    unsure: tuple[str, ...] = ()

    def last(self, name: str) -> Any:
        """The last value of an option; None where it is not there."""
        found = self.options.get(name)
        return found[-1] if found else None

    @property
    def groups(self) -> frozenset[str]:
        """The groups that may sign in; empty: all."""
        return frozenset(str(one) for one in self.options.get("allowed-group", ()) if one is not UNKNOWN)


def sign_ins(stack: Stack) -> Iterator[SignIn]:
    """Every oauth2-proxy of the stack."""
    for owner in objects(stack, "apps", *_KINDS):
        for container in owner.get_list("spec", "template", "spec", "containers"):
            if isinstance(container, Mapping) and "oauth2-proxy" in str(container.get("image")):
                yield _sign_in(owner, container)


def _sign_in(owner: KubeObject, container: Mapping[str, Any]) -> SignIn:
    found: dict[str, list[Any]] = {}
    unsure: list[str] = []
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    for number, word in enumerate(words):
        if word is UNKNOWN or not isinstance(word, str):
            unsure.append(f"{owner.name}.args[{number}]")
            continue
        if not word.startswith("-"):
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if not equals:
            following = words[number + 1] if number + 1 < len(words) else ""
            value = following if isinstance(following, str) and not following.startswith("-") else "true"
        found.setdefault(name, []).append(value)
    for one in container.get("env") or ():
        name = str(one.get("name")) if isinstance(one, Mapping) else ""
        if name.startswith("OAUTH2_PROXY_"):
            option = name.removeprefix("OAUTH2_PROXY_").lower().replace("_", "-")
            value = one.get("value")
            if option == "allowed-groups" and isinstance(value, str):
                found.setdefault("allowed-group", []).extend(value.split(","))
            else:
                found.setdefault(option.removesuffix("s") if option == "email-domains" else option, []).append(value)
    if "config" in found or "alpha-config" in found:
        unsure.append(f"{owner.name}: its configuration file")
    return SignIn(owner, {name: tuple(values) for name, values in found.items()}, tuple(unsure))
