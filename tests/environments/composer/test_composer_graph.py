"""What a user of `ComposerEnvironment` relies on: which resource, with which setting, granted to whom, after what."""

import base64
import json
from typing import Any

import pulumi
import pytest
from programs import IMAGE_2, NETWORK, SUBNETWORK, built, environment
from pulumi_airlock.environments.composer import ComposerPlacement
from pulumi_airlock.environments.composer.account import AGENTS
from pulumi_airlock.environments.composer.checks import label_of

ENVIRONMENT = "composer/environment:Environment"
ACCOUNT = "airflow-finance@bank-airflow-prod.iam.gserviceaccount.com"


def test_composer_3_is_private_and_open_to_nobody(run: Any) -> None:
    engine = run(environment)
    made = engine.only(ENVIRONMENT)
    config = engine.config()
    assert (made.inputs["name"], made.inputs["project"], made.inputs["region"]) == (
        "finance",
        "bank-airflow-prod",
        "europe-west1",
    )
    assert made.inputs["labels"] == {"owner": "finance-bank-example"}
    assert config["enablePrivateEnvironment"] is True
    assert config["enablePrivateBuildsOnly"] is True
    assert config["softwareConfig"]["webServerPluginsMode"] == "DISABLED"
    # An empty list would be left out by the provider, and Google would let everybody in.
    assert [one["value"] for one in config["webServerNetworkAccessControl"]["allowedIpRanges"]] == ["192.0.2.0/32"]
    kept = config["dataRetentionConfig"]["airflowMetadataRetentionConfigs"]
    assert kept == [{"retentionMode": "RETENTION_MODE_ENABLED", "retentionDays": 60}]
    window = config["maintenanceWindow"]
    assert (window["startTime"], window["endTime"]) == ("2026-01-09T00:00:00Z", "2026-01-09T04:00:00Z")
    assert window["recurrence"] == "FREQ=WEEKLY;BYDAY=FR,SA,SU"
    for other in ("privateEnvironmentConfig", "masterAuthorizedNetworksConfig", "recoveryConfig"):
        assert other not in config
    assert "ipAllocationPolicy" not in config["nodeConfig"]


def test_composer_2_has_no_routing_of_functions(run: Any) -> None:
    assert "trafficRoutingConfig" not in run(lambda: environment(2)).config()["nodeConfig"]


@pytest.mark.parametrize(
    ("given", "routed"), [(None, "VIA_NETWORK_ATTACHMENT"), (True, "VIA_NETWORK_ATTACHMENT"), (False, "DIRECT")]
)
def test_functions_are_called_by_the_network_unless_told_otherwise(given: Any, routed: str, update: Any) -> None:
    node = update(lambda: environment(placement={"functions_by_network": given})).config()["nodeConfig"]
    assert node["trafficRoutingConfig"] == {"cloudRunFunctionsRouting": routed}


def test_an_attachment_is_made_of_the_subnetwork(run: Any) -> None:
    engine = run(environment)
    attachment = engine.only("compute/networkAttachment:NetworkAttachment")
    assert attachment.inputs["subnetworks"] == [SUBNETWORK]
    assert attachment.parent == "finance"
    made = engine.only(ENVIRONMENT)
    assert "finance-attachment" in made.from_["config"]
    assert "subnetwork" not in made.inputs["config"]["nodeConfig"]


def test_an_attachment_is_brought_or_left_to_google(update: Any) -> None:
    brought = "projects/bank-airflow-prod/regions/europe-west1/networkAttachments/shared"
    engine = update(lambda: environment(placement={"attachment_id": brought, "subnetwork_id": None}))
    assert engine.config()["nodeConfig"]["composerNetworkAttachment"] == brought
    assert not engine.of("compute/networkAttachment:NetworkAttachment")
    node = update(lambda: environment(placement={"google_attachment": True})).config()["nodeConfig"]
    assert (node["network"], node["subnetwork"]) == (NETWORK, SUBNETWORK)
    assert "composerNetworkAttachment" not in node


