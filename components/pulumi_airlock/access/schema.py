"""The JSON Schema of an access file, made from the model: what editors complete and check while somebody types.

`airlock.schema.json` beside this file is a copy for editors; `airlock schema --output` renews it.
"""

import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from .model import Access

COPY = Path(__file__).with_name("airlock.schema.json")
"""The schema as it is shipped."""

EXAMPLE: dict[str, Any] = {
    "apiVersion": "airlock/v1",
    "principals": [{"name": "finance-etl", "dags": ["finance_*"], "owner": "finance-platform@example.com"}],
    "zones": {"datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["aws_network", "fortigate"], "trust": "high"}},
    "destinations": [
        {"name": "warehouse", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"], "protocol": "postgres"}
    ],
    "routes": [{"name": "finance-warehouse", "from": ["finance-etl"], "to": ["warehouse"], "reason": "FIN-1234"}],
    "expect": [{"from": "finance_daily.load_orders", "to": "warehouse:5432", "allow": True}],
}
"""A small access file that holds."""


class _Draft202012(GenerateJsonSchema):
    """pydantic's generator, without the null that a file never needs to write."""

    schema_dialect = "https://json-schema.org/draft/2020-12/schema"

    def nullable_schema(self, schema: Any) -> Any:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: Any) -> Any:
        made = super().default_schema(schema)
        if made.get("default", 0) is None:
            del made["default"]
        return made


def json_schema() -> dict[str, Any]:
    """The schema, draft 2020-12."""
    schema = Access.model_json_schema(by_alias=True, schema_generator=_Draft202012)
    return {
        "$schema": _Draft202012.schema_dialect,
        "title": "Airlock access file",
        "description": "Who may reach what, when, with which credential: principals, zones, destinations, routes, expectations.",
        **{key: value for key, value in schema.items() if key not in ("title", "description")},
        "examples": [EXAMPLE],
    }


def schema_text() -> str:
    """The schema as it is printed and shipped."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
