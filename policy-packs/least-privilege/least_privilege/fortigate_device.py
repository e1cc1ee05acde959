"""Policies on a FortiGate itself: how it is administered, how Pulumi talks to it, and where its logs go."""

from pulumi_policy import Severity

from .controls import Soc2
from .reading import UNKNOWN, Subject
from .registry import Findings, plain_text, resource_policy, setting, undecided, wrong

INTERFACE = "fortios:systeminterface"
PROVIDER = "pulumi:providers:fortios"
SYSLOG = tuple(f"fortios:logsyslogd{number}{part}" for number in ("", "2", "3", "4") for part in ("setting", "overridesetting"))
LOG_SETTING = "fortios:logsetting"


@resource_policy(
    "fortigate-admin-access",
    types=(INTERFACE,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Leave `http` and `telnet` out of `allowaccess`; use `https` and `ssh` on the management interface alone.",
    url="https://community.fortinet.com/t5/FortiGate/Technical-Tip-System-administrator-best-practices-for-FortiGate/ta-p/189413",
    settings={"forbidden": setting("Protocols that no interface accepts for administration.", ["http", "telnet"])},
)
def admin_access(it: Subject) -> Findings:
    """No interface accepts administrators without encryption."""
    access = it.get("allowaccess", default="")
    if access is UNKNOWN:
        yield undecided(it, "allowaccess")
        return
    found = [one for one in str(access).split() if one in it.config["forbidden"]]
    if found:
        yield wrong(it, "allowaccess", f"holds {' and '.join(found)}")


@resource_policy(
    "fortigate-provider-tls",
    types=(PROVIDER,),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_7,
    fix="Take `insecure` out, and give the provider the device's CA (`cabundlefile` or `cabundlecontent`).",
    url="https://www.pulumi.com/registry/packages/fortios/api-docs/provider/",
)
def provider_tls(it: Subject) -> Findings:
    """Pulumi checks the certificate of the FortiGate that it configures."""
    for prop in ("insecure", "fmgInsecure"):
        value = it.get(prop, default=False)
        if value is UNKNOWN:
            yield undecided(it, prop)
        elif str(value).lower() == "true":  # a provider's properties travel as text
            yield wrong(it, prop, "switches the check of the device's certificate off")


@resource_policy(
    "fortigate-provider-credential-secret",
    types=(PROVIDER,),
    severity=Severity.CRITICAL,
    soc2=Soc2.CC6_1,
    fix="Set it from a secret: `pulumi config set --secret`, or `pulumi.Output.secret`.",
    url="https://www.pulumi.com/docs/iac/concepts/secrets/",
)
def provider_credential_secret(it: Subject) -> Findings:
    """The FortiGate's API token and passwords are secrets, never plain text in the state."""
    yield from _plain(it, ("token", "password", "fmgPasswd", "clientkey"))


@resource_policy(
    "fortigate-secrets-marked",
    types=("fortios:*",),
    severity=Severity.HIGH,
    soc2=Soc2.CC6_1,
    fix="Set it from a secret; the SDK does not mark every password by itself (`user.Group`, `router.Bgp` neighbors).",
    url="https://www.pulumi.com/docs/iac/concepts/secrets/",
)
def secrets_marked(it: Subject) -> Findings:
    """No password, key or token of a FortiGate resource is plain text in the state."""
    yield from _plain(it, ("password", "passwd", "secret", "authpasswd", "ppkSecret", "groupAuthenticationSecret", "privateKey"))
    neighbors = it.resource.get_list("neighbors") if it.kind == "fortios:routerbgp" else []
    if any(one is UNKNOWN or (isinstance(one, dict) and one.get("password")) for one in neighbors):
        yield from _plain(it, ("neighbors",))


def _plain(it: Subject, props: tuple[str, ...]) -> Findings:
    yield from plain_text(it, *(prop for prop in props if it.get(prop) != ""))


@resource_policy(
    "fortigate-syslog-tls",
    types=SYSLOG,
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Set `status` to enable, `mode` to reliable and `encAlgorithm` to high (or high-medium).",
)
def syslog_tls(it: Subject) -> Findings:
    """A syslog target that is configured is on, and logs travel to it over TLS."""
    for prop, default, good in (
        ("status", "disable", ("enable",)),
        ("mode", "udp", ("reliable",)),
        ("encAlgorithm", "disable", ("high", "high-medium")),
    ):
        value = it.get(prop, default=default)
        if value is UNKNOWN:
            yield undecided(it, prop)
        elif value not in good:
            yield wrong(it, prop, f"is {value}; {' or '.join(good)} sends logs, reliably and encrypted")


@resource_policy(
    "fortigate-implicit-deny-logged",
    types=(LOG_SETTING,),
    severity=Severity.MEDIUM,
    soc2=Soc2.CC7_2,
    fix="Set `fwpolicyImplicitLog` to enable.",
    remedy=lambda _, properties: properties.update(fwpolicyImplicitLog="enable"),
)
def implicit_deny_logged(it: Subject) -> Findings:
    """A FortiGate whose log settings are managed logs what no policy matches."""
    value = it.get("fwpolicyImplicitLog", default="disable")
    if value is UNKNOWN:
        yield undecided(it, "fwpolicyImplicitLog")
    elif value != "enable":
        yield wrong(it, "fwpolicyImplicitLog", f"is {value}")
