"""The proxy with HAProxy as its engine: what it is made of, what is read back and proven, and what is refused at preview."""

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from in_process import run
from pulumi_airlock.access import Access
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.gates.tcp_proxy import InTaskPods, TaskCertificates, TcpProxy, read, sidecar
from pulumi_airlock.gates.tcp_proxy.haproxy.running import SCRIPT
from pulumi_airlock.gates.tcp_proxy.programs import HAPROXY
from pulumi_airlock.proof import prove
from pulumi_airlock.proof.filters import Action, Environment, Filter, Match, Who
from pulumi_airlock.proof.findings import Ground
from pulumi_airlock.proof.relays import around, carried
from pulumi_airlock.proof.sets import Services
from pulumi_airlock.tokens import TCP_PROXY
from ruamel.yaml import YAML
from tcp_proxy_program import DOCUMENT, PODS, STS, cluster, compiled, fargate, proxy
from test_tcp_proxy_gce import GCE
from test_tcp_proxy_proven import AT, PROXY, TASKS, group

MANAGED = TaskCertificates("finance", "finance")
IN_PODS = TaskCertificates("pods", "finance", namespace="airflow", assurance="attested")
ROUTES = [
    {"name": "etl-warehouse", "from": ["etl"], "to": ["warehouse"], "reason": "FIN-1"},
    {"name": "ledger", "from": ["ledger"], "to": ["ledger-db"], "expires": "2030-06-30", "reason": "FIN-2"},
]
EXPECT = [
    {"from": "finance_daily.load_orders", "to": "warehouse:5432", "allow": True},
    {"from": "finance_daily.check", "to": "warehouse:5432", "allow": False},
    {"from": "ledger", "to": "ledger-db:1521", "allow": True, "at": "2026-11-27T23:00:00+01:00"},
    {"from": "ledger", "to": "ledger-db:1521", "allow": False, "at": "2030-07-01T23:00:00+01:00"},
]
PLAIN = {**DOCUMENT, "routes": ROUTES, "expect": EXPECT}
S3, CONFIG_MAP, DEPLOYMENT = (
    "aws:s3/bucketObjectv2:BucketObjectv2",
    "kubernetes:core/v1:ConfigMap",
    "kubernetes:apps/v1:Deployment",
)
ACCESS = Access.model_validate(PLAIN)


def made(platform: Any, document: dict[str, Any] = PLAIN, **given: Any) -> Stack:
    issuers = (IN_PODS,) if hasattr(platform, "namespace") else (MANAGED,)
    return compiled(platform, Access.model_validate(document), **{"engine": "haproxy", "issuers": issuers, **given})


# Compiled once, in whichever test comes first: it needs that test's event loop.


@cache
def _on_fargate() -> Stack:
    return made(fargate())


@cache
def _in_cluster() -> Stack:
    return made(cluster())


@pytest.fixture
def on_fargate() -> Stack:
    return _on_fargate()


@pytest.fixture
def in_cluster() -> Stack:
    return _in_cluster()


def one(stack: Stack, type_: str, name: str = "") -> Resource:
    (found,) = [each for each in stack.of_type(type_) if name in each.name]
    return found


def test_it_is_read_back_as_it_was_declared(on_fargate: Stack, in_cluster: Stack) -> None:
    for stack in (on_fargate, in_cluster):
        (found,) = read(stack)
        assert found.gate == "tcp-proxy"
        assert {str(each.match.hosts) for each in found.rules if each.action is Action.ALLOW and not each.unknown} == {
            "warehouse.corp.example",
            "10.20.4.20/32",
            "10.20.4.21/32",
        }
    whom = {each.source.label: each.match.who for each in _allowing(next(iter(read(on_fargate))))}
    assert whom['policy "allow-warehouse-5432/etl-warehouse"'].tasks == (frozenset({("finance_*", "load_*")}),)
    whom = {each.source.label: each.match.who for each in _allowing(next(iter(read(in_cluster))))}
    assert whom['policy "allow-warehouse-5432/etl-warehouse"'].workloads == frozenset({"airflow/etl"})


def _allowing(found: Filter) -> list[Any]:
    return [each for each in found.rules if each.action is Action.ALLOW and not each.unknown]


