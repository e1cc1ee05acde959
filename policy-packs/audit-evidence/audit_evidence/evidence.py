"""The evidence on the stack that Pulumi's engine shows: the other packs are started, and asked about the same resources."""

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pulumi_airlock.errors import InputError, Problem
from pulumi_airlock.gates.sources import stack_of_document
from pulumi_airlock.offline.packs import PackSpec
from pulumi_airlock.offline.wire import from_struct
from pulumi_airlock.report.evidence import evidence_of
from pulumi_airlock.report.evidence_page import render_evidence
from pulumi_airlock.soc2 import files
from pulumi_airlock.soc2.judging import as_planned, judge
from pulumi_airlock.soc2.model import Evaluated, Evidence, Pack

FOLDER = Path(__file__).parents[1]
"""This pack's folder: paths in its configuration start there."""
SOURCE = "the stack as Pulumi's engine showed it to the policy pack"


def evidence_on(request: Any, config: Mapping[str, Any]) -> Evidence:
    """The evidence on the resources of an `AnalyzeStackRequest`. InputError where a pack or the access cannot be used."""
    resources = list(request.resources)
    document = {"steps": [_step(one) for one in resources]}
    stack = stack_of_document(document, "the stack")
    specs = list(pack_specs(config))
    judged = judge(specs, [as_planned(one) for one in resources], project=stack.project, stack=stack.name, on_output=_tell)
    now = datetime.now(UTC).replace(microsecond=0)
    as_of = datetime.fromisoformat(config["at"]) if config.get("at") else now
    digests = [files.sha256(files.canonical(spec.config)) if spec.config else "" for spec in specs]
    evaluated = Evaluated(
        project=stack.project,
        stack=stack.name,
        source=SOURCE,
        simulated=False,
        preview=files.sha256(files.canonical(files.canonical_plan(document))),
        resources=len(resources),
        at=now,
        as_of=as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC),
        airlock=version("pulumi-airlock"),
        packs=tuple(
            Pack(name=one.name, version=one.version, policies=len(one.policies), configuration=digest)
            for one, digest in zip(judged.packs, digests, strict=True)
        ),
        commit=config.get("commit") or "",
    )
    return evidence_of(stack, judged, evaluated)


def pack_specs(config: Mapping[str, Any]) -> Iterator[PackSpec]:
    """The packs to ask: those that the configuration names, else all beside this one; each with its configuration."""
    named = [FOLDER / one for one in config.get("packs") or ()]
    found = named or sorted(one.parent for one in FOLDER.parent.glob("*/PulumiPolicy.yaml") if one.parent != FOLDER)
    if any(one.resolve() == FOLDER.resolve() for one in found):
        raise InputError([Problem("soc2-evidence", "packs", "names this pack itself, which asks the others: leave it out")])
    configs = config.get("packConfig") or {}
    unknown = sorted(set(configs) - {one.name for one in found})
    if unknown:
        message = f"no such pack; these are asked: {', '.join(one.name for one in found) or 'none'}"
        raise InputError(Problem("soc2-evidence", f"packConfig.{one}", message) for one in unknown)
    for one in found:
        yield PackSpec(one, configs.get(one.name) or {})


def write(evidence: Evidence, folder: Path) -> None:
    """Writes JSON and page to a folder. InputError where that cannot be done."""
    content = files.to_json(evidence)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / files.SIGNATURE).unlink(missing_ok=True)
        (folder / files.JSON).write_bytes(content)
        (folder / files.HTML).write_text(render_evidence(evidence, files.sha256(content)), encoding="utf-8")
    except OSError as error:
        raise InputError([Problem(str(folder), "", f"cannot be written: {error.strerror}")]) from error


def _step(one: Any) -> dict[str, Any]:
    """A resource as a preview's document has it; what is done to it no pack is told."""
    properties = from_struct(one.properties)
    return {
        "op": "",
        "urn": one.urn,
        "newState": {
            "urn": one.urn,
            "type": one.type,
            "custom": bool(one.provider.urn) or one.type.startswith("pulumi:providers:"),
            "parent": one.parent,
            "provider": one.provider.urn,
            "inputs": properties,
            "dependencies": list(one.dependencies),
            "propertyDependencies": {key: list(links.urns) for key, links in one.propertyDependencies.items()},
            "protect": one.options.protect,
        },
    }


def _tell(pack: str, line: str) -> None:
    print(f"{pack}: {line}", file=sys.stderr)
