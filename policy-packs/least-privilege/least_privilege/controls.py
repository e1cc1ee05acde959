"""The criteria that policies serve, with their titles: each is written once, here.

SOC 2: AICPA, Trust Services Criteria 2017 (with revised points of focus, 2022), common criteria, shortened.
CIS: CIS Amazon Web Services Foundations Benchmark v3.0.0 (2024-01), shortened.
"""

from enum import Enum


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

    CC6_1 = ("CC6.1", "Logical access security over protected information assets")
    CC6_3 = ("CC6.3", "Access is granted by role, with least privilege and segregation of duties")
    CC6_6 = ("CC6.6", "Protection against threats from outside the system's boundaries")
    CC6_7 = ("CC6.7", "Information is protected while it is transmitted or moved")
    CC7_2 = ("CC7.2", "Components are monitored for anomalies")
    CC8_1 = ("CC8.1", "Changes are authorised, tested and approved")


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
