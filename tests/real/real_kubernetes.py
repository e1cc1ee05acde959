"""A real Kubernetes API server over a real etcd, with the custom resource definitions that the gates use.

No controllers, nodes or webhooks: it judges an object by its schema, its rules (CEL), and the defaults and admission built into
the server. It says nothing of enforcement.
"""

import json
import re
import secrets
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from certificates import Authority
from real_processes import READY_AFTER, free_port, server

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_DEFINITION = re.compile(r"^kind: CustomResourceDefinition$", re.MULTILINE)
_RESERVED = 404, 503


class RefusedError(ValueError):
    """The API server does not take an object; the message is the server's."""


@dataclass
class KubeApi:
    """A running API server, as somebody who may do everything."""

    url: str
    token: str
    authority: Path
    _kinds: dict[str, Mapping[str, tuple[str, bool]]] = field(default_factory=dict)
    """Of an API version: kind → (name in paths, whether it is in a namespace)."""

    def ask(self, method: str, path: str, body: str | None = None, kind: str = "application/json") -> Any:
        """What the server answers; raises `RefusedError` for an answer of 400 and more."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind, "Accept": "application/json"}
        data = None if body is None else body.encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310  # our own server
        try:
            with urllib.request.urlopen(request, timeout=60, context=self._context()) as answer:  # noqa: S310
                text = answer.read()
        except urllib.error.HTTPError as error:
            text = error.read()
            try:
                said = json.loads(text).get("message", "")
            except ValueError:
                said = text.decode(errors="replace")
            raise RefusedError(f"{error.code}: {said}") from error
        return json.loads(text) if text.startswith(b"{") else text.decode()

    def dry_run(self, wanted: Mapping[str, Any]) -> None:
        """Applies an object as Pulumi does (server-side), strictly and without effect; raises `RefusedError`.

        The namespace is made if it is not there. Unlike elsewhere a field that the schema does not know is an error.
        """
        metadata = wanted.get("metadata") or {}
        if not metadata.get("name"):
            raise RefusedError("metadata.name: the object has no name")
        version, kind = str(wanted.get("apiVersion")), str(wanted.get("kind"))
        known = self._kinds_of(version)
        if kind not in known:
            raise RefusedError(f"no kind {kind} in {version}; it has {', '.join(sorted(known))}")
        plural, in_namespace = known[kind]
        within = ""
        if in_namespace:
            name = metadata.get("namespace") or "default"
            self.make_namespace(name)
            within = f"/namespaces/{name}"
        how = "dryRun=All&fieldValidation=Strict&fieldManager=test&force=true"
        body = json.dumps({**wanted, "apiVersion": version, "kind": kind})
        self.ask("PATCH", f"{_prefix(version)}{within}/{plural}/{metadata['name']}?{how}", body, "application/apply-patch+yaml")

    def make_namespace(self, name: str) -> None:
        """A namespace that is there afterwards."""
        wanted = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.ask("PATCH", f"/api/v1/namespaces/{name}?fieldManager=test&force=true", wanted, "application/apply-patch+yaml")

    def _kinds_of(self, version: str) -> Mapping[str, tuple[str, bool]]:
        if version not in self._kinds:
            try:
                found = self.ask("GET", _prefix(version))["resources"]
            except RefusedError as error:
                raise RefusedError(f"no API version {version}: {error}") from error
            self._kinds[version] = {one["kind"]: (one["name"], one["namespaced"]) for one in found if "/" not in one["name"]}
        return self._kinds[version]

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))


def _prefix(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


@contextmanager
def running(etcd: Path, kube_api_server: Path, home: Path, definitions: Iterable[Path]) -> Iterator[KubeApi]:
    """An API server with the definitions of these files, all of them established."""
    authority = Authority(home / "certificates")
    own = authority.issue("kube-apiserver", hosts=["127.0.0.1", "localhost"])
    accounts = authority.issue("service-accounts")
    token = secrets.token_urlsafe(32)
    (home / "tokens.csv").write_text(f'{token},test,test,"system:masters"\n')
    client, peer, secure = free_port(), free_port(), free_port()
    store = f"http://127.0.0.1:{client}"
    etcd_command: list[str | Path] = [
        etcd,
        f"--data-dir={home / 'etcd'}",
        f"--listen-client-urls={store}",
        f"--advertise-client-urls={store}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-cluster=default=http://127.0.0.1:{peer}",
    ]
    api_command: list[str | Path] = [
        kube_api_server,
        f"--etcd-servers={store}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        f"--secure-port={secure}",
        f"--tls-cert-file={own.certificate}",
        f"--tls-private-key-file={own.key}",
        f"--token-auth-file={home / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={accounts.certificate}",
        f"--service-account-signing-key-file={accounts.key}",
        # Pods would be refused for a default account that no controller has made.
        "--disable-admission-plugins=ServiceAccount",
    ]
    found = KubeApi(f"https://127.0.0.1:{secure}", token, authority.own.certificate)
    with (
        server(etcd_command, home / "etcd.log", lambda: _healthy(store), within=30),
        server(api_command, home / "kube-apiserver.log", lambda: _ready(found)),
    ):
        install(found, definitions)
        yield found


def _healthy(store: str) -> bool:
    try:
        with urllib.request.urlopen(f"{store}/health", timeout=5) as answer:  # noqa: S310  # our own etcd
            return b"true" in answer.read()
    except OSError:
        return False


def _ready(api: KubeApi) -> bool:
    try:
        return bool(api.ask("GET", "/readyz") == "ok")
    except (OSError, RefusedError):
        return False


def install(api: KubeApi, files: Iterable[Path]) -> None:
    """Custom resource definitions, sent as they are written: the server reads YAML far faster than we do."""
    wanted = 0
    for file in files:
        for document in re.split(r"^---.*$", file.read_text(), flags=re.MULTILINE):
            if _DEFINITION.search(document):
                api.ask("POST", DEFINITIONS, document, "application/yaml")
                wanted += 1
    deadline = time.monotonic() + READY_AFTER
    while (established := _established(api)) < wanted:
        if time.monotonic() > deadline:
            raise RefusedError(f"{established} of {wanted} definitions are established")
        time.sleep(0.5)


def _established(api: KubeApi) -> int:
    """How many definitions are served: established, and not before the server lists their objects."""
    served = 0
    for one in api.ask("GET", DEFINITIONS)["items"]:
        said = {each["type"]: each["status"] for each in one.get("status", {}).get("conditions") or ()}
        if said.get("NamesAccepted") == "False":
            raise RefusedError(f"{one['metadata']['name']}: its names are not accepted")
        if said.get("Established") == "True":
            served += _listed(api, one["spec"])
    return served


def _listed(api: KubeApi, definition: Mapping[str, Any]) -> bool:
    version = next(one["name"] for one in definition["versions"] if one["served"])
    try:
        api.ask("GET", f"/apis/{definition['group']}/{version}/{definition['names']['plural']}?limit=1")
    except RefusedError as error:
        if str(error)[:3] in map(str, _RESERVED):
            return False
        raise
    return True
