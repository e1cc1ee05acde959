"""Known vulnerabilities of everything that a lock names: `make audit`. pip-audit asks OSV, which has PyPA's advisories, too.

Exit status: 0 all of it was audited, and nothing is known; 1 a package has a vulnerability that is not ACCEPTED; 2 nothing is
known, and not all could be audited: where the advisories cannot be asked nothing passes silently.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
OSV = "https://api.osv.dev/v1/query"
ACCEPTED: dict[str, str] = {}
"""Id of a vulnerability → why it does not concern us. One that no lock has any more is told, so that it goes."""
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def locks() -> list[Path]:
    """Every lock of the repository."""
    folders = (ROOT, ROOT / "ci", ROOT / "tests")
    return sorted({path for folder in folders for path in (folder.glob("*.lock") if folder == ROOT else folder.rglob("*.lock"))})


def pins(lock: Path) -> dict[str, str]:
    """Name → version."""
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in _PIN.findall(lock.read_text(encoding="utf-8"))}


def audited(lock: Path, url: str) -> tuple[list[dict[str, Any]], str]:
    """What pip-audit says of each package of a lock; or why it says nothing."""
    command = [str(Path(sys.executable).with_name("pip-audit")), "--requirement", str(lock), "--require-hashes", "--disable-pip"]
    service = ["--vulnerability-service", "osv", "--osv-url", url, "--timeout", "30"]
    command += [*service, "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return [], (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1][:300]
    return found, ""


def main(arguments: list[str]) -> int:
    url = os.environ.get("OSV_URL", OSV)
    vulnerable, unknown, met = list[str](), list[str](), set[str]()
    for lock in map(Path, arguments) if arguments else locks():
        name = os.path.relpath(lock, ROOT)
        found, why = audited(lock, url)
        missing = pins(lock).keys() - {re.sub(r"[-_.]+", "-", one["name"]).lower() for one in found if "vulns" in one}
        if missing:
            some = ", ".join(sorted(missing)[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
            unknown.append(f"{name}: could not be audited: {some}{': ' if why else ''}{why}")
        for one in found:
            for each in one.get("vulns", ()):
                ids = {each["id"], *each.get("aliases", ())}
                met |= ids
                if not ids & ACCEPTED.keys():
                    fixed = ", ".join(each.get("fix_versions", ())) or "no version yet"
                    vulnerable.append(f"{name}: {one['name']} {one['version']}: {each['id']}; fixed in {fixed}")
        print(f"{name}: {len(pins(lock)) - len(missing)} of {len(pins(lock))} packages audited", flush=True)
    gone = [] if unknown or arguments else [f"{one} is accepted, and no lock has it any more" for one in ACCEPTED.keys() - met]
    for line in [*vulnerable, *gone, *unknown]:
        print(line)
    if not (vulnerable or gone or unknown):
        print("no vulnerability is known")
    return 1 if vulnerable or gone else 2 if unknown else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
