"""Policies on the resources that keep and rotate credentials: keys, functions, alarms, and how Pulumi itself signs in."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import Severity

from .controls import Soc2
from .credentials import ROTATION, SECRET
from .reading import UNKNOWN, Resource, Stack, Subject
from .registry import Config, Findings, plain_text, resource_policy, stack_policy, undecided, wrong

FUNCTION = "aws:lambda/function:Function"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
NAMESPACE = "Airlock/Credentials"

PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "pulumi:providers:azuread": ("clientSecret", "clientCertificatePassword", "oidcToken", "oidcRequestToken"),
    "pulumi:providers:okta": ("apiToken", "accessToken", "privateKey"),
    "pulumi:providers:vault": ("token",),
    "pulumi:providers:zia": ("clientSecret", "privateKey", "password", "apiKey", "sandboxToken"),
    "pulumi:providers:zpa": ("clientSecret", "privateKey", "zpaClientSecret"),
}
"""Provider → its arguments that are secrets (the providers' schemas). A FortiGate's: `fortigate-provider-credential-secret`."""

_SECRET_NAME = re.compile(r"(password|passwd|secret|token|api_?key|private_?key|credential)s?$", re.IGNORECASE)
_REFERENCE = re.compile(r"arn:aws[a-z-]*:")


@resource_policy(
    "credential-provider-secret",
    types=tuple(PROVIDERS),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Set it from a secret (`pulumi config set --secret`, `pulumi.Output.secret`), or leave it to the environment.",
    url="https://www.pulumi.com/docs/iac/concepts/secrets/",
)
def provider_secret(it: Subject) -> Findings:
    """What Pulumi signs in with at Zscaler, Okta, Entra and Vault is never plain text in the state."""
    yield from plain_text(it, *(prop for prop in PROVIDERS[it.resource.type] if it.get(prop) != ""))


@resource_policy(
    "credential-secret-kms",
    types=(SECRET,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Set `kmsKeyId` to a key of yours, so that reading the secret takes two rights.",
    url="https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html",
)
def secret_kms(it: Subject) -> Findings:
    """Secrets are encrypted with a customer's key, not with the one that every identity of the account may use."""
    key = it.get("kmsKeyId", default="")
    if key is UNKNOWN:
        yield undecided(it, "kmsKeyId")
    elif not key or str(key).endswith("alias/aws/secretsmanager"):
        yield wrong(it, "kmsKeyId", "is not set" if not key else "is AWS's own key")


@resource_policy(
    "credential-alarm-heard",
    types=(ALARM,),
    severity=Severity.HIGH,
    soc2=Soc2.CC7_2,
    fix="Set `alarmActions` to a topic that somebody reads, leave `actionsEnabled` on, and say `treatMissingData`.",
    url="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html",
)
def alarm_heard(it: Subject) -> Findings:
    """An alarm on credentials tells somebody, and says what silence means."""
    namespace = it.get("namespace")
    if namespace is not UNKNOWN and namespace != NAMESPACE:
        return
    if namespace is UNKNOWN:
        yield undecided(it, "namespace")
        return
    enabled, actions = it.get("actionsEnabled", default=True), it.get("alarmActions")
    if enabled is False:
        yield wrong(it, "actionsEnabled", "is off: nobody hears it")
    elif UNKNOWN in (enabled, actions):
        yield undecided(it, "actionsEnabled" if enabled is UNKNOWN else "alarmActions")
    elif not actions:
        yield wrong(it, "alarmActions", "is empty: nobody hears it")
    if it.get("treatMissingData") is None:
        yield wrong(it, "treatMissingData", "is not said: silence may be a failure, or none")


def _functions(stack: Stack) -> Iterator[Resource]:
    """The functions of the stack that rotate secrets; a function from elsewhere is somebody else's to watch."""
    seen = set()
    for rotation in stack.of_type(ROTATION):
        given = rotation.get("rotationLambdaArn")
        for function in stack.of_type(FUNCTION):
            named = given is not UNKNOWN and given is not None and given == function.get("arn")
            if (named or function in rotation.refers_to("rotationLambdaArn")) and function.urn not in seen:
                seen.add(function.urn)
                yield function


@stack_policy(
    "credential-function-alarmed",
    types=(ROTATION,),
    beside=(FUNCTION, ALARM),
    severity=Severity.HIGH,
    soc2=Soc2.CC7_2,
    fix="Add an `aws.cloudwatch.MetricAlarm` on `Errors` of the function in `AWS/Lambda`, with `alarmActions`.",
    url="https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html",
)
def function_alarmed(stack: Stack, _: Config) -> Findings:
    """A function that rotates secrets does not fail unheard."""
    for function in _functions(stack):
        answers = [_tells_of(alarm, function) for alarm in stack.of_type(ALARM)]
        if True in answers:
            continue
        if UNKNOWN in answers:
            yield undecided(function, "alarm")
        else:
            yield wrong(function, "", "rotates secrets, and no alarm tells of its errors")


def _tells_of(alarm: Resource, function: Resource) -> Any:
    """Whether an alarm rings for a function's errors, and is heard: True, False, or `UNKNOWN`."""
    namespace, metric = alarm.get("namespace"), alarm.get("metricName")
    if (namespace is not UNKNOWN and namespace != "AWS/Lambda") or (metric is not UNKNOWN and metric != "Errors"):
        return False
    name = alarm.get("dimensions", "FunctionName")
    linked = function in alarm.refers_to("dimensions")
    if not linked and name is not UNKNOWN and name != function.get("name"):
        return False
    if alarm.get("actionsEnabled") is False or alarm.get("alarmActions") in (None, []):
        return False
    known = linked or (name is not UNKNOWN and function.get("name") is not UNKNOWN)
    return UNKNOWN if not known or UNKNOWN in (namespace, metric) else True


@stack_policy(
    "credential-function-environment",
    types=(ROTATION,),
    beside=(FUNCTION,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Take it out of the environment, and let the function read it from a secret: give it the secret's ARN.",
    url="https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html",
)
def function_environment(stack: Stack, _: Config) -> Findings:
    """No function that rotates secrets holds one in its environment, where whoever may see the function reads it."""
    for function in _functions(stack):
        variables = function.get("environment", "variables", default={})
        if variables is UNKNOWN:
            yield undecided(function, "environment.variables")
            continue
        for name, value in variables.items() if isinstance(variables, Mapping) else ():
            if not _SECRET_NAME.search(str(name)):
                continue
            path = f"environment.variables.{name}"
            if value is UNKNOWN:
                yield undecided(function, path)
            elif value and not _REFERENCE.match(str(value)):
                yield wrong(function, path, "holds what its name says is a secret")
