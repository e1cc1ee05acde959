"""What the proxy is made of on each platform, and what is refused at preview."""

import json
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from in_process import run
from pulumi_airlock.access import Access
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.gates.tcp_proxy import InternalBalancer, SecretFiles, TaskIssuer, TcpProxy, read
from pulumi_airlock.gates.tcp_proxy.fargate import SCRIPT
from pulumi_airlock.tokens import TCP_PROXY
from tcp_proxy_program import DOCUMENT, KEYS, PODS, ROLE, STS, SUBNETS, cluster, compiled, eventually, fargate, proxy

CONFIG_MAP, DEPLOYMENT = "kubernetes:core/v1:ConfigMap", "kubernetes:apps/v1:Deployment"


@pytest.fixture
def on_fargate() -> Stack:
    return compiled(fargate())


@pytest.fixture
def in_cluster() -> Stack:
    return compiled(cluster())


def one(stack: Stack, type_: str, name: str = "") -> Resource:
    (found,) = [each for each in stack.of_type(type_) if name in each.name]
    return found


def test_everything_is_a_child_of_the_component(on_fargate: Stack, in_cluster: Stack) -> None:
    for stack in (on_fargate, in_cluster):
        above = one(stack, TCP_PROXY).urn
        assert all(each.parent == above for each in stack.resources if each.custom)


def test_it_is_read_back_on_both_platforms(on_fargate: Stack, in_cluster: Stack) -> None:
    for stack in (on_fargate, in_cluster):
        (found,) = read(stack)
        assert found.gate == "tcp-proxy"
        assert {str(each.match.hosts) for each in found.rules} == {"warehouse.corp.example", "10.20.4.20/32", "10.20.4.21/32"}
        assert not any(each.unknown for each in found.rules)
    (relay,) = next(iter(read(on_fargate))).relays
    assert (str(relay.sources), relay.environments) == ("10.50.0.0/25", frozenset({"finance"}))
    (relay,) = next(iter(read(in_cluster))).relays
    assert relay.workload == "airlock/tcp-proxy"
    assert str(relay.entry.hosts if relay.entry else "") == "tcp-proxy.airlock.svc.cluster.local"


def _reached(stack: Stack) -> set[str]:
    """Who has to get to the proxy."""
    (found,) = read(stack)
    return {name for each in found.needs if each.reason == "tasks to the proxy" for name in each.match.who.workloads or ()}


def test_accounts_that_it_lets_through_have_to_get_to_it_and_no_others(on_fargate: Stack, in_cluster: Stack) -> None:
    assert _reached(in_cluster) == {"airflow/etl", "airflow/ledger"}
    # There the network stands before it on every way: the routes themselves are blocked.
    assert _reached(on_fargate) == set()

    def refused(each: Resource) -> Resource:
        if each.type != CONFIG_MAP or "targets.json" not in each.get("data", default={}):
            return each
        document = json.loads(each.get("data", "targets.json"))
        (warehouse,) = [one for one in document["resources"][0]["virtual_hosts"] if "warehouse" in one["name"]]
        rules = warehouse["typed_per_filter_config"]["airlock.deny"]["rbac"]["rules"]
        rules["policies"]["nobody"] = {"permissions": [{"any": True}], "principals": [{"any": True}]}
        data = {**each.get("data"), "targets.json": json.dumps(document)}
        return replace(each, properties={**each.properties, "data": data})

    assert _reached(Stack([refused(each) for each in in_cluster.resources])) == {"airflow/ledger"}


def test_on_fargate_only_airflow_gets_in_and_only_targets_are_let_out(on_fargate: Stack) -> None:
    rules = on_fargate.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert all(each.get("referencedSecurityGroupId") and not each.get("cidrIpv4") for each in rules)
    out = on_fargate.of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
    networks = {(each.get("cidrIpv4"), each.get("toPort")) for each in out if each.get("cidrIpv4")}
    assert networks == {("10.20.4.10/32", 5432), ("10.20.4.20/31", 1521), ("10.50.1.0/24", 443), ("203.0.113.0/24", 443)}
    balancer = one(on_fargate, "aws:lb/loadBalancer:LoadBalancer")
    assert (balancer.get("internal"), balancer.get("loadBalancerType")) == (True, "network")
    # TLS ends in Envoy alone.
    assert one(on_fargate, "aws:lb/listener:Listener").get("protocol") == "TCP"


