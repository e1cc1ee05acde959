"""Reads the environments that `HelmEnvironment` makes: where their traffic comes from, as whom, and what Airflow needs itself.

A release of the chart that a program makes without the component is an environment of which nothing is known: `read` says so.
"""

from collections.abc import Iterator, Mapping

from ...gates.stack import UNKNOWN, Resource, Stack
from ...proof.filters import Action, Combine, Environment, Filter, Match, Rule, Who
from ...proof.sets import Hosts
from ...tokens import HELM_ENVIRONMENT
from .flows import Database
from .network import ClusterNetwork, network_of

RELEASE = "kubernetes:helm.sh/v3:Release"


def read_environments(stack: Stack) -> Iterator[Environment]:
    """Every environment of the chart, by its component's name; a release without one by its own."""
    for one in stack.of_type(HELM_ENVIRONMENT):
        network = read_network(one)
        if network is not None:
            own = tuple(flow.match() for flow in network.flows)
            yield Environment(one.name, one.urn, Hosts.from_cidrs(network.pod_cidrs), own, network.as_workloads())
    for one in _bare(stack):
        yield Environment(one.name, one.urn, Hosts.every().addresses())


def read(stack: Stack) -> Iterator[Filter]:
    """A filter for each release of the chart that no component made: nothing about it can be proven."""
    for one in _bare(stack):
        scope = Match(who=Who(environments=frozenset({one.name})))
        reason = f"{one.name}: a release of Airflow's chart without HelmEnvironment, so that nobody says where its pods are"
        rule = Rule(Action.DENY, scope, one.at("values", label=f"release {one.name}"), (reason,))
        name = f"pods of {one.name}"
        yield Filter(one.name, name, Combine.FIRST_MATCH, Action.ALLOW, (rule,), one.urn, scope=scope, always=True)


def read_network(one: Resource) -> ClusterNetwork | None:
    """What a component registered; None where it is not known whole."""
    accounts, database = one.get("accounts"), one.get("database")
    if not isinstance(accounts, Mapping) or not isinstance(database, Mapping):
        return None
    cidrs = [str(each) for each in one.get_list("podCidrs") if each is not UNKNOWN]
    return network_of(
        one.name,
        namespace=str(one.get("namespace")),
        release=str(one.get("release")),
        executor=str(one.get("executor")),
        accounts={str(name): str(account) for name, account in accounts.items()},
        database=Database(int(database["port"]), tuple(database.get("hosts") or ()), tuple(database.get("cidrs") or ())),
        pod_cidrs=cidrs,
        pgbouncer=bool(one.get("pgbouncer")),
        redis=bool(one.get("redis")),
        api_server_cidrs=[str(each) for each in one.get_list("apiServerCidrs")],
        launchers=[str(each) for each in one.get_list("launchers")],
    )


def _bare(stack: Stack) -> Iterator[Resource]:
    for one in stack.of_type(RELEASE):
        is_airflow = one.get("chart") == "airflow" or str(one.get("chart")).endswith("/airflow")
        if is_airflow and not any(above.type == HELM_ENVIRONMENT for above in one.ancestors()):
            yield one
