"""The component of a Composer environment: checks every argument, then puts the parts together."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import pulumi
import pulumi_gcp as gcp

from ...errors import Problems
from ...tokens import COMPOSER_ENVIRONMENT
from .account import check_account, grant_declared, make_account
from .checks import checked_labels, checked_number, number_of, resolved, wrong_in_each
from .encryption import check_key, make_key
from .generation import Image, check_generation, check_image, meant_by
from .limits import NAME
from .network import ComposerNetwork
from .operation import (
    Maintenance,
    Retention,
    Snapshots,
    check_maintenance,
    check_retention,
    check_snapshots,
    maintenance_config,
    retention_config,
    snapshots_config,
)
from .placement import ComposerPlacement, check_placement, make_placement
from .scale import ComposerScale, check_scale, scale_config
from .software import ComposerSoftware, UserData, check_software, software_config
from .tasks import TaskProvider, check_tasks, grants, ship, with_tasks
from .web_access import check_web_access, web_access_config


class ComposerEnvironment(pulumi.ComponentResource):
    """A Cloud Composer environment, Composer 3 or Composer 2 as its image says, private and encrypted with a key of yours.

    Args:
        owner: who answers for it; a label of the environment and its key (`label_of`).
        image_version: by its whole version, `composer-3-airflow-2.10.5-build.12` or `composer-2.16.7-airflow-2.10.5`; no default,
            so that it never changes by itself.
        placement: network, subnetwork and CIDRs.
        scale: size and workloads; None is a small environment as Google sizes it.
        project: the project's id; the provider's, unless given.
        region: the provider's, unless given.
        project_number: asked of Google unless given; service agents are called by it.
        environment_name: Composer's name for it; the component's name unless given.
        private: no public addresses for tasks.
        private_builds: Composer 3: packages are installed without the internet, from a mirror in reach of Google's services.
            None: True there.
        ui_cidrs: from where people reach the UI and the API, as Google sees them; nobody unless given.
        software: packages, variables, Airflow's configuration, secrets backend, lineage, web server plugins.
        tasks: Airlock's provider inside Airflow: each task gets the connections that its routes lead to, and no others.
        service_account: brings the tasks' account (its address) instead of making one; roles are granted to it all the same.
        roles: further roles of that account on the project.
        kms_key_id: brings the key (its id) instead of making one.
        grant_key: False leaves the service agents' grants on a brought key to its owner.
        bucket: an existing bucket for DAGs and logs; Composer makes one unless given.
        maintenance: when Google may restart parts, weekly.
        snapshots: copies of the environment, on a schedule.
        retention: of task logs and of Airflow's database.
        user_secrets: Composer 3: Kubernetes Secrets for tasks' pods, name → entries in plain text; kept secret by Pulumi.
        user_config_maps: Composer 3: the same as ConfigMaps.
        protect_data: Pulumi refuses to delete or replace the environment (its run history) and its key.
        labels: further labels.

    Raises:
        InputError: everything that Composer would refuse, most of it 25 minutes later, and every input of the other generation,
            at once, before anything is registered.
    """

    name: pulumi.Output[str]
    """Google's name of the environment."""
    airflow_uri: pulumi.Output[str]
    """Where the UI is."""
    dag_gcs_prefix: pulumi.Output[str]
    """The folder of DAGs, `gs://…/dags`."""
    service_account_email: pulumi.Output[str]
    """The account that tasks run as."""
    kms_key_id: pulumi.Output[str]
    network: ComposerNetwork
    """What gates need of it."""

    def __init__(
        self,
        name: str,
        *,
        owner: str,
        image_version: str,
        placement: ComposerPlacement,
        scale: ComposerScale | None = None,
        project: str | None = None,
        region: str | None = None,
        project_number: str | None = None,
        environment_name: str | None = None,
        private: bool = True,
        private_builds: bool | None = None,
        ui_cidrs: Sequence[str] = (),
        software: ComposerSoftware | None = None,
        tasks: TaskProvider | None = None,
        service_account: pulumi.Input[str] | None = None,
        roles: Sequence[str] = (),
        kms_key_id: pulumi.Input[str] | None = None,
        grant_key: bool = True,
        bucket: pulumi.Input[str] | None = None,
        maintenance: Maintenance | None = None,
        snapshots: Snapshots | None = None,
        retention: Retention | None = None,
        user_secrets: UserData | None = None,
        user_config_maps: UserData | None = None,
        protect_data: bool = False,
        labels: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        environment_name = environment_name or name
        scale, software = scale or ComposerScale(), software or ComposerSoftware()
        maintenance, retention = maintenance or Maintenance(), retention or Retention()
        problems = Problems(name)
        project = resolved("project", project, problems)
        region = resolved("region", region, problems)
        all_labels = checked_labels(owner, labels, problems)
        if not NAME.fullmatch(environment_name):
            problems.add(
                "environment_name", f"{environment_name!r}: write a letter, then up to 62 lower-case letters, digits and -"
            )
        image, warnings = check_image(image_version, problems)
        checked_number(project_number, problems)
        check_account(service_account, roles, problems)
        check_key(kms_key_id, region, problems)
        if kms_key_id is None and not grant_key:
            problems.add(
                "grant_key", "without its grants nobody can use the key that is made here: leave it out, or give kms_key_id"
            )
        check_web_access(ui_cidrs, problems)
        check_maintenance(maintenance, problems)
        check_retention(retention, problems)
        if snapshots is not None:
            check_snapshots(snapshots, problems)
        images = (image,) if image is not None else meant_by(image_version)
        by_image = [Problems(name) for _ in images]
        for one, noted in zip(images, by_image, strict=True):
            if len(images) == 1:
                check_generation(
                    _given(placement, scale, software, retention)
                    | {"snapshots": snapshots, "private_builds": private_builds}
                    | {"user_secrets": user_secrets, "user_config_maps": user_config_maps},
                    one,
                    noted,
                )
            check_scale(scale, one.generation, noted)
            check_placement(placement, one, project, region, private, noted)
            warnings += check_software(software, one.generation, noted)
            if tasks is not None:
                check_tasks(tasks, one, software, noted)
        wrong_in_each(by_image, problems)
        _check_user_data("user_secrets", user_secrets, problems)
        _check_user_data("user_config_maps", user_config_maps, problems)
        problems.raise_any()
        assert image is not None  # noqa: S101  # a problem otherwise

        # Readers need it, and `pulumi preview --json` has no outputs of components.
        told = placement.described(image.generation)
        super().__init__(COMPOSER_ENVIRONMENT, name, dict(told), opts)
        for warning in warnings:
            pulumi.warn(f"{name}: {warning}", self)
        child = pulumi.ResourceOptions(parent=self)
        data = pulumi.ResourceOptions(parent=self, protect=protect_data or None)
        number = number_of(project, project_number, self) if grant_key or image.generation == 2 else None

        key = make_key(
            name, environment_name, project, region, number if grant_key else None, kms_key_id, all_labels, child, data
        )
        account = make_account(name, environment_name, project, image.generation, number, service_account, roles, child)
        declared = list(grant_declared(name, account, project, software.secrets, snapshots, child))
        if tasks is not None:
            declared += grants(name, tasks, account, child)
            software = with_tasks(software, tasks, project)
        placed = make_placement(name, environment_name, placement, image.generation, project, region, private, child)
        config = gcp.composer.EnvironmentConfigArgs(
            software_config=software_config(software, image_version, image.generation, project),
            node_config=gcp.composer.EnvironmentConfigNodeConfigArgs(service_account=account.email, **placed.node),
            encryption_config=gcp.composer.EnvironmentConfigEncryptionConfigArgs(kms_key_name=key.id),
            web_server_network_access_control=web_access_config(ui_cidrs),
            maintenance_window=maintenance_config(maintenance),
            recovery_config=snapshots_config(snapshots) if snapshots is not None else None,
            data_retention_config=retention_config(retention, image.generation),
            enable_private_builds_only=_private_builds(image, private_builds),
            **placed.config,
            **scale_config(scale),
        )
        environment = gcp.composer.Environment(
            f"{name}-environment",
            name=environment_name,
            project=project,
            region=region,
            labels=all_labels,
            storage_config=gcp.composer.EnvironmentStorageConfigArgs(bucket=bucket) if bucket is not None else None,
            config=config,
            opts=_environment_options(data, [*key.before, *account.before, *declared, *placed.before]),
        )
        _make_user_data(name, environment, project, region, user_secrets or {}, user_config_maps or {}, child)

        self.name = environment.name
        self.airflow_uri = environment.config.apply(lambda made: made.airflow_uri or "")
        self.dag_gcs_prefix = environment.config.apply(lambda made: made.dag_gcs_prefix or "")
        if tasks is not None:
            ship(name, tasks, self.dag_gcs_prefix, child)
        self.service_account_email = account.email
        self.kms_key_id = key.id
        self.network = ComposerNetwork(
            environment=name,
            network_id=pulumi.Output.from_input(placement.network_id),
            source_cidrs=placement.source_cidrs(image.generation),
            service_account_email=account.email,
            tags=placement.tags,
            sees_nodes=image.generation == 2,
            project=placement.network_project or project,
            region=region,
            subnetwork_id=pulumi.Output.from_input(placement.subnetwork_id) if placement.subnetwork_id is not None else None,
            needs=placement.needs(image.generation),
        )
        self.register_outputs(
            {
                "environmentName": self.name,
                "airflowUri": self.airflow_uri,
                "dagGcsPrefix": self.dag_gcs_prefix,
                "serviceAccountEmail": self.service_account_email,
                "kmsKeyId": self.kms_key_id,
                "networkId": self.network.network_id,
                "tags": list(placement.tags),
                **told,
            }
        )


def _given(
    placement: ComposerPlacement, scale: ComposerScale, software: ComposerSoftware, retention: Retention
) -> dict[str, Any]:
    """Every input of the parts by its path, for the tables of generations."""
    return {
        f"{name}.{one.name}": getattr(part, one.name)
        for name, part in (("placement", placement), ("scale", scale), ("software", software), ("retention", retention))
        for one in fields(part)
    }


def _private_builds(image: Image, given: bool | None) -> bool | None:
    if image.generation == 2:
        return None
    return True if given is None else given


def _environment_options(data: pulumi.ResourceOptions, before: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
    """After all grants: without them, creation fails 25 minutes later.

    A replacement is deleted first, since two environments cannot have one name.
    """
    return pulumi.ResourceOptions.merge(data, pulumi.ResourceOptions(depends_on=list(before), delete_before_replace=True))


def _check_user_data(path: str, given: UserData | None, problems: Problems) -> None:
    for name, entries in (given or {}).items():
        if not NAME.fullmatch(name):
            problems.add(f'{path}["{name}"]', f"{name!r}: write a letter, then lower-case letters, digits and -")
        if not entries:
            problems.add(f'{path}["{name}"]', "has no entries: write some, or leave it out")


def _make_user_data(
    name: str,
    environment: gcp.composer.Environment,
    project: str,
    region: str,
    secrets: UserData,
    config_maps: UserData,
    opts: pulumi.ResourceOptions,
) -> None:
    """Secrets and ConfigMaps for pods that tasks start (KubernetesPodOperator, KubernetesExecutor)."""
    where: dict[str, Any] = {"environment": environment.name, "project": project, "region": region, "opts": opts}
    for each, entries in secrets.items():
        encoded = {key: pulumi.Output.secret(value).apply(_base64) for key, value in entries.items()}
        gcp.composer.UserWorkloadsSecret(f"{name}-secret-{each}-for-pods", name=each, data=encoded, **where)
    for each, entries in config_maps.items():
        gcp.composer.UserWorkloadsConfigMap(f"{name}-config-{each}-for-pods", name=each, data=dict(entries), **where)


def _base64(text: str) -> str:
    # The provider takes values as Kubernetes has them (`google_composer_user_workloads_secret`, `data`).
    return base64.b64encode(text.encode()).decode()
