"""The component: every credential that routes name and every gate's own token, renewed on one cadence, loud when it is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from json import dumps
from typing import Any

import pulumi
import pulumi_aws as aws

from ...access.model import Access
from ...access.values import parse_duration
from ...environments.mwaa.checks import check_account, checked_tags, current_account, resolved_region
from ...errors import Problems
from ...tokens import CREDENTIALS
from .alarms import Alarms, make_topic
from .cadence import schedule_expression
from .checks import Declared, check, check_operation, secret_key
from .documents import database_arn, key_document, reader_policy, secret_policy
from .function import Place, make_function, make_role
from .needs import RDS_TOKEN, Need, needs, rotation, text
from .parts import BroughtRotator, FunctionNetwork, GateToken, RdsDatabase, Rotator, VaultLease
from .rotation_function.service import Settings

_ROTATED_BY = {"rds-iam": "token", "gcp-iam": "token", "vault": "vault", "static": "nobody"}


@dataclass(frozen=True)
class _Secret:
    """A secret to make: a route's or a gate's."""

    key: str
    """In the names of its children."""
    name: str
    cadence: timedelta
    settings: Settings | None
    """For our function; None where another one rotates it."""
    function_arn: pulumi.Input[str] | None
    function_role_arn: pulumi.Input[str] | None
    initial: pulumi.Input[str] | None
    readers: tuple[str, ...]
    """Principals; none for a gate's token, which administrators read."""


