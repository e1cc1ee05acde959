"""The component: a plan's objects and policies as resources, in an order that the device cannot lose."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pulumi

from ...access.model import Access
from ...errors import Problems
from ...proof.sets import protocol_number
from ...tokens import FORTIGATE_GATE
from .compile import compile_routes, deny_name
from .dialect import Dialect, Sdk, check_sdk
from .people import SamlIdentity
from .plan import Address, AddressGroup, Plan, Policy, Service, Site
from .sign_in import SignIn

_EXPLICIT = {
    "status": "enable",
    "srcaddr_negate": "disable",
    "dstaddr_negate": "disable",
    "srcaddr6_negate": "disable",
    "dstaddr6_negate": "disable",
    "service_negate": "disable",
    "internet_service": "disable",
    "internet_service_src": "disable",
    "internet_service6": "disable",
    "internet_service6_src": "disable",
    "ztna_status": "disable",
    "utm_status": "disable",
    "nat": "disable",
    "logtraffic": "all",
    "users": [],
    "fsso_groups": [],
    "ztna_ems_tags": [],
}
"""Said in every policy: most arguments are optional *and* computed, so that one left out keeps whatever the device has."""


class FortigateGate(pulumi.ComponentResource):
    """The policies of a FortiGate for the routes that pass it: nothing else gets through from the environments' tunnels.

    A FortiGate tells workloads apart by source address (so by environment, not by DAG) and people by user group. Its last policy
    denies and logs whatever else comes out of the tunnels; people's interface is left to the policies that the device has for it.

    Security profiles are off: they belong to the team that runs the device (`utm_status` in its own policies or a profile group).
    Needs FortiOS 7.2 or later for routes that expire (`policy_expiry`).
    """

    user_groups: dict[str, pulumi.Output[str]]
    """Group of the identity provider → the user group that was made for it; empty without `saml`."""
    policy_ids: dict[str, pulumi.Output[int]]
    """The device's ids of the accept policies, by policy name, in order."""
    deny_policy_id: pulumi.Output[int]
    """The id of the deny-all policy: a policy of yours belongs before it (`PolicyMove(move="before")`)."""

    def __init__(
        self,
        name: str,
        *,
        access: Access,
        sources: Mapping[str, Sequence[str]],
        tunnel_interface: pulumi.Input[str] | Sequence[pulumi.Input[str]],
        interfaces: Mapping[str, str | Sequence[str]],
        people_interface: str | None = None,
        timezone: str = "UTC",
        user_groups: Mapping[str, str] | None = None,
        saml: SamlIdentity | None = None,
        prefix: str = "airlock-",
        vdom: str | None = None,
        place_before: pulumi.Input[int] | None = None,
        dialect: Dialect = "pulumiverse",
        opts: pulumi.ResourceOptions | None = None,
    ):
        """Makes the objects and policies.

        - `name`: also the gate's name in the zones of `access`.
        - `sources`: environment → CIDRs that its tasks come from. IPv4, IPv6 or both.
        - `tunnel_interface`: where the environments' traffic comes in; several for a pair of tunnels.
        - `interfaces`: zone → interface (or FortiGate zone) that leads to it, or several; for every zone that lists this gate.
        - `people_interface`: where people come in; needed when a route of people passes here.
        - `timezone`: the IANA name of the device's own zone (`config system global`); windows of routes must be written in it.
        - `user_groups`: group of the identity provider → user group on the FortiGate, where the names differ.
        - `saml`: how people sign in. With it the user groups are made, too (the prefix and the group's name); without it the
          device has them already.
        - `vdom`: the virtual domain that all of it is in; the provider's without it.
        - `prefix`: in front of every object's name; two gates (or stacks) on one device need different ones.
        - `place_before`: id of a policy on the device that would stop the traffic (a deny-all): all of ours go before it.
        - `dialect`: `pulumiverse`, or `terraform-provider` for FortiOS 7.4.5 and later; another one makes all resources anew.

        InputError, with every problem, for whatever the device would refuse.
        """
        problems = Problems(name)
        clock = _checked_timezone(problems, timezone)
        check_sdk(problems, dialect, opts)
        leading = {zone: (one,) if isinstance(one, str) else tuple(one) for zone, one in interfaces.items()}
        tunnels: list[pulumi.Input[str]] = (
            list(tunnel_interface)
            if isinstance(tunnel_interface, list | tuple)
            else [cast("pulumi.Input[str]", tunnel_interface)]
        )
        known = tuple(one for one in tunnels if isinstance(one, str))
        site = Site(name, sources, leading, people_interface, clock, dict(user_groups or {}), prefix, saml, known)
        plan: Plan | None = None
        with problems.noting("access"):
            plan = compile_routes(access, site)
        if plan is None or len(problems):
            raise problems.error()
        described = {
            "gate": name,
            "timezone": timezone,
            "vdom": vdom,
            "tunnelInterfaces": tunnels,
            "peopleInterface": people_interface,
            "sources": {environment: list(cidrs) for environment, cidrs in sources.items()},
            "userGroups": {
                **{device: group for group, device in site.user_groups.items()},
                **{one.name: one.group for one in plan.user_groups.values()},
            },
            "saml": None if saml is None else _described(saml, site, plan),
            "interfaces": {
                zone: {
                    "interfaces": list(listed),
                    "cidrs": list(access.zones[zone].cidrs),
                    "hosts": sorted({host for one in access.destinations if one.zone == zone for host in one.hosts}),
                }
                for zone, listed in leading.items()
            },
            "policies": {policy.name: list(policy.routes) for policy in plan.policies},
        }
        # Also among the inputs: `pulumi preview --json` has no outputs of components.
        super().__init__(FORTIGATE_GATE, name, described, opts)
        builder = _Builder(self, name, plan, site, tunnels, vdom, Sdk(dialect))
        builder.build(place_before)
        groups = builder.sign_in.groups if builder.sign_in is not None else {}
        self.user_groups = {one.group: groups[one.name].name for one in plan.user_groups.values()}
        self.policy_ids = {key: made.policyid for key, made in builder.policies.items()}
        self.deny_policy_id = builder.deny.policyid
        self.register_outputs(described)


