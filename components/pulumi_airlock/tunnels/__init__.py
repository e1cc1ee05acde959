"""VPNs between a cloud network and a FortiGate, both ends, from one declaration."""
