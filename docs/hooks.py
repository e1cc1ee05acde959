"""The pages of the site that are made from what is elsewhere: home, packs, command line, access file and API."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer.cli import get_docs_for_click

ROOT = Path(__file__).parents[1]
API = {
    "access": ("Access", ["access", "gates.declared"]),
    "environments": ("Environments", [f"environments.{one}" for one in ("mwaa", "composer", "helm", "local")]),
    "gates": (
        "Gates",
        [
            f"gates.{one}"
            for one in (
                *("aws_network", "gcp_firewall", "gcp_routes", "fortigate", "zpa", "zia"),
                *("kubernetes", "network_policy", "cilium", "istio", "linkerd", "consul", "nginx", "tcp_proxy", "adapters"),
            )
        ],
    ),
    "tunnels": ("Tunnels", ["tunnels"]),
    "identity": ("Identity and credentials", ["identity", "identity.credentials"]),
    "audit": ("Audit", ["audit"]),
    "proof": ("Proof", ["proof"]),
    "verify": ("Verify", ["verify", "logs"]),
    "learn": ("Learn", ["learn"]),
    "brownfield": ("What is there already", ["brownfield"]),
}
"""Page → its title, and the packages whose public names it documents."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages."""
    for path, text in (*_copies(), ("reference/cli.md", _command_line()), ("reference/access-file.md", _access_file()), *_api()):
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links to a pack's README lead to its page."""
    return re.sub(r"\]\((?:\.\./)+policy-packs/([\w-]+)/README\.md", r"](policy-packs/\1.md", markdown)


def _copies() -> Iterator[tuple[str, str]]:
    """The READMEs, with links as the site has them."""
    yield "index.md", (ROOT / "README.md").read_text(encoding="utf-8").replace("](docs/", "](")
    for readme in sorted((ROOT / "policy-packs").glob("*/README.md")):
        text = readme.read_text(encoding="utf-8").replace("](../../docs/", "](../")
        yield f"policy-packs/{readme.parent.name}.md", re.sub(r"\]\(\.\./([\w-]+)/README\.md", r"](\1.md", text)


def _command_line() -> str:
    """Every subcommand with its arguments and options, as `--help` says."""
    from pulumi_airlock.cli import app

    command: Any = typer.main.get_command(app)
    return get_docs_for_click(obj=command, ctx=typer.Context(command), name="airlock", title="Command line")


def _access_file() -> str:
    """The fields of the access file, from the JSON Schema that editors check it by."""
    from pulumi_airlock.access.schema import json_schema

    schema = json_schema()
    parts = [
        "# Access file\n",
        "How to write one: [the access file](../access-file.md). The same as JSON Schema: `airlock schema`.\n",
    ]
    for title, of in ({"The file": schema} | schema["$defs"]).items():
        if "properties" in of:
            parts += [f"## {title}\n", f"{of.get('description', '')}\n", "| field | type | meaning |", "|---|---|---|"]
            needed = set(of.get("required", ()))
            parts += [_row(name, field, name in needed, schema["$defs"]) for name, field in of["properties"].items()]
            parts.append("")
    return "\n".join(parts)


def _row(name: str, field: dict[str, Any], needed: bool, known: dict[str, Any]) -> str:
    meaning = " ".join(str(field.get("description", "")).split()).replace("|", "\\|")
    return f"| `{name}`{' (needed)' if needed else ''} | {_type(field, known)} | {meaning} |"


def _type(field: dict[str, Any], known: dict[str, Any]) -> str:
    match field:
        case {"$ref": ref}:
            name = str(ref).rpartition("/")[2]
            return f"[{name}](#{name.lower()})" if "properties" in known[name] else _type(known[name], known)
        case {"anyOf": some} | {"oneOf": some}:
            return " or ".join(dict.fromkeys(_type(one, known) for one in some if one.get("type") != "null"))
        case {"enum": values}:
            return ", ".join(f"`{one}`" for one in values)
        case {"type": "array"}:
            return f"list of {_type(field.get('items', {}), known)}"
        case {"type": "object"}:
            inner = field.get("additionalProperties")
            return f"mapping to {_type(inner, known)}" if isinstance(inner, dict) else "mapping"
        case {"type": kind}:
            return str(kind)
    return "anything"


def _api() -> Iterator[tuple[str, str]]:
    for page, (title, packages) in API.items():
        parts = [f"# {title}\n"]
        for package in packages:
            parts += [
                f"## `pulumi_airlock.{package}`\n",
                f"::: pulumi_airlock.{package}",
                "    options:",
                "      heading_level: 3",
                "",
            ]
        yield f"reference/{page}.md", "\n".join(parts)