def test_composer_2_has_nodes_in_the_vpc(run: Any) -> None:
    engine = run(
        lambda: environment(2, placement={"tags": ("airflow",), "master_authorized_networks": {"office": "198.51.100.0/24"}})
    )
    config = engine.config()
    assert config["nodeConfig"]["ipAllocationPolicy"] == {
        "clusterIpv4CidrBlock": "10.72.0.0/21",
        "servicesIpv4CidrBlock": "10.73.0.0/24",
    }
    assert config["nodeConfig"]["tags"] == ["airflow"]
    private = config["privateEnvironmentConfig"]
    assert private["connectionType"] == "PRIVATE_SERVICE_CONNECT"
    assert private["enablePrivateEndpoint"] is True
    assert private["masterIpv4CidrBlock"] == "10.74.0.0/28"
    assert config["masterAuthorizedNetworksConfig"] == {
        "enabled": True,
        "cidrBlocks": [{"displayName": "office", "cidrBlock": "198.51.100.0/24"}],
    }
    assert config["dataRetentionConfig"] == {"taskLogsRetentionConfigs": [{"storageMode": "CLOUD_LOGGING_AND_CLOUD_STORAGE"}]}
    for other in ("enablePrivateEnvironment", "enablePrivateBuildsOnly"):
        assert other not in config
    assert "webServerPluginsMode" not in config["softwareConfig"]


def test_composer_2_by_peering_and_with_named_ranges(update: Any) -> None:
    networks = {
        "pod_range": "pods",
        "service_range": "services",
        "sql_cidr": "10.78.0.0/24",
        "google_network_cidr": "10.79.0.0/24",
        "connection_subnetwork_id": None,
        "connection_subnetwork_cidr": None,
    }
    config = update(lambda: environment(2, placement=networks)).config()
    # Google refuses a range's name and its CIDR together.
    assert config["nodeConfig"]["ipAllocationPolicy"] == {
        "clusterSecondaryRangeName": "pods",
        "servicesSecondaryRangeName": "services",
    }
    private = config["privateEnvironmentConfig"]
    assert private["connectionType"] == "VPC_PEERING"
    assert (private["cloudSqlIpv4CidrBlock"], private["cloudComposerNetworkIpv4CidrBlock"]) == ("10.78.0.0/24", "10.79.0.0/24")


def test_the_control_plane_is_closed_unless_networks_are_named(run: Any) -> None:
    assert run(lambda: environment(2)).config()["masterAuthorizedNetworksConfig"] == {"enabled": True}


@pytest.mark.parametrize("generation", [2, 3])
def test_every_agent_uses_the_key_before_the_environment_is_made(generation: int, update: Any) -> None:
    engine = update(lambda: environment(generation))
    grants = engine.of("kms/cryptoKeyIAMMember:CryptoKeyIAMMember")
    assert {one.inputs["member"] for one in grants.values()} == {
        f"serviceAccount:service-123456789012@{domain}.iam.gserviceaccount.com" for domain in AGENTS.values()
    }
    assert {one.inputs["role"] for one in grants.values()} == {"roles/cloudkms.cryptoKeyEncrypterDecrypter"}
    assert set(grants) <= engine.only(ENVIRONMENT).depends_on
    # Nothing can be granted to an agent that is not there yet.
    assert grants["finance-key-composer"].depends_on >= {"finance-composer-agent"}
    key = engine.only("kms/cryptoKey:CryptoKey")
    assert key.inputs["rotationPeriod"] == "7776000s"
    assert "finance-key" in engine.only(ENVIRONMENT).from_["config"]


def test_a_brought_key_is_granted_too_unless_its_owner_does_that(update: Any) -> None:
    key = "projects/keys/locations/europe-west1/keyRings/r/cryptoKeys/k"
    engine = update(lambda: environment(kms_key_id=key))
    assert engine.config()["encryptionConfig"] == {"kmsKeyName": key}
    assert not engine.of("kms/cryptoKey:CryptoKey")
    assert {one.inputs["cryptoKeyId"] for one in engine.of("kms/cryptoKeyIAMMember:CryptoKeyIAMMember").values()} == {key}
    engine = update(lambda: environment(kms_key_id=key, grant_key=False))
    assert not engine.of("kms/cryptoKeyIAMMember:CryptoKeyIAMMember")
    assert not engine.of("projects/serviceIdentity:ServiceIdentity")


def test_the_account_has_the_workers_role_and_what_is_declared(update: Any) -> None:
    engine = update(
        lambda: environment(
            roles=["roles/bigquery.jobUser"],
            **built(
                {
                    "software": {"secrets": {"secrets": ["airflow-connections-warehouse", "airflow-variables-limits"]}},
                    "snapshots": {"location": "gs://bank-snapshots/finance", "schedule": "0 4 * * *"},
                }
            ),
        )
    )
    roles = engine.of("projects/iAMMember:IAMMember")
    assert {one.inputs["role"] for one in roles.values()} == {"roles/composer.worker", "roles/bigquery.jobUser"}
    secrets = engine.of("secretmanager/secretIamMember:SecretIamMember")
    assert {one.inputs["secretId"] for one in secrets.values()} == {"airflow-connections-warehouse", "airflow-variables-limits"}
    assert {one.inputs["role"] for one in secrets.values()} == {"roles/secretmanager.secretAccessor"}
    bucket = engine.only("storage/bucketIAMMember:BucketIAMMember")
    assert (bucket.inputs["bucket"], bucket.inputs["role"]) == ("bank-snapshots", "roles/storage.objectAdmin")
    members = [*roles.values(), *secrets.values(), bucket]
    assert {one.inputs["member"] for one in members} == {f"serviceAccount:{ACCOUNT}"}
    assert {one.name for one in members} <= engine.only(ENVIRONMENT).depends_on
    assert not engine.of("serviceaccount/iAMMember:IAMMember"), "Composer 3's agent needs nothing more"


