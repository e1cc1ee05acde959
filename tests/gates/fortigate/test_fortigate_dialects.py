"""Both Pulumi packages for FortiOS: the same resources with the same properties, the same proof; and what is refused.

`terraform-provider` is an imitation here (see `generated`), which refuses what the generated SDK does not take.
"""

import sys
from datetime import date
from importlib import import_module
from ipaddress import ip_address
from itertools import product
from types import ModuleType
from typing import Any

import pulumi
import pulumiverse_fortios
import pytest
from fortigate_helpers import run_program
from fortigate_people_helpers import access, built, identity
from imitation import TABLE, install
from pulumi_airlock.audit import AuditTrail, FortigateSyslog, Siem, SyslogIntake
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.fortigate import FortigateGate, read
from pulumi_airlock.gates.fortigate.dialect import DIALECTS, Sdk
from pulumi_airlock.gates.kinds import kind_of
from pulumi_airlock.identity.credentials import FortigateApiToken
from pulumi_airlock.tunnels import FortigateTunnel, SiteToSiteVpn
from pulumi_airlock.tunnels.peer import PeerTunnel
from pulumi_airlock.tunnels.proposals import IpsecProposal

GENERATED = "terraform-provider"
PACKAGES = {"pulumiverse": "pulumiverse_fortios", GENERATED: "pulumi_fortios"}
PEOPLE = [("analysts", "warehouse", "8h"), ("auditors", "reports", "1h")]


@pytest.fixture(autouse=True)
def generated(monkeypatch) -> ModuleType:
    return install(monkeypatch)


def a_gate(dialect, **more):
    window = {"days": ["mon"], "from": "22:00", "to": "04:00", "timezone": "UTC"}
    declared = access(*PEOPLE).model_dump(by_alias=True, mode="json", exclude_none=True)
    declared["routes"][0] |= {"window": window, "expires": "2030-06-30"}
    return built(type(access()).model_validate(declared), dialect=dialect, vdom="root", place_before=7, **more)


def a_vpn(dialect, routing):
    told = {"device_address": "203.0.113.250", "wan_interface": "wan1", "vpc_id": "vpc-1", "subnet_ids": ["subnet-1"]}
    cidrs = {"cloud_cidrs": ["10.40.0.0/20"], "device_cidrs": ["10.20.0.0/16"]}
    return run_program(lambda: SiteToSiteVpn("dc", **told, **cidrs, routing=routing, dialect=dialect))


def known_tunnels(dialect):
    """With everything known, so that the kinds of the values are checked, too."""
    ends = [
        PeerTunnel(
            address=pulumi.Output.from_input(f"203.0.113.{number}"),
            preshared_key=pulumi.Output.secret("made.by.aws"),
            cloud_inside_address=pulumi.Output.from_input(str(ip_address("169.254.10.1") + 4 * number)),
            device_inside_address=pulumi.Output.from_input(str(ip_address("169.254.10.2") + 4 * number)),
            cloud_asn=pulumi.Output.from_input("64512"),
        )
        for number in (1, 2)
    ]
    cidrs = {"cloud_cidrs": ["10.40.0.0/20"], "device_cidrs": ["10.20.0.0/16"]}
    told: dict[str, Any] = {"tunnels": ends, "proposal": IpsecProposal(), "wan_interface": "wan1"}
    return run_program(lambda: FortigateTunnel("dc", **told, **cidrs, dialect=dialect), preview=False)


