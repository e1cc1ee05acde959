"""Airlock: Airflow environments and every gate on the way from a task to what it talks to, from routes declared once.

`access` holds the routes, `gates` the enforcement points (compile and read), `proof` compares what all gates let through with
what was declared, `offline` runs a Pulumi program without engine, cloud or credentials. Dependencies point one way:
cli → offline, report → gates, environments, tunnels → proof → access.
"""
