"""Runs a program with the proxy in process: on Fargate, or in a cluster."""

import json
import time
from collections.abc import Callable
from datetime import date
from typing import Any

from in_process import run
from pulumi_airlock.access import Access
from pulumi_airlock.gates.stack import Stack
from pulumi_airlock.gates.tcp_proxy import OnFargate, OnKubernetes, SecretFiles, Subnet, TaskIssuer, TcpProxy

TODAY = date(2026, 11, 26)
KEYS = json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "x": "", "y": ""}]})
ROLE = "arn:aws:iam::111122223333:role/finance"
STS = TaskIssuer("mwaa", "sts", "finance", "https://abc.tokens.sts.global.api.aws", "airlock-proxy", subject=ROLE)
PODS = TaskIssuer(
    "pods", "projected", "finance", "https://oidc.test", "airlock-proxy", jwks=KEYS, namespace="airflow", assurance="attested"
)
SECRET = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:proxy/"
AUTHORITY = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
DOCUMENT: dict[str, Any] = {
    "environments": [{"name": "finance", "dags": ["finance_*", "ledger_*", "adhoc_*"]}],
    "principals": [
        {"name": "etl", "environment": "finance", "dags": ["finance_*"], "tasks": ["load_*"]},
        {"name": "ledger", "environment": "finance", "dags": ["ledger_*"]},
    ],
    "zones": {"datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["aws", "tcp-proxy"], "trust": "medium"}},
    "destinations": [
        {
            "name": "warehouse",
            "zone": "datacenter",
            "hosts": ["warehouse.corp.example"],
            "cidrs": ["10.20.4.10/32"],
            "ports": ["5432/tcp"],
            "class": "confidential",
        },
        {"name": "ledger-db", "zone": "datacenter", "cidrs": ["10.20.4.20/31"], "ports": ["1521/tcp"]},
    ],
    "routes": [
        {"name": "etl-warehouse", "from": ["etl"], "to": ["warehouse"], "session": "1h", "reason": "FIN-1"},
        {
            "name": "ledger",
            "from": ["ledger"],
            "to": ["ledger-db"],
            "window": {"days": ["mon", "fri"], "from": "22:00", "to": "04:00", "timezone": "Europe/Zurich"},
            "session": "30m",
            "expires": "2030-06-30",
            "reason": "FIN-2",
        },
    ],
    "expect": [
        {"from": "finance_daily.load_orders", "to": "warehouse:5432", "allow": True},
        {"from": "finance_daily.check", "to": "warehouse:5432", "allow": False},
        {"from": "adhoc_x.load_orders", "to": "warehouse:5432", "allow": False},
        {"from": "ledger", "to": "ledger-db:1521", "allow": True, "at": "2026-11-27T23:00:00+01:00"},
        {"from": "ledger", "to": "ledger-db:1521", "allow": False, "at": "2026-11-26T23:00:00+01:00"},
    ],
}
ACCESS = Access.model_validate(DOCUMENT)
SUBNETS = (Subnet("subnet-1", "10.50.0.0/26"), Subnet("subnet-2", "10.50.0.64/26"))


def fargate(**given: Any) -> OnFargate:
    return OnFargate(
        **{
            "cluster_arn": "arn:aws:ecs:eu-central-1:111122223333:cluster/airlock",
            "vpc_id": "vpc-1",
            "subnets": SUBNETS,
            "region": "eu-central-1",
            "host": "proxy.airlock.internal",
            "certificate": SecretFiles(f"{SECRET}certificate-AbCdEf", f"{SECRET}key-AbCdEf"),
            "authority": AUTHORITY,
            "callers": {"finance": "sg-airflow"},
            "kms_key_arn": "arn:aws:kms:eu-central-1:111122223333:key/1",
            "endpoints": ("10.50.1.0/24",),
            "keys": ("203.0.113.0/24",),
            **given,
        }
    )


def cluster(**given: Any) -> OnKubernetes:
    return OnKubernetes(**{"namespace": "airlock", "issuer": "bank-ca", **given})


def proxy(platform: Any, access: Access = ACCESS, **given: Any) -> TcpProxy:
    issuers = (STS,) if isinstance(platform, OnFargate) else (PODS,)
    return TcpProxy("tcp-proxy", **{"access": access, "issuers": issuers, "platform": platform, "today": TODAY, **given})


def compiled(platform: Any, access: Access = ACCESS, **given: Any) -> Stack:
    return Stack(run(lambda: proxy(platform, access, **given)))


def eventually(test: Callable[[], object]) -> bool:
    """Whether something holds before long."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if test():
            return True
        time.sleep(0.05)
    return False
