"""Tokens of AWS STS (`GetWebIdentityToken`): real OIDC tokens for a role of AWS, with the task's ids as request tags.

The account's outbound identity federation has to be enabled; the role needs `sts:GetWebIdentityToken`, and for the tags
`sts:TagGetWebIdentityToken` (IAM User Guide, "Controlling access with IAM policies"). A regional endpoint alone answers; 60 to
3,600 seconds (STS API Reference, GetWebIdentityToken).
"""

from __future__ import annotations

from ..audit import TaskRun
from ..manifest import Identity
from .token import Token, TokenError


def issue(identity: Identity, run: TaskRun, seconds: int) -> Token:
    """A token of STS."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise TokenError("tokens of AWS STS need boto3: install airflow-provider-airlock[aws]") from None
    from .. import aws

    try:
        client = aws.worker("sts", identity.region)
        said = client.get_web_identity_token(
            Audience=[identity.audience],
            DurationSeconds=max(60, min(seconds, 3600)),
            SigningAlgorithm="RS256",
            Tags=aws.tags(run),
        )
    except AttributeError:
        raise TokenError("this boto3 has no GetWebIdentityToken: 1.41.2 or later has") from None
    except (BotoCoreError, ClientError) as error:
        raise TokenError(f"AWS STS gives no token: {error}") from None
    return Token.read(str(said["WebIdentityToken"]))
