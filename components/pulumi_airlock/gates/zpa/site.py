"""What ZPA has to be told beside the routes: where App Connectors stand, by what workloads and people are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

USER_ACTIVITY, USER_STATUS, CONNECTOR_STATUS, AUDIT = "zpn_trans_log", "zpn_auth_log", "zpn_ast_auth_log", "zpn_audit_log"
LOG_TYPES = (
    USER_ACTIVITY,
    USER_STATUS,
    CONNECTOR_STATUS,
    AUDIT,
    "zpn_http_trans_log",
    "zpn_sys_auth_log",
    "zpn_ast_comprehensive_stats",
    "zpn_pbroker_comprehensive_stats",
    "zpn_waf_http_exchanges_log",
)
"""What the Log Streaming Service sends (the provider's `source_log_type`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorGroup:
    """The App Connectors that lead to a zone: hosts of yours, which enrol with the group's provisioning key."""

    location: str
    """As people call it: `Frankfurt, DE`."""
    latitude: float
    """-90 to 90."""
    longitude: float
    """-180 to 180."""
    country_code: str
    """Two letters (ISO 3166-1)."""
    cidrs: Sequence[str] = ()
    """Addresses that the App Connectors have: where traffic comes from at whatever stands behind them."""
    key_uses: int = 4
    """How many App Connectors may enrol with the provisioning key."""
    upgrade_day: str = "SUNDAY"
    upgrade_second: int = 66600
    """When they update: seconds since midnight, in steps of 15 minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudConnector:
    """The Cloud Connector group through which an environment's traffic reaches ZPA. It sees the environment, not the DAG.

    Exactly one of the two: `name` is looked up, `group_id` is taken as it is.
    """

    kind: ClassVar[str] = "cloudConnector"

    name: str | None = None
    group_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineGroup:
    """The machine group whose provisioning key an environment's hosts enrol with: machine tunnels, for self-managed hosts alone.

    Exactly one of the two: `name` is looked up, `group_id` is taken as it is.
    """

    kind: ClassVar[str] = "machineGroup"

    name: str | None = None
    group_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """The identity provider as ZPA knows it, by name or by id (exactly one of them); its SCIM groups stand for people."""

    name: str | None = None
    idp_id: str | None = None
    group_names: Mapping[str, str] = field(default_factory=dict)
    """Group of the access file → SCIM group, where the names differ."""
    group_ids: Mapping[str, str] = field(default_factory=dict)
    """Group of the access file → id of the SCIM group, where it is not to be looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posture:
    """A posture profile that a person's device must satisfy, by name (looked up) or by its UDID: exactly one of them."""

    name: str | None = None
    udid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReceiver:
    """Where the Log Streaming Service sends logs: always over TLS, through the App Connectors of a zone."""

    host: str
    port: int
    zone: str
    """The zone whose App Connectors reach the receiver."""
    log_types: Sequence[str] = (USER_ACTIVITY, USER_STATUS, CONNECTOR_STATUS, AUDIT)
    formats: Mapping[str, str] = field(default_factory=dict)
    """Log type → the template of a line; Zscaler's own JSON template, looked up, where nothing is given."""


Workload = CloudConnector | MachineGroup


@dataclass(frozen=True, slots=True)
class Site:
    """All of it, for one gate."""

    name: str
    """The gate, as zones write it."""
    connectors: Mapping[str, ConnectorGroup]
    """Zone → its App Connectors."""
    workloads: Mapping[str, Workload]
    """Environment → by what ZPA knows it."""
    identity_provider: IdentityProvider | None
    postures: Mapping[str, Sequence[Posture]]
    """Principal (`*` for all people) → what their devices must satisfy."""
    log_receivers: Sequence[LogReceiver]
    prefix: str
    """In front of the name of every object made."""
    today: date
    """Routes whose last day is over are left out."""

    def postures_of(self, principal: str) -> tuple[Posture, ...]:
        """What the devices of a principal of people must satisfy."""
        return tuple(dict.fromkeys([*self.postures.get("*", ()), *self.postures.get(principal, ())]))
