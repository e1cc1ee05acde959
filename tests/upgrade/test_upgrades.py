"""A user upgrades: the release's own program on today's library neither replaces nor deletes anything. Updates are fine.

A failure is a changed child name (which needs an alias), an input that forces a replacement, or an argument that is gone.
docs/upgrades.md says what to do; `make record-release` records a release.
"""

import base64
import json
import pickle
from pathlib import Path

import pulumi
import pytest
from pulumi.dynamic import ResourceProvider
from record_release import PROVIDERS
from upgrades import RECORDED, STACKS, lost, preview, restore

RELEASE, STACK, CHILD = "0.1.0", "prod-composer", "fortigate-deny-all"
"""What is changed here to show that a change is found: a policy that others wait for."""


@pytest.mark.parametrize(("release", "stack"), STACKS)
def test_an_upgrade_replaces_and_deletes_nothing(release: str, stack: str, tmp_path: Path):
    plan = preview(restore(release, stack, tmp_path), stack)
    assert plan.steps, "the program made nothing"
    assert lost(plan) == []


def test_every_recorded_release_has_its_stacks():
    assert {release for release, _ in STACKS} == {path.name for path in RECORDED.iterdir()}
    assert {stack for release, stack in STACKS if release == RELEASE} >= {"dev-mwaa", "prod-mwaa", "prod-composer", "prod-eks"}


@pytest.mark.parametrize("release", sorted(path.name for path in RECORDED.iterdir()))
def test_what_a_release_runs_on_this_machine_can_still_be_ended(release: str):
    """A state names the classes that end its processes. Pulumi unpickles them, of today's library."""
    recorded = json.loads((RECORDED / release / PROVIDERS).read_text())
    assert {type_.rpartition(":")[2] for type_ in recorded} >= {"LocalProcess", "LocalFiles", "LocalCertificates"}
    for text in recorded.values():
        assert isinstance(pickle.loads(base64.b64decode(text)), ResourceProvider)  # noqa: S301  # our own


def _changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, name: str, alias: bool = False, **inputs: object) -> list[str]:
    """What is lost where today's library gives that child another name, or other inputs."""
    made = pulumi.CustomResource.__init__

    def other(self, type_, given, props=None, opts=None, *rest, **more):
        if given == CHILD:
            aliases = pulumi.ResourceOptions(aliases=[pulumi.Alias(name=CHILD)] if alias else [])
            given, opts = name, pulumi.ResourceOptions.merge(opts, aliases)
            props.__dict__.update(inputs)
        made(self, type_, given, props, opts, *rest, **more)

    monkeypatch.setattr(pulumi.CustomResource, "__init__", other)
    return lost(preview(restore(RELEASE, STACK, tmp_path), STACK))


def test_a_child_of_another_name_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    found = _changed(monkeypatch, tmp_path, name="fortigate-deny-everything")
    assert any(told.startswith("deleted: ") and told.endswith(f"::{CHILD}") for told in found)


def test_with_an_alias_it_may_have_another_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert _changed(monkeypatch, tmp_path, name="fortigate-deny-everything", alias=True) == []


def test_an_input_that_forces_a_replacement_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    found = _changed(monkeypatch, tmp_path, name=CHILD, vdomparam="another")
    assert any(told.startswith("replaced for vdomparam: ") and told.endswith(f"::{CHILD}") for told in found)
