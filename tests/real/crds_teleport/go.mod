// The custom resource definitions of Teleport's operator: read from the archive, never built, and none of it is Airlock's.
module airlock/tests/crds-teleport

go 1.26.0

require github.com/gravitational/teleport v1.3.3-0.20240109093301-f31c91231698
