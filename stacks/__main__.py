"""A bank's Airflow: one program for every stack. `airlock:platform` says what it runs on, and so which module makes it."""

from importlib import import_module

import pulumi
from pulumi_airlock.errors import InputError, Problem

PLATFORMS = {"mwaa": "on_mwaa", "composer": "on_composer", "kubernetes": "on_kubernetes", "local": "on_local"}
"""Platform → the module of this folder that makes the stack."""

platform = pulumi.Config("airlock").get("platform") or "mwaa"
if platform not in PLATFORMS:
    place = f"Pulumi.{pulumi.get_stack()}.yaml"
    raise InputError([Problem(place, "airlock:platform", f"{platform!r}: write one of {', '.join(PLATFORMS)}")])
import_module(PLATFORMS[platform])
