"""Every parser of a text takes any text: it reads it, or says what is wrong with it in its own words."""

import gzip
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airlock_provider import manifest
from damage import cut, damaged, examples
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pulumi_airlock.access import load
from pulumi_airlock.access.manifest import TaskIdentity
from pulumi_airlock.access.manifest import manifest as compiled
from pulumi_airlock.audit.timeline.model import Place
from pulumi_airlock.audit.timeline.reading import Foreign, entries
from pulumi_airlock.brownfield import Options, read_sources
from pulumi_airlock.brownfield.fortios_text import parse as parse_backup
from pulumi_airlock.errors import InputError, Problems
from pulumi_airlock.gates.documents import parse_document
from pulumi_airlock.gates.nginx import directives
from pulumi_airlock.gates.sources import stack_of_document
from pulumi_airlock.gates.tcp_proxy.haproxy import syntax
from pulumi_airlock.learn import opened, read_aggregated, read_runs
from pulumi_airlock.logs import Reader
from pulumi_airlock.logs.answer import read_answer
from pulumi_airlock.offline.config import load_config
from pulumi_airlock.offline.fixtures import load_fixtures
from pulumi_airlock.offline.packs import load_config as load_levels
from pulumi_airlock.offline.project import find_project
from pulumi_airlock.offline.state import StateFile
from pulumi_airlock.soc2 import files as evidence

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STATES = ROOT / "tests" / "upgrade" / "recorded" / "0.1.0"
BACKUP = """#config-version=FGT60F-7.4.8-FW-build2795-250523:opmode=0:vdom=0:user=admin
config firewall address
    edit "ledger db"
        set subnet 10.20.4.10 255.255.255.255
        set comment "of \\"finance\\"
on two lines"
    next
end
config firewall policy
    edit 7
        set srcintf "vpn"
        set dstintf "port3"
        set srcaddr "all"
        set dstaddr "ledger db"
        set service "HTTPS" "ORA"
        set schedule "always"
        set action accept
        config inner
            set x 1
        end
    next
end
"""
HAPROXY = """global
    log stdout format raw daemon
defaults
    mode tcp
    timeout client 1h
frontend tunnels
    bind :8443 ssl crt /c.pem ca-file "/ca.pem" verify required # all
    tcp-request content set-var(sess.policy) str(one\\ two) if { ssl_fc_sni -i a.example } !{ ssl_c_s_dn(OU) -m str x }
    tcp-request content reject if { var(sess.policy) -m found }
    use_backend warehouse if { ssl_fc_sni warehouse.example }
backend warehouse
    server one 10.20.4.10:5432
"""
ANSWER = 'HTTP/1.1 403 Forbidden\r\nx-airlock-gate: nginx\r\nx-airlock-reason: not in group "finance"\r\n\r\nRBAC: access denied'
EVENT = json.dumps(
    {
        "class_uid": 4001,
        "activity_id": 5,
        "time": 1795252801000,
        "metadata": {"version": "1.6.0", "product": {"name": "airlock"}, "correlation_uid": "u"},
        "unmapped": {"airflow": {"dag_id": "d", "task_id": "t", "run_id": "r", "try_number": 1, "map_index": -1}},
        "dst_endpoint": {"hostname": "warehouse", "port": 5432},
    }
)
MANIFESTS = json.dumps(
    {
        "kind": "List",
        "items": [
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": "a", "namespace": "airflow"},
                "spec": {"podSelector": {}, "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
            },
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "airflow", "labels": {"a": "b"}}},
        ],
    }
)
GROUPS = json.dumps(
    {
        "SecurityGroups": [
            {
                "GroupId": "sg-1",
                "GroupName": "tasks",
                "VpcId": "vpc-1",
                "IpPermissionsEgress": [
                    {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
                ],
            }
        ]
    }
)
RULES = json.dumps({"list": [{"id": "1", "name": "r", "action": "ALLOW", "policyType": "1", "ruleOrder": "1", "conditions": []}]})


RUNS = json.dumps(
    [{"dag_id": "d", "task_id": "t", "start_date": "2026-11-23 22:00:00", "end_date": None, "hostname": "10.0.0.7"}]
)
PROJECT = "name: tiny\nruntime: python\nconfig: {region: {type: string, default: eu}, workers: {type: integer, default: 1}}\n"
SETTINGS = (
    "encryptionsalt: v1:HUCO1/Wkd3c=:v1:AZx8zIYdKeN7sRUE:hdu088mziY5o2tNGFxIq8JxdQnncWA==\n"
    "name: tiny\nruntime: {name: python}\nmain: .\n"
    "config:\n  tiny:region: eu\n  tiny:workers: 3\n  tiny:secret: {secure: v1:AAAA:BBBB}\n"
    "functions: [{token: a:b:c, args: {x: 1}, result: {y: {secret: z}}}]\nstackReferences: {a/b/c: {d: 1}}\n"
)
GOOGLE = json.dumps(
    [
        {"kind": "compute#network", "name": "n", "selfLink": "projects/p/global/networks/n", "autoCreateSubnetworks": False},
        {
            "kind": "compute#firewall",
            "name": "f",
            "selfLink": "projects/p/global/firewalls/f",
            "network": "projects/p/global/networks/n",
            "direction": "EGRESS",
            "priority": 100,
            "allowed": [{"IPProtocol": "tcp", "ports": ["443"]}],
            "destinationRanges": ["10.0.0.0/8"],
        },
    ]
)
EVIDENCE = json.dumps({"evaluated": {"project": "p", "stack": "s", "packs": []}, "criteria": [], "controls": [], "signOffs": []})


def base(name: str) -> str:
    return (HERE / "corpus" / "base" / name).read_text(encoding="utf-8")


def logs() -> str:
    names = sorted(path.name for path in (HERE / "corpus" / "base").glob("*.log"))
    return "".join(map(base, sorted(names, key="fw.log".__ne__)))  # one that does not look like JSON first


def state(name: str = "dev-consul") -> str:
    return gzip.decompress((STATES / f"{name}.json.gz").read_bytes()).decode()


def nginx() -> str:
    resources = json.loads(state("prod-eks"))["deployment"]["resources"]
    texts = (text for one in resources for text in (one.get("inputs", {}).get("data") or {}).values())
    return next(text for text in texts if isinstance(text, str) and "http {" in text)


def task_manifest() -> str:
    access = load(ROOT / "stacks" / "access" / "local.yaml")
    identity = TaskIdentity("https://issuer.example", "proxy", "oidc", "asserted", endpoint="https://issuer.example/token")
    return compiled(access, access.environments[0].name, [], identity).text()


def evented(text: str) -> None:
    list(entries(text, Place("events.jsonl", 1)))


def imported(text: str, folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    read_sources([path], Options())


def read_log(text: str) -> None:
    reader = Reader()
    for number, line in enumerate(text.splitlines(), 1):
        list(reader.line(number, line))


def learnt(text: str, folder: Path) -> None:
    """Read by DuckDB, and what is odd by the parsers."""
    path = folder / "some.log"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with opened("") as seen:
        seen.read(str(path), None)


def ran(text: str, folder: Path, name: str) -> None:
    path = folder / name
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    read_runs(str(path), since=datetime(2020, 1, 1, tzinfo=UTC), until=datetime(2030, 1, 1, tzinfo=UTC))


def aggregated(text: str, folder: Path) -> None:
    path = folder / "aggregated.csv"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with opened("") as seen:
        read_aggregated(seen, path)


def configured(text: str, folder: Path) -> None:
    """As the stack's configuration, its fixtures, its project and a pack's levels at once."""
    for name, sound in {"Pulumi.yaml": PROJECT, "__main__.py": "", "Pulumi.dev.yaml": "config: {}\n"}.items():
        (folder / name).write_text(sound)
    project = find_project(folder)
    file = folder / "Pulumi.dev.yaml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    for read in (lambda: load_config(project, "dev"), lambda: load_fixtures(file), lambda: load_levels(file)):
        with suppress(InputError):
            read()
    (folder / "Pulumi.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
    find_project(folder)


def kept(text: str, folder: Path) -> None:
    state = StateFile(folder, "tiny", "dev")
    state.folder.mkdir(parents=True)
    state.path.write_text(text, encoding="utf-8", errors="surrogatepass")
    state.read()


def signed(text: str, folder: Path) -> None:
    (folder / "evidence.json").write_text(text, encoding="utf-8", errors="surrogatepass")
    evidence.read(folder / "evidence.json")


Case = tuple[str, Callable[[], str], Callable[[str, Path], Any], tuple[type[Exception], ...]]
CASES: list[Case] = [
    (
        "a state",
        state,
        lambda text, _: stack_of_document(parse_document(text.encode(), "state.json"), "state.json"),
        (InputError,),
    ),
    ("nginx", nginx, lambda text, _: directives.parse(text), (directives.ConfigError,)),
    ("HAProxy", lambda: HAPROXY, lambda text, _: syntax.parsed(text), ()),
    ("FortiOS", lambda: BACKUP, lambda text, _: parse_backup(text, "backup.conf", Problems("")), ()),
    ("an answer", lambda: ANSWER, lambda text, _: read_answer(text), (ValueError,)),
    ("an event", lambda: EVENT, lambda text, _: evented(text), (Foreign, ValueError)),
    ("a task's manifest", task_manifest, lambda text, _: manifest.parse(text), (manifest.ManifestError,)),
    ("a backup imported", lambda: BACKUP, lambda text, at: imported(text, at, "backup.conf"), (InputError,)),
    ("manifests imported", lambda: MANIFESTS, lambda text, at: imported(text, at, "objects.json"), (InputError,)),
    ("groups imported", lambda: GROUPS, lambda text, at: imported(text, at, "groups.json"), (InputError,)),
    ("lines of logs", logs, lambda text, _: read_log(text), ()),
    ("lines of logs counted", logs, learnt, (InputError,)),
    ("runs as CSV", lambda: base("runs.csv"), lambda text, at: ran(text, at, "runs.csv"), (InputError,)),
    ("runs as JSON", lambda: RUNS, lambda text, at: ran(text, at, "runs.json"), (InputError,)),
    ("an answer of a query", lambda: base("aggregated.csv"), aggregated, (InputError,)),
    ("settings", lambda: SETTINGS, configured, (InputError,)),
    ("the engine's state", lambda: base("state.json"), kept, (InputError,)),
    ("evidence", lambda: EVIDENCE, signed, (InputError,)),
    ("what is Google's imported", lambda: GOOGLE, lambda text, at: imported(text, at, "google.json"), (InputError,)),
    ("rules imported", lambda: RULES, lambda text, at: imported(text, at, "rules.json"), (InputError,)),
]


@pytest.mark.parametrize(("sample", "parse", "own"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
@settings(
    max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate]
)
@given(data=st.data())
def test_a_damaged_text_is_read_or_refused_in_the_parsers_own_words(
    sample: Callable[[], str],
    parse: Callable[[str, Path], Any],
    own: tuple[type[Exception], ...],
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    text = sample()
    if text[0] in "[{" and data.draw(st.booleans()):
        tree = json.loads(text)
        for _ in range(data.draw(st.integers(1, 4))):
            tree = damaged(data, tree)
        text = json.dumps(tree, default=str)
    else:
        text = cut(data, text)
    said = "read"
    try:
        parse(text, tmp_path_factory.mktemp("given"))
    except own as error:
        said = str(error) or type(error).__name__
    assert said
