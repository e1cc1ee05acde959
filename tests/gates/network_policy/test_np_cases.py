"""Data cases: what the API says, one behaviour a file (`cases/README.md`)."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from np_filters import passes
from pulumi_airlock.gates.kubernetes import stack_from_manifests
from pulumi_airlock.gates.network_policy import Connectivity, read
from pulumi_airlock.gates.stack import UNKNOWN
from pulumi_airlock.proof.sets import Services
from ruamel.yaml import YAML

CASES = Path(__file__).parent / "cases"
FILES = sorted(CASES.glob("*.yaml"))


def _load(file: Path) -> Any:
    return YAML(typ="safe").load(file.read_text())


def _documents(case: dict[str, Any]) -> list[Any]:
    shared = _load(CASES / "clusters" / f"{case['cluster']}.yaml") if "cluster" in case else []
    return [*shared, *case["manifests"]]


def _expected(case: dict[str, Any], source: str, destination: str) -> set[str]:
    default = case.get("default", {})
    cell = case["table"].get(source, {}).get(destination, default.get(source, default.get("*", "none")))
    found = {"all": set(case["ask"]), "none": set()}.get(cell)
    found = set(cell.split()) if found is None else found
    assert found <= set(case["ask"]), f"{source} → {destination} speaks of what is not asked"
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_table_holds(file: Path) -> None:
    case = _load(file)
    options = {key: case[key] for key in ("blocks_mean_pods", "host_network") if key in case}
    found = Connectivity(_documents(case), **options)
    ends = [one.name.partition("[")[0] for one in found.workloads]
    beyond = case.get("beyond", [])
    said = {*case["table"], *(other for row in case["table"].values() for other in row)}
    assert said <= {*ends, *beyond}, "the table speaks of ends that are not there"
    wrong = []
    for source in [*ends, *beyond]:
        for destination in [*ends, *beyond]:
            if (source == destination and not case.get("itself")) or (source in beyond and destination in beyond):
                continue
            let = set()
            for one in case["ask"]:
                port, protocol = one.split("/")
                if found.allowed(source, destination, protocol, int(port)).allowed:
                    let.add(one)
            if let != _expected(case, source, destination):
                wrong.append(f"{source} → {destination}: {let or 'none'}, not {_expected(case, source, destination) or 'none'}")
    assert not wrong, "\n".join(wrong)


_IN_PROOF = [file for file in FILES if not {"blocks_mean_pods", "host_network", "itself"} & _load(file).keys()]


@pytest.mark.parametrize("file", _IN_PROOF, ids=lambda file: file.stem)
def test_the_filters_of_the_proof_decide_the_same(file: Path) -> None:
    case = _load(file)
    stack = stack_from_manifests(_documents(case))
    filters, found = list(read(stack)), Connectivity(stack)
    wrong = []
    for source in found.workloads:
        for destination in found.workloads:
            for one in case["ask"]:
                port, protocol = one.split("/")
                asked = Services.of(protocol, int(port), int(port))
                if source is not destination and passes(filters, stack, source, destination, asked) != bool(
                    found.services(source, destination) & asked
                ):
                    wrong.append(f"{source.name} → {destination.name}: {one}")
    assert not wrong, "\n".join(wrong)


_NO_SDK = """
import sys
sys.modules["pulumi_kubernetes"] = sys.modules["pulumi_aws"] = None  # importing them fails
from pulumi_airlock.gates.network_policy import Connectivity, read
from pulumi_airlock.gates.kubernetes import stack_from_manifests
pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {}}
deny = {"metadata": {"name": "deny"}, "spec": {"podSelector": {}}}
policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", **deny}
assert len(list(read(stack_from_manifests([pod, policy])))) == 1
assert not Connectivity([pod, policy]).allowed("192.0.2.1", "default/a", "tcp", 80).allowed
"""


def test_reading_needs_no_sdk() -> None:
    done = subprocess.run([sys.executable, "-c", _NO_SDK], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_is_unknown_is_neither_let_through_nor_denied() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {}}
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "later"}}

    def verdict(**spec: Any) -> tuple[bool, tuple[str, ...]]:
        found = Connectivity([pod, {**policy, "spec": {"podSelector": {}, **spec}}], blocks_mean_pods=False)
        answer = found.allowed("192.0.2.1", "default/a", "tcp", 80)
        return answer.allowed, answer.unknown

    assert verdict(ingress=[{"from": UNKNOWN}]) == (False, ("default/later.spec.ingress[0].from[0]",))
    assert verdict(ingress=UNKNOWN) == (False, ("default/later.spec.ingress",))
    assert verdict(ingress=[{"ports": [{"port": UNKNOWN}]}]) == (False, ("default/later.ports[0]",))
    assert verdict(policyTypes=UNKNOWN) == (False, ("default/later.spec.policyTypes",))
    assert verdict(ingress=[{"from": UNKNOWN}, {"ports": [{"port": 80}]}]) == (True, ())
    assert verdict(
        ingress=[{"from": [UNKNOWN, {"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"port": UNKNOWN}, {"port": 80}]}]
    ) == (True, ())
    assert verdict(ingress=[{"from": [UNKNOWN, {"podSelector": {}}], "ports": [{"port": 81}]}]) == (False, ())


def test_an_end_that_is_not_there_is_refused_with_those_that_are() -> None:
    found = Connectivity([{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {}}])
    with pytest.raises(ValueError, match=r"'default/b' is no workload and no address; workloads are default/a\[Pod\]"):
        found.allowed("default/b", "default/a", "tcp", 80)
