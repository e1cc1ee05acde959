"""Where AWS's logs go: followed from a log group or a flow log, through subscriptions and streams, to what is outside."""

from collections.abc import Iterator
from typing import Any

from ..gates.stack import UNKNOWN, Resource, Stack
from .found import Gap, Sink, as_text, bucket_of

BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
FILTER = "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
STREAM = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"
TRAIL = "aws:cloudtrail/trail:Trail"
_ENDS = ("pkt-srcaddr", "pkt-dstaddr")
_WEB = {"splunk": ("splunkConfiguration", "hecEndpoint"), "http_endpoint": ("httpEndpointConfiguration", "url")}


def log_group_named(stack: Stack, name: str) -> Resource | None:
    """The log group of this name that the stack makes."""
    return next((one for one in stack.of_type(LOG_GROUP) if one.get("name") == name), None)


def log_group_sinks(stack: Stack, group: Resource | None, name: str, at: Resource, path: str) -> Iterator[Sink]:
    """The group itself, and everything that subscriptions take out of it. `at` and `path` are who writes to it."""
    yield Sink("log group", name or UNKNOWN, at, path, True, store=group)
    for one in stack.of_type(FILTER):
        if _is_of(one, group, name):
            yield from _subscription(stack, one)


def may_have_more(stack: Stack, group: Resource | None) -> tuple[str, ...]:
    """Subscriptions whose log group cannot be known before the update."""
    return tuple(
        f"{one.name}.logGroup"
        for one in stack.of_type(FILTER)
        if one.get("logGroup") is UNKNOWN and not one.refers_to("logGroup") and group is not None
    )


def _is_of(one: Resource, group: Resource | None, name: str) -> bool:
    named = one.get("logGroup")
    if isinstance(named, str):
        return named == name or (group is not None and named in (group.get("name"), group.get("arn")))
    return group is not None and group in one.refers_to("logGroup")


def _subscription(stack: Stack, one: Resource) -> Iterator[Sink]:
    pattern = one.get("filterPattern", default="")
    gaps: tuple[Gap, ...] = ()
    if pattern is UNKNOWN:
        gaps = (Gap(one, "filterPattern"),)
    elif str(pattern).strip():
        gaps = (Gap(one, "filterPattern", f"lets through only what matches {pattern!r}"),)
    stream = _linked(stack, one, "destinationArn", STREAM)
    if stream is not None:
        yield from stream_sinks(stack, stream, gaps)
        return
    to = as_text(one.get("destinationArn", default=""))
    kind = "cloudwatch" if isinstance(to, str) and ":destination:" in to else "other"
    yield Sink(kind, to, one, "destinationArn", True, gaps=gaps)


def stream_sinks(stack: Stack, stream: Resource, gaps: tuple[Gap, ...] = ()) -> Iterator[Sink]:
    """What a Data Firehose stream delivers to, and the bucket that it keeps a copy in."""
    to = as_text(stream.get("destination", default=""))
    if to in _WEB:
        block, prop = _WEB[to]
        url = as_text(stream.get(block, prop, default=""))
        extracted = _extracts(stream, block)
        kept = (*gaps, *([extracted] if extracted else ()))
        encrypted, plain_at = _in_transit(stream, url, f"{block}.{prop}")
        yield Sink("splunk" if to == "splunk" else "https", url, stream, f"{block}.{prop}", encrypted, plain_at, kept)
        # What is kept beside is the same, or what could not be delivered.
        yield _bucket(stack, stream, (block, "s3Configuration", "bucketArn"))
    elif to == "extended_s3":
        encrypted, plain_at = _in_transit(stream, "https:", "")
        yield _bucket(stack, stream, ("extendedS3Configuration", "bucketArn"), encrypted, plain_at, gaps)
    else:
        yield Sink("other", to, stream, "destination", UNKNOWN, gaps=gaps)


def _in_transit(stream: Resource, url: Any, path: str) -> tuple[Any, str]:
    """Over TLS, and encrypted while the stream holds it."""
    encrypted = stream.get("serverSideEncryption", "enabled", default=False)
    if isinstance(url, str) and not url.startswith("https:"):
        return False, path
    if encrypted is False:
        return False, "serverSideEncryption.enabled"
    return (UNKNOWN if UNKNOWN in (url, encrypted) else True), ""


def _extracts(stream: Resource, block: str) -> Gap | None:
    """Message extraction throws the names of log group and stream away."""
    for position, processor in enumerate(stream.get_list(block, "processingConfiguration", "processors")):
        if isinstance(processor, dict) and processor.get("type") == "CloudWatchLogProcessing":
            path = f"{block}.processingConfiguration.processors[{position}]"
            return Gap(stream, path, "drops log group and stream, which alone name the DAG, the run and the task")
    return None


def _bucket(
    stack: Stack,
    one: Resource,
    path: tuple[str, ...],
    encrypted: Any = True,
    plain_at: str = "",
    gaps: tuple[Gap, ...] = (),
) -> Sink:
    """A bucket by its ARN or name at a path."""
    address = one.get(*path)
    known = bucket_of(address) if isinstance(address, str) else UNKNOWN
    bucket = _bucket_resource(stack, one, path[0], known)
    if known is UNKNOWN and bucket is not None and isinstance(bucket.get("bucket"), str):
        known = bucket.get("bucket")
    return Sink("s3", known, one, ".".join(path), encrypted, plain_at, gaps, store=bucket)


def _bucket_resource(stack: Stack, one: Resource, prop: str, name: Any) -> Resource | None:
    by_name = (bucket for bucket in stack.of_type(*BUCKETS) if name is not UNKNOWN and bucket.get("bucket") == name)
    return next(by_name, next(iter(one.refers_to(prop, *BUCKETS)), None) if name is UNKNOWN else None)


