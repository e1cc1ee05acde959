"""Simulated types of Zscaler Private Access (see `simulated_types`): ids are long numbers that the tenant gives out.

Nothing replaces a resource: the Terraform provider marks no property of these types as `ForceNew` (4.x, read in its source).
"""

from collections.abc import Mapping

from .simulation import Simulated

_NUMBERED = Simulated("7{digits16}")

_NAMES = (
    "applicationSegment",
    "applicationSegmentBrowserAccess",
    "applicationServer",
    "connectorGroup",
    "microtenant",
    "policyAccessForwardingRule",
    "policyAccessForwardingRuleV2",
    "policyAccessIsolationRule",
    "policyAccessIsolationRuleV2",
    "policyAccessRule",
    "policyAccessRuleV2",
    "policyAccessTimeOutRule",
    "policyAccessTimeOutRuleV2",
    "segmentGroup",
    "serverGroup",
    "serviceEdgeGroup",
)


def _token(name: str) -> str:
    return f"zpa:index/{name}:{name[0].upper()}{name[1:]}"


ZPA: Mapping[str, Simulated] = {
    **{_token(name): _NUMBERED for name in _NAMES},
    _token("lSSConfigController"): Simulated("7{digits16}", {"policyRuleId": "7{digits16.rule}"}),
    # The order has no id of its own: the provider calls it by its policy type.
    _token("policyAccessReorderRule"): Simulated("{in.policyType}-reorder"),
    _token("provisioningKey"): Simulated(
        "{digits6}",
        {"ProvisioningKeyValue": "3|api.private.zscaler.com|{hex64.key}", "usageCount": "0", "zcomponentName": "{name}"},
        secret=frozenset({"ProvisioningKeyValue"}),
    ),
}
"""Every simulated type of ZPA, by its token."""
