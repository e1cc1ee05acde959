"""What the proxy is shown, and what it says of itself: TLS is real, the proxy a server of the test's own."""

import base64
import json
import os
import ssl
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from airlock_provider import aws, google, settings, tunnels
from airlock_provider import certificates as shown
from airlock_provider.forwarder import TlsFiles
from airlock_provider.manifest import Destination, Proxy
from airlock_provider.manifest import Settings as ConnectionSettings
from moto import mock_aws
from provider_fakes import Fake

_REAL = str(Path(__file__).parents[1] / "real")
if _REAL not in sys.path:
    sys.path.insert(0, _REAL)

from certificates import Authority  # noqa: E402


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@contextmanager
def proxy(authority: Authority, answer: Any, status: int = 200) -> Iterator[Proxy]:
    """A server that takes clients with a certificate of the authority alone, and answers about its manifests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status if self.path == "/airlock/manifest" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    own = authority.issue("proxy", hosts=["proxy.test"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.own.certificate))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(own.certificate, own.key)

    class Server(ThreadingHTTPServer):
        def get_request(self) -> Any:
            raw, address = super().get_request()
            return context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, *_: Any) -> None:
            return

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Proxy("tcp_proxy", f"127.0.0.1:{server.server_address[1]}", "proxy.test", ("z",), {})
        server.shutdown()
        thread.join()


def files(authority: Authority, monkeypatch: pytest.MonkeyPatch, **more: str) -> TlsFiles:
    client = authority.issue("airflow")
    named = {
        "client_certificate": str(client.certificate),
        "client_key": str(client.key),
        "proxy_ca": str(authority.own.certificate),
        **more,
    }
    for name, value in named.items():
        monkeypatch.setenv(f"AIRFLOW__AIRLOCK__{name.upper()}", value)
    settings.current.cache_clear()
    return shown.tls(settings.current())


def test_the_proxy_says_which_manifest_it_goes_by(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    with proxy(authority, {"finance": "abc", "risk": "def"}) as one:
        assert tunnels.policy(one, "finance", files(authority, monkeypatch)) == "abc"


@pytest.mark.parametrize(("answer", "status"), [({"risk": "x"}, 200), ([], 200), (b"<html>", 200), ({"finance": "abc"}, 404)])
def test_a_proxy_that_does_not_say_is_told(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, answer: Any, status: int
) -> None:
    with proxy(authority, answer, status) as one, pytest.raises(OSError, match="tcp_proxy does not say which manifest"):
        tunnels.policy(one, "finance", files(authority, monkeypatch))


def test_whoever_answers_in_the_proxys_place_is_not_believed(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other")
    with proxy(other, {"finance": "abc"}) as one, pytest.raises(ssl.SSLCertVerificationError):
        tunnels.policy(one, "finance", files(authority, monkeypatch))


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> Iterator[Callable[..., str]]:
    """`secret(pair)`: puts a certificate into Secrets Manager (moto); returns its ARN."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    aws.forget()
    with mock_aws():
        import boto3

        client = boto3.client("secretsmanager", region_name="eu-west-1")

        def put(pair: Any, text: str = "") -> str:
            text = text or json.dumps({"certificate": pair.certificate.read_text(), "key": pair.key.read_text()})
            try:
                return str(client.create_secret(Name="airlock/client", SecretString=text)["ARN"])
            except client.exceptions.ResourceExistsException:
                return str(client.put_secret_value(SecretId="airlock/client", SecretString=text)["ARN"])

        yield put


def test_where_there_is_no_place_for_files_the_certificate_is_of_a_secret_in_its_own_region(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, secret: Callable[..., str]
) -> None:
    arn = secret(authority.issue("airflow"))

    def no_file(*_: object, **__: object) -> None:
        raise AssertionError("a private key on a disk")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", no_file)
    with proxy(authority, {"finance": "abc"}) as one:
        made = files(authority, monkeypatch, client_certificate=f"aws-secret:{arn}", client_key="")
        assert tunnels.policy(one, "finance", made) == "abc"


def test_a_new_certificate_is_taken_when_it_is_time_and_the_old_one_while_there_is_none(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, secret: Callable[..., str]
) -> None:
    arn = secret(authority.issue("first"))
    monkeypatch.setattr(shown, "KEPT", -1.0)

    def again() -> TlsFiles:
        return files(authority, monkeypatch, client_certificate=f"aws-secret:{arn}", client_key="")

    made = again()
    first = made.context()
    assert made.context() is first
    secret(authority.issue("second"))
    again()  # as before each new connection: also what is in use has the new one then
    second = made.context()
    assert second is not first
    secret(None, "{}")
    again()
    assert made.context() is second
    with proxy(authority, {"finance": "abc"}) as one:
        assert tunnels.policy(one, "finance", made) == "abc"


