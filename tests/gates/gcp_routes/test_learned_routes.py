"""What an import policy takes: as it was written, read back; and nothing claimed of what is not understood."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_airlock.gates.gcp_routes.learned import EVERY_ROUTE, import_terms, taken
from pulumi_airlock.gates.stack import UNKNOWN, Resource, Stack
from pulumi_airlock.proof.sets import Hosts

POLICY = "gcp:compute/routerRoutePolicy:RouterRoutePolicy"
NETWORKS = st.builds(
    lambda address, prefix: str(ipaddress.ip_network((address, prefix), strict=False)),
    st.integers(0, 2**32 - 1),
    st.integers(8, 32),
)


def policy(terms):
    stack = Stack([Resource(f"urn:pulumi:s::p::{POLICY}::learned", POLICY, {"terms": terms})])
    return stack.resources[0]


def term(priority, expression, *actions):
    return {"priority": priority, "match": {"expression": expression}, "actions": [{"expression": one} for one in actions]}


DROP_ALL = term(9, EVERY_ROUTE, "drop()")


@given(st.lists(NETWORKS, min_size=1, max_size=8))
def test_what_is_written_is_read(cidrs):
    assert taken(policy(import_terms(cidrs))) == Hosts.from_cidrs(cidrs)


def test_terms_go_by_priority():
    allow = term(5, "destination == '10.20.0.0/16'", "accept()")
    assert taken(policy([DROP_ALL, allow])) == Hosts.from_cidr("10.20.0.0/16")
    before = term(1, "destination.inAnyRange(prefix('0.0.0.0/0').orLonger())", "drop()")
    assert taken(policy([allow, before])) == Hosts()


@pytest.mark.parametrize(
    "terms",
    [
        [],
        [term(1, "destination == '10.20.0.0/16'", "accept()")],
        [term(1, "destination.inAnyRange(prefix('10.0.0.0/8').longer())", "accept()"), DROP_ALL],
        [term(1, "destination == '10.20.0.0/16'", "nextHop.set()"), DROP_ALL],
        [term(1, "true", "accept()"), DROP_ALL],
        [UNKNOWN, DROP_ALL],
    ],
    ids=["no terms", "the rest is taken", "another language", "another action", "everything", "unknown"],
)
def test_nothing_is_claimed_of_what_takes_more_than_can_be_told(terms):
    assert taken(policy(terms)) is None