def test_roles_may_do_what_is_needed_and_no_more(on_fargate: Stack) -> None:
    said = {each.name: json.loads(each.get("policy")) for each in on_fargate.of_type("aws:iam/rolePolicy:RolePolicy")}
    actions = {
        name: {action for each in found["Statement"] for action in _listed(each["Action"])} for name, found in said.items()
    }
    assert actions["tcp-proxy-task"] == {"s3:ListBucket", "s3:GetObject", "secretsmanager:GetSecretValue", "kms:Decrypt"}
    assert actions["tcp-proxy-execution"] == {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert all(each["Resource"] != "*" for found in said.values() for each in found["Statement"])


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_containers_may_do_little_and_no_secret_is_in_them(on_fargate: Stack) -> None:
    text = one(on_fargate, "aws:ecs/taskDefinition:TaskDefinition").get("containerDefinitions")
    files, envoy = json.loads(text)
    for each in (files, envoy):
        assert each["readonlyRootFilesystem"] is True
        assert each["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
        assert each["logConfiguration"]["options"]["awslogs-group"] == "/airlock/tcp-proxy"
    assert (files["user"], envoy["user"]) == ("0:101", "101:101")
    assert envoy["mountPoints"][0]["readOnly"] is True
    assert "PRIVATE" not in text
    log = one(on_fargate, "aws:cloudwatch/logGroup:LogGroup")
    assert log.get("retentionInDays") == 400
    assert log.get("kmsKeyId")


def test_pods_are_closed_in_and_certificates_renew_themselves(in_cluster: Stack) -> None:
    pod = one(in_cluster, DEPLOYMENT).get("spec", "template", "spec")
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["automountServiceAccountToken"] is False
    # A file that is mounted by a subPath is never renewed.
    assert not any("subPath" in each for each in container["volumeMounts"])
    assert pod["terminationGracePeriodSeconds"] > container["lifecycle"]["preStop"]["sleep"]["seconds"]
    certificate = one(in_cluster, "kubernetes:cert-manager.io/v1:Certificate").get("spec")
    assert certificate["dnsNames"][0] == "tcp-proxy.airlock.svc.cluster.local"
    assert certificate["usages"] == ["digital signature", "server auth"]


def test_new_routes_restart_nothing(in_cluster: Stack) -> None:
    routes = [*DOCUMENT["routes"], {"name": "more", "from": ["ledger"], "to": ["warehouse"], "reason": "FIN-3"}]
    after = compiled(cluster(), Access.model_validate({**DOCUMENT, "routes": routes, "expect": []}))
    assert one(in_cluster, DEPLOYMENT).get("spec") == one(after, DEPLOYMENT).get("spec")
    before, now = (one(each, CONFIG_MAP, "config").get("data") for each in (in_cluster, after))
    assert {name for name in before if before[name] != now[name]} == {"targets.json"}
    # Another issuer is in the part that a start reads.
    other = compiled(cluster(), issuers=(TaskIssuer(**{**_fields(PODS), "audience": "other"}),))
    assert one(in_cluster, DEPLOYMENT).get("spec") != one(other, DEPLOYMENT).get("spec")


def _fields(issuer: TaskIssuer) -> dict[str, Any]:
    return {name: getattr(issuer, name) for name in TaskIssuer.__slots__}


def test_gates_of_the_cluster_are_told_what_it_needs() -> None:
    made: list[TcpProxy] = []
    run(lambda: made.append(proxy(cluster(callers=("airflow/etl",)), issuers=(STS,))))
    flows = {each.reason: each for each in made[0].flows}
    assert flows["tasks to the proxy"].callers == frozenset({"airflow/etl"})
    assert str(flows["keys of an issuer"].to) == "abc.tokens.sts.global.api.aws"
    assert made[0].address == "tcp-proxy.airlock.svc.cluster.local:8443"
    assert made[0].proxy().rules["warehouse.corp.example:5432"].deny == "deny-warehouse-5432"


BALANCER = InternalBalancer("proxy.airlock.internal", "10.70.0.9", ("10.70.8.0/22",), ("10.72.0.0/16",))


def test_for_composer_it_has_an_internal_load_balancer() -> None:
    stack = compiled(cluster(balancer=BALANCER))
    service = one(stack, "kubernetes:core/v1:Service")
    assert service.get("metadata", "annotations") == {"networking.gke.io/load-balancer-type": "Internal"}
    assert service.get("spec", "loadBalancerSourceRanges") == ["10.70.8.0/22"]
    assert one(stack, "kubernetes:cert-manager.io/v1:Certificate").get("spec", "dnsNames") == ["proxy.airlock.internal"]
    ((relay,),) = (found.relays for found in read(stack))
    assert relay.entry is not None
    assert (str(relay.entry.hosts), str(relay.sources)) == ("10.70.0.9/32", "10.72.0.0/16")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"address": "proxy"}, "is no IPv4 address"),
        ({"callers": ("0.0.0.0/0",)}, "not everybody's"),
        ({"callers": ()}, "write the networks"),
        ({"sources": ("pods",)}, "is no IPv4 network"),
        ({"annotations": {}}, "the cloud's default is a public one"),
    ],
)
def test_a_load_balancer_for_everybody_is_refused(change: dict[str, Any], message: str) -> None:
    assert message in problems(lambda: compiled(cluster(balancer=replace(BALANCER, **change))))


