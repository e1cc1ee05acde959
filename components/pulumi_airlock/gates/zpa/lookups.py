"""What only the tenant knows: ids of groups, profiles and certificates, looked up by name through the provider's functions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pulumi
import zscaler_pulumi_zpa as zpa

from .site import CloudConnector, IdentityProvider, Posture, Workload

ENROLLMENT = "Connector"
"""The enrolment certificate of App Connectors, which every tenant has by this name."""

_PACKAGE = "zpa"


def invoke_options(opts: pulumi.ResourceOptions | None) -> pulumi.InvokeOptions:
    """Options for the functions of the provider that a component's children will have, before there is a component."""
    given = opts or pulumi.ResourceOptions()
    found: list[Any] = [given.provider]
    found += given.providers.values() if isinstance(given.providers, Mapping) else _listed(given.providers)
    mine = (one for one in found if isinstance(one, pulumi.ProviderResource) and one.package == _PACKAGE)
    return pulumi.InvokeOptions(parent=given.parent, provider=next(mine, None))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


class Lookups:
    """Looks things up, each once."""

    def __init__(self, options: pulumi.InvokeOptions) -> None:
        self.options = options
        self._known: dict[Any, pulumi.Output[str]] = {}

    def _once(self, key: Any, look: Callable[[], pulumi.Output[Any]]) -> pulumi.Output[str]:
        if key not in self._known:
            self._known[key] = look()
        return self._known[key]

    def workload(self, one: Workload) -> pulumi.Input[str]:
        """The id of a Cloud Connector group or machine group."""
        if one.group_id is not None:
            return one.group_id
        look = zpa.get_cloud_connector_group_output if isinstance(one, CloudConnector) else zpa.get_machine_group_output
        return self._once(one, lambda: look(name=one.name, opts=self.options).id)

    def identity_provider(self, one: IdentityProvider) -> pulumi.Input[str]:
        """The id of the identity provider."""
        if one.idp_id is not None:
            return one.idp_id
        return self._once("idp", lambda: zpa.get_id_p_controller_output(name=one.name, opts=self.options).id)

    def group(self, one: IdentityProvider, group: str) -> pulumi.Input[str]:
        """The id of the SCIM group of people."""
        if group in one.group_ids:
            return one.group_ids[group]
        name = one.group_names.get(group, group)
        given: dict[str, Any] = {"idp_name": one.name} if one.name is not None else {"idp_id": int(one.idp_id or 0)}
        return self._once(("group", name), lambda: zpa.get_scim_groups_output(name=name, opts=self.options, **given).id)

    def posture(self, one: Posture) -> pulumi.Input[str]:
        """The UDID of a posture profile."""
        if one.udid is not None:
            return one.udid
        return self._once(one, lambda: zpa.get_posture_profile_output(name=one.name, opts=self.options).posture_udid)

    def enrollment(self, given: pulumi.Input[str] | None) -> pulumi.Input[str]:
        """The id of the certificate that App Connectors enrol with."""
        if given is not None:
            return given
        return self._once("enrollment", lambda: zpa.get_enrollment_cert_output(name=ENROLLMENT, opts=self.options).id)

    def log_format(self, kind: str) -> pulumi.Output[str]:
        """Zscaler's own JSON template of a line of a log."""
        return self._once(("log", kind), lambda: zpa.get_lss_log_type_formats_output(log_type=kind, opts=self.options).json)
