"""Type tokens of the components that readers and policies look for: plain text, so that reading needs no SDK."""

ACCESS = "airlock:index:Access"
AWS_NETWORK_GATE = "airlock:index:AwsNetworkGate"
FORTIGATE_GATE = "airlock:index:FortigateGate"
MWAA_ENVIRONMENT = "airlock:index:MwaaEnvironment"
