"""Where a FortiGate's interfaces lead, as far as a backup tells: SD-WAN, routes to what is no network, central NAT."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pulumi_airlock.brownfield import Imported, Options, Told, draft, read_sources

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
BACKUP = """\
#config-version=FG60F-{version}-FW-build1639-240313:opmode=0:vdom=0:user=admin
config system global
    set hostname "edge"
    set timezone "UTC"
end
config system interface
    edit "wan1"
        set ip 198.51.100.2 255.255.255.0
    next
    edit "lan"
        set ip 10.20.0.1 255.255.0.0
    next
    edit "cloud"
        set type tunnel
    next
end
{more}
config firewall address
    edit "provider"
        set subnet 198.51.100.128 255.255.255.128
    next
    edit "office"
        set subnet 192.0.2.0 255.255.255.0
    next
    edit "data"
        set subnet 10.20.4.0 255.255.255.0
    next
end
config firewall policy
    edit 1
        set srcintf "cloud"
        set dstintf "{out}"
        set action accept
        set srcaddr "all"
        set dstaddr "provider" "office"
        set service "HTTPS"
    next
    edit 2
        set srcintf "cloud"
        set dstintf "lan"
        set action accept
        set srcaddr "all"
        set dstaddr "data"
        set service "SSH"
    next
end
config router static
    edit 1
        set dst 10.40.0.0 255.255.0.0
        set device "cloud"
    next
{routes}
end
"""
SDWAN = """\
config system {table}
    set status enable
    config zone
        edit "virtual-wan-link"
        next
    end
    config members
        edit 1
            set interface "wan1"
        next
    end
{service}
end
"""
SERVICE = """\
    config service
        edit 1
            set dst "office"
            set priority-members 1
            set gateway enable
        next
    end
"""
EVERYTHING = {"198.51.100.128/25", "192.0.2.0/24", "10.20.4.0/24"}


def route(*settings: str) -> str:
    return "\n".join(["    edit 2", *(f"        set {one}" for one in settings), "    next"])


def read(folder: Path, *, out: str = "wan1", more: str = "", routes: str = "", version: str = "7.2.8") -> Imported:
    backup = folder / "edge.conf"
    backup.write_text(BACKUP.format(version=version, out=out, more=more, routes=routes))
    return read_sources([backup], Options(environments=(Told("finance", ("10.40.1.0/24",)),)))


def reached(found: Imported) -> set[str]:
    made = draft(found.stack, {}, AT)
    return {cidr for one in made.access.destinations for cidr in one.cidrs}


def test_a_policy_is_met_by_what_its_interface_leads_to(tmp_path: Path) -> None:
    # Everything but the provider's own network lies behind the other interface.
    assert reached(read(tmp_path, routes=route('device "lan"'))) == {"198.51.100.128/25", "10.20.4.0/24"}


@pytest.mark.parametrize("table", ["sdwan", "virtual-wan-link"])
def test_a_zone_of_sdwan_leads_to_what_its_members_and_its_own_routes_do(table: str, tmp_path: Path) -> None:
    default = route('sdwan-zone "virtual-wan-link"')
    found = read(tmp_path, out="virtual-wan-link", more=SDWAN.format(table=table, service=""), routes=default)
    assert reached(found) == EVERYTHING
    assert found.notes == ()


@pytest.mark.parametrize(
    "settings",
    [
        ("sdwan enable",),  # FortiOS 6.4, without its zone
        ("virtual-wan-link enable",),
        ('device "lan"', "internet-service 65536"),
        ('device "lan"', 'dstaddr "office"'),
    ],
)
def test_where_not_all_routes_are_known_no_policy_is_taken_for_unmet(settings: tuple[str, ...], tmp_path: Path) -> None:
    found = read(tmp_path, out="virtual-wan-link", routes=route(*settings), version="6.4.14")
    assert reached(found) == EVERYTHING


def test_what_full_configurations_say_of_defaults_hides_no_route(tmp_path: Path) -> None:
    default = route('device "lan"', "dstaddr ''", "internet-service 0", "sdwan disable")
    assert reached(read(tmp_path, routes=default)) == {"198.51.100.128/25", "10.20.4.0/24"}


def test_rules_of_sdwan_that_go_past_routes_are_told(tmp_path: Path) -> None:
    found = read(tmp_path, out="virtual-wan-link", more=SDWAN.format(table="sdwan", service=SERVICE))
    assert any("rules of SD-WAN that go past routes" in one for one in found.notes)


def test_virtual_ips_of_central_nat_are_told(tmp_path: Path) -> None:
    vip = 'config firewall vip\n edit "sftp"\n set extip 203.0.113.20\n set mappedip "10.20.4.9"\n next\nend\n'
    found = read(tmp_path, more="config system settings\n set central-nat enable\nend\n" + vip)
    assert any("central NAT is on" in one and "sftp (203.0.113.20)" in one for one in found.notes)
    assert not any("central NAT" in one for one in read(tmp_path, more=vip).notes)
