"""ZIA's semantics once more, rule by rule on single connections, against what the reader makes of the same random tenants."""

from dataclasses import dataclass, field

from fortigate_helpers import Point
from hypothesis import given, settings
from hypothesis import strategies as st
from zia_helpers import FIREWALL, URL, judge, location, resource, tenant

PORTS = {"worker": 10102, "scheduler": 10101, "office": 12000}
OURS = {"worker", "scheduler"}
"""The locations that a task of the environment can take; the office is others'."""
NUMBERS = {"worker": 1, "scheduler": 2, "office": 3}
HOSTS = ["api.example", "eu.cdn.example", "cdn.example", "198.51.100.7", "8.8.8.8"]
GROUPS = {20: ["api.example"], 21: ["*.cdn.example"], 22: ["198.51.100.0/24"]}
CATEGORIES = {"CUSTOM_01": ["api.example"], "CUSTOM_02": [".cdn.example"], "CUSTOM_03": ["198.51.100.7"]}
SERVICES = {30: [(443, 443)], 31: [(1, 1023)], 32: [(8000, 8010)]}
ASKED = [443, 22, 8005, 9000]


@dataclass(frozen=True)
class Wanted:
    """A rule as it is written: both what goes into the tenant and what the oracle judges."""

    order: int
    action: str
    enabled: bool
    places: tuple[str, ...]
    what: tuple[int | str, ...]
    services: tuple[int, ...] = field(default=())
    people: bool = False


def rules(what, actions, services=False):
    return st.lists(
        st.builds(
            Wanted,
            order=st.integers(1, 60),
            action=st.sampled_from(actions),
            enabled=st.sampled_from([True, True, True, False]),
            places=st.lists(st.sampled_from(sorted(PORTS)), max_size=2, unique=True).map(tuple),
            what=st.lists(st.sampled_from(sorted(what)), max_size=2, unique=True).map(tuple),
            services=st.lists(st.sampled_from(sorted(SERVICES)), max_size=2, unique=True).map(tuple) if services else st.just(()),
            people=st.sampled_from([False, False, False, True]),
        ),
        max_size=6,
        unique_by=lambda one: one.order,
    )


def holds(entry: str, host: str, apex: bool) -> bool:
    """`*.x` in a destination group is what lies below x; `.x` in a category is x and what lies below it."""
    if entry.endswith("/24"):
        return host.startswith(entry.rpartition(".")[0] + ".")
    if entry[0] in "*.":
        bare = entry.lstrip("*").removeprefix(".")
        return host.endswith("." + bare) or (apex and host == bare)
    return host == entry


def decided(written: list[Wanted], place: str, host: str, port: int, firewall: bool) -> bool:
    """What the first enabled rule by number says that a connection by one location meets."""
    known = GROUPS if firewall else CATEGORIES
    for one in sorted(written, key=lambda one: one.order):
        if not one.enabled or one.people or (one.places and place not in one.places):
            continue
        if one.what and not any(holds(entry, host, not firewall) for key in one.what for entry in known[key]):
            continue
        if one.services and not any(first <= port <= last for key in one.services for first, last in SERVICES[key]):
            continue
        return one.action == "ALLOW"
    return not firewall


def apart(written: list[Wanted]) -> bool:
    """Whether a rule that counts tells the two ports of the environment apart."""
    return any(len(set(one.places) & OURS) == 1 and one.enabled and not one.people for one in written)


def built(firewall: list[Wanted], urls: list[Wanted]):
    found = [location(name, NUMBERS[name], ports=[port]) for name, port in PORTS.items()]
    found += [
        resource("zia:index:FwIpDestinationGroup", f"g{key}", groupId=key, addresses=items) for key, items in GROUPS.items()
    ]
    for key, spans in SERVICES.items():
        ports = [{"start": first, "end": last} for first, last in spans]
        found.append(resource("zia:index:FwNetworkService", f"s{key}", networkServiceId=key, destTcpPorts=ports))
    for key, items in CATEGORIES.items():
        found.append(resource("zia:index:UrlCategory", key, categoryId=key, urls=items))
    for kind, listed in ((FIREWALL, firewall), (URL, urls)):
        for one in listed:
            given = {
                "order": one.order,
                "action": one.action,
                "state": "ENABLED" if one.enabled else "DISABLED",
                "locations": [NUMBERS[place] for place in one.places],
                "groups": [5] if one.people else [],
            }
            what = list(one.what)
            more = {"destIpGroups": what, "nwServices": list(one.services)} if kind == FIREWALL else {"urlCategories": what}
            found.append(resource(kind, f"{kind[-12:]}-{one.order}", name=f"r{one.order}", rank=7, **given, **more))
    default = resource(
        FIREWALL, "default", name="Default Firewall Filtering Rule", order=-1, defaultRule=True, action="BLOCK_DROP"
    )
    return tenant(*found, default)


@settings(max_examples=200, deadline=None)
@given(rules(GROUPS, ["ALLOW", "BLOCK_DROP", "BLOCK_RESET"], services=True), rules(CATEGORIES, ["ALLOW", "BLOCK"]))
def test_the_reader_decides_as_the_vendor_says(firewall, urls):
    """A task takes whichever port gets it there. Exact unless a rule tells its ports apart; and no denial is ever wrong."""
    answers = judge(built(firewall, urls))
    exact = not apart(firewall) and not apart(urls)
    for host in HOSTS:
        for port in ASKED:
            through = [decided(firewall, at, host, port, True) and decided(urls, at, host, port, False) for at in sorted(OURS)]
            answer = answers(Point("10.40.0.5", host, port))
            if answer == "deny" or exact:
                assert answer == ("allow" if any(through) else "deny"), (host, port)
