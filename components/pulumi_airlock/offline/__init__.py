"""Runs a Pulumi program and its policy packs with no engine, cloud or credentials.

Provider outputs are simulated, and said to be.
"""
