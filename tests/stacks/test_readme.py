"""The README's program runs, and is proven, as it stands there."""

import re
import shutil
from pathlib import Path

from airlock_command import airlock

ROOT = Path(__file__).parents[2]


def test_the_program_that_composes_the_components(tmp_path: Path):
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "__main__.py").write_text(program)
    (tmp_path / "Pulumi.yaml").write_text("name: readme\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-central-1\n")
    (tmp_path / "fixtures").mkdir()
    shutil.copy(ROOT / "stacks" / "fixtures" / "dev-mwaa.yaml", tmp_path / "fixtures" / "dev.yaml")
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "ledger.py").write_text("from airflow.sdk import DAG\n")
    packs = [f"--policy-pack={ROOT / 'policy-packs' / name}" for name in ("least-privilege", "access-proof")]
    done = airlock("preview", "--stack", "dev", *packs, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ proven" in done.stdout
