import pytest
from policy_testing import UNKNOWN, Secret, on, resource

SECRET = "aws:secretsmanager/secret:Secret"
ROTATION = "aws:secretsmanager/secretRotation:SecretRotation"
FUNCTION = "aws:lambda/function:Function"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


@pytest.mark.parametrize(
    ("package", "prop"),
    [
        ("zpa", "clientSecret"),
        ("zpa", "zpaClientSecret"),
        ("zia", "password"),
        ("zia", "apiKey"),
        ("okta", "apiToken"),
        ("azuread", "clientSecret"),
        ("vault", "token"),
    ],
)
def test_provider_secret(package, prop):
    policy = on("credential-provider-secret", f"pulumi:providers:{package}")
    policy.passes(**{prop: Secret("x")})
    policy.passes(clientId="public")
    policy.passes(**{prop: ""})
    policy.passes(**{prop: Secret(UNKNOWN)})
    policy.fails(f"{prop} is plain text", **{prop: "x"})


def test_secret_kms():
    policy = on("credential-secret-kms", SECRET)
    policy.passes(kmsKeyId="arn:aws:kms:eu-west-1:111122223333:key/x")
    policy.fails("kmsKeyId is not set")
    policy.fails("is AWS's own key", kmsKeyId="alias/aws/secretsmanager")
    policy.undecided("kmsKeyId", kmsKeyId=UNKNOWN)


def test_alarm_heard():
    policy = on("credential-alarm-heard", ALARM)
    heard = {"namespace": "Airlock/Credentials", "alarmActions": ["arn:aws:sns:x"], "treatMissingData": "breaching"}
    policy.passes(**heard)
    policy.passes(namespace="AWS/EC2")
    policy.fails("alarmActions is empty", **{**heard, "alarmActions": []})
    policy.fails("actionsEnabled is off", **heard, actionsEnabled=False)
    policy.fails("treatMissingData is not said", **{**heard, "treatMissingData": None})
    policy.undecided("alarmActions", **{**heard, "alarmActions": UNKNOWN})
    policy.undecided("actionsEnabled", **heard, actionsEnabled=UNKNOWN)
    policy.undecided("namespace", namespace=UNKNOWN)


def function(**props):
    return resource(FUNCTION, "function", **{"name": "rotate", **props})


def rotating(*resources, **props):
    by = resource(ROTATION, "rotation", links={"rotationLambdaArn": "function"})
    return [by, function(**props), *resources]


def alarm(links=None, **props):
    given = {"namespace": "AWS/Lambda", "metricName": "Errors", "alarmActions": ["arn:aws:sns:x"], **props}
    return resource(ALARM, "alarm", links=links, **given)


def test_function_alarmed():
    policy = on("credential-function-alarmed")
    policy.passes(rotating(alarm(links={"dimensions": "function"})))
    policy.passes(rotating(alarm(dimensions={"FunctionName": "rotate"})))
    policy.passes([resource(ROTATION, "rotation", rotationLambdaArn="arn:aws:lambda:elsewhere")])
    policy.passes([resource(ROTATION, "other", rotationLambdaArn="arn:aws:lambda:elsewhere"), function()])
    says = "rotates secrets, and no alarm tells of its errors"
    policy.fails(says, rotating(), at="function")
    policy.fails(says, rotating(alarm(dimensions={"FunctionName": "another"})))
    policy.fails(says, rotating(alarm(links={"dimensions": "function"}, metricName="Duration")))
    policy.fails(says, rotating(alarm(links={"dimensions": "function"}, namespace="AWS/SQS")))
    policy.fails(says, rotating(alarm(links={"dimensions": "function"}, alarmActions=[])))
    policy.fails(says, rotating(alarm(links={"dimensions": "function"}, actionsEnabled=False)))
    known = [resource(ROTATION, "rotation", rotationLambdaArn="arn:f"), function(arn="arn:f")]
    policy.fails(says, known, at="function")
    policy.undecided("alarm", rotating(alarm(dimensions={"FunctionName": UNKNOWN})))
    policy.undecided("alarm", rotating(alarm(links={"dimensions": "function"}, metricName=UNKNOWN)))


@pytest.mark.parametrize("name", ["DB_PASSWORD", "apiToken", "CLIENT_SECRET", "FW_API_KEY"])
def test_function_environment(name):
    policy = on("credential-function-environment")
    policy.passes(rotating())
    policy.passes(rotating(environment={"variables": {"LOG_LEVEL": "INFO", name: "arn:aws:secretsmanager:x"}}))
    policy.passes(rotating(environment={"variables": {f"{name}_NAME": "gates/edge", name: ""}}))
    policy.passes(
        [function(environment={"variables": {name: "x"}}), resource(ROTATION, "rotation", rotationLambdaArn="arn:other")]
    )
    path = f"environment.variables.{name}"
    policy.fails(f"{path} holds what its name says is a secret", rotating(environment={"variables": {name: "x"}}), at="function")
    policy.undecided(path, rotating(environment={"variables": {name: UNKNOWN}}))
    policy.undecided("environment.variables", rotating(environment={"variables": UNKNOWN}))
