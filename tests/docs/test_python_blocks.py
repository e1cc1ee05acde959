"""Every Python block of README.md and docs/ runs as it stands, in the offline engine, as a program of a project of its own."""

import ast
import builtins
import shutil
from pathlib import Path

import pytest
from doc_blocks import ROOT, Block, blocks, of
from moto import mock_aws
from pulumi_airlock.offline.project import find_project
from pulumi_airlock.offline.session import Session

PYTHON = ("python", "py")
HEAD = "from doc_given import given; globals().update(given({page!r}, {names!r}))\n{before}\n"


@pytest.mark.parametrize("block", of(*PYTHON), ids=lambda one: one.place)
def test_the_program_runs(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if block.title:
        ast.parse(block.text)  # a file of a project, which is run with its project
        return
    _desk(tmp_path)
    before, names = _what_it_takes(block)
    (tmp_path / "__main__.py").write_text(HEAD.format(page=block.page, names=names, before=before) + block.text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws(), Session(find_project(tmp_path), "dev") as session:
        assert not session.preview().failed


def _desk(folder: Path) -> None:
    """A project with what programs read from files: DAGs, a certificate, an access file, a preview of another stack."""
    (folder / "Pulumi.yaml").write_text("name: page\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text(
        "config:\n  aws:region: eu-central-1\n  gcp:project: bank\n  gcp:region: europe-west1\n"
    )
    (folder / "fixtures").mkdir()
    shutil.copy(ROOT / "stacks" / "fixtures" / "prod-mwaa.yaml", folder / "fixtures" / "dev.yaml")
    for name, source in (("dags", "dags/local"), ("access", "access"), ("zscaler-root.pem", "certificates/zscaler.pem")):
        found = ROOT / "stacks" / source
        if found.is_dir():
            shutil.copytree(found, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(found, folder / name)
    (folder / "preview.json").write_text('{"steps": []}')
    for tool in (".venv-parts/bin/envoy", ".venv-airflow/bin/python"):  # looked for at preview, and not run
        (folder / tool).parent.mkdir(parents=True)
        (folder / tool).touch(mode=0o755)


def _what_it_takes(block: Block) -> tuple[str, set[str]]:
    """The earlier blocks of the page that define what this one names and does not define; and the names that nobody defines."""
    taken, open_ = [block], _open(block.text)
    earlier = [one for one in blocks(block.page) if one.language in PYTHON and one.line < block.line]
    for one in reversed(earlier):
        if _defined(one.text) & open_:
            taken.append(one)
            open_ = (open_ - _defined(one.text)) | _open(one.text)
    return "\n".join(one.text for one in reversed(taken[1:])), open_


def _defined(text: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                found.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {(one.asname or one.name).partition(".")[0] for one in names}
    return found


def _open(text: str) -> set[str]:
    loaded = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return loaded - _defined(text) - set(dir(builtins)) - {"__file__", "__name__"}
