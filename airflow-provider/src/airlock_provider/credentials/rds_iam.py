"""Tokens for RDS and Aurora with IAM authentication: signed on this machine, good for opening a connection for 15 minutes.

The host in the token must be the instance's own endpoint (RDS User Guide, "Connecting to your DB instance using IAM
authentication"): an alias is refused by the database. A connection that is open stays open.
"""

from __future__ import annotations

import re

from .login import Asked, CredentialError, Login, soon

LIFETIME = 900
"""Seconds (RDS User Guide, "IAM database authentication for MariaDB, MySQL, and PostgreSQL")."""
_ENDPOINT = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-[0-9])\.rds\.amazonaws\.com(?:\.cn)?$")


def issue(asked: Asked) -> Login:
    """A token for one user of one instance."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise CredentialError("credentials of AWS need boto3: install airflow-provider-airlock[aws]") from None
    from .. import aws

    if not asked.user:
        raise CredentialError(f"{asked.ref}: which user? the manifest's connections say no login")
    found = _ENDPOINT.search(asked.host)
    region = found[1] if found else asked.region
    try:
        client = aws.client("rds", asked.run, region)
        token = client.generate_db_auth_token(
            DBHostname=asked.host, Port=asked.port, DBUsername=asked.user, Region=client.meta.region_name
        )
    except (BotoCoreError, ClientError) as error:
        raise CredentialError(f"{asked.ref}: no token for user {asked.user}: {error}") from None
    # Signed with credentials that may end sooner than the token says; another is signed when half of its time is over.
    return Login(asked.user, token, soon(LIFETIME / 2))
