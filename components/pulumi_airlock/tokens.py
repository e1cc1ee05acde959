"""Type tokens of the components that readers and policies look for: plain text, so that reading needs no SDK."""

ACCESS = "airlock:index:Access"
AUDIT_TRAIL = "airlock:index:AuditTrail"
AWS_NETWORK_GATE = "airlock:index:AwsNetworkGate"
CLUSTER = "airlock:index:Cluster"
CREDENTIALS = "airlock:index:Credentials"
FORTIGATE_API_TOKEN = "airlock:index:FortigateApiToken"  # noqa: S105  # a type, no token
FORTIGATE_GATE = "airlock:index:FortigateGate"
HELM_ENVIRONMENT = "airlock:index:HelmEnvironment"
IDENTITY = "airlock:index:Identity"
MWAA_ENVIRONMENT = "airlock:index:MwaaEnvironment"
ZIA_GATE = "airlock:index:ZiaGate"
ZPA_GATE = "airlock:index:ZpaGate"
