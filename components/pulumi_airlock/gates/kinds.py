"""One name for all spellings of a resource type: policies are written for kinds, and say which kinds they judge."""

import re
from functools import lru_cache

_NUMBERED = re.compile(r"(?<=/)v(?=[2-9]/)")
"""pulumiverse's `log/syslogd/v2/setting` is Terraform's `logsyslogd2_setting`."""


@lru_cache(maxsize=4096)
def kind_of(type_: str) -> str:
    """One name for all spellings of a type. Only FortiOS has several.

    >>> kind_of("fortios:firewall/policy:Policy") == kind_of("fortios:index/firewallPolicy:FirewallPolicy")
    True
    >>> kind_of("fortios:index/vpnipsecPhase1interfaceV2:VpnipsecPhase1interfaceV2")
    'fortios:vpnipsecphase1interface'
    >>> kind_of("fortios:log/syslogd/v2/setting:Setting")
    'fortios:logsyslogd2setting'
    >>> kind_of("aws:ec2/vpc:Vpc")
    'aws:ec2/vpc:Vpc'
    """
    package, _, rest = type_.partition(":")
    if package != "fortios" or ":" not in rest:
        return type_
    module, _, name = rest.rpartition(":")
    path = name if module == "index" else module.removeprefix("index/")
    # `V2` is what the bridge gives the second of two resources whose names differ in capitals alone; both are of one kind.
    return "fortios:" + _NUMBERED.sub("", path).removesuffix("V2").replace("/", "").replace("_", "").lower()


def is_of(type_: str, pattern: str) -> bool:
    """Whether a type is of a kind; a `*` at the kind's end stands for anything."""
    kind = kind_of(type_)
    return kind.startswith(pattern[:-1]) if pattern.endswith("*") else kind == pattern
