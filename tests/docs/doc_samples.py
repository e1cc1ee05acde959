"""The files that commands of the pages read: logs, dumps, states, each by the code that makes them for other tests."""

import csv
import gzip
import json
import shutil
import sys
from pathlib import Path

from doc_blocks import ROOT
from doc_reader import Reader
from pulumi_airlock.access import load

sys.path += [str(ROOT), *(str(ROOT / "tests" / name) for name in ("audit/timeline", "verify"))]
from trail_lines import logs
from verify_cases import FLOW_HEAD, firewall, flow, lss, web

from bench.lines import LINES
from bench.traffic import traffic

BANK = ROOT / "stacks" / "access" / "prod-mwaa.yaml"


def samples(folder: Path) -> None:
    """Writes all of them."""
    logs(folder)  # docs/audit-trail.md
    _brought_up(folder)
    _logs(folder)
    _learnt(folder)


def _learnt(folder: Path) -> None:
    """What docs/learn.md reads: two days of traffic of a bank, its task runs, and what a query over it answers."""
    made = traffic(load(BANK), days=2)
    for name, kind in (("fortigate.log.gz", "FortiGate"), ("flow.log", "VPC flow log"), ("hubble.json", "Hubble")):
        text = "".join(f"{LINES[kind](one)}\n" for one in made.contacts)
        (folder / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    with (folder / "task_instance.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["dag_id", "task_id", "start_date", "end_date", "hostname"])
        rows.writerows((one.dag, one.task, one.start, one.end, one.hostname) for one in made.runs if one.environment == "finance")
    with (folder / "answer.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["format", "source", "destination", "name", "port", "protocol", "started", "ended", "allowed", "connections"]
        )
        rows.writerows(
            ("vpc-flow", one.source, one.address, "", one.port, one.protocol, began, began + one.lasts, not one.refused, 1)
            for one in made.contacts[:500]
            for began in [int(one.time.timestamp())]
        )
    shutil.copy(BANK, folder / "access.yaml")


def _brought_up(folder: Path) -> None:
    """`state.json`: a bank behind Zscaler, brought up; `update.json`: an update of it that replaces five resources."""
    bank = Reader(ROOT / "tests" / "verify" / "bank")
    done = bank.run(f"airlock preview --stack test --no-policy-packs --json 2>/dev/null > {folder / 'state.json'}")
    assert done.status == 0, done.text
    steps = [("update", f"zia-{number}") for number in range(2)] + [
        ("replace", f"zia-{one}") for one in ("saas-ports", *range(4))
    ]
    kind = "zia:index:FwNetworkService"
    found = [{"op": op, "urn": f"urn:pulumi:dev::bank::{kind}::{name}", "newState": {"type": kind}} for op, name in steps]
    (folder / "update.json").write_text(json.dumps({"steps": found}))


def _logs(folder: Path) -> None:
    """What docs/verify.md, docs/environments/local.md and README.md read."""
    zia = [
        firewall(locationname="airlock-finance-worker", rulelabel="airlock-rates"),
        web(spriv="airlock-finance-worker", urlfilterrulelabel="airlock-rates"),
        firewall(locationname="airlock-finance-scheduler", rulelabel="airlock-pypi", cdfqdn="pypi.example", csip="192.0.2.1"),
        firewall(locationname="airlock-finance-worker", rulelabel="airlock-pypi", cdfqdn="pypi.example"),
    ]
    person = {"Username": "ann@bank.example", "ClientPrivateIP": "", "Host": "10.40.0.20", "ServicePort": 443}
    zpa = [lss(Policy="airlock-finance-warehouse"), lss(Policy="airlock-controllers-ui", **person), lss(Policy="Allow all")]
    network = [FLOW_HEAD, flow(destination="10.40.13.4"), flow(destination="203.0.113.20", port=22)]
    (folder / "reports").mkdir()
    (folder / "flow").mkdir()
    for name, lines in (("nss.log.gz", zia), ("lss.log.gz", zpa), ("flow/1.gz", network), ("flow.log.gz", network[:1])):
        (folder / name).write_bytes(gzip.compress("\n".join(lines).encode()))
    (folder / ".airlock" / "desk").mkdir(parents=True)
    for name, source in (("audit.jsonl", "events.jsonl"), ("proxy-access.log", "proxy.jsonl")):
        (folder / ".airlock" / "desk" / name).write_bytes((folder / source).read_bytes())
    of_treasury = {"ClientPrivateIP": "10.40.2.10", "Username": "airflow-treasury", "ServicePort": 8443, "ServerIP": "10.70.4.10"}
    private = lss(Host="liquidity.group.bank.example", Policy="airlock-treasury-group", **of_treasury)
    rated = {"rulelabel": "airlock-ratings-risk-ratings", "cdfqdn": "api.ratings.example", "csip": "10.40.1.10"}
    public = firewall(locationname="airlock-risk-worker", **rated)
    (folder / "lss.json").write_text(private)
    (folder / "nss.json").write_text(public)
