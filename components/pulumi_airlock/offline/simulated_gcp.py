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
    "gcp:compute/network:Network": compute(
        "global/networks", "autoCreateSubnetworks description", networkId="{digits19}", numericId="{digits19}"
    ),
    "gcp:compute/subnetwork:Subnetwork": compute(
        "regions/{in.region}/subnetworks", "region network purpose", subnetworkId="{digits19}", fingerprint="{hex8.print}="
    ),
    "gcp:compute/route:Route": compute(
        "global/routes",
        "network destRange description priority tags nextHopGateway nextHopIlb nextHopInstance nextHopInstanceZone nextHopIp "
        "nextHopVpnTunnel",
        nextHopNetwork="{in.network}",
        routeType="STATIC",
        routeStatus="ACTIVE",
    ),
    "gcp:compute/networkAttachment:NetworkAttachment": compute(
        "regions/{in.region}/networkAttachments", "region connectionPreference", fingerprint="{hex8.print}="
    ),
}

_VPN: dict[str, Simulated] = {
    "gcp:compute/haVpnGateway:HaVpnGateway": compute(
        "regions/{in.region}/vpnGateways",
        "region network stackType gatewayIpVersion description",
        vpnInterfaces=[
            {"id": 0, "ipAddress": "{ip.198.51.100.0/25}"},
            {"id": 1, "ipAddress": "{ip.198.51.100.128/25}"},
        ],
    ),
    "gcp:compute/externalVpnGateway:ExternalVpnGateway": compute(
        "global/externalVpnGateways", "redundancyType interfaces description"
    ),
    "gcp:compute/vPNTunnel:VPNTunnel": compute(
        "regions/{in.region}/vpnTunnels",
        "region vpnGateway vpnGatewayInterface peerExternalGateway peerExternalGatewayInterface router sharedSecret ikeVersion "
        "cipherSuite description",
        tunnelId="{digits19}",
        sharedSecretHash="{hex40.secret}",
        detailedStatus="Tunnel is up and running.",
    ),
    "gcp:compute/router:Router": compute("regions/{in.region}/routers", "region network"),
    "gcp:compute/routerInterface:RouterInterface": tied(
        "{in.region}/{in.router}/{name}", "name project region router ipRange vpnTunnel", name="{name}"
    ),
    "gcp:compute/routerPeer:RouterPeer": tied(
        "projects/{in.project}/regions/{in.region}/routers/{in.router}/{name}",
        "name project region router interface",
        name="{name}",
    ),
    "gcp:compute/routerRoutePolicy:RouterRoutePolicy": tied(
        "projects/{in.project}/regions/{in.region}/routers/{in.router}/routePolicies/{name}",
        "name project region router",
        name="{name}",
        fingerprint="{hex8.print}=",
    ),
}


def _policies(collection: str, kind: str, where: str = "") -> dict[str, Simulated]:
    """A network firewall policy of one scope: alone and with its rules, its rules and its associations."""
    path = f"projects/{_PROJECT}/{collection}/firewallPolicies"
    member = kind[0].lower() + kind[1:]
    number = f"{member}Id"
    outputs = {number: "{digits19.policy}", "fingerprint": "{hex8.print}=", "ruleTupleCount": 0}
    return {
        f"gcp:compute/{member}:{kind}": compute(f"{collection}/firewallPolicies", f"policyType {where}", **outputs),
        f"gcp:compute/{member}WithRules:{kind}WithRules": compute(
            f"{collection}/firewallPolicies", f"policyType {where}", **outputs
        ),
        f"gcp:compute/{member}Rule:{kind}Rule": tied(
            f"{path}/{{in.firewallPolicy}}/{{in.priority}}",
            f"project firewallPolicy priority {where}",
            kind="compute#firewallPolicyRule",
        ),
        f"gcp:compute/{member}Association:{kind}Association": tied(
            f"{path}/{{in.firewallPolicy}}/associations/{{name}}",
            f"name project attachmentTarget {where}",
            name="{name}",
            shortName="{in.firewallPolicy}",
        ),
    }


_HIERARCHICAL = "locations/global/firewallPolicies"
_FIREWALL: dict[str, Simulated] = {
    **_policies("global", "NetworkFirewallPolicy"),
    **_policies("regions/{in.region}", "RegionNetworkFirewallPolicy", "region"),
    "gcp:compute/firewall:Firewall": compute("global/firewalls", "network direction"),
    "gcp:compute/firewallPolicy:FirewallPolicy": Simulated(
        f"{_HIERARCHICAL}/{{digits12.policy}}",
        {"name": "{digits12.policy}", "firewallPolicyId": "{digits12.policy}", "fingerprint": "{hex8.print}="},
        frozenset(("parent", "shortName")),
    ),
    "gcp:compute/firewallPolicyWithRules:FirewallPolicyWithRules": Simulated(
        f"{_HIERARCHICAL}/{{digits12.policy}}",
        {"policyId": "{digits12.policy}", "fingerprint": "{hex8.print}="},
        frozenset(("parent", "shortName")),
    ),
    "gcp:compute/firewallPolicyRule:FirewallPolicyRule": tied(
        f"{_HIERARCHICAL}/{{in.firewallPolicy}}/rules/{{in.priority}}", "firewallPolicy priority"
    ),
    "gcp:compute/firewallPolicyAssociation:FirewallPolicyAssociation": tied(
        f"{_HIERARCHICAL}/{{in.firewallPolicy}}/associations/{{name}}", "name attachmentTarget", name="{name}"
    ),
    "gcp:networksecurity/addressGroup:AddressGroup": Simulated(
        "{in.parent}/locations/{in.location}/addressGroups/{name}",
        {"name": "{name}", "createTime": "2026-01-01T00:00:00Z"},
        frozenset(("name", "parent", "location", "type", "capacity")),
    ),
}

GCP: Mapping[str, Simulated] = {**_COMPOSER, **_IAM, **_KMS, **_STORAGE, **_NETWORK, **_VPN, **_FIREWALL}
"""Every simulated type of Google Cloud, by its token."""
