"""Simulated types of what keeps and rotates credentials (see `simulated_types`): secrets, functions, queues, events, alarms."""

from collections.abc import Mapping

from .simulated_aws import _aws, _tied
from .simulation import Simulated

CREDENTIALS: Mapping[str, Simulated] = {
    "aws:secretsmanager/secretPolicy:SecretPolicy": _tied("{in.secretArn}", "secretArn"),
    "aws:secretsmanager/secretRotation:SecretRotation": _tied("{in.secretId}", "secretId", rotationEnabled=True),
    "aws:lambda/function:Function": _aws(
        "{name}",
        "lambda:{region}:{account}:function:{name}",
        "name packageType",
        {
            "name": "{name}",
            "invokeArn": (
                "arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/"
                "arn:aws:lambda:{region}:{account}:function:{name}/invocations"
            ),
            "qualifiedArn": "arn:aws:lambda:{region}:{account}:function:{name}:$LATEST",
            "version": "$LATEST",
            "lastModified": "2026-01-01T00:00:00.000+0000",
            "codeSha256": "{content}",
        },
        refreshed="lastModified codeSha256",
    ),
    "aws:lambda/permission:Permission": _tied(
        "{name}",
        "action function principal sourceArn sourceAccount statementId qualifier",
        statementId="{name}",
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": _tied("{in.functionName}", "functionName qualifier"),
    "aws:sqs/queue:Queue": _aws(
        "https://sqs.{region}.amazonaws.com/{account}/{name}",
        "sqs:{region}:{account}:{name}",
        "name namePrefix fifoQueue",
        {"name": "{name}", "url": "https://sqs.{region}.amazonaws.com/{account}/{name}"},
    ),
    "aws:sns/topicPolicy:TopicPolicy": _tied("{in.arn}", "arn", owner="{account}"),
    "aws:sns/topicSubscription:TopicSubscription": _aws(
        "{in.topic}:{hex8}-{hex4.a}-4{hex3.b}-a{hex3.c}-{hex12.d}",
        "",
        "topic protocol endpoint",
        {"arn": "{out.id}", "ownerId": "{account}"},
    ),
    "aws:cloudwatch/eventRule:EventRule": _aws(
        "{name}", "events:{region}:{account}:rule/{name}", "name namePrefix eventBusName", {"name": "{name}"}
    ),
    "aws:cloudwatch/eventTarget:EventTarget": _tied(
        "{in.rule}-{hex12.target}", "rule targetId eventBusName", targetId="{hex12.target}"
    ),
}
"""By token."""
