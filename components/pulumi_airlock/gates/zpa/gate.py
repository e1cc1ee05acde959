"""The component: a plan's segments and rules as resources, in an order that the tenant cannot lose."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pulumi

from ...access.model import Access
from ...tokens import ZPA_GATE
from .build import Builder
from .compile import compile_routes
from .lookups import Lookups, invoke_options
from .plan import Lane, Plan
from .site import CloudConnector, ConnectorGroup, IdentityProvider, LogReceiver, Posture, Site, Workload


class ZpaGate(pulumi.ComponentResource):
    """The segments and access rules of a ZPA tenant for the routes that pass it: nothing else gets to their destinations.

    ZPA tells workloads apart by Cloud Connector or machine group (so by environment, not by DAG) and people by SCIM group and
    device posture. It has no schedules: a route with a window passes at all times here, which its rule's description says, and
    another gate must hold the window.

    One gate orders the access rules and the timeout rules of a tenant: ours come first, then `rules_after`, then the others.
    """

    provisioning_keys: dict[str, pulumi.Output[str]]
    """Zone → the key that its App Connectors enrol with. Secret."""
    rule_ids: dict[str, pulumi.Output[str]]
    """The ids of the access rules that allow, by name, in order."""
    segment_ids: dict[str, pulumi.Output[str]]
    """The ids of the application segments, by name."""

    def __init__(
        self,
        name: str,
        *,
        access: Access,
        connectors: Mapping[str, ConnectorGroup],
        workloads: Mapping[str, Workload] | None = None,
        identity_provider: IdentityProvider | None = None,
        postures: Mapping[str, Sequence[Posture]] | None = None,
        log_receivers: Sequence[LogReceiver] = (),
        enrollment_certificate_id: pulumi.Input[str] | None = None,
        protect: bool = True,
        rules_after: Sequence[pulumi.Input[str]] = (),
        prefix: str = "airlock-",
        today: date | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """Makes the connector groups, segments and rules.

        - `name`: also the gate's name in the zones of `access`.
        - `connectors`: zone → where its App Connectors stand; for every zone that lists this gate and has routes.
        - `workloads`: environment → the Cloud Connector group (or machine group) that its traffic comes by.
        - `identity_provider`: as ZPA knows it; needed when a route of people passes here.
        - `postures`: principal of people (`*` for all of them) → posture profiles that their devices must satisfy.
        - `log_receivers`: where the Log Streaming Service sends logs, over TLS.
        - `enrollment_certificate_id`: what App Connectors enrol with; the tenant's own "Connector" certificate without it.
        - `protect`: keeps segments and segment groups from being deleted: ZPA takes a deleted one out of every rule, and a rule
          whose last condition goes lets everything through. Only turn it off where no data of worth is behind the gate.
        - `rules_after`: ids of access rules of others that keep their place right behind ours.
        - `prefix`: in front of every object's name; two gates (or stacks) in one tenant need different ones.
        - `today`: the day by which routes have expired; the present one in UTC without it.

        InputError, with every problem, for whatever ZPA would refuse.
        """
        site = Site(
            name,
            dict(connectors),
            dict(workloads or {}),
            identity_provider,
            {principal: tuple(listed) for principal, listed in (postures or {}).items()},
            tuple(log_receivers),
            prefix,
            today or datetime.now(UTC).date(),
        )
        plan = compile_routes(access, site)
        lookups = Lookups(invoke_options(opts))
        described = _described(plan, site, lookups)
        # Also among the inputs: `pulumi preview --json` has no outputs of components.
        super().__init__(ZPA_GATE, name, described, opts)
        builder = Builder(self, plan, site, lookups, enrollment_certificate_id, protect)
        builder.build(rules_after)
        self.provisioning_keys = {zone: pulumi.Output.secret(key) for zone, key in builder.keys.items()}
        self.rule_ids = {rule.name: builder.rules[rule.name].id for rule in plan.rules}
        self.segment_ids = {key: made.id for key, made in builder.segments.items()}
        self.register_outputs({**described, "provisioningKeys": self.provisioning_keys})


def _described(plan: Plan, site: Site, lookups: Lookups) -> dict[str, Any]:
    """What readers need beside the resources: which ids stand for which environments and groups, and the order of the rules."""
    groups = [group for rule in plan.rules if rule.lane is Lane.PEOPLE for group in rule.callers]
    postures = list(dict.fromkeys(posture for rule in plan.rules for posture in rule.postures))
    provider = site.identity_provider
    return {
        "gate": site.name,
        "prefix": site.prefix,
        "connectors": {zone: {"cidrs": list(one.cidrs)} for zone, one in site.connectors.items()},
        "workloads": [
            {
                "environment": environment,
                "kind": _lane(one).value,
                "id": lookups.workload(one),
                **({"name": one.name} if one.name else {}),
            }
            for environment, one in site.workloads.items()
        ],
        "scimGroups": [
            {"group": group, "id": lookups.group(provider, group), "idp": lookups.identity_provider(provider)}
            for group in dict.fromkeys(groups)
            if provider is not None
        ],
        "postures": [lookups.posture(one) for one in postures],
        "accessRules": [rule.name for rule in plan.rules],
        "routes": {rule.name: list(rule.routes) for rule in plan.rules},
        "segments": {one.name: list(one.destinations) for one in plan.segments.values()},
        "timeouts": {rule.name: rule.timeout for rule in plan.timeouts},
    }


def _lane(one: Workload) -> Lane:
    return Lane.CLOUD if isinstance(one, CloudConnector) else Lane.MACHINE
