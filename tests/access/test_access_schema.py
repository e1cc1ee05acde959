"""The JSON Schema for editors: shipped as it is generated, and of one mind with the model."""

import json
from typing import Any

from pulumi_airlock.access import Access
from pulumi_airlock.access.schema import COPY, EXAMPLE, json_schema, schema_text


def test_the_shipped_copy_is_current() -> None:
    assert COPY.read_text(encoding="utf-8") == schema_text(), f"run: airlock schema --output {COPY.name}"


def test_the_example_is_an_access_file() -> None:
    assert Access.model_validate(EXAMPLE).routes[0].name == "finance-warehouse"


def test_keys_are_those_of_files() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {"from", "to", "http", "window", "expires"} <= set(schema["$defs"]["Route"]["properties"])
    assert "class" in schema["$defs"]["Destination"]["properties"]
    assert set(schema["required"]) == {"principals", "zones", "destinations", "routes"}


def test_every_field_is_described_and_no_unknown_key_is_allowed() -> None:
    def objects(node: Any) -> list[dict[str, Any]]:
        inner = [
            found
            for value in (node.values() if isinstance(node, dict) else node)
            if isinstance(value, dict | list)
            for found in objects(value)
        ]
        return [node, *inner] if isinstance(node, dict) and "properties" in node else inner

    found = objects(json.loads(schema_text()))
    assert len(found) >= 10
    assert all(one["additionalProperties"] is False for one in found)
    assert all(one.get("description") for one in found)
