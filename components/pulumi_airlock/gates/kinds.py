"""One name for all spellings of a resource type: policies are written for kinds, and say which kinds they judge."""

from functools import lru_cache


@lru_cache(maxsize=4096)
def kind_of(type_: str) -> str:
    """One name for all spellings of a type. Only FortiOS has several.

    >>> kind_of("fortios:firewall/policy:Policy") == kind_of("fortios:index/firewallPolicy:FirewallPolicy")
    True
    >>> kind_of("fortios:index/vpnIpsecPhase1Interface:VpnIpsecPhase1Interface")
    'fortios:vpnipsecphase1interface'
    >>> kind_of("aws:ec2/vpc:Vpc")
    'aws:ec2/vpc:Vpc'
    """
    package, _, rest = type_.partition(":")
    if package != "fortios" or ":" not in rest:
        return type_
    module, _, name = rest.rpartition(":")
    path = name if module == "index" else module.removeprefix("index/")
    return "fortios:" + path.replace("/", "").replace("_", "").lower()


def is_of(type_: str, pattern: str) -> bool:
    """Whether a type is of a kind; a `*` at the kind's end stands for anything."""
    kind = kind_of(type_)
    return kind.startswith(pattern[:-1]) if pattern.endswith("*") else kind == pattern
