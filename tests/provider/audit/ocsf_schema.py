"""OCSF's own schema of the pinned release, and what it finds wrong with an event."""

from functools import cache
from typing import Any

from airlock_provider import audit
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema


@cache
def schema() -> dict[str, Any]:
    return get_ocsf_schema(version=audit.OCSF_VERSION)


@cache
def validator(class_uid: int, profiles: tuple[str, ...]) -> Draft202012Validator:
    made = OcsfJsonSchemaEmbedded(schema())
    return Draft202012Validator(made.get_class_schema(made.lookup_class_name_from_uid(class_uid), profiles=list(profiles)))


def wrong(event: audit.Event) -> list[str]:
    """What OCSF finds wrong: the schema, and the names that belong to numbers, which a JSON Schema does not compare."""
    checked = validator(event["class_uid"], tuple(event["metadata"].get("profiles", ())))
    found = [f"{error.json_path}: {error.message}" for error in checked.iter_errors(event)]
    attributes = next(one for one in schema()["classes"].values() if one["uid"] == event["class_uid"])["attributes"]
    for name, attribute in attributes.items():
        caption = name.removesuffix("_id")
        if name.endswith("_id") and name in event and attribute.get("sibling") == caption and event.get(name) != 99:
            expected = attribute["enum"].get(str(event[name]), {}).get("caption")
            if event.get(caption) not in (None, expected):
                found.append(f"{caption} is {event[caption]}, and {name} means {expected}")
    if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
        found.append("type_uid does not follow from class and activity")
    return found
