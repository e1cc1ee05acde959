from policy_testing import UNKNOWN, on, resource
from pulumi_airlock.gates.cilium import cilium_values, hubble_export_values

RELEASE = "kubernetes:helm.sh/v3:Release"


def _chart(**values):
    return resource(RELEASE, "cilium", chart="cilium", values=values)


def test_flow_export():
    policy = on("cilium-flow-export")
    policy.passes([_chart(**hubble_export_values(["airflow"]))])
    policy.passes([_chart(**hubble_export_values(["airflow"], dynamic=False))])
    policy.passes([resource(RELEASE, "airflow", chart="airflow", values={})])
    policy.fails("values.hubble.export is off", [_chart(hubble={"enabled": True})])
    policy.fails("hubble.enabled is false", [_chart(hubble={"enabled": False})])
    policy.undecided("values.hubble.export", [_chart(hubble={"export": {"static": {"enabled": UNKNOWN}}})])


def test_enforces():
    policy = on("cilium-enforces")
    policy.passes([_chart(**cilium_values())])
    policy.passes([_chart()])
    policy.fails("is never", [_chart(policyEnforcementMode="never")])
    policy.fails("values.l7Proxy is false", [_chart(l7Proxy=False)])
    policy.undecided("values.l7Proxy", [_chart(l7Proxy=UNKNOWN)])


def test_beside_mesh():
    policy = on("cilium-beside-mesh")
    mesh = resource("airlock:index:IstioGate", "istio")
    policy.passes([_chart()])
    policy.passes([mesh, _chart(**cilium_values(mesh="istio"))])
    policy.fails("hostNamespaceOnly is not true", [mesh, _chart(cni={"exclusive": False})], at="cilium")
    policy.fails("values.cni.exclusive is not false", [mesh, _chart(socketLB={"hostNamespaceOnly": True})])
    policy.undecided("values.cni.exclusive", [mesh, _chart(socketLB={"hostNamespaceOnly": True}, cni={"exclusive": UNKNOWN})])
