"""The local stack as a component: what it makes of an access file, and what it refuses before anything is made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from in_process import run
from pulumi_airlock.access import Access
from pulumi_airlock.environments.local import LocalEnvironment, Tools
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.stack import Resource

ROUTE = {"name": "load", "from": ["etl"], "to": ["warehouse"], "reason": "T"}
LENT = {"kind": "vault", "ref": "database/creds/warehouse", "rotate": "1d"}


def access(**route: Any) -> Access:
    warehouse = {"name": "warehouse", "zone": "dc", "hosts": ["warehouse.example"], "ports": ["5432/tcp"]}
    return Access.model_validate(
        {
            "environments": [{"name": "desk"}],
            "principals": [{"name": "etl", "dags": ["finance_*"]}],
            "zones": {"dc": {"gates": ["tcp_proxy"]}},
            "destinations": [warehouse],
            "routes": [{**ROUTE, **route}],
        }
    )


def made(given: Access, tmp_path: Path, **options: Any) -> Mapping[str, Resource]:
    (tmp_path / "dags").mkdir(exist_ok=True)
    tools = Tools(airflow=Path("/opt/airflow/bin/python"), envoy=Path("/opt/envoy"))
    whole = {"folder": tmp_path / "desk", "dags": tmp_path / "dags", "tools": tools, **options}
    return {one.name: one for one in run(lambda: LocalEnvironment("desk", access=given, **whole))}


def test_a_destination_is_a_server_that_the_proxy_leads_to(tmp_path: Path) -> None:
    found = made(access(credential=LENT), tmp_path)
    command = found["desk-warehouse-28091"].get("command")
    assert command[1:5] == ["-m", "pulumi_airlock.environments.local.echo", "28091", "warehouse"]
    assert command[5].endswith("/secrets/lending-key")  # who has no lent password is refused
    assert '"port_value":28091' in found["tcp_proxy-files"].get("files", "clusters.json")


def test_a_destination_without_a_credential_asks_for_none(tmp_path: Path) -> None:
    assert len(made(access(), tmp_path)["desk-warehouse-28091"].get("command")) == 5


def test_what_cannot_be_had_on_this_machine_is_refused_all_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        made(access(credential={**LENT, "kind": "rds-iam", "ref": "db-ABC/etl"}), tmp_path, dags=tmp_path / "nowhere")
    told = str(refused.value)
    assert f"dags: no folder {tmp_path}/nowhere" in told
    assert "routes[0].credential: rds-iam db-ABC/etl: on this machine tasks are lent vault database/creds/warehouse" in told
