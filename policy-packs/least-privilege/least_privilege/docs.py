"""Writes the documentation of the pack from its registry.

In the pack's folder: `python -m least_privilege.docs ../../docs/policies.md`.
"""

import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from . import registry
from .controls import Soc2
from .registry import Registered

_HEAD = """\
# Policies of the least-privilege pack

<!-- Written in policy-packs/least-privilege by `python -m least_privilege.docs ../../docs/policies.md`. Edit the decorators. -->

{count} policies: {resource} on single resources, {stack} on what must stand beside them. They work on any Pulumi program,
with or without Airlock's components; the `access-…` ones look at the access that an `Access` component declares.

    pulumi preview --policy-pack policy-packs/least-privilege
    airlock preview --stack dev-mwaa --policy-pack policy-packs/least-privilege

## Unknown values

They hold at preview, where ids and everything computed from them are unknown. An unknown value never skips a policy: all that
is known around it is judged, and resources find each other by property dependencies, not by ids. Only where the deciding value
itself is unknown does a policy have nothing definite to say, and says nothing. With `unknown: violation` in a policy's
configuration, that counts as a violation:

```json
{{"all": "mandatory", "fortigate-log-all": {{"enforcementLevel": "mandatory", "unknown": "violation"}}}}
```

## Enforcement and remediation

The pack is mandatory; policies marked *advisory* only warn. A policy with a remediation changes the resource instead of refusing
it, if its enforcement level is set to `remediate`. Only fixes that cannot break what was meant are there.

## Secrets

Pulumi's policy SDK does not tell a policy which values are secret. This pack reads it from the engine's request; where it cannot
(another build of the SDK), the policies on plain secrets have nothing definite to say.
"""


def markdown(policies: Iterable[Registered]) -> str:
    """The page: what all policies share, an overview by theme, the criteria, then each policy."""
    found = tuple(policies)
    stack = sum(one.stack for one in found)
    parts = [_HEAD.format(count=len(found), resource=len(found) - stack, stack=stack), "## Overview\n"]
    for module in dict.fromkeys(one.module for one in found):
        doc = (import_module(f".{module}", __package__).__doc__ or "").strip().split("\n")[0]
        rows = [_row(one) for one in found if one.module == module]
        parts.append("\n".join([f"### {module.replace('_', ' ')}\n", f"{doc}\n", *_TABLE, *rows, ""]))
    parts.append("\n".join(["## SOC 2 criteria\n", "| criterion | policies |", "|---|---|", *_criteria(found), ""]))
    parts.append("## Each policy\n")
    parts += [_section(one) for one in found]
    return "\n".join(parts)


_TABLE = ("| policy | demands | severity | SOC 2 | CIS AWS 3.0.0 | level | remediation |", "|---|---|---|---|---|---|---|")


def _row(one: Registered) -> str:
    cells = [
        f"[`{one.name}`](#{one.name})",
        one.description.replace("|", "\\|"),
        one.severity.value,
        one.soc2.reference,
        one.cis.reference if one.cis else "",
        one.level.value,
        "yes" if one.remedy else "",
    ]
    return f"| {' | '.join(cells)} |"


def _criteria(found: tuple[Registered, ...]) -> Iterable[str]:
    for criterion in Soc2:
        names = ", ".join(f"`{one.name}`" for one in found if one.soc2 is criterion)
        yield f"| {criterion.reference} {criterion.title} | {names} |"


def _section(one: Registered) -> str:
    lines = [
        f"### {one.name}\n",
        f"{one.description}\n",
        f"- Fix: {one.fix}",
        f"- Looks at: {', '.join(f'`{kind}`' for kind in (*one.types, *one.beside))}",
    ]
    if one.url:
        lines.append(f"- More: <{one.url}>")
    for key, schema in one.settings.items():
        lines.append(f"- `{key}` (default `{schema['default']}`): {schema['description']}")
    return "\n".join([*lines, ""])


def main(arguments: list[str]) -> int:
    """Writes the page to the file named, or to standard output."""
    page = markdown(registry.load())
    if arguments:
        Path(arguments[0]).write_text(page, encoding="utf-8")
    else:
        sys.stdout.write(page)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
