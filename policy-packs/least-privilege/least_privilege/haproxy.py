"""What the policies on TCP proxies look at in a HAProxy: the same questions as of Envoy, in its own words."""

from collections.abc import Callable, Iterator
from ipaddress import ip_address

from pulumi_airlock.access.values import parse_duration
from pulumi_airlock.gates.tcp_proxy.haproxy.syntax import Section, Words
from pulumi_airlock.gates.tcp_proxy.inspect import InspectedHaproxy, haproxies

from .reading import Stack
from .registry import Findings, wrong

Check = Callable[[InspectedHaproxy], Iterator[str]]
_TOLD = ("ssl_c_s_dn", "%ts", "%ci")
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
"""HAProxy Configuration Manual, 2.5 "Time format"."""


def of_each(stack: Stack, *checks: Check) -> Findings:
    """What some checks find in every HAProxy of a stack."""
    for one in haproxies(stack):
        for check in checks:
            yield from (wrong(one.resource, one.path, message) for message in check(one))


def client_certificates(one: InspectedHaproxy) -> Iterator[str]:
    """Listeners that take clients without a certificate, or with anybody's."""
    for section, bind in one.lead():
        if "ssl" not in bind or (_after(bind, "verify") or "none") != "required":
            yield f"asks nobody for a certificate, or lets them leave it out, in frontend {section.name}"
        elif "ca-file" not in bind:
            yield f"takes the certificate of any authority, in frontend {section.name}"


def tls(one: InspectedHaproxy) -> Iterator[str]:
    """Listeners of plain text, or of old TLS."""
    usual = one.document.settings().says("ssl-default-bind-options") or ()
    for section, bind in one.lead():
        if "ssl" not in bind:
            yield f"is plain text, in frontend {section.name}"
        elif (_after(bind, "ssl-min-ver") or _after(usual, "ssl-min-ver")) != "TLSv1.3":
            yield f"takes TLS before 1.3, in frontend {section.name}"


def named_targets(one: InspectedHaproxy) -> Iterator[str]:
    """Ways to wherever a client says."""
    for section in one.document.proxies():
        for words in section.each("use_backend"):
            if "%" in words[0]:
                yield f"leads wherever a client says, by use_backend {words[0]}"
        for line in section.lines:
            if line[0] == "tcp-request" and any(word.startswith("set-dst") for word in line):
                yield f"leads wherever a client says, by {' '.join(line[1:3])} in {section.name}"
        for words in section.each("server"):
            host = (words[1:2] or ("",))[0].rpartition(":")[0].strip("[]")
            if host in ("", "*", "0.0.0.0", "::"):  # noqa: S104  # what is looked for
                yield f"has a server that goes wherever a client says: {section.name}/{words[0]}"


def sessions(one: InspectedHaproxy, longest: str) -> Iterator[str]:
    """Tunnels that nothing ends: HAProxy ends idle ones, and at a change those of before."""
    most = parse_duration(longest).total_seconds()
    stop = one.document.settings().says("hard-stop-after")
    if stop is None or _seconds(stop) > most:
        yield f"lets tunnels outlive a change of its rules by more than {longest}: hard-stop-after is {_shown(stop)}"
    for section, _ in one.lead():
        said = section.says("timeout", "tunnel")
        if said is None or _seconds(said) > most:
            yield f"lets idle tunnels last over {longest}: timeout tunnel is {_shown(said)}, in frontend {section.name}"


def access_log(one: InspectedHaproxy) -> Iterator[str]:
    """Tunnels and refusals of which nothing is told."""
    for section, _ in one.lead():
        if not _logs(one, section):
            yield f"does not log, in frontend {section.name}"
            continue
        said = " ".join(section.says("log-format") or ())
        if missing := [each for each in _TOLD if each not in said]:
            yield f"does not log {', '.join(missing)}, in frontend {section.name}"
        for option in ("dontlognull", "dontlog-normal"):
            # A refusal is a connection on which nothing was carried.
            if section.says("option", option) is not None:
                yield f"leaves connections out of its log (option {option}), in frontend {section.name}"


def administration(one: InspectedHaproxy) -> Iterator[str]:
    """Its runtime API, and its page of statistics, where others than this machine reach them."""
    for words in one.document.settings().each("stats", "socket"):
        address = words[0].removeprefix("ipv4@").removeprefix("ipv6@") if words else ""
        if not address.startswith(("/", "unix@", "abns@", "fd@")) and not _is_loopback(address):
            yield f"has its administration at {address}"
    for section in one.document.proxies():
        enabled = section.says("stats", "enable") is not None or section.says("stats", "uri") is not None
        away = [words[0] for words in section.each("bind") if not _is_loopback(words[0])]
        if enabled and away:
            yield f"has its statistics at {away[0]}, in {section.name}"


def _logs(one: InspectedHaproxy, section: Section) -> bool:
    if ("no", "log") in section.lines:
        return False
    said = section.says("log")
    return said is not None and (said != ("global",) or one.document.settings().says("log") is not None)


def _shown(words: Words | None) -> str:
    return " ".join(words) if words else "not set"


def _after(words: Words, name: str) -> str | None:
    return words[words.index(name) + 1] if name in words[:-1] else None


def _seconds(words: Words) -> float:
    """A time; endless where it is none. Without a unit: milliseconds."""
    text = words[0] if words else ""
    number = text.rstrip("usmhd")
    unit = text[len(number) :] or "ms"
    return float(number) * _UNITS[unit] if number.isdigit() and unit in _UNITS else float("inf")


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