class _Builder:
    """Turns one plan into resources. Policies depend on their objects, moves on policies: removal goes the other way."""

    def __init__(
        self,
        component: FortigateGate,
        name: str,
        plan: Plan,
        site: Site,
        tunnels: list[pulumi.Input[str]],
        vdom: str | None,
        sdk: Sdk,
    ) -> None:
        self.sdk = sdk
        self.component, self.name, self.plan, self.site, self.tunnels, self.vdom = component, name, plan, site, tunnels, vdom
        self.objects: dict[tuple[str, int, str], Any] = {}
        """(kind, family, device name) → the resource that has the name as an output."""
        self.policies: dict[str, Any] = {}
        self.deny: Any = None
        self.sign_in: SignIn | None = None

    def build(self, place_before: pulumi.Input[int] | None) -> None:
        for address in self.plan.addresses.values():
            self._address(address)
        for group in self.plan.groups.values():
            self._address_group(group)
        for service in self.plan.services.values():
            self._service(service)
        self._schedules()
        if self.site.saml is not None:
            self.sign_in = SignIn(self.name, self.site.saml, self.plan, self.site, self.vdom, self.sdk, self._opts)
        # First: whatever is created later is appended behind it and lets nothing through before it has been moved to its place.
        self.deny = self._deny_all()
        for policy in self.plan.policies:
            self.policies[policy.name] = self._policy(policy)
        self._order(place_before)

    def _opts(self, depends_on: Iterable[Any] = ()) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self.component, depends_on=list(depends_on))

    def _key(self, device_name: str) -> str:
        """A child's name: the gate's and the object's, without the prefix, so that the same object is the same child for ever."""
        return f"{self.name}-{device_name.removeprefix(self.site.prefix)}"

    def _named(self, kind: str, family: int, names: Iterable[str]) -> list[dict[str, Any]]:
        """References by the objects' own outputs, so that they are made before and removed after whatever uses them."""
        return [
            {"name": self.objects[kind, family, name].name if (kind, family, name) in self.objects else name} for name in names
        ]

    def _address(self, one: Address) -> None:
        text = f"{one.value} [Airlock]"
        if one.family == 4:
            given = {"fqdn": one.value} if one.kind == "fqdn" else {"subnet": _subnet(one.value)}
            made = self.sdk.firewall_address(
                self._key(one.name),
                name=one.name,
                type=one.kind,
                comment=text,
                allow_routing="disable",
                vdomparam=self.vdom,
                opts=self._opts(),
                **given,
            )
        else:
            given = {"fqdn": one.value} if one.kind == "fqdn" else {"ip6": one.value}
            made = self.sdk.firewall_address6(
                f"{self._key(one.name)}-v6",
                name=one.name,
                type=one.kind,
                comment=text,
                vdomparam=self.vdom,
                opts=self._opts(),
                **given,
            )
        self.objects["address", one.family, one.name] = made

    def _address_group(self, one: AddressGroup) -> None:
        members = self._named("address", one.family, one.members)
        if one.family == 4:
            made = self.sdk.firewall_addrgrp(
                self._key(one.name),
                name=one.name,
                members=members,
                exclude="disable",
                allow_routing="disable",
                comment=one.comment,
                vdomparam=self.vdom,
                opts=self._opts(),
            )
        else:
            made = self.sdk.firewall_addrgrp6(
                f"{self._key(one.name)}-v6",
                name=one.name,
                members=members,
                exclude="disable",
                comment=one.comment,
                vdomparam=self.vdom,
                opts=self._opts(),
            )
        self.objects["address", one.family, one.name] = made

    def _service(self, one: Service) -> None:
        if one.protocol in ("tcp", "udp", "sctp"):
            given: dict[str, Any] = {"protocol": "TCP/UDP/SCTP", f"{one.protocol}_portrange": one.portrange}
        elif one.protocol in ("icmp", "icmpv6"):
            given = {"protocol": "ICMP" if one.protocol == "icmp" else "ICMP6"}
        else:
            given = {"protocol": "IP", "protocol_number": protocol_number(one.protocol)}
        self.objects["service", 0, one.name] = self.sdk.firewallservice_custom(
            self._key(one.name), name=one.name, comment="Airlock", vdomparam=self.vdom, opts=self._opts(), **given
        )

    def _schedules(self) -> None:
        for one in self.plan.schedules.values():
            self.objects["schedule", 0, one.name] = self.sdk.firewallschedule_recurring(
                self._key(one.name),
                name=one.name,
                day=" ".join(one.days),
                start=one.start,
                end=one.end,
                vdomparam=self.vdom,
                opts=self._opts(),
            )
        for group in self.plan.schedule_groups.values():
            self.objects["schedule", 0, group.name] = self.sdk.firewallschedule_group(
                self._key(group.name),
                name=group.name,
                members=self._named("schedule", 0, group.members),
                vdomparam=self.vdom,
                opts=self._opts(),
            )

    def _policy(self, one: Policy) -> Any:
        intfs = [self.site.people_interface] if one.people else self.tunnels
        schedule = self.objects.get(("schedule", 0, one.schedule))
        made = self.sign_in.groups if self.sign_in is not None else {}
        before = self.sign_in.before if self.sign_in is not None and one.people else []
        return self.sdk.firewall_policy(
            self._key(one.name),
            name=one.name,
            action="accept",
            srcintfs=[{"name": intf} for intf in intfs],
            dstintfs=[{"name": dstintf} for dstintf in one.dstintfs],
            srcaddrs=self._named("address", 4, one.sources[4]),
            dstaddrs=self._named("address", 4, one.destinations[4]),
            srcaddr6s=self._named("address", 6, one.sources[6]),
            dstaddr6s=self._named("address", 6, one.destinations[6]),
            services=self._named("service", 0, one.services),
            groups=[{"name": made[group].name if group in made else group} for group in one.groups],
            schedule=schedule.name if schedule is not None else one.schedule,
            # Without it, a session that began within the window outlasts it.
            schedule_timeout="disable" if one.schedule == "always" else "enable",
            policy_expiry="enable" if one.expires else "disable",
            policy_expiry_date=_expiry(one, self.site.timezone),
            match_vip="disable",
            comments=one.comment,
            vdomparam=self.vdom,
            opts=self._opts([self.deny, *before]),
            **_EXPLICIT,
        )

    def _deny_all(self) -> Any:
        name = deny_name(self.site.prefix)
        everywhere = [{"name": "all"}]
        return self.sdk.firewall_policy(
            self._key(name),
            name=name,
            action="deny",
            srcintfs=[{"name": tunnel} for tunnel in self.tunnels],
            dstintfs=[{"name": "any"}],
            srcaddrs=everywhere,
            dstaddrs=everywhere,
            srcaddr6s=everywhere,
            dstaddr6s=everywhere,
            services=[{"name": "ALL"}],
            groups=[],
            schedule="always",
            schedule_timeout="disable",
            policy_expiry="disable",
            # What a VIP has translated is denied as well.
            match_vip="enable",
            comments="Everything else out of the Airflow tunnels. Made by Airlock.",
            vdomparam=self.vdom,
            opts=self._opts(),
            **_EXPLICIT,
        )

    def _order(self, place_before: pulumi.Input[int] | None) -> None:
        """Chains the policies from the last to the first: each is moved right before the one that follows it.

        A move waits for the one behind it, so that a policy put in between is in its place before its predecessor goes before it.
        """
        behind, follower = [], self.deny
        if place_before is not None:
            behind = [self._move(f"{self._key(deny_name(self.site.prefix))}", self.deny.policyid, place_before, [])]
        for device_name, policy in reversed(self.policies.items()):
            behind = [self._move(self._key(device_name), policy.policyid, follower.policyid, behind)]
            follower = policy

    def _move(self, key: str, moved: Any, before: Any, behind: list[Any]) -> Any:
        return self.sdk.firewall_policy_move(
            f"{key}-order",
            policyid_src=moved,
            policyid_dst=before,
            move="before",
            vdomparam=self.vdom,
            opts=self._opts(behind),
        )


def _described(identity: SamlIdentity, site: Site, plan: Plan) -> dict[str, Any]:
    """What readers need to know whose groups a match at this server names."""
    return {
        "server": identity.server_name(site.prefix),
        "entityId": identity.idp_entity_id,
        "groups": {one.group: identity.value_of(one.group) for one in plan.user_groups.values()},
    }


def _subnet(cidr: str) -> str:
    """A network as FortiOS reads it back, so that no update ever shows a difference: `10.20.4.0 255.255.255.0`."""
    network = IPv4Network(cidr)
    return f"{network.network_address} {network.netmask}"


def _expiry(one: Policy, timezone: str) -> str | None:
    """The first moment after the last day (a day of UTC), on the device's clock."""
    if one.expires is None:
        return None
    end = datetime.combine(one.expires + timedelta(days=1), datetime.min.time(), UTC)
    return end.astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M:%S")


def _checked_timezone(problems: Problems, timezone: str) -> str:
    """The zone; empty, with a problem noted, where it is none."""
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems.add("timezone", f"{timezone!r} is no time zone: write an IANA name, such as UTC or Europe/Zurich")
        return ""
    return timezone
