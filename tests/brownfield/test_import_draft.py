"""The drafted access file against a FortiGate that is decided here, packet by packet, from nothing but its policies."""

from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi_airlock.access import Access, loads
from pulumi_airlock.brownfield import Options, Told, read_sources
from pulumi_airlock.brownfield.drafting import Draft, draft
from pulumi_airlock.brownfield.meeting import without_strangers
from pulumi_airlock.brownfield.writing import access_file
from pulumi_airlock.gates import read_all
from pulumi_airlock.proof import prove

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
FINANCE = Options(environments=(Told("finance", ("10.40.0.0/26",)),))
ADDRESSES = {
    "all": ["0.0.0.0-255.255.255.255"],
    "ledger": ["10.20.4.10-10.20.4.10"],
    "lakes": ["10.20.4.0-10.20.4.15"],
    "apps": ["10.20.5.10-10.20.5.20"],
    "partner": ["203.0.113.8-203.0.113.15"],
    "both": ["10.20.4.10-10.20.4.10", "10.20.5.10-10.20.5.20"],
    "finance": ["10.40.0.0-10.40.0.63"],
    "half": ["10.40.0.0-10.40.0.31"],
    "branch": ["10.99.0.0-10.99.0.255"],
}
SERVICES = {
    "ALL": [("any", 0, 65535)],
    "HTTPS": [("tcp", 443, 443)],
    "apps": [("tcp", 8000, 8010)],
    "DNS": [("tcp", 53, 53), ("udp", 53, 53)],
}
TARGETS = ["10.20.4.10", "10.20.4.3", "10.20.5.15", "10.20.9.9", "203.0.113.9", "198.51.100.7"]
PORTS = [("tcp", 443), ("tcp", 8005), ("udp", 53), ("tcp", 22)]
TIMES = {"day": 1 * 1440 + 12 * 60, "night": 1 * 1440 + 23 * 60, "early": 2 * 1440 + 3 * 60}
"""Minutes since Monday 00:00 on the device's clock: a Tuesday, and the night to Wednesday."""
OBJECTS = """\
#config-version=FG100F-7.4.3-FW-build2573-240201:opmode=0:vdom=0:user=admin
config system global
    set hostname "edge"
    set timezone "Europe/Zurich"
end
config system interface
    edit "wan1"
        set ip 203.0.113.250 255.255.255.0
    next
    edit "port3"
        set ip 10.20.0.1 255.255.0.0
    next
    edit "cloud"
        set type tunnel
    next
end
config router static
    edit 1
        set device "wan1"
    next
    edit 2
        set dst 10.40.0.0 255.255.240.0
        set device "cloud"
    next
    edit 3
        set dst 10.99.0.0 255.255.255.0
        set device "port3"
    next
end
config firewall address
    edit "all"
    next
    edit "ledger"
        set subnet 10.20.4.10 255.255.255.255
    next
    edit "lakes"
        set subnet 10.20.4.0 255.255.255.240
    next
    edit "apps"
        set type iprange
        set start-ip 10.20.5.10
        set end-ip 10.20.5.20
    next
    edit "partner"
        set subnet 203.0.113.8 255.255.255.248
    next
    edit "finance"
        set subnet 10.40.0.0 255.255.255.192
    next
    edit "half"
        set subnet 10.40.0.0 255.255.255.224
    next
    edit "branch"
        set subnet 10.99.0.0 255.255.255.0
    next
end
config firewall addrgrp
    edit "both"
        set member "ledger" "apps"
    next
end
config firewall service custom
    edit "ALL"
        set protocol IP
    next
    edit "HTTPS"
        set tcp-portrange 443
    next
    edit "apps"
        set tcp-portrange 8000-8010
    next
    edit "DNS"
        set tcp-portrange 53
        set udp-portrange 53
    next
end
config firewall schedule recurring
    edit "always"
        set day sunday monday tuesday wednesday thursday friday saturday
    next
    edit "nights"
        set day monday tuesday wednesday thursday friday
        set start 22:00
        set end 04:00
    next
end
"""


@dataclass(frozen=True)
class Policy:
    srcintf: str
    dstintf: str
    source: str
    target: str
    negated: bool
    service: str
    nightly: bool
    accept: bool
    disabled: bool = False

    def text(self, number: int) -> str:
        return "\n".join(
            (
                f"    edit {number}",
                f'        set name "p{number}"',
                f'        set srcintf "{self.srcintf}"',
                f'        set dstintf "{self.dstintf}"',
                f'        set srcaddr "{self.source}"',
                f'        set dstaddr "{self.target}"',
                *(["        set dstaddr-negate enable"] if self.negated else []),
                *(["        set action accept"] if self.accept else []),
                *(["        set status disable"] if self.disabled else []),
                f'        set schedule "{"nights" if self.nightly else "always"}"',
                f'        set service "{self.service}"',
                "    next",
            )
        )

    def holds(self, source: str, target: str, protocol: str, port: int, minute: int) -> bool:
        into = "port3" if ip_address(target) in ip_network("10.20.0.0/16") else "wan1"
        night = minute % 1440 >= 22 * 60 or minute % 1440 < 4 * 60  # of a Tuesday and the night after it
        return (
            not self.disabled
            and self.srcintf in ("cloud", "any")
            and self.dstintf in (into, "any")
            and inside(source, self.source)
            and inside(target, self.target) != self.negated
            and any(one in ("any", protocol) and low <= port <= high for one, low, high in SERVICES[self.service])
            and (not self.nightly or night)
        )


def inside(address: str, name: str) -> bool:
    ranges = (one.split("-") for one in ADDRESSES[name])
    return any(ip_address(low) <= ip_address(address) <= ip_address(high) for low, high in ranges)


