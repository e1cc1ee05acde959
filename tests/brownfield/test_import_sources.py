"""What each kind of source becomes, beside what the round trips show: VDOMs, secrets, clusters, pages, several files at once."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pulumi_airlock.access import Access
from pulumi_airlock.brownfield import Options, Told, document_of, read_sources, text_of
from pulumi_airlock.brownfield.drafting import draft
from pulumi_airlock.brownfield.meeting import without_strangers
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates import read_all
from pulumi_airlock.gates.sources import stack_of_document
from pulumi_airlock.gates.stack import Stack

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
NOTHING = Access(principals=(), zones={}, destinations=(), routes=())
VDOMS = """\
#config-version=FG100F-7.2.8-FW-build1639-240313:opmode=0:vdom=1:user=admin
config vdom
edit root
next
edit partners
next
end
config global
config system global
    set hostname "fw"
    set timezone "UTC"
end
config system interface
    edit "cloud"
        set vdom "root"
        set type tunnel
    next
    edit "dmz"
        set vdom "partners"
        set ip 203.0.113.1 255.255.255.0
    next
    edit "port1"
        set vdom "root"
        set ip 10.20.0.1 255.255.0.0
    next
end
config system admin
    edit "admin"
        set password ENC SH2abcdefghijklmnop=
    next
end
end
config vdom
edit root
config vpn ipsec phase1-interface
    edit "cloud"
        set psksecret ENC c2VjcmV0
    next
end
config user radius
    edit "radius"
        set server "10.20.1.1"
        set secret ENC cmFkaXVz
    next
end
config router static
    edit 1
        set dst 10.40.0.0 255.255.0.0
        set device "cloud"
    next
end
config firewall policy
    edit 5
        set srcintf "cloud"
        set dstintf "port1"
        set srcaddr "all"
        set dstaddr "all"
        set action accept
        set schedule "always"
        set service "SSH"
    next
end
end
config vdom
edit partners
config firewall policy
    edit 5
        set srcintf "any"
        set dstintf "dmz"
        set srcaddr "all"
        set dstaddr "all"
        set action accept
        set schedule "always"
        set service "HTTPS"
    next
