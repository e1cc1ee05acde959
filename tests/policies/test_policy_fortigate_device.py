import pytest
from policy_testing import UNKNOWN, Secret, on

PROVIDER = "pulumi:providers:fortios"


def test_admin_access():
    policy = on("fortigate-admin-access", "fortios:system/interface:Interface")
    policy.passes(allowaccess="ping https ssh", ip=UNKNOWN)
    policy.fails("allowaccess holds http and telnet", allowaccess="ping http telnet", ip=UNKNOWN)
    policy.undecided("allowaccess", allowaccess=UNKNOWN)
    on("fortigate-admin-access", "fortios:index/systemInterface:SystemInterface").fails("telnet", allowaccess="telnet")


def test_provider_tls():
    policy = on("fortigate-provider-tls", PROVIDER)
    policy.passes(hostname=UNKNOWN, insecure="false")
    # A provider's booleans travel as text from the SDKs, and as booleans from YAML.
    policy.fails("insecure switches", hostname=UNKNOWN, insecure="true")
    policy.fails("insecure switches", insecure=True)
    policy.undecided("insecure", insecure=UNKNOWN)


def test_provider_credential_secret():
    policy = on("fortigate-provider-credential-secret", PROVIDER)
    policy.passes(token=Secret("t0ken"), password=Secret(UNKNOWN))
    policy.fails("password is plain text", token=Secret("t0ken"), password="plain")
    policy.fails("token is plain text", token=UNKNOWN)


def test_secrets_marked():
    policy = on("fortigate-secrets-marked", "fortios:user/group:Group")
    policy.passes(name="analysts", password=Secret("x"))
    policy.fails("password is plain text", name=UNKNOWN, password="x")
    policy.fails("password is plain text", password=UNKNOWN)
    bgp = on("fortigate-secrets-marked", "fortios:router/bgp:Bgp")
    bgp.passes(neighbors=[{"ip": UNKNOWN, "remoteAs": 64512}])
    bgp.passes(neighbors=[{"ip": UNKNOWN, "password": Secret("x")}])
    bgp.fails("neighbors is plain text", neighbors=[{"ip": "169.254.10.1", "password": "x"}])


@pytest.mark.parametrize(
    "type_",
    [
        "fortios:log/syslogd/setting:Setting",
        "fortios:log/syslogd/v2/setting:Setting",
        "fortios:index/logSyslogd3Setting:LogSyslogd3Setting",
    ],
)
def test_syslog_tls(type_):
    good = {"status": "enable", "mode": "reliable", "encAlgorithm": "high", "server": UNKNOWN}
    policy = on("fortigate-syslog-tls", type_)
    policy.passes(**good)
    policy.fails("encAlgorithm is disable", **good | {"encAlgorithm": "disable", "mode": UNKNOWN})
    policy.fails("mode is udp", status="enable", encAlgorithm="high")
    policy.fails("status is disable", **good | {"status": "disable"})
    policy.undecided("mode", **good | {"mode": UNKNOWN})


def test_implicit_deny_logged():
    policy = on("fortigate-implicit-deny-logged", "fortios:log/setting:Setting")
    policy.passes(fwpolicyImplicitLog="enable")
    policy.fails("fwpolicyImplicitLog is disable", localOut=UNKNOWN)
    policy.undecided("fwpolicyImplicitLog", fwpolicyImplicitLog=UNKNOWN)
    assert policy.remedied(localOut=UNKNOWN) == {"localOut": UNKNOWN, "fwpolicyImplicitLog": "enable"}
