"""The local stack's own authority as a Pulumi resource, and the certificates that proxy and tasks show each other.

Keys lie in the folder alone, readable by their owner; the state knows names and the last day. Certificates are renewed by the
update that finds a third of their life left: whoever watches the folder (Envoy by SDS) takes them without a restart.
"""

import ipaddress
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pulumi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from .files import take_away, write

AUTHORITY_LIFE = timedelta(days=365)
LIFE = timedelta(days=30)
CERTIFICATE, KEY, AUTHORITY = "tls.crt", "tls.key", "ca.crt"
"""Names of the files, as cert-manager and Kubernetes' secrets of type `kubernetes.io/tls` have them."""
_OWN = "authority"
_SKEW = timedelta(minutes=5)
_PEM = serialization.Encoding.PEM


class LocalCertificatesProvider(ResourceProvider):
    """Makes the authority once, and certificates again and again."""

    serialize_as_secret_always = False

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Other names, missing files and certificates near their end are made anew; another folder replaces all."""
        if olds["folder"] != news["folder"]:
            return DiffResult(changes=True, replaces=["folder"])
        return DiffResult(changes=olds["names"] != news["names"] or not _fresh(news))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """The authority where there is none, and a certificate for each name."""
        folder = Path(props["folder"])
        authority, key = _authority(folder)
        for name, hosts in props["names"].items():
            _certificate(folder, name, hosts, authority, key)
        return CreateResult(str(folder), {**props, "until": (datetime.now(UTC) + LIFE).date().isoformat()})

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Certificates anew, by the same authority."""
        return UpdateResult(self.create(news).outs)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Takes keys and certificates away."""
        for name in (_OWN, *props["names"]):
            for file in (CERTIFICATE, KEY, AUTHORITY):
                take_away(Path(props["folder"]) / name / file)


class LocalCertificates(Resource, module="airlock", name="LocalCertificates"):
    """Certificates (ECDSA P-256, PEM) in a folder: `<name>/tls.crt`, `<name>/tls.key`, and `<name>/ca.crt`, which signed it."""

    until: pulumi.Output[str]
    """The last day of the certificates."""

    def __init__(
        self, name: str, *, folder: Path, names: Mapping[str, list[str]], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """`names`: a certificate's name → the host names and addresses that it stands for; none for a client's."""
        props = {"folder": str(folder), "names": {key: list(hosts) for key, hosts in names.items()}, "until": None}
        super().__init__(LocalCertificatesProvider(), name, props, opts)


def _authority(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate, key = folder / _OWN / CERTIFICATE, folder / _OWN / KEY
    if certificate.exists() and key.exists():
        found = serialization.load_pem_private_key(key.read_bytes(), None)
        assert isinstance(found, ec.EllipticCurvePrivateKey)  # noqa: S101  # ours are
        return x509.load_pem_x509_certificate(certificate.read_bytes()), found
    made = ec.generate_private_key(ec.SECP256R1())
    name = _name("Airlock local authority")
    builder = _builder(name, made.public_key(), AUTHORITY_LIFE).issuer_name(name)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    signed = builder.sign(made, hashes.SHA256())
    _keep(folder / _OWN, signed, made)
    return signed, made


def _certificate(
    folder: Path, name: str, hosts: list[str], authority: x509.Certificate, signer: ec.EllipticCurvePrivateKey
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    usage = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = _builder(_name(name), key.public_key(), LIFE).issuer_name(authority.subject)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([_general(one) for one in hosts or [name]]), critical=False)
    write(folder / name / AUTHORITY, authority.public_bytes(_PEM).decode())
    _keep(folder / name, builder.sign(signer, hashes.SHA256()), key)


def _builder(subject: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).public_key(key).serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - _SKEW).not_valid_after(now + life)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _keep(folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write(folder / KEY, private.decode())
    write(folder / CERTIFICATE, certificate.public_bytes(_PEM).decode())


def _fresh(props: Mapping[str, Any]) -> bool:
    folder, now = Path(props["folder"]), datetime.now(UTC)
    for name in (_OWN, *props["names"]):
        try:
            found = x509.load_pem_x509_certificate((folder / name / CERTIFICATE).read_bytes())
        except OSError:
            return False
        life = found.not_valid_after_utc - found.not_valid_before_utc
        if not (folder / name / KEY).exists() or found.not_valid_after_utc - now < life / 3:
            return False
    return True
