"""Records the names of the FortiOS SDK that Pulumi generates, of the resources that Airlock makes: into `names.json`.

    pulumi package get-schema terraform-provider fortinetdev/fortios > schema.json
    python tests/gates/fortigate/generated/record_names.py schema.json 1.25.0

Names and types are all that is kept: no text of the provider's (which is under the MPL 2.0).
"""

import json
import sys
from pathlib import Path
from typing import Any

NAMES = Path(__file__).parent / "names.json"

MADE = (
    *(
        "firewall_address",
        "firewall_address6",
        "firewall_addrgrp",
        "firewall_addrgrp6",
        "firewall_policy",
        "firewall_policy_move",
    ),
    *("firewallschedule_group", "firewallschedule_recurring", "firewallservice_custom"),
    *("router_prefixlist", "router_static", "routerbgp_neighbor", "routerbgp_network"),
    *("vpnipsec_phase1interface", "vpnipsec_phase2interface", "system_interface", "system_zone"),
    *("user_group", "user_saml", "user_setting", "system_accprofile", "system_apiuser", "json_generic_api"),
    *("certificate_ca", "log_setting"),
    *(
        f"logsyslogd{number}_{kind}"
        for number in ("", "2", "3", "4")
        for kind in ("filter", "setting", "overridefilter", "overridesetting")
    ),
)
"""Terraform's names of the resources that Airlock makes, without `fortios_`."""


def main() -> None:
    schema, version = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2]
    tokens = {token.rpartition(":")[2].lower(): token for token in schema["resources"]}
    types: dict[str, dict[str, str]] = {}
    resources = {}
    for name in MADE:
        flat = name.replace("_", "")
        token = tokens.get(f"{flat}v2") or tokens[flat]
        entry = schema["resources"][token]
        resources[token] = {
            "inputs": {key: _type(one, schema, types) for key, one in sorted(entry["inputProperties"].items())},
            "required": sorted(entry.get("requiredInputs", [])),
            "computed": sorted(set(entry["properties"]) - set(entry["inputProperties"])),
        }
    told = f"fortinetdev/fortios {version}, as Pulumi's bridge of any Terraform provider names it"
    NAMES.write_text(_lines({"source": told, "resources": resources, "types": dict(sorted(types.items()))}))


def _type(one: dict[str, Any], schema: dict[str, Any], types: dict[str, dict[str, str]]) -> str:
    """`string`, `number`, `boolean`, a nested type's name, or one of these with `[]`."""
    if one.get("type") == "array":
        return f"{_type(one['items'], schema, types)}[]"
    if "$ref" not in one:
        return str(one["type"])
    token = one["$ref"].removeprefix("#/types/")
    name = token.rpartition(":")[2]
    if name not in types:
        types[name] = {}
        types[name] |= {key: _type(value, schema, types) for key, value in sorted(schema["types"][token]["properties"].items())}
    return name


def _lines(document: dict[str, Any]) -> str:
    """JSON with a line for each resource and type, so that a difference can be read."""
    parts = [f'"source": {json.dumps(document["source"])}']
    for key in ("resources", "types"):
        listed = ",\n".join(
            f"  {json.dumps(name)}: {json.dumps(one, separators=(',', ':'))}" for name, one in document[key].items()
        )
        parts.append(f'"{key}": {{\n{listed}\n }}')
    return "{\n " + ",\n ".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
