"""A small stack: a key, which rotates or not, a secret, and access that is declared though no gate is there, if it is to be."""

import pulumi
import pulumi_aws as aws
from pulumi_airlock.access import Access, Destination, Principal, Route, TrustException, Zone
from pulumi_airlock.gates.declared import AccessDeclaration

config = pulumi.Config()
tags = {"owner": "ledger@bank.example"}

if config.get_bool("declared"):
    AccessDeclaration(
        "access",
        Access(
            principals=[
                Principal(name="ledger", dags=["ledger_*"], owner="ledger@bank.example"),
                Principal(name="clerks", group="clerks", clearance="low"),
            ],
            zones={"datacenter": Zone(cidrs=["10.20.0.0/16"], gates=["aws_network"], trust="high")},
            destinations=[Destination(name="ledger-db", zone="datacenter", cidrs=["10.20.4.10/32"], ports=["1521/tcp"])],
            routes=[
                Route(
                    name="ledger", from_=["ledger"], to=["ledger-db"], session="1h", reason="FIN-1234 <b>", expires="2030-06-30"
                ),
                Route(
                    name="clerks",
                    from_=["clerks"],
                    to=["ledger-db"],
                    reason="FIN-7",
                    exception=TrustException(reason="FIN-8", approved_by="ciso@bank.example", expires="2030-01-31"),
                ),
            ],
        ),
    )
key = aws.kms.Key(
    "ledger",
    description="ledger",
    enable_key_rotation=config.get_bool("rotate"),
    tags=tags,
    opts=pulumi.ResourceOptions(protect=True),
)
# Which key it is is not known before the update, and decides.
aws.cloudwatch.LogGroup("log", retention_in_days=400, kms_key_id=key.arn, tags=tags)
aws.ssm.Parameter("token", type="SecureString", value=pulumi.Output.secret("hunter2-hunter2"), tags=tags)
