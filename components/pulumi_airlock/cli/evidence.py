"""`airlock evidence`: what of a preview speaks for each SOC 2 criterion, as files for an auditor; signs off and checks them."""

import os
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError, Problem
from . import _run, _stacks
from ._secrets import without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..gates.stack import Stack
    from ..soc2.gather import Judged
    from ..soc2.model import Evaluated, Evidence

PASSWORD = "AIRLOCK_SIGNING_PASSWORD"  # noqa: S105  # a variable's name
_FOLDER: dict[str, Any] = {"file_okay": False}

Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="The folder to write evidence.json and evidence.html to.", **_FOLDER)
]
SignOff = Annotated[
    Path | None,
    typer.Option("--sign-off", help="A folder with evidence that is there already: sign that off.", exists=True, **_FOLDER),
]
Verify = Annotated[
    Path | None,
    typer.Option("--verify", help="A folder with evidence: check that it is whole, and its signature.", exists=True, **_FOLDER),
]
SignedBy = Annotated[str | None, typer.Option("--signed-by", help="Who signs it off, as the auditor should read it.")]
Statement = Annotated[str | None, typer.Option("--statement", help="What they state, in their own words.")]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key", help=f"An Ed25519 private key in PEM: signs evidence.json. Its password, if any, in {PASSWORD}.", dir_okay=False
    ),
]
PublicKey = Annotated[
    Path | None, typer.Option("--public-key", help="For --verify: whose signature it must be (PEM).", dir_okay=False)
]
Commit = Annotated[str | None, typer.Option("--commit", help="With --from: the git commit that the file was made of.")]
Schema = Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of evidence.json.")]
Json = Annotated[bool, typer.Option("--json", help="Print the evidence as JSON.")]


def evidence(
    stack: _stacks.Chosen = None,
    from_file: _stacks.From = None,
    output: Output = None,
    sign_off: SignOff = None,
    verify: Verify = None,
    signed_by: SignedBy = None,
    statement: Statement = None,
    key: Key = None,
    public_key: PublicKey = None,
    commit: Commit = None,
    policy_pack: _run.PolicyPack = None,
    policy_pack_config: _run.PolicyPackConfig = None,
    at: Annotated[str | None, typer.Option(help="What has expired is judged as of this instant, not now (ISO 8601).")] = None,
    json_: Json = False,
    schema: Schema = False,
    cwd: _run.Cwd = Path(),
) -> None:
    """Write what of a preview speaks for each SOC 2 criterion: policies, resources, proof, routes, identity, the change.

    A criterion that nothing speaks for is said to have no evidence. Whether it is met is for the auditor to judge.

    Exit status: 0 all well (or, with --verify, whole), 1 the program or a file is wrong, 2 a mandatory policy is violated, 3 the
    proof fails, or identity or an owner does. The files are written in every case but 1.
    """
    if schema:
        from ..soc2.files import schema as schema_of

        _run.print_json(schema_of())
        return
    _require_one(stack, from_file, sign_off, verify)
    signer = _signer(signed_by, statement)
    _require_fitting(stack or from_file, output or json_, sign_off, verify, signer, key, public_key, commit)
    if verify is not None:
        _verify(verify, public_key)
        return
    if sign_off is not None:
        from ..soc2 import files

        assert signer is not None  # noqa: S101  # _require_fitting
        found = files.signed_off(_whole(sign_off), *signer, _now())
        _write(sign_off, found, key)
        return
    instant = _stacks.instant(at, "--at")
    if stack is not None:
        found, status = _previewed(stack, cwd, policy_pack, policy_pack_config, instant, json_)
    else:
        assert from_file is not None  # noqa: S101  # _require_one
        found, status = _read(from_file, cwd, policy_pack, policy_pack_config, instant, commit)
    found = _without_secrets(found)
    if signer is not None:
        from ..soc2 import files

        found = files.signed_off(found, *signer, _now())
    if output is not None:
        _write(output, found, key)
    _show(found, json_)
    raise typer.Exit(status)


def _without_secrets(made: "Evidence") -> "Evidence":
    """As it may be written: masked before anybody signs it."""
    return type(made).model_validate_json(without_secrets(made.model_dump_json(by_alias=True)))


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


