"""`airlock import`: what was there before, as a stack, and what Airflow can reach by it, as an access file."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import Problems
from . import _stacks
from ._run import print_json, write_file

if TYPE_CHECKING:
    from ..brownfield import Draft, Options, Told

_GROUP = "zpa:"
_SHOWN = 10

Sources = Annotated[
    list[Path],
    typer.Argument(
        metavar="SOURCE",
        help="Files, or folders of such: a FortiGate's backup, Kubernetes manifests, output of `aws ec2 describe-…`, "
        "`aws mwaa get-environment` and `gcloud … --format=json`, answers of ZPA's API, Pulumi states or previews, one access "
        "file.",
    ),
]
Environments = Annotated[
    list[str] | None,
    typer.Option(
        "--environment",
        metavar="NAME=…",
        help="An Airflow environment that no source has: the networks that its tasks come from, `<namespace>/<service account>` "
        "in a cluster, `zpa:<id>` of its Cloud Connector group; several with commas.",
    ),
]
Zones = Annotated[
    list[str] | None,
    typer.Option(
        "--zone", metavar="NAME=CIDR,…,GATE,…", help="Networks and the gates on the way there; instead of what routes tell."
    ),
]
Interfaces = Annotated[
    list[str] | None,
    typer.Option("--interface", metavar="NAME", help="By which interface of the FortiGate Airflow's traffic comes in."),
]
Timezone = Annotated[
    str, typer.Option("--timezone", help="The FortiGate's time zone, where its backup has a number: Europe/Zurich.")
]
Everybody = Annotated[bool, typer.Option("--everybody", help="Keep rules that can hold for no task of Airflow's, too.")]
Out = Annotated[Path | None, typer.Option("--out", help="Write the stack, for `--from` of other commands.", dir_okay=False)]
AccessOut = Annotated[Path | None, typer.Option("--access", help="Write the drafted access file.", dir_okay=False)]


def import_(
    sources: Sources,
    out: Out = None,
    access: AccessOut = None,
    environment: Environments = None,
    zone: Zones = None,
    interface: Interfaces = None,
    timezone: Timezone = "",
    everybody: Everybody = False,
    at: Annotated[str | None, typer.Option(help="An instant instead of now (ISO 8601; UTC unless it has an offset).")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the draft as JSON.")] = False,
) -> None:
    """Read the configurations that are there, and draft the access file that says what Airflow can reach by them.

    What is too broad to be meant is declared and marked as excess; what no route can say, and what is not known, is listed.
    With an access file among the sources, that one is declared, and nothing is drafted.

    Exit status: 0 imported, whatever is found; 1 a source or an option is wrong.
    """
    from ..brownfield import access_file, document_of, draft, read_sources, text_of, without_strangers

    options, zones = _options(environment, interface, timezone, everybody), _zones(zone)
    when = _stacks.instant(at, "--at") or datetime.now(UTC)
    found = read_sources(sources, options)
    if found.access is not None:
        _require_no_draft(out, access, zones)
    stack, left_out = (found.stack, 0) if everybody else without_strangers(found.stack)
    notes = [*found.notes, *([_left_out(left_out)] if left_out else [])]
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    drafted = draft(stack, zones, when) if found.access is None else None
    declared = drafted.access if drafted is not None else found.access
    if out is not None and declared is not None:
        write_file(out, text_of(document_of(stack, declared)))
    if drafted is None:
        return
    if access is not None:
        write_file(access, access_file(drafted, [one.name for one in sources]))
    if json_:
        print_json(_to_json(drafted, notes))
    else:
        _show(drafted, out)


def _require_no_draft(out: Path | None, access: Path | None, zones: object) -> None:
    """An access file among the sources is declared as it is: what is for drafts alone means nothing then."""
    said = "an access file is among the sources, so that nothing is drafted"
    problems = Problems("")
    for option, given in (("--access", access), ("--zone", zones)):
        if given:
            problems.add(option, f"{said}: leave the option out, or the file")
    if out is None:
        problems.add("--out", f"{said}: say where to write the stack that declares it")
    problems.raise_any()


def _left_out(count: int) -> str:
    if count == 1:
        return "1 rule that can hold for no task is left out (--everybody keeps it)"
    return f"{count} rules that can hold for no task are left out (--everybody keeps them)"


# Options


def _options(environment: list[str] | None, interface: list[str] | None, timezone: str, everybody: bool) -> "Options":
    from ..access.values import parse_timezone
    from ..brownfield import Options

    problems = Problems("")
    environments = tuple(_told(text, problems) for text in environment or ())
    for name, times in Counter(one.name for one in environments).items():
        if times > 1:
            problems.add("--environment", f"{name!r} is there {times} times: give all of its networks at once, with commas")
    if timezone:
        try:
            parse_timezone(timezone)
        except ValueError as error:
            problems.add("--timezone", str(error))
    problems.raise_any()
    return Options(environments, tuple(interface or ()), timezone, everybody)


def _told(text: str, problems: Problems) -> "Told":
    from ..brownfield import Told

    name, _, rest = text.partition("=")
    cidrs, workloads, groups = list[str](), list[str](), list[str]()
    for item in filter(None, rest.split(",")):
        if item.startswith(_GROUP):
            groups.append(item.removeprefix(_GROUP))
        elif _is_network(item):
            cidrs.append(item)
        elif re.fullmatch(r"[a-z0-9-]+/[a-z0-9.-]*[a-z][a-z0-9.-]*", item):
            workloads.append(item)
        else:
            problems.add("--environment", f"{item!r} is no network, no <namespace>/<service account> and no zpa:<id>")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name) or not (cidrs or len(problems)):
        problems.add("--environment", f"{text!r} has no name or no network: write NAME=10.40.0.0/24")
    if len(workloads) > 1:
        problems.add(
            "--environment", f"{text!r} has {len(workloads)} service accounts: tasks run as one; write several environments"
        )
    return Told(name, tuple(cidrs), next(iter(workloads), ""), tuple(groups))


def _zones(given: list[str] | None) -> dict[str, list[str]]:
    problems = Problems("")
    found: dict[str, list[str]] = {}
    for text in given or ():
        name, _, rest = text.partition("=")
        items = [one for one in rest.split(",") if one]
        if not name or not items:
            problems.add("--zone", f"{text!r} is no zone: write NAME=10.20.0.0/16,GATE")
        for item in items:
            if "/" in item and not _is_network(item):
                problems.add("--zone", f"{item!r} is no network: write 10.20.0.0/16, without host bits")
        found[name] = items
    problems.raise_any()
    return found


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return "/" in text


# What was found


def _show(draft: "Draft", out: Path | None) -> None:
    from ..report.lines import console, write

    access, terminal = draft.access, console()
    gates = ", ".join(dict.fromkeys(gate for zone in access.zones.values() for gate in zone.gates))
    who = ", ".join(str(one.environment) for one in access.principals)
    counts = f"{len(access.routes)} routes to {len(access.destinations)} destinations"
    write(terminal, f"{who}: {counts} through {gates}", style="bold")
    broad = [f"route {one.name} ({draft.why[one.name].broad}): {draft.why[one.name].witness}" for one in draft.broad]
    _list("Too broad to be meant: declared, and marked EXCESS", broad)
    _list("Let through, and no route can declare it", [f"{one.message}; for example {one.witness}" for one in draft.undeclared])
    _list("Not known, and so not declared", [one.message for one in draft.unknown])
    if out is not None:
        write(terminal, f"airlock prove --from {out} proves it; airlock reach {access.principals[0].name} --from {out} lists it")


def _list(title: str, lines: Iterable[str]) -> None:
    from ..report.lines import console, write

    listed = list(lines)
    if not listed:
        return
    terminal = console()
    write(terminal, f"{title} ({len(listed)})", style="bold red")
    for one in listed[:_SHOWN]:
        write(terminal, f"✗ {one}", indent=2)
    if len(listed) > _SHOWN:
        write(terminal, f"… and {len(listed) - _SHOWN} more: --json has them all", indent=2)


def _to_json(draft: "Draft", notes: list[str]) -> dict[str, object]:
    return {
        "access": draft.access.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "broad": [
            {
                "route": one.name,
                "why": draft.why[one.name].broad,
                "rules": list(draft.why[one.name].rules),
                "witness": draft.why[one.name].witness,
            }
            for one in draft.broad
        ],
        "undeclared": [
            {"message": one.message, "rule": one.rule.urn if one.rule else None, "witness": str(one.witness)}
            for one in draft.undeclared
        ],
        "unknown": [{"message": one.message, "unknown": list(one.unknown)} for one in draft.unknown],
        "notes": notes,
    }
