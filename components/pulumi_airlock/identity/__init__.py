"""One identity in every system: the access file's groups, roles and service accounts, compiled, read back and compared.

`Identity` makes groups and clients at the identity provider and roles at AWS; `plan_identity` says what each system calls whom;
`read_identity` and `prove_identity` find where they differ. Only the component needs the providers' SDKs.
"""

from typing import TYPE_CHECKING

from ..lazy import exports

if TYPE_CHECKING:
    from .airflow import dag_permissions, policy_module, policy_wheel, roles_mapping, roles_to_import
    from .component import Identity, IdentityEnvironment
    from .entra import Entra
    from .oidc import Oidc
    from .okta import Okta
    from .plan import IdentityPlan, Place, plan_identity
    from .proof import IdentityFinding, identity_findings, prove_identity
    from .read import IdentityReading, read_identity
    from .saml import SamlService, SamlSignOn

__all__ = [
    "Entra",
    "Identity",
    "IdentityEnvironment",
    "IdentityFinding",
    "IdentityPlan",
    "IdentityReading",
    "Oidc",
    "Okta",
    "Place",
    "SamlService",
    "SamlSignOn",
    "dag_permissions",
    "identity_findings",
    "plan_identity",
    "policy_module",
    "policy_wheel",
    "prove_identity",
    "read_identity",
    "roles_mapping",
    "roles_to_import",
]

# Readers and policies run where no provider's SDK is installed: only composing needs one.
__getattr__ = exports(
    __name__,
    {
        "Entra": "entra",
        "Identity": "component",
        "IdentityEnvironment": "component",
        "IdentityFinding": "proof",
        "IdentityPlan": "plan",
        "IdentityReading": "read",
        "Oidc": "oidc",
        "Okta": "okta",
        "Place": "plan",
        "SamlService": "saml",
        "SamlSignOn": "saml",
        "dag_permissions": "airflow",
        "identity_findings": "proof",
        "plan_identity": "plan",
        "policy_module": "airflow",
        "policy_wheel": "airflow",
        "prove_identity": "proof",
        "read_identity": "read",
        "roles_mapping": "airflow",
        "roles_to_import": "airflow",
    },
)
