"""Runs a program's transforms on its requests (`pulumi.runtime.register_resource_transform`, `ResourceOptions(transforms=…)`)."""

from collections.abc import Callable
from typing import Any

from pulumi.runtime.proto import resource_pb2

_LISTS = {
    "ignore_changes": "ignoreChanges",
    "replace_on_changes": "replaceOnChanges",
    "additional_secret_outputs": "additionalSecretOutputs",
}
_PLAIN = {
    "protect": "protect",
    "version": "version",
    "provider": "provider",
    "plugin_download_url": "pluginDownloadURL",
    "retain_on_delete": "retainOnDelete",
    "deleted_with": "deletedWith",
}


def transform_resource(call: Callable[[bytes], bytes], request: Any) -> None:
    """Puts a resource registration through a transform, in place."""
    options = resource_pb2.TransformResourceOptions(depends_on=request.dependencies, aliases=request.aliases)
    for theirs, ours in _LISTS.items():
        getattr(options, theirs).extend(getattr(request, ours))
    for theirs, ours in _PLAIN.items():
        if getattr(request, ours):
            setattr(options, theirs, getattr(request, ours))
    if request.HasField("customTimeouts"):
        options.custom_timeouts.CopyFrom(request.customTimeouts)
    if request.deleteBeforeReplaceDefined:
        options.delete_before_replace = request.deleteBeforeReplace
    for package, reference in request.providers.items():
        options.providers[package] = reference
    asked = resource_pb2.TransformRequest(
        type=request.type,
        name=request.name,
        custom=request.custom,
        parent=request.parent,
        properties=request.object,
        options=options,
    )
    answer = resource_pb2.TransformResponse.FromString(call(asked.SerializeToString()))
    if answer.HasField("properties"):
        request.object.CopyFrom(answer.properties)
    if answer.HasField("options"):
        _apply(answer.options, request)


def _apply(options: Any, request: Any) -> None:
    for field, target in (("depends_on", request.dependencies), ("aliases", request.aliases)):
        del target[:]
        target.extend(getattr(options, field))
    for theirs, ours in _LISTS.items():
        target = getattr(request, ours)
        del target[:]
        target.extend(getattr(options, theirs))
    for theirs, ours in _PLAIN.items():
        setattr(request, ours, getattr(options, theirs))
    if options.HasField("delete_before_replace"):
        request.deleteBeforeReplace = options.delete_before_replace
        request.deleteBeforeReplaceDefined = True
    if options.HasField("custom_timeouts"):
        request.customTimeouts.CopyFrom(options.custom_timeouts)


def transform_call(call: Callable[[bytes], bytes], request: Any) -> None:
    """Puts a provider function's call through a transform, in place."""
    asked = resource_pb2.TransformInvokeRequest(token=request.tok, args=request.args)
    asked.options.provider = request.provider
    asked.options.version = request.version
    asked.options.plugin_download_url = request.pluginDownloadURL
    answer = resource_pb2.TransformInvokeResponse.FromString(call(asked.SerializeToString()))
    if answer.HasField("args"):
        request.args.CopyFrom(answer.args)
    if answer.HasField("options"):
        request.provider = answer.options.provider
        request.version = answer.options.version
        request.pluginDownloadURL = answer.options.plugin_download_url