def a_trail(dialect, slot, vdom):
    siem = Siem(
        name="splunk",
        syslog=SyslogIntake(host="logs.bank.example", ca_pem="-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
    )
    one = FortigateSyslog(slot=slot, vdom=vdom, take_over=slot == 1, certificate="c", source_ip="10.0.0.1", dialect=dialect)
    return run_program(lambda: AuditTrail("audit", owner="soc@bank.example", siem=siem, fortigates={"edge": one}))


def a_token(dialect):
    told = {"gate": "fortigate", "access": access(rotation="30d"), "users": ("a", "b"), "today": date(2026, 11, 26)}
    hosts = ["10.1.0.0/24", "2001:db8::/48"]

    def program():
        providers = tuple(import_module(PACKAGES[dialect]).Provider(one, hostname="fw", token="t") for one in "ab")
        FortigateApiToken("edge", **told, trusted_hosts=hosts, providers=providers, dialect=dialect)

    return run_program(program)


PROGRAMS = {
    "a gate": a_gate,
    "tunnels with BGP": lambda dialect: a_vpn(dialect, "bgp"),
    "tunnels with static routes": lambda dialect: a_vpn(dialect, "static"),
    "tunnels of which all is known": known_tunnels,
    **{
        f"syslog in slot {slot}, VDOM {vdom}": lambda dialect, slot=slot, vdom=vdom: a_trail(dialect, slot, vdom)
        for slot, vdom in product((1, 2, 3, 4), (None, "edge"))
    },
    "API users": a_token,
}


def _shown(stack) -> dict[tuple[str, str], Any]:
    """(Kind, name) → properties. An AS number is text in one, and a number in the other."""
    found = [one for one in stack.resources if one.type.startswith("fortios:")]
    shown = {}
    for one in found:
        properties = dict(one.properties)
        if isinstance(properties.get("remoteAs"), str):
            properties["remoteAs"] = int(properties["remoteAs"]) if properties["remoteAs"].isdigit() else properties["remoteAs"]
        shown[kind_of(one.type), one.name] = properties
    assert len(shown) == len(found), "one name, one resource"
    return shown


@pytest.mark.parametrize("name", PROGRAMS)
def test_both_make_the_same_of_the_same(name):
    ours, theirs = (PROGRAMS[name](dialect) for dialect in DIALECTS)
    assert _shown(ours), "nothing was made"
    assert _shown(ours) == _shown(theirs)
    made = {one.type for one in theirs.resources if one.type.startswith("fortios:")}
    assert made <= set(TABLE["resources"]), "a resource that the provider does not have"
    assert not made & {one.type for one in ours.resources}


def test_both_are_read_alike():
    ours, theirs = ([(one.gate, one.default, *_rules(one)) for one in read(a_gate(dialect))] for dialect in DIALECTS)
    assert ours
    assert ours == theirs


def _rules(found):
    return [(rule.action, rule.match, rule.unknown) for rule in found.rules]


# What is refused


def problems(**given) -> list[str]:
    with pytest.raises(InputError) as refused:
        built(**given)
    return [str(one) for one in refused.value.problems]


def test_a_dialect_that_there_is_not_is_refused_with_all_else():
    found = problems(dialect="terraform", timezone="Europe/Zuerich")
    assert any("dialect: 'terraform': write pulumiverse or terraform-provider" in one for one in found)
    assert any("no time zone" in one for one in found)


def test_the_command_that_generates_the_sdk_is_told_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pulumi_fortios", None)
    (told,) = problems(dialect=GENERATED)
    assert "dialect: 'terraform-provider' needs the Python package pulumi_fortios" in told
    assert "`pulumi package add terraform-provider fortinetdev/fortios`" in told


def test_the_older_package_of_that_name_is_not_taken_for_it(monkeypatch, generated):
    monkeypatch.delattr(generated, "FirewallPolicyMove")  # pulumi-fortios 0.0.9 has none
    (told,) = problems(dialect=GENERATED)
    assert "no FirewallPolicyMove" in told


@pytest.mark.parametrize(("dialect", "other"), [DIALECTS, DIALECTS[::-1]])
@pytest.mark.parametrize("given", ["provider", "providers", "of its parent"])
def test_a_provider_of_the_other_package_is_refused(dialect, other, given):
    def options(provider):
        if given == "provider":
            return pulumi.ResourceOptions(provider=provider)
        above = pulumi.ResourceOptions(providers=[provider])
        return above if given == "providers" else pulumi.ResourceOptions(parent=pulumi.ComponentResource("a:b:C", "c", {}, above))

    def program():
        opts = options(import_module(PACKAGES[other]).Provider("edge", hostname="fw"))
        told = {"access": access(), "sources": {"finance": ["10.40.0.0/26"]}, "tunnel_interface": "vpn", "saml": identity()}
        FortigateGate(
            "fortigate", **told, interfaces={"datacenter": "port3"}, people_interface="port2", dialect=dialect, opts=opts
        )

    with pytest.raises(InputError, match=f"say '{other}'"):
        run_program(program)


def test_what_the_provider_does_not_take_is_refused_by_the_imitation(generated):
    def program():
        generated.FirewallAddress("one", name="one", subnets="10.0.0.0 255.0.0.0")

    with pytest.raises(TypeError, match="subnets"):
        run_program(program)


def test_pulumiverses_router_classes_find_their_own_types():
    assert Sdk("pulumiverse").router_static is pulumiverse_fortios.router.Static
    assert run_program(lambda: Sdk("pulumiverse").router_static("r", dst="10.0.0.0 255.0.0.0") and None).resources
