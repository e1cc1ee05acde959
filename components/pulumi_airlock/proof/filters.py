"""What a gate lets through, in one form for every gate: ordered rules, a way to combine them, a default.

A gate's `read` makes these; `prove` intersects them along a path.
"""

from collections.abc import Callable, Set
from dataclasses import dataclass, field, replace
from enum import Enum
from fnmatch import fnmatchcase

from .sets import Hosts, Services
from .shape import Shape
from .times import ALWAYS, Times


class Action(Enum):
    """What a rule, or a filter's default, does with traffic."""

    ALLOW = "allow"
    DENY = "deny"


class Combine(Enum):
    """How the rules of a filter make one decision."""

    FIRST_MATCH = "first match"
    """The first rule that matches decides (FortiGate, network ACLs, ZPA, Consul)."""
    DENY_OVERRIDES = "deny overrides"
    """Any matching deny denies, else any matching allow allows (Istio, Cilium, IAM)."""
    ANY_ALLOW = "any allow"
    """Any matching allow allows (security groups, route tables, NetworkPolicy, Linkerd)."""


class Kind(Enum):
    """What it means when this filter refuses: what the user has to look at."""

    PERMISSION = "permission"
    ROUTING = "routing"
    TOKEN = "token"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Who:
    """What a gate can tell of who is calling. Every field that is not None must hold; a field that is None is not looked at.

    A coarse gate sets few of them: a security group only `environments`, a FortiGate `sources` and, for people, `groups`.
    """

    environments: frozenset[str] | None = None
    """Names of Airflow environments whose tasks match; the empty set matches nobody inside Airflow, only the outside."""
    sources: Hosts | None = None
    """Source addresses that match."""
    groups: frozenset[str] | None = None
    """Groups of the identity provider; matches people alone, never headless tasks."""
    principals: frozenset[str] | None = None
    """Declared principals by name, for gates that see the task itself."""
    outside: frozenset[str] | None = None
    """The inverse of `environments`: tasks of these environments do *not* match; everybody else does."""
    workloads: frozenset[str] | None = None
    """Workloads of a cluster that match (`<namespace>/<service account>`); `""` among them is whoever is none."""
    tasks: tuple[frozenset[tuple[str, str]], ...] | None = None
    """Globs on DAG and task ids, for gates that see these: of every set, at least one pair must match. Tasks alone match."""

    def holds_task(self, dag: str, task: str) -> bool:
        """Whether a task's ids are among `tasks`."""
        return all(any(fnmatchcase(dag, one) and fnmatchcase(task, two) for one, two in each) for each in self.tasks or ())


ANYONE = Who()


@dataclass(frozen=True, slots=True)
class HttpOperation:
    """An HTTP request class: method (`GET`, or `*`) and path glob (`/v1/*`, or `*`), without those that are taken out again."""

    method: str = "*"
    path: str = "*"
    not_methods: frozenset[str] = frozenset()
    not_paths: frozenset[str] = frozenset()
    """Path globs."""

    def holds(self, method: str, globs: Set[str]) -> bool:
        """Whether it holds requests of a method and a path; `globs`: all globs in question that match that path."""
        return (
            self.method in ("*", method)
            and method not in self.not_methods
            and self.path in globs
            and self.not_paths.isdisjoint(globs)
        )

    def __str__(self) -> str:
        methods = f" but {', '.join(sorted(self.not_methods))}" if self.not_methods else ""
        paths = f" but {', '.join(sorted(self.not_paths))}" if self.not_paths else ""
        return f"{self.method}{methods} {self.path}{paths}"


@dataclass(frozen=True, slots=True)
class Match:
    """A box of the space: all fields must hold. The defaults match everything."""

    who: Who = ANYONE
    hosts: Hosts = field(default_factory=Hosts.every)
    services: Services = field(default_factory=Services.every)
    operations: frozenset[HttpOperation] | None = None
    """None: the gate does not look at HTTP."""
    times: Times = ALWAYS


