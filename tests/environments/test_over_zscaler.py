"""Airflow over an explicit proxy: the generated script is run on each component, and real clients say what they make of it."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pulumi_airlock.access.model import Access
from pulumi_airlock.environments.mwaa import (
    AirflowVpc,
    ExistingCode,
    MwaaCode,
    MwaaEnvironment,
    MwaaScale,
    S3Object,
    read_environments,
)
from pulumi_airlock.environments.mwaa.egress import COMPONENTS, ProxyEgress, direct, no_proxy, startup_script
from pulumi_airlock.environments.mwaa.read_egress import ways_out
from pulumi_airlock.errors import InputError
from pulumi_airlock.proof.sets import Hosts, Services

PEM = "-----BEGIN CERTIFICATE-----\nTUlJQmFpcmxvY2s=\n-----END CERTIFICATE-----\n"
EGRESS = ProxyEgress(
    host="proxy.zscaler.example",
    cidrs=("203.0.113.0/26",),
    scheduler=10101,
    worker=10102,
    webserver=10103,
    no_proxy=("vault.corp.example", ".internal.example", "10.20.0.0/16"),
)
REGION, VPC = "eu-west-1", "10.60.0.0/16"
PORTS = {"scheduler": 10101, "worker": 10102, "hybrid": 10102, "webserver": 10103, "migrate-db": 10101, None: 10101}
AWS = [
    "sqs.eu-west-1.amazonaws.com",
    "logs.eu-west-1.amazonaws.com",
    "my-code.s3.eu-west-1.amazonaws.com",
    "s3.amazonaws.com",
    "abc.c3.eu-west-1.airflow.amazonaws.com",
    "vpce-1.vpce-svc-1.eu-west-1.vpce.amazonaws.com",
    "169.254.169.254",
    "169.254.170.2",
    "localhost",
    "ip-10-60-1-5.eu-west-1.compute.internal",
]
ELSEWHERE = ["api.saas.example", "sqs.us-east-1.amazonaws.com", "amazonaws.com.evil.example", "example.com", "8.8.8.8"]


def environment_after(script: str, component: str | None, shell: str = "bash") -> dict[str, str]:
    """What a process has in its environment that starts after the script, as MWAA starts Airflow."""
    start = {"PATH": os.environ["PATH"]} | ({"MWAA_AIRFLOW_COMPONENT": component} if component else {})
    program = f"{script}\nexec {sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'\n"
    done = subprocess.run([shell, "-e"], input=program, capture_output=True, text=True, env=start, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("shell", ["bash", "sh"])
@pytest.mark.parametrize("component", PORTS)
def test_each_component_is_told_its_own_port(component, shell):
    found = environment_after(startup_script(EGRESS, REGION, VPC), component, shell)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        assert found[name] == f"http://proxy.zscaler.example:{PORTS[component]}"
    assert found["NO_PROXY"] == found["no_proxy"]
    assert "REQUESTS_CA_BUNDLE" not in found


def test_every_component_has_a_port_of_its_own():
    told = {one: environment_after(startup_script(EGRESS, REGION, VPC), one)["HTTPS_PROXY"] for one in COMPONENTS}
    assert set(told) == {"scheduler", "worker", "webserver"}
    assert len(set(told.values())) == 3


def test_the_authority_joins_the_public_ones(tmp_path):
    file = tmp_path / "root.pem"
    file.write_text(PEM)
    for given in (PEM, file):
        egress = ProxyEgress(**{**_given(EGRESS), "ca_bundle": given})
        found = environment_after(startup_script(egress, REGION, VPC), "worker")
        whole = Path(found["REQUESTS_CA_BUNDLE"]).read_text()
        assert PEM in whole
        assert whole.count("BEGIN CERTIFICATE") > 1, "AWS's endpoints are signed by public authorities"
        for name in ("SSL_CERT_FILE", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"):
            assert found[name] == found["REQUESTS_CA_BUNDLE"]
        assert Path(found["NODE_EXTRA_CA_CERTS"]).read_text() == PEM


def test_the_environments_own_script_goes_on_behind_it():
    script = startup_script(EGRESS, REGION, VPC, own='#!/bin/bash\nexport MINE="$HTTPS_PROXY seen"\n')
    assert environment_after(script, "webserver")["MINE"] == "http://proxy.zscaler.example:10103 seen"


@pytest.mark.parametrize("client", ["urllib", "requests", "botocore"])
def test_real_clients_reach_aws_directly_and_all_else_through_the_proxy(client):
    """Each client resolves its proxy by its own code, in a process that has the script's environment."""
    told = environment_after(startup_script(EGRESS, REGION, VPC), "worker")
    ask = {
        "urllib": (
            "from urllib.request import getproxies, proxy_bypass\n"
            "def proxied(host): return not proxy_bypass(host) and 'https' in getproxies()"
        ),
        "requests": (
            "from requests.utils import get_environ_proxies\n"
            "def proxied(host): return 'https' in get_environ_proxies('https://' + host + '/')"
        ),
        "botocore": (
            "from botocore.utils import get_environ_proxies\n"
            "def proxied(host): return 'https' in get_environ_proxies('https://' + host + '/')"
        ),
    }[client]
    hosts = [*AWS, "vault.corp.example", "db.internal.example", *ELSEWHERE]
    program = f"{ask}\nimport json\nprint(json.dumps({{host: proxied(host) for host in {hosts!r}}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=told, check=True)
    found = json.loads(done.stdout)
    assert {host for host, proxied in found.items() if proxied} == set(ELSEWHERE)


