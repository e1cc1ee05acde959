"""Type tokens of the components that readers and policies look for: plain text, so that reading needs no SDK."""

ACCESS = "airlock:index:Access"
AUDIT_TRAIL = "airlock:index:AuditTrail"
AWS_NETWORK_GATE = "airlock:index:AwsNetworkGate"
FORTIGATE_GATE = "airlock:index:FortigateGate"
IDENTITY = "airlock:index:Identity"
MWAA_ENVIRONMENT = "airlock:index:MwaaEnvironment"
ZPA_GATE = "airlock:index:ZpaGate"
