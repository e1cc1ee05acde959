"""The configuration of nginx for a plan: one text, the same for the same plan. No SDK in here.

Why it is as it is:
- Groups are asked of oauth2-proxy at each request (`/oauth2/auth?allowed_groups=…`): whoever has none of them gets 403 of
  `auth_request`, before anything is passed on, so that `upstream_status` stays empty in the log.
- Which groups may send a request is decided by maps over `<method> <path>`, nginx's own decoded path; `$uri` of an authentication
  subrequest is another, hence `set` in the location.
- A path that nginx reads in another way than whoever is behind it (`/execution/../dags`) is refused before any location is
  looked for.
- `proxy_set_header` is not inherited into a block that sets one: each location says them all.
- Whoever is behind is called by its own name (`Host`): a sidecar of Istio finds its way by that name, and gives up mTLS for one
  that it does not know. What people typed is in `X-Forwarded-Host`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from .paths import request_regex
from .plan import (
    EMAIL,
    GATEWAY_PORT,
    GROUPS,
    HEALTH_PORT,
    IDENTITY_HEADERS,
    NOBODY,
    REDIRECT_PORT,
    SECRET_HEADER,
    SIGN_IN_PATH,
    GatewayPlan,
    Grant,
    Site,
)

SECRET_FILE = "/etc/nginx/gateway/secret.map"  # noqa: S105  # where the secret is mounted, not one
TLS_FOLDER = "/etc/nginx/tls"
LOG_FIELDS = {
    "time": "$time_iso8601",
    "request_id": "$request_id",
    "client": "$remote_addr",
    "host": "$host",
    "user": "$airlock_email",
    "groups": "$airlock_groups",
    "method": "$request_method",
    "uri": "$airlock_path",
    "status": "$status",
    "upstream_status": "$upstream_status",
    "route": "$airlock_route",
    "tls": "$ssl_protocol",
    "tls_cipher": "$ssl_cipher",
    "request_time": "$request_time",
    "bytes": "$bytes_sent",
    "user_agent": "$http_user_agent",
}
"""Field of a line of the access log → nginx's variable. `uri` is the path as it was sent, without its query.

A query may hold codes of a sign-in.
"""
REQUIRED_FIELDS = (
    "time",
    "request_id",
    "user",
    "groups",
    "method",
    "uri",
    "status",
    "upstream_status",
    "route",
    "tls",
    "request_time",
)
"""Those without which an audit, and `airlock explain --from-response`, cannot tell who was refused by whom."""
_HSTS = "max-age=31536000"
_AMBIGUOUS = r"~*(?s)^[^?]*(?:(?:/|%2f|\\|%5c)(?:\.|%2e){1,2}(?:/|%2f|\\|%5c|\?|\z)|\\|%5c|%00)"
"""Paths with segments that are a dot or two, encoded or not, or with backslashes: nginx resolves them and passes on what came."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where things are to the nginx that runs it: in the container, unless a test says otherwise."""

    tls: str = TLS_FOLDER
    """The folder of `tls.crt` and `tls.key`."""
    secret: str = SECRET_FILE
    """A file with the gateway's secret, as an entry of a map."""
    temporary: str = "/tmp"  # noqa: S108  # the container's
    ports: tuple[int, int, int] = (GATEWAY_PORT, REDIRECT_PORT, HEALTH_PORT)
    """For TLS, for redirects to it, for probes."""


def nginx_conf(plan: GatewayPlan, sign_in: str, place: Place | None = None) -> str:
    """The text of `nginx.conf`. `sign_in`: host and port of oauth2-proxy."""
    place = place or Place()
    lines = [*_head(place), *(f"    {line}" if line else "" for line in _http(plan, sign_in, place)), "}"]
    return "\n".join(lines) + "\n"


def _head(place: Place) -> Iterator[str]:
    yield "# Made by Airlock from the routes of people; edits are lost."
    yield "worker_processes auto;"
    yield f"pid {place.temporary}/nginx.pid;"
    yield "error_log /dev/stderr warn;"
    yield ""
    yield "events {"
    yield "    worker_connections 1024;"
    yield "}"
    yield ""
    yield "http {"


