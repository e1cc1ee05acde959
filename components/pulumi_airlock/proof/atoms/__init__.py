"""The space of a proof, cut into atoms: classes of callers, hosts, services, requests and instants that nothing tells apart."""
