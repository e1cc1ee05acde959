"""Where every gate logs to: one declared SIEM (`AuditTrail`), read back (`sinks`), and one dictionary of fields (`fields`).

Reading and the dictionary need no SDK; only `AuditTrail` and what it is given import one.
"""

from typing import TYPE_CHECKING

from ..lazy import exports

if TYPE_CHECKING:
    from .archive import Archive, bucket_statements
    from .cloudtrail import CloudTrail, ExistingTrail
    from .component import AuditTrail
    from .fortigate import FortigateSyslog
    from .read import Declared, Gap, LogSource, Sink, Standing, declared_siems, sinks
    from .siem import (
        CloudWatchIntake,
        HttpsIntake,
        LssReceiver,
        NssTarget,
        S3Intake,
        Siem,
        SplunkIntake,
        SyslogIntake,
        hec_header,
    )

__all__ = [
    "Archive",
    "AuditTrail",
    "CloudTrail",
    "CloudWatchIntake",
    "Declared",
    "ExistingTrail",
    "FortigateSyslog",
    "Gap",
    "HttpsIntake",
    "LogSource",
    "LssReceiver",
    "NssTarget",
    "S3Intake",
    "Siem",
    "Sink",
    "SplunkIntake",
    "Standing",
    "SyslogIntake",
    "bucket_statements",
    "declared_siems",
    "hec_header",
    "sinks",
]

# Readers run in policy packs and notebooks, where no SDK need be installed: only composing needs them. And `airlock audit`, which
# reads logs, waits for no reader of stacks.
__getattr__ = exports(
    __name__,
    {
        "Archive": "archive",
        "AuditTrail": "component",
        "CloudTrail": "cloudtrail",
        "CloudWatchIntake": "siem",
        "Declared": "read",
        "ExistingTrail": "cloudtrail",
        "FortigateSyslog": "fortigate",
        "Gap": "read",
        "HttpsIntake": "siem",
        "LogSource": "read",
        "LssReceiver": "siem",
        "NssTarget": "siem",
        "S3Intake": "siem",
        "Siem": "siem",
        "Sink": "read",
        "SplunkIntake": "siem",
        "Standing": "read",
        "SyslogIntake": "siem",
        "bucket_statements": "archive",
        "declared_siems": "read",
        "hec_header": "siem",
        "sinks": "read",
    },
)