end
end
"""
CLUSTER = """\
apiVersion: v1
kind: List
items:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: ledger, namespace: data}
    spec:
      selector: {matchLabels: {app: ledger}}
      template:
        metadata: {labels: {app: ledger}}
        spec:
          serviceAccountName: ledger
          containers: [{name: db, image: postgres, ports: [{containerPort: 5432}]}]
  - apiVersion: v1
    kind: Service
    metadata: {name: ledger, namespace: data}
    spec: {clusterIP: 10.43.7.7, selector: {app: ledger}, ports: [{port: 5432, targetPort: 5432}]}
  - apiVersion: apps/v1
    kind: StatefulSet
    metadata: {name: airflow-worker, namespace: airflow}
    spec:
      selector: {matchLabels: {component: worker}}
      template:
        metadata: {labels: {component: worker}}
        spec: {serviceAccountName: airflow-worker, containers: [{name: worker, image: airflow}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: workers, namespace: airflow}
spec:
  podSelector: {matchLabels: {component: worker}}
  policyTypes: [Egress]
  egress:
    - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: data}}, podSelector: {matchLabels: {app: ledger}}}]
      ports: [{protocol: TCP, port: 5432}]
    - to: [{ipBlock: {cidr: 10.20.4.0/24, except: [10.20.4.128/25]}}]
      ports: [{protocol: TCP, port: 443}]
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: airflow}
data: {password: c2VjcmV0}
"""
SEGMENTS = {
    "totalPages": "1",
    "list": [
        {
            "id": "11",
            "name": "Group services",
            "enabled": True,
            "domainNames": ["api.group.example"],
            "tcpPortRanges": ["443", "443"],
            "segmentGroupId": "21",
            "policyStyle": "NONE",
        }
    ],
}
GROUPS = {"list": [{"id": "21", "name": "Group", "enabled": True, "applications": []}]}
RULES = {
    "list": [
        {
            "id": "31",
            "name": "Airflow",
            "action": "ALLOW",
            "ruleOrder": "1",
            "operator": "AND",
            "conditions": [
                {"operator": "OR", "operands": [{"objectType": "APP", "lhs": "id", "rhs": "11"}]},
                {"operator": "OR", "operands": [{"objectType": "EDGE_CONNECTOR_GROUP", "lhs": "id", "rhs": "72"}]},
            ],
        },
        {"id": "32", "name": "Sessions", "action": "RE_AUTH", "ruleOrder": "1", "conditions": []},
    ]
}


def imported(folder: Path, options: Options, **files: str) -> Stack:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return read_sources([folder], options).stack


def drafted(stack: Stack) -> Access:
    found = draft(without_strangers(stack)[0], {}, AT)
    assert not found.proof.blocked
    return found.access


def reached(access: Access) -> dict[str, tuple[str, ...]]:
    """Hosts or networks → ports, of every destination that a route leads to."""
    named = {name for route in access.routes for name in route.to}
    return {", ".join((*one.hosts, *one.cidrs)): one.ports for one in access.destinations if one.name in named}


def test_each_vdom_is_a_device_with_its_own_interfaces_and_policies(tmp_path):
    stack = imported(tmp_path, Options(environments=(Told("finance", ("10.40.1.0/24",)),)), fw_conf=VDOMS)
    filters = {one.gate: one for one in read_all(stack).filters}
    assert set(filters) == {"fw", "fw-partners"}
    labels = [rule.source.label for one in filters.values() for rule in one.rules]
    assert labels == ['policy 5 "policy-5"', 'policy 5 "fw-partners-policy-5"']
    with pytest.raises(InputError, match=r"there are 2 FortiGates \(fw, fw-partners\).*--zone NAME=CIDR"):
        draft(stack, {}, AT)
    found = draft(stack, {"center": ["10.20.0.0/16", "fw"], "dmz": ["203.0.113.0/24", "fw-partners"]}, AT)
    # Of the second it is not known where Airflow's traffic comes in: there, a policy of every interface holds.
    assert reached(found.access) == {"10.20.0.0/16": ("22/tcp",), "203.0.113.0/24": ("443/tcp",)}


def test_what_is_secret_is_in_no_output(tmp_path):
    stack = imported(tmp_path, Options(), fw_conf=VDOMS, cluster_yaml=CLUSTER)
    text = text_of(document_of(stack, NOTHING))
    assert "phase1interface:Phase1interface::cloud" in text
    for secret in ("SH2abcdefghijklmnop", "c2VjcmV0", "cmFkaXVz", "ENC"):
        assert secret not in text


def test_what_is_written_is_the_same_stack(tmp_path):
    stack = imported(tmp_path, Options(environments=(Told("finance", ("10.40.1.0/24",)),)), fw_conf=VDOMS, cluster_yaml=CLUSTER)
    again = stack_of_document(json.loads(text_of(document_of(stack, NOTHING))), "out.json")
    assert read_all(again).filters == read_all(stack).filters
    assert read_all(again).environments == read_all(stack).environments


def test_a_cluster_is_read_as_whom_its_workers_run(tmp_path):
    told = Told("prod", ("10.100.0.0/16",), "airflow/airflow-worker")
    stack = imported(tmp_path, Options(environments=(told,)), cluster_yaml=CLUSTER)
    access = drafted(stack)
    assert reached(access) == {"ledger.data.svc.cluster.local": ("5432/tcp",), "10.20.4.0/25": ("443/tcp",)}
    assert {one.name: one.zone for one in access.destinations}["ledger-data-svc-cluster-local"] == "cluster"


@pytest.mark.parametrize("group", ["72", "73"])
def test_zpa_knows_an_environment_by_its_cloud_connector_group(group, tmp_path):
    told = Told("finance", ("10.40.1.0/24",), connector_groups=(group,))
    files = {"segments_json": json.dumps(SEGMENTS), "groups_json": json.dumps(GROUPS), "rules_json": json.dumps(RULES)}
    access = drafted(imported(tmp_path, Options(environments=(told,)), **files))
    assert reached(access) == ({"api.group.example": ("443/tcp",)} if group == "72" else {})


def test_several_sources_stand_on_one_way(tmp_path):
    """Behind the FortiGate lies what the VPC's routes lead to the VPN gateway; the security group lets less through."""
    network = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    out = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.20.4.0/24"}]}
    routes = [
        {"DestinationCidrBlock": "10.40.1.0/24", "GatewayId": "local", "State": "active"},
        {"DestinationCidrBlock": "10.20.0.0/16", "GatewayId": "vgw-1", "State": "active"},
        {"DestinationCidrBlock": "10.30.0.0/16", "TransitGatewayId": "tgw-1", "State": "blackhole"},
    ]
    table = {"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Routes": routes, "Associations": [{"Main": True}]}
    described = {
        "vpcs": {"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.40.1.0/24"}]},
        "subnets": {"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.40.1.0/25"}]},
        "groups": {"SecurityGroups": [{"GroupId": "sg-1", "VpcId": "vpc-1", "GroupName": "tasks", "IpPermissionsEgress": [out]}]},
        "tables": {"RouteTables": [table]},
        "environment": {"Environment": {"Name": "finance", "NetworkConfiguration": network}},
    }
    files = {f"{name}_json": json.dumps(document) for name, document in described.items()}
    one_device = VDOMS[: VDOMS.index("config vdom\nedit partners\nconfig")]
    access = drafted(imported(tmp_path, Options(), fw_conf=one_device, **files))
    assert access.zones["behind-fw"].cidrs == ("10.20.0.0/16",)
    assert reached(access) == {"10.20.4.0/24": ("22/tcp",)}
    (route,) = access.routes
    assert route.reason == 'imported: policy 5 "policy-5" at fw'


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"Subnets": [], "NextToken": "abc"}, r"a.json:1: NextToken: is the first page alone"),
        ({"totalPages": "3", "totalCount": "40", "list": SEGMENTS["list"]}, r"a.json:1: totalPages: is one of 3 pages"),
        ({"list": [{"domainNames": []}]}, r"a.json:1: list\[0\]: has no id"),
        ({"list": [SEGMENTS["list"][0], {"id": "9"}]}, r"a.json:1: list\[1\]: is nothing of ZPA's that is read"),
        ({"deployment": {"resources": [{"type": "x"}]}}, r"(are not all resources with a urn|resources\[0\]. has no urn)"),
        ([1, 2], "is nothing that is read: give a FortiGate's backup"),
    ],
)
def test_a_document_that_is_not_whole_is_refused(document, problem, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=problem):
        read_sources([Path("a.json")], Options())


def test_what_two_sources_have_is_refused(tmp_path):
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(CLUSTER)
    with pytest.raises(InputError, match=r"b\.yaml: Service data/ledger is in another source too"):
        read_sources([tmp_path], Options())
