"""Whether a rule's targets are an environment's: by account, network tag, secure tag, network, or kind of target.

A rule without targets is for every instance of the network. Composer 2's nodes are VMs of the project, which run as the
environment's account and carry its tags. Composer 3's tasks come through an attachment: the interface belongs to a VM of Google's
own project, which runs as no account of ours; its network tags are Google's to set ("Configure security for network
attachments").
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from ..stack import UNKNOWN
from .kinds import ACCOUNT, NETWORK
from .links import follow
from .placement import Placement

if TYPE_CHECKING:
    from .entries import Written

_GKE_TAG = "gke-"
"""GKE gives nodes a tag of its own, `gke-<cluster>-<hash>-node`."""


class Target(Protocol):
    """Tells whether a rule is for an environment."""

    def of(self, one: "Written", placed: Placement) -> tuple[str, ...] | None:
        """None: it is not. Else the reasons why that is not sure; none where it is."""


class PolicyTarget:
    """Targets of a rule of a firewall policy."""

    def of(self, one: "Written", placed: Placement) -> tuple[str, ...] | None:
        """Instances by account or secure tag; networks, in a hierarchical policy; internal load balancers are no instances."""
        kind = one.value("targetType")
        if kind not in (None, "", "INSTANCES", UNKNOWN):
            return None
        reasons = [f"{one.where}.targetType"] if kind is UNKNOWN else []
        networks = follow(one.resource, (*one.path, "targetResources"), NETWORK)
        if networks:
            there = networks.meets(placed.network)
            if there is False:
                return None
            reasons += [f"{one.where}.targetResources ({networks})"] if there is None else []
        if tags := _filled(one.value("targetSecureTags")):
            # Who binds a tag value to a VM does so outside of the stack, or by an id that is not known before.
            reasons.append(f"{one.where}.targetSecureTags ({_names(tags)})")
        account = _account(one, placed, "targetServiceAccounts")
        return None if account is None else (*reasons, *account)


class VpcTarget:
    """Targets of a VPC firewall rule."""

    def of(self, one: "Written", placed: Placement) -> tuple[str, ...] | None:
        """Instances by account or network tag."""
        tags = _filled(one.value("targetTags"))
        if tags:
            return _tagged(one, placed, tags)
        return _account(one, placed, "targetServiceAccounts")


def _account(one: "Written", placed: Placement, prop: str) -> tuple[str, ...] | None:
    meant = follow(one.resource, (*one.path, prop), ACCOUNT)
    if not meant:
        return ()
    reason = f"{one.where}.{prop} ({meant})"
    if placed.sees_nodes is None:
        return (reason,)
    if not placed.sees_nodes:
        return (reason,) if meant.unknown else None
    match meant.meets(placed.account):
        case True:
            return ()
        case False:
            return None
        case _:
            return (reason,)


def _tagged(one: "Written", placed: Placement, tags: list[Any]) -> tuple[str, ...] | None:
    reason = f"{one.where}.targetTags ({_names(tags)})"
    if not placed.sees_nodes:
        return (reason,)
    if placed.tags is not None and placed.tags & {tag for tag in tags if isinstance(tag, str)}:
        return ()
    hidden = placed.tags is None or any(tag is UNKNOWN or str(tag).startswith(_GKE_TAG) for tag in tags)
    return (reason,) if hidden else None


def _filled(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _names(values: Iterable[Any]) -> str:
    return ", ".join(
        "not known" if value is UNKNOWN else str(value.get("name")) if isinstance(value, dict) else str(value) for value in values
    )
