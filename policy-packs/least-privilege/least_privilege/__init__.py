"""Least privilege as policies: invariants on single resources, and on what must stand beside them, for every gate.

A policy is one function in one of the themed modules that `registry.MODULES` names. All that is said of it (name, severity,
criteria, fix) stands in its decorator, its description is its docstring, and `docs/policies.md` is written from there.

Importing this package loads none of them; `registry.load()` does.
"""

NAME = "airlock-least-privilege"
"""The pack's name: how a stack's policy configuration refers to it. A contract."""
