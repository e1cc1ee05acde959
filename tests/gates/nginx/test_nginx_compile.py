"""What routes become: a configuration, pods, and objects of other controllers; what cannot be said is refused, all at once."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from in_process import run
from nginx_program import ACCESS, AIRFLOW, DOCUMENT, HIDDEN, TODAY, compiled, document, gateway, route
from pulumi_airlock.access.model import Access
from pulumi_airlock.errors import InputError
from pulumi_airlock.gates.nginx import Certificate, OidcClient, Pods, Upstream, webserver_config, webserver_settings
from pulumi_airlock.gates.nginx.webserver import roles_of_groups
from pulumi_airlock.gates.stack import Resource, Stack
from ruamel.yaml import YAML

CRDS = Path(os.environ.get("AIRLOCK_CRDS", Path(__file__).parents[4] / "shared" / "crds"))
DEPLOYMENT, SECRET = "kubernetes:apps/v1:Deployment", "kubernetes:core/v1:Secret"
ALIKE = Access.model_validate(document(routes=[DOCUMENT["routes"][1]]))


def named(stack: Stack, type_: str, name: str) -> Resource:
    return next(one for one in stack.of_type(type_) if one.get("metadata", "name") == name)


def test_pods_are_hardened_and_have_what_they_need() -> None:
    stack = compiled()
    for name in ("nginx", "nginx-sign-in"):
        deployment = named(stack, DEPLOYMENT, name)
        pod = deployment.get("spec", "template", "spec")
        assert pod["serviceAccountName"] == name
        assert pod["automountServiceAccountToken"] is False
        (container,) = pod["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]
        assert named(stack, "kubernetes:policy/v1:PodDisruptionBudget", name).get("spec", "maxUnavailable") == 1
    assert all(one.get("metadata", "namespace") == "airflow" for one in stack.resources if one.type.startswith("kubernetes:"))


def test_another_configuration_starts_the_pods_again() -> None:
    def mark(access: Access) -> Any:
        return named(compiled(access), DEPLOYMENT, "nginx").get("spec", "template", "metadata", "annotations", "airlock/config")

    assert mark(ACCESS) == mark(ACCESS) != mark(Access.model_validate({**DOCUMENT, **route(**{"from": ["operators"]})}))


def test_oauth2_proxy_is_told_everything_that_decides() -> None:
    args = named(compiled(), DEPLOYMENT, "nginx-sign-in").get("spec", "template", "spec", "containers", 0, "args")
    wanted = {
        "--oidc-issuer-url=https://idp.bank.example",
        "--client-id=airflow",
        "--set-xauthrequest=true",
        "--reverse-proxy=true",
        "--code-challenge-method=S256",
        "--cookie-secure=true",
        "--cookie-httponly=true",
        "--cookie-samesite=lax",
        "--cookie-expire=60m",  # the shortest session of the routes
        "--skip-jwt-bearer-tokens=false",
    }
    assert wanted <= set(args)
    assert [one for one in args if one.startswith("--allowed-group=")] == [
        "--allowed-group=airflow-finance",
        "--allowed-group=airflow/platform team",
        "--allowed-group=audit",
    ]
    assert not any("secret" in one and "=" in one for one in args)


def test_secrets_are_marked_and_nowhere_else() -> None:
    texts: list[str] = []

    def program() -> None:
        gateway(client=OidcClient("airflow", "the client's own", "0123456789abcdef"), gateway_secret="gateway-" + "0" * 32)

    for one in run(program):
        if one.type != SECRET:
            texts.append(str(one.properties))
    assert not any("the client's own" in one or "gateway-0" in one for one in texts)


@pytest.mark.parametrize("secret", ["short", "0" * 31, "a b" + "0" * 40, 'x";' + "0" * 40])
def test_a_secret_that_anybody_may_guess_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="32 letters") as error:
        compiled(gateway_secret=secret)
    assert secret not in str(error.value)


def _refused(says: str, access: Mapping[str, Any] | None = None, **given: Any) -> None:
    with pytest.raises(InputError) as error:
        compiled(Access.model_validate({**DOCUMENT, **(access or {})}), **given)
    assert says in str(error.value)


WINDOW = {"days": ["mon"], "from": "02:00", "to": "04:00", "timezone": "UTC"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"http": []}, "it allows every request, and the gateway hides /execution, /execution/*: write http:"),
        ({"http": [{"paths": ["/*"]}]}, "it allows /execution, /execution/*, which the gateway hides"),
        ({"http": [{"paths": ["/*"], "except": ["/execution/*"]}]}, "it allows /execution, which the gateway hides"),
        ({"http": [{"paths": ["/a[bc]/*"]}]}, "nginx has no other glob"),
        ({"window": WINDOW}, "the gateway sees no time"),
    ],
)
def test_what_a_gateway_cannot_say_is_refused(changes: dict[str, Any], says: str) -> None:
    _refused(says, route(**changes))


def test_all_is_refused_at_once() -> None:
    wrong = document(principals=[{**one, "group": "a,b"} if one["name"] == "analysts" else one for one in DOCUMENT["principals"]])
    with pytest.raises(InputError) as error:
        compiled(Access.model_validate(wrong), upstreams={"airflow": AIRFLOW, "other": AIRFLOW})
    text = str(error.value)
    assert "a comma parts its groups" in text
    assert "no upstream for risk" in text
    assert "other is no destination behind nginx" in text


def test_the_programs_own_mistakes_are_refused() -> None:
    _refused("exactly one of them", certificate=Certificate())
    _refused("name a version", pods=Pods(nginx_image="nginx:latest"))
    _refused("name a version", pods=Pods(sign_in_image="registry:5000/oauth2-proxy"))
    _refused("two at least", pods=Pods(replicas=1))
    _refused("without it Airflow believes", gateway_secret=None)
    _refused("it has no identityProvider", {"identityProvider": None})
    _refused("is over 12h", session="1d")
    _refused("write one of nginx, f5-nic", engine="traefik")


def test_other_engines_refuse_what_they_cannot_say() -> None:
    _refused("tells no methods apart", engine="f5-nic")
    _refused("are let through alike", engine="nginx-gateway-fabric")
    _refused("Services of its own namespace", {"routes": [DOCUMENT["routes"][1]]}, engine="f5-nic", namespace="gateways")
    upstreams = {name: Upstream("10.0.0.1") for name in ("airflow", "risk")}
    _refused("say which one it is", {"routes": [DOCUMENT["routes"][1]]}, engine="f5-nic", upstreams=upstreams)


def test_what_gates_of_the_cluster_have_to_let_through() -> None:
    found: list[Any] = []

    def program() -> None:
        one = gateway(people_cidrs=("10.0.0.0/8",))
        found.extend([one.flows, one.workloads, one.secret_name])

    run(program)
    flows, workloads, secret = found
    assert {one.name for one in workloads} == {"airflow/nginx", "airflow/nginx-sign-in"}
    assert secret == "nginx"
    said = {(min(one.callers, default=one.cidrs), str(one.to), str(one.services)) for one in flows}
    assert ("airflow/nginx", "airflow-api-server.airflow.svc.cluster.local", "8080/tcp") in said
    assert ("airflow/nginx-sign-in", "idp.bank.example", "443/tcp") in said
    assert (("10.0.0.0/8",), "nginx.airflow.svc.cluster.local", "80/tcp 443/tcp") in said
    (to_airflow,) = [one for one in flows if "airflow-api-server" in str(one.to)]
    assert {path for one in to_airflow.operations for path in one.not_paths} == set(HIDDEN)


# Airflow's side


def test_roles_of_groups() -> None:
    assert roles_of_groups(ACCESS) == {
        "airflow-finance": ["finance", "Viewer"],
        "airflow/platform team": ["Admin"],
        "audit": ["finance", "Viewer"],
    }


def test_the_configuration_of_the_web_server_is_python() -> None:
    text = webserver_config(ACCESS)
    compile(text, "webserver_config.py", "exec")
    assert text == webserver_config(ACCESS)
    assert "hmac.compare_digest" in text


def test_tokens_end_with_the_session_at_the_latest() -> None:
    from datetime import timedelta

    assert webserver_settings()["api_auth"]["jwt_expiration_time"] == "1800"
    short = webserver_settings(timedelta(minutes=10))
    assert (short["api_auth"]["jwt_expiration_time"], short["fab"]["session_lifetime_minutes"]) == ("600", "10")


# Other controllers' definitions


def _schema(file: str, kind: str) -> Mapping[str, Any]:
    path = CRDS / f"{file}.yaml"
    if not path.exists():
        pytest.skip(f"no {path}: the definitions of other controllers")
    for one in YAML(typ="safe", pure=True).load_all(path.read_text()):
        if one and one["spec"]["names"]["kind"] == kind:
            found: Mapping[str, Any] = one["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
            return found
    raise AssertionError(kind)


def _faults(value: Any, schema: Mapping[str, Any], path: str = "spec") -> Iterator[str]:
    """What a strict server would say: fields that are not declared, types, patterns, enumerations."""
    kinds = {"object": Mapping, "array": list, "string": str, "integer": (int, float), "boolean": bool}
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):  # type: ignore[arg-type]
        yield f"{path}: {value!r} is no {schema['type']}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r}"
    elif "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path}: {value!r} is not {schema['pattern']}"
    elif isinstance(value, Mapping) and "properties" in schema:
        for key, inner in value.items():
            if key not in schema["properties"]:
                yield f"{path}.{key}: not declared"
            else:
                yield from _faults(inner, schema["properties"][key], f"{path}.{key}")
        yield from (f"{path}.{key}: required" for key in schema.get("required", ()) if key not in value)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _faults(inner, schema["items"], f"{path}[{number}]")


@pytest.mark.parametrize(("file", "kind"), [("nic-policies", "Policy"), ("nic-virtualservers", "VirtualServer")])
def test_objects_of_f5_nic_are_as_their_definitions_say(file: str, kind: str) -> None:
    schema = _schema(file, kind)
    found = compiled(ALIKE, engine="f5-nic").of_type(f"kubernetes:k8s.nginx.org/v1:{kind}")
    assert found
    for one in found:
        assert list(_faults(one.get("spec"), schema)) == []
    assert list(_faults({"nonsense": 1}, schema)) == ["spec.nonsense: not declared"]


def test_a_certificate_of_cert_manager() -> None:
    stack = compiled(certificate=Certificate(issuer="bank-ca", days=30))
    (one,) = stack.of_type("kubernetes:cert-manager.io/v1:Certificate")
    assert one.get("spec", "dnsNames") == ["airflow.bank.example", "risk.bank.example"]
    assert (one.get("spec", "duration"), one.get("spec", "renewBefore")) == ("720h", "240h")
    volumes = named(stack, DEPLOYMENT, "nginx").get("spec", "template", "spec", "volumes")
    assert {"name": "tls", "secret": {"secretName": one.get("spec", "secretName"), "defaultMode": 0o440}} in volumes


def test_an_unknown_client_leaves_the_rest_known() -> None:
    stack = compiled(client=OidcClient(pulumi.Output.from_input("from-elsewhere"), "s", "0123456789abcdef"), today=TODAY)
    args = named(stack, DEPLOYMENT, "nginx-sign-in").get("spec", "template", "spec", "containers", 0, "args")
    assert "--client-id=from-elsewhere" in args
