"""Airflow on this machine, for trying Airlock out: real processes on 127.0.0.1, made by the same program as any other stack.

`processes`, `files` and `certificates` are dynamic resources, which the Pulumi CLI and the offline engine both run for real.
`issuer` and `echo` are small servers that run as such processes.
"""
