"""Policies on Google Cloud Composer environments."""

import ipaddress
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from pulumi_airlock.environments.composer.limits import (
    END_OF_LIFE,
    FORBIDDEN_ROLES,
    FUNCTIONS_BY_NETWORK,
    IMAGE,
    METADATA_DAYS,
)
from pulumi_airlock.environments.composer.read import ENVIRONMENT as ENVIRONMENTS
from pulumi_policy import Severity

from .controls import Soc2
from .reading import UNKNOWN, Resource, Stack, Subject, of_kind
from .registry import Config, Findings, plain_text, resource_policy, setting, stack_policy, undecided, wrong

PROJECT_MEMBER = "gcp:projects/iAMMember:IAMMember"
PROJECT_BINDING = "gcp:projects/iAMBinding:IAMBinding"
ACCOUNT = "gcp:serviceaccount/account:Account"
POD_SECRET = "gcp:composer/userWorkloadsSecret:UserWorkloadsSecret"  # noqa: S105  # a type, no secret

_DOCS = "https://docs.cloud.google.com/composer/docs"
_IMAGE = ("config", "softwareConfig", "imageVersion")
_DEFAULT_ACCOUNT = re.compile(r"-compute@developer\.gserviceaccount\.com$|@appspot\.gserviceaccount\.com$")
_SECRET_NAME = re.compile(r"passw|secret|token|api_?key|private_?key|fernet|sql_alchemy_conn|broker_url|result_backend", re.I)
_NOT_A_SECRET = re.compile(r"(_cmd|_secret|_path|_file|_ttl|_timeout|_expiry|_algorithm|_kwargs)$", re.I)
_SECRET_VALUE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|\w+://[^/\s:@]+:[^/\s:@]+@|\bgh[pousr]_\w{20,}|\bAIza[\w-]{35}")


def _generation(one: Subject | Resource) -> Any:
    """2 or 3 (or 1) by the image, `UNKNOWN` where it is not known; without an image Google makes a Composer 3."""
    image = one.get(*_IMAGE, default="composer-3")
    if image is UNKNOWN:
        return UNKNOWN
    found = re.match(r"composer-(\d)", str(image))
    return int(found[1]) if found else UNKNOWN


def _flag(it: Subject, name: str, message: str) -> Findings:
    """A switch of `config` that has to be on."""
    value = it.get("config", name, default=False)
    if value is UNKNOWN:
        yield undecided(it, f"config.{name}")
    elif value is not True:
        yield wrong(it, f"config.{name}", message)


@resource_policy(
    "composer-private-environment",
    types=ENVIRONMENTS,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="Set `config.enablePrivateEnvironment` (Composer 3), or write `config.privateEnvironmentConfig` (Composer 2).",
    url=f"{_DOCS}/composer-3/change-networking-type",
)
def private_environment(it: Subject) -> Findings:
    """Tasks have no public addresses: they go out by the VPC alone, past its gates."""
    generation = _generation(it)
    if generation is UNKNOWN:
        yield undecided(it, ".".join(_IMAGE))
    elif generation == 3:
        yield from _flag(it, "enablePrivateEnvironment", "is off: tasks reach the internet past every gate of the VPC")
    else:
        block = it.get("config", "privateEnvironmentConfig")
        if block is UNKNOWN:
            yield undecided(it, "config.privateEnvironmentConfig")
        elif block is None:
            yield wrong(it, "config.privateEnvironmentConfig", "is missing: nodes have public addresses")


@resource_policy(
    "composer-functions-by-network",
    types=ENVIRONMENTS,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Set `config.nodeConfig.trafficRoutingConfig.cloudRunFunctionsRouting` to VIA_NETWORK_ATTACHMENT.",
    url=f"{_DOCS}/composer-3/connect-vpc-network",
)
def functions_by_network(it: Subject) -> Findings:
    """Composer 3's tasks call Cloud Run functions by the VPC, as all else, and not past its gates."""
    if _generation(it) != 3:
        return
    path = ("config", "nodeConfig", "trafficRoutingConfig", "cloudRunFunctionsRouting")
    value = it.get(*path, default="")
    if value is UNKNOWN:
        yield undecided(it, path)
    elif value != FUNCTIONS_BY_NETWORK:
        yield wrong(it, path, f"is {value}" if value else "is not set: Google sends them past the VPC")