def proven(stack: Stack) -> Any:
    """Tasks reach the proxy alone."""
    to_proxy = Match(hosts=PROXY, services=Services.of("tcp", 8443, 8443))
    filters = [group("tasks", Who(environments=frozenset({"finance"})), to_proxy), *read(stack)]
    entry = next(relay.entry for each in filters for relay in each.relays)
    assert entry is not None
    environment = Environment("finance", "urn::finance", TASKS, (entry,))
    return prove(ACCESS, [environment], carried(ACCESS, filters), at=AT, around=tuple(around(ACCESS, filters)))


def edited(stack: Stack, *changes: tuple[str, str]) -> Stack:
    def change(each: Resource) -> Resource:
        if each.type != S3 or not str(each.get("key")).endswith("haproxy.cfg"):
            return each
        text = each.get("content")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return replace(each, properties={**each.properties, "content": text})

    return Stack([change(each) for each in stack.resources])


def test_what_is_compiled_is_proven(on_fargate: Stack) -> None:
    found = proven(on_fargate)
    assert not [each.message for each in (*found.excess, *found.blocked, *found.unproven)]
    assert all(each.passed for each in found.expectations)
    (said,) = [each.message for each in found.assumptions if each.ground is Ground.IDENTITY]
    assert said.startswith(
        "tcp-proxy takes the word of whoever signs its clients' certificates for which task of finance is calling"
    )
    assert "asserted" in said


@pytest.mark.parametrize(
    ("changes", "finding", "destinations"),
    [
        # A certificate of somebody else who has a route elsewhere.
        ((("{ ssl_c_s_dn(CN) -m str etl }", "{ ssl_c_s_dn(CN) -m str etl ledger }"),), "excess", {"warehouse"}),
        ((("tcp-request content reject unless allowed", ""),), "excess", {"warehouse", "ledger-db"}),
        (
            (("verify required", "verify optional"), ("reject unless allowed", "reject if asks")),
            "excess",
            {"warehouse", "ledger-db"},
        ),
        ((("{ ssl_c_s_dn(CN) -m str etl }", "{ ssl_c_s_dn(CN) -m str ledger }"),), "blocked", {"warehouse"}),
        ((("{ ssl_c_s_dn(CN) -m str etl }", "{ ssl_c_s_dn(CN) -m str etl stranger }"),), "unproven", {"warehouse"}),
        ((("{ ssl_c_s_dn(CN) -m str etl }", "{ ssl_c_s_dn(CN) -m reg ^e }"),), "unproven", {"warehouse"}),
        ((("acl asks", "tcp-request content lua.decide\n  acl asks"),), "unproven", {"warehouse", "ledger-db"}),
    ],
)
def test_what_somebody_changes_by_hand_is_found(
    on_fargate: Stack, changes: tuple[tuple[str, str], ...], finding: str, destinations: set[str]
) -> None:
    found = proven(edited(on_fargate, *changes))
    assert not found.ok
    leads = {each.name: each.to for each in ACCESS.routes}
    told = getattr(found, finding)
    named = {name for each in told for name in getattr(each, "destinations", ())}
    named |= {name for each in told for route in getattr(each, "routes", ()) for name in leads[route]}
    assert named == destinations


def test_a_date_that_is_gone_lets_tasks_through_after_the_routes_end(on_fargate: Stack) -> None:
    config = next(each.get("content") for each in on_fargate.of_type(S3) if each.get("key") == "config/haproxy.cfg")
    until = int(datetime(2030, 7, 1, tzinfo=UTC).timestamp())
    assert f"{{ date lt {until} }}" in config
    found = proven(edited(on_fargate, (f" {{ date lt {until} }}", "")))
    assert [each.passed for each in found.expectations] == [True, True, True, False]


def test_new_routes_restart_nothing_and_no_key_is_in_a_bucket(on_fargate: Stack, in_cluster: Stack) -> None:
    more = {**PLAIN, "routes": [*ROUTES, {"name": "more", "from": ["ledger"], "to": ["warehouse"], "reason": "T"}], "expect": []}
    assert one(in_cluster, DEPLOYMENT).get("spec") == one(made(cluster(), more), DEPLOYMENT).get("spec")
    before, after = (one(each, CONFIG_MAP, "config").get("data") for each in (in_cluster, made(cluster(), more)))
    assert {name for name in before if before[name] != after[name]} == {"haproxy.cfg"}
    assert {each.get("key") for each in on_fargate.of_type(S3)} == {"config/haproxy.cfg", "tls/ca.crt"}