# Refused


def problems(run_it: Any) -> str:
    with pytest.raises(InputError) as caught:
        run_it()
    return str(caught.value)


def changed(**more: Any) -> Access:
    return Access.model_validate({**DOCUMENT, "expect": [], **more})


def test_everything_that_is_wrong_is_told_at_once() -> None:
    places = [
        {"name": "warehouse", "zone": "datacenter", "hosts": ["*.corp.example"], "ports": ["5432/tcp", "53/udp"]},
        {"name": "ledger-db", "zone": "datacenter", "cidrs": ["10.20.0.0/16"], "ports": ["1521/tcp"]},
    ]
    access = changed(destinations=places)
    wrong = fargate(
        subnets=SUBNETS[:1], memory=100, image="envoy", certificate=SecretFiles("arn:1", f"{ROLE}"), authority="none", replicas=1
    )
    said = problems(lambda: compiled(wrong, access, connections=1))
    for part in (
        "no single host",
        "carries TCP alone",
        "65536 targets, over 64",
        "two at least, in two zones",
        "Fargate takes memory",
        "name a version",
        "no ARN of a secret",
        "so that one may go",
        "connections: 1",
        "no key",
    ):
        assert part in said, said


@pytest.mark.parametrize(
    ("issuer", "message"),
    [
        ({"subject": None}, "write the ARN"),
        ({"issuer": "http://sts.test"}, "is no issuer"),
        ({"assurance": "attested"}, "it is asserted, not attested"),
        ({"environment": "markets"}, "no issuer vouches for tasks of environment"),
        ({"jwks": "{}"}, "is no JSON Web Key Set"),
        ({"jwks": '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}'}, "no public one"),
        ({"jwks": '{"keys": [{"kty": "EC", "d": "c2VjcmV0"}]}'}, "no public one"),
        ({"jwks_uri": "http://keys.test/jwks"}, "write an https URL"),
        ({"jwks": KEYS, "jwks_uri": "https://keys.test/jwks"}, "not both"),
        ({"namespace": "airflow"}, "have no namespace"),
        ({"longest": 5}, "between 60 and 86400"),
        ({"name": "MWAA"}, "small letters"),
    ],
)
def test_an_issuer_that_proves_nothing_is_refused(issuer: dict[str, Any], message: str) -> None:
    assert message in problems(lambda: compiled(fargate(), issuers=(TaskIssuer(**{**_fields(STS), **issuer}),)))


def test_confidential_data_takes_an_attested_identity() -> None:
    said = problems(lambda: compiled(fargate(), attested=("confidential",)))
    assert 'route etl-warehouse: from: confidential data takes an attested identity, and that of "etl" is asserted' in said
    (found,) = read(compiled(cluster(), attested=("confidential",)))
    assert found.rules


