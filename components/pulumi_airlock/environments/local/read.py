"""Reads local environments: who calls. They bring no gate of their own but the proxy, which is read as one."""

from collections.abc import Iterator

from ...gates.stack import Stack
from ...proof.filters import Environment, Match
from ...proof.sets import Hosts
from ...tokens import LOCAL_ENVIRONMENT


def read_environments(stack: Stack) -> Iterator[Environment]:
    """Each local environment: its tasks come from this machine.

    What does not lie behind its proxy is the machine's own business: no network stands between its processes, and no gate of
    the stack is asked.
    """
    for one in stack.of_type(LOCAL_ENVIRONMENT):
        behind = Hosts.from_names([name for name in one.get_list("behind") if isinstance(name, str)])
        yield Environment(one.name, one.urn, Hosts.from_cidr("127.0.0.0/8"), (Match(hosts=behind.complement()),))
