"""Where FortiGates and Zscaler's tenants log to."""

from collections.abc import Container, Iterator, Mapping
from typing import Any

from ..gates.fortigate.device import Device, devices, kind_of
from ..gates.stack import UNKNOWN, Resource, Stack
from .found import Gap, LogSource, Sink, as_text, endpoint

ZPA_RULES = ("zpa:index/policyAccessRule:PolicyAccessRule", "zpa:index/policyAccessRuleV2:PolicyAccessRuleV2")
LSS = "zpa:index/lSSConfigController:LSSConfigController"
ZIA_RULES = ("zia:index:FirewallFilteringRule", "zia:index:URLFilteringRule")
NSS_FEED = "zia:index:CloudNssFeed"
NSS_SERVER = "zia:index:NssServer"

SLOTS: Mapping[str, str] = {
    f"logsyslogd{number}{part}setting": f"logsyslogd{number}{part}filter"
    for number in ("", "2", "3", "4")
    for part in ("", "override")
}
"""Kind of a syslog server's setting → kind of its filter."""

_ANALYZERS = frozenset(f"logfortianalyzer{number}setting" for number in ("", "2", "3", "cloud"))

_ENOUGH = ("information", "debug")
_TRAFFIC = ("forwardTraffic", "localTraffic")


def fortigates(stack: Stack) -> Iterator[LogSource]:
    """Every FortiGate with policies, and the syslog servers that its settings name."""
    for device in devices(stack):
        resource = device.components[0] if device.components else device.of_kind("firewallpolicy")[0]
        sinks = [sink for one in _of_device(stack, device, SLOTS) if (sink := _syslog(stack, device, one)) is not None]
        sinks += [_analyzer(one) for one in _of_device(stack, device, _ANALYZERS) if one.get("status") in ("enable", UNKNOWN)]
        yield LogSource("fortigate", resource.name if device.components else device.name, resource, tuple(sinks))


def slots_written_twice(stack: Stack) -> Iterator[tuple[Resource, Resource, bool]]:
    """Syslog settings that write the same slot of a device, and whether that is sure: their VDOM may not be known yet."""
    for device in devices(stack):
        seen: dict[tuple[str, str], Resource] = {}
        for one in _of_device(stack, device, SLOTS):
            slot = (kind_of(one), str(one.get("vdomparam") or ""))
            if slot in seen:
                yield seen[slot], one, UNKNOWN not in (one.get("vdomparam"), seen[slot].get("vdomparam"))
            seen.setdefault(slot, one)


def _of_device(stack: Stack, device: Device, kinds: Container[str]) -> list[Resource]:
    """The settings of some kinds of a device: of its VDOM, or of the whole device."""
    return [one for one in stack.resources if one.custom and kind_of(one) in kinds and _same(stack, one, device)]


def _analyzer(one: Resource) -> Sink:
    """A FortiAnalyzer: over TLS, unless that is switched off."""
    cipher = one.get("encAlgorithm", default="high")
    encrypted = UNKNOWN if cipher is UNKNOWN else cipher in ("high", "high-medium")
    address = as_text(one.get("server", default="FortiAnalyzer Cloud"))
    return Sink("fortianalyzer", address, one, "server", encrypted, "encAlgorithm" if encrypted is False else "")


def _same(stack: Stack, one: Resource, device: Device) -> bool:
    provider = stack.find(one.provider)
    hostname = provider.get("hostname") if provider is not None else None
    told = hostname.lower() if isinstance(hostname, str) else ""
    if (told or one.provider) != (device.hostname or device.provider):
        return False
    vdom = one.get("vdomparam")
    return vdom is None or str(vdom) == device.vdom or not device.vdom


def _syslog(stack: Stack, device: Device, one: Resource) -> Sink | None:
    status = one.get("status", default="disable")
    if status is not UNKNOWN and status != "enable":
        return None
    host, port = one.get("server"), one.get("port", default=514)
    address = endpoint(host, port)
    gaps = [*([Gap(one, "status")] if status is UNKNOWN else []), *_filtered(stack, device, one)]
    encrypted, plain_at = _tls(one)
    return Sink("syslog", address, one, "server", encrypted, plain_at, tuple(gaps))