def test_networks_are_reached_directly_by_clients_that_know_them():
    told = environment_after(startup_script(EGRESS, REGION, VPC), "worker")
    program = (
        "from requests.utils import get_environ_proxies\n"
        "print([bool(get_environ_proxies(f'https://{one}/')) for one in ('10.60.1.7', '10.20.4.1', '10.30.0.1')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=told, check=True)
    assert done.stdout.strip() == "[False, False, True]"


def test_china_and_virginia_have_names_of_their_own():
    assert ".cn-north-1.amazonaws.com.cn" in no_proxy(EGRESS, "cn-north-1", VPC)
    assert ".ec2.internal" in no_proxy(EGRESS, "us-east-1", VPC)


# The component


def _given(egress):
    return {name: getattr(egress, name) for name in egress.__slots__}


def _program(dags, egress=EGRESS, code=None, **more):
    def program():
        vpc = AirflowVpc(
            "airflow",
            owner="platform@bank.example",
            cidr=VPC,
            availability_zones=["eu-west-1a", "eu-west-1b"],
            endpoint_cidrs=["10.60.0.0/26", "10.60.0.64/26"],
        )
        MwaaEnvironment(
            "finance",
            owner="finance@bank.example",
            vpc=vpc,
            subnet_cidrs=["10.60.1.0/25", "10.60.1.128/25"],
            airflow_version="2.10.3",
            scale=MwaaScale(environment_class="mw1.small", min_workers=1, max_workers=2),
            code=code or MwaaCode(dags=dags, **more),
            egress=egress,
        )

    return program


def test_the_script_is_uploaded_and_wired_with_its_version(run, dags, tmp_path):
    own = tmp_path / "startup.sh"
    own.write_text("#!/bin/bash\nexport MINE=1\n")
    found = run(_program(dags, startup_script=own))
    (stored,) = [one for one in found.of("s3/bucketObjectv2:BucketObjectv2").values() if one.name == "finance-startup-script"]
    text = stored.inputs["source"]["text"]
    assert stored.inputs["key"] == "startup.sh"
    assert stored.inputs["sourceHash"] == hashlib.sha256(text.encode()).hexdigest()
    assert environment_after(text, "scheduler")["HTTPS_PROXY"].endswith(":10101")
    assert environment_after(text, "scheduler")["MINE"] == "1"
    environment = found.of("mwaa/environment:Environment")["finance-environment"]
    assert environment.inputs["startupScriptS3Path"] == "startup.sh"
    assert environment.from_["startupScriptS3ObjectVersion"] == {"finance-startup-script"}


def test_the_security_group_opens_the_three_ports_to_the_proxy_alone(run, dags):
    found = run(_program(dags))
    rules = {one.name: one.inputs for one in found.of("vpc/securityGroupEgressRule:SecurityGroupEgressRule").values()}
    told = {name: one for name, one in rules.items() if "-proxy-" in name}
    assert {(one["cidrIpv4"], one["ipProtocol"], one["fromPort"], one["toPort"]) for one in told.values()} == {
        ("203.0.113.0/26", "tcp", 10101, 10103)
    }
    assert [one["description"] for one in told.values()] == ["The proxy of the scheduler, worker, webserver"]
    environment = found.of("mwaa/environment:Environment")["finance-environment"]
    assert set(told) <= environment.depends_on, "what the script installs goes through the proxy"


def test_readers_are_told_and_the_proxy_is_a_need_of_its_own(run, dags):
    found = run(_program(dags))
    component = found.of("MwaaEnvironment")["finance"]
    assert component.inputs["egress"]["ports"] == {"scheduler": 10101, "worker": 10102, "webserver": 10103}
    stack = found.stack()
    way = ways_out(stack)["finance"]
    assert way.ports["worker"] == 10102
    assert way.hosts.covers_addresses(Hosts.from_cidr("203.0.113.0/26"))
    (environment,) = read_environments(stack)
    needs = [one for one in environment.own if one.hosts.covers_addresses(Hosts.from_cidr("203.0.113.0/26"))]
    assert [one.services for one in needs] == [Services.of("tcp", 10101, 10103)]


def test_without_a_proxy_nothing_changes(preview, dags):
    found = preview(_program(dags, egress=None))
    assert "egress" not in found.of("MwaaEnvironment")["finance"].inputs
    assert not any("proxy" in name for name in found.of("vpc/securityGroupEgressRule:SecurityGroupEgressRule"))
    assert "startupScriptS3Path" not in found.of("mwaa/environment:Environment")["finance-environment"].inputs


def test_everything_wrong_is_said_at_once(preview, dags):
    bad = ProxyEgress(
        host="http://proxy:80",
        cidrs=("0.0.0.0/0",),
        scheduler=80,
        worker=10102,
        webserver=10102,
        ca_bundle="no pem",
        no_proxy=("*",),
    )
    with pytest.raises(InputError) as raised:
        preview(_program(dags, egress=bad))
    paths = [one.path for one in raised.value.problems]
    assert paths == [
        "egress.host",
        "egress.cidrs[0]",
        "egress.scheduler",
        "egress.webserver",
        "egress.no_proxy[0]",
        "egress.ca_bundle",
    ]


def test_a_bucket_of_somebody_else_needs_a_script_that_tells(preview, dags):
    bucket = "arn:aws:s3:::their-code"
    with pytest.raises(InputError, match="somebody else fills the bucket"):
        preview(_program(dags, code=ExistingCode(bucket_arn=bucket)))
    found = preview(_program(dags, code=ExistingCode(bucket_arn=bucket, startup_script=S3Object(path="start.sh", version="1"))))
    assert any("start.sh in the bucket has to hold" in one for one in found.warnings)


def test_what_pip_needs_of_the_proxy_is_told(preview, dags, tmp_path):
    listed = tmp_path / "requirements.txt"
    listed.write_text("--index-url https://mirror.corp.example/simple\npandas==2.2.0\n")
    assert any("each install it through the proxy" in one for one in preview(_program(dags, requirements=listed)).warnings)
    listed.write_text("--no-index\n--find-links /usr/local/airflow/plugins\npandas==2.2.0\n")
    assert not any("through the proxy" in one for one in preview(_program(dags, requirements=listed)).warnings)


def test_a_script_for_another_interpreter_is_refused(preview, dags, tmp_path):
    own = tmp_path / "startup.py"
    own.write_text("#!/usr/bin/env python3\nprint()\n")
    with pytest.raises(InputError, match="write it in sh"):
        preview(_program(dags, startup_script=own))


def test_what_other_gates_lead_to_is_reached_directly():
    access = Access.model_validate(
        {
            "principals": [{"name": "etl", "dags": ["*"]}],
            "zones": {"datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["fortigate"]}, "internet": {"gates": ["zia"]}},
            "destinations": [
                {
                    "name": "vault",
                    "zone": "datacenter",
                    "hosts": ["vault.corp.example", "*.apps.corp.example"],
                    "ports": ["8200/tcp"],
                },
                {"name": "saas", "zone": "internet", "hosts": ["api.saas.example"], "ports": ["443/tcp"]},
            ],
            "routes": [{"name": "one", "from": ["etl"], "to": ["vault", "saas"], "reason": "R-1"}],
        }
    )
    assert direct(access, "zia") == ("10.20.0.0/16", "vault.corp.example", ".apps.corp.example")


def test_the_proxys_networks_are_routed_where_it_is_told(run, dags):
    import pulumi_aws as aws
    from pulumi_airlock.gates.aws_network import Gateway

    def program():
        vpc = AirflowVpc(
            "airflow",
            owner="platform@bank.example",
            cidr=VPC,
            availability_zones=["eu-west-1a", "eu-west-1b"],
            endpoint_cidrs=["10.60.0.0/26", "10.60.0.64/26"],
        )
        gateway = aws.ec2.VpnGateway("edge", vpc_id=vpc.vpc_id)
        MwaaEnvironment(
            "finance",
            owner="finance@bank.example",
            vpc=vpc,
            subnet_cidrs=["10.60.1.0/25", "10.60.1.128/25"],
            airflow_version="2.10.3",
            scale=MwaaScale(environment_class="mw1.small", min_workers=1, max_workers=2),
            code=MwaaCode(dags=dags),
            egress=EGRESS,
            egress_gateway=Gateway("vpn", gateway.id),
        )

    found = run(program)
    routes = {name: one for name, one in found.of("ec2/route:Route").items() if "proxy" in name}
    assert set(routes) == {"finance-to-proxy-0-0", "finance-to-proxy-0-1"}
    for one in routes.values():
        assert one.inputs["destinationCidrBlock"] == "203.0.113.0/26"
        assert one.from_["gatewayId"] == {"edge"}
    assert set(routes) <= found.of("mwaa/environment:Environment")["finance-environment"].depends_on


def test_a_gateway_without_a_proxy_is_refused(preview, dags):
    from pulumi_airlock.gates.aws_network import Gateway

    with pytest.raises(InputError, match="leads to a proxy, and there is none"):
        preview(
            lambda: MwaaEnvironment(
                "finance",
                owner="finance@bank.example",
                vpc=AirflowVpc(
                    "airflow",
                    owner="platform@bank.example",
                    cidr=VPC,
                    availability_zones=["eu-west-1a", "eu-west-1b"],
                    endpoint_cidrs=["10.60.0.0/26", "10.60.0.64/26"],
                ),
                subnet_cidrs=["10.60.1.0/25", "10.60.1.128/25"],
                airflow_version="2.10.3",
                scale=MwaaScale(environment_class="mw1.small", min_workers=1, max_workers=2),
                code=MwaaCode(dags=dags),
                egress_gateway=Gateway("vpn", "vgw-1"),
            )
        )
