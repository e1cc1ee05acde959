"""What a program may give: every problem at once, at its property, as the program writes it."""

from typing import Any

import pytest
from engine_side import OUTPUT, SECRET, SIGNATURE, UNKNOWN, Made, Package, RefusedError

ACCESS = """\
apiVersion: airlock/v1
principals: [{name: ledger, environment: finance, dags: ["*"], owner: a@bank.example}]
zones: {datacenter: {cidrs: [10.20.0.0/16], gates: [aws_network]}}
destinations: [{name: ledger-db, zone: datacenter, cidrs: [10.20.4.10/32], ports: [1521/tcp]}]
routes: [{name: ledger, from: [ledger], to: [ledger-db], session: 1h, reason: FIN-1234}]
"""
VPC = {
    "owner": "a@bank.example",
    "cidr": "10.40.0.0/20",
    "availabilityZones": ["eu-central-1a", "eu-central-1b"],
    "endpointCidrs": ["10.40.14.0/26", "10.40.14.64/26"],
}


def _refused(package: Package, component: str, **inputs: Any) -> dict[str, str]:
    with pytest.raises(RefusedError) as refused:
        package.construct(component, "refused", **inputs)
    return refused.value.problems


@pytest.fixture(scope="module")
def vpc(package: Package) -> Made:
    return package.construct("AirflowVpc", "vpc", **VPC)


def test_a_misspelt_input_is_named_with_the_nearest(package: Package):
    problems = _refused(package, "AirflowVpc", **VPC, natt="single")
    assert problems == {"natt": 'unknown input "natt"; did you mean "nat"?'}


def test_a_misspelt_field_of_an_object_is_named_where_it_is(package: Package, vpc: Made):
    scale = {"environmentClass": "mw1.small", "maxWorker": 5}
    problems = _refused(
        package, "MwaaEnvironment", vpc=vpc, owner="x", airflowVersion="3.0.6", code={"dags": "dags"}, scale=scale
    )
    assert problems == {"scale.maxWorker": 'unknown input "maxWorker"; did you mean "maxWorkers"?'}


def test_all_problems_are_told_at_once(package: Package):
    given = VPC | {"cidr": 10, "availabilityZones": "eu-central-1a", "nat": "singel"}
    problems = _refused(package, "AirflowVpc", **{key: value for key, value in given.items() if key != "owner"}, region=True)
    assert problems == {
        "owner": "is missing",
        "cidr": "10 is not text: write it in quotes",
        "availabilityZones": '"eu-central-1a" is no list',
        "nat": '"singel": write none or single or per-zone',
        "region": "true is not text: write it in quotes",
    }


def test_what_the_component_refuses_is_told_in_the_programs_words(package: Package):
    problems = _refused(package, "AirflowVpc", **(VPC | {"endpointCidrs": ["10.40.14.0/26"], "nat": "single"}))
    assert problems["endpointCidrs"] == "1 networks: give two, one for each zone"
    assert problems["publicCidrs"].startswith("0 networks")


def test_problems_of_an_access_file_have_its_lines(package: Package):
    problems = _refused(package, "Access", access=ACCESS.replace("to: [ledger-db]", "to: [ledger]"))
    assert problems == {"access": 'access.yaml:5: routes[0].to[0]: no destination "ledger"; did you mean "ledger-db"?'}


def test_an_access_file_may_be_named(package: Package, tmp_path_factory: pytest.TempPathFactory):
    file = tmp_path_factory.mktemp("access") / "access.yaml"
    file.write_text(ACCESS)
    assert package.construct("Access", "from_file", access=str(file)).outputs["document"]["routes"][0]["name"] == "ledger"


def test_a_file_that_is_not_there_is_named(package: Package):
    assert "nowhere.yaml" in _refused(package, "Access", access="nowhere.yaml")["access"]


