"""The pack's process: Pulumi starts it, reads the port that it prints, and hands it the stack."""

from access_proof import NAME, policies
from pulumi_policy import EnforcementLevel, PolicyPack

PolicyPack(
    NAME,
    policies=list(policies.ALL),
    enforcement_level=EnforcementLevel.MANDATORY,
    display_name="Airlock: access proof",
    tags=["airlock", "airflow", "aws", "fortigate", "network-security"],
)