def _http(plan: GatewayPlan, sign_in: str, place: Place) -> Iterator[str]:
    yield "default_type text/plain;"
    yield "server_tokens off;"
    for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
        yield f"{name}_temp_path {place.temporary}/{name};"
    yield "uninitialized_variable_warn off;"
    yield ""
    yield from _log()
    yield ""
    yield "# Names with underscores become the same header as those with dashes behind a WSGI server: nginx drops them."
    yield "underscores_in_headers off;"
    yield "ignore_invalid_headers on;"
    yield "merge_slashes on;"
    yield f"client_max_body_size {plan.body_limit};"
    yield "client_body_timeout 30s;"
    yield "client_header_timeout 30s;"
    yield "large_client_header_buffers 4 16k;"
    yield "keepalive_timeout 65s;"
    yield ""
    yield f"ssl_certificate {place.tls}/tls.crt;"
    yield f"ssl_certificate_key {place.tls}/tls.key;"
    yield "ssl_protocols TLSv1.2 TLSv1.3;"
    yield "ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;"
    yield "ssl_session_cache shared:airlock:10m;"
    yield "ssl_session_timeout 1h;"
    yield "ssl_session_tickets off;"
    yield ""
    yield from _maps(plan, place.secret)
    yield ""
    yield "upstream airlock_sign_in {"
    yield f"    server {sign_in};"
    yield "    keepalive 16;"
    yield "}"
    for number, site in enumerate(plan.sites):
        yield f"upstream airlock_{number} {{  # {site.key}"
        yield f"    server {site.upstream.host}:{site.upstream.port};"
        yield "    keepalive 16;"
        yield "}"
    yield ""
    yield from _other_servers(plan, place.ports)
    for number, site in enumerate(plan.sites):
        yield ""
        yield from _server(site, number, place.ports[0], sign_in)


def _log() -> Iterator[str]:
    yield "log_format airlock escape=json"
    fields = [f'"{name}":"{variable}"' for name, variable in LOG_FIELDS.items()]
    for number, field in enumerate(fields):
        begin, end = "{" if number == 0 else "", "}" if number == len(fields) - 1 else ","
        yield f"    '{begin}{field}{end}'{';' if end == '}' else ''}"
    yield "access_log /dev/stdout airlock;"


def _maps(plan: GatewayPlan, secret: str) -> Iterator[str]:
    yield "# Only this file tells Airflow that a request came through here."
    yield "map $host $airlock_secret {"
    yield f"    include {secret};"
    yield "}"
    yield "map $request_uri $airlock_ambiguous {"
    yield "    default 0;"
    yield f'    "{_in_quotes(_AMBIGUOUS)}" 1;'
    yield "}"
    yield "map $request_uri $airlock_path {"
    yield "    default $request_uri;"
    yield '    "~^(?<airlock_raw>[^?]*)" $airlock_raw;'
    yield "}"
    yield "# Of credentials only the token of Airflow's own API goes on."
    yield "map $http_authorization $airlock_authorization {"
    yield '    default "";'
    yield '    "~*^Bearer " $http_authorization;'
    yield "}"
    yield "map $airlock_granted $airlock_route {"
    yield '    default "";'
    yield '    "~^,(?<airlock_names>.+)" $airlock_names;'
    yield "}"
    yield "# A page is sent to sign in; what a script asks for gets 401."
    yield "map $http_accept $airlock_unauthorized {"
    yield "    default /airlock/unauthorized;"
    yield f'    "~*text/html" {SIGN_IN_PATH}sign_in;'
    yield "}"
    for number, site in enumerate(plan.sites):
        for place, grant in enumerate(site.grants):
            yield from _grant(grant, f"{number}_{place}")


def _grant(grant: Grant, suffix: str) -> Iterator[str]:
    regex = request_regex(grant.methods, grant.paths, grant.without)
    for what, values in (("groups", [quote(one, safe="") for one in grant.groups]), ("routes", list(grant.routes))):
        yield f'map "$request_method $airlock_uri" $airlock_{what}_{suffix} {{'
        yield '    default "";'
        yield f'    "~{_in_quotes(regex)}" ",{",".join(values)}";'
        yield "}"


def _in_quotes(text: str) -> str:
    """A text as nginx reads it back from between double quotes, where a backslash before another is dropped."""
    return text.replace("\\\\", "\\\\\\\\")


def _other_servers(plan: GatewayPlan, ports: tuple[int, int, int]) -> Iterator[str]:
    tls_port, redirect_port, health_port = ports
    yield "server {  # a name that is none of ours"
    yield f"    listen {tls_port} ssl default_server;"
    yield "    ssl_reject_handshake on;"
    yield "}"
    yield "server {"
    yield f"    listen {redirect_port} default_server;"
    yield "    return 444;"
    yield "}"
    yield "server {"
    yield f"    listen {redirect_port};"
    yield f"    server_name {' '.join(host.lower() for site in plan.sites for host in site.hosts)};"
    yield "    return 308 https://$host$request_uri;"
    yield "}"
    yield "server {  # probes of the kubelet"
    yield f"    listen {health_port};"
    yield "    access_log off;"
    yield "    location = /healthz {"
    yield "        return 200;"
    yield "    }"
    yield "    location / {"
    yield "        return 404;"
    yield "    }"
    yield "}"


