"""Airlock's provider in an MWAA environment: what is shipped, what Airflow is told, and what the tasks' role may ask of AWS."""

from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi_airlock.access import Access
from pulumi_airlock.access.manifest import Manifest, TaskIdentity, manifest
from pulumi_airlock.environments.mwaa import AirflowVpc, ExistingCode, MwaaCode, MwaaEnvironment, MwaaScale, TaskProvider
from pulumi_airlock.environments.mwaa.tasks import TAGS
from pulumi_airlock.errors import InputError

ENVIRONMENT = "mwaa/environment:Environment"
OBJECT = "s3/bucketObjectv2:BucketObjectv2"
POLICY = "iam/rolePolicy:RolePolicy"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:airlock/client-AbCdEf"
ROLE = "arn:aws:iam::111122223333:role/airflow-tasks"
ACCESS = Access.model_validate(
    {
        "principals": [{"name": "ledger", "dags": ["ledger_*"]}],
        "zones": {"dc": {"gates": ["tcp_proxy"]}},
        "destinations": [{"name": "ledger-db", "zone": "dc", "hosts": ["ledger.corp.example"], "ports": ["1521/tcp"]}],
        "routes": [{"name": "close", "from": ["ledger"], "to": ["ledger-db"], "reason": "FIN-1"}],
    }
)


def manifested(source: str = "sts", **more: str) -> Manifest:
    where = {"region": "eu-west-1"} if source == "sts" else {}
    identity = TaskIdentity("https://abc.tokens.sts.global.api.aws", "airlock-proxy", source, "asserted", **(where | more))
    return manifest(ACCESS, "finance", [], identity)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    made = tmp_path / "airflow_provider_airlock-0.1.0-py3-none-any.whl"
    made.write_bytes(b"a wheel")
    return made


def finance(code: Any, tasks: TaskProvider, **more: Any) -> MwaaEnvironment:
    vpc = AirflowVpc(
        "shared",
        owner="platform@bank.example",
        cidr="10.60.0.0/16",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        endpoint_cidrs=["10.60.0.0/26", "10.60.0.64/26"],
    )
    arguments: dict[str, Any] = {
        "owner": "finance@bank.example",
        "airflow_version": "2.11.2",
        "scale": MwaaScale(environment_class="mw1.small", max_workers=5),
        "subnet_cidrs": ["10.60.1.0/24", "10.60.2.0/24"],
        **more,
    }
    return MwaaEnvironment("finance", vpc=vpc, code=code, tasks=tasks, **arguments)


def test_airflow_is_told_where_the_provider_finds_what_it_goes_by(run: Any, dags: Path, wheel: Path) -> None:
    tasks = TaskProvider(
        manifest=manifested(),
        wheel=wheel,
        client_certificate_secret=SECRET,
        task_role_arn=pulumi.Output.from_input(ROLE),
        pass_on=("slack_*", "smtp_default"),
        next_backend="airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend",
        next_backend_kwargs={"variables_prefix": "airflow/variables"},
        vault_address="https://vault.corp.example:8200",
        audit_log_group="airlock-audit",
    )
    engine = run(lambda: finance(MwaaCode(dags=dags), tasks, airflow_options={"core.parallelism": "8"}))
    (environment,) = engine.of(ENVIRONMENT).values()
    assert environment.inputs["airflowConfigurationOptions"] == {
        "core.parallelism": "8",
        "secrets.backend": "airlock_provider.backend.AirlockBackend",
        "airlock.manifest": "/usr/local/airflow/dags/airlock/manifest.json",
        "airlock.client_certificate": f"aws-secret:{SECRET}",
        "airlock.pass_on": "slack_*, smtp_default",
        "airlock.next_backend": "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend",
        "airlock.next_backend_kwargs": '{"variables_prefix": "airflow/variables"}',
        "airlock.aws_role": ROLE,
        "airlock.vault_address": "https://vault.corp.example:8200",
        "airlock.audit_sinks": '[{"kind": "cloudwatch", "log_group": "airlock-audit"}]',
    }


