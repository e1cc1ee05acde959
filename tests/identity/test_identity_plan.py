"""What one declaration means in each system, and what no system would take."""

from typing import Any

import pytest
from identity_helpers import WEB_SERVERS, access, entry
from pulumi_airlock.errors import InputError
from pulumi_airlock.identity import Place, plan_identity

PLACE = Place(environments=("finance", "risk"), web_servers=WEB_SERVERS)


def problems(place: Place = PLACE, change: Any = None) -> list[str]:
    with pytest.raises(InputError) as caught:
        plan_identity(access(change=change), place)
    return [str(one) for one in caught.value.problems]


def test_a_group_is_the_same_people_everywhere() -> None:
    place = Place(
        environments=PLACE.environments,
        web_servers=WEB_SERVERS,
        user_groups={"airflow-risk": "RISK"},
        scim_groups={"airflow-risk": "Airflow Risk"},
    )
    plan = plan_identity(access(), place)
    risk = next(one for one in plan.people if one.group == "airflow-risk")
    assert (risk.principal, risk.role, risk.environments) == ("analysts", "risk", ("risk",))
    assert (risk.user_group, risk.scim_group) == ("RISK", "Airflow Risk")
    assert plan.groups == ("airflow-finance", "airflow-risk", "airflow-operators")


def test_a_role_is_granted_where_a_route_leads_and_nowhere_else() -> None:
    plan = plan_identity(access(), PLACE)
    assert {one.key: (one.base, one.groups) for one in plan.logins} == {
        "finance/finance": ("Public", ("airflow-finance",)),
        "finance/op": ("Op", ("airflow-operators",)),
        "risk/risk": ("Viewer", ("airflow-risk",)),
        "risk/op": ("Op", ("airflow-operators",)),
    }

    def no_route(document: dict[str, Any]) -> None:
        entry(document, "routes", "risk-ui")["from"] = ["operators"]

    assert "risk/risk" not in {one.key for one in plan_identity(access(change=no_route), PLACE).logins}


def test_workloads_are_known_by_their_service_account_and_their_tags() -> None:
    plan = plan_identity(
        access(),
        Place(environments=PLACE.environments, web_servers=WEB_SERVERS, zscaler_groups={"risk": ("cc-risk", "loc-risk")}),
    )
    ledger, var = plan.workloads
    assert (ledger.service_account, ledger.role_name, ledger.dags, ledger.tasks) == (
        "ledger-close",
        "airflow-ledger-close",
        ("ledger_*",),
        ("*",),
    )
    assert (var.service_account, var.role_name, var.tasks) == ("var-sa", "airflow-var-sa", ("load_a*", "load_b*"))
    assert (ledger.zscaler_groups, var.zscaler_groups) == (("finance",), ("cc-risk", "loc-risk"))


@pytest.mark.parametrize(("session", "seconds"), [("30m", 1800), ("5m", 900), ("12h", 3600), (None, 3600)])
def test_a_task_asks_for_its_shortest_route_within_what_sts_gives(session: str | None, seconds: int) -> None:
    def change(document: dict[str, Any]) -> None:
        entry(document, "routes", "ledger")["session"] = session

    assert plan_identity(access(change=change), PLACE).workloads[0].session == seconds


def test_every_problem_is_told_at_once() -> None:
    def change(document: dict[str, Any]) -> None:
        document["roles"] = [{"name": "op", "base": "Op"}, {"name": "Viewer", "base": "Admin"}, {"name": "risk & more"}]
        for name, role in (("analysts", "risk & more"), ("controllers", "op"), ("ledger-close", "op")):
            entry(document, "principals", name)["role"] = role
        entry(document, "principals", "var-engine")["tasks"] = ["load_[!a]"]
        entry(document, "principals", "var-engine")["serviceAccount"] = "var engine"

    place = Place(
        environments=("finance",),
        web_servers={"ui-finance": "finance", "ui-risk": "risk", "ui-tax": "finance"},
        user_groups={"airflow-finance": "g" * 36, "nobody": "x"},
        zscaler_groups={"tax": ("t",)},
    )
    told = "\n".join(problems(place, change))
    for part in (
        'web_servers["ui-risk"]: no environment',
        'web_servers["ui-tax"]: no destination',
        'principals["var-engine"].environment',
        "leaves characters out",
        "'var engine': AWS takes 2 to 64",
        "'airflow-risk-risk & more': IAM takes",
        'roles["Viewer"].base: Admin: Viewer is a role of Airflow itself',
        "has 36 characters, and a FortiGate takes 35",
        "no principal has the group 'nobody'",
        'zscaler_groups["tax"]',
    ):
        assert part in told, told


def test_a_role_that_nobody_says_the_base_of_is_refused() -> None:
    def change(document: dict[str, Any]) -> None:
        document["roles"] = []

    assert "`roles` does not say what it is in Airflow" in problems(change=change)[0]


def test_two_principals_cannot_have_one_role_at_aws() -> None:
    def change(document: dict[str, Any]) -> None:
        entry(document, "principals", "var-engine")["serviceAccount"] = "LEDGER-close"

    assert any("would be that of 'ledger-close' too" in one for one in problems(change=change))


def test_a_trust_policy_that_is_too_long_is_told_before_aws_does() -> None:
    def change(document: dict[str, Any]) -> None:
        entry(document, "principals", "ledger-close")["dags"] = [f"ledger_{number:03}_with_a_long_name_*" for number in range(60)]

    assert any("characters of trust policy" in one for one in problems(change=change))
