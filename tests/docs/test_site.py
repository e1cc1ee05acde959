"""The site builds: every page is in the navigation, every link and anchor leads somewhere, every documented package is there."""

import os
import subprocess
import sys
from pathlib import Path

from doc_blocks import ROOT
from pulumi_airlock.cli import COMMANDS


def test_the_site_builds_strictly_and_has_the_generated_references(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    env = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    said = {
        name: (tmp_path / "site" / "reference" / name / "index.html").read_text()
        for name in ("cli", "access-file", "gates", "learn", "brownfield")
    }
    assert all(f"airlock {one}" in said["cli"] for one in COMMANDS)
    assert all(field in said["access-file"] for field in ("identityProvider", "approvedBy", "clearance"))
    assert all(
        f"pulumi_airlock.gates.{one}" in said["gates"] for one in ("fortigate.FortigateGate", "zpa.ZpaGate", "nginx.NginxGateway")
    )
    assert all(f"pulumi_airlock.learn.{one}" in said["learn"] for one in ("learn", "propose", "unused", "query"))
    assert all(f"pulumi_airlock.brownfield.{one}" in said["brownfield"] for one in ("read_sources", "draft", "access_file"))
