"""What an environment runs: DAGs, requirements, plugins, start-up script; from local paths, or in a bucket that others fill."""

import hashlib
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pulumi

from ...errors import Problems
from .egress import ProxyEgress, check_egress, check_own_script, startup_script
from .limits import AIRFLOW_VERSIONS, BUCKET_ARN, CONSTRAINTS_SINCE

StrPath = str | Path

_IGNORED = ("__pycache__", ".git", ".DS_Store")
_PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]*(\[[^\]]*\])?\s*(===?|@)\s*\S")
_CREDENTIALS = re.compile(r"://[^/\s@]+@")


@dataclass(frozen=True, slots=True, kw_only=True)
class MwaaCode:
    """Local files to upload. Paths are relative to the program's working directory (Pulumi's `main`)."""

    dags: StrPath
    """A folder; uploaded whole under `dags/`, except compiled Python."""
    requirements: StrPath | None = None
    plugins: StrPath | None = None
    """A folder, which is zipped, or a zip file."""
    startup_script: StrPath | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Object:
    """An object in a versioned bucket. MWAA takes a path only together with its version."""

    path: str
    version: pulumi.Input[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingCode:
    """A bucket that somebody else fills. It must be versioned, and block public access (MWAA refuses it otherwise)."""

    bucket_arn: pulumi.Input[str]
    dags_path: str = "dags"
    requirements: S3Object | None = None
    plugins: S3Object | None = None
    startup_script: S3Object | None = None


def dag_files(folder: StrPath) -> Iterator[tuple[str, Path]]:
    """The files of a DAG folder, in order, each with its key below the folder (`finance/load.py`)."""
    root = Path(folder)
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and path.suffix != ".pyc" and not any(part in _IGNORED for part in parts):
            yield "/".join(parts), path


def fingerprint(path: StrPath) -> str:
    """SHA-256, in hex, of a file, or of a folder's names and contents: a change of the content is a change of the resource."""
    root = Path(path)
    if root.is_file():
        return hashlib.sha256(root.read_bytes()).hexdigest()
    whole = hashlib.sha256()
    for key, file in dag_files(root):
        whole.update(f"{key}\0{fingerprint(file)}\n".encode())
    return whole.hexdigest()


def check_code(code: MwaaCode | ExistingCode, airflow_version: str, internet: bool, problems: Problems) -> list[str]:
    """Notes what MWAA would find wrong half an hour later; returns warnings."""
    if isinstance(code, ExistingCode):
        _check_existing(code, problems)
        return []
    _check_dags(Path(code.dags), problems)
    if code.plugins is not None:
        _check_plugins(Path(code.plugins), problems)
    if code.startup_script is not None:
        script = _readable(Path(code.startup_script), "code.startup_script", problems)
        if script is not None and not script.strip():
            problems.add("code.startup_script", f"{code.startup_script} is empty")
    if code.requirements is None:
        return []
    text = _readable(Path(code.requirements), "code.requirements", problems)
    return [] if text is None else _check_requirements(text, str(code.requirements), airflow_version, internet, problems)


def check_way_out(
    code: MwaaCode | ExistingCode, egress: ProxyEgress | None, problems: Problems, routed: bool = False
) -> list[str]:
    """Notes a proxy that cannot work, or that the code's start-up script cannot tell; returns warnings."""
    if egress is None:
        if routed:
            problems.add("egress_gateway", "leads to a proxy, and there is none: write egress, or leave it out")
        return []
    check_egress(egress, problems)
    if isinstance(code, ExistingCode):
        if code.startup_script is None:
            fix = "put what environments.mwaa.egress.startup_script gives into the bucket, and name it in code.startup_script"
            problems.add("egress", f"is told by the start-up script, and somebody else fills the bucket: {fix}")
            return []
        return [f"the proxy is not told by Airlock: {code.startup_script.path} in the bucket has to hold what egress says"]
    if code.startup_script is not None and Path(code.startup_script).is_file():
        check_own_script(Path(code.startup_script).read_text(encoding="utf-8", errors="replace"), problems, "code.startup_script")
    return _pip_warnings(code)


def _pip_warnings(code: MwaaCode) -> list[str]:
    """Every component installs the requirements, through its own port."""
    if code.requirements is None or not Path(code.requirements).is_file():
        return []
    text = Path(code.requirements).read_text(encoding="utf-8", errors="replace")
    if re.search(r"--no-index", text):
        return []
    fix = "let all three reach the index (`ZiaGate(others=…)`), or write --no-index and --find-links to wheels in plugins/"
    return [f"{code.requirements}: schedulers, workers and web servers each install it through the proxy: {fix}"]


def startup_text(code: MwaaCode, egress: ProxyEgress | None, region: str, vpc_cidr: str) -> str | None:
    """The generated start-up script, the code's own behind it; None where there is nothing to tell."""
    if egress is None:
        return None
    own = Path(code.startup_script).read_text(encoding="utf-8") if code.startup_script is not None else ""
    return startup_script(egress, region, vpc_cidr, own)


def _check_existing(code: ExistingCode, problems: Problems) -> None:
    if isinstance(code.bucket_arn, str) and not BUCKET_ARN.fullmatch(code.bucket_arn):
        problems.add("code.bucket_arn", f"{code.bucket_arn!r} is no bucket's ARN; write arn:aws:s3:::name")
    paths = {"dags_path": code.dags_path}
    for what in ("requirements", "plugins", "startup_script"):
        given: S3Object | None = getattr(code, what)
        if given is None:
            continue
        paths[f"{what}.path"] = given.path
        if not given.version:
            problems.add(
                f"code.{what}.version", f"MWAA takes {given.path} only with the version of the object: give its version id"
            )
    for what, path in paths.items():
        if not path or path.startswith(("/", "s3:")):
            problems.add(f"code.{what}", f"{path!r}: write a path within the bucket, such as dags or config/requirements.txt")


def _check_dags(folder: Path, problems: Problems) -> None:
    if not folder.is_dir():
        problems.add("code.dags", f"{folder} is no folder (seen from {Path.cwd().name}/)")
    elif not any(file.suffix in (".py", ".zip") for _, file in dag_files(folder)):
        problems.add("code.dags", f"{folder} has no DAG file (.py or .zip) in it")


def _check_plugins(path: Path, problems: Problems) -> None:
    if path.is_dir():
        if not any(dag_files(path)):
            problems.add("code.plugins", f"{path} is an empty folder")
    elif not path.is_file():
        problems.add("code.plugins", f"{path} does not exist")
    elif not zipfile.is_zipfile(path):
        problems.add("code.plugins", f"{path} is no zip file; give a folder, or a zip")


def _readable(path: Path, what: str, problems: Problems) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        problems.add(what, f"{path} cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        problems.add(what, f"{path} is not UTF-8 text")
    return None


def _check_requirements(text: str, name: str, airflow_version: str, internet: bool, problems: Problems) -> list[str]:
    """A requirements file as MWAA's pip will see it: what it cannot install there leaves an environment without packages."""
    lines = [(number, line.split(" #")[0].strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    options = [(number, line) for number, line in lines if line.startswith("-")]
    packages = [(number, line) for number, line in lines if not line.startswith("-")]
    warnings = []
    for number, line in lines:
        if _CREDENTIALS.search(line):
            problems.add(
                "code.requirements", "holds credentials in a URL; give them to pip in the start-up script", f"{name}:{number}"
            )
    for number, line in packages:
        core = re.match(r"apache[-_.]airflow(\[[^\]]*\])?\s*==\s*([0-9.]+)", line, re.IGNORECASE)
        if core and core[2] != airflow_version:
            problems.add("code.requirements", f"{line}: the environment runs Airflow {airflow_version}", f"{name}:{number}")
        elif not _PIN.match(line):
            warnings.append(f"{name}:{number}: {line} has no exact version: every worker that starts may install another")
    for number, line in options:
        if re.match(r"(-r|--requirement|-e|--editable)\b", line) and "/usr/local/airflow/" not in line:
            fix = "MWAA gets this file alone: write the packages here, or a path below /usr/local/airflow/dags"
            problems.add("code.requirements", f"{line}: {fix}", f"{name}:{number}")
    constraint = next((line for _, line in options if line.startswith(("-c", "--constraint"))), None)
    if packages and constraint is None and _version(airflow_version) >= CONSTRAINTS_SINCE:
        python = AIRFLOW_VERSIONS.get(airflow_version, "3.12")
        url = f"https://raw.githubusercontent.com/apache/airflow/constraints-{airflow_version}/constraints-{python}.txt"
        warnings.append(
            f'{name}: no --constraint: MWAA takes its own; write --constraint "{url}", or a file in dags/ or plugins/'
        )
    if packages and not internet:
        _check_closed(name, options, constraint, problems)
    return warnings


def _check_closed(name: str, options: list[tuple[int, str]], constraint: str | None, problems: Problems) -> None:
    """Without a way to the internet, pip waits for PyPI until MWAA gives up."""
    flags = " ".join(line for _, line in options)
    if not re.search(r"--index-url|-i\s|--no-index", flags):
        fix = "write --index-url with your mirror, or --no-index and --find-links to wheels in plugins/"
        problems.add("code.requirements", f"the VPC has no way to PyPI: {fix}", name)
    if constraint and "://raw.githubusercontent.com" in constraint:
        fix = "put the file into dags/ or plugins/, and write --constraint /usr/local/airflow/dags/constraints.txt"
        problems.add("code.requirements", f"the VPC has no way to the constraints: {fix}", name)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))
