"""Lines of a device's log, as `explain` shows what they mean for a stack; and their JSON twin."""

from typing import Any

from rich.console import Console
from rich.text import Text

from ..logs import Connection, fortigate, gcp
from ..proof.explanation.observing import Agreement, Likely, Observation, Suspects
from ..proof.filters import Source
from ..proof.findings import Explanation, Outcome
from ..proof.wording import listed
from .explanation import explanation_to_json, refused_by
from .lines import console as standard_output
from .lines import write
from .observation import IMPLICIT, Line
from .plain import plain
from .rows import STYLES, show_path


def show_line(line: Line, console: Console | None = None, *, numbered: bool = False, urns: bool = False) -> None:
    """Shows one line: whether device and stack agree, who can have made the connection, and why it is allowed or refused."""
    out = console or standard_output()
    label = f"line {line.number}: " if numbered else ""
    if line.connection is None:
        write(out, line.problem, style="bold yellow", label=label)
        out.print()
        return
    _show_connection(out, line, line.connection, label)
    if line.observation is None:
        write(out, line.problem, label="Problem:    ", style="yellow")
        out.print()
        return
    found = line.observation
    write(out, _agreement(line, found), label="Stack:      ")
    if found.passed:
        gates = listed(f"{row.gate} ({row.filter.name})" for row in found.passed)
        text = f"It came as far as the device, although {gates} should have refused it before: drift there as well."
        write(out, text, label="Also:       ", style="bold red")
    if mend := _mend(line, found):
        write(out, mend, label="What to do: ")
    _show_suspects(out, found)
    for number, one in enumerate(found.suspects):
        _show_answer(out, found, one, urns, whole=number == 0)


def show_source(found: Observation, console: Console | None = None, *, urns: bool = False) -> None:
    """Shows who can connect from an address, and why each of them can, or cannot."""
    out = console or standard_output()
    _show_suspects(out, found, "Address:    ")
    for number, one in enumerate(found.suspects):
        _show_answer(out, found, one, urns, whole=number == 0)


def source_to_json(found: Observation) -> dict[str, Any]:
    """The same as plain data."""
    return {"source": found.source, "destination": found.destination, "when": found.when.isoformat(), **_who(found)}


def _who(found: Observation) -> dict[str, Any]:
    suspects = [
        {"callers": list(each.callers), "likely": plain(each.likely), "explanation": explanation_to_json(each.explanation)}
        for each in found.suspects
    ]
    return {"environments": list(found.environments), "suspects": suspects}


def _show_connection(out: Console, line: Line, one: Connection, label: str) -> None:
    verdict = {True: "allowed", False: "refused", None: "seen"}[one.allowed]
    style = {True: "green", False: "red", None: "default"}[one.allowed]
    number = _number(one)
    rule = " ".join(filter(None, [number, f'"{one.rule}"' if one.rule else ""]))
    device = f" at {one.device}" if one.device else ""
    said = f"{one} was {verdict}{device}{f' by {rule}' if rule else ''} ({one.format}: {one.action or 'no action'})"
    write(out, said, style=f"bold {style}", label=label)
    if one.detail:
        write(out, one.detail, label="Device:     ")
    if one.user or one.group:
        write(out, " in group ".join(filter(None, [one.user, one.group])), label="Signed in:  ")
    if one.location or one.application:
        place = [f"location {one.location}" if one.location else "", f"segment {one.application}" if one.application else ""]
        write(out, ", ".join(filter(None, place)), label="There:      ")
    if line.note:
        write(out, line.note, label="Note:       ")


def _deciding(found: Observation) -> Source | None:
    """The rule by which the stack decides at the device."""
    row = next((row for row in found.rows if row.outcome is Outcome.DENY), None) or next(reversed(found.rows), None)
    return row.source if row else None


def _agreement(line: Line, found: Observation) -> Text:
    """Whether the device did as the stack says."""
    deciding = _deciding(found)
    by = f" by {deciding}" if deciding is not None else ""
    if found.agreement is Agreement.UNKNOWN and not found.rows:
        return Text("has no gate on this path that writes such lines: there is nothing to compare with.")
    said = {
        Agreement.AGREES: f"says the same{by}.",
        Agreement.STRICTER: f"allows this{by}, and the device refused it: drift, or not applied yet.",
        Agreement.LOOSER: f"refuses this{by}, and the device let it through: drift, or not applied yet.",
        Agreement.UNKNOWN: "cannot be compared: the line does not say, callers are treated differently, or something is unknown.",
    }[found.agreement]
    apart = found.agreement in (Agreement.STRICTER, Agreement.LOOSER)
    return Text(f"{said}{_about_rule(line, deciding)}", style="bold red" if apart else "")


