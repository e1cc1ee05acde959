"""Airflow configuration options: what MWAA ignores, and what would put a secret where everyone can read it."""

import re
from collections.abc import Mapping
from difflib import get_close_matches

import pulumi

from ...errors import Problems
from .limits import MANAGED_OPTIONS

_OPTION = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_SECRET_OPTION = re.compile(r"(password|passwd|secret_key|private_key|access_key|fernet_key|jwt_secret|token|dsn)$")
_CREDENTIALS_IN_URL = re.compile(r"[a-z][a-z0-9+.\-]*://[^/\s:@]*:[^/\s@]+@")
_FAMILIAR = ("core", "celery", "scheduler", "webserver", "api", "email", "smtp", "secrets", "logging", "database", "triggerer")

Options = Mapping[str, pulumi.Input[str]]


def check_options(options: Options, problems: Problems) -> None:
    """Notes options that are no options, that MWAA ignores, or that hold a secret in plain.

    Options end in the environment's configuration, which `GetEnvironment` shows to anyone who may call it: a Pulumi secret there
    is a secret in Pulumi's state alone.
    """
    for option, value in options.items():
        path = f'airflow_options["{option}"]'
        if not _OPTION.fullmatch(option):
            problems.add(path, f"{option!r} is no option name; write section.option{_hint(option)}")
        elif option in MANAGED_OPTIONS:
            problems.add(path, f"MWAA ignores it: {MANAGED_OPTIONS[option]}; remove it")
        elif _SECRET_OPTION.search(option):
            problems.add(path, f"would be readable through GetEnvironment; put it in a secrets backend, and set {option}_secret")
        elif isinstance(value, str) and _CREDENTIALS_IN_URL.search(value):
            problems.add(path, "holds a URL with a password, readable through GetEnvironment; put it in a secrets backend")
        elif not isinstance(value, str | pulumi.Output):
            problems.add(path, f"{value!r} is a {type(value).__name__}; write a string")


def _hint(option: str) -> str:
    name = option.lower()
    if name.startswith("airflow__"):
        name = name.removeprefix("airflow__").replace("__", ".", 1)
    if _OPTION.fullmatch(name):
        return f"; did you mean {name}?"
    section = get_close_matches(name.split(".")[0], _FAMILIAR, n=1)
    return f" (a section is {section[0]})" if section else ""
