"""An Airflow environment that was there before Airlock: where its traffic comes from, and as whom. More is not known of it."""

from collections.abc import Iterator

from ..gates.stack import Stack
from ..proof.filters import Environment, Match, Who, Workloads
from ..proof.sets import Hosts
from ..tokens import IMPORTED_ENVIRONMENT


def read_environments(stack: Stack) -> Iterator[Environment]:
    """Each environment that `airlock import` was told of. Its parts reach each other: that is its own need."""
    for one in stack.of_type(IMPORTED_ENVIRONMENT):
        sources = Hosts.from_cidrs([cidr for cidr in one.get_list("cidrs") if isinstance(cidr, str)])
        own = (Match(who=Who(environments=frozenset({one.name})), hosts=sources),) if sources else ()
        yield Environment(one.name, one.urn, sources, own, Workloads(others=str(one.get("workload", default=""))))
