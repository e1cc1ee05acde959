"""docs/provider.md: its snippets run, and it names what there is."""

import configparser
import re
import tomllib
from pathlib import Path

import airlock_provider
from airlock_provider import broker, credentials, settings, tokens, trust
from airlock_provider.decide import Refused, decide
from airlock_provider.manifest import parse
from provider_cases import read, run_of
from test_provider_decides import OPEN

PAGE = (Path(__file__).parents[2] / "docs" / "provider.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def table(heading: str) -> list[str]:
    """The first column of the first table under a heading, without backquotes."""
    rows = PAGE.partition(f"{heading}\n")[2].partition("\n#")[0].splitlines()
    return [row.split("|")[1].strip(" `*") for row in rows if row.startswith("|")][2:]


def test_the_manifest_of_the_page_is_one_that_the_provider_reads() -> None:
    (snippet,) = blocks("python")
    found: dict[str, object] = {}
    exec(snippet, found)  # noqa: S102  # ours
    made = found["made"]
    assert parse(made.text()).digest == made.digest()  # type: ignore[attr-defined]


def test_the_options_of_the_page_are_ones_that_there_are() -> None:
    (snippet,) = blocks("ini")
    read_in = configparser.ConfigParser(inline_comment_prefixes=("#",))
    read_in.read_string(snippet)
    assert set(read_in["airlock"]) <= set(settings.OPTIONS)
    module, _, name = read_in["secrets"]["backend"].rpartition(".")
    assert (module, name) == ("airlock_provider.backend", "AirlockBackend")


def test_the_entry_point_of_the_page_is_in_the_group_that_is_read() -> None:
    (snippet,) = blocks("toml")
    assert set(tomllib.loads(snippet)["project"]["entry-points"]) == {trust.GROUP}


def test_the_tables_name_what_there_is() -> None:
    assert set(table("### Trust conditions")[:-1]) == set(trust.conditions())
    assert set(table("### Tokens, and what they are worth")) == set(tokens._SOURCES)
    assert set(table("### Credentials")) == {*credentials._KINDS, "static"}


def test_the_refusal_of_the_page_is_what_a_task_is_told() -> None:
    refused = decide(read(), run_of("marketing_daily", "say"), "ledger_db", OPEN)
    assert isinstance(refused, Refused)
    said = " ".join(PAGE.split())
    assert broker.described(refused.refusal).replace("marketing_daily.say", "marketing_daily.load") in said


def test_airflow_is_told_of_the_options_with_what_they_do() -> None:
    info = airlock_provider.provider_info()
    assert info["secrets-backends"] == ["airlock_provider.backend.AirlockBackend"]
    assert set(info["config"]["airlock"]["options"]) == set(settings.OPTIONS)
    assert all(one["description"] for one in info["config"]["airlock"]["options"].values())
