"""A stack with both gates of Zscaler, the logs that it should write, and lines as the services write them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from pulumi_airlock.access import Access
from pulumi_airlock.environments.mwaa.read_egress import WayOut
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match, Rule, Source, Who
from pulumi_airlock.proof.sets import Hosts, Services
from pulumi_airlock.proof.times import Weekly
from pulumi_airlock.verify import Expected, Verification, Verifier, Way

AT = datetime(2026, 11, 24, 9, 20, 1, tzinfo=UTC)
"""A Tuesday."""
NIGHT = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
FINANCE, RISK = "10.40.0.0/25", "10.40.0.128/25"
PROXY, CONNECTOR = "198.51.100.7", "10.50.0.4"
HTTPS = Services.of("tcp", 443, 443)

ACCESS = Access.model_validate(
    {
        "environments": [{"name": "finance", "dags": ["ledger_*"]}, {"name": "risk", "dags": ["var_*"]}],
        "principals": [
            {"name": "ledger", "dags": ["ledger_*"], "environment": "finance"},
            {"name": "var", "dags": ["var_*"], "environment": "risk"},
            {"name": "controllers", "group": "airflow-finance"},
        ],
        "zones": {
            "internet": {"gates": ["zia"]},
            "apps": {"cidrs": ["10.20.0.0/16"], "gates": ["zpa"]},
            "market": {"cidrs": ["10.30.0.0/20"], "gates": ["fortigate"]},
            "airflow": {"cidrs": ["10.40.0.0/16"], "gates": ["zpa", "aws_network"]},
        },
        "destinations": [
            {"name": "rates", "zone": "internet", "hosts": ["api.rates.example"], "ports": ["443/tcp"]},
            {"name": "upload", "zone": "internet", "cidrs": ["203.0.113.20/32"], "ports": ["22/tcp"]},
            {
                "name": "warehouse",
                "zone": "apps",
                "hosts": ["warehouse.corp.example"],
                "cidrs": ["10.20.4.10/32"],
                "ports": ["5432/tcp"],
            },
            {"name": "feed", "zone": "market", "cidrs": ["10.30.1.0/28"], "ports": ["8194/tcp"]},
            {"name": "ui-finance", "zone": "airflow", "cidrs": [FINANCE], "hosts": ["ui.finance.example"], "ports": ["443/tcp"]},
        ],
        "routes": [
            {"name": "finance-rates", "from": ["ledger"], "to": ["rates"], "reason": "FIN-1"},
            {
                "name": "finance-upload",
                "from": ["ledger"],
                "to": ["upload"],
                "window": {"days": ["tue"], "from": "08:00", "to": "12:00"},
                "reason": "FIN-2",
            },
            {"name": "finance-warehouse", "from": ["ledger"], "to": ["warehouse"], "reason": "FIN-3"},
            {"name": "risk-warehouse", "from": ["var"], "to": ["warehouse"], "reason": "RISK-1"},
            {"name": "risk-feed", "from": ["var"], "to": ["feed"], "reason": "RISK-2"},
            {"name": "controllers-ui", "from": ["controllers"], "to": ["ui-finance"], "reason": "IAM-1"},
        ],
    }
)


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:prod::bank::{kind}::{name}"


def rule(kind: str, name: str, match: Match, action: Action = Action.ALLOW) -> Rule:
    return Rule(action, match, Source(urn(kind, name), label=f'rule "{name}"'))


FIREWALL, SEGMENT = "zia:index:FirewallFilteringRule", "zpa:index/policyAccessRuleV2:PolicyAccessRuleV2"
IN_FINANCE, IN_BOTH = Who(environments=frozenset({"finance"})), Who(environments=frozenset({"finance", "risk"}))
UPLOAD_WINDOW = (frozenset({Weekly(((1440 + 480, 1440 + 720),), "UTC")}),)
ZIA_RULES = (
    rule(FIREWALL, "finance-rates", Match(IN_FINANCE, Hosts.from_names(["api.rates.example"]), HTTPS)),
    rule(
        FIREWALL,
        "finance-upload",
        Match(IN_FINANCE, Hosts.from_cidr("203.0.113.20/32"), Services.of("tcp", 22, 22), times=UPLOAD_WINDOW),
    ),
    rule(FIREWALL, "airflow-deny", Match(), Action.DENY),
)
WAREHOUSE = Hosts.from_names(["warehouse.corp.example"]) | Hosts.from_cidr("10.20.4.10/32")
UI = Hosts.from_names(["ui.finance.example"]) | Hosts.from_cidr(FINANCE)
ZPA_RULES = (
    rule(SEGMENT, "airlock-warehouse", Match(IN_BOTH, WAREHOUSE, Services.of("tcp", 5432, 5432))),
    rule(SEGMENT, "airlock-ui", Match(Who(groups=frozenset({"airflow-finance"})), UI, HTTPS)),
    rule(SEGMENT, "airlock-deny-all", Match(), Action.DENY),
)


def expected(zia: tuple[Rule, ...] = ZIA_RULES, zpa: tuple[Rule, ...] = ZPA_RULES, *, proxies: bool = True) -> Expected:
    ports = {"scheduler": 10001, "worker": 10002, "webserver": 10003}
    ways = [Way("zia", "finance", part, f"finance-{part}", port) for part, port in ports.items()]
    if not proxies:
        ways = [Way("zia", "finance", "scheduler, worker, webserver", "finance")]
    ways += [
        Way("zpa", "finance", "scheduler, worker", "cc-finance"),
        Way("zpa", "risk", "scheduler, worker", "cc-risk"),
    ]
    way_out = WayOut("gateway.zscaler.example", (f"{PROXY}/32",), ports, (".corp.example", "10.40.0.0/16", "203.0.113.77"), "")
    own = (Match(hosts=Hosts.from_cidr("10.40.0.0/16")), Match(hosts=Hosts.from_names(["pl:com.amazonaws.eu-central-1.s3"])))
    return Expected(
        access=ACCESS,
        environments=tuple(
            Environment(name, urn("aws:mwaa/environment:Environment", name), Hosts.from_cidr(cidr), own)
            for name, cidr in (("finance", FINANCE), ("risk", RISK))
        ),
        filters=(
            Filter("zia", "firewall rules", Combine.FIRST_MATCH, Action.ALLOW, zia, urn(FIREWALL, "default")),
            Filter("zpa", "access rules", Combine.FIRST_MATCH, Action.DENY, zpa, urn(SEGMENT, "default")),
        ),
        kinds={"zia": "zia", "zpa": "zpa"},
        ways=tuple(ways),
        proxies={"finance": way_out} if proxies else {},
        connectors=Hosts.from_cidr(f"{CONNECTOR}/32"),
        rules={
            "zia": frozenset({one.source.urn.rpartition("::")[2] for one in zia}),
            "zpa": frozenset({one.source.urn.rpartition("::")[2] for one in zpa}),
        },
        names={one.source.urn: one.source.urn.rpartition("::")[2] for one in (*zia, *zpa)},
    )


# --- lines


def lss(**changes: Any) -> str:
    """A connection in ZPA's user activity log: by default the warehouse, reached from finance's Cloud Connector."""
    fields = {
        "LogTimestamp": "Tue Nov 24 09:20:01 2026",
        "Customer": "Bank",
        "SessionID": "SqyZIMkg0JTj7EABsvwA",
        "ConnectionID": "SqyZIMkg0JTj7EABsvwA,Q+EjXGdrvbF2lPiBbedm",
        "InternalReason": "",
        "ConnectionStatus": "active",
        "IPProtocol": 6,
        "DoubleEncryption": 0,
        "Username": "cc-finance",
        "ServicePort": 5432,
        "ClientPublicIP": "192.0.2.10",
        "ClientPrivateIP": "10.40.0.9",
        "Policy": "airlock-warehouse",
        "Connector": "dc-1",
        "ConnectorIP": "10.50.0.4",
        "Host": "warehouse.corp.example",
        "Application": "airlock-warehouse",
        "AppGroup": "airlock-apps",
        "Server": "0",
        "ServerIP": "10.20.4.10",
        "ServerPort": 5432,
        "PolicyProcessingTime": 28,
        "ClientToClient": "0",
    }
    return json.dumps({**fields, **changes})


def firewall(**changes: Any) -> str:
    """A connection in ZIA's firewall log: by default the rates, reached by finance's worker."""
    fields = {
        "datetime": "Tue Nov 24 09:20:01 2026",
        "user": "finance-worker",
        "department": "Default Department",
        "locationname": "finance-worker",
        "cdport": "443",
        "csport": "36084",
        "csip": "10.40.0.9",
        "cdip": "203.0.113.80",
        "cdfqdn": "api.rates.example",
        "tsip": "192.0.2.10",
        "tuntype": "GRE",
        "action": "Allowed",
        "proto": "TCP",
        "rulelabel": "finance-rates",
    }
    return json.dumps({"sourcetype": "zscalernss-fw", "event": {**fields, **changes}})


def web(**changes: Any) -> str:
    """A request in ZIA's web log, in CEF: by default to the rates, by finance's worker."""
    fields = {
        "act": "Allowed",
        "app": "HTTPS",
        "dhost": "api.rates.example",
        "dst": "203.0.113.80",
        "src": "10.40.0.9",
        "sourceTranslatedAddress": "192.0.2.10",
        "request": "api.rates.example/v1/eur",
        "requestMethod": "GET",
        "suser": "finance-worker",
        "spriv": "finance-worker",
        "rt": "Nov 24 2026 09:20:01",
    }
    pairs = " ".join(f"{key}={value}" for key, value in {**fields, **changes}.items())
    return f"Nov 24 09:20:01 zscaler-nss CEF:0|Zscaler|NSSWeblog|5.7|Allowed|Allowed|3| {pairs}"


FLOW_HEAD = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status "
    "tcp-flags pkt-dst-aws-service traffic-path"
)


def flow(
    source: str = "10.40.0.9",
    destination: str = PROXY,
    port: int = 10002,
    *,
    source_port: int = 41000,
    action: str = "ACCEPT",
    flags: int | str = 2,
    service: str = "-",
    path: int | str = "-",
    time: datetime = AT,
) -> str:
    """A record of a VPC flow log in the format of `FLOW_HEAD`: by default finance's worker on its way to the proxy."""
    start = int(time.timestamp())
    return (
        f"5 123456789012 eni-1 {source} {destination} {source_port} {port} 6 20 4249 {start} {start + 60} {action} OK {flags} "
        f"{service} {path}"
    )


def verify(*lines: str, since: datetime | None = None, name: str = "zscaler.log", **changes: Any) -> Verification:
    """What a log of these lines shows; records of flow logs have their head."""
    verifier = Verifier(expected(**changes), at=AT + timedelta(hours=1), since=since)
    verifier.read(name, [FLOW_HEAD, *lines])
    return verifier.result()
