"""The key that encrypts an environment's bucket, database, queue and images, and the agents that use it."""

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_gcp as gcp

from ...errors import Problems
from .account import AGENTS, agent
from .checks import known
from .limits import KEY_ID

ROLE: Final = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
ROTATION: Final = "7776000s"
"""90 days ("Key rotation", the recommended period)."""
DESTROY_AFTER: Final = "2592000s"
"""30 days between the order to destroy a version and its end: time to notice."""

_IDENTITIES: Final = {
    "composer": "composer.googleapis.com",
    "artifactregistry": "artifactregistry.googleapis.com",
    "pubsub": "pubsub.googleapis.com",
}
"""Services whose agent may not be there yet: it comes with the first use, and nothing can be granted to it before."""


@dataclass(frozen=True, slots=True)
class Key:
    """The key, and the grants that the environment has to come after."""

    id: pulumi.Output[str]
    before: tuple[pulumi.Resource, ...]


def check_key(key_id: pulumi.Input[str] | None, region: str, problems: Problems) -> None:
    """Notes a key that Composer refuses."""
    text = known(key_id)
    if text is None:
        return
    found = KEY_ID.fullmatch(text)
    if found is None:
        fix = "write projects/<project>/locations/<region>/keyRings/<ring>/cryptoKeys/<key>, without a version"
        problems.add("kms_key_id", f"{text!r}: {fix}")
    elif region and found["location"] != region:
        problems.add(
            "kms_key_id", f"{text} is in {found['location']}: Composer takes a key of the environment's region, {region}"
        )


def make_key(
    name: str,
    environment_name: str,
    project: str,
    region: str,
    number: pulumi.Output[str] | None,
    brought: pulumi.Input[str] | None,
    labels: dict[str, str],
    child: pulumi.ResourceOptions,
    data: pulumi.ResourceOptions,
) -> Key:
    """The key, made or brought, with every agent's grant; None as `number` leaves the grants of a brought key to its owner."""
    if brought is None:
        ring = gcp.kms.KeyRing(f"{name}-keys", name=f"airflow-{environment_name}", project=project, location=region, opts=child)
        key = gcp.kms.CryptoKey(
            f"{name}-key",
            name="environment",
            key_ring=ring.id,
            purpose="ENCRYPT_DECRYPT",
            rotation_period=ROTATION,
            destroy_scheduled_duration=DESTROY_AFTER,
            labels=labels,
            opts=data,
        )
        key_id: pulumi.Output[str] = key.id
    else:
        key_id = pulumi.Output.from_input(brought)
    if number is None:
        return Key(key_id, ())
    grants = []
    for service in AGENTS:
        after = []
        if service in _IDENTITIES:
            after = [
                gcp.projects.ServiceIdentity(f"{name}-{service}-agent", project=project, service=_IDENTITIES[service], opts=child)
            ]
        grants.append(
            gcp.kms.CryptoKeyIAMMember(
                f"{name}-key-{service}",
                crypto_key_id=key_id,
                role=ROLE,
                member=agent(service, number),
                opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=after)),
            )
        )
    return Key(key_id, tuple(grants))
