"""Runs a Pulumi program and its policy packs with no engine, no cloud and no credentials. Provider outputs are simulated, and said to be."""
