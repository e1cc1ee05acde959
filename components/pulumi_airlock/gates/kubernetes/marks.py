"""By what an object of Airlock's is known to whoever meets it in the cluster. No SDK in here."""

from typing import Final

MANAGED: Final = {"app.kubernetes.io/managed-by": "airlock"}
"""The label of every object (Kubernetes, "Recommended Labels")."""
ROUTES: Final = "airlock/routes"
"""The annotation with the routes that an object carries."""
