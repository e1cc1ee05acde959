import pytest
from policy_testing import UNKNOWN, on

ENVIRONMENT = "aws:mwaa/environment:Environment"
STREAMS = ("dagProcessingLogs", "schedulerLogs", "taskLogs", "webserverLogs", "workerLogs")


def logging(**changed):
    return {stream: {"enabled": True, "logLevel": "INFO"} for stream in STREAMS} | changed


def test_private_web_server():
    policy = on("mwaa-private-web-server", ENVIRONMENT)
    policy.passes(webserverAccessMode="PRIVATE_ONLY", kmsKey=UNKNOWN)
    policy.fails("is PUBLIC_ONLY", webserverAccessMode="PUBLIC_ONLY")
    policy.undecided("webserverAccessMode", webserverAccessMode=UNKNOWN)


def test_customer_key():
    policy = on("mwaa-customer-key", ENVIRONMENT)
    policy.passes(kmsKey="arn:aws:kms:eu-west-1:123456789012:key/1")
    policy.fails("kmsKey is not set", name="airflow")
    policy.undecided("kmsKey", kmsKey=UNKNOWN)


def test_log_streams():
    policy = on("mwaa-log-streams", ENVIRONMENT)
    policy.passes(loggingConfiguration=logging(taskLogs={"enabled": True, "logLevel": "DEBUG"}))
    policy.fails("workerLogs.enabled is off", loggingConfiguration=logging(workerLogs={"enabled": False, "logLevel": UNKNOWN}))
    policy.fails("taskLogs.logLevel is ERROR", loggingConfiguration=logging(taskLogs={"enabled": True, "logLevel": "ERROR"}))
    policy.fails("schedulerLogs.enabled is off", name="airflow")
    policy.undecided("taskLogs.enabled", loggingConfiguration=logging(taskLogs={"enabled": UNKNOWN}))
    policy.undecided("taskLogs.logLevel", loggingConfiguration=logging(taskLogs={"enabled": True, "logLevel": UNKNOWN}))
    policy.undecided("dagProcessingLogs", loggingConfiguration=UNKNOWN)
    after = policy.remedied(name=UNKNOWN, loggingConfiguration={"taskLogs": {"enabled": True, "logLevel": "DEBUG"}})
    assert after == {"name": UNKNOWN, "loggingConfiguration": logging(taskLogs={"enabled": True, "logLevel": "DEBUG"})}


def test_no_plain_secret():
    policy = on("mwaa-no-plain-secret", ENVIRONMENT)
    policy.passes(
        airflowConfigurationOptions={
            "core.parallelism": "32",
            "secrets.backend": "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend",
            "secrets.backend_kwargs": '{"connections_prefix": "airflow/connections"}',
            "smtp.smtp_password_cmd": "fetch",
            "webserver.secret_key": "",
        }
    )
    policy.fails("smtp.smtp_password", airflowConfigurationOptions={"smtp.smtp_password": "hunter2", "core.parallelism": UNKNOWN})
    policy.undecided("core.x", airflowConfigurationOptions={"core.x": UNKNOWN})
    policy.undecided("airflowConfigurationOptions", airflowConfigurationOptions=UNKNOWN)


@pytest.mark.parametrize("value", ["postgresql://etl:s3cr3t@db/x", "AKIA" + "A" * 16, "-----BEGIN RSA PRIVATE KEY-----"])
def test_a_credential_is_seen_whatever_the_option_is_called(value):
    on("mwaa-no-plain-secret", ENVIRONMENT).fails("looks like a credential", airflowConfigurationOptions={"custom.value": value})


def test_safe_airflow_options():
    policy = on("mwaa-safe-airflow-options", ENVIRONMENT)
    policy.passes(airflowConfigurationOptions={"webserver.expose_config": "False"})
    policy.fails("is True", airflowConfigurationOptions={"webserver.expose_config": "True", "core.parallelism": UNKNOWN})
    policy.undecided("webserver.expose_config", airflowConfigurationOptions={"webserver.expose_config": UNKNOWN})


def test_pinned_code():
    policy = on("mwaa-pinned-code", ENVIRONMENT)
    policy.passes(requirementsS3Path="requirements.txt", requirementsS3ObjectVersion="v1")
    policy.fails("requirementsS3ObjectVersion is missing", requirementsS3Path="requirements.txt", name=UNKNOWN)
    policy.undecided("pluginsS3ObjectVersion", pluginsS3Path="plugins.zip", pluginsS3ObjectVersion=UNKNOWN)