# --- What may be given together


def _require_one(*given: object) -> None:
    if sum(one is not None for one in given) != 1:
        raise InputError([Problem("", "", "give one of --stack NAME, --from FILE, --sign-off FOLDER, --verify FOLDER, --schema")])


def _signer(signed_by: str | None, statement: str | None) -> tuple[str, str] | None:
    """Who signs off, and what they state. InputError where only one of them is given: nobody's words are made up."""
    name, said = (signed_by or "").strip(), (statement or "").strip()
    if bool(name) != bool(said):
        missing = "--statement: write what is stated" if name else "--signed-by: write who states it"
        raise InputError([Problem("", missing.split(":")[0], missing.split(": ")[1])])
    return (name, said) if name else None


def _require_fitting(
    made: object,
    written: object,
    sign_off: Path | None,
    verify: Path | None,
    signer: object,
    key: Path | None,
    public_key: Path | None,
    commit: str | None,
) -> None:
    wrong = {
        "--output: name the folder to write to (or --json)": made and not written,
        "--signed-by, --statement: who signs off, and what they state": sign_off and not signer,
        "--signed-by: what is checked is not signed off; use --sign-off": verify and signer,
        "--key: checking takes --public-key": verify and key,
        "--public-key: is for --verify": public_key and not verify,
        "--commit: is for --from; a stack of the project has its own": commit and not isinstance(made, Path),
    }
    problems = [Problem("", *said.split(": ", 1)) for said, is_so in wrong.items() if is_so]
    if problems:
        raise InputError(problems)


# --- Making


def _previewed(
    stack: str, cwd: Path, packs: "list[Path] | None", configs: "list[Path] | None", at: datetime | None, json_: bool
) -> tuple["Evidence", int]:
    """The evidence of an offline preview, and the exit status."""
    from ..offline.project import find_project
    from ..report.evidence import evidence_of
    from ..soc2.commits import commit_of
    from ..soc2.gather import Judged

    with _run.session(stack, cwd, packs, configs, json_=True) as (opened, _):
        plan = opened.preview()
    if plan.failed:
        raise InputError([Problem(stack, "", "the preview of the stack fails; `airlock preview` says why")])
    judged = Judged(plan.packs, plan.diagnostics, plan.not_applicable)
    found = plan.stack()
    commit, changed = commit_of(find_project(cwd).root)
    evaluated = _evaluated(plan.document(), found, judged, at, configs, source=f"airlock evidence --stack {stack}")
    made = evidence_of(found, judged, evaluated.model_copy(update={"simulated": True, "commit": commit, "changed": changed}))
    return made, _status(made, judged)


def _read(
    file: Path, cwd: Path, packs: "list[Path] | None", configs: "list[Path] | None", at: datetime | None, commit: str | None
) -> tuple["Evidence", int]:
    """The evidence of a preview or state in a file, on which the packs are run, and the exit status."""
    from ..gates.documents import read_document
    from ..offline.project import find_project
    from ..report.evidence import evidence_of
    from ..soc2.judging import judge, resources_of

    document = read_document(file)
    found = _stacks.stack_in(document, str(file))
    specs = _run.specs_of(packs or list(find_project(cwd).policy_packs), configs or ())
    judged = judge(specs, resources_of(document), project=found.project, stack=found.name, on_output=_tell)
    evaluated = _evaluated(document, found, judged, at, configs, source=file.name)
    update = {"simulated": bool(document.get("simulated")), "commit": commit or ""}
    made = evidence_of(found, judged, evaluated.model_copy(update=update))
    return made, _status(made, judged)


def _tell(pack: str, line: str) -> None:
    print(f"{pack}: {line}", file=sys.stderr)


