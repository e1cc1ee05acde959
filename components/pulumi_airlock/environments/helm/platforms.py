"""Identities of a cloud for service accounts: AWS roles on EKS, Google service accounts on GKE. No SDK in here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...access.model import Access
from ...errors import Problems
from .limits import GOOGLE_ACCOUNT, ROLE_ARN


@dataclass(frozen=True, slots=True)
class Eks:
    """Amazon EKS: AWS roles for service accounts."""

    role_arns: Mapping[str, str] = field(default_factory=dict)
    """Principal → the role that its tasks take."""
    pod_identity_cluster: str | None = None
    """The EKS cluster's name, to bind roles by EKS Pod Identity; None: by the OIDC provider of the cluster (IRSA)."""


@dataclass(frozen=True, slots=True)
class Gke:
    """Google GKE: Google service accounts, by workload identity."""

    project: str
    """The project of the cluster, whose workload identity pool it is."""
    service_accounts: Mapping[str, str] = field(default_factory=dict)
    """Principal → the Google service account that its tasks act as."""


METADATA = (("169.254.169.254/32", 80, 80), ("169.254.169.252/32", 987, 988))
"""Networks and ports of GKE's metadata server as policies see it, with Dataplane V2 and without (GKE, "Authenticate to Google
Cloud APIs from GKE workloads"): it says who a pod is to Google."""


def identity_of(platform: Eks | Gke, principal: str | None) -> tuple[dict[str, str], str | None]:
    """Annotations of an account, and the identity of the cloud that a resource of its own binds it to."""
    if isinstance(platform, Gke):
        google = platform.service_accounts.get(principal or "")
        return ({"iam.gke.io/gcp-service-account": google}, google) if google else ({}, None)
    role = platform.role_arns.get(principal or "")
    if role is None:
        return {}, None
    return ({}, role) if platform.pod_identity_cluster else ({"eks.amazonaws.com/role-arn": role}, None)


def check_platform(access: Access, platform: Eks | Gke, accounts: Mapping[str, str], problems: Problems) -> None:
    """Identities of principals that are there, well written, and one for each account."""
    known = {one.name for one in access.principals if not one.is_people}
    given = platform.service_accounts if isinstance(platform, Gke) else platform.role_arns
    what = "service_accounts" if isinstance(platform, Gke) else "role_arns"
    pattern = GOOGLE_ACCOUNT if isinstance(platform, Gke) else ROLE_ARN
    of_account: dict[str, tuple[str, str]] = {}
    for principal, value in given.items():
        path = f"platform.{what}[{principal}]"
        if principal not in known:
            problems.add(path, f"no principal {principal!r} whose tasks run here")
        if not pattern.fullmatch(value):
            right = "name@project.iam.gserviceaccount.com" if isinstance(platform, Gke) else "arn:aws:iam::123456789012:role/name"
            problems.add(path, f"{value!r}: write {right}")
        account = accounts.get(principal, principal)
        other, theirs = of_account.setdefault(account, (principal, value))
        if theirs != value:
            problems.add(path, f"{other} has the same service account, {account}, and it takes {theirs}: write one for both")
