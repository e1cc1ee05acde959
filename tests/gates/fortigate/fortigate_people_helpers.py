"""People who sign in at a FortiGate: an identity provider, an access file with people in it, and the gate built of them."""

from fortigate_helpers import run_program
from pulumi_airlock.access.model import Access
from pulumi_airlock.gates.fortigate import FortigateGate, SamlIdentity
from pulumi_airlock.gates.stack import Resource

GROUP, SAML, SETTING = "fortios:user/group:Group", "fortios:user/saml:Saml", "fortios:user/setting:Setting"
GATE = "airlock:index:FortigateGate"
PORTAL = "https://fw.corp.example:1003"


def identity(**changes) -> SamlIdentity:
    given = {
        "portal": PORTAL,
        "idp_entity_id": "https://bank.okta.example",
        "idp_single_sign_on_url": "https://bank.okta.example/sso",
        "idp_certificate": "okta-signing",
    }
    return SamlIdentity(**{**given, **changes})


def access(*sessions, kind="okta", groups=("airflow-finance", "airflow-audit"), **changes) -> Access:
    document = {
        "identityProvider": {"kind": kind, "issuer": "https://bank.okta.example", "audience": "airflow"},
        "principals": [
            {"name": "etl", "dags": ["finance_*"], "environment": "finance", "serviceAccount": "svc-etl"},
            {"name": "analysts", "group": groups[0], "sources": ["10.60.8.0/22"]},
            {"name": "auditors", "group": groups[1], "sources": ["10.60.24.0/24"]},
        ],
        "zones": {
            "datacenter": {"cidrs": ["10.20.0.0/16"], "gates": ["fortigate"]},
            "cloud": {"cidrs": ["10.99.0.0/16"], "gates": ["aws_network"]},
        },
        "destinations": [
            {"name": "warehouse", "zone": "datacenter", "cidrs": ["10.20.4.10/32"], "ports": ["5432/tcp"]},
            {"name": "reports", "zone": "datacenter", "cidrs": ["10.20.5.10/32"], "ports": ["443/tcp"]},
            {"name": "lake", "zone": "cloud", "cidrs": ["10.99.1.0/24"], "ports": ["443/tcp"]},
        ],
        "routes": [
            {"name": "etl-warehouse", "from": ["etl"], "to": ["warehouse"], "session": "15m", "reason": "FIN-1"},
            *(
                {
                    "name": f"people-{number}",
                    "from": [who],
                    "to": [to],
                    "reason": "IAM-1",
                    **({"session": session} if session else {}),
                }
                for number, (who, to, session) in enumerate(sessions or [("analysts", "warehouse", "8h")])
            ),
        ],
        **changes,
    }
    return Access.model_validate(document)


def built(declared=None, *, preview=True, saml=None, **given):
    arguments = {
        "access": declared or access(),
        "sources": {"finance": ["10.40.0.0/26"]},
        "tunnel_interface": "airflow-vpn",
        "interfaces": {"datacenter": "port3"},
        "people_interface": "port2",
        "saml": saml or identity(),
        **given,
    }
    return run_program(lambda: FortigateGate("fortigate", **arguments), preview)


def one(stack, type_) -> Resource:
    (found,) = stack.of_type(type_)
    return found


def groups(stack) -> dict[str, Resource]:
    return {found.get("name"): found for found in stack.of_type(GROUP)}
