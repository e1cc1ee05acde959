"""A route above its principals' clearance is seen by whoever reads a proof, as long as its exception holds."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from markdown_it import MarkdownIt
from pulumi_airlock.access import Access, Trust
from pulumi_airlock.access.clearance import Exemption, Origin, clearances, exemptions
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.proof.expiring import Ending, expiring
from pulumi_airlock.report.clearance import exemptions_in, exemptions_to_json, show_clearances, show_exemptions
from pulumi_airlock.report.hygiene import expiring_to_json
from pulumi_airlock.report.markdown import to_markdown
from pulumi_airlock.tokens import ACCESS
from report_cases import AT, EVIL, document, small
from rich.console import Console

TODAY = AT.date()


def excepted(until: str = "2027-06-30", **changes: object) -> Access:
    """The small case: its zone is of high trust, and finance gets there by an exception."""
    given = document()
    for zone in given["zones"].values():
        zone["trust"] = "high"
    for one in given["principals"]:
        one["clearance"] = "medium" if one is given["principals"][0] else "high"
        one["owner"] = f"{one['name']}@bank.example"
    first = given["principals"][0]["name"]
    for route in given["routes"]:
        if first in route["from"]:
            route["exception"] = {"reason": "SEC-7", "approvedBy": "ciso@bank.example", "expires": until, **changes}
    return Access.model_validate(given)


def first_route(access: Access) -> str:
    return next(one.name for one in access.routes if one.exception is not None)


def shown(found: tuple[Exemption, ...]) -> str:
    out = Console(file=io.StringIO(), width=300)
    show_exemptions(out, found)
    return out.file.getvalue()  # type: ignore[attr-defined]


def test_it_says_route_zone_principal_until_when_who_approved_it_and_why() -> None:
    access = excepted()
    found = exemptions(access, TODAY)
    assert len(found) == sum(one.exception is not None for one in access.routes)
    (name, principal) = (first_route(access), access.principals[0].name)
    zone = next(iter(access.zones))
    assert (found[0].route, found[0].principals, found[0].zones) == (name, (principal,), (zone,))
    text = shown(found)
    assert text.startswith(f"Exceptions in force ({len(found)})\n")
    assert f"route {name}: {principal} into {zone} (high trust) until 2027-06-30, 221 days left" in text
    assert "; approved by ciso@bank.example: SEC-7" in text
    assert exemptions_to_json(found)[0] == {
        "route": name,
        "zones": [zone],
        "trust": "high",
        "principals": [principal],
        "reason": "SEC-7",
        "approvedBy": "ciso@bank.example",
        "expires": "2027-06-30",
        "daysLeft": 221,
    }
    assert shown(()) == ""


@pytest.mark.parametrize(("until", "holds"), [("2026-11-21", True), ("2026-11-20", False)])
def test_it_is_shown_up_to_its_last_day(until: str, holds: bool) -> None:
    found = exemptions(excepted(until), TODAY)
    assert bool(found) == holds
    assert all("today is its last day" in str(one) for one in found)


def test_what_needs_no_exception_is_not_shown() -> None:
    access = excepted()
    cleared = access.model_copy(
        update={"principals": tuple(one.model_copy(update={"clearance": Trust.HIGH}) for one in access.principals)}
    )
    assert exemptions(Access.model_validate(cleared.model_dump(mode="json", by_alias=True)), TODAY) == ()


def test_a_stack_tells_those_of_its_declared_access_on_the_day_of_the_proof() -> None:
    access = excepted("2026-11-21")
    written = access.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    declared = Resource("urn:pulumi:p::s::airlock:index:Access::access", ACCESS, {"document": written}, custom=False)
    proof = small().proof()
    assert exemptions_in(Stack([declared]), proof) == exemptions(access, TODAY)
    assert exemptions_in(Stack([declared]), replace(proof, at=datetime(2026, 11, 22, tzinfo=UTC))) == ()
    assert exemptions_in(Stack([]), proof) == ()


def test_markdown_has_them_in_a_table_that_is_not_folded() -> None:
    found = exemptions(excepted(approvedBy=EVIL), TODAY)
    text = to_markdown(small().proof(), exemptions=found)
    assert text.index("## Exceptions in force") < text.index("## Who reaches what") < text.index("<details>")
    html = str(MarkdownIt("gfm-like", {"linkify": False}).disable("linkify").render(text))
    assert f"<td>{found[0].route}</td>" in html
    assert "<td>2027-06-30</td>" in html
    assert "<img" not in html
    assert "Exceptions in force" not in to_markdown(small().proof())


def test_the_page_has_them_open() -> None:
    access = excepted(approvedBy=EVIL)
    page = replace(small(), access=access).page()
    assert "Exceptions in force" in page
    section = page.partition('id="exceptions-title"')[2].partition("</section>")[0]
    assert f'<th scope="row">{first_route(access)}</th>' in section
    assert "2027-06-30" in section
    assert "<img" not in section
    assert "Exceptions in force" not in small().page()


@pytest.mark.parametrize(
    ("until", "left", "said"),
    [
        ("2026-11-20", -1, "expired on 2026-11-20, 1 day ago, and the route is still in the file"),
        ("2026-11-21", 0, "ends today: its last day is 2026-11-21"),
        ("2026-12-05", 14, "ends in 14 days: its last day is 2026-12-05"),
        ("2026-12-06", None, ""),
    ],
)
def test_it_is_told_from_two_weeks_before_its_last_day_on(until: str, left: int | None, said: str) -> None:
    access = excepted(until)
    found = [one for one in expiring(access, [], at=AT) if one.ending is Ending.EXCEPTION]
    assert {one.days for one in found} == ({left} if left is not None else set())
    for one in found:
        assert one.message.startswith(f"the exception of route {one.name} into {next(iter(access.zones))} ")
        assert said in one.message
        assert "ask ciso@bank.example again" in one.advice
        assert one.expired == (one.days < 0)
        assert expiring_to_json([one])[0]["kind"] == "exception"


def test_an_exception_that_nothing_needs_ends_for_nobody() -> None:
    given = excepted("2026-11-20").model_dump(mode="json", by_alias=True)
    for one in given["principals"]:
        one["clearance"] = "high"
    assert [one for one in expiring(Access.model_validate(given), [], at=AT) if one.ending is Ending.EXCEPTION] == []


def table(access: Access, today: date = TODAY) -> str:
    out = Console(file=io.StringIO(), width=300)
    show_clearances(out, access, "prod.yaml", today)
    return out.file.getvalue()  # type: ignore[attr-defined]


def test_the_table_says_where_each_clearance_comes_from_and_how_far_it_leads() -> None:
    access = excepted()
    rows = {one.principal: one for one in clearances(access)}
    first = rows[access.principals[0].name]
    assert (first.clearance.value, first.origin, first.above, first.route) == (
        "medium",
        Origin.PRINCIPAL,
        True,
        first_route(access),
    )
    assert not any(one.above for one in rows.values() if one is not first)
    assert "by exception until 2027-06-30" in table(access)
    assert "by exception expired on 2027-06-30" in table(access, date(2027, 7, 1))
    bare = access.model_dump(mode="json", by_alias=True)
    for route in bare["routes"]:
        route["exception"] = None
    assert "above its clearance" in table(Access.model_validate(bare))
