"""The types of the model's fields: text that is checked and kept as written, so that a document survives a round trip."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from . import values


def _keep(parse: Callable[[str], object]) -> AfterValidator:
    def checked(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(checked)


def _digits(value: object) -> object:
    """A bare number as text: then it is told what is missing, a protocol or a unit, not that it should be in quotes."""
    return str(value) if type(value) is int and 0 <= value <= 65535 else value


def _like(pattern: str | None, *examples: str) -> WithJsonSchema:
    schema: dict[str, Any] = {"type": "string"}
    if pattern:
        schema["pattern"] = pattern
    if examples:
        schema["examples"] = list(examples)
    return WithJsonSchema(schema)


Name = Annotated[str, _keep(values.parse_name), _like(values.NAME_PATTERN)]
PrincipalName = Annotated[str, _keep(values.parse_principal_name), _like(values.NAME_PATTERN)]
Component = Annotated[str, _keep(values.parse_component), _like(values.COMPONENT_PATTERN)]
ConnectionId = Annotated[str, _keep(values.parse_connection), _like(values.CONNECTION_PATTERN, "warehouse_db")]
Glob = Annotated[str, _keep(values.parse_glob), _like(None, "finance_*")]
Cidr = Annotated[str, _keep(values.parse_cidr), _like(r"^[0-9A-Fa-f.:]+/[0-9]{1,3}$", "10.20.0.0/16", "2001:db8:20::/48")]
Host = Annotated[str, _keep(values.parse_host), _like(None, "warehouse.corp.example", "*.corp.example")]
Port = Annotated[
    str, BeforeValidator(_digits), _keep(values.parse_port), _like(values.PORT_PATTERN, "443/tcp", "8000-8010/tcp", "icmp")
]
Duration = Annotated[
    str, BeforeValidator(_digits), _keep(values.parse_duration), _like(values.DURATION_PATTERN, "15m", "1h", "30d")
]
Time = Annotated[str, BeforeValidator(_digits), _keep(values.parse_time), _like(values.TIME_PATTERN, "02:00", "22:30")]
Timezone = Annotated[str, _keep(values.parse_timezone), _like(None, "UTC", "Europe/Zurich")]
Instant = Annotated[str, _keep(values.parse_instant), _like(None, "2027-01-29T02:30:00+01:00")]
Text = Annotated[str, _keep(values.parse_text), _like(r"\S")]
Method = Annotated[str, _keep(values.parse_method), _like(values.METHOD_PATTERN, "GET", "*")]
PathGlob = Annotated[str, _keep(values.parse_path_glob), _like(values.PATH_PATTERN, "/v1/*")]
Issuer = Annotated[str, _keep(values.parse_issuer), _like(values.ISSUER_PATTERN, "https://bank.okta.example")]
Day = Annotated[date, BeforeValidator(values.parse_date)]
DagAction = Literal["can_read", "can_edit", "can_delete"]
"""What Flask-AppBuilder calls actions on a DAG (Airflow, "Access Control", "DAG-level permissions")."""