def test_the_options_are_ones_that_the_provider_has(wheel: Path) -> None:
    from airlock_provider.settings import OPTIONS
    from pulumi_airlock.environments.mwaa.tasks import airflow_options

    ca = wheel.with_name("ca.pem")
    full = TaskProvider(
        manifest=manifested(), wheel=wheel, client_certificate_secret=SECRET, proxy_ca=ca, task_role_arn=ROLE, pass_on=("a",)
    )
    told = [one.removeprefix("airlock.") for one in airflow_options(full) if one.startswith("airlock.")]
    assert set(told) <= set(OPTIONS)


def test_the_tags_that_the_role_may_say_are_those_that_the_provider_says() -> None:
    from airlock_provider import aws
    from airlock_provider.audit import TaskRun

    run = TaskRun("finance", "d", "t", "r", ti_id="i", correlation="c", agent_id="a")
    assert {one["Key"] for one in aws.tags(run)} == set(TAGS)


def test_the_manifest_lies_beside_the_dags_and_the_wheel_among_the_plugins(run: Any, dags: Path, wheel: Path) -> None:
    plugins = dags.parent / "plugins"
    plugins.mkdir()
    (plugins / "hello.py").write_text("")
    requirements = dags.parent / "requirements.txt"
    requirements.write_text("--no-index\npandas==2.1.1")
    code = MwaaCode(dags=dags, plugins=plugins, requirements=requirements)
    engine = run(lambda: finance(code, TaskProvider(manifest=manifested(), wheel=wheel)))
    objects = {one.inputs["key"]: one.inputs["source"] for one in engine.of(OBJECT).values()}
    assert objects["dags/airlock/manifest.json"]["text"] == manifested().text()
    assert set(objects["plugins.zip"]["assets"]) == {"hello.py", wheel.name}
    assert objects["requirements.txt"]["text"] == f"--no-index\npandas==2.1.1\n/usr/local/airflow/plugins/{wheel.name}\n"
    (environment,) = engine.of(ENVIRONMENT).values()
    assert environment.inputs["pluginsS3Path"] == "plugins.zip"
    assert environment.inputs["requirementsS3Path"] == "requirements.txt"


def test_a_change_of_routes_changes_the_manifest_and_not_the_environment(run: Any, dags: Path, wheel: Path) -> None:
    def seen(one: Manifest) -> tuple[dict[str, str], Any]:
        engine = run(lambda: finance(MwaaCode(dags=dags), TaskProvider(manifest=one, wheel=wheel)))
        hashes = {found.inputs["key"]: found.inputs["sourceHash"] for found in engine.of(OBJECT).values()}
        (environment,) = engine.of(ENVIRONMENT).values()
        return hashes, environment.inputs

    before, same = seen(manifested())
    after, still = seen(manifested(region="eu-central-1"))
    assert {key for key in before if before[key] != after[key]} == {"dags/airlock/manifest.json"}
    assert same == still


def test_tokens_are_for_the_proxy_alone_and_of_this_environment_alone(run: Any, dags: Path, wheel: Path) -> None:
    tasks = TaskProvider(manifest=manifested(), wheel=wheel, client_certificate_secret=SECRET, task_role_arn=ROLE)
    engine = run(lambda: finance(MwaaCode(dags=dags), tasks))
    names = ("finance-role-tokens", "finance-role-task-role", "finance-role-client-certificate")
    statements = {sid: one for name in names for sid, one in engine.of(POLICY)[name].document().items()}
    assert set(statements) == {"TokensForTheProxy", "SayWhichTask", "CredentialsAsTheTask", "ClientCertificate"}
    condition = statements["TokensForTheProxy"]["Condition"]
    assert condition["ForAllValues:StringEquals"] == {"sts:IdentityTokenAudience": ["airlock-proxy"]}
    assert condition["NumericLessThanEquals"] == {"sts:DurationSeconds": 900}
    assert condition["StringEquals"] == {"aws:RequestTag/environment": "finance", "sts:SigningAlgorithm": "RS256"}
    for sid in ("SayWhichTask", "CredentialsAsTheTask"):
        assert statements[sid]["Condition"]["StringEquals"] == {"aws:RequestTag/environment": "finance"}
    assert (statements["CredentialsAsTheTask"]["Resource"], statements["ClientCertificate"]["Resource"]) == (ROLE, SECRET)
    assert engine.of(ENVIRONMENT)["finance-environment"].depends_on >= set(names)


