"""Stacks of any size, proven, with a number of failures put in."""

from pulumi_airlock.access import Access
from pulumi_airlock.proof.filters import Action, Combine, Environment, Filter, Match, Who
from pulumi_airlock.proof.sets import Hosts
from report_cases import NIGHT, ZURICH_NIGHT, Case, by_task, rule, to

DESKS = 20
"""Principals of one environment."""


def large(principals: int, destinations: int, *, routes: int = 6, failures: bool = True) -> Case:
    """Every principal has some routes; one firewall sees the environment's addresses, one proxy the task."""
    names = [f"desk-{number // DESKS}-job-{number % DESKS}" for number in range(principals)]
    homes = sorted({number // DESKS for number in range(principals)})
    sources = {home: Hosts.from_cidr(f"10.{100 + home // 256}.{home % 256}.0/24") for home in homes}
    hosts = [f"10.20.{number // 200}.{number % 200 + 10}/32" for number in range(destinations)]
    wanted = [
        (who, (who * 7 + step * step * 13) % destinations, step == 0) for who in range(principals) for step in range(routes)
    ]
    pairs = list(dict.fromkeys((who, where) for who, where, _ in wanted))
    nightly = {(who, where) for who, where, night in wanted if night}
    access = Access.model_validate(
        {
            "environments": [{"name": f"desk-{home}", "dags": ["*"]} for home in homes],
            "principals": [
                {"name": name, "dags": [f"job{number % DESKS:02}_*"], "environment": f"desk-{number // DESKS}"}
                for number, name in enumerate(names)
            ],
            "zones": {
                f"zone-{zone}": {"cidrs": [f"10.20.{zone}.0/24"], "gates": ["wall", "proxy"]}
                for zone in range((destinations - 1) // 200 + 1)
            },
            "destinations": [
                {"name": f"service-{number}", "zone": f"zone-{number // 200}", "cidrs": [host], "ports": ["443/tcp"]}
                for number, host in enumerate(hosts)
            ],
            "routes": [
                {
                    "name": f"route-{who}-{where}",
                    "from": [names[who]],
                    "to": [f"service-{where}"],
                    "reason": "T-1",
                    **({"window": ZURICH_NIGHT} if (who, where) in nightly else {}),
                }
                for who, where in pairs
            ],
        }
    )
    environments = tuple(Environment(f"desk-{home}", f"urn::desk-{home}", sources[home]) for home in homes)
    tasks = Match(Who(environments=frozenset(one.name for one in environments)))
    walls = list(dict.fromkeys((who // DESKS, where) for who, where in pairs))
    wall = [rule(f"policy-{home}-{where}", to(hosts[where], "443", Who(sources=sources[home]))) for home, where in walls]
    proxy = [
        rule(f"grant-{who}-{where}", to(hosts[where], "443", by_task(names[who]), *([NIGHT] if (who, where) in nightly else ())))
        for who, where in pairs
    ]
    if failures:
        proxy = [rule("everybody", to("10.20.0.0/28", "443")), *proxy[3:]]
    group = (rule("to-data-centre", to("10.20.0.0/16", "443")),)
    urn = "urn:pulumi:prod::bank::t::"
    filters = (
        Filter("aws", "security group", Combine.ANY_ALLOW, Action.DENY, group, f"{urn}tasks", scope=tasks, always=True),
        Filter("wall", "firewall policies", Combine.FIRST_MATCH, Action.DENY, tuple(wall), f"{urn}wall"),
        Filter("proxy", "task proxy", Combine.ANY_ALLOW, Action.DENY, tuple(proxy), f"{urn}proxy"),
    )
    return Case(access, environments, filters)
