print("loading rules")

from pulumi_policy import PolicyPack, ResourceValidationPolicy  # noqa: E402

PolicyPack(name="printing", policies=[ResourceValidationPolicy(name="all-well", description="All is well.", validate=print)])
