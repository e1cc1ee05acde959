"""The order of policies: what moves, sorts and dependencies say, and that nothing else is guessed."""

from itertools import pairwise

import pytest
from fortigate_helpers import POLICY, Point, decide, named, policy, resource, urn_of
from pulumi_airlock.gates.fortigate import read
from pulumi_airlock.gates.stack import UNKNOWN, Stack

MOVE = "fortios:firewall/policyMove:PolicyMove"
SORT = "fortios:firewall/policySort:PolicySort"
STOP = policy("stop", action="deny", policyid=1.0)
OPEN = policy("open", policyid=2.0)


def verdict(*resources):
    found = list(read(Stack(resources)))
    return decide(found[0], Point())


def later(one, *others):
    """The same policy, created after others."""
    return resource(POLICY, one.name, **one.properties, after=[other.urn for other in others])


def move(source, place, target, **ids):
    ends = {"policyidSrc": [urn_of(POLICY, source)], "policyidDst": [urn_of(POLICY, target)]}
    given = {"policyidSrc": UNKNOWN, "policyidDst": UNKNOWN, **ids}
    return resource(MOVE, f"{source}-{place}-{target}", move=place, depends={} if ids else ends, **given)


def test_without_anything_said_either_may_come_first():
    assert verdict(STOP, OPEN) == verdict(OPEN, STOP) == "unproven"


def test_an_id_says_nothing_of_the_place():
    assert verdict(policy("stop", action="deny", policyid=1.0), policy("open", policyid=900.0)) == "unproven"


def test_the_order_does_not_matter_where_both_do_the_same_or_do_not_meet():
    assert verdict(OPEN, policy("also")) == "allow"
    assert verdict(OPEN, policy("stop", action="deny", services=named("SSH"))) == "allow"


def test_a_new_policy_is_appended_behind_what_it_waits_for():
    assert verdict(STOP, later(OPEN, STOP)) == "deny"
    assert verdict(later(STOP, OPEN), OPEN) == "allow"


@pytest.mark.parametrize(("place", "expected"), [("before", "allow"), ("after", "deny")])
def test_a_move_puts_a_policy_before_or_after_another(place, expected):
    assert verdict(STOP, OPEN, move("open", place, "stop")) == expected


def test_a_move_undoes_the_order_of_creation():
    assert verdict(STOP, later(OPEN, STOP), move("open", "before", "stop")) == "allow"


def test_a_move_by_known_ids():
    assert verdict(STOP, OPEN, move("open", "before", "stop", policyidSrc=2.0, policyidDst=1.0)) == "allow"


def test_a_move_next_to_a_policy_that_the_stack_does_not_have_leaves_the_place_open():
    assert verdict(STOP, later(OPEN, STOP), move("open", "before", "other", policyidSrc=2.0, policyidDst=77.0)) == "unproven"


def test_a_sequence_resource_of_the_older_package_does_the_same():
    sequence = resource(
        "fortios:index/firewallSecurityPolicyseq:FirewallSecurityPolicyseq",
        "s",
        policySrcId=2.0,
        policyDstId=1.0,
        alterPosition="before",
    )
    assert verdict(STOP, OPEN, sequence) == "allow"


def test_moves_make_a_chain():
    between = policy("between", services=named("SSH"))
    assert verdict(STOP, OPEN, between, move("open", "before", "between"), move("between", "before", "stop")) == "allow"


def test_moves_that_contradict_each_other_tell_nothing():
    assert verdict(STOP, OPEN, move("open", "before", "stop"), move("stop", "before", "open")) == "unproven"


@pytest.mark.parametrize(("direction", "expected"), [("ascending", "deny"), ("descending", "allow")])
def test_a_sort_orders_the_whole_device(direction, expected):
    assert verdict(STOP, OPEN, resource(SORT, "sort", sortby="policyid", sortdirection=direction)) == expected
    assert verdict(later(STOP, OPEN), OPEN, resource(SORT, "sort", sortby="policyid", sortdirection=direction)) == expected


def test_a_sort_by_name():
    assert verdict(STOP, OPEN, resource(SORT, "sort", sortby="name", sortdirection="ascending")) == "allow"


def test_a_manual_sort_orders_what_it_lists():
    assert (
        verdict(STOP, OPEN, resource(SORT, "sort", sortby="policyid", sortdirection="manual", manualOrders=["2", "1"])) == "allow"
    )
    assert (
        verdict(STOP, OPEN, resource(SORT, "sort", sortby="policyid", sortdirection="manual", manualOrders=["2", UNKNOWN]))
        == "unproven"
    )


def test_hundreds_of_policies_in_a_chain_keep_their_order():
    chain = [policy(f"p{number}", services=named("SSH")) for number in range(200)] + [STOP]
    moves = [move(one.name, "before", other.name) for one, other in pairwise(chain)]
    backwards = [*reversed(chain), *moves]
    found = next(iter(read(Stack(backwards))))
    assert [rule.source.urn for rule in found.rules] == [one.urn for one in chain]