@resource_policy(
    "composer-private-builds",
    types=ENVIRONMENTS,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Set `config.enablePrivateBuildsOnly`, and install packages from a repository of Artifact Registry.",
    url=f"{_DOCS}/composer-3/install-python-dependencies",
)
def private_builds(it: Subject) -> Findings:
    """Composer 3 installs packages without the internet."""
    if _generation(it) == 3:
        yield from _flag(it, "enablePrivateBuildsOnly", "is off: builds fetch packages from the internet")


@resource_policy(
    "composer-customer-key",
    types=ENVIRONMENTS,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC6_1,
    fix="Set `config.encryptionConfig.kmsKeyName`. It cannot be changed later: the environment is made anew.",
    url=f"{_DOCS}/composer-3/configure-cmek-encryption",
)
def customer_key(it: Subject) -> Findings:
    """An environment encrypts its data with a customer's key."""
    key = it.get("config", "encryptionConfig", "kmsKeyName", default="")
    if key is UNKNOWN:
        yield undecided(it, "config.encryptionConfig.kmsKeyName")
    elif not key:
        yield wrong(it, "config.encryptionConfig.kmsKeyName", "is not set: Airflow's data is under a key of Google's")


@resource_policy(
    "composer-web-access",
    types=ENVIRONMENTS,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_6,
    fix="List the networks of offices and VPNs in `config.webServerNetworkAccessControl.allowedIpRanges`.",
    url=f"{_DOCS}/composer-3/configure-web-server-access",
)
def web_access(it: Subject) -> Findings:
    """The UI and the API are open to named networks alone. Without a list, Google lets everybody in."""
    path = ("config", "webServerNetworkAccessControl", "allowedIpRanges")
    if not it.resource.get_list(*path):
        yield wrong(it, path, "names no network, which Google takes for everybody")
    for at, entry in it.items(*path):
        value = UNKNOWN if entry is UNKNOWN else it.get(*at, "value")
        if value is UNKNOWN:
            yield undecided(it, (*at, "value"))
        elif _wide(value):
            yield wrong(it, (*at, "value"), f"is {value}: open to the world")


@resource_policy(
    "composer-control-plane-closed",
    types=ENVIRONMENTS,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_6,
    fix="Set `config.masterAuthorizedNetworksConfig.enabled`, and name the networks that may reach the control plane, or none.",
    url=f"{_DOCS}/composer-2/configure-authorized-networks",
)
def control_plane_closed(it: Subject) -> Findings:
    """The control plane of Composer 2's cluster is open to named networks alone."""
    if _generation(it) != 2:
        return
    path = ("config", "masterAuthorizedNetworksConfig")
    enabled = it.get(*path, "enabled", default=False)
    if enabled is UNKNOWN:
        yield undecided(it, (*path, "enabled"))
    elif enabled is not True:
        yield wrong(it, (*path, "enabled"), "is off")
    for at, entry in it.items(*path, "cidrBlocks"):
        value = UNKNOWN if entry is UNKNOWN else it.get(*at, "cidrBlock")
        if value is UNKNOWN:
            yield undecided(it, (*at, "cidrBlock"))
        elif _wide(value):
            yield wrong(it, (*at, "cidrBlock"), f"is {value}: open to the world")


def _wide(value: Any) -> bool:
    try:
        found = ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        return False  # no network at all: Google refuses it
    return found.prefixlen < (8 if found.version == 4 else 32)


@resource_policy(
    "composer-own-service-account",
    types=ENVIRONMENTS,
    severity=Severity.HIGH,
    soc2=Soc2.CC6_3,
    fix="Make an account for this environment, and set `config.nodeConfig.serviceAccount` to it.",
    url=f"{_DOCS}/composer-3/access-control",
)
def own_service_account(it: Subject) -> Findings:
    """Tasks run as an account of their own, never as the project's default one."""
    path = "config.nodeConfig.serviceAccount"
    account = it.get("config", "nodeConfig", "serviceAccount", default="")
    if account is UNKNOWN:
        yield undecided(it, path)
    elif not account:
        yield wrong(it, path, "is not set: tasks run as Compute Engine's default account")
    elif _DEFAULT_ACCOUNT.search(str(account)):
        yield wrong(it, path, f"is {account}, a default account with the project's rights")