def test_a_component_of_another_kind_is_refused(package: Package, vpc: Made):
    problems = _refused(package, "AwsNetworkGate", access=ACCESS, environments=[vpc])
    assert problems == {"environments[0]": "AirflowVpc has no EnvironmentNetwork"}


def test_a_component_that_this_provider_did_not_make_is_refused(package: Package):
    stranger = Made("urn:pulumi:test::project::airlock:index:MwaaEnvironment::elsewhere", {}, {})
    problems = _refused(package, "AwsNetworkGate", access=ACCESS, environments=[stranger])
    assert problems == {"environments[0]": "is no component that this provider has made in this update"}


def test_what_decides_must_be_known_at_preview(package: Package):
    problems = _refused(package, "AirflowVpc", **(VPC | {"cidr": UNKNOWN}))
    assert problems["cidr"].startswith("is not known before the update")


def test_a_secret_is_not_written_down_in_plain(package: Package):
    secret = {SIGNATURE: SECRET, "value": "10.40.0.0/20"}
    assert _refused(package, "AirflowVpc", **(VPC | {"cidr": secret})) == {
        "cidr": "is a secret, and would be written down in plain: it can be none"
    }


def test_an_unknown_id_is_handed_on(package: Package):
    unknown = {SIGNATURE: OUTPUT, "dependencies": []}
    made = package.construct("AirflowVpc", "brought", **VPC, vpcId=unknown)
    assert made.outputs["vpcId"] == UNKNOWN


def test_a_secret_stays_one(package: Package):
    key = "aVerySecretKeyOfATunnel1"
    ends = [{"insideCidr": "169.254.10.0/30", "presharedKey": key}, {"insideCidr": "169.254.10.4/30"}]
    package.construct(
        "AwsVpn",
        "keyed",
        deviceAddress="203.0.113.250",
        deviceCidrs=["10.20.0.0/16"],
        vpcId="vpc-0123456789abcdef0",
        tunnels=ends,
    )
    (connection,) = [one for one in package.plan().steps if one.urn.endswith("::keyed-connection")]
    assert connection.registration is not None
    assert connection.registration.inputs["tunnel1PresharedKey"] == {SIGNATURE: SECRET, "value": key}


def test_whole_numbers_stay_whole(package: Package):
    assert _refused(package, "ZpaGate", access=ACCESS, connectors={}, protect="yes") == {"protect": '"yes" is not true or false'}
    problems = _refused(package, "AwsNetworkGate", access=ACCESS, environments=[], maxRules=2.5)
    assert problems == {"maxRules": "2.5 is not a whole number"}


def test_objects_that_only_their_kind_tells_apart_must_say_it(package: Package):
    connector = {"location": "Frankfurt, DE", "latitude": 50.1, "longitude": 8.7, "countryCode": "DE"}
    problems = _refused(
        package, "ZpaGate", access=ACCESS, connectors={"datacenter": connector}, workloads={"finance": {"name": "group"}}
    )
    assert problems.keys() == {'workloads["finance"]'}
    assert "say kind: cloudConnector or machineGroup" in problems['workloads["finance"]']


def test_a_provider_may_be_given(package: Package):
    """One of two FortiGates: its syslog is set by its own provider."""
    edge = package.register_provider("fortios", "edge")
    siem = {"name": "SIEM", "syslog": {"host": "syslog.bank.example", "publicCa": True}}
    package.construct(
        "AuditTrail", "audit", owner="a@bank.example", siem=siem, fortigates={"edge": {"slot": 2, "provider": edge}}
    )
    (setting,) = [one for one in package.plan().steps if one.urn.endswith("::audit-edge-syslog")]
    assert setting.registration is not None
    assert setting.registration.provider.startswith(edge.urn)
    problems = _refused(package, "AuditTrail", owner="a", siem=siem, fortigates={"edge": {"slot": 2, "provider": "edge"}})
    assert problems['fortigates["edge"].provider'].startswith("is no ProviderResource")