POLICIES = st.builds(
    Policy,
    srcintf=st.sampled_from(["cloud", "cloud", "any", "port3"]),
    dstintf=st.sampled_from(["port3", "wan1", "any"]),
    source=st.sampled_from(["all", "finance", "finance", "half", "branch"]),
    target=st.sampled_from(["all", "ledger", "lakes", "apps", "partner", "both"]),
    negated=st.sampled_from([False, False, False, True]),
    service=st.sampled_from(sorted(SERVICES)),
    nightly=st.booleans(),
    accept=st.sampled_from([True, True, False]),
    disabled=st.sampled_from([False, False, False, True]),
)


def drafted(policies: list[Policy], folder: Path) -> Draft:
    """The draft of a device with these policies, which are numbered from high to low: the sequence counts, not the number."""
    numbered = [one.text(100 - number) for number, one in enumerate(policies)]
    path = folder / "edge.conf"
    path.write_text(OBJECTS + "\n".join(["config firewall policy", *numbered, "end", ""]))
    stack, _ = without_strangers(read_sources([path], FINANCE).stack)
    return draft(stack, {}, AT)


def allowed(policies: list[Policy], *packet: object) -> bool:
    return next((one.accept for one in policies if one.holds(*packet)), False)  # type: ignore[arg-type]


def declared(access: Access, target: str, protocol: str, port: int, minute: int) -> bool:
    def covers(name: str) -> bool:
        one = access.destination(name)
        here = any(ip_address(target) in network for network in one.networks())
        return here and any(kind == protocol and low <= port <= high for kind, low, high in one.services())

    def open_(window) -> bool:
        return window is None or any(low <= minute < high for low, high in window.spans())

    return any(open_(route.window) and any(map(covers, route.to)) for route in access.routes)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(POLICIES, min_size=1, max_size=6))
def test_the_draft_declares_exactly_what_the_device_lets_every_task_do(tmp_path, policies):
    found = drafted(policies, tmp_path)
    assert not found.proof.blocked
    assert not found.unknown
    some_alone = False
    for target, (protocol, port), minute in product(TARGETS, PORTS, TIMES.values()):
        by_source = [allowed(policies, source, target, protocol, port, minute) for source in ("10.40.0.5", "10.40.0.40")]
        some_alone |= len(set(by_source)) > 1
        assert declared(found.access, target, protocol, port, minute) == all(by_source), (target, protocol, port, minute)
    left = {name for one in found.undeclared for name in one.principals if not name.startswith("anything outside")}
    # What only some of the environment's addresses may do, no route can say: it is listed, and the proof shows it.
    assert not some_alone or left == {"finance"}
    text = access_file(found, ["edge.conf"])
    assert loads(text) == found.access
    assert all(one.message in text for one in found.undeclared)


def test_a_route_that_is_too_broad_is_marked_and_without_it_the_proof_shows_exactly_its_rule(tmp_path):
    ledger = Policy("cloud", "port3", "finance", "ledger", False, "HTTPS", True, True)
    anywhere = Policy("cloud", "wan1", "finance", "all", False, "HTTPS", False, True)
    any_port = Policy("cloud", "port3", "finance", "apps", False, "ALL", False, True)
    found = drafted([ledger, anywhere, any_port], tmp_path)
    broad = {one.name: found.why[one.name].broad for one in found.broad}
    assert broad == {"policy-99-p99": "any destination", "policy-98-p98": "any port"}
    text = access_file(found, ["edge.conf"])
    assert '  # EXCESS: any destination, let through by policy 99 "p99" at edge\n  #   for example finance (' in text

    narrow = found.access.model_copy(update={"routes": tuple(one for one in found.access.routes if one.name not in broad)})
    reading = read_all(found.stack)
    proof = prove(narrow, reading.environments, reading.filters, at=AT)
    assert not proof.blocked
    tasks = [one for one in proof.excess if one.witness.task]
    assert {one.rule.label for one in tasks if one.rule} == {'policy 99 "p99"', 'policy 98 "p98"'}


def test_protocols_that_an_access_file_has_no_name_for_are_listed_and_not_declared(tmp_path):
    found = drafted([Policy("cloud", "port3", "finance", "ledger", False, "ALL", False, True)], tmp_path)
    ports = {port for one in found.access.destinations for port in one.ports}
    assert ports == {"0-65535/tcp", "0-65535/udp", "0-65535/sctp", "icmp", "icmpv6", "gre", "esp"}
    (left,) = [one for one in found.undeclared if one.witness.task]
    assert left.witness.protocol not in ("tcp", "udp", "icmp")


@pytest.mark.parametrize(
    ("more", "note"), [("", ""), ("config router bgp\n config neighbor\n  edit 1.1.1.1\n  next\n end\nend\n", "bgp")]
)
def test_routes_that_are_learned_are_no_guess(more, note, tmp_path):
    path = tmp_path / "edge.conf"
    refused = Policy("cloud", "wan1", "finance", "all", False, "ALL", False, False).text(1)
    let_in = Policy("cloud", "port3", "finance", "ledger", False, "HTTPS", False, True).text(2)
    path.write_text(f"{OBJECTS}{more}config firewall policy\n{refused}\n{let_in}\nend\n")
    imported = read_sources([path], FINANCE)
    found = draft(imported.stack, {}, AT)
    assert bool(imported.notes) == bool(note)
    assert all(note in one for one in imported.notes)
    # With static routes alone, the ledger surely lies behind port3, where the first policy does not stand.
    assert bool(found.access.routes) == (not note)
    assert bool(found.unknown) == bool(note)