def test_composer_2s_agent_gets_its_extension_on_this_account_alone(update: Any) -> None:
    engine = update(lambda: environment(2))
    grant = engine.only("serviceaccount/iAMMember:IAMMember")
    assert grant.inputs["role"] == "roles/composer.ServiceAgentV2Ext"
    assert grant.inputs["serviceAccountId"] == f"projects/bank-airflow-prod/serviceAccounts/{ACCOUNT}"
    assert grant.inputs["member"] == "serviceAccount:service-123456789012@cloudcomposer-accounts.iam.gserviceaccount.com"
    assert grant.name in engine.only(ENVIRONMENT).depends_on


def test_a_brought_account_is_granted_the_same(update: Any) -> None:
    engine = update(lambda: environment(service_account="airflow-tasks@bank-airflow-prod.iam.gserviceaccount.com"))
    assert not engine.of("serviceaccount/account:Account")
    member = engine.only("projects/iAMMember:IAMMember").inputs["member"]
    assert member == "serviceAccount:airflow-tasks@bank-airflow-prod.iam.gserviceaccount.com"
    assert engine.config()["nodeConfig"]["serviceAccount"] == "airflow-tasks@bank-airflow-prod.iam.gserviceaccount.com"


def test_the_projects_number_is_asked_of_google_unless_it_is_given(update: Any) -> None:
    engine = update(lambda: environment(project_number=None))
    member = engine.of("kms/cryptoKeyIAMMember:CryptoKeyIAMMember")["finance-key-storage"].inputs["member"]
    assert member == "serviceAccount:service-123456789012@gs-project-accounts.iam.gserviceaccount.com"


def test_software_as_google_writes_it(run: Any) -> None:
    given = {
        "pypi_packages": {"apache-beam": "[gcp]==2.60.0"},
        "env_variables": {"DESK": "finance"},
        "airflow_config": {"core.parallelism": "64"},
        "lineage": True,
        "web_server_plugins": True,
        "secrets": {"secrets": ["airflow-connections-warehouse"], "project": "bank-secrets"},
    }
    software = run(lambda: environment(**built({"software": given}))).config()["softwareConfig"]
    assert software["pypiPackages"] == {"apache-beam": "[gcp]==2.60.0"}
    assert software["envVariables"] == {"DESK": "finance"}
    assert software["cloudDataLineageIntegration"] == {"enabled": True}
    assert software["webServerPluginsMode"] == "ENABLED"
    options = software["airflowConfigOverrides"]
    assert options["core-parallelism"] == "64"
    assert options["secrets-backend"].endswith(".CloudSecretManagerBackend")
    assert json.loads(options["secrets-backend_kwargs"]) == {
        "connections_prefix": "airflow-connections",
        "variables_prefix": "airflow-variables",
        "sep": "-",
        "project_id": "bank-secrets",
    }


def test_size_and_workloads(run: Any) -> None:
    scale = {
        "size": "medium",
        "resilience": "high",
        "scheduler": {"cpu": 1, "memory_gb": 4, "storage_gb": 5, "count": 2},
        "triggerer": {"cpu": 0.5, "memory_gb": 1, "count": 2},
        "web_server": {"cpu": 2, "memory_gb": 4},
        "worker": {"cpu": 4, "memory_gb": 16, "min_count": 2, "max_count": 10},
        "dag_processor": {"cpu": 1, "memory_gb": 4, "count": 2},
    }
    config = run(lambda: environment(**built({"scale": scale}))).config()
    assert (config["environmentSize"], config["resilienceMode"]) == ("ENVIRONMENT_SIZE_MEDIUM", "HIGH_RESILIENCE")
    workloads = config["workloadsConfig"]
    assert workloads["worker"] == {"cpu": 4, "memoryGb": 16, "minCount": 2, "maxCount": 10}
    assert workloads["triggerer"] == {"cpu": 0.5, "memoryGb": 1, "count": 2}
    assert workloads["dagProcessor"] == {"cpu": 1, "memoryGb": 4, "count": 2}
    assert set(workloads) == {"scheduler", "triggerer", "webServer", "worker", "dagProcessor"}