def _linked(stack: Stack, one: Resource, prop: str, kind: str) -> Resource | None:
    """The resource whose ARN a property holds."""
    value = one.get(prop)
    by_arn = (found for found in stack.of_type(kind) if isinstance(value, str) and found.get("arn") == value)
    # An ARN that is known and of none here is of something elsewhere.
    return next(by_arn, next(iter(one.refers_to(prop, kind)), None) if not isinstance(value, str) else None)


def flow_log_sinks(stack: Stack, one: Resource) -> Iterator[Sink]:
    """Where a flow log goes."""
    gaps = tuple(_flow_gaps(one))
    kind = one.get("logDestinationType", default="cloud-watch-logs")
    if kind == "s3":
        yield _bucket(stack, one, ("logDestination",), gaps=gaps)
    elif kind == "kinesis-data-firehose":
        stream = _linked(stack, one, "logDestination", STREAM)
        if stream is None:
            yield Sink("other", as_text(one.get("logDestination", default="")), one, "logDestination", UNKNOWN, gaps=gaps)
        else:
            yield from stream_sinks(stack, stream, gaps)
    elif kind == "cloud-watch-logs":
        for sink in _group_of(stack, one, "logDestination"):
            yield Sink(
                sink.kind,
                sink.address,
                sink.resource,
                sink.path,
                sink.encrypted,
                sink.plain_at,
                (*gaps, *sink.gaps),
                sink.store,
            )
    else:
        yield Sink("other", UNKNOWN, one, "logDestinationType", UNKNOWN, gaps=gaps)


def _group_of(stack: Stack, one: Resource, prop: str) -> Iterator[Sink]:
    """The log group whose ARN a property holds, with what is taken out of it."""
    group = next(iter(one.refers_to(prop, LOG_GROUP)), None)
    arn = one.get(prop)
    name = arn.partition(":log-group:")[2].removesuffix(":*") if isinstance(arn, str) else ""
    group = group or (log_group_named(stack, name) if name else None)
    told = group.get("name") if group is not None and not name else name
    yield from log_group_sinks(stack, group, told if isinstance(told, str) else "", one, prop)


def group_sinks_at(stack: Stack, one: Resource, *props: str) -> Iterator[Sink]:
    """The sinks of each log group whose ARN is in one of the properties, or nested in it."""
    for prop in props:
        if one.get(prop) is not None:
            yield from _group_of(stack, one, prop)


def _flow_gaps(one: Resource) -> Iterator[Gap]:
    traffic = one.get("trafficType", default="ALL")
    if traffic is UNKNOWN:
        yield Gap(one, "trafficType")
    elif traffic != "ALL":
        yield Gap(one, "trafficType", f"is {traffic}: the other half of the traffic is not logged")
    told = one.get("logFormat", default="")
    if told is UNKNOWN:
        yield Gap(one, "logFormat")
    elif not all(field in str(told) for field in _ENDS):
        yield Gap(one, "logFormat", f"lacks {' and '.join(_ENDS)}: behind NAT and endpoints nobody sees who really talks")


def trail_sinks(stack: Stack, trail: Resource) -> Iterator[Sink]:
    """Where a trail goes: always to a bucket, and to a log group if it has one."""
    gaps = tuple(_trail_gaps(trail))
    bucket = _bucket(stack, trail, ("s3BucketName",), gaps=gaps)
    yield bucket
    for sink in group_sinks_at(stack, trail, "cloudWatchLogsGroupArn"):
        yield Sink(
            sink.kind, sink.address, sink.resource, sink.path, sink.encrypted, sink.plain_at, (*gaps, *sink.gaps), sink.store
        )


def _trail_gaps(trail: Resource) -> Iterator[Gap]:
    for prop, default, message in (
        ("enableLogging", True, "is off: nothing is logged"),
        ("isMultiRegionTrail", False, "is off: calls in other regions are not logged"),
        ("includeGlobalServiceEvents", True, "is off: calls to IAM and STS are not logged"),
    ):
        value = trail.get(prop, default=default)
        if value is UNKNOWN:
            yield Gap(trail, prop)
        elif value is not True:
            yield Gap(trail, prop, message)
    yield from _selector_gaps(trail)


def _selector_gaps(trail: Resource) -> Iterator[Gap]:
    """Management events that selectors leave out: reading secrets and using keys are among them."""
    for position, selector in enumerate(trail.get_list("eventSelectors")):
        path = f"eventSelectors[{position}]"
        if _holds_unknown(selector) or not isinstance(selector, dict):
            yield Gap(trail, path)
        elif selector.get("excludeManagementEventSources") or selector.get("includeManagementEvents") is False:
            yield Gap(trail, path, "leaves management events out")
        elif selector.get("readWriteType", "All") != "All":
            yield Gap(trail, f"{path}.readWriteType", f"is {selector.get('readWriteType')}: reading a secret is a read")
    advanced = trail.get_list("advancedEventSelectors")
    if not advanced or any(map(_all_management, advanced)):
        return
    said = "" if _holds_unknown(advanced) else "has none that takes all management events"
    yield Gap(trail, "advancedEventSelectors", said)


def _all_management(selector: Any) -> bool:
    fields = selector.get("fieldSelectors") if isinstance(selector, dict) else None
    if not isinstance(fields, list) or len(fields) != 1 or not isinstance(fields[0], dict):
        return False
    return fields[0].get("field") == "eventCategory" and fields[0].get("equals") == ["Management"]


def _holds_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_unknown, value.values()))
    return value is UNKNOWN or (isinstance(value, list) and any(map(_holds_unknown, value)))