class Credentials(pulumi.ComponentResource):
    """Everything that routes and gates authenticate with: kept, readable by whom it is for, rotated, and watched.

    - `secrets-manager`: a secret of that name, with a key, a policy of its own, and rotation;
    - `rds-iam`: the right to connect as exactly one user of one database; tokens live 15 minutes, so nothing is rotated;
    - `vault`, `gcp-iam`: leases and tokens of their own systems: nothing is made, what is declared is recorded and checked;
    - `static`: refused, unless each of its routes expires: then it is recorded, and shown as an exception;
    - a gate's own API token: a secret of the name `airlock/<component>/<gate>`, rotated by the function that is shipped here.

    Args:
        access: the access file; its `rotation` is the one cadence, and a credential's own `rotate` may be faster.
        owner: who answers for it; a tag of every resource.
        readers: principal → ARN of the role that its tasks have: only it may read its secrets.
        rotators: ref of a secrets-manager credential → who rotates it.
        gates: the gates' tokens.
        databases: ref of an rds-iam credential → its database and user.
        vault: how long Vault's leases live: one for all paths, or by path.
        administrators: ARNs of roles that may read every secret: whoever deploys with the gates' tokens, and breaks the glass.
        watched: name → ARN of further secrets, rotated elsewhere (`FortigateApiToken` writes one): an alarm tells when one is
            older than the access file's `rotation`.
        alarm_topic_arn: where alarms go; its policy must let `cloudwatch.amazonaws.com` and `events.amazonaws.com` publish.
        alarm_emails: makes a topic with these subscribers instead.
        account_id: the AWS account (12 digits); asked of AWS unless given.
        region: the provider's, unless given.
        kms_key_arn: brings the key instead of making one; its policy must let logs, CloudWatch and EventBridge use it.
        grace: how long a replaced credential stays valid for those who still hold it.
        network: where the function runs, to reach private addresses.
        ca_certificates: PEM of a private authority that signed the certificates of what the function talks to.
        recovery_window_days: how long a deleted secret can be had back, 7 to 30.
        log_retention_days: of the function's log.
        tracing: traces the function with X-Ray.
        rotate_immediately: rotates as soon as rotation is switched on; otherwise Secrets Manager only tries the function then.
        protect_data: Pulumi refuses to delete the key and the secrets.
        tags: further tags for every resource.

    A secret needs a first value before it can rotate. Give it as `initial`, a Pulumi secret, or write it with
    `aws secretsmanager put-secret-value` after a first update, which ends with rotation not switched on. Take `initial` out after
    the first rotation: nothing is deleted by that, and no later update can write the old value again.

    Raises:
        InputError: every problem at once, before anything is registered.
    """

    kms_key_arn: pulumi.Output[str]
    secret_arns: dict[str, pulumi.Output[str]]
    """Secret's name → its ARN: the ref of a route's credential, `airlock/<component>/<gate>` of a gate's token."""
    alarm_topic_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        access: Access,
        owner: str,
        readers: Mapping[str, pulumi.Input[str]] | None = None,
        rotators: Mapping[str, Rotator] | None = None,
        gates: Sequence[GateToken] = (),
        databases: Mapping[str, RdsDatabase] | None = None,
        vault: VaultLease | Mapping[str, VaultLease] | None = None,
        administrators: Sequence[pulumi.Input[str]] = (),
        watched: Mapping[str, pulumi.Input[str]] | None = None,
        alarm_topic_arn: pulumi.Input[str] | None = None,
        alarm_emails: Sequence[str] = (),
        account_id: str | None = None,
        region: str | None = None,
        kms_key_arn: pulumi.Input[str] | None = None,
        grace: str = "1h",
        network: FunctionNetwork | None = None,
        ca_certificates: str | None = None,
        recovery_window_days: int = 30,
        log_retention_days: int = 365,
        tracing: bool = False,
        rotate_immediately: bool = False,
        protect_data: bool = False,
        tags: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        problems = Problems(name)
        region = resolved_region(region, problems, opts)
        all_tags = checked_tags(owner, tags, problems)
        check_account("account_id", account_id, problems)
        declared = Declared(
            needs=needs(access),
            everything=rotation(access),
            principals=tuple(one.name for one in access.principals if not one.is_people),
            rotators=rotators or {},
            gates=gates,
            databases=databases or {},
            vault=vault or {},
            readers=readers or {},
            administrators=administrators,
            grace=grace,
            watched=watched or {},
        )
        check(name, declared, problems)
        check_operation(alarm_topic_arn, alarm_emails, recovery_window_days, log_retention_days, ca_certificates, problems)
        problems.raise_any()

        self._name, self._declared, self._grace = name, declared, parse_duration(grace)
        recorded = self._record()
        # Policies need it, and `pulumi preview --json` has no outputs of components.
        super().__init__(CREDENTIALS, name, recorded, opts)
        for need in declared.of_kind("static"):
            pulumi.warn(f'{name}: "{need.ref}" is static until {need.expires}: nobody renews it', self)
        child = pulumi.ResourceOptions(parent=self)
        self._data = pulumi.ResourceOptions(parent=self, protect=protect_data or None)
        account = current_account(account_id, self)
        self.kms_key_arn = self._key(account, region, all_tags) if kms_key_arn is None else pulumi.Output.from_input(kms_key_arn)
        self._place = Place(name, region, account, self.kms_key_arn, all_tags, child)
        self.secret_arns = {}
        self._recovery_window_days, self._rotate_immediately = recovery_window_days, rotate_immediately

        before: list[pulumi.Resource] = []
        if alarm_topic_arn is None:
            self.alarm_topic_arn, allowed = make_topic(self._place, alarm_emails)
            before.append(allowed)
        else:
            self.alarm_topic_arn = pulumi.Output.from_input(alarm_topic_arn)
        alarms = Alarms(self._place, self.alarm_topic_arn)
        secrets = self._secrets()
        if secrets or declared.watched:
            self._make_secrets(secrets, alarms, before, network, ca_certificates, log_retention_days, tracing)
        self._grant_readers(secrets)
        for route in access.routes:
            if route.credential is not None:
                alarms.refresh(route.name)
        self.register_outputs(
            {
                **recorded,
                "kmsKeyArn": self.kms_key_arn,
                "alarmTopicArn": self.alarm_topic_arn,
                "secretArns": self.secret_arns,
            }
        )

    def _secrets(self) -> list[_Secret]:
        """Every secret to make. All that is missing here has been refused."""
        found = []
        grace = {"grace_minutes": int(self._grace.total_seconds() // 60)}
        for need in self._declared.of_kind("secrets-manager"):
            rotator = self._declared.rotators[need.ref]
            brought = rotator if isinstance(rotator, BroughtRotator) else None
            ours = None if isinstance(rotator, BroughtRotator) else rotator
            found.append(
                _Secret(
                    key=secret_key(need.ref),
                    name=need.ref,
                    cadence=need.cadence or timedelta(),
                    settings={**ours.settings(), **grace} if ours else None,
                    function_arn=brought.function_arn if brought else None,
                    function_role_arn=brought.role_arn if brought else None,
                    initial=ours.initial if ours else None,
                    readers=need.principals,
                )
            )
        for token in self._declared.gates:
            settings = {**token.settings(), **grace}
            if "manager" in settings:
                settings["manager"] = self._gate_secret(settings["manager"])
            cadence = self._declared.gate_cadence(token) or timedelta()
            found.append(
                _Secret(f"gate-{token.gate}", self._gate_secret(token.gate), cadence, settings, None, None, token.initial, ())
            )
        return found

    def _gate_secret(self, gate: str) -> str:
        return f"airlock/{self._name}/{gate}"

    def _make_secrets(
        self,
        secrets: Sequence[_Secret],
        alarms: Alarms,
        before: Sequence[pulumi.Resource],
        network: FunctionNetwork | None,
        ca_certificates: str | None,
        log_retention_days: int,
        tracing: bool,
    ) -> None:
        role = make_role(self._place)
        made = {one.name: self._secret(one, role) for one in secrets}
        own = [made[one.name].arn for one in secrets if one.settings is not None]
        watched = [made[one.name].arn for one in secrets if one.settings is None]
        elsewhere = {name: pulumi.Output.from_input(arn) for name, arn in self._declared.watched.items()}
        watched += elsewhere.values()
        settings = {one.name: one.settings or {"kind": "brought"} for one in secrets}
        settings |= {name: {"kind": "elsewhere"} for name in elsewhere}
        function = make_function(self._place, role, settings, own, watched, network, ca_certificates, log_retention_days, tracing)
        for one in secrets:
            self._rotate(one, made[one.name], function.function)
            alarms.overdue(one.key, one.name, one.cadence)
        for name in elsewhere:
            alarms.overdue(f"watched-{secret_key(name).removeprefix('secret-')}", name, self._declared.everything or timedelta())
        alarms.of_function(function)
        if made:
            alarms.rotation_failed({name: one.arn for name, one in made.items()}, before)
            principals = dict.fromkeys(principal for one in secrets for principal in one.readers)
            alarms.reading_failed([pulumi.Output.from_input(self._declared.readers[one]) for one in principals], before)

    def _secret(self, one: _Secret, role: aws.iam.Role) -> aws.secretsmanager.Secret:
        secret = aws.secretsmanager.Secret(
            f"{self._name}-{one.key}",
            name=one.name,
            description="Made and rotated by Airlock",
            kms_key_id=self.kms_key_arn,
            recovery_window_in_days=self._recovery_window_days,
            tags=self._place.tags,
            opts=self._data,
        )
        readers = [pulumi.Output.from_input(self._declared.readers[principal]) for principal in one.readers]
        # Who rotates it reads it: our function, or the brought one.
        rotating = role.arn if one.function_role_arn is None else one.function_role_arn
        aws.secretsmanager.SecretPolicy(
            f"{self._name}-{one.key}",
            secret_arn=secret.arn,
            block_public_policy=True,
            policy=pulumi.Output.all(readers, [rotating, *self._declared.administrators]).apply(
                lambda known: dumps(secret_policy(known[0], known[1]))
            ),
            opts=self._place.opts,
        )
        self.secret_arns[one.name] = secret.arn
        return secret

    def _rotate(self, one: _Secret, secret: aws.secretsmanager.Secret, function: aws.lambda_.Function) -> None:
        before: list[pulumi.Resource] = []
        if one.initial is not None:
            before.append(
                aws.secretsmanager.SecretVersion(
                    f"{self._name}-{one.key}-initial",
                    secret_id=secret.id,
                    secret_string=pulumi.Output.secret(one.initial),
                    # The first value only: rotation writes all that follow, and taking this out must delete nothing.
                    opts=pulumi.ResourceOptions(parent=self, ignore_changes=["secretString"], retain_on_delete=True),
                )
            )
        arn = pulumi.Output.from_input(one.function_arn) if one.function_arn is not None else function.arn
        if one.function_arn is None:
            before.append(
                aws.lambda_.Permission(
                    f"{self._name}-{one.key}",
                    action="lambda:InvokeFunction",
                    function=function.name,
                    principal="secretsmanager.amazonaws.com",
                    source_account=self._place.account,
                    source_arn=secret.arn,
                    opts=self._place.opts,
                )
            )
        aws.secretsmanager.SecretRotation(
            f"{self._name}-{one.key}",
            secret_id=secret.id,
            rotation_lambda_arn=arn,
            rotate_immediately=self._rotate_immediately,
            rotation_rules={"schedule_expression": schedule_expression(one.cadence)},
            opts=pulumi.ResourceOptions(parent=self, depends_on=before),
        )

    def _grant_readers(self, secrets: Sequence[_Secret]) -> None:
        """The role of each principal with a credential: its secrets and database users, and to say that it got none."""
        place = self._place
        for principal, role in self._declared.readers.items():
            mine = [self.secret_arns[one.name] for one in secrets if principal in one.readers]
            users = [
                self._declared.databases[need.ref] for need in self._declared.of_kind("rds-iam") if principal in need.principals
            ]
            if not any(principal in need.principals for need in self._declared.needs):
                continue

            def document(known: Sequence[Any], users: Sequence[RdsDatabase] = tuple(users)) -> str:
                arns, key, account = known
                databases = [database_arn(place.region, account, one.resource_id, one.user) for one in users]
                return dumps(reader_policy(arns, databases, key, place.region))

            aws.iam.RolePolicy(
                f"{self._name}-reader-{principal}",
                role=pulumi.Output.from_input(role).apply(lambda arn: arn.rsplit("/", 1)[-1]),
                policy=pulumi.Output.all(mine, self.kms_key_arn, place.account).apply(document),
                opts=place.opts,
            )

    def _key(self, account: pulumi.Output[str], region: str, tags: Mapping[str, str]) -> pulumi.Output[str]:
        log_group = f"/aws/lambda/airlock-{self._name}-rotation"
        key = aws.kms.Key(
            f"{self._name}-key",
            description=f"Credentials of {self._name}",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            policy=account.apply(lambda known: dumps(key_document(known, region, log_group))),
            tags=tags,
            opts=self._data,
        )
        made: pulumi.Output[str] = key.arn
        return made

    def _record(self) -> dict[str, Any]:
        """What policies read: every credential and every gate's token, who renews it, and how often."""
        return {
            "rotation": text(self._declared.everything),
            "grace": text(self._grace),
            "watched": sorted(self._declared.watched),
            "credentials": [self._recorded(need) for need in self._declared.needs],
            "gates": [
                {
                    "gate": token.gate,
                    "kind": token.settings()["kind"],
                    "rotate": text(self._declared.gate_cadence(token)),
                    "rotatedBy": "function",
                    "secret": self._gate_secret(token.gate),
                }
                for token in self._declared.gates
            ],
        }

    def _recorded(self, need: Need) -> dict[str, Any]:
        if need.kind == "secrets-manager":
            brought = isinstance(self._declared.rotators[need.ref], BroughtRotator)
            return need.record("brought" if brought else "function", secret=need.ref)
        if need.kind == "rds-iam":
            database = self._declared.databases[need.ref]
            where = {"resourceId": database.resource_id, "user": database.user}
            return need.record("token", ttl=text(RDS_TOKEN), **where)
        lease = self._declared.lease(need.ref) if need.kind == "vault" else None
        return need.record(_ROTATED_BY[need.kind], **({"ttl": lease.ttl, "maxTtl": lease.max_ttl or lease.ttl} if lease else {}))