EVERYTHING = Match()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule comes from: the resource, and the place within it."""

    urn: str
    position: str = ""
    """A path within the resource (`egress[2]`), empty for the resource itself."""
    label: str = ""
    """What an engineer of that gate calls it (`policy 3 "finance-warehouse"`)."""
    through: tuple[str, ...] = ()
    """URNs of what the rule refers to and takes its meaning from: address objects, groups, services, schedules."""

    def __str__(self) -> str:
        where = self.urn.rsplit("::", 1)[-1] + (f".{self.position}" if self.position else "")
        return f"{self.label} ({where})" if self.label and where else self.label or where


@dataclass(frozen=True, slots=True)
class Part:
    """An entry of one field of a rule, and what it stands for: an address object, a group with its members, a port range.

    What a reader can tell of a rule below the rule itself, for traces down to the object that an engineer opens.
    """

    field: str
    """The field, in the gate's own term (`dstaddr`); empty for a member of a group."""
    kind: str
    """What the entry is (`address`, `group`, `prefix list`); empty for a value that stands in the rule itself."""
    name: str
    match: Match
    """What it stands for; where that is not known, what it may stand for."""
    value: str = ""
    """The same in words (`10.20.4.10/32`)."""
    urn: str = ""
    """The resource that defines it; empty for a value in the rule itself, and for what the gate brings along."""
    parts: tuple["Part", ...] = ()
    """The members of a group."""

    def __str__(self) -> str:
        return " ".join(filter(None, [self.kind, f'"{self.name}"' if self.name else "", self.value]))


def no_parts() -> tuple[Part, ...]:
    """Of a rule whose fields name nothing."""
    return ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. With `unknown`, it may match within its box, or may not: what is unknown was not guessed.

    A list with an unknown member becomes two rules with the same source: one of what is known, and one, unknown, of what it
    could be.
    """

    action: Action
    match: Match
    source: Source
    unknown: tuple[str, ...] = ()
    """What is not known, as `<resource name>.<property>`: the reason for an "unproven"."""
    parts: Callable[[], tuple[Part, ...]] = field(default=no_parts, compare=False, repr=False)
    """The entries of its fields, in the gate's order. Called for a witness alone: a sweep never pays for it."""
    blind: bool = False
    """It meets a gate's own hosts in place of callers or destinations: that it holds for all of them grants nobody anything."""
    unseen: tuple[str, ...] = ()
    """Why the gate cannot see the requests that the rule speaks of (a mesh encrypts that way); such a rule is unknown as well."""
    implied: bool = False
    """Nobody wrote it for what it decides: the gate itself implies it, or it is there to log what the default refuses as well."""


@dataclass(frozen=True, slots=True)
class Relay:
    """A gate's own hosts that carry traffic on (App Connectors, a proxy): what other gates meet in place of one of its ends."""

    hosts: Hosts
    """The destinations to which traffic goes this way."""
    sources: Hosts | None = None
    """The addresses that it comes from afterwards, as gates behind see it; None: from where it came."""
    entry: Match | None = None
    """Hosts and services that callers connect to in place of the destination (an explicit proxy), as gates before it see it."""
    environments: frozenset[str] | None = None
    """The environments whose tasks go this way; None: everybody."""
    workload: str | None = None
    """The workload of a cluster as which it goes on; None: as whoever sent it."""
    onward: Match | None = None
    """Hosts and services that it connects to in place of the destination (a gateway's upstream), as gates behind see it."""
    alone: bool = True
    """Whether the gate is passed by this way alone; False: what it does not lead to passes the gate as it is (a mesh)."""
    others: bool = True
    """Whether tasks of other `environments` pass the gate too, on a way without hosts of its own (a tunnel); False: nothing
    brings them there, so that what they reach they reach around it."""


@dataclass(frozen=True, slots=True)
class Need:
    """A flow of a gate's own, without which it does not work (a gateway to its upstream, to the identity provider).

    As with what an environment needs itself, no route declares it and no proof counts it as excess; but where another gate
    refuses it, it is blocked. A gate's `read` puts needs into its filter:

        Need(Match(Who(workloads=frozenset({"airflow/nginx"})), Hosts.from_names([upstream]), Services.of("tcp", 8080, 8080)),
             "people to finance")

    `match.who` says who makes it: workloads of a cluster. Where these are no workloads (people, who open the gateway's own port),
    write `Who(environments=frozenset(), workloads=frozenset({""}), sources=networks)`: whoever comes from there and is neither a
    task nor a workload; leave the pods' networks out of it.
    """

    match: Match
    reason: str
    """What for, in a few words (`who somebody is`)."""
    sources: Hosts | None = None
    """Where its workloads have their addresses, for gates that look at those (the networks of pods); None: anywhere outside of
    the environments. All needs of one workload should say the same."""

    @property
    def required(self) -> Match:
        """What must get through: from where it really comes."""
        who = self.match.who
        return self.match if self.sources is None else replace(self.match, who=replace(who, sources=self.sources))


