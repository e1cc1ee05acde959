"""Licences of what the wheel brings with all extras: `make licences` writes them into docs/supply-chain.md; a test holds them.

The packages are those of the container's lock, which has the wheel's requirements alone; what their metadata say is told by
pip-licenses. Whatever is not ALLOWED, and no EXCEPTION with its reason, fails.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "ci" / "container-requirements.lock"
PAGE = ROOT / "docs" / "supply-chain.md"
BEGIN, END = "<!-- licences -->\n", "<!-- end of licences -->\n"
ALLOWED = {
    *("0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "PSF-2.0", "Zlib"),
}
"""Permissive ones, by their SPDX names; `BSD` where the metadata do not say which."""
EXCEPTIONS = {
    "certifi": ("MPL-2.0", "a list of certificates, used as it is; the licence covers changes of its own files alone"),
    "pathspec": ("MPL-2.0", "builds the wheel (hatchling), is no part of it, and is used as it is"),
    "zscaler-pulumi-zia": (
        "UNKNOWN",
        "its metadata and its schema name none: read its repository's before you use it (extra `zscaler`)",
    ),
}
"""Package → its licence, and why it is taken all the same."""
_SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


def packages() -> dict[str, str]:
    """Name → version, as the lock has them."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ ;]+)", LOCK.read_text(), re.MULTILINE))


def licences() -> dict[str, list[str]]:
    """Package → the parts of its licence expression. Packages that are not installed are not among them."""
    command = [str(Path(sys.executable).with_name("pip-licenses")), "--from=mixed", "--format=json", "--with-system"]
    command += ["--packages", *packages()]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {_normal(one["Name"]): _parts(one["License"]) for one in found}


def refused(name: str, found: list[str]) -> str:
    """Why a package's licence is none to take; empty where it is."""
    named, reason = EXCEPTIONS.get(name, ("", ""))
    strange = [one for one in found if one not in ALLOWED and one != named]
    if strange or not found:
        return (
            f"{name} is under {', '.join(found) or 'no licence'}: allow it, or name it with its reason, in {Path(__file__).name}"
        )
    return f"{name} is no exception any more: it is under {', '.join(found)}" if reason and named not in found else ""


def table(known: dict[str, list[str]]) -> str:
    """As the page has it. Without versions: a new version does not change the page, another licence does."""
    rows = [f"| {name} | {' · '.join(parts)} | {EXCEPTIONS.get(name, ('', ''))[1]} |" for name, parts in sorted(known.items())]
    return "\n".join(["| package | licence | |", "|---|---|---|", *rows, ""])


def written(page: str, rows: str) -> str:
    """The page with these rows between its marks."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{rows}\n{END}{rest.partition(END)[2]}"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _parts(expression: str) -> list[str]:
    return [_SPDX.get(one, one.strip("()")) for one in re.split(r"; | OR | AND ", expression)]


def main() -> int:
    known = licences()
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), table(known)), encoding="utf-8")
    problems = [why for name, found in known.items() if (why := refused(name, found))]
    print("\n".join(problems) or f"{len(known)} packages, all under licences that are allowed; see {PAGE.relative_to(ROOT)}")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
