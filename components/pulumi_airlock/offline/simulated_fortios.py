"""Simulated types of FortiOS (see `simulated_types`): a resource's id is its main key (`mkey`)."""

from collections.abc import Mapping

from .simulation import Simulated


def _token(module: str, name: str) -> str:
    """pulumiverse's token of a FortiOS type."""
    return f"fortios:{module}/{name}:{name[0].upper()}{name[1:]}"


def _named(*types: tuple[str, str], key: str = "name") -> dict[str, Simulated]:
    """FortiOS objects whose id is their name."""
    return {_token(*one): Simulated("{name}", {"name": "{name}"}, frozenset((key, "vdomparam"))) for one in types}


def _numbered(key: str, *types: tuple[str, str]) -> dict[str, Simulated]:
    """FortiOS objects whose id is a number: as given, else one that the device picks."""
    number = f"{{number.{key}}}"
    return {_token(*one): Simulated(number, {key: number}, frozenset((key, "vdomparam"))) for one in types}


def _single(*types: tuple[str, str]) -> dict[str, Simulated]:
    """FortiOS settings, of which a device has one each: the id is made of the type."""
    return {_token(*one): Simulated("{type}", {}, frozenset(("vdomparam",))) for one in types}


FORTIOS: Mapping[str, Simulated] = {
    **_named(
        ("certificate", "ca"),
        ("firewall", "address"),
        ("firewall", "address6"),
        ("firewall", "addrgrp"),
        ("firewall", "addrgrp6"),
        ("firewall", "internetservicecustom"),
        ("firewall", "internetservicegroup"),
        ("firewall", "ippool"),
        ("firewall", "multicastaddress"),
        ("firewall", "vip"),
        ("firewall", "vipgrp"),
        ("firewall/schedule", "group"),
        ("firewall/schedule", "onetime"),
        ("firewall/schedule", "recurring"),
        ("firewall/service", "category"),
        ("firewall/service", "custom"),
        ("firewall/service", "group"),
        ("router", "accesslist"),
        ("router", "prefixlist"),
        ("router", "routemap"),
        ("system", "accprofile"),
        ("system", "apiuser"),
        ("system", "interface"),
        ("system", "sdnconnector"),
        ("system", "zone"),
        ("user", "fsso"),
        ("user", "group"),
        ("user", "ldap"),
        ("user", "local"),
        ("user", "radius"),
        ("user", "saml"),
        ("vpn/ipsec", "phase1"),
        ("vpn/ipsec", "phase1interface"),
        ("vpn/ipsec", "phase2"),
        ("vpn/ipsec", "phase2interface"),
    ),
    **_numbered("policyid", ("firewall", "policy"), ("firewall", "policy6"), ("firewall", "securitypolicy")),
    **_numbered("policyid", ("firewall", "localinpolicy"), ("firewall", "localinpolicy6"), ("firewall", "proxypolicy")),
    **_numbered("seqNum", ("router", "static"), ("router", "static6"), ("router", "policy")),
    **_single(
        ("log", "setting"),
        ("log/syslogd", "filter"),
        ("log/syslogd", "overridefilter"),
        ("log/syslogd", "overridesetting"),
        ("log/syslogd", "setting"),
        ("log/syslogd/v2", "filter"),
        ("log/syslogd/v2", "overridefilter"),
        ("log/syslogd/v2", "overridesetting"),
        ("log/syslogd/v2", "setting"),
        ("log/syslogd/v3", "filter"),
        ("log/syslogd/v3", "overridefilter"),
        ("log/syslogd/v3", "overridesetting"),
        ("log/syslogd/v3", "setting"),
        ("log/syslogd/v4", "filter"),
        ("log/syslogd/v4", "overridefilter"),
        ("log/syslogd/v4", "overridesetting"),
        ("log/syslogd/v4", "setting"),
        ("router", "bgp"),
        ("system", "global"),
        ("system", "settings"),
        ("user", "setting"),
    ),
    # A neighbor's id is its address.
    "fortios:router/bgp/neighbor:Neighbor": Simulated("{in.ip}", {}, frozenset(("ip", "vdomparam"))),
    "fortios:firewall/policyMove:PolicyMove": Simulated(
        "{in.policyidSrc}", {"statePolicySrcdstPos": "{in.move}"}, frozenset(("policyidSrc", "policyidDst", "move", "vdomparam"))
    ),
    "fortios:json/genericApi:GenericApi": Simulated(
        "{hex16}",
        # The shape of generate-key's answer, the one request whose answer a component reads: another key for another period.
        {"response": '{"http_method":"POST","results":{"access_token":"{content}"},"status":"success"}'},
        frozenset(("path", "method", "json", "vdomparam", "specialparams", "forceRecreate")),
        secret=frozenset(("response",)),
    ),
}
"""Every simulated type of FortiOS, by pulumiverse's token."""
