"""The pack's process: Pulumi starts it, reads the port that it prints, and asks it about every resource."""

from least_privilege import NAME, dispatch, registry
from pulumi_policy import EnforcementLevel, PolicyPack

dispatch.install()
PolicyPack(
    NAME,
    policies=[one.policy for one in registry.load()],
    enforcement_level=EnforcementLevel.MANDATORY,
    display_name="Airlock: least privilege",
    tags=["airlock", "airflow", "aws", "fortigate", "least-privilege"],
)
