"""Compiles the documents of a product in process."""

from datetime import date
from typing import Any

from in_process import run
from pulumi_airlock.access import Access
from pulumi_airlock.gates.adapters import Boundary, Hoop, InBucket, InConfigMap, Join, OwnProxy, Product, Teleport
from pulumi_airlock.gates.stack import Stack

TODAY = date(2026, 11, 26)
AGENT = "75122bce-f957-49eb-a812-2ab60977cd9f"
ROLE = "arn:aws:sts::111122223333:assumed-role/finance/*"
DOCUMENT: dict[str, Any] = {
    "environments": [{"name": "finance", "dags": ["finance_*"]}, {"name": "risk", "dags": ["risk_*"]}],
    "principals": [
        {"name": "etl", "environment": "finance", "dags": ["finance_*"]},
        {"name": "risk", "environment": "risk", "dags": ["*"], "serviceAccount": "risk-tasks"},
    ],
    "zones": {"datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["proxy"]}},
    "destinations": [
        {
            "name": "warehouse",
            "zone": "datacenter",
            "hosts": ["warehouse.corp.example"],
            "cidrs": ["10.20.4.10/32"],
            "ports": ["5432/tcp"],
        },
        {"name": "ledger-db", "zone": "datacenter", "cidrs": ["10.20.4.20/31"], "ports": ["1521/tcp"]},
    ],
    "routes": [
        {"name": "etl-warehouse", "from": ["etl"], "to": ["warehouse"], "reason": "FIN-1", "expires": "2030-06-30"},
        {"name": "both", "from": ["etl", "risk"], "to": ["ledger-db"], "reason": "RSK-2"},
    ],
}
ACCESS = Access.model_validate(DOCUMENT)
BOUNDARY = Boundary(project="p_1234567890", users={"finance": "u_finance1234", "risk": "u_risk1234"})
HOOP = Hoop(agent=AGENT, subjects={"finance": "0oafinance", "risk": "0oarisk"})
PODS = Teleport(
    proxy="proxy.corp.example:443",
    joins=[Join("finance", "kubernetes", namespace="airflow"), Join("risk", "kubernetes", namespace="risk", jwks='{"keys": []}')],
)
CLOUDS = Teleport(
    proxy="proxy.corp.example:443",
    joins=[
        Join("finance", "iam", role=ROLE),
        Join("risk", "gcp", project="bank", service_account="risk@bank.iam.gserviceaccount.com"),
    ],
)
PRODUCTS: dict[str, Product] = {"boundary": BOUNDARY, "hoop": HOOP, "teleport-pods": PODS, "teleport-clouds": CLOUDS}


def changed(**sections: Any) -> Access:
    return Access.model_validate({**DOCUMENT, **sections})


def proxy(product: Product, access: Access = ACCESS, **given: Any) -> OwnProxy:
    place = {"port": 443, "cidrs": ["10.50.0.0/26"], "sources": ["10.51.0.0/26"]}
    return OwnProxy("proxy", **{"access": access, "product": product, "today": TODAY, **place, **given})


def compiled(product: Product, access: Access = ACCESS, **given: Any) -> Stack:
    return Stack(run(lambda: proxy(product, access, **given)))


PLACES = {"nowhere": None, "config-map": InConfigMap("proxies"), "bucket": InBucket("bank-proxies")}
