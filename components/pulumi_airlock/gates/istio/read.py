"""What Istio lets through, as filters: one for what reaches the workloads of the mesh, and one for its egress gateway.

Order of evaluation (Istio, "Authorization Policy"): DENY that matches, else no ALLOW policy at the workload means allow, else
ALLOW that matches, else deny; CUSTOM comes first, and is not known here. Rules by identity match nobody without a certificate,
and with mTLS that is not STRICT whoever has none comes as well: a rule without identities lets them in.

HTTP fields in a DENY count as matched where it is not HTTP: that such a DENY refuses more than it says is left out, so that the
proof never takes for refused what may be let through.
"""

from collections.abc import Iterator

from ...proof.filters import Action, Combine, Filter, Match, Relay, Rule, Source, Who
from ...proof.sets import Hosts, Services
from ...proof.shape import Shape
from ...tokens import ISTIO_GATE
from ..kubernetes import Workload, names_of, read_cluster
from ..stack import Resource, Stack
from .policies import Authorization, Mesh, read_mesh

DEFAULT_NAME = "istio"
_SHAPE = Shape(nouns=("rule", "rules"))


def read(stack: Stack) -> Iterator[Filter]:
    """The filters of the mesh; none where the stack has none of its security objects."""
    gates = stack.of_type(ISTIO_GATE)
    cluster = read_cluster(stack)
    mesh = read_mesh(stack, cluster)
    if not mesh.authorizations and not gates:
        return
    gate, urn = (gates[0].name, gates[0].urn) if gates else (DEFAULT_NAME, mesh.authorizations[0].object.resource.urn)
    egress = _egress_gateway(gates[0], mesh) if gates else None
    # Ports at which a gateway takes people's connections are kept from its sidecar.
    entries = {str(name) for one in gates for name in one.get_list("entries")}
    inside = [
        one
        for one in cluster.workloads
        if one.name in mesh.members and one is not egress and one.name not in entries and not one.stands_for
    ]
    if inside:
        yield Filter(
            gate,
            "authorization at workloads",
            Combine.DENY_OVERRIDES,
            Action.DENY,
            tuple(rule for one in inside for rule in _at(mesh, one)),
            urn,
            scope=Match(hosts=cluster.hosts(inside)),
            always=True,
            shape=_SHAPE,
        )
    if egress is not None:
        yield _leaving(gate, urn, mesh, egress, gates[0])


def _at(mesh: Mesh, one: Workload) -> Iterator[Rule]:
    """What reaches a workload."""
    policies = mesh.on(one)
    mode, said = mesh.modes.get(one.name, ("PERMISSIVE", None))
    nobody = Source(one.urn or mesh.cluster.declared.urn, label=f"no ALLOW policy selects {one.name}")
    if mode == "STRICT" and said is not None:
        # Without a certificate of the mesh nothing comes in, whatever the policies say.
        strangers = names_of(mesh.cluster.workloads) - mesh.members | {""}
        yield Rule(Action.DENY, Match(Who(workloads=strangers), one.hosts), said.at("spec", "mtls"), implied=True)
    if not any(each.action == "ALLOW" for each in policies):
        yield Rule(Action.ALLOW, Match(hosts=one.hosts), nobody)
    for policy in policies:
        yield from _of_policy(policy, one)


def _of_policy(policy: Authorization, one: Workload) -> Iterator[Rule]:
    if policy.action == "AUDIT":
        return
    action = Action.DENY if policy.action in ("DENY", "CUSTOM") else Action.ALLOW
    for clause in policy.clauses:
        unknown = (*policy.unknown, *clause.unknown)
        if policy.action == "CUSTOM":
            unknown = (*unknown, f"{policy.object.resource.name}: an external authorizer decides")
        source = policy.object.at("spec", "rules", clause.position)
        for who in clause.callers:
            for hosts, services in one.reached(clause.ports):
                yield Rule(action, Match(who, hosts, services, clause.operations), source, unknown)


def _egress_gateway(gate: Resource, mesh: Mesh) -> Workload | None:
    name = gate.get("egressGateway", "workload")
    return mesh.cluster.by_name.get(name) if isinstance(name, str) else None


def _leaving(gate: str, urn: str, mesh: Mesh, egress: Workload, component: Resource) -> Filter:
    """What the egress gateway lets out: by the caller's identity and the server name, or the port."""
    rules = []
    for policy in mesh.on(egress):
        action = Action.DENY if policy.action in ("DENY", "CUSTOM") else Action.ALLOW
        for clause in policy.clauses:
            hosts = Hosts.every() if clause.names is None else Hosts.from_names(clause.names)
            source = policy.object.at("spec", "rules", clause.position)
            services = Services.every() if clause.names is None else Services.of("tcp", 443, 443)
            rules += [
                Rule(action, Match(who, hosts, services), source, (*policy.unknown, *clause.unknown)) for who in clause.callers
            ]
    names = Hosts.from_names(str(name) for name in component.get_list("egressGateway", "names"))
    port = component.get("egressGateway", "port", default=443)
    entry = Match(hosts=egress.hosts, services=Services.of("tcp", int(port), int(port)))
    relay = Relay(hosts=names, entry=entry, alone=False)
    default = Action.DENY if any(each.action == "ALLOW" for each in mesh.on(egress)) else Action.ALLOW
    return Filter(
        gate,
        f"egress gateway {egress.name}",
        Combine.DENY_OVERRIDES,
        default,
        tuple(rules),
        urn,
        scope=Match(hosts=names),
        always=True,
        relays=(relay,),
        shape=_SHAPE,
    )