def test_a_certificate_needs_no_memory_file_where_the_system_has_none(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, secret: Callable[..., str], tmp_path: Path
) -> None:
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    arn = secret(authority.issue("airflow"))
    assert files(authority, monkeypatch, client_certificate=f"aws-secret:{arn}", client_key="").context()
    assert not list(tmp_path.glob("airlock-*"))


def test_a_secret_that_is_none_is_told_without_what_it_has(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, secret: Callable[..., str]
) -> None:
    arn = secret(None, '{"cert": "hidden-1"}')
    shown._read.clear()
    with pytest.raises(OSError, match="is no JSON with certificate and key") as caught:
        files(authority, monkeypatch, client_certificate=f"aws-secret:{arn}", client_key="")
    assert "hidden-1" not in str(caught.value)


def test_at_google_it_is_of_secret_manager(authority: Authority, monkeypatch: pytest.MonkeyPatch, fake: Fake) -> None:
    pair = authority.issue("airflow")
    text = json.dumps({"certificate": pair.certificate.read_text(), "key": pair.key.read_text()})
    name = "projects/bank/secrets/client"
    monkeypatch.setenv("GCE_METADATA_HOST", fake.url.removeprefix("http://"))
    monkeypatch.setattr(shown, "GOOGLE", f"{fake.url}/v1")
    google.forget()
    fake.answers |= {
        "/computeMetadata/v1/instance/service-accounts/default/token": {"access_token": "ya29.x", "expires_in": 3600},
        f"/v1/{name}/versions/latest:access": {"payload": {"data": base64.b64encode(text.encode()).decode()}},
    }
    with proxy(authority, {"finance": "abc"}) as one:
        made = files(authority, monkeypatch, client_certificate=f"gcp-secret:{name}", client_key="")
        assert tunnels.policy(one, "finance", made) == "abc"
    shown._read.clear()
    del fake.answers[f"/v1/{name}/versions/latest:access"]
    with pytest.raises(OSError, match=r"the client's certificate is not to be had: .* answers 404"):
        files(authority, monkeypatch, client_certificate=f"gcp-secret:{name}", client_key="")


@pytest.mark.parametrize(
    ("targets", "said", "found"),
    [
        (("a.example:1521",), None, ("a.example", 1521)),
        (("*.b.example:443", "a.example:443"), None, ("a.example", 443)),
        (("k.example:9093-9095",), None, ("k.example", 9093)),
        (("k.example:9093-9095",), ConnectionSettings(port=9094), ("k.example", 9094)),
        (("10.1.2.0/28:5432",), ConnectionSettings(host="10.1.2.3"), ("10.1.2.3", 5432)),
        (("[2001:db8::1]:443",), None, ("2001:db8::1", 443)),
        (("[2001:db8::/64]:443",), ConnectionSettings(host="2001:db8::2", port=443), ("2001:db8::2", 443)),
    ],
)
def test_a_connection_leads_to_one_address(
    targets: tuple[str, ...], said: ConnectionSettings | None, found: tuple[str, int]
) -> None:
    destination = Destination("d", ("d",), None, "z", None, targets)
    assert tunnels.target_of(destination, said) == found


@pytest.mark.parametrize("targets", [("*.b.example:443",), ("10.1.2.0/28:5432",), ("[2001:db8::/64]:443",)])
def test_a_destination_of_many_addresses_needs_one_of_them(targets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="has no single address"):
        tunnels.target_of(Destination("d", ("d",), None, "z", None, targets))


def test_each_principal_may_have_a_certificate_of_its_own(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = authority.issue("ledger", unit="finance")
    place = str(pair.certificate.parent / "finance.{principal}")
    files(authority, monkeypatch, client_certificate=f"{place}.crt", client_key=f"{place}.key")
    options = settings.current()
    with proxy(authority, {"finance": "abc"}) as one:
        assert tunnels.policy(one, "finance", shown.tls(options, "ledger")) == "abc"
    with pytest.raises(FileNotFoundError, match=r"finance\.other\.crt"):
        shown.tls(options, "other").context()
    # Whose it is to be is not known yet: nothing is shown, and nothing fails.
    assert shown.tls(options).context()


def test_a_certificate_of_each_principal_may_be_a_secret(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, secret: Callable[..., str]
) -> None:
    arn = secret(authority.issue("airflow"))
    template = arn.replace("client", "{principal}", 1)
    files(authority, monkeypatch, client_certificate=f"aws-secret:{template}", client_key="")
    assert shown.tls(settings.current(), "client").context()
    assert f"aws-secret:{arn}" in shown._read