def _evaluated(
    document: "Mapping[str, Any]",
    stack: "Stack",
    judged: "Judged",
    at: datetime | None,
    configs: "list[Path] | None",
    *,
    source: str,
) -> "Evaluated":
    from ..soc2 import files
    from ..soc2.model import Evaluated, Pack

    now = _now()
    digests = [files.sha256(one.read_bytes()) for one in configs or ()]
    digests += [""] * len(judged.packs)
    return Evaluated(
        project=stack.project,
        stack=stack.name,
        source=source,
        simulated=False,
        preview=files.sha256(files.canonical(files.canonical_plan(document))),
        resources=len(stack.resources),
        at=now,
        as_of=at or now,
        airlock=version("pulumi-airlock"),
        packs=tuple(
            Pack(name=one.name, version=one.version, policies=len(one.policies), configuration=digest)
            for one, digest in zip(judged.packs, digests, strict=False)
        ),
    )


def _status(made: "Evidence", judged: "Judged") -> int:
    from ..offline.packs import Level
    from ..report.evidence import is_sound

    if any(one.level in (Level.MANDATORY, Level.REMEDIATE) for one in judged.diagnostics):
        return _run.EXIT_POLICY
    return 0 if is_sound(made) else _run.EXIT_PROOF


# --- Writing, signing, checking


def _write(folder: Path, made: "Evidence", key: Path | None) -> None:
    """Writes JSON and page, and the signature if there is a key; a signature of what was there before goes."""
    from ..report.evidence_page import render_evidence
    from ..soc2 import files, signing

    password = os.environ.get(PASSWORD)
    private = signing.read_private_key(key, password.encode() if password else None) if key else None
    content = files.to_json(made)
    written = {files.JSON: content, files.HTML: render_evidence(made, files.sha256(content)).encode()}
    if private is not None:
        written[files.SIGNATURE] = private.sign(content)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / files.SIGNATURE).unlink(missing_ok=True)
        for name, text in written.items():
            (folder / name).write_bytes(text)
            print(f"wrote {folder / name}", file=sys.stderr)
    except OSError as error:
        raise InputError([Problem(str(folder), "", f"cannot be written: {error.strerror}")]) from error


def _whole(folder: Path) -> "Evidence":
    """The evidence in a folder. InputError where JSON and page are not of one another."""
    from ..report.evidence_page import render_evidence
    from ..soc2 import files

    made = files.read(folder / files.JSON)
    content = (folder / files.JSON).read_bytes()
    digest = files.sha256(content)
    page = folder / files.HTML
    if not page.is_file() or digest not in page.read_text(encoding="utf-8"):
        message = f"is not the page of this evidence.json, whose SHA-256 is {digest}"
        raise InputError([Problem(str(page), "", message)])
    same = made.evaluated.airlock == version("pulumi-airlock")
    if same and page.read_text(encoding="utf-8") != render_evidence(made, digest):
        message = f"says something else than {files.JSON}: it was changed by hand, or written by another build of this version"
        raise InputError([Problem(str(page), "", message)])
    return made


def _verify(folder: Path, public_key: Path | None) -> None:
    """Says that evidence is whole. InputError with what is not: its digests, its sign-offs, its page, its signature."""
    from ..soc2 import files, signing

    made = _whole(folder)
    content = (folder / files.JSON).read_bytes()
    signature = folder / files.SIGNATURE
    if public_key is not None:
        key = signing.read_public_key(public_key)
        if not signature.is_file():
            raise InputError([Problem(str(signature), "", "is not there: the evidence is not signed")])
        if not signing.is_signed(key, signature.read_bytes(), content):
            raise InputError([Problem(str(signature), "", f"is no signature of {files.JSON} by {public_key}")])
    print(f"✓ {folder / files.JSON} is whole: SHA-256 {files.sha256(content)}")
    for one in made.sign_offs:
        print(f"✓ signed off by {one.name} on {one.at:%Y-%m-%d %H:%M} UTC: {one.statement}")
    if not made.sign_offs:
        print("– nobody has signed it off")
    if public_key is not None:
        print(f"✓ signed with the key of {public_key}")
    elif signature.is_file():
        print("– its signature was not checked: give --public-key")


def _show(made: "Evidence", json_: bool) -> None:
    if json_:
        _run.print_json(made.model_dump(mode="json", by_alias=True))
        return
    from ..report.evidence import show_evidence
    from ..report.lines import console

    show_evidence(console(), made)
