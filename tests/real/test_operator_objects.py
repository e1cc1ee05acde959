"""What the example of many environments gives Pulumi's Kubernetes operator, judged by the real API server."""

import subprocess
import sys
from pathlib import Path

import pytest
from real_kubernetes import KubeApi, RefusedError
from ruamel.yaml import YAML

EXAMPLE = Path(__file__).parents[2] / "examples" / "many-environments"


def test_the_api_server_takes_every_object_and_no_misspelt_one(kube_api: KubeApi):
    command = [sys.executable, str(EXAMPLE / "manifests.py"), "--repository", "https://git.bank.example/environments"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    objects = list(YAML(typ="safe").load_all(printed))
    assert [one["kind"] for one in objects].count("Stack") == 3
    for one in objects:
        kube_api.dry_run(one)
    stack = objects[-1]
    with pytest.raises(RefusedError, match="secretProvider"):
        kube_api.dry_run({**stack, "spec": {**stack["spec"], "secretProvider": "awskms://x"}})
