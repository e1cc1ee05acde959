"""A stack of a release, as it was recorded, under today's library: what an upgrade would take away."""

import gzip
import io
import tarfile
from pathlib import Path

from pulumi_airlock.offline.plan import Plan
from pulumi_airlock.offline.project import Project, find_project
from pulumi_airlock.offline.session import Session
from pulumi_airlock.offline.state import StateFile
from pulumi_airlock.offline.steps import Op
from record_release import KEY, PROGRAMS, RECORDED

STACKS = sorted((path.parent.name, path.name.removesuffix(".json.gz")) for path in RECORDED.glob("*/*.json.gz"))
"""(Release, stack) of everything that is recorded."""


def restore(release: str, stack: str, folder: Path) -> Project:
    """A project in a folder as it was after an update by the release: its programs, and the state of one stack."""
    recorded = RECORDED / release
    with tarfile.open(fileobj=io.BytesIO((recorded / PROGRAMS).read_bytes())) as programs:
        programs.extractall(folder, filter="data")
    project = find_project(folder)
    kept = StateFile(folder, project.name, stack)
    kept.folder.mkdir(parents=True)
    kept.path.write_bytes(gzip.decompress((recorded / f"{stack}.json.gz").read_bytes()))
    (kept.folder / "key").write_bytes(KEY)
    return project


def preview(project: Project, stack: str) -> Plan:
    """What today's library would do to it."""
    with Session(project, stack) as session:
        return session.preview()


def lost(plan: Plan) -> list[str]:
    """Whatever would be replaced or deleted, and why: a deletion beside a creation is a new name without an alias."""
    replaced = [f"replaced for {', '.join(step.reasons)}: {step.urn}" for step in plan.steps if step.op is Op.REPLACE]
    return replaced + [f"deleted: {step.urn}" for step in plan.steps if step.op is Op.DELETE]
