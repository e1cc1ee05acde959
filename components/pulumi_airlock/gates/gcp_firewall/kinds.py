"""The resources of Google Cloud's firewall, by their tokens."""


def tokens(kind: str, module: str = "compute") -> tuple[str, ...]:
    """Both spellings of a type: `gcp:compute/firewall:Firewall`, and YAML's short form `gcp:compute:Firewall`."""
    return (f"gcp:{module}/{kind[0].lower()}{kind[1:]}:{kind}", f"gcp:{module}:{kind}")


NETWORK = tokens("Network")
SUBNETWORK = tokens("Subnetwork")
ATTACHMENT = tokens("NetworkAttachment")
ACCOUNT = tokens("Account", "serviceaccount")
ADDRESS_GROUP = tokens("AddressGroup", "networksecurity")
PROJECT = tokens("Project", "organizations")
FOLDER = tokens("Folder", "organizations")

VPC_RULE = tokens("Firewall")

HIERARCHICAL = tokens("FirewallPolicy")
HIERARCHICAL_WITH_RULES = tokens("FirewallPolicyWithRules")
HIERARCHICAL_RULE = tokens("FirewallPolicyRule")
HIERARCHICAL_ASSOCIATION = tokens("FirewallPolicyAssociation")

GLOBAL = tokens("NetworkFirewallPolicy")
GLOBAL_WITH_RULES = tokens("NetworkFirewallPolicyWithRules")
GLOBAL_RULE = tokens("NetworkFirewallPolicyRule")
GLOBAL_ASSOCIATION = tokens("NetworkFirewallPolicyAssociation")

REGIONAL = tokens("RegionNetworkFirewallPolicy")
REGIONAL_WITH_RULES = tokens("RegionNetworkFirewallPolicyWithRules")
REGIONAL_RULE = tokens("RegionNetworkFirewallPolicyRule")
REGIONAL_ASSOCIATION = tokens("RegionNetworkFirewallPolicyAssociation")

LEGACY_ASSOCIATION = tokens("OrganizationSecurityPolicyAssociation")
"""What hierarchical firewall policies were before (API `organizationSecurityPolicies`, type FIREWALL)."""
LEGACY_POLICY = tokens("OrganizationSecurityPolicy")