def _about_rule(line: Line, deciding: Source | None) -> str:
    """What the rule that the line names is in the stack."""
    one = line.connection
    if one is None or not (one.rule or one.rule_id) or (one.format == fortigate.FORMAT and one.rule_id == IMPLICIT):
        return ""
    if line.rule is not None:
        return "" if line.rule == deciding else f" The line names {line.rule}."
    number = _number(one)
    if not one.rule and one.format == gcp.FIREWALL:  # a priority is what the stack writes
        return f" The stack has no {number}: made by hand, or by another tool."
    if not one.rule:
        return f" Which one {number} is, the stack does not tell: numbers are the device's."
    return f" The stack has no {' '.join(filter(None, [number, _quoted(one.rule)]))}: made by hand, or by another tool."


def _number(one: Connection) -> str:
    word = "rule" if one.format == gcp.FIREWALL else "policy"
    return f"{word} {one.rule_id}" if one.rule_id else ""


def _quoted(name: str) -> str:
    return f'"{name}"'


def _mend(line: Line, found: Observation) -> str:
    """What to do where device and stack differ."""
    deciding, one = _deciding(found), line.connection
    device = one.device if one is not None and one.device else "the device"
    if found.agreement is Agreement.STRICTER:
        return (
            f"Look whether {device} has {deciding or 'the rule'}, and nothing before it that refuses; "
            "apply the stack again if it does not (`pulumi up --refresh`)."
        )
    if found.agreement is Agreement.LOOSER:
        rule = _quoted(one.rule) if one is not None and one.rule else "the rule that let it through"
        if line.rule is not None:
            return (
                f"Apply the stack, which no longer lets it through (`pulumi up --refresh`), or look how {device} differs from it."
            )
        return f"Take {rule} away on {device}, or declare what it is for: the proof does not know of it."
    if one is not None and one.allowed is False and not found.rows:
        return f"Look at {_quoted(one.rule) if one.rule else 'the rules'} on {device}: below is what the gates of the stack do."
    return ""


_WORDS = {
    Likely.MEANT: "a route declares it then",
    Likely.OTHER_TIMES: "a route declares it at other times",
    Likely.UNDECLARED: "no route declares it",
}


def _show_suspects(out: Console, found: Observation, label: str = "Made by:    ") -> None:
    where = f"a task of {listed(found.environments)}" if found.environments else "somebody outside the environments"
    write(out, f"{found.source} is {where}." if found.source else "Somebody of these:", label=label)
    first = True
    for likely in Likely:
        same = [one for one in found.suspects if one.likely is likely]
        if not same:
            continue
        names = [name for one in same for name in one.callers]
        routes = dict.fromkeys(name for one in same for name in (*one.explanation.routes, *one.explanation.other_times))
        said = f"{_WORDS[likely]} ({', '.join(routes)})" if routes else _WORDS[likely]
        how = {Likely.MEANT: "likely", Likely.OTHER_TIMES: "perhaps"}.get(likely, "that can be" if first else "or")
        write(out, f"{how} {listed(names, 6)}: {said}", indent=12)
        first = False
    out.print()


def _show_answer(out: Console, found: Observation, one: Suspects, urns: bool, *, whole: bool) -> None:
    explanation = one.explanation
    same = f" The same holds for {listed(one.callers[1:], 6)}." if len(one.callers) > 1 else ""
    write(out, Text(explanation.message, style=STYLES[explanation.outcome]) + Text(same))
    if refusing := refused_by(explanation.rows):
        write(out, refusing, label="Refused by: ")
    if explanation.outcome is not Outcome.ALLOW or not explanation.routes:
        write(out, explanation.advice, label="What to do: ")
    if explanation.outcome is Outcome.DENY and (who := _asked_for(explanation)):
        source = f"--source {found.source} " if found.source else ""
        command = f"airlock explain {who} {found.destination} {source}--at {found.when.isoformat(timespec='seconds')}"
        write(out, f"{command} says what would have to change.", label="More:       ", style="dim")
    out.print()
    if whole:
        show_path(out, explanation.rows, 2, urns)
        out.print()


def _asked_for(explanation: Explanation) -> str:
    """The caller as a command line takes it; empty where it is no declared one."""
    task = explanation.witness.task
    return task if "/" in task else explanation.principal if task else ""


def line_to_json(line: Line) -> dict[str, Any]:
    """A line as plain data: the connection, who can have made it, whether device and stack agree; or the problem."""
    found: dict[str, Any] = {"line": line.number}
    if line.connection is not None:
        found["connection"] = plain(line.connection)
    if line.problem:
        found["problem"] = line.problem
    if line.note:
        found["note"] = line.note
    if line.observation is not None:
        one = line.observation
        found["agreement"] = plain(one.agreement)
        found["rule"] = plain(line.rule) if line.rule else None
        found["passed"] = plain(one.passed)
        found |= _who(one)
    return found
