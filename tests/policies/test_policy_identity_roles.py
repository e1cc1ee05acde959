import json
from typing import Any

from policy_testing import UNKNOWN, on, resource

OKTA = "okta:app/oAuth:OAuth"
POLICY = "aws:iam/policy:Policy"
ROLE = "aws:iam/role:Role"
LOGIN = "arn:aws:airflow:eu-west-1:123456789012:role/finance"


def document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


# Signing in


def test_web_login_scoped() -> None:
    policy = on("airflow-web-login-scoped", POLICY)
    policy.passes(policy=document(Action="airflow:CreateWebLoginToken", Resource=[f"{LOGIN}/Op"]))
    policy.passes(policy=document(Action="airflow:GetEnvironment", Resource="*"))
    policy.passes(policy=document(Action="airflow:CreateWebLoginToken", Resource="arn:aws:airflow:*:*:role/finance/Op"))
    policy.fails("Statement[0].Resource is *", policy=document(Action="airflow:*", Resource="*"))
    policy.fails(f"is {LOGIN}/*", policy=document(Action=["airflow:Create*"], Resource=[f"{LOGIN}/*"]))
    policy.fails("with every role but", policy=document(Action="airflow:CreateWebLoginToken", NotResource=f"{LOGIN}/Admin"))
    policy.fails("any role or environment", policy=document(Action="airflow:InvokeRestApi", Resource=f"{LOGIN}/*"))
    policy.undecided("policy", policy=UNKNOWN)
    inline = [{"name": "a", "policy": document(Action="airflow:CreateWebLoginToken", Resource=f"{LOGIN}/?p")}]
    on("airflow-web-login-scoped", ROLE).fails(
        "inlinePolicies[0].policy.Statement[0].Resource", inlinePolicies=inline, name=UNKNOWN
    )


def test_web_login_no_admin() -> None:
    policy = on("airflow-web-login-no-admin", POLICY)
    admin = document(Action="airflow:CreateWebLoginToken", Resource=[f"{LOGIN}/Op", f"{LOGIN}/Admin"])
    policy.passes(policy=document(Action="airflow:CreateWebLoginToken", Resource=f"{LOGIN}/Op"))
    policy.fails("role/finance/Admin", policy=admin)
    policy.undecided("policy", policy=UNKNOWN)
    on("airflow-web-login-no-admin", POLICY, allowed=["i?"]).passes(policy=admin)


def test_no_cli_token() -> None:
    policy = on("airflow-no-cli-token", POLICY)
    cli = document(Action=["airflow:CreateCliToken"], Resource="arn:aws:airflow:eu-west-1:123456789012:environment/finance")
    policy.passes(policy=document(Action="airflow:CreateWebLoginToken", Resource=f"{LOGIN}/Op"))
    policy.fails("policy.Statement[0] allows airflow:CreateCliToken", policy=cli)
    policy.undecided("policy", policy=UNKNOWN)
    on("airflow-no-cli-token", POLICY, allowed=["it"]).passes(policy=cli)


def test_federation_audience() -> None:
    policy = on("aws-iam-federation-audience", ROLE)
    trust = {"Principal": {"Federated": "arn:aws:iam::1:oidc-provider/x"}, "Action": "sts:AssumeRoleWithWebIdentity"}
    policy.passes(assumeRolePolicy=document(**trust, Condition={"StringEquals": {"x:aud": "airflow"}}))
    policy.passes(assumeRolePolicy=document(Principal={"Service": "ec2.amazonaws.com"}, Action="sts:AssumeRole"))
    policy.fails("Statement[0] trusts every client", assumeRolePolicy=document(**trust), name=UNKNOWN)
    policy.fails("trusts every client", assumeRolePolicy=document(Principal=trust["Principal"], Action="sts:*"))
    policy.undecided("assumeRolePolicy", assumeRolePolicy=UNKNOWN)


# Across systems

EXECUTION = "arn:aws:iam::123456789012:role/tasks"
GROUP, CLIENT, ASSIGNMENT = "okta:group/group:Group", OKTA, "okta:app/groupAssignment:GroupAssignment"


def access(*principals: dict[str, Any]) -> Any:
    everybody = [
        {"name": "ledger", "environment": "finance", "dags": ["ledger_*"]},
        {"name": "analysts", "group": "airflow-risk", "role": "risk"},
        *principals,
    ]
    given = {
        "principals": everybody,
        "roles": [{"name": "risk", "base": "Viewer"}],
        "zones": {"ui": {"cidrs": ["10.40.0.0/24"], "gates": ["edge"]}},
        "destinations": [{"name": "ui", "zone": "ui", "cidrs": ["10.40.0.10/32"], "ports": ["443/tcp"]}],
        "routes": [{"name": "ui", "from": ["analysts"], "to": ["ui"], "reason": "T-1"}],
    }
    return resource("airlock:index:Access", "access", document=given)


