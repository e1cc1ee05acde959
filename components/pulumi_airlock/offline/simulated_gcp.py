"""Simulated types of Google Cloud (see `simulated_types`), one section a family.

Forms of ids and computed outputs: terraform-provider-google 7, `website/docs/r` of each resource ("Attributes Reference"); what
replaces a resource: `ForceNew` in its schema.
"""

from collections.abc import Mapping
from typing import Any

from .simulation import Simulated

_PROJECT = "{in.project}"


def named(collection: str, forces: str = "", **outputs: Any) -> Simulated:
    """A type whose id is its path in its project: `projects/<project>/<collection>/<name>`.

    The project is the input's: components of Airlock give it always. `name` and `project` replace it.
    """
    return Simulated(
        f"projects/{_PROJECT}/{collection}/{{name}}",
        {"name": "{name}", **outputs},
        frozenset(("name", "project", *forces.split())),
    )


def compute(collection: str, forces: str = "", **outputs: Any) -> Simulated:
    """A type of Compute Engine: it has a self link too."""
    return named(
        collection,
        forces,
        selfLink=f"https://www.googleapis.com/compute/v1/projects/{_PROJECT}/{collection}/{{name}}",
        creationTimestamp="2026-01-01T00:00:00.000-00:00",
        **outputs,
    )


def tied(id_: str, forces: str, **outputs: Any) -> Simulated:
    """A type that has no life of its own: a member of a policy, an association."""
    return Simulated(id_, outputs, frozenset(forces.split()))


_ACCOUNT_EMAIL = "{in.accountId}@{in.project}.iam.gserviceaccount.com"
_ETAG = "BwX{hex8}="

_COMPOSER: dict[str, Simulated] = {
    # What it tells within `config` (UI, folder of DAGs, cluster) is in a block that the program gives: unknown in a preview,
    # absent after `airlock up`.
    "gcp:composer/environment:Environment": named("locations/{in.region}/environments", "region storageConfig"),
    "gcp:composer/userWorkloadsConfigMap:UserWorkloadsConfigMap": named(
        "locations/{in.region}/environments/{in.environment}/userWorkloadsConfigMaps", "region environment"
    ),
    "gcp:composer/userWorkloadsSecret:UserWorkloadsSecret": named(
        "locations/{in.region}/environments/{in.environment}/userWorkloadsSecrets", "region environment"
    ),
}

_IAM: dict[str, Simulated] = {
    "gcp:serviceaccount/account:Account": Simulated(
        f"projects/{_PROJECT}/serviceAccounts/{_ACCOUNT_EMAIL}",
        {
            "email": _ACCOUNT_EMAIL,
            "member": f"serviceAccount:{_ACCOUNT_EMAIL}",
            "name": f"projects/{_PROJECT}/serviceAccounts/{_ACCOUNT_EMAIL}",
            "uniqueId": "1{digits20}",
        },
        frozenset(("accountId", "project")),
    ),
    "gcp:serviceaccount/iAMMember:IAMMember": tied(
        "{in.serviceAccountId}/{in.role}/{in.member}", "serviceAccountId role member condition", etag=_ETAG
    ),
    "gcp:projects/iAMMember:IAMMember": tied("{in.project}/{in.role}/{in.member}", "project role member condition", etag=_ETAG),
    "gcp:projects/serviceIdentity:ServiceIdentity": tied(
        "projects/{in.project}/services/{in.service}",
        "project service",
        email="service-{digits12.number}@gcp-sa-{hex6}.iam.gserviceaccount.com",
        member="serviceAccount:service-{digits12.number}@gcp-sa-{hex6}.iam.gserviceaccount.com",
    ),
    "gcp:secretmanager/secretIamMember:SecretIamMember": tied(
        "projects/{in.project}/secrets/{in.secretId}/{in.role}/{in.member}",
        "project secretId role member condition",
        etag=_ETAG,
    ),
    "gcp:compute/subnetworkIAMMember:SubnetworkIAMMember": tied(
        "projects/{in.project}/regions/{in.region}/subnetworks/{in.subnetwork}/{in.role}/{in.member}",
        "project region subnetwork role member condition",
        etag=_ETAG,
    ),
}

_KMS: dict[str, Simulated] = {
    "gcp:kms/keyRing:KeyRing": named("locations/{in.location}/keyRings", "location"),
    "gcp:kms/cryptoKey:CryptoKey": Simulated(
        "{in.keyRing}/cryptoKeys/{name}",
        {"name": "{name}"},
        frozenset(("name", "keyRing", "purpose", "importOnly", "destroyScheduledDuration")),
    ),
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": tied(
        "{in.cryptoKeyId}/{in.role}/{in.member}", "cryptoKeyId role member condition", etag=_ETAG
    ),
}

_STORAGE: dict[str, Simulated] = {
    "gcp:storage/bucket:Bucket": Simulated(
        "{name}",
        {
            "name": "{name}",
            "url": "gs://{name}",
            "selfLink": "https://www.googleapis.com/storage/v1/b/{name}",
            "projectNumber": "{digits12.number}",
        },
        frozenset(("name", "location", "project")),
    ),
    "gcp:storage/bucketIAMMember:BucketIAMMember": tied(
        "b/{in.bucket}/{in.role}/{in.member}", "bucket role member condition", etag=_ETAG
    ),
    "gcp:storage/bucketObject:BucketObject": Simulated(
        "{in.bucket}-{in.name}",
        {
            "outputName": "{in.name}",
            "generation": "{digits16}",
            "selfLink": "https://www.googleapis.com/storage/v1/b/{in.bucket}/o/{in.name}",
        },
        frozenset(("bucket", "name")),
        frozenset(("generation",)),
    ),
}

_NETWORK: dict[str, Simulated] = {
    "gcp:compute/networkAttachment:NetworkAttachment": compute(
        "regions/{in.region}/networkAttachments", "region connectionPreference", fingerprint="{hex8.print}="
    ),
}

GCP: Mapping[str, Simulated] = {**_COMPOSER, **_IAM, **_KMS, **_STORAGE, **_NETWORK}
"""Every simulated type of Google Cloud, by its token."""
