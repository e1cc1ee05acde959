"""`pulumi up` of every cloud stack, on simulated providers: it makes what the offline engine makes, and a second one nothing."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import real_cli
from conftest import stack_of
from pulumi_airlock.offline.wire import plain_texts
from real_cli import CLOUD_STACKS, Cli, inputs_of, packs

pytestmark = real_cli.MARKS
SIGNATURE, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"


@pytest.mark.parametrize("stack", CLOUD_STACKS)
def test_up_makes_the_same_once(stack: str, tmp_path: Path):
    with stack_of(tmp_path, stack) as cli:
        cli.pulumi("up", "--yes", "--skip-preview", *packs(cli.folder))
        made = _exported(cli)
        cli.airlock("up", "--stack", stack, "--yes", "--no-policy-packs")
        ours = json.loads((cli.folder / ".airlock" / "airlock" / f"{stack}.json").read_text())
        assert _unsealed(inputs_of(ours["deployment"]["resources"])) == _unsealed(inputs_of(made["deployment"]["resources"]))

        cli.airlock("prove", "--from", "state.json")
        cli.pulumi("preview", "--expect-no-changes", *packs(cli.folder))
        _no_secret(cli, made)


def test_a_change_is_the_same_to_both_engines(tmp_path: Path):
    stack = "prod-composer"
    with stack_of(tmp_path, stack) as cli:
        cli.pulumi("up", "--yes", "--skip-preview")
        cli.airlock("up", "--stack", stack, "--yes", "--no-policy-packs")
        settings = cli.folder / "stacks" / f"Pulumi.{stack}.yaml"
        text = settings.read_text()
        changed = text.replace("maxWorkers: 20", "maxWorkers: 30").replace(
            "insideCidrs: [169.254.30.0/30,", "insideCidrs: [169.254.32.0/30,"
        )
        assert changed != text
        settings.write_text(changed)
        theirs = _operations(cli.preview())
        ours = _operations(json.loads(cli.airlock("preview", "--stack", stack, "--json", "--no-policy-packs")))
        assert {"update", "replace"} <= set(theirs.values())
        assert ours == theirs


def _exported(cli: Cli) -> dict[str, Any]:
    cli.pulumi("stack", "export", "--file", "state.json")
    document: dict[str, Any] = json.loads((cli.folder / "state.json").read_text())
    return document


def _unsealed(value: Any) -> Any:
    """With one word for every secret, however it is encrypted."""
    if isinstance(value, Mapping):
        if value.get(SIGNATURE) == SECRET:
            return "a secret"
        return {key: _unsealed(one) for key, one in value.items()}
    return [_unsealed(one) for one in value] if isinstance(value, list) else value


def _no_secret(cli: Cli, made: Mapping[str, Any]) -> None:
    """What the state keeps as a secret stands nowhere in the preview of the stack, as JSON or as text."""
    plain = json.loads(cli.pulumi("stack", "export", "--show-secrets"))
    resources = plain["deployment"]["resources"]
    # An output that is a secret as a whole holds what the program gives in plain beside it.
    open_ = {
        text
        for one in resources
        for key in one.get("additionalSecretOutputs", ())
        for text in plain_texts(one["inputs"].get(key))
    }
    secrets = set(_secrets(resources)) - open_
    shown = json.dumps(cli.preview()) + cli.pulumi("preview", "--diff") + json.dumps(made)
    assert [one for one in secrets if one in shown] == []


def _secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.get(SIGNATURE) == SECRET:
            yield from _texts(json.loads(value["plaintext"]))
        else:
            for one in value.values():
                yield from _secrets(one)
    elif isinstance(value, list):
        for one in value:
            yield from _secrets(one)


def _texts(value: Any) -> Any:
    if isinstance(value, str) and len(value) > 7:
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            if key != SIGNATURE:
                yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _operations(document: Mapping[str, Any]) -> dict[str, str]:
    """URN → what is done, of everything that is not the same. A replacement is one, in whichever order its parts come."""
    done = {step["urn"]: step["op"] for step in document["steps"] if step["op"] not in ("same", "read")}
    return {urn: "replace" if "replace" in op else op for urn, op in done.items() if ":pulumi:Stack::" not in urn}