def _server(site: Site, number: int, port: int, sign_in: str) -> Iterator[str]:
    groups = "".join(f"$airlock_groups_{number}_{place}" for place in range(len(site.grants)))
    routes = "".join(f"$airlock_routes_{number}_{place}" for place in range(len(site.grants)))
    yield f"server {{  # {site.key}"
    yield f"    listen {port} ssl;"
    yield f"    server_name {' '.join(host.lower() for host in site.hosts)};"
    yield f'    add_header Strict-Transport-Security "{_HSTS}" always;'
    yield "    add_header X-Request-Id $request_id always;"
    yield ""
    yield "    if ($airlock_ambiguous) {"
    yield "        return 400;"
    yield "    }"
    yield ""
    yield "    # Tasks report here, inside the cluster."
    yield "    location = /execution {"
    yield "        return 404;"
    yield "    }"
    yield "    location ^~ /execution/ {"
    yield "        return 404;"
    yield "    }"
    yield ""
    yield "    location = /airlock/auth {"
    yield "        internal;"
    yield f"        proxy_pass http://airlock_sign_in{SIGN_IN_PATH}auth?allowed_groups={NOBODY}{groups};"
    yield "        proxy_pass_request_body off;"
    yield '        proxy_set_header Content-Length "";'
    yield from _towards_sign_in(sign_in)
    yield "    }"
    yield "    location = /airlock/unauthorized {"
    yield "        internal;"
    yield "        return 401;"
    yield "    }"
    yield f"    location = {SIGN_IN_PATH}auth {{"
    yield "        return 404;"
    yield "    }"
    yield f"    location ^~ {SIGN_IN_PATH} {{"
    yield "        proxy_pass http://airlock_sign_in;"
    yield from _towards_sign_in(sign_in, "X-Auth-Request-Redirect")
    yield "        proxy_set_header X-Auth-Request-Redirect $request_uri;"
    yield "    }"
    yield ""
    yield "    location / {"
    yield "        set $airlock_uri $uri;"
    yield f'        set $airlock_granted "{routes}";'
    yield "        auth_request /airlock/auth;"
    yield f"        auth_request_set $airlock_user $upstream_http_{_variable('X-Auth-Request-User')};"
    yield f"        auth_request_set $airlock_email $upstream_http_{_variable(EMAIL)};"
    yield f"        auth_request_set $airlock_groups $upstream_http_{_variable(GROUPS)};"
    yield "        error_page 401 = $airlock_unauthorized;"
    yield f"        proxy_pass http://airlock_{number};"
    yield from _headers(site.upstream.host, "$airlock_authorization", leave=("X-Auth-Request-User", EMAIL, GROUPS, SECRET_HEADER))
    yield "        proxy_set_header X-Auth-Request-User $airlock_user;"
    yield f"        proxy_set_header {EMAIL} $airlock_email;"
    yield f"        proxy_set_header {GROUPS} $airlock_groups;"
    yield f"        proxy_set_header {SECRET_HEADER} $airlock_secret;"
    yield "        proxy_read_timeout 120s;"
    yield "    }"
    yield "}"


def _variable(header: str) -> str:
    return header.lower().replace("-", "_")


def _towards_sign_in(sign_in: str, *leave: str) -> Iterator[str]:
    # oauth2-proxy takes a bearer token for a sign-in where it is told to: here it never sees one.
    yield from _headers(sign_in.partition(":")[0], '""', leave=leave)


def _headers(host: str, authorization: str, leave: Sequence[str]) -> Iterator[str]:
    yield "        proxy_http_version 1.1;"
    yield '        proxy_set_header Connection "";'
    yield '        proxy_set_header Upgrade "";'
    yield f"        proxy_set_header Host {host};"
    yield f"        proxy_set_header Authorization {authorization};"
    yield "        proxy_set_header X-Request-Id $request_id;"
    yield "        proxy_set_header X-Real-IP $remote_addr;"
    yield "        proxy_set_header X-Forwarded-For $remote_addr;"
    yield "        proxy_set_header X-Forwarded-Host $host;"
    yield "        proxy_set_header X-Forwarded-Proto https;"
    yield "        proxy_set_header X-Forwarded-Port 443;"
    yield "        proxy_set_header X-Forwarded-Uri $request_uri;"
    yield '        proxy_set_header X-Forwarded-Prefix "";'
    yield '        proxy_set_header X-Original-URL "";'
    yield '        proxy_set_header X-HTTP-Method-Override "";'
    yield '        proxy_set_header Forwarded "";'
    for name in IDENTITY_HEADERS:
        if name not in leave:
            yield f'        proxy_set_header {name} "";'
