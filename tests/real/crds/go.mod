// Custom resource definitions that their projects publish in Go modules: read from the archives, never built.
module airlock/tests/crds

go 1.26.0

require (
	github.com/cert-manager/cert-manager v1.21.2
	github.com/cert-manager/trust-manager v0.25.0
	sigs.k8s.io/gateway-api v1.6.3
)
