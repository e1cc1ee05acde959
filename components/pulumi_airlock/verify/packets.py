"""Packets as a network sees them (flow logs of a VPC or a transit gateway, a FortiGate's): to Zscaler, or around it?

With an explicit proxy a packet of the environment has the proxy's address: one that has another destination's went around. Where
traffic is forwarded as it is (a Cloud Connector, GRE, IPsec) its packets have the real destination either way: only
`traffic-path` tells that one left by an internet gateway.
"""

from typing import NamedTuple

from ..logs import Connection
from ..proof.filters import Environment
from ..proof.sets import Hosts
from .declaring import Declared
from .expected import ZIA, ZPA, Expected
from .findings import Blame, Verdict
from .model import Fault
from .points import address_in, serves, service

SYNTHETIC = Hosts.from_cidr("100.64.0.0/10")
"""Where ZPA lets names resolve to, so that a connector takes the connection (RFC 6598; its default, not seen on a tenant)."""
_LOCAL = Hosts.from_cidrs(["169.254.0.0/16", "127.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32", "fe80::/10", "ff00::/8"])
_GATEWAY_ENDPOINT, _INTERNET = "7", frozenset({"2", "8"})
"""`traffic-path`: through a gateway endpoint; through an internet gateway (VPC User Guide, "Available fields")."""
_FORWARDED = "forwarded as it is: a flow log does not tell by which way (the log of the gate does)"


class Packet(NamedTuple):
    """What of a flow counts; the rest is when and where it was written."""

    environment: str
    inbound: str
    """The caller's address, of what comes in; empty for what goes out."""
    destination: str
    port: int
    protocol: str
    way: str
    service: str
    allowed: bool | None


