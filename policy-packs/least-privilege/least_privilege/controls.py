"""The criteria that policies serve, with their titles.

SOC 2: AICPA, Trust Services Criteria 2017, common criteria, as `pulumi_airlock.soc2.criteria` has them.
CIS: CIS Amazon Web Services Foundations Benchmark v3.0.0 (2024-01), shortened.
"""

from enum import Enum

from pulumi_airlock.soc2.criteria import TITLES


class _Control(Enum):
    """A criterion: its reference, and what it asks for in short."""

    @property
    def reference(self) -> str:
        """The criterion's number, such as `CC6.1` or `5.4`."""
        return str(self.value[0])

    @property
    def title(self) -> str:
        """What it asks for."""
        return str(self.value[1])


class Soc2(_Control):
    """SOC 2 common criteria."""

    CC6_1 = ("CC6.1", TITLES["CC6.1"])
    CC6_3 = ("CC6.3", TITLES["CC6.3"])
    CC6_6 = ("CC6.6", TITLES["CC6.6"])
    CC6_7 = ("CC6.7", TITLES["CC6.7"])
    CC7_2 = ("CC7.2", TITLES["CC7.2"])
    CC8_1 = ("CC8.1", TITLES["CC8.1"])


class Cis(_Control):
    """Recommendations of the CIS AWS Foundations Benchmark."""

    ADMIN_POLICIES = ("1.16", "No IAM policy with full administrative privileges is attached")
    ACCESS_KEYS = ("1.14", "Access keys are rotated at least every 90 days")
    S3_TLS = ("2.1.1", "Bucket policies deny HTTP requests")
    S3_PUBLIC = ("2.1.4", "Buckets block public access")
    KMS_ROTATION = ("3.6", "Rotation is enabled for customer-created symmetric keys")
    FLOW_LOGS = ("3.7", "Flow logging is enabled in all VPCs")
    ACL_ADMIN_PORTS = ("5.1", "No network ACL lets the internet reach administration ports")
    GROUP_ADMIN_PORTS = ("5.2", "No security group lets 0.0.0.0/0 reach administration ports")
    DEFAULT_GROUP = ("5.4", "The default security group of every VPC restricts all traffic")
