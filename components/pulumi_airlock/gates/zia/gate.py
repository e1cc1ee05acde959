"""The component: a plan's locations, objects and rules as resources, then what puts them in force."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pulumi
import zscaler_pulumi_zia as zia

from ...access.model import Access
from ...environments.mwaa.egress import ProxyEgress
from ...errors import Problems
from ...tokens import ZIA_GATE
from ..naming import cut_name
from .compile import compile_routes
from .feed import NssFeed, check_feed, make_feeds
from .plan import CATEGORY_LIMIT, RULE_NAME, Allow, Location, Plan
from .site import Forwarding, LocationSettings, Site, TimeWindow, TunnelEgress

VALID_FROM = datetime(2026, 1, 1, tzinfo=UTC)
"""When a rule with an end begins: always the same, so that no update ever moves it. Whether ZIA takes a beginning in the past
is not tried.
"""

METHODS = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "OTHER", "POST", "PUT", "TRACE"]


class ZiaGate(pulumi.ComponentResource):
    """Lets each environment's workers out through Zscaler to the destinations of their routes; schedulers and web servers
    nowhere.

    Every environment has locations of its own: by a dedicated proxy port for each component (`ProxyEgress`, the same object
    that its `MwaaEnvironment` is given), or as sub-locations of a tunnel (`TunnelEgress`). Two rules stand for a destination,
    one in the cloud firewall and one in URL filtering; behind the last ones, everything that comes from these locations is
    blocked. Nothing takes effect before the activation, which runs again whenever something here changes.

    Changes are updates in place wherever ZIA has one, under keys that stay: its API takes 4 deletions an hour.
    """

    location_ids: dict[str, pulumi.Output[int]]
    """`<environment>-<component>` → the location's number."""

    def __init__(
        self,
        name: str,
        *,
        access: Access,
        environments: Mapping[str, Forwarding],
        others: Mapping[str, Sequence[str]] | None = None,
        siem: NssFeed | None = None,
        time_windows: Sequence[TimeWindow] = (),
        location: LocationSettings | None = None,
        first_order: int = 1,
        rank: int = 7,
        prefix: str = "airlock-",
        max_categories: int = CATEGORY_LIMIT,
        activate_after: Sequence[pulumi.Resource] = (),
        today: date | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """Makes locations, objects, rules, log feeds and the activation.

        - `name`: also the gate's name in the zones of `access`.
        - `environments`: environment → how its traffic gets to Zscaler.
        - `others`: `scheduler`, `webserver` → destinations that these components may reach too. Tasks could take their port or
          subnet as well: readers take it so, and a proof shows what no route of theirs declares.
        - `siem`: takes the logs; None leaves them to a feed that the tenant has.
        - `time_windows`: time intervals that the tenant has, for routes with the same window.
        - `location`: what all locations have in common.
        - `first_order`: the number of the first rule of each kind; rules of others may stand before, never between.
        - `rank`: the admin rank of the rules, 0–7.
        - `prefix`: in front of every object's name; two gates (or stacks) in one tenant need different ones.
        - `max_categories`: URL categories that the tenant may have.
        - `activate_after`: further resources of the tenant that the activation waits for.
        - `today`: routes whose last day is before it are left out; today in UTC unless given.

        InputError, with every problem, for whatever ZIA would refuse.
        """
        self._settings = location or LocationSettings()
        told = {key: tuple(names) for key, names in (others or {}).items()}
        site = Site(name, environments, told, tuple(time_windows), first_order, rank, prefix, max_categories)
        problems = Problems(name)
        if siem is not None:
            check_feed(siem, problems)
        _check_clock(time_windows, self._settings, problems)
        plan = _compiled(access, site, today or datetime.now(UTC).date(), problems)
        super().__init__(ZIA_GATE, name, _described(site, plan), opts)
        self._name, self._plan, self._site = name, plan, site
        self._child = pulumi.ResourceOptions(parent=self)
        self._made: list[pulumi.Resource] = []
        self._locations = {key: self._keep(self._location(one)) for key, one in plan.locations.items()}
        self._services = {key: self._keep(self._service(key)) for key in plan.services}
        self._categories = {key: self._keep(self._category(key)) for key in plan.categories}
        self._firewall()
        self._urls()
        if siem is not None:
            self._made += make_feeds(name, prefix, siem, self._child)
        self._activate(activate_after)
        self.location_ids = {key: one.location_id for key, one in self._locations.items()}
        self.register_outputs(_described(site, plan) | {"locationIds": self.location_ids})

    def _keep(self, made: Any) -> Any:
        self._made.append(made)
        return made

    def _location(self, one: Location) -> Any:
        forwarding = self._site.environments[one.environment]
        given: dict[str, Any] = {"ports": list(one.ports)}
        if isinstance(forwarding, TunnelEgress):
            given = {"parent_id": forwarding.parent_id, "ip_addresses": [_range(cidr) for cidr in one.cidrs]}
        return zia.LocationManagement(
            f"{self._name}-{one.key}",
            name=one.name,
            description=f"{'Components' if one.component == 'all' else one.component} of Airflow environment {one.environment}",
            country=self._settings.country,
            tz=self._settings.tz,
            profile="SERVER",
            auth_required=False,
            surrogate_ip=False,
            xff_forward_enabled=False,
            ofw_enabled=True,
            ips_control=True,
            ssl_scan_enabled=self._settings.ssl_inspection,
            opts=self._child,
            **given,
        )

    def _service(self, key: str) -> Any:
        one = self._plan.services[key]
        return zia.FwNetworkService(
            f"{self._name}-{key}-ports",
            name=one.name,
            type="CUSTOM",
            dest_tcp_ports=[{"start": first, "end": last} for first, last in one.tcp],
            dest_udp_ports=[{"start": first, "end": last} for first, last in one.udp],
            description=f"Ports of {key}",
            opts=self._child,
        )

    def _category(self, key: str) -> Any:
        one = self._plan.categories[key]
        return zia.UrlCategory(
            f"{self._name}-{key}-urls",
            configured_name=one.name,
            custom_category=True,
            super_category="USER_DEFINED",
            type="URL_CATEGORY",
            url_type="EXACT",
            urls=list(one.urls),
            ip_ranges=list(one.ip_ranges),
            description=f"Destination {key}"[:256],
            opts=self._child,
        )

    # Rules, one after the other: ZIA refuses a number beyond those that it has.

    def _firewall(self) -> None:
        before: Any = None
        for one in self._plan.firewall:
            before = self._keep(
                zia.FirewallFilteringRule(
                    f"{self._name}-{one.key}-firewall",
                    name=one.name,
                    order=one.order,
                    action="ALLOW",
                    locations=[self._locations[key].location_id for key in one.locations],
                    nw_services=[self._services[one.destination].network_service_id],
                    dest_addresses=list(one.addresses),
                    **self._common(one, before),
                )
            )
        self._keep(
            zia.FirewallFilteringRule(
                f"{self._name}-block-firewall",
                name=self._block_name(),
                order=self._plan.first_order + len(self._plan.firewall),
                action="BLOCK_RESET",
                locations=[one.location_id for one in self._locations.values()],
                **self._common(None, before),
            )
        )

    def _urls(self) -> None:
        before: Any = None
        for one in self._plan.urls:
            before = self._keep(
                zia.URLFilteringRule(
                    f"{self._name}-{one.key}-url",
                    name=one.name,
                    order=one.order,
                    action="ALLOW",
                    locations=[self._locations[key].location_id for key in one.locations],
                    url_categories=[self._categories[one.destination].category_id],
                    **_validity(one.expires),
                    **_every_request(),
                    **self._common(one, before, firewall=False),
                )
            )
        self._keep(
            zia.URLFilteringRule(
                f"{self._name}-block-url",
                name=self._block_name(),
                order=self._plan.first_order + len(self._plan.urls),
                action="BLOCK",
                block_override=False,
                locations=[one.location_id for one in self._locations.values()],
                url_categories=["ANY"],
                **_validity(None),
                **_every_request(),
                **self._common(None, before, firewall=False),
            )
        )

    def _common(self, one: Allow | None, before: Any, firewall: bool = True) -> dict[str, Any]:
        found: dict[str, Any] = {
            "state": "ENABLED",
            "rank": self._site.rank,
            "time_windows": [one.time_window] if one is not None and one.time_window is not None else [],
            "description": one.description if one is not None else "Everything else from the Airflow environments.",
            "opts": pulumi.ResourceOptions(parent=self, depends_on=[before] if before is not None else []),
        }
        return found | ({"enable_full_logging": True} if firewall else {})

    def _block_name(self) -> str:
        return cut_name(RULE_NAME, f"{self._site.prefix}{self._name}-block")

    def _activate(self, after: Sequence[pulumi.Resource]) -> None:
        """The activation says nothing of what it activates: a hash of all that makes it run again when any of it changes.

        Its deletion is none (the provider does nothing), so that a replacement costs one call and no deletion.
        """
        content = [asdict(self._plan), asdict(self._settings), self._site.rank, self._site.prefix]
        digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
        zia.Activation(
            f"{self._name}-activation",
            status="ACTIVE",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*self._made, *after], replacement_trigger=digest),
        )