def test_a_dagrun_window_is_for_the_dag_itself() -> None:
    route = {"name": "r", "from": ["ledger"], "to": ["ledger-db"], "window": {"dagrun": "finance_daily"}, "reason": "T"}
    assert "must have dags: [finance_daily]" in problems(lambda: compiled(fargate(), changed(routes=[route])))


def test_keys_that_cannot_be_fetched_are_refused() -> None:
    said = problems(lambda: compiled(fargate(keys=())))
    assert "keys are fetched from abc.tokens.sts.global.api.aws:443, and nothing lets the proxy out there" in said


def test_people_are_not_let_through() -> None:
    access = changed(
        principals=[*DOCUMENT["principals"], {"name": "analysts", "group": "g"}],
        routes=[{"name": "r", "from": ["analysts"], "to": ["warehouse"], "reason": "T"}],
    )
    assert "is people" in problems(lambda: compiled(fargate(), access))


def test_a_cluster_wants_one_source_of_certificates() -> None:
    assert "exactly one of them" in problems(lambda: compiled(cluster(secret="tls")))
    assert not compiled(cluster(issuer=None, secret="tls")).of_type("kubernetes:cert-manager.io/v1:Certificate")


def test_the_script_brings_files_and_renews_them(tmp_path: Path) -> None:
    """The script that Fargate runs, in a real shell; `aws` is a stub that copies from folders."""
    bucket, programs = tmp_path / "bucket", tmp_path / "bin"
    for folder in ("config", "jwks", "tls"):
        (bucket / folder).mkdir(parents=True)
    (bucket / "config" / "envoy.json").write_text("one")
    (bucket / "tls" / "ca.crt").write_text("authority")
    programs.mkdir()
    stub = programs / "aws"
    stub.write_text(
        f"#!/bin/sh\n[ ! -e {tmp_path}/broken ] || exit 1\n"
        f'case "$1" in s3) for last; do :; done; mkdir -p "$last"; cp -r {bucket}/. "$last" ;; '
        f'*) echo "$4 $(cat {tmp_path}/turn)" ;; esac\n'
    )
    stub.chmod(0o755)
    (tmp_path / "turn").write_text("1")
    shared = tmp_path / "shared"
    shared.mkdir()
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "BUCKET": "b", "SHARED": str(shared), "KEY": "key"}
    environment |= {"CERTIFICATE": "certificate", "EVERY": "0.1"}
    with subprocess.Popen(["/bin/sh", "-c", SCRIPT], env=environment) as running:
        try:
            assert eventually(lambda: (shared / ".ready").exists())
            assert (shared / "config" / "envoy.json").read_text() == "one"
            assert (shared / "tls" / "tls.key").read_text() == "key 1\n"
            assert (shared / "tls" / "tls.key").stat().st_mode & 0o007 == 0
            kept = (shared / "tls" / "ca.crt").stat().st_ino
            (bucket / "config" / "envoy.json").write_text("two")
            (tmp_path / "turn").write_text("2")
            assert eventually(lambda: (shared / "config" / "envoy.json").read_text() == "two")
            assert eventually(lambda: (shared / "tls" / "tls.crt").read_text() == "certificate 2\n")
            # What is the same is left alone: nothing is read again for it.
            assert (shared / "tls" / "ca.crt").stat().st_ino == kept
            # What cannot be fetched stays: an empty key would end every new connection.
            (tmp_path / "broken").touch()
            time.sleep(0.5)
            assert (shared / "tls" / "tls.key").read_text() == "key 2\n"
            assert running.poll() is None
        finally:
            running.kill()


def test_every_wrong_argument_is_told_at_once() -> None:
    wrong = {"session": "an hour", "connections": 5, "engine": "nginx", "issuers": (replace(PODS, kind="x", assurance="y"),)}
    with pytest.raises(InputError) as error:
        compiled(cluster(namespace="Air lock", issuer="", replicas=1, callers=("etl",)), **wrong)
    assert {one.path for one in error.value.problems} == {
        "session",
        "connections",
        "engine",
        "issuers[0].kind",
        "issuers[0].assurance",
        "issuers[0].namespace",
        "platform.namespace",
        "platform.issuer",
        "platform.replicas",
        "platform.callers",
    }
    assert {one.place for one in error.value.problems} == {"tcp-proxy"}
