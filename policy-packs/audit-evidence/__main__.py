"""The pack's process: Pulumi starts it, reads the port that it prints, and hands it the stack."""

from audit_evidence import NAME, policies, shown
from pulumi_policy import EnforcementLevel, PolicyPack

shown.install()
PolicyPack(
    NAME,
    policies=list(policies.ALL),
    enforcement_level=EnforcementLevel.ADVISORY,
    display_name="Airlock: audit evidence",
    tags=["airlock", "airflow", "soc2"],
)