@dataclass(frozen=True, slots=True)
class Filter:
    """The decision of one enforcement point over the traffic within its `scope`; traffic outside of it does not pass here."""

    gate: str
    """The gate's name, as zones write it (the component's name). An environment's own filters have the environment's name."""
    name: str
    """What this filter is (`security group finance-tasks`): a gate may have several, and all of them stand on the path."""
    combine: Combine
    default: Action
    rules: tuple[Rule, ...]
    urn: str
    """The resource that the default belongs to."""
    kind: Kind = Kind.PERMISSION
    scope: Match = EVERYTHING
    """What it is asked about. The default denies within it alone, so that a scope is a claim: everything in there passes here.

    A gate refuses nothing that none of its filters holds: there, tasks get through, and of others nothing is said (an expectation
    that they cannot does not hold). So a reader gives a gate that stands before some destinations alone (policies that select
    pods) a filter that lets through, or may, to those before which it was to stand and does not, with the reason in its rules;
    and leaves the scope away only where the device denies what nobody wrote a rule for.
    """
    always: bool = False
    """Stands on every path of its scope, also where no zone names it: an environment's own security groups, ACLs and routes."""
    relays: tuple[Relay, ...] = ()
    """Its own hosts that carry on what it lets through; empty: packets pass it as they are (`proof.relays`)."""
    shape: Shape | None = None
    """What one of its rules can say, for counting and merging them; None: products of any sets."""
    needs: tuple[Need, ...] = ()
    """Flows of the gate's own."""
    trusts: tuple[str, ...] = ()
    """Whose word it takes for who is calling, and what that is worth, in words."""
    voluntary: bool = False
    """Callers may leave it out: stands in their own pod. What they get to then has to be declared as well (`relays.around`)."""

    @property
    def decides(self) -> bool:
        """Whether it may refuse anything: what an environment needs comes by a filter that does not."""
        return bool(self.rules) or self.default is Action.DENY


@dataclass(frozen=True, slots=True)
class Workloads:
    """As which workloads of a cluster an environment's tasks run: each in a pod of its own account, or all in the workers'."""

    of_principals: tuple[tuple[str, str], ...] = ()
    """(principal, workload): a task runs as that of the first of its principals."""
    others: str = ""
    """As which all other tasks run; empty: as none."""
    components: frozenset[str] = frozenset()
    """Airflow's own (`airflow/airflow-scheduler`), which run no task, at the addresses of the environment."""
    before: "Workloads | None" = None
    """Those of the stack before, where two are compared."""

    def of(self, principals: frozenset[str]) -> frozenset[str]:
        """The workloads that a task of these principals is: one, and one before where two stacks are compared."""
        mine = next((workload for name, workload in self.of_principals if name in principals), self.others)
        return frozenset({mine}) | (self.before.of(principals) if self.before is not None else frozenset())

    def of_tasks(self) -> frozenset[str]:
        """All that tasks run as."""
        return frozenset({self.others, *(workload for _, workload in self.of_principals)})

    def parts(self) -> frozenset[str]:
        """All components."""
        return self.components | (self.before.parts() if self.before is not None else frozenset())


NO_WORKLOADS = Workloads()


@dataclass(frozen=True, slots=True)
class Environment:
    """An Airflow environment as the stack has it: where its tasks' traffic comes from, and what it needs for itself."""

    name: str
    urn: str
    sources: Hosts
    """Addresses that its tasks can have."""
    own: tuple[Match, ...] = ()
    """What it needs itself (AWS endpoints, its own subnets): no route declares it, and no proof counts it as excess."""
    workloads: Workloads = NO_WORKLOADS
    """As which workloads its tasks run, in a cluster."""