def test_snapshots_and_windows(run: Any) -> None:
    given = {
        "snapshots": {"location": "gs://bank-snapshots/finance", "schedule": "0 4 * * *", "time_zone": "UTC+01"},
        "maintenance": {"days": ["MO", "TU", "WE", "TH", "FR", "SA", "SU"], "start": "22:30", "hours": 4},
    }
    config = run(lambda: environment(ui_cidrs=["198.51.100.0/24"], **built(given))).config()
    assert config["recoveryConfig"]["scheduledSnapshotsConfig"] == {
        "enabled": True,
        "snapshotLocation": "gs://bank-snapshots/finance",
        "snapshotCreationSchedule": "0 4 * * *",
        "timeZone": "UTC+01",
    }
    window = config["maintenanceWindow"]
    assert (window["startTime"], window["endTime"]) == ("2026-01-05T22:30:00Z", "2026-01-06T02:30:00Z")
    assert window["recurrence"] == "FREQ=DAILY"
    assert [one["value"] for one in config["webServerNetworkAccessControl"]["allowedIpRanges"]] == ["198.51.100.0/24"]


def test_secrets_for_pods_are_encoded_and_stay_secret(update: Any) -> None:
    engine = update(
        lambda: environment(user_secrets={"warehouse": {"password": "hunter2"}}, user_config_maps={"warehouse": {"host": "w"}})
    )
    secret = engine.only("composer/userWorkloadsSecret:UserWorkloadsSecret")
    (request,) = [one for one in engine.requests.values() if one.type.endswith(":UserWorkloadsSecret")]
    assert "4dabf18193072939515e22adb298388d" in str(request.object), "not marked secret"
    assert base64.b64decode(secret.inputs["data"]["password"]) == b"hunter2"
    assert secret.inputs["environment"] == "finance"
    assert engine.only("composer/userWorkloadsConfigMap:UserWorkloadsConfigMap").inputs["data"] == {"host": "w"}


def test_data_is_protected_where_asked(update: Any) -> None:
    def protected(engine: Any) -> set[str]:
        return {one.name for one in engine.requests.values() if one.protect}

    assert protected(update(lambda: environment(protect_data=True))) == {"finance-environment", "finance-key"}
    assert not protected(update(environment))


def test_a_bucket_is_brought(update: Any) -> None:
    made = update(lambda: environment(bucket="bank-dags")).only(ENVIRONMENT)
    assert made.inputs["storageConfig"] == {"bucket": "bank-dags"}


@pytest.mark.parametrize(
    ("generation", "cidrs", "sees_nodes"),
    [(3, ("10.70.0.0/26",), False), (2, ("10.70.0.0/24", "10.72.0.0/21"), True)],
)
def test_gates_are_handed_the_addresses_that_tasks_have(
    generation: int, cidrs: tuple[str, ...], sees_nodes: bool, update: Any
) -> None:
    found = []

    def program() -> None:
        made = environment(generation, placement={"network_project": "bank-network"})
        found.append(made.network)
        pulumi.Output.all(made.network.network_id, made.network.service_account_email).apply(found.append)

    update(program)
    network, values = found
    assert network.environment == "finance"
    assert network.source_cidrs == cidrs
    assert network.sees_nodes is sees_nodes
    assert (network.project, network.region) == ("bank-network", "europe-west1")
    assert values == [NETWORK, ACCOUNT]


def test_it_is_registered_for_readers(run: Any) -> None:
    told = run(lambda: environment(2)).only("ComposerEnvironment").inputs
    assert told["generation"] == 2
    assert told["sourceCidrs"] == ["10.70.0.0/24", "10.72.0.0/21"]
    assert told["googleApis"] == "199.36.153.8/30"


@pytest.mark.parametrize(
    ("owner", "label"),
    [("finance@bank.example", "finance-bank-example"), ("4-eyes", "o-4-eyes"), ("Ä", ""), ("a" * 70, "a" * 63)],
)
def test_an_owner_becomes_a_label(owner: str, label: str) -> None:
    assert label_of(owner) == label


def test_placements_of_both_generations_are_one_class() -> None:
    placement = ComposerPlacement(network_id=NETWORK, subnetwork_cidr="10.0.0.0/24", pod_cidr="10.1.0.0/21")
    assert placement.source_cidrs(3) == ("10.0.0.0/24",)
    assert placement.source_cidrs(2) == ("10.0.0.0/24", "10.1.0.0/21")
    assert IMAGE_2.startswith("composer-2")