def _compiled(access: Access, site: Site, today: date, problems: Problems) -> Plan:
    """The plan. InputError with the problems of the compilation and those noted before."""
    from ...errors import InputError

    try:
        plan = compile_routes(access, site, today)
    except InputError as error:
        for one in error.problems:
            problems.add(one.path, one.message, one.place)
    problems.raise_any()
    return plan


def _check_clock(windows: Sequence[TimeWindow], settings: LocationSettings, problems: Problems) -> None:
    """ZIA takes an interval in the time zone of the location: `SWITZERLAND_EUROPE_ZURICH` is Europe/Zurich."""
    for position, one in enumerate(windows):
        wanted = one.timezone.upper().replace("/", "_")
        if settings.tz is None or not settings.tz.endswith(wanted):
            fix = f"give the locations that time zone (LocationSettings(tz=…_{wanted}))"
            problems.add(f"time_windows[{position}].timezone", f"{one.timezone!r}, and the locations' is {settings.tz!r}: {fix}")


def _described(site: Site, plan: Plan) -> dict[str, Any]:
    """What readers need, as plain data: `pulumi preview --json` has no outputs of components."""
    environments: dict[str, Any] = {}
    for name, forwarding in site.environments.items():
        if isinstance(forwarding, ProxyEgress):
            cidrs = list(forwarding.cidrs)
            environments[name] = {"mode": "proxy", "proxy": forwarding.host, "cidrs": cidrs, "ports": dict(forwarding.ports)}
        else:
            environments[name] = {
                "mode": "tunnel",
                "cidrs": {key: list(cidrs) for key, cidrs in forwarding.parts.items() if cidrs},
            }
    return {
        "gate": site.name,
        "environments": environments,
        "timeWindows": [
            {"id": one.id, "days": list(one.days), "from": one.from_, "to": one.to, "timezone": one.timezone}
            for one in site.time_windows
        ],
        "rules": {one.name: list(one.routes) for one in plan.firewall},
    }


def _range(cidr: str) -> str:
    """A sub-location's addresses as ZIA reads them back: a network, or a single address."""
    return cidr.removesuffix("/32")


def _validity(expires: date | None) -> dict[str, Any]:
    """Until midnight UTC after the last day."""
    if expires is None:
        return {"enforce_time_validity": False}
    end = datetime.combine(expires + timedelta(days=1), datetime.min.time(), UTC)
    return {
        "enforce_time_validity": True,
        "validity_start_time": _rfc1123(VALID_FROM),
        "validity_end_time": _rfc1123(end),
        "validity_time_zone_id": "UTC",
    }


def _rfc1123(instant: datetime) -> str:
    return format_datetime(instant.astimezone(UTC), usegmt=True).replace("GMT", "UTC")


def _every_request() -> dict[str, Any]:
    """Said in every rule, since a list left out keeps what the tenant has."""
    return {"protocols": ["ANY_RULE"], "request_methods": list(METHODS)}
