"""A program of one environment and what it may reach."""

import pulumi
from pulumi_airlock.access import load
from pulumi_airlock.gates.declared import AccessDeclaration

config = pulumi.Config()
AccessDeclaration("access", load("access.yaml"))
pulumi.ComponentResource("airlock:index:ImportedEnvironment", "finance", {"cidrs": ["10.40.0.0/26"], "workload": ""})
pulumi.export("region", config.require("region"))