def told(**given: Any) -> Any:
    workloads = {"ledger": {"serviceAccount": "ledger", "awsRole": "airflow-ledger"}}
    groups = {"airflow-risk": {"managed": False, "id": "00g-risk"}}
    about = {"webServers": {"ui": "finance"}, "environments": {"finance": "finance"}, "executionRoles": {"finance": EXECUTION}}
    return resource(
        "airlock:index:Identity", "identity", provider="okta", groups=groups, workloads=workloads, **{**about, **given}
    )


def task_role(name: str, *, dags: Any = ("ledger_*",), logical: str = "") -> Any:
    tags = {"aws:RequestTag/dag_id": list(dags), "aws:RequestTag/task_id": "*"} if dags else {}
    trust = document(Principal={"AWS": EXECUTION}, Action=["sts:AssumeRole", "sts:TagSession"], Condition={"StringLike": tags})
    return resource(ROLE, logical or name, name=name, assumeRolePolicy=trust)


FINE = [access(), told(), task_role("airflow-ledger")]


def test_no_orphan() -> None:
    policy = on("identity-no-orphan")
    policy.passes(FINE)
    policy.fails('group "airflow-old" (old)', [*FINE, resource(GROUP, "old", name="airflow-old")], at="old")
    policy.fails('AWS role "side"', [*FINE, task_role("side")], at="side")
    policy.passes([*FINE, resource(GROUP, "later", name=UNKNOWN)])
    policy.undecided("assumeRolePolicy", [access(), told(), resource(ROLE, "r", name="airflow-ledger", assumeRolePolicy=UNKNOWN)])
    assert policy.not_applicable([access()])


def test_declared_way() -> None:
    policy = on("identity-declared-way")
    trust = document(
        Principal={"Federated": "arn:aws:iam::1:oidc-provider/x"},
        Action="sts:AssumeRoleWithWebIdentity",
        Condition={"StringEquals": {"x:aud": "side"}},
    )

    def way(base: str, group: str) -> list[Any]:
        return [
            resource(CLIENT, "side", clientId="side"),
            resource(ASSIGNMENT, "assigned", links={"appId": "side"}, groupId=group),
            resource(ROLE, "sign-in", name="sign-in", assumeRolePolicy=trust),
            resource(
                "aws:iam/rolePolicy:RolePolicy",
                "may",
                links={"role": "sign-in"},
                policy=document(Action="airflow:CreateWebLoginToken", Resource=f"{LOGIN}/{base}"),
            ),
        ]

    policy.passes([*FINE, *way("Viewer", "00g-risk")])
    policy.fails("its declared role is risk", [*FINE, *way("Admin", "00g-risk")], at="sign-in")
    elsewhere = told(webServers={})
    policy.fails(
        "no route leads it there", [access(), elsewhere, task_role("airflow-ledger"), *way("Viewer", "00g-risk")], at="sign-in"
    )
    # Who is assigned is not known, which decides nothing that could be called wrong.
    policy.undecided("assumeRolePolicy", [*FINE, *way("Viewer", UNKNOWN)])


def test_task_role_tagged() -> None:
    policy = on("identity-task-role-tagged")
    policy.passes(FINE)
    policy.fails("without session tags", [access(), told(), task_role("airflow-ledger", dags=())], at="airflow-ledger")
    policy.fails("without session tags", [told(), task_role("side", dags=())], at="side")
    environment = resource("aws:mwaa/environment:Environment", "finance", links={"executionRoleArn": "tasks"}, name="finance")
    linked = [
        resource(ROLE, "tasks", name=UNKNOWN),
        environment,
        resource(ROLE, "r", links={"assumeRolePolicy": "tasks"}),
    ]
    policy.undecided("assumeRolePolicy", linked)


def test_no_drift() -> None:
    policy = on("identity-no-drift")
    policy.passes(FINE)
    policy.fails("lets in a", [access(), told(), task_role("airflow-ledger", dags=["*"])], at="airflow-ledger")
    policy.fails(
        "does not let in ledger_", [access(), told(), task_role("airflow-ledger", dags=["ledger_a"])], at="airflow-ledger"
    )
    policy.fails('group "airflow-tax"', [access({"name": "tax", "group": "airflow-tax"}), told(), task_role("airflow-ledger")])
    matches = [{"serverName": "saml", "groupName": "airflow-tax"}]
    other = resource("fortios:user/group:Group", "ug", name="airflow-risk", matches=matches)
    policy.fails(
        'user group "airflow-risk" stands for',
        [access(), told(userGroups={"airflow-risk": "airflow-risk"}), FINE[2], other],
        at="ug",
    )
    policy.undecided("assumeRolePolicy", [access(), told(), resource(ROLE, "r", name="airflow-ledger", assumeRolePolicy=UNKNOWN)])
