"""Where a stack keeps the configurations of proxies: ConfigMaps of pods, objects of S3, parameters, metadata of machines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...tokens import LOCAL_FILES, TCP_PROXY
from ..kubernetes import KubeObject, objects
from ..stack import UNKNOWN, Resource, Stack, listed, mapping
from .haproxy import syntax
from .read_config import is_bootstrap, parsed

_OWNERS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod")
_S3 = ("aws:s3/bucketObjectv2:BucketObjectv2", "aws:s3/bucketObject:BucketObject")
_GCS = "gcp:storage/bucketObject:BucketObject"
_RELEASE = "kubernetes:helm.sh/v3:Release"
_SSM = "aws:ssm/parameter:Parameter"
_MACHINES = (
    "gcp:compute/instance:Instance",
    "gcp:compute/instanceTemplate:InstanceTemplate",
    "gcp:compute/regionInstanceTemplate:RegionInstanceTemplate",
)


@dataclass(frozen=True)
class File:
    """A file of a configuration, and what it comes from."""

    document: Any
    """`UNKNOWN` where nobody knows its text."""
    resource: Resource
    path: tuple[str, ...]
    """Where in the resource its text is."""


@dataclass(frozen=True)
class Found:
    """Files that belong together, and the name of the one among them that the engine is started with."""

    files: Mapping[str, File]
    bootstrap: str
    owner: KubeObject | None = None
    """What runs it, in a cluster."""
    beside: Resource | None = None
    """The release of Airflow's chart whose tasks' pods have it as a sidecar."""

    @property
    def component(self) -> Resource | None:
        """The component that made it."""
        above = self.files[self.bootstrap].resource.ancestors()
        return next((one for one in above if one.type == TCP_PROXY), None)


def found(stack: Stack) -> Iterator[Found]:
    """Every configuration of Envoy and HAProxy in a stack; of a component whose files nobody knows, that it is there."""
    for files, owner in (*_in_clusters(stack), *_in_buckets(stack), *_alone(stack), *_of_this_machine(stack)):
        for name, one in files.items():
            if is_bootstrap(one.document) or isinstance(one.document, syntax.Document):
                yield Found(files, name, owner)
    for files, release in _beside_tasks(stack):
        for name, one in files.items():
            if is_bootstrap(one.document) or isinstance(one.document, syntax.Document):
                yield Found(files, name, beside=release)


def _in_clusters(stack: Stack) -> Iterator[tuple[Mapping[str, File], KubeObject | None]]:
    if not any(one.startswith("kubernetes:") for one in stack.types):
        return
    kept = {(one.namespace, one.name): one for one in objects(stack, "", "ConfigMap")}
    seen: set[str] = set()
    for kind in _OWNERS:
        for owner in objects(stack, "" if kind == "Pod" else "apps", kind):
            spec = ("spec",) if kind == "Pod" else ("spec", "template", "spec")
            for volume in owner.get_list(*spec, "volumes"):
                name = mapping(mapping(volume).get("configMap")).get("name")
                config = kept.get((owner.namespace, str(name)))
                if config is not None and config.resource.urn not in seen:
                    seen.add(config.resource.urn)
                    yield _of_config_map(config), owner


def _beside_tasks(stack: Stack) -> Iterator[tuple[Mapping[str, File], Resource]]:
    """What native sidecars of tasks' pods mount, as the chart's values say it: init containers that go on."""
    kept = {(one.namespace, one.name): one for one in objects(stack, "", "ConfigMap")}
    for release in stack.of_type(_RELEASE):
        text = release.get("values", "podTemplate")
        template = parsed(text.replace('{{ "{{" }}', "{{")) if isinstance(text, str) else None
        spec = template.get("spec") if isinstance(template, Mapping) else None
        for name in dict.fromkeys(_mounted(spec) if isinstance(spec, Mapping) else ()):
            if (config := kept.get((str(release.get("namespace")), name))) is not None:
                yield _of_config_map(config), release


def _mounted(spec: Mapping[str, Any]) -> Iterator[str]:
    """ConfigMaps that sidecars of a pod mount."""
    sidecars = [one for one in map(mapping, listed(spec.get("initContainers"))) if one.get("restartPolicy") == "Always"]
    mounted = [mapping(each).get("name") for one in sidecars for each in listed(one.get("volumeMounts"))]
    for volume in map(mapping, listed(spec.get("volumes"))):
        if volume.get("name") in mounted and isinstance(volume.get("configMap"), Mapping):
            yield str(volume["configMap"].get("name"))


def _of_config_map(one: KubeObject) -> Mapping[str, File]:
    data = one.get("data", default={})
    if not isinstance(data, Mapping):
        return {}
    return {str(key): File(_document(text), one.resource, ("data", str(key))) for key, text in data.items()}


def _in_buckets(stack: Stack) -> Iterator[tuple[Mapping[str, File], None]]:
    """Objects of one bucket of S3 or Cloud Storage, and of one folder there."""
    folders: dict[tuple[Any, ...], dict[str, File]] = {}
    for one in stack.of_type(*_S3, _GCS):
        key, content = one.get("name" if one.type == _GCS else "key"), one.get("content")
        if not isinstance(key, str) or content is None:
            continue
        folder, _, name = key.rpartition("/")
        bucket = tuple(each.urn for each in one.refers_to("bucket")) or one.get("bucket")
        folders.setdefault((bucket, folder), {})[name] = File(_document(content), one, ("content",))
    for files in folders.values():
        yield files, None


def _alone(stack: Stack) -> Iterator[tuple[Mapping[str, File], None]]:
    """A bootstrap with all that it needs."""
    for one in stack.of_type(_SSM):
        yield {one.name: File(_document(one.get("value")), one, ("value",))}, None
    for one in stack.of_type(*_MACHINES):
        data = one.get("metadata", default={})
        if isinstance(data, Mapping):
            yield {str(key): File(_document(text), one, ("metadata", str(key))) for key, text in data.items()}, None


def _of_this_machine(stack: Stack) -> Iterator[tuple[Mapping[str, File], None]]:
    """Files that the local stack writes."""
    for one in stack.of_type(LOCAL_FILES):
        files = one.get("files", default={})
        if isinstance(files, Mapping):
            yield {str(name): File(_document(text), one, ("files", str(name))) for name, text in files.items()}, None


def _document(text: Any) -> Any:
    if text is UNKNOWN:
        return UNKNOWN
    if isinstance(text, str) and syntax.is_haproxy(text):
        return syntax.parsed(text)
    # Only a text that may be one is parsed: YAML is slow.
    return parsed(text) if isinstance(text, str) and ("resources" in text) else None