def test_a_key_of_kms_is_all_that_such_tokens_need(run: Any, dags: Path, wheel: Path) -> None:
    key = "arn:aws:kms:eu-west-1:111122223333:key/0b5a5cd3-0000-4000-8000-000000000000"
    tasks = TaskProvider(manifest=manifested("kms", key=key), wheel=wheel)
    statements = run(lambda: finance(MwaaCode(dags=dags), tasks)).of(POLICY)["finance-role-tokens"].document()
    assert {sid: one["Resource"] for sid, one in statements.items()} == {"SignTokens": key}


def test_without_it_nothing_changes(run: Any, dags: Path) -> None:
    engine = run(lambda: finance(MwaaCode(dags=dags), None))  # type: ignore[arg-type]
    assert set(engine.of(POLICY)) == {"finance-role", "finance-role-key"}
    assert "airflowConfigurationOptions" not in engine.of(ENVIRONMENT)["finance-environment"].inputs


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"airflow_version": "2.10.3"}, "tasks: the provider runs in Airflow 2.11 and later, and this is 2.10.3"),
        (
            {"airflow_options": {"secrets.backend": "x.Y"}},
            'airflow_options["secrets.backend"]: is Airlock\'s with tasks: give yours as tasks.next_backend',
        ),
        ({"airflow_options": {"airlock.manifest": "x"}}, 'airflow_options["airlock.manifest"]: is set by tasks'),
    ],
)
def test_what_would_leave_tasks_without_the_provider_is_refused(
    run: Any, dags: Path, wheel: Path, more: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError) as caught:
        run(lambda: finance(MwaaCode(dags=dags), TaskProvider(manifest=manifested(), wheel=wheel), **more))
    assert says in str(caught.value)


def test_all_that_is_wrong_with_it_is_told_at_once(run: Any, dags: Path, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "plugins.zip", "w") as plugins:
        plugins.writestr("hello.py", "")
    wrong = TaskProvider(
        manifest=manifested(),
        wheel=tmp_path / "other-1.0-py3-none-any.whl",
        proxy_ca=tmp_path / "none.pem",
        client_certificate_secret="airlock/client",
        task_role_arn="role",
        next_backend_kwargs={},
    )
    with pytest.raises(InputError) as caught:
        run(lambda: finance(MwaaCode(dags=dags, plugins=tmp_path / "plugins.zip"), wrong))
    paths = [one.path for one in caught.value.problems]
    assert paths == [
        "tasks.wheel",
        "tasks.proxy_ca",
        "tasks.client_certificate_secret",
        "tasks.task_role_arn",
        "tasks.next_backend_kwargs",
        "code.plugins",
    ]


def test_who_fills_the_bucket_is_told_what_has_to_be_in_it(run: Any, wheel: Path) -> None:
    code = ExistingCode(bucket_arn="arn:aws:s3:::code", dags_path="airflow/dags")
    engine = run(lambda: finance(code, TaskProvider(manifest=manifested(), wheel=wheel)))
    (warning,) = [one for one in engine.warnings if "bucket" in one]
    assert "airflow/dags/airlock/manifest.json (manifest.text())" in warning
    assert f"/usr/local/airflow/plugins/{wheel.name}" in warning


def test_each_principals_certificate_may_be_read_and_no_other_secret(run: Any, dags: Path, wheel: Path) -> None:
    each = SECRET.rpartition(":")[0] + ":airlock/finance/{principal}"
    tasks = TaskProvider(manifest=manifested(), wheel=wheel, client_certificate_secret=each)
    engine = run(lambda: finance(MwaaCode(dags=dags), tasks))
    (statement,) = engine.of(POLICY)["finance-role-client-certificate"].document().values()
    assert statement["Resource"].endswith(":secret:airlock/finance/*")
    (environment,) = engine.of(ENVIRONMENT).values()
    assert environment.inputs["airflowConfigurationOptions"]["airlock.client_certificate"] == f"aws-secret:{each}"
