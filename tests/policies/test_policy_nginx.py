import sys
from pathlib import Path

import pytest
from policy_testing import UNKNOWN, Described, Secret, on, resource

sys.path.insert(0, str(Path(__file__).parents[1] / "gates" / "nginx"))
from nginx_program import by_hand, compiled

CONFIG_MAP, DEPLOYMENT = "kubernetes:core/v1:ConfigMap", "kubernetes:apps/v1:Deployment"
SECRET = "kubernetes:core/v1:Secret"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
ANNOTATION = "nginx.ingress.kubernetes.io"

SET = "".join(
    f"auth_request_set ${name} $upstream_http_x_auth_request_{name}; proxy_set_header X-Auth-Request-{name} ${name}; "
    for name in ("email", "groups", "user")
)
NOTHING = "".join(
    f'proxy_set_header {name} ""; '
    for name in (
        *(f"X-Auth-Request-{one}" for one in ("Preferred-Username", "Access-Token", "Redirect")),
        *(f"X-Forwarded-{one}" for one in ("User", "Email", "Groups", "Preferred-Username", "Access-Token")),
        *("X-Remote-User", "Remote-User", "Remote-Groups", "Remote-Email", "X-Airlock-Gateway"),
    )
)
LOG = """log_format json escape=json '{"time":"$time_iso8601","id":"$request_id","m":"$request_method","s":"$status",'
    '"u":"$upstream_status"}';
access_log /dev/stdout json;
"""
GOOD = (
    LOG
    + "server { listen 8443 ssl; server_name a.example; ssl_protocols TLSv1.2 TLSv1.3; location / { auth_request /ask; "
    + SET
    + NOTHING
    + "proxy_pass http://airflow-api-server:8080; } location /execution { return 404; } "
    + "location = /ask { internal; proxy_pass http://in:4180/oauth2/auth?allowed_groups=a; } }"
)


def stack(text: str) -> list[Described]:
    kinds = {"ConfigMap": CONFIG_MAP, "Deployment": DEPLOYMENT}
    return [resource(kinds[one["kind"]], f"{one['kind'].lower()}-proxy", **one) for one in by_hand(text)]


def program() -> list[Described]:
    return [
        resource(one.type, f"{one.name}-{number}", **one.properties)
        for number, one in enumerate(compiled().resources)
        if one.type.startswith("kubernetes:")
    ]


@pytest.mark.parametrize(
    "name",
    [
        "gateway-identity-headers",
        "gateway-asks-everywhere",
        "gateway-hides-execution-api",
        "gateway-tls",
        "gateway-access-log",
        "sign-in-groups",
        "sign-in-cookies",
        "sign-in-secrets",
    ],
)
def test_the_compiled_gateway_passes(name):
    on(name).passes(program())


def test_identity_headers():
    policy = on("gateway-identity-headers")
    policy.passes(stack(GOOD))
    policy.fails(
        "passes on X-Forwarded-User as the client sends it", stack(GOOD.replace('proxy_set_header X-Forwarded-User "";', ""))
    )
    policy.fails("passes on X-Auth-Request-Email", stack(GOOD.replace("email $email;", "email $http_x_auth_request_email;")))
    policy.fails("and 10 more as the client sends it, in location / of a.example", stack(GOOD.replace(NOTHING, "")))
    policy.passes(stack(GOOD.replace(NOTHING, "proxy_pass_request_headers off;")))
    policy.undecided("data.default.conf", stack(UNKNOWN))
    # A web site that asks nobody is no gateway.
    policy.passes(stack("server { listen 80; location / { proxy_pass http://site; } }"))


def test_asks_everywhere():
    policy = on("gateway-asks-everywhere")
    policy.passes(stack(GOOD))
    more = GOOD.replace(
        "location /execution", "location /api/ { proxy_pass http://airflow-api-server:8080; } location /execution"
    )
    policy.fails("passes on whoever comes, in location /api/", stack(more))
    policy.undecided("data.default.conf", stack(UNKNOWN))
    policy.fails("location /api/", stack(more.replace("/api/ {", "/api/ { auth_request off;")))
    policy.passes(stack("server { listen 80; location / { proxy_pass http://site; } }"))


def test_hides_execution_api():
    policy = on("gateway-hides-execution-api")
    policy.passes(stack(GOOD))
    policy.fails("leads to /execution: location / of a.example", stack(GOOD.replace("location /execution { return 404; }", "")))
    policy.undecided(
        "data.default.conf", stack(GOOD.replace("location /execution { return 404; }", "rewrite_by_lua_block { x() }"))
    )


def test_tls():
    policy = on("gateway-tls")
    policy.passes(stack(GOOD))
    policy.fails("takes TLSv1 for a.example", stack(GOOD.replace("TLSv1.2 TLSv1.3", "TLSv1 TLSv1.2")))
    policy.fails("says no ssl_protocols", stack(GOOD.replace("ssl_protocols TLSv1.2 TLSv1.3;", "")))
    policy.undecided("data.default.conf", stack(UNKNOWN))
    policy.fails("takes plain HTTP for a.example", stack(GOOD.replace("8443 ssl", "8080")))


def test_access_log():
    policy = on("gateway-access-log")
    policy.passes(stack(GOOD))
    policy.fails("does not log $upstream_status", stack(GOOD.replace('"u":"$upstream_status"', "")))
    policy.fails("does not log JSON", stack(GOOD.replace(" escape=json", "")))
    policy.fails("does not log JSON", stack(GOOD.replace("access_log /dev/stdout json", "access_log /dev/stdout")))
    policy.undecided("data.default.conf", stack(UNKNOWN))
    policy.fails("logs nothing for a.example", stack(GOOD.replace("listen 8443 ssl;", "listen 8443 ssl; access_log off;")))


