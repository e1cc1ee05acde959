"""A plan as resources. Rules depend on their segments, the order on the rules: removal goes the other way, and nothing widens."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pulumi
import zscaler_pulumi_zpa as zpa

from . import names
from .lookups import Lookups
from .plan import CLIENT_TYPE, PEOPLE_CLIENTS, AccessRule, Lane, Plan, Segment, TimeoutRule
from .site import CloudConnector, ConnectorGroup, LogReceiver, Site

DENY_TASKS, DENY_REST = "deny-tasks", "deny-rest"
"""The rules that come last, by the ends of their names."""


def operand(kind: str, values: Iterable[Any]) -> dict[str, Any]:
    """An operand that lists ids or names."""
    return {"object_type": kind, "values": list(values)}


def entries(kind: str, pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """An operand that lists pairs."""
    return {"object_type": kind, "entry_values": [{"lhs": lhs, "rhs": rhs} for lhs, rhs in pairs]}


def any_of(*operands: dict[str, Any]) -> dict[str, Any]:
    """A condition that one of the operands has to satisfy."""
    return {"operator": "OR", "operands": list(operands)}


class Builder:
    """Makes the resources of one gate."""

    def __init__(
        self,
        component: pulumi.ComponentResource,
        plan: Plan,
        site: Site,
        lookups: Lookups,
        certificate: pulumi.Input[str] | None,
        protect: bool,
    ) -> None:
        self.component, self.plan, self.site, self.lookups = component, plan, site, lookups
        self.certificate, self.protect = certificate, protect
        self.connectors: dict[str, zpa.ConnectorGroup] = {}
        self.keys: dict[str, pulumi.Output[str]] = {}
        self.servers: dict[str, zpa.ServerGroup] = {}
        self.groups: dict[str, zpa.SegmentGroup] = {}
        self.segments: dict[str, zpa.ApplicationSegment] = {}
        self.rules: dict[str, zpa.PolicyAccessRuleV2] = {}

    def build(self, rules_after: Sequence[pulumi.Input[str]]) -> None:
        """Makes everything, in the order of its dependencies."""
        logging = {one.zone for one in self.site.log_receivers}
        for zone, group in self.site.connectors.items():
            if zone in self.plan.zones or zone in logging:
                self._connectors(zone, group, zone in logging)
        for zone in self.plan.zones:
            self._groups(zone)
        for segment in self.plan.segments.values():
            self.segments[segment.name] = self._segment(segment)
        # First: whatever is created later is appended behind it and lets nothing through before it has been put in its place.
        denials = self._denials()
        for rule in self.plan.rules:
            self.rules[rule.name] = self._rule(rule, denials)
        self._order(
            "ACCESS_POLICY", "access-order", [*(one.id for one in self.rules.values()), *(one.id for one in denials)], rules_after
        )
        timeouts = [self._timeout(rule) for rule in self.plan.timeouts]
        self._order("TIMEOUT_POLICY", "timeout-order", [one.id for one in timeouts], ())
        for number, receiver in enumerate(self.site.log_receivers):
            for kind in receiver.log_types:
                self._log(receiver, kind, number)

    def _opts(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self.component, **more)

    def _kept(self) -> pulumi.ResourceOptions:
        """Of what rules name: ZPA takes a deleted segment or group out of the conditions of every rule, without a word."""
        return self._opts(protect=self.protect, delete_before_replace=False)

    def _key(self, suffix: str) -> str:
        return f"{self.site.name}-{suffix}"

    def _child(self, tenant_name: str) -> str:
        """A child's name: the gate's and the object's, without the prefix, so that the same object is the same child for ever."""
        return self._key(tenant_name.removeprefix(self.site.prefix))

    # Where traffic comes out

    def _connectors(self, zone: str, group: ConnectorGroup, logging: bool) -> None:
        certificate = self.lookups.enrollment(self.certificate)
        name = names.tenant_name(self.site.prefix + zone)
        made = zpa.ConnectorGroup(
            self._key(f"{zone}-connectors"),
            name=name,
            description=f"App Connectors to zone {zone}. Made by Airlock.",
            enabled=True,
            location=group.location,
            city_country=group.location,
            country_code=group.country_code,
            latitude=str(group.latitude),
            longitude=str(group.longitude),
            upgrade_day=group.upgrade_day,
            upgrade_time_in_secs=str(group.upgrade_second),
            dns_query_type="IPV4",
            lss_app_connector_group=logging,
            use_in_dr_mode=False,
            enrollment_cert_id=certificate,
            opts=self._opts(),
        )
        key = zpa.ProvisioningKey(
            self._key(f"{zone}-key"),
            name=name,
            association_type="CONNECTOR_GRP",
            enabled=True,
            enrollment_cert_id=certificate,
            max_usage=str(group.key_uses),
            zcomponent_id=made.id,
            # The SDK itself marks the key as a secret output.
            opts=self._opts(),
        )
        self.connectors[zone], self.keys[zone] = made, key.provisioning_key_value

    # What can be reached

    def _groups(self, zone: str) -> None:
        name = names.tenant_name(self.site.prefix + zone)
        self.servers[zone] = zpa.ServerGroup(
            self._key(f"{zone}-servers"),
            name=name,
            description=f"Servers of zone {zone}. Made by Airlock.",
            enabled=True,
            dynamic_discovery=True,
            ip_anchored=False,
            config_space="DEFAULT",
            app_connector_groups=[{"ids": [self.connectors[zone].id]}],
            opts=self._opts(),
        )
        self.groups[zone] = zpa.SegmentGroup(
            self._key(f"{zone}-segments"),
            name=name,
            description=f"Destinations of zone {zone}. Made by Airlock.",
            enabled=True,
            opts=self._kept(),
        )

    def _segment(self, one: Segment) -> zpa.ApplicationSegment:
        return zpa.ApplicationSegment(
            f"{self._child(one.name)}-segment",
            name=one.name,
            description=one.description,
            domain_names=list(one.domains),
            tcp_port_range=[{"from_": str(first), "to": str(last)} for first, last in one.tcp],
            udp_port_range=[{"from_": str(first), "to": str(last)} for first, last in one.udp],
            icmp_access_type="PING" if one.ping else "NONE",
            enabled=True,
            bypass_type="NEVER",
            bypass_on_reauth=False,
            match_style="EXCLUSIVE",
            config_space="DEFAULT",
            double_encrypt=False,
            health_check_type="DEFAULT",
            health_reporting="ON_ACCESS",
            inspect_traffic_with_zia=False,
            ip_anchored=False,
            is_cname_enabled=True,
            policy_style=False,
            use_in_dr_mode=False,
            segment_group_id=self.groups[one.zones[0]].id,
            server_groups=[{"ids": [self.servers[zone].id for zone in one.zones]}],
            opts=self._kept(),
        )

    # Who may

    def _callers(self, lane: Lane, callers: Iterable[str], postures: Iterable[Any] = ()) -> list[dict[str, Any]]:
        """The conditions on who calls."""
        provider = self.site.identity_provider
        if lane is Lane.PEOPLE:
            assert provider is not None  # noqa: S101  # checked when compiled
            idp = self.lookups.identity_provider(provider)
            pairs = [(idp, self.lookups.group(provider, group)) for group in callers]
            return [
                any_of(operand("CLIENT_TYPE", PEOPLE_CLIENTS)),
                any_of(entries("SCIM_GROUP", pairs)),
                # One condition each: all of them have to hold.
                *(any_of(entries("POSTURE", [(self.lookups.posture(one), "true")])) for one in postures),
            ]
        ids = [self.lookups.workload(self.site.workloads[environment]) for environment in callers]
        return [any_of(operand("CLIENT_TYPE", [CLIENT_TYPE[lane]])), any_of(operand(lane.value, ids))]

    def _apps(self, segments: Iterable[str]) -> dict[str, Any]:
        return any_of(operand("APP", [self.segments[name].id for name in segments]))

    def _rule(self, one: AccessRule, denials: list[zpa.PolicyAccessRuleV2]) -> zpa.PolicyAccessRuleV2:
        return zpa.PolicyAccessRuleV2(
            self._child(one.name),
            name=one.name,
            description=one.description,
            action="ALLOW",
            operator="AND",
            conditions=[self._apps(one.segments), *self._callers(one.lane, one.callers, one.postures)],
            opts=self._opts(depends_on=denials),
        )

    def _denials(self) -> list[zpa.PolicyAccessRuleV2]:
        """What refuses the rest: to all of our tasks everything else, to everybody else all of our destinations.

        Narrower than a rule without conditions, which would also cut off whatever other teams of the tenant have behind it.
        """
        made = []
        lanes = {Lane.CLOUD: list[str](), Lane.MACHINE: list[str]()}
        for environment, one in self.site.workloads.items():
            lanes[Lane.CLOUD if isinstance(one, CloudConnector) else Lane.MACHINE].append(environment)
        for lane, environments in lanes.items():
            if environments:
                suffix = DENY_TASKS if lane is Lane.CLOUD else f"{DENY_TASKS}-machines"
                text = f"Everything else from the environments' {'Cloud Connectors' if lane is Lane.CLOUD else 'machines'}."
                made.append(self._deny(suffix, text, self._callers(lane, environments)))
        if self.groups:
            apps = any_of(operand("APP_GROUP", [one.id for one in self.groups.values()]))
            made.append(self._deny(DENY_REST, "Everybody else at these destinations.", [apps]))
        return made

    def _deny(self, suffix: str, text: str, conditions: list[dict[str, Any]]) -> zpa.PolicyAccessRuleV2:
        return zpa.PolicyAccessRuleV2(
            self._key(suffix),
            name=names.tenant_name(self.site.prefix + suffix),
            description=f"{text} Made by Airlock.",
            action="DENY",
            operator="AND",
            conditions=conditions,
            opts=self._opts(),
        )

    def _order(self, kind: str, suffix: str, ids: Sequence[pulumi.Input[str]], after: Sequence[pulumi.Input[str]]) -> None:
        """One owner of the order: ours first, in order, then what is to stand right behind them."""
        if ids:
            listed = [{"id": one, "order": str(number)} for number, one in enumerate([*ids, *after], 1)]
            zpa.PolicyAccessReorderRule(self._key(suffix), policy_type=kind, rules=listed, opts=self._opts())

    def _timeout(self, one: TimeoutRule) -> zpa.PolicyAccessTimeOutRuleV2:
        callers = self._timeout_callers(one)
        return zpa.PolicyAccessTimeOutRuleV2(
            f"{self._child(one.name)}-timeout",
            name=one.name,
            description=f"Authenticate again after {one.timeout}. Made by Airlock.",
            action="RE_AUTH",
            reauth_timeout=one.timeout,
            reauth_idle_timeout=one.timeout,
            conditions=[self._apps(one.segments), *callers],
            opts=self._opts(),
        )

    def _timeout_callers(self, one: TimeoutRule) -> list[dict[str, Any]]:
        if one.lane is Lane.PEOPLE:
            return self._callers(one.lane, one.callers)
        return [any_of(operand("CLIENT_TYPE", [CLIENT_TYPE[one.lane]]))]

    # What is logged

    def _log(self, one: LogReceiver, kind: str, number: int) -> None:
        config: Mapping[str, Any] = {
            "name": names.tenant_name(f"{self.site.prefix}log-{kind}", str(number) if number else ""),
            "description": "Made by Airlock.",
            "enabled": True,
            "lss_host": one.host,
            "lss_port": str(one.port),
            "source_log_type": kind,
            "format": one.formats.get(kind) or self.lookups.log_format(kind),
            "use_tls": True,
        }
        zpa.LSSConfigController(
            self._key(f"log-{kind}{f'-{number}' if number else ''}"),
            config=dict(config),
            connector_groups=[{"ids": [self.connectors[one.zone].id]}],
            opts=self._opts(),
        )
