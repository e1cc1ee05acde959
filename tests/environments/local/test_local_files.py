"""Files and certificates of the local stack: written whole, for their owner alone, secrets only where they lie."""

import json
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from pulumi_airlock.environments.local import certificates
from pulumi_airlock.environments.local.certificates import LocalCertificatesProvider
from pulumi_airlock.environments.local.files import LocalFilesProvider

FILES, CERTIFICATES = LocalFilesProvider(), LocalCertificatesProvider()


def files(folder: Path, text: str = "one", **more: Any) -> dict[str, Any]:
    return {"folder": str(folder), "files": {"etc/a.json": text}, "random": ["secret"], **more}


def test_files_are_written_changed_and_taken_away(tmp_path: Path) -> None:
    given = files(tmp_path / "x")
    FILES.create(given)
    path = tmp_path / "x" / "etc" / "a.json"
    assert path.read_text() == "one"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert FILES.diff("", given, given).changes is False

    path.write_text("by hand")
    assert FILES.diff("", given, given).changes is True
    FILES.update("", given, files(tmp_path / "x", "two"))
    assert path.read_text() == "two"

    FILES.update("", given, {**given, "files": {}})
    assert not path.exists()
    FILES.delete("", {**given, "files": {}})
    assert not (tmp_path / "x").exists()


def test_a_secret_is_made_once_and_is_in_its_file_alone(tmp_path: Path) -> None:
    given = files(tmp_path)
    outs = FILES.create(given).outs
    secret = (tmp_path / "secret").read_text()
    assert len(secret) >= 43
    assert secret not in json.dumps(outs)
    FILES.update("", given, files(tmp_path, "two"))
    assert (tmp_path / "secret").read_text() == secret


def names(folder: Path) -> dict[str, Any]:
    return {"folder": str(folder), "names": {"proxy": ["127.0.0.1", "proxy.local"], "airflow": []}}


def test_certificates_hold_for_their_names_and_nothing_else(tmp_path: Path) -> None:
    CERTIFICATES.create(names(tmp_path))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "proxy" / "ca.crt"))
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(tmp_path / "proxy" / "tls.crt", tmp_path / "proxy" / "tls.key")

    def shaken(host: str, client: str) -> bool:
        context = ssl.create_default_context(cafile=str(tmp_path / "proxy" / "ca.crt"))
        context.load_cert_chain(tmp_path / client / "tls.crt", tmp_path / client / "tls.key")
        return _handshake(server, context, host)

    assert shaken("proxy.local", "airflow")
    assert shaken("127.0.0.1", "airflow")
    assert not shaken("elsewhere.local", "airflow")
    assert not shaken("proxy.local", "proxy")  # a server's certificate is no client's


def test_they_are_renewed_by_the_same_authority_before_they_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = names(tmp_path)
    CERTIFICATES.create(given)
    assert CERTIFICATES.diff("", given, given).changes is False
    authority, before = (tmp_path / "proxy" / "ca.crt").read_bytes(), _serial(tmp_path / "proxy" / "tls.crt")

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz or UTC) + timedelta(days=21)

    monkeypatch.setattr(certificates, "datetime", Later)
    assert CERTIFICATES.diff("", given, given).changes is True
    CERTIFICATES.update("", given, given)
    assert (tmp_path / "proxy" / "ca.crt").read_bytes() == authority
    assert _serial(tmp_path / "proxy" / "tls.crt") != before


def test_no_key_is_in_the_state(tmp_path: Path) -> None:
    outs = CERTIFICATES.create(names(tmp_path)).outs
    assert "PRIVATE" not in json.dumps(outs)
    assert all(stat.S_IMODE(one.stat().st_mode) == 0o600 for one in tmp_path.glob("*/tls.key"))


def _serial(path: Path) -> int:
    return x509.load_pem_x509_certificate(path.read_bytes()).serial_number


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> bool:
    """Whether both ends accept each other, over memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(6):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return ends[1].version() is not None
