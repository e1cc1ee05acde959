"""Evidence under the Pulumi CLI: `shown` keeps what the engine shows, `evidence` asks the other packs, `policies` reports it."""

NAME = "airlock-audit-evidence"
"""The pack's name: how a stack's policy configuration refers to it. A contract."""
