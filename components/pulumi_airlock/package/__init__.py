"""The components as a Pulumi package: from TypeScript, Go, C#, Java and YAML they are what they are in Python.

Nothing is written twice: a component's constructor is its inputs, its annotations are its outputs, its docstrings the
documentation. `surface` says which components there are, `shapes` turns annotations into what the schema and the wire know,
`schema` writes components/schema.json (`make golden`), `decode` and `encode` carry values over, and `provider` is the process
that Pulumi runs.
"""
