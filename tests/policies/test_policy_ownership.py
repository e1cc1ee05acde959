from policy_testing import UNKNOWN, on

VPC = "aws:ec2/vpc:Vpc"
ENVIRONMENT = "aws:mwaa/environment:Environment"


def test_owner_tag():
    policy = on("aws-owner-tag", VPC)
    policy.passes(tags={"owner": "platform@bank.example", "Name": UNKNOWN})
    policy.fails("tags.owner is missing", tags={"Name": "vpc"}, cidrBlock=UNKNOWN)
    policy.fails("tags.owner is missing or empty", tags={"owner": " "})
    policy.undecided("tags.owner", tags=UNKNOWN)
    on("aws-owner-tag", VPC, tag="team").fails("tags.team", tags={"owner": "x"})


def test_the_providers_default_tags_count():
    # A provider's properties travel as JSON text.
    on("aws-owner-tag", VPC, provider={"defaultTags": '{"tags": {"owner": "platform"}}'}).passes(cidrBlock="10.0.0.0/16")
    on("aws-owner-tag", VPC, provider={"defaultTags": '{"tags": {"cost": "1"}}'}).fails("tags.owner")
    on("aws-owner-tag", VPC, provider={"defaultTags": UNKNOWN}).undecided("tags.owner", cidrBlock="10.0.0.0/16")


def test_mwaa_tags():
    policy = on("mwaa-tags", ENVIRONMENT, tags=["owner", "cost-centre"])
    policy.passes(tags={"owner": "a", "cost-centre": "7"})
    policy.fails("tags.cost-centre", tags={"owner": UNKNOWN})
    policy.undecided("tags.owner", tags={"owner": UNKNOWN, "cost-centre": "7"})
