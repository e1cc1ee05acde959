"""The component: checks the declaration whole, then makes the archive, the way to the SIEM, and each source's part."""

from collections.abc import Mapping, Sequence

import pulumi

from ..environments.mwaa import MwaaEnvironment
from ..environments.mwaa.checks import check_account, checked_tags, current_account, known, resolved_region
from ..environments.mwaa.limits import KEY_ARN, RETENTION_DAYS, partition
from ..errors import Problems
from ..tokens import AUDIT_TRAIL
from .archive import Archive, Bucket, check_archive, default_archive, make_archive, trail_name
from .cloudtrail import CloudTrail, ExistingTrail, check_trail, make_trail
from .delivery import Delivery, Site
from .flow_logs import make_flow_logs
from .fortigate import FortigateSyslog, check_syslog, make_syslog
from .key import make_audit_key
from .siem import CloudWatchIntake, LssReceiver, NssTarget, S3Intake, Siem, check_siem


class AuditTrail(pulumi.ComponentResource):
    """Makes all log to one declared SIEM: what AWS writes (MWAA's five streams, VPC flow logs, CloudTrail, VPN), FortiGates.

    ZPA and ZIA gates make their own log streaming: hand them `lss_receiver` and `nss_target`.

    Args:
        owner: who answers for it; a tag of every resource.
        siem: the SIEM and its intakes.
        environments: MWAA environments, each with five log groups.
        log_groups: further log groups, by a label (a VPN's): what a group holds, not its name.
        vpc_ids: VPCs that get a flow log here, by a label. Leave out those whose flow log is made elsewhere.
        cloudtrail: the account's trail; `ExistingTrail` where the organisation has one; None where the stack has no say in it.
        fortigates: devices that log by syslog, by a label.
        archive: the bucket that keeps a copy; not used where the SIEM is a bucket itself.
        kms_key_arn: brings the key of logs instead of making one; its policy must let the log services use it.
        protect_data: Pulumi refuses to delete the archive and its key.
        account_id: the AWS account (12 digits); asked of AWS unless given.
        region: the provider's, unless given.
        tags: further tags for every resource.

    Raises:
        InputError: every mistake, at once, before anything is registered.
    """

    lss_receiver: LssReceiver | None
    """For a ZPA gate."""
    nss_target: NssTarget | None
    """For a ZIA gate."""
    archive_bucket: pulumi.Output[str] | None
    """The bucket of the archive; None where nothing is written to one."""
    key_arn: pulumi.Output[str] | None
    """The key of the logs; None where none is made or brought."""

    def __init__(
        self,
        name: str,
        *,
        owner: str,
        siem: Siem,
        environments: Sequence[MwaaEnvironment] = (),
        log_groups: Mapping[str, pulumi.Input[str]] | None = None,
        vpc_ids: Mapping[str, pulumi.Input[str]] | None = None,
        cloudtrail: CloudTrail | ExistingTrail | None = None,
        fortigates: Mapping[str, FortigateSyslog] | None = None,
        archive: Archive | None = None,
        kms_key_arn: pulumi.Input[str] | None = None,
        protect_data: bool = False,
        account_id: str | None = None,
        region: str | None = None,
        tags: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        groups, vpcs, devices = dict(log_groups or {}), dict(vpc_ids or {}), dict(fortigates or {})
        problems = Problems(name)
        in_aws = bool(environments or groups or vpcs or isinstance(cloudtrail, CloudTrail))
        if in_aws:
            region = resolved_region(region, problems, opts)
        all_tags = checked_tags(owner, tags, problems)
        check_account("account_id", account_id, problems)
        check_siem(siem, region or "", problems)
        _check_sources(siem, bool(environments or groups or vpcs), groups, vpcs, kms_key_arn, archive, problems)
        if cloudtrail is not None:
            check_trail(cloudtrail, siem, problems)
        for label, one in devices.items():
            check_syslog(label, one, siem.syslog, problems, opts)
        problems.raise_any()

        existing = cloudtrail.arn if isinstance(cloudtrail, ExistingTrail) else None
        # Readers need it, and `pulumi preview --json` has no outputs of components.
        described = {"siem": siem.described(), "existingTrailArn": existing, "fortigates": sorted(devices)}
        super().__init__(AUDIT_TRAIL, name, described, opts)
        self._siem = siem
        self.lss_receiver, self.nss_target = siem.lss_receiver(), siem.nss_target()
        self.archive_bucket = self.key_arn = None
        if in_aws:
            groups |= {
                f"{one.network.environment}-{stream.replace('_', '-')}": group
                for one in environments
                for stream, group in one.log_group_names.items()
            }
            account = current_account(account_id, self)
            self._log_aws(name, region or "", account, groups, vpcs, cloudtrail, archive, kms_key_arn, protect_data, all_tags)
        for label, one in devices.items():
            assert siem.syslog is not None  # noqa: S101  # checked above
            if one.slot == 1:
                pulumi.warn(f'{name}: the syslog server in slot 1 of "{label}" is written over', self)
            make_syslog(name, label, one, siem.syslog, self)
        self.register_outputs({**described, "archiveBucket": self.archive_bucket, "keyArn": self.key_arn})

    def _log_aws(
        self,
        name: str,
        region: str,
        account: pulumi.Output[str],
        groups: Mapping[str, pulumi.Input[str]],
        vpcs: Mapping[str, pulumi.Input[str]],
        cloudtrail: CloudTrail | ExistingTrail | None,
        archive: Archive | None,
        kms_key_arn: pulumi.Input[str] | None,
        protect: bool,
        tags: dict[str, str],
    ) -> None:
        child = pulumi.ResourceOptions(parent=self)
        trail_arn = account.apply(
            lambda known_account: f"arn:{partition(region)}:cloudtrail:{region}:{known_account}:trail/{trail_name(name)}"
        )
        self.key_arn = (
            make_audit_key(name, region, account, trail_arn, tags, child, protect)
            if kms_key_arn is None
            else pulumi.Output.from_input(kms_key_arn)
        )
        bucket = self._bucket(name, region, account, trail_arn, cloudtrail, archive, tags, child, protect)
        self.archive_bucket = None if bucket is None else bucket.name
        site = Site(name, region, account, self.key_arn, tags, child, _log_group_days(self._siem.minimum_retention_days))
        delivery = Delivery(site, self._siem, bucket)
        for label, group in groups.items():
            delivery.subscribe(label, group)
        make_flow_logs(site, self._siem, delivery, bucket, vpcs)
        if isinstance(cloudtrail, CloudTrail) and bucket is not None:
            make_trail(site, self._siem, cloudtrail, delivery, bucket)

    def _bucket(
        self,
        name: str,
        region: str,
        account: pulumi.Output[str],
        trail_arn: pulumi.Output[str],
        cloudtrail: CloudTrail | ExistingTrail | None,
        archive: Archive | None,
        tags: dict[str, str],
        child: pulumi.ResourceOptions,
        protect: bool,
    ) -> Bucket | None:
        """The SIEM's bucket, else an archive; None where nothing writes to one."""
        cloud = self._siem.cloud
        if isinstance(cloud, S3Intake):
            arn = pulumi.Output.from_input(f"arn:{partition(region)}:s3:::{cloud.bucket}")
            key = pulumi.Output.from_input(cloud.kms_key_arn)
            return Bucket(pulumi.Output.from_input(cloud.bucket), arn, key, f"{cloud.prefix}/" if cloud.prefix else "")
        if isinstance(cloud, CloudWatchIntake) and not isinstance(cloudtrail, CloudTrail):
            return None
        assert self.key_arn is not None  # noqa: S101  # made before
        kept = archive or default_archive(self._siem.minimum_retention_days)
        return make_archive(name, kept, region, account, self.key_arn, trail_arn, tags, child, protect)


def _log_group_days(minimum: int) -> int:
    """The shortest retention of CloudWatch's that is long enough; the longest there is, where none is."""
    return next((days for days in RETENTION_DAYS if days >= minimum), RETENTION_DAYS[-1])


def _check_sources(
    siem: Siem,
    sources: bool,
    groups: Mapping[str, pulumi.Input[str]],
    vpcs: Mapping[str, pulumi.Input[str]],
    kms_key_arn: pulumi.Input[str] | None,
    archive: Archive | None,
    problems: Problems,
) -> None:
    if sources and siem.cloud is None:
        problems.add("siem.cloud", "missing: AWS's logs do not speak syslog; give SplunkIntake, S3Intake or CloudWatchIntake")
    for what, labels in (("log_groups", groups), ("vpc_ids", vpcs)):
        for label in labels:
            if not label or not label.replace("-", "").replace("_", "").isalnum():
                problems.add(f'{what}["{label}"]', "a label is part of a resource's name: write letters, digits, - and _")
    if archive is not None and isinstance(siem.cloud, S3Intake):
        problems.add("archive", "the SIEM is a bucket itself: leave it out")
    elif archive is not None:
        check_archive(archive, siem.minimum_retention_days, problems)
    if known(kms_key_arn) is not None and not KEY_ARN.fullmatch(str(kms_key_arn)):
        problems.add("kms_key_arn", f"{kms_key_arn!r} is no key's ARN; write arn:aws:kms:region:account:key/id, never an alias")
