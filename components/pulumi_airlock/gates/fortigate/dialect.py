"""Which Pulumi package makes a FortiGate's resources. Whatever Airlock makes on a FortiGate, it makes through `Sdk`.

Two packages bridge Fortinet's Terraform provider, at different ages and with other names for the same:

- `pulumiverse`: `pulumiverse-fortios` 0.0.6. It sends the API token in the URL, which FortiOS 7.4.5 and later answer with 401
  unless `config system global` has `set rest-api-key-url-query enable`.
- `terraform-provider`: what `pulumi package add terraform-provider fortinetdev/fortios` generates into the user's project, from
  today's provider (1.25.0 is for FortiOS up to 8.0.0, by its changelog), which sends the token in a header.
"""

import sys
from collections.abc import Iterator, Mapping
from functools import reduce
from importlib import import_module
from types import ModuleType
from typing import Any, Literal, get_args

import pulumi

from ...errors import Problems

Dialect = Literal["pulumiverse", "terraform-provider"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)

GENERATE = "pulumi package add terraform-provider fortinetdev/fortios"

_PACKAGES: Mapping[str, str] = {"pulumiverse": "pulumiverse_fortios", "terraform-provider": "pulumi_fortios"}
_INSTALL: Mapping[str, str] = {
    "pulumiverse": 'pip install "pulumi-airlock[fortigate]"',
    "terraform-provider": f"run `{GENERATE}` in the project, and install what it generates",
}
_MODULES: Mapping[str, str] = {
    "firewallschedule": "firewall.schedule",
    "firewallservice": "firewall.service",
    "logsyslogd": "log.syslogd",
    "logsyslogd2": "log.syslogd.v2",
    "logsyslogd3": "log.syslogd.v3",
    "logsyslogd4": "log.syslogd.v4",
    "routerbgp": "router.bgp",
    "vpnipsec": "vpn.ipsec",
}
"""The first word of a Terraform resource's name → pulumiverse's module, where it is not that word."""
_SECOND = frozenset(("vpnipsec_phase1interface", "vpnipsec_phase2interface"))
"""Resources beside which the provider has one of its first days, `vpn_ipsec_…`. Their tokens differ in capitals alone, and
pulumi-terraform-bridge calls the second one `…V2` (since October 2025: `case_insensitive_dedup.go`)."""


class Sdk:
    """The classes of a dialect by the names that their resources have in Terraform, without `fortios_`.

    `Sdk("pulumiverse").firewall_policy` is `pulumiverse_fortios.firewall.Policy`, `Sdk("terraform-provider").firewall_policy` is
    `pulumi_fortios.FirewallPolicy`; both take the same arguments. Use `check_sdk` first.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._find = {"pulumiverse": _pulumiverse, "terraform-provider": _generated}[dialect]
        self._package = import_module(_PACKAGES[dialect])

    @property
    def provider(self) -> Any:
        """The class of its provider."""
        return self._package.Provider

    def __getattr__(self, resource: str) -> Any:
        return self._find(self._package, resource)


def _generated(package: ModuleType, resource: str) -> Any:
    name = _camel(resource)
    return (resource in _SECOND and getattr(package, f"{name}V2", None)) or getattr(package, name)


def _pulumiverse(package: ModuleType, resource: str) -> Any:
    first, _, rest = resource.partition("_")
    found = reduce(getattr, [*_MODULES.get(first, first).split("."), _camel(rest)], package)
    if first == "router":
        # 0.0.6: `router/__init__.py` imports everything of `.ospf6`, whose `outputs` hide its own: a class with a list that is
        # imported after it fails when it is registered (no attribute 'StaticSdwanZone'). It gets the right ones back.
        module: Any = sys.modules[found.__module__]
        module.outputs = import_module(f"{package.__name__}.router.outputs")
    return found


def _camel(text: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in text.split("_"))


def check_sdk(problems: Problems, dialect: str, opts: pulumi.ResourceOptions | None, path: str = "dialect") -> None:
    """Notes a dialect that there is not, its package where that is missing, and a provider that is of the other package."""
    if dialect not in DIALECTS:
        problems.add(path, f"{dialect!r}: write {' or '.join(DIALECTS)}")
        return
    wanted = _PACKAGES[dialect]
    missing = _missing(dialect)
    if missing:
        problems.add(path, f"{dialect!r} needs the Python package {wanted}: {missing}; {_INSTALL[dialect]}")
    provider = _provider(opts)
    package = "" if provider is None else type(provider).__module__.partition(".")[0]
    if package in _PACKAGES.values() and package != wanted:
        other = next(one for one in DIALECTS if _PACKAGES[one] == package)
        problems.add(
            path, f"{dialect!r} needs a provider of {wanted}, and has one of {package}: say {other!r}, or make it of {wanted}"
        )


def _missing(dialect: Dialect) -> str:
    """What keeps a dialect's package from being used; empty where nothing does."""
    try:
        package = import_module(_PACKAGES[dialect])
    except ImportError as error:
        return str(error)
    if dialect == "terraform-provider" and not hasattr(package, "FirewallPolicyMove"):
        return "the one that is installed is not the generated one: it has no FirewallPolicyMove"  # PyPI's pulumi-fortios
    return ""


def _provider(opts: pulumi.ResourceOptions | None) -> pulumi.ProviderResource | None:
    """The FortiGate's provider that a component with these options gets; None where that is a default one."""
    if opts is None:
        return None
    given = next((one for one in _listed(opts) if one.package == "fortios"), None)
    return given if given is not None or opts.parent is None else opts.parent.get_provider("fortios:index:Provider")


def _listed(opts: pulumi.ResourceOptions) -> Iterator[pulumi.ProviderResource]:
    if opts.provider is not None:
        yield opts.provider
    many = opts.providers
    if isinstance(many, pulumi.ProviderResource):
        yield many
    elif many:
        yield from many.values() if isinstance(many, Mapping) else many