def _tls(one: Resource) -> tuple[Any, str]:
    mode, cipher = one.get("mode", default="udp"), one.get("encAlgorithm", default="disable")
    if mode is not UNKNOWN and mode != "reliable":
        return False, "mode"
    if cipher is not UNKNOWN and cipher not in ("high", "high-medium"):
        return False, "encAlgorithm"
    return (UNKNOWN if UNKNOWN in (mode, cipher) else True), ""


def _filtered(stack: Stack, device: Device, setting: Resource) -> Iterator[Gap]:
    """What the slot's filter keeps back."""
    for one in stack.resources:
        if not one.custom or kind_of(one) != SLOTS[kind_of(setting)] or not _same(stack, one, device):
            continue
        severity = one.get("severity", default="information")
        if severity is UNKNOWN:
            yield Gap(one, "severity")
        elif severity not in _ENOUGH:
            yield Gap(one, "severity", f"is {severity}: what a policy let through is of severity notice or information")
        for prop in _TRAFFIC:
            value = one.get(prop, default="enable")
            if value is UNKNOWN:
                yield Gap(one, prop)
            elif value != "enable":
                yield Gap(one, prop, f"is {value}")
        told = one.get("filter", default="")
        if told is UNKNOWN or told:
            yield Gap(one, "filter", "" if told is UNKNOWN else f"is {told!r}: only a part is sent")


def zpa(stack: Stack) -> Iterator[LogSource]:
    """Every ZPA tenant with access rules, and its log streaming."""
    for provider, rules in _tenants(stack, ZPA_RULES).items():
        sinks = [
            sink
            for one in stack.of_type(LSS)
            if one.provider == provider
            for sink in [_lss(one)]
            if one.get("config", "enabled", default=True) is not False
        ]
        yield LogSource("zpa", provider.rpartition("::")[2] or "zpa", rules[0], tuple(sinks))


def _lss(one: Resource) -> Sink:
    host, port = one.get("config", "lssHost"), one.get("config", "lssPort")
    tls = one.get("config", "useTls", default=False)
    gaps = [Gap(one, "config.enabled")] if one.get("config", "enabled") is UNKNOWN else []
    kept_back = one.get_list("config", "filters")
    if UNKNOWN in kept_back:
        gaps.append(Gap(one, "config.filters"))
    elif kept_back:
        gaps.append(Gap(one, "config.filters", f"keeps back {', '.join(map(str, kept_back))}"))
    content = one.get("config", "sourceLogType", default="")
    return Sink(
        "lss",
        endpoint(host, port),
        one,
        "config.lssHost",
        tls if tls is UNKNOWN else tls is True,
        "config.useTls" if tls is False else "",
        tuple(gaps),
        content="" if content is UNKNOWN else str(content),
    )


def zia(stack: Stack) -> Iterator[LogSource]:
    """Every ZIA tenant with rules, and its Cloud NSS feeds. What an NSS server forwards is configured in ZIA alone."""
    for provider, rules in _tenants(stack, ZIA_RULES).items():
        feeds = [one for one in stack.of_type(NSS_FEED) if one.provider == provider and one.get("feedStatus") != "DISABLED"]
        servers = [one for one in stack.of_type(NSS_SERVER) if one.provider == provider and one.get("status") != "DISABLED"]
        unknown = tuple(f"{one.name}: its feeds are not in the stack" for one in servers)
        sinks = tuple(_nss(one) for one in feeds)
        yield LogSource("zia", provider.rpartition("::")[2] or "zia", rules[0], sinks, unknown)


def _nss(one: Resource) -> Sink:
    url = as_text(one.get("connectionUrl", default=""))
    secure = UNKNOWN if url is UNKNOWN else str(url).startswith("https://")
    content = one.get("nssLogType", default="")
    gaps = [Gap(one, "feedStatus")] if one.get("feedStatus") is UNKNOWN else []
    for prop in ("rules", "users", "departments", "locations", "clientIps"):
        if one.get(prop):
            gaps.append(Gap(one, prop, "narrows the feed: the rest is not logged"))
    plain_at = "connectionUrl" if secure is False else ""
    return Sink(
        "nss",
        url,
        one,
        "connectionUrl",
        secure,
        plain_at,
        tuple(gaps),
        content="" if content is UNKNOWN else str(content),
    )


def _tenants(stack: Stack, types: tuple[str, ...]) -> dict[str, list[Resource]]:
    """The rules of each tenant, by the URN of its provider."""
    found: dict[str, list[Resource]] = {}
    for one in stack.of_type(*types):
        found.setdefault(one.provider, []).append(one)
    return found
