"""A certificate authority of a test's own, as a mesh has one: certificates whose names are SPIFFE URIs."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=2)


@dataclass(frozen=True)
class Pair:
    """The files of a certificate and its key, as PEM."""

    certificate: Path
    key: Path


def _write(folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    made = Pair(folder / f"{name}.crt", folder / f"{name}.key")
    made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    made.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    made.key.chmod(0o600)
    return made


def _subject(common_name: str, organization: str | None = None, unit: str | None = None) -> x509.Name:
    found = {NameOID.ORGANIZATION_NAME: organization, NameOID.ORGANIZATIONAL_UNIT_NAME: unit, NameOID.COMMON_NAME: common_name}
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in found.items() if text])


class Authority:
    """Signs certificates into a folder; its own is `authority.crt` there."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _subject(name)
        now = datetime.now(UTC)
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            x509.CertificateBuilder(self._name, self._name, self._key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.own = _write(folder, name, certificate, self._key)

    def issue(
        self,
        name: str,
        uris: Sequence[str] = (),
        hosts: Sequence[str] = (),
        organization: str | None = None,
        unit: str | None = None,
    ) -> Pair:
        """A certificate for client and server: `uris` and `hosts` (names and addresses) are its alternative names.

        `name`: of its files, behind the unit, and the common name. `organization`: what Kubernetes takes for the group.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        both = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        builder = (
            x509.CertificateBuilder(self._name, _subject(name, organization, unit), key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + LIFETIME)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(both), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        others: list[x509.GeneralName] = [*map(x509.UniformResourceIdentifier, uris), *map(_general_name, hosts)]
        if others:
            builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
        return _write(self.folder, f"{unit}.{name}" if unit else name, builder.sign(self._key, hashes.SHA256()), key)

    def workload(self, namespace: str, service_account: str, trust_domain: str = "cluster.local") -> Pair:
        """As Istio names a workload: `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`."""
        uri = f"spiffe://{trust_domain}/ns/{namespace}/sa/{service_account}"
        return self.issue(f"{namespace}-{service_account}", uris=[uri])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