def test_containers_run_the_program_that_reloads(on_fargate: Stack, in_cluster: Stack) -> None:
    _, runs = json.loads(one(on_fargate, "aws:ecs/taskDefinition:TaskDefinition").get("containerDefinitions"))
    assert (runs["name"], runs["entryPoint"], runs["user"]) == ("haproxy", ["/bin/sh", "-c"], "101:101")
    assert runs["mountPoints"][0]["readOnly"] is True
    variables = {each["name"]: each["value"] for each in runs["environment"]}
    assert variables == {"GATE": "tcp-proxy", "CONFIG": "/airlock/config/haproxy.cfg", "TLS": "/airlock/tls", "EVERY": "10"}
    assert one(on_fargate, "aws:ecs/service:Service").get("loadBalancers")[0]["containerName"] == "haproxy"
    (container,) = one(in_cluster, DEPLOYMENT).get("spec", "template", "spec", "containers")
    assert container["command"] == ["/bin/sh", "-c"]
    assert {each["name"]: each["value"] for each in container["env"]}["CONFIG"] == "/etc/haproxy/config/haproxy.cfg"
    assert {each["mountPath"] for each in container["volumeMounts"]} >= {"/etc/haproxy/config", "/etc/haproxy/tls"}
    certificate = one(in_cluster, "kubernetes:cert-manager.io/v1:Certificate").get("spec")
    assert "*.tcp-proxy.airlock.svc.cluster.local" in certificate["dnsNames"]


def test_manifests_say_by_which_server_name_a_target_is_asked_for() -> None:
    proxies: list[TcpProxy] = []
    run(lambda: proxies.append(proxy(fargate(), ACCESS, engine="haproxy", issuers=(MANAGED,))))
    rules = proxies[0].proxy().document()["rules"]
    assert rules["warehouse.corp.example:5432"] == {
        "allow": "allow-warehouse-5432",
        "deny": "deny-warehouse-5432",
        "serverName": "warehouse-corp-example-5432.proxy.airlock.internal",
    }


BESIDE = InTaskPods(name="tcp-proxy", namespace="airflow", issuer="bank-ca", engine="haproxy")


def _text(stack: Stack) -> str:
    return str(one(stack, CONFIG_MAP, "config").get("data", "haproxy.cfg"))


def test_beside_a_task_it_listens_for_its_pod_alone_and_targets_are_named_below_its_certificate() -> None:
    stack = made(BESIDE)
    assert "bind 127.0.0.1:8443 ssl" in _text(stack)
    assert "bind 0.0.0.0:9902" in _text(stack)
    assert "-i warehouse-corp-example-5432.tcp-proxy.airflow.svc.cluster.local" in _text(stack)
    certificate = one(stack, "kubernetes:cert-manager.io/v1:Certificate").get("spec")
    assert "*.tcp-proxy.airflow.svc.cluster.local" in certificate["dnsNames"]
    container = sidecar.container(BESIDE)
    assert (container["image"], container["command"], container["args"]) == (HAPROXY, ["/bin/sh", "-c"], [SCRIPT])
    folders = {each["mountPath"] for each in container["volumeMounts"]}
    assert folders == {"/etc/haproxy/config", "/etc/haproxy/tls", "/etc/haproxy/jwks"}
    said = {each["name"]: each["value"] for each in container["env"]}
    assert (said["CONFIG"], said["TLS"]) == ("/etc/haproxy/config/haproxy.cfg", "/etc/haproxy/tls")


ON_GCE = replace(GCE, image="europe-west1-docker.pkg.dev/bank/airlock/haproxy:2.6.22")