def test_ingress_nginx_retired():
    policy = on("ingress-nginx-retired", INGRESS)
    policy.passes(metadata={"name": "a"}, spec={"ingressClassName": "f5-nginx"})
    policy.fails("retired in March 2026", metadata={"name": "a"}, spec={"ingressClassName": "nginx"})
    policy.fails("metadata.annotations are", metadata={"annotations": {f"{ANNOTATION}/auth-url": "http://x"}}, spec={})
    policy.undecided("spec.ingressClassName", metadata={"name": "a"}, spec={"ingressClassName": UNKNOWN})


ARGS = ["--email-domain=*", "--allowed-group=a", "--cookie-samesite=lax", "--cookie-expire=8h"]


def sign_in(*args: str, env: list[dict[str, object]] | None = None) -> list[Described]:
    container = {"name": "p", "image": "quay.io/oauth2-proxy/oauth2-proxy:v7.12.0", "args": list(args), "env": env or []}
    spec = {"template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}}}
    return [resource(DEPLOYMENT, "sign-in", metadata={"name": "sign-in", "namespace": "a"}, spec=spec)]


def test_sign_in_groups():
    policy = on("sign-in-groups")
    policy.passes(sign_in(*ARGS))
    policy.passes(sign_in("--email-domain=bank.example"))
    policy.passes(sign_in("--email-domain=*", env=[{"name": "OAUTH2_PROXY_ALLOWED_GROUPS", "value": "a,b"}]))
    policy.fails("lets in everybody", sign_in("--email-domain=*"))
    policy.fails("lets in everybody", sign_in(env=[{"name": "OAUTH2_PROXY_EMAIL_DOMAINS", "value": "*"}]))
    policy.undecided("spec", sign_in("--email-domain=*", UNKNOWN))


def test_sign_in_cookies():
    policy = on("sign-in-cookies")
    policy.passes(sign_in(*ARGS))
    policy.fails("has --cookie-secure=false", sign_in(*ARGS, "--cookie-secure=false"))
    policy.fails("has --cookie-httponly=false", sign_in(*ARGS, "--cookie-httponly", "false"))
    policy.fails("has no --cookie-samesite=lax", sign_in(*ARGS, "--cookie-samesite=none"))
    policy.fails("keeps sessions for 168h", sign_in("--cookie-samesite=lax"))
    policy.fails("keeps sessions for ever", sign_in(*ARGS, "--cookie-expire=0s"))
    policy.undecided("spec", sign_in(*ARGS, "--cookie-expire=soon"))
    on("sign-in-cookies", max_session="7d").passes(sign_in("--cookie-samesite=lax", "--cookie-expire=24h"))


def test_sign_in_secrets():
    policy = on("sign-in-secrets")
    by_reference = {"name": "OAUTH2_PROXY_CLIENT_SECRET", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}
    policy.passes(sign_in(*ARGS, env=[by_reference]))
    policy.fails("has its client secret in plain text", sign_in(*ARGS, "--client-secret=abc"))
    policy.undecided("spec", sign_in(*ARGS, UNKNOWN))
    policy.fails("has its cookie secret in plain text", sign_in(env=[{"name": "OAUTH2_PROXY_COOKIE_SECRET", "value": "abc"}]))


def test_secret_marked():
    policy = on("kubernetes-secret-marked", SECRET)
    policy.passes(stringData=Secret({"a": "b"}))
    policy.passes(stringData={"a": Secret("b")})
    policy.fails("stringData is plain text", stringData={"a": "b"})
    policy.fails("data is plain text", data={"a": "Yg=="})
    policy.fails("stringData is plain text", stringData={"a": UNKNOWN})


def pod(image: str, context: dict[str, object] | None = None, **more: object) -> dict[str, object]:
    container = {"name": "c", "image": image, "securityContext": context or {}}
    return {"spec": {"template": {"spec": {"containers": [container], **more}}}}


def test_image_pinned():
    policy = on("gateway-image-pinned", DEPLOYMENT)
    policy.passes(**pod("registry:5000/nginx@sha256:abc"))
    policy.passes(**pod("nginxinc/nginx-unprivileged:1.28.0"))
    policy.passes(**pod("example/other"))
    policy.undecided("containers[0].image", **pod(UNKNOWN))
    policy.fails("another image tomorrow", **pod("nginx:latest"))
    policy.fails("containers[0].image is", **pod("registry:5000/oauth2-proxy"))


SAFE: dict[str, object] = {"runAsNonRoot": True, "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False}


def test_pod_hardened():
    policy = on("gateway-pod-hardened", DEPLOYMENT)
    policy.passes(**pod("nginx:1", SAFE, automountServiceAccountToken=False))
    policy.passes(**pod("example/other:1"))
    policy.fails("automountServiceAccountToken is on", **pod("nginx:1", SAFE))
    for name in SAFE:
        policy.fails(f"{name} is not", **pod("nginx:1", {**SAFE, name: None}, automountServiceAccountToken=False))
    inherited = {name: value for name, value in SAFE.items() if name != "runAsNonRoot"}
    policy.passes(**pod("nginx:1", inherited, automountServiceAccountToken=False, securityContext={"runAsNonRoot": True}))
    policy.undecided("securityContext", **pod("nginx:1", {**SAFE, "runAsNonRoot": UNKNOWN}, automountServiceAccountToken=False))