class Packets:
    """Judges flows, each distinct one once."""

    def __init__(self, expected: Expected, declared: Declared) -> None:
        self._expected, self._declared = expected, declared
        self._by_name = {one.name: one for one in expected.environments}
        self._of: dict[str, str] = {}
        self._gated = bool(expected.kinds)

    def packet(self, one: Connection) -> Packet | str:
        """What of it counts; or why it does not."""
        if one.is_answer:
            return "answers of servers"
        source, destination = self._environment(one.source), self._environment(one.destination)
        if source == destination:
            return "within an environment" if source else "neither from nor to an environment"
        if not source:
            return Packet(destination, one.source, one.destination, one.port, one.protocol, "", "", one.allowed)
        return Packet(source, "", one.destination, one.port, one.protocol, one.way, one.service, one.allowed)

    def _environment(self, address: str) -> str:
        known = self._of.get(address)
        if known is None:
            if len(self._of) > 8192:
                self._of.clear()
            known = next((one.name for one in self._expected.environments if address_in(address, one.sources)), "")
            self._of[address] = known
        return known

    def judge(self, one: Packet) -> Verdict:
        """Whether it went where it was meant to.."""
        if one.allowed is False:
            return Verdict(skipped="refused by the network")
        environment = self._by_name[one.environment]
        return self._inbound(one) if one.inbound else self._outbound(one, environment)

    # --- out of an environment

    def _outbound(self, one: Packet, environment: Environment) -> Verdict:
        entering = self._entering(one)
        if entering is not None:
            return entering
        if self._is_own(one, environment):
            return Verdict(skipped="what the environment needs itself")
        zone = self._declared.zone_of(one.destination, "")
        gates = [gate for gate in self._expected.kinds if gate in self._declared.gates_of(zone)]
        if zone is not None and not gates:
            return Verdict(skipped="to zones without a gate of Zscaler")
        gate = gates[0] if gates else next(iter(self._expected.gates(ZIA)), "")
        if not gate:
            return Verdict(skipped="to no zone, and the stack has no ZIA gate")
        if one.way not in _INTERNET and not self._is_explicit(one.environment, gate):
            return Verdict(skipped=_FORWARDED, unless_logged=self._unlogged(one, gate))
        return Verdict((self._around(one, gate, zone),))

    def _is_own(self, one: Packet, environment: Environment) -> bool:
        if one.way == _GATEWAY_ENDPOINT or address_in(one.destination, _LOCAL):
            return True
        wanted = service(one.protocol, one.port)
        own = [match for match in environment.own if serves(match.services, wanted)]
        by_name = one.service == "S3" and any(name.endswith(".s3") for match in own for name in match.hosts.names.mentioned())
        return by_name or any(address_in(one.destination, match.hosts) for match in own)

    def _entering(self, one: Packet) -> Verdict | None:
        """On the way to a gate: to the proxy by a component's port, or to a connector."""
        proxy = self._expected.proxies.get(one.environment)
        if proxy is not None and address_in(one.destination, proxy.hosts.addresses()):
            return self._by_port(one)
        zpa = next(iter(self._expected.gates(ZPA)), "")
        if zpa and (address_in(one.destination, SYNTHETIC) or address_in(one.destination, self._expected.connectors)):
            way = next((way for way in self._expected.ways if (way.environment, way.gate) == (one.environment, zpa)), None)
            return Verdict(row=(one.environment, way.component if way else "", zpa), entering=True)
        return None

    def _by_port(self, one: Packet) -> Verdict:
        here = [way for way in self._expected.ways if way.port == one.port and way.environment == one.environment]
        if here:
            return Verdict(row=(here[0].environment, here[0].component, here[0].gate), entering=True)
        others = [way for way in self._expected.ways if way.port == one.port]
        whose = f"the port of {others[0].environment} {others[0].component}" if others else "the port of no component"
        gate = next(iter(self._expected.gates(ZIA)), "")
        message = f"{one.environment} goes to the proxy {_where(one)} by {whose}"
        fix = (
            f"Look what sets a proxy of its own there; the ports of {one.environment} are "
            + ", ".join(f"{port} ({part})" for part, port in self._expected.proxies[one.environment].ports.items())
            + "."
        )
        return Verdict((Blame(Fault.LOCATION, one.environment, gate, _where(one), message, fix),))

    def _is_explicit(self, environment: str, gate: str) -> bool:
        """Whether the environment's traffic goes to the gate by its address; also where it has no way there at all."""
        if self._expected.kinds.get(gate) == ZIA and environment in self._expected.proxies:
            return True
        ways = [one for one in self._expected.ways if (one.environment, one.gate) == (environment, gate)]
        return not ways

    def _around(self, one: Packet, gate: str, zone: str | None) -> Blame:
        kind = "zone" if zone is not None else ""
        what = f"in {kind} {zone}" if zone is not None else "outside of every declared zone"
        by = " by an internet gateway" if one.way in _INTERNET else ""
        message = f"{one.environment} reached {_where(one)}, {what}, directly{by}: not through {gate}"
        proxy = self._expected.proxies.get(one.environment)
        if proxy is not None and address_in(one.destination, proxy.direct):
            fix = "Take it out of the environment's no_proxy: it is told to go there directly."
        else:
            fix = (
                f"Close the network's way there (security group, routes: `airlock explain '{one.environment}/*' {_where(one)}` "
                "names the rule), or declare a route if it is meant."
            )
        return Blame(Fault.AROUND, one.environment, gate, _where(one), message, fix)

    def _unlogged(self, one: Packet, gate: str) -> Blame | None:
        """ZPA logs every connection; ZIA may log several as one, and tells the last one's destination alone."""
        if self._expected.kinds.get(gate) != ZPA:
            return None
        message = f"{one.environment} reached {_where(one)}, and the log of {gate}, which is of that time, shows nothing of it"
        fix = f"Look by which way it went (routes of the environment's subnets): not by {gate}, or its log is not complete."
        return Blame(Fault.AROUND, one.environment, gate, _where(one), message, fix)

    # --- into an environment

    def _inbound(self, one: Packet) -> Verdict:
        gates = self._declared.gates_of(self._declared.zone_of(one.destination, ""))
        zpa = next((gate for gate in self._expected.gates(ZPA) if gate in gates), "")
        if not zpa or not self._expected.connectors:
            return Verdict(skipped="into an environment, past no gate of Zscaler")
        if address_in(one.inbound, self._expected.connectors):
            return Verdict(row=(one.environment, "webserver", zpa), entering=True)
        message = f"{one.inbound} reached {_where(one)} of {one.environment} directly: it is no App Connector of {zpa}"
        fix = "Let the security group of the environment take connections from the App Connectors alone."
        return Verdict((Blame(Fault.AROUND, one.inbound, zpa, _where(one), message, fix),))


def _where(one: Packet) -> str:
    host = f"[{one.destination}]" if ":" in one.destination else one.destination
    return f"{host}:{one.port}/{one.protocol}" if one.port else f"{host}:{one.protocol}"