@stack_policy(
    "composer-scoped-service-account",
    types=ENVIRONMENTS,
    beside=(PROJECT_MEMBER, PROJECT_BINDING, ACCOUNT),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_3,
    fix="Grant roles/composer.worker, and what a DAG needs on the one bucket, secret or dataset that it needs it on.",
    url=f"{_DOCS}/composer-3/access-control",
)
def scoped_service_account(stack: Stack, _: Config) -> Findings:
    """The account that tasks run as has no role on a project that lets a DAG change or read all of it."""
    environments = of_kind(stack, *ENVIRONMENTS)
    for grant in of_kind(stack, PROJECT_MEMBER, PROJECT_BINDING):
        role, prop = grant.get("role"), "member" if grant.type == PROJECT_MEMBER else "members"
        held = [_holds(grant, prop, one) for one in environments]
        if True in held:
            if role is UNKNOWN:
                yield undecided(grant, "role")
            elif str(role) in FORBIDDEN_ROLES:
                yield wrong(grant, "role", f"is {role}, of an account that tasks run as: {FORBIDDEN_ROLES[str(role)]}")
        elif UNKNOWN in held and (role is UNKNOWN or str(role) in FORBIDDEN_ROLES):
            yield undecided(grant, prop)


def _holds(grant: Resource, prop: str, environment: Resource) -> Any:
    """Whether a grant is to an environment's account: by its address, or by the account that both were computed from."""
    account, members = environment.get("config", "nodeConfig", "serviceAccount"), grant.get_list(prop)
    if isinstance(account, str) and f"serviceAccount:{account.rsplit('/', 1)[-1]}" in members:
        return True
    if set(environment.refers_to("config", ACCOUNT)) & set(grant.refers_to(prop, ACCOUNT)):
        return True
    return UNKNOWN if UNKNOWN in members and account is UNKNOWN and not grant.refers_to(prop, ACCOUNT) else False


@resource_policy(
    "composer-metadata-retention",
    types=ENVIRONMENTS,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Set retention to RETENTION_MODE_ENABLED, with days enough for an audit.",
    url=f"{_DOCS}/composer-3/configure-db-retention",
    settings={"days": setting("For how many days runs are kept at least.", METADATA_DAYS[0])},
)
def metadata_retention(it: Subject) -> Findings:
    """Composer 3 says for how long Airflow's database keeps runs."""
    if _generation(it) != 3:
        return
    path = ("config", "dataRetentionConfig", "airflowMetadataRetentionConfigs")
    if not it.resource.get_list(*path):
        yield wrong(it, path, "is missing: how long runs are kept is Google's default of the day")
    for at, entry in it.items(*path):
        mode = UNKNOWN if entry is UNKNOWN else it.get(*at, "retentionMode")
        days = UNKNOWN if entry is UNKNOWN else it.get(*at, "retentionDays", default=0)
        if mode is UNKNOWN or days is UNKNOWN:
            yield undecided(it, at)
        elif mode != "RETENTION_MODE_ENABLED":
            yield wrong(it, (*at, "retentionMode"), f"is {mode}")
        elif days < it.config["days"]:
            yield wrong(it, (*at, "retentionDays"), f"is {days:g}; at least {it.config['days']}")


@resource_policy(
    "composer-snapshots",
    types=ENVIRONMENTS,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Schedule snapshots into a bucket of another region (`config.recoveryConfig.scheduledSnapshotsConfig`).",
    url=f"{_DOCS}/composer-3/configure-scheduled-snapshots",
    settings={"production": setting("Globs on the name and on the project of environments in production.", ["*prod*"])},
)
def snapshots(it: Subject) -> Findings:
    """An environment in production saves snapshots on a schedule."""
    names = [it.resource.name, it.get("name"), it.get("project")]
    if not any(isinstance(name, str) and fnmatchcase(name, glob) for name in names for glob in it.config["production"]):
        return
    path = "config.recoveryConfig.scheduledSnapshotsConfig.enabled"
    enabled = it.get("config", "recoveryConfig", "scheduledSnapshotsConfig", "enabled", default=False)
    if enabled is UNKNOWN:
        yield undecided(it, path)
    elif enabled is not True:
        yield wrong(it, path, "is off: what is lost with the environment is lost")


