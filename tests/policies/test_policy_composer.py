import pytest
from policy_testing import UNKNOWN, Secret, on, resource

ENVIRONMENT = "gcp:composer/environment:Environment"
ACCOUNT = "gcp:serviceaccount/account:Account"
MEMBER = "gcp:projects/iAMMember:IAMMember"
BINDING = "gcp:projects/iAMBinding:IAMBinding"
IMAGE_3 = "composer-3-airflow-2.10.5-build.12"
IMAGE_2 = "composer-2.16.7-airflow-2.10.5"
EMAIL = "airflow-finance@p.iam.gserviceaccount.com"


def config(image=IMAGE_3, **blocks):
    return {"softwareConfig": {"imageVersion": image}, **blocks}


def test_private_environment():
    policy = on("composer-private-environment", ENVIRONMENT)
    policy.passes(config=config(enablePrivateEnvironment=True))
    policy.passes(config=config(IMAGE_2, privateEnvironmentConfig={"enablePrivateEndpoint": True}))
    policy.fails("enablePrivateEnvironment is off", config=config())
    policy.fails("privateEnvironmentConfig is missing", config=config(IMAGE_2, enablePrivateEnvironment=True))
    policy.fails("enablePrivateEnvironment is off", name="finance")
    policy.undecided("config.enablePrivateEnvironment", config=config(enablePrivateEnvironment=UNKNOWN))
    policy.undecided("config.privateEnvironmentConfig", config=config(IMAGE_2, privateEnvironmentConfig=UNKNOWN))
    policy.undecided("imageVersion", config=config(UNKNOWN))


def test_functions_by_network():
    policy = on("composer-functions-by-network", ENVIRONMENT)

    def routed(how):
        return config(nodeConfig={"trafficRoutingConfig": {"cloudRunFunctionsRouting": how}})

    policy.passes(config=routed("VIA_NETWORK_ATTACHMENT"))
    policy.passes(config=config(IMAGE_2))
    policy.fails("cloudRunFunctionsRouting is not set", config=config())
    policy.fails("is DIRECT", config=routed("DIRECT"))
    policy.undecided("cloudRunFunctionsRouting", config=routed(UNKNOWN))
    policy.undecided("cloudRunFunctionsRouting", config=config(nodeConfig=UNKNOWN))


def test_private_builds():
    policy = on("composer-private-builds", ENVIRONMENT)
    policy.passes(config=config(enablePrivateBuildsOnly=True))
    policy.passes(config=config(IMAGE_2))
    policy.fails("enablePrivateBuildsOnly is off", config=config())
    policy.undecided("config.enablePrivateBuildsOnly", config=config(enablePrivateBuildsOnly=UNKNOWN))


def test_customer_key():
    policy = on("composer-customer-key", ENVIRONMENT)
    policy.passes(config=config(encryptionConfig={"kmsKeyName": "projects/p/locations/l/keyRings/r/cryptoKeys/k"}))
    policy.fails("kmsKeyName is not set", config=config())
    policy.undecided("kmsKeyName", config=config(encryptionConfig={"kmsKeyName": UNKNOWN}))


def web(*values):
    return config(webServerNetworkAccessControl={"allowedIpRanges": [{"value": value} for value in values]})


def test_web_access():
    policy = on("composer-web-access", ENVIRONMENT)
    policy.passes(config=web("198.51.100.0/24", "2001:db8::/48"))
    policy.fails("takes for everybody", config=config())
    policy.fails("takes for everybody", config=web())
    policy.fails("allowedIpRanges[1].value is 0.0.0.0/0", config=web("198.51.100.0/24", "0.0.0.0/0"))
    policy.fails("is ::0/0", config=web("::0/0"))
    policy.undecided("allowedIpRanges[0].value", config=web(UNKNOWN))
    policy.undecided("allowedIpRanges", config=config(webServerNetworkAccessControl={"allowedIpRanges": UNKNOWN}))


def test_control_plane_closed():
    policy = on("composer-control-plane-closed", ENVIRONMENT)

    def master(**block):
        return config(IMAGE_2, masterAuthorizedNetworksConfig=block)

    policy.passes(config=master(enabled=True, cidrBlocks=[{"cidrBlock": "198.51.100.0/24"}]))
    policy.passes(config=config())
    policy.fails("enabled is off", config=config(IMAGE_2))
    policy.fails("cidrBlocks[0].cidrBlock is 0.0.0.0/0", config=master(enabled=True, cidrBlocks=[{"cidrBlock": "0.0.0.0/0"}]))
    policy.undecided("enabled", config=master(enabled=UNKNOWN))
    policy.undecided("cidrBlocks[0].cidrBlock", config=master(enabled=True, cidrBlocks=[{"cidrBlock": UNKNOWN}]))


def test_own_service_account():
    policy = on("composer-own-service-account", ENVIRONMENT)
    policy.passes(config=config(nodeConfig={"serviceAccount": EMAIL}))
    policy.fails("serviceAccount is not set", config=config())
    for default in ("1-compute@developer.gserviceaccount.com", "p@appspot.gserviceaccount.com"):
        policy.fails("a default account", config=config(nodeConfig={"serviceAccount": default}))
    policy.undecided("serviceAccount", config=config(nodeConfig={"serviceAccount": UNKNOWN}))