def test_on_machines_of_google_cloud_its_program_is_a_file_that_the_container_reads() -> None:
    stack = made(ON_GCE)
    (found,) = read(stack)
    assert _allowing(found)
    text = one(stack, "gcp:compute/instanceTemplate:InstanceTemplate").get("metadata", "user-data")
    files = {each["path"]: each for each in YAML(typ="safe", pure=True).load(text)["write_files"]}
    program = files["/etc/airlock/proxy.sh"]
    assert (program["content"], program["permissions"]) == (SCRIPT, "0644")
    unit = files["/etc/systemd/system/airlock-proxy.service"]["content"]
    (start,) = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    words = shlex.split(start.removeprefix("ExecStart="))
    assert words[-2:] == [ON_GCE.image, "/etc/airlock/proxy.sh"]
    assert words[words.index("--entrypoint") + 1] == "/bin/sh"
    assert "CONFIG=/var/lib/airlock/config/haproxy.cfg" in words
    kept = {each.get("name") for each in stack.of_type("gcp:storage/bucketObject:BucketObject")}
    assert kept == {"config/haproxy.cfg", "tls/ca.crt"}
    # New routes replace its file, and no machine.
    fewer = {**PLAIN, "routes": ROUTES[:1], "expect": []}
    machine = one(made(ON_GCE, fewer), "gcp:compute/instanceTemplate:InstanceTemplate")
    assert machine.get("metadata", "user-data") == text


# Refused


def problems(run_it: Callable[[], Any]) -> str:
    with pytest.raises(InputError) as caught:
        run_it()
    return str(caught.value)


def test_what_it_cannot_do_is_told_at_once() -> None:
    said = problems(lambda: made(fargate(host="10.50.0.9"), DOCUMENT, clients=("worker.test",), connections=500_000))
    for part in (
        'route etl-warehouse: session: "1h": HAProxy ends no connection by its length',
        "route ledger: window: HAProxy knows no days and hours of a time zone",
    ):
        assert part in said, said
    said = problems(lambda: made(fargate(host="10.50.0.9"), clients=("worker.test",), connections=500_000))
    for part in ("knows a certificate by its subject", "10.50.0.9: targets are named below", "500000: at most 30000"):
        assert part in said, said


@pytest.mark.parametrize(
    ("engine", "issuers", "message"),
    [
        ("haproxy", (STS,), '"mwaa" signs tokens, and HAProxy in TCP mode is shown none'),
        ("envoy", (MANAGED,), '"finance" are certificates alone, and Envoy asks for tokens'),
        ("haproxy", (), "none is given"),
        ("haproxy", (MANAGED, replace(MANAGED, name="again")), "the same certificate would be two"),
        ("haproxy", (replace(MANAGED, assurance="attested"),), "it is asserted, not attested"),
        ("haproxy", (replace(MANAGED, environment="markets"),), 'no issuer vouches for tasks of environment "finance"'),
        ("haproxy", (replace(IN_PODS, namespace="a" * 60),), "over the 64 characters"),
        ("nginx", (MANAGED,), "there are envoy and haproxy"),
    ],
)
def test_who_vouches_for_tasks_fits_the_engine(engine: str, issuers: tuple[Any, ...], message: str) -> None:
    assert message in problems(lambda: made(fargate(), engine=engine, issuers=issuers))


def test_beside_a_task_both_have_the_same_engine_and_each_pod_its_own_certificate() -> None:
    beside = InTaskPods(name="tcp-proxy", namespace="airflow", issuer="bank-ca")
    said = problems(lambda: made(beside, issuers=(MANAGED,)))
    assert "platform.engine: 'envoy': write 'haproxy', as the component has it" in said
    said = problems(lambda: made(BESIDE, issuers=(MANAGED,)))
    assert "issuers: finance: a task's pod has a certificate of its own: write the namespace" in said


def test_confidential_data_takes_certificates_of_pods() -> None:
    said = problems(lambda: made(fargate(), attested=("confidential",)))
    assert 'confidential data takes an attested identity, and that of "etl" is asserted' in said
    assert _allowing(next(iter(read(made(cluster(), attested=("confidential",))))))


def test_everything_is_a_child_of_the_component(on_fargate: Stack, in_cluster: Stack) -> None:
    for stack in (on_fargate, in_cluster):
        above = one(stack, TCP_PROXY).urn
        assert one(stack, TCP_PROXY).get("engine") == "haproxy"
        assert all(each.parent == above for each in stack.resources if each.custom)


def test_envoy_is_what_it_was() -> None:
    assert one(compiled(cluster(), issuers=(PODS,)), TCP_PROXY).get("engine") == "envoy"