@resource_policy(
    "composer-owner-label",
    types=ENVIRONMENTS,
    severity=Severity.LOW,
    soc2=Soc2.CC8_1,
    fix="Label the environment with its owner.",
    settings={"label": setting("The label that names the owner.", "owner")},
)
def owner_label(it: Subject) -> Findings:
    """An environment says who owns it."""
    label = it.config["label"]
    value = it.get("labels", label, default="")
    if value is UNKNOWN:
        yield undecided(it, f"labels.{label}")
    elif not str(value).strip():
        yield wrong(it, f"labels.{label}", "is missing or empty")


@resource_policy(
    "composer-maintenance-window",
    types=ENVIRONMENTS,
    severity=Severity.LOW,
    soc2=Soc2.CC8_1,
    fix="Set `config.maintenanceWindow`: at least 12 hours a week, outside of what must not be interrupted.",
    url=f"{_DOCS}/composer-3/specify-maintenance-windows",
)
def maintenance_window(it: Subject) -> Findings:
    """An environment says when Google may restart parts of it."""
    window = it.get("config", "maintenanceWindow")
    if window is UNKNOWN:
        yield undecided(it, "config.maintenanceWindow")
    elif not window:
        yield wrong(it, "config.maintenanceWindow", "is missing: Google picks the hours")


@resource_policy(
    "composer-pinned-image",
    types=ENVIRONMENTS,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC8_1,
    fix="Write the whole version: composer-3-airflow-2.10.5-build.12, composer-2.16.7-airflow-2.10.5.",
    url=f"{_DOCS}/composer-versions",
)
def pinned_image(it: Subject) -> Findings:
    """The image is a whole version, that has not ended: what was reviewed is what runs."""
    image = it.get(*_IMAGE)
    if image is UNKNOWN:
        yield undecided(it, _IMAGE)
        return
    found = IMAGE.fullmatch(str(image))
    older = re.match(r"composer-(\d)(?:\.(\d+)\.\d+)?", str(image))
    if older and (older[1] == "1" or (older[1] == "2" and older[2] == "0")):
        yield wrong(it, _IMAGE, f"is {image}, which ended on {END_OF_LIFE[1]}")
    elif image is None:
        yield wrong(it, _IMAGE, "is missing: Google takes the default of the day")
    elif found is None or (found["composer"] == "3" and not found["build"]):
        yield wrong(it, _IMAGE, f"is {image}, which stands for another image tomorrow")


@resource_policy(
    "composer-no-plain-secret",
    types=ENVIRONMENTS,
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Put the value into Secret Manager, and let Airflow's secrets backend read it.",
    url=f"{_DOCS}/composer-3/configure-secret-manager",
)
def no_plain_secret(it: Subject) -> Findings:
    """No option and no variable holds a secret: whoever may get the environment reads them."""
    for block in ("airflowConfigOverrides", "envVariables"):
        yield from _plain_secrets(it, ("config", "softwareConfig", block))


def _plain_secrets(it: Subject, path: tuple[str, ...]) -> Iterator[Any]:
    values = it.mapping(*path)
    if values is UNKNOWN:
        yield undecided(it, path)
        return
    for name, value in values.items():
        at = f"{'.'.join(path)}[{name}]"
        key = name.rpartition("-")[2]  # without its section: that of the secrets backend is called `secrets`
        named = _SECRET_NAME.search(key) and not _NOT_A_SECRET.search(key)
        if value is UNKNOWN:
            yield undecided(it, at)
        elif named and str(value).strip():
            yield wrong(it, at, "is a secret by its name")
        elif _SECRET_VALUE.search(str(value)):
            yield wrong(it, at, "holds what looks like a credential")


@resource_policy(
    "composer-pod-secret",
    types=(POD_SECRET,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Give `data` as a secret (`pulumi.Output.secret`, `config.require_secret`).",
)
def pod_secret(it: Subject) -> Findings:
    """Secrets for tasks' pods are secrets in Pulumi's state too."""
    yield from plain_text(it, "data")
