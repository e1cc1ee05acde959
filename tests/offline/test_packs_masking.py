"""Secrets that a pack was given stay out of what it says."""

import json
from typing import Any

from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.offline.packs.masking import SHORTEST, masked, secrets_in
from pulumi_airlock.offline.wire import MASK

SIGNATURE = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def secret(value: Any) -> dict[str, Any]:
    return {**SIGNATURE, "value": value}


def of(properties: dict[str, Any]) -> list[str]:
    return list(secrets_in(json_format.ParseDict(properties, struct_pb2.Struct())))


def test_every_text_and_number_under_a_secret_is_one() -> None:
    found = of({"plain": "open", "a": secret("one"), "list": [secret({"b": "two", "c": ["three", True]})], "pin": secret(4.5)})
    assert sorted(found) == ["4.5", "one", "three", "two"]


def test_what_is_not_marked_is_no_secret() -> None:
    assert of({"a": "open", "b": [1, {"c": "d"}], "e": None}) == []


# Printable text of enough variety that it is not part of the message around it by chance.
VALUES = st.text(min_size=SHORTEST, max_size=20).filter(lambda text: text not in f"the value is ... {MASK}" and text not in MASK)


@given(VALUES)
def test_a_secret_is_masked_plain_quoted_and_as_json(value: str) -> None:
    for form in (value, repr(value), json.dumps(value), json.dumps({"password": value})):
        text = masked(f"<<{form}>>", [value])
        assert MASK in text
        assert repr(value)[1:-1] not in text.replace(MASK, "") or value in "<<>>{password: }"


def test_the_longer_of_two_secrets_is_masked_whole() -> None:
    assert masked("token-12345", ["token", "token-12345"]) == MASK


def test_a_very_short_secret_does_not_garble_everything() -> None:
    assert masked("a banana at 10.0.0.0/8", ["a", "10"]) == "a banana at 10.0.0.0/8"
