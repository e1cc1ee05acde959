"""The offline engine and the Pulumi CLI preview the same: resources, what the policy packs find, the proof, every stack."""

import json
from collections.abc import Callable

import pytest
import real_cli
from conftest import Previewed
from real_cli import STACKS, registrations

pytestmark = real_cli.MARKS
Preview = Callable[[str], Previewed]


@pytest.mark.parametrize("stack", STACKS)
def test_the_same_resources_with_the_same_inputs(previewed: Preview, stack: str):
    found = previewed(stack)
    ours, theirs = registrations(found.offline), registrations(found.real)
    assert sorted(ours) == sorted(theirs)
    assert ours == theirs


@pytest.mark.parametrize("stack", STACKS)
def test_the_packs_find_the_same(previewed: Preview, stack: str):
    found = previewed(stack)
    told = [one["policyEvent"] for one in found.events if "policyEvent" in one]
    theirs = [(one["policyName"], one["enforcementLevel"], one.get("resourceUrn", "")) for one in told]
    ours = [(one["policy"], one["level"], one["urn"]) for one in found.offline["policyViolations"]]
    assert sorted(ours) == sorted(theirs)


@pytest.mark.parametrize("stack", STACKS)
def test_the_proof_is_the_same(previewed: Preview, stack: str):
    found = previewed(stack)
    at = ("--at", "2026-11-27T12:00Z", "--json")
    ours = json.loads(found.cli.airlock("prove", "--stack", stack, *at))
    theirs = json.loads(found.cli.airlock("prove", "--from", str(found.file), *at))
    assert theirs["ok"]
    for one in (*ours["expectations"], *theirs["expectations"]):
        del one["path"]  # it names one of several rules that are as good, and the engine registers them in another order
    for key in ours.keys() | theirs.keys():
        assert ours[key] == theirs[key], key


@pytest.mark.parametrize("stack", STACKS)
def test_the_packs_hold_under_the_cli(previewed: Preview, stack: str):
    """None is left out for a value that is not known yet, nothing is refused."""
    events = previewed(stack).events
    told = [one["diagnosticEvent"]["message"] for one in events if "diagnosticEvent" in one]
    assert [one for one in told if "can't run policy" in one] == []
    loaded = {name.partition("|")[0] for one in events for name in one.get("summaryEvent", {}).get("PolicyPacks", {})}
    assert loaded == {f"airlock-{name}" for name in real_cli.PACKS}
