"""Where the real servers are, and why a test is skipped where they are not. `make parts` installs all of them."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ROOT / ".parts"


def _program(name: str, *others: Path) -> Path | None:
    """A program on PATH, or of these places the first that has it."""
    found = shutil.which(name)
    places = (Path(found), *others) if found else others
    return next((one for one in places if os.access(one, os.X_OK) and one.is_file()), None)


NGINX = _program("nginx", Path("/usr/sbin/nginx"))
HAPROXY = _program("haproxy", Path("/usr/sbin/haproxy"))
ETCD = _program("etcd")
KUBE_API_SERVER = _program("kube-apiserver", PARTS / "bin" / "kube-apiserver")
ENVOY = _program("envoy", *(ROOT / ".venv-parts").glob("lib/python*/site-packages/envoy/_bin/envoy"))
AIRFLOW_PYTHON = _program(os.environ.get("AIRFLOW_PYTHON", ""), ROOT / ".venv-airflow" / "bin" / "python")
AIRFLOW2_PYTHON = _program(os.environ.get("AIRFLOW2_PYTHON", ""), ROOT / ".venv-airflow2" / "bin" / "python")
CRDS = Path(os.environ.get("AIRLOCK_CRDS", ROOT.parent / "shared" / "crds"))
"""Custom resource definitions of Cilium, the meshes and nginx; those of Gateway API and cert-manager are among the parts."""


def needed(found: Path | None, what: str) -> Path:
    """The path of a part; skips the test where it is not installed."""
    if found is None or not found.exists():
        pytest.skip(f"no {what} here: `make parts` installs it")
    return found
