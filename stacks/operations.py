"""What holds over all gates: who is who in every system, how credentials are renewed, and where everything logs to."""

from collections.abc import Iterable, Mapping

import pulumi
import pulumi_aws as aws
from pulumi_airlock.access import Access
from pulumi_airlock.audit import (
    AuditTrail,
    CloudTrail,
    FortigateSyslog,
    HttpsIntake,
    Siem,
    SplunkIntake,
    SyslogIntake,
    hec_header,
)
from pulumi_airlock.environments.mwaa import MwaaEnvironment
from pulumi_airlock.identity import Entra, Identity, IdentityEnvironment, Okta, SamlService
from pulumi_airlock.identity.credentials import (
    BroughtRotator,
    Credentials,
    FortigateApiToken,
    FortigateToken,
    FunctionNetwork,
    TokenEndpoint,
    VaultLease,
    ZscalerToken,
)
from pulumi_airlock.tunnels import SiteToSiteVpn, ZscalerTunnel
from settings import Settings
from settings import Siem as SiemSettings

_WEB_SERVER = "airflow-ui-"
"""How the access files name the environments' web servers."""


def one_identity(settings: Settings, access: Access, environments: Iterable[MwaaEnvironment]) -> Identity:
    """The groups, roles and service accounts of the access file, in the bank's identity provider and in AWS."""
    portal = f"{settings.fortigate.portal}/remote/saml"
    assert access.identity_provider is not None  # noqa: S101  # every access file of these stacks has one
    return Identity(
        "identity",
        owner=settings.owner,
        access=access,
        provider=Entra() if access.identity_provider.kind == "entra" else Okta(),
        environments={
            one.network.environment: IdentityEnvironment(
                execution_role_arn=one.execution_role_arn,
                callback_urls=[settings.sign_in_url.format(environment=one.network.environment)],
            )
            for one in environments
        },
        saml_services=[SamlService(gate="fortigate", audience=f"{portal}/metadata/", login_url=f"{portal}/login/")],
        web_servers={
            one.name: one.name.removeprefix(_WEB_SERVER) for one in access.destinations if one.name.startswith(_WEB_SERVER)
        },
    )


def one_siem(
    settings: Settings,
    environments: Iterable[MwaaEnvironment],
    vpc_id: pulumi.Input[str],
    tunnels: Mapping[str, SiteToSiteVpn | ZscalerTunnel | None],
    device: pulumi.ProviderResource,
) -> AuditTrail:
    """Everything logs to one place."""
    siem, listed = settings.siem, list(environments)
    return AuditTrail(
        "audit",
        owner=settings.owner,
        siem=Siem(
            name=siem.name,
            syslog=SyslogIntake(host=siem.syslog_host, public_ca=True),
            cloud=SplunkIntake(url=siem.splunk_url, index=siem.splunk_index, token_secret_arn=siem.token_secret_arn),
            https=_for_zia(siem) if settings.zscaler is not None else None,
            minimum_retention_days=settings.log_retention_days,
        ),
        environments=listed,
        log_groups={
            label: one.log_group_name for label, one in tunnels.items() if one is not None and one.log_group_name is not None
        },
        vpc_ids={"airflow": vpc_id},
        cloudtrail=CloudTrail(data_bucket_arns=[one.bucket_name.apply(lambda name: f"arn:aws:s3:::{name}/") for one in listed]),
        fortigates={"edge": FortigateSyslog(slot=2, provider=device, dialect=settings.fortigate.dialect)},
        protect_data=settings.protect_data,
    )


def _for_zia(siem: SiemSettings) -> HttpsIntake:
    """ZIA takes no reference to a secret: it is read, and stays one."""
    token = aws.secretsmanager.get_secret_version_output(secret_id=siem.token_secret_arn).secret_string
    return HttpsIntake(url=f"{siem.splunk_url}/services/collector/event", token=hec_header(token), siem_type="SPLUNK")


def one_cadence(settings: Settings, access: Access, identity: Identity, device: pulumi.ProviderResource) -> Credentials:
    """Every credential and every gate's own token is renewed as often as the access file says."""
    given, fortigate, zscaler = settings.credentials, settings.fortigate, settings.zscaler
    FortigateApiToken(
        "edge-api",
        gate="fortigate",
        access=access,
        users=fortigate.api_users,
        trusted_hosts=fortigate.trusted_hosts,
        dialect=fortigate.dialect,
        opts=pulumi.ResourceOptions(provider=device),
    )
    gates: list[FortigateToken | ZscalerToken] = [
        FortigateToken(gate="fortigate", url=f"https://{fortigate.hostname}", users=fortigate.api_users)
    ]
    if zscaler is not None:
        manager = next(iter(zscaler.api_clients))
        gates += [
            ZscalerToken(
                gate=gate,
                vanity_domain=zscaler.vanity_domain,
                api_client=client,
                manager=None if gate == manager else manager,
            )
            for gate, client in zscaler.api_clients.items()
        ]
    return Credentials(
        "credentials",
        access=access,
        owner=settings.owner,
        readers=identity.workload_role_arns,
        rotators={
            ref: BroughtRotator(function_arn=one.function_arn, role_arn=one.role_arn) for ref, one in given.functions.items()
        }
        | {ref: TokenEndpoint(issue_url=one.issue_url, test_url=one.test_url) for ref, one in given.token_services.items()},
        gates=gates,
        network=FunctionNetwork(subnet_ids=given.subnets, security_group_ids=given.security_groups),
        vault=VaultLease(ttl=given.vault_ttl),
        administrators=given.administrators,
        alarm_topic_arn=given.alarm_topic_arn,
        protect_data=settings.protect_data,
    )