def test_scoped_service_account():
    policy = on("composer-scoped-service-account")
    finance = resource(ENVIRONMENT, "finance", config=config(nodeConfig={"serviceAccount": EMAIL}))
    member = f"serviceAccount:{EMAIL}"
    policy.passes([finance, resource(MEMBER, "worker", role="roles/composer.worker", member=member)])
    policy.passes(
        [finance, resource(MEMBER, "other", role="roles/editor", member="serviceAccount:other@p.iam.gserviceaccount.com")]
    )
    policy.fails("is roles/editor", [finance, resource(MEMBER, "all", role="roles/editor", member=member)], at="all")
    policy.fails("is roles/owner", [finance, resource(BINDING, "all", role="roles/owner", members=["user:a", member])], at="all")
    policy.undecided("role", [finance, resource(MEMBER, "some", role=UNKNOWN, member=member)])
    assert "none of" in policy.not_applicable([resource(MEMBER, "all", role="roles/editor", member=member)])


def test_an_account_is_known_by_what_both_were_computed_from():
    """At preview its address is unknown."""
    policy = on("composer-scoped-service-account")
    account, other = resource(ACCOUNT, "tasks"), resource(ACCOUNT, "other")
    finance = resource(ENVIRONMENT, "finance", links={"config": "tasks"}, config=config(nodeConfig={"serviceAccount": UNKNOWN}))
    policy.fails("roles/editor", [account, finance, resource(MEMBER, "all", links={"member": "tasks"}, role="roles/editor")])
    policy.passes([account, other, finance, resource(MEMBER, "all", links={"member": "other"}, role="roles/editor")])
    policy.undecided("member", [account, finance, resource(MEMBER, "all", role="roles/editor", member=UNKNOWN)])


def kept(**one):
    return config(dataRetentionConfig={"airflowMetadataRetentionConfigs": [one]})


def test_metadata_retention():
    policy = on("composer-metadata-retention", ENVIRONMENT)
    policy.passes(config=kept(retentionMode="RETENTION_MODE_ENABLED", retentionDays=60))
    policy.passes(config=config(IMAGE_2))
    policy.fails("is missing", config=config())
    policy.fails("is RETENTION_MODE_DISABLED", config=kept(retentionMode="RETENTION_MODE_DISABLED"))
    longer = on("composer-metadata-retention", ENVIRONMENT, days=365)
    longer.fails("is 60; at least 365", config=kept(retentionMode="RETENTION_MODE_ENABLED", retentionDays=60))
    policy.undecided("[0]", config=kept(retentionMode=UNKNOWN))


def test_snapshots():
    policy = on("composer-snapshots", ENVIRONMENT)
    block = {"scheduledSnapshotsConfig": {"enabled": True}}
    policy.passes(name="finance-prod", config=config(recoveryConfig=block))
    policy.passes(name="finance-dev", project="bank-dev", config=config())
    policy.fails("enabled is off", name="finance-prod", config=config())
    policy.fails("enabled is off", name="finance", project="bank-prod", config=config())
    on("composer-snapshots", ENVIRONMENT, production=["*"]).fails("enabled is off", name="finance", config=config())
    unknown = {"scheduledSnapshotsConfig": {"enabled": UNKNOWN}}
    policy.undecided("enabled", name="prod", config=config(recoveryConfig=unknown))


def test_owner_label():
    policy = on("composer-owner-label", ENVIRONMENT)
    policy.passes(labels={"owner": "finance"})
    policy.fails("labels.owner is missing", labels={"team": "finance"})
    policy.undecided("labels.owner", labels={"owner": UNKNOWN})


def test_maintenance_window():
    policy = on("composer-maintenance-window", ENVIRONMENT)
    policy.passes(config=config(maintenanceWindow={"recurrence": "FREQ=DAILY"}))
    policy.fails("maintenanceWindow is missing", config=config())
    policy.undecided("maintenanceWindow", config=config(maintenanceWindow=UNKNOWN))


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ("composer-3-airflow-2", "another image tomorrow"),
        ("composer-3-airflow-2.10.5", "another image tomorrow"),
        ("composer-latest-airflow-2.10.5", "another image tomorrow"),
        ("composer-1.20.12-airflow-2.4.3", "ended on 2026-09-15"),
        ("composer-2.0.32-airflow-2.3.4", "ended on 2026-09-15"),
    ],
)
def test_pinned_image(image, says):
    policy = on("composer-pinned-image", ENVIRONMENT)
    policy.passes(config=config())
    policy.passes(config=config(IMAGE_2))
    policy.fails(says, config=config(image))
    policy.fails("imageVersion is missing", config={})
    policy.undecided("imageVersion", config=config(UNKNOWN))


def software(**blocks):
    return {"softwareConfig": {"imageVersion": IMAGE_3, **blocks}}


def test_no_plain_secret():
    policy = on("composer-no-plain-secret", ENVIRONMENT)
    policy.passes(config=software(airflowConfigOverrides={"secrets-backend": "x", "smtp-smtp_password_cmd": "fetch"}))
    policy.fails("smtp-smtp_password", config=software(airflowConfigOverrides={"smtp-smtp_password": "x"}))
    policy.fails("WAREHOUSE_PASSWORD", config=software(envVariables={"WAREHOUSE_PASSWORD": "x"}))
    policy.fails("looks like a credential", config=software(envVariables={"WAREHOUSE": "postgresql://etl:s3cr3t@db/x"}))
    policy.undecided("envVariables", config=software(envVariables=UNKNOWN))
    policy.undecided("core-x", config=software(airflowConfigOverrides={"core-x": UNKNOWN}))


def test_pod_secret():
    policy = on("composer-pod-secret", "gcp:composer/userWorkloadsSecret:UserWorkloadsSecret")
    policy.passes(data=Secret({"password": "aHVudGVyMg=="}))
    policy.fails("data is plain text", data={"password": "aHVudGVyMg=="})
    # That the value is unknown does not matter: that it is no secret is known.
    policy.fails("data is plain text", data=UNKNOWN)
