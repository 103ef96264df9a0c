"""Self-made certificates and keys for programs that listen on loopback; written to files, known to no other machine."""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

A_YEAR = dt.timedelta(days=365)
LOOPBACK = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1")))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """The files of a certificate and of its private key, both PEM."""

    certificate: Path
    key: Path

    def server_tls(self) -> ssl.SSLContext:
        """What a server that shows the certificate speaks."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    """A certificate authority whose files lie in one directory."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signing = x509.KeyUsage(
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
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        builder = self._builder(self._subject, self._key).add_extension(constraints, critical=True).add_extension(signing, critical=True)
        self.certificate = write(directory / "ca.crt", certificate_pem(builder.sign(self._key, hashes.SHA256())))

    def server(self, file_name: str, *, names: Sequence[x509.GeneralName] = LOOPBACK, ends_in: dt.timedelta = A_YEAR) -> KeyPair:
        """A serving certificate, as a rule for the loopback addresses."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        return self._issue(file_name, subject, ExtendedKeyUsageOID.SERVER_AUTH, names=names, ends_in=ends_in)

    def client(self, file_name: str, user: str, groups: Sequence[str]) -> KeyPair:
        """A client certificate as Kubernetes reads it: the user is the common name, the groups are organizations."""
        organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject = x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, user)])
        return self._issue(file_name, subject, ExtendedKeyUsageOID.CLIENT_AUTH)

    def _issue(
        self,
        file_name: str,
        subject: x509.Name,
        usage: x509.ObjectIdentifier,
        *,
        names: Sequence[x509.GeneralName] = LOOPBACK,
        ends_in: dt.timedelta = A_YEAR,
    ) -> KeyPair:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            self._builder(subject, key, ends_in=ends_in)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        certificate = certificate_pem(builder.sign(self._key, hashes.SHA256()))
        return KeyPair(
            certificate=write(self.directory / f"{file_name}.crt", certificate),
            key=write(self.directory / f"{file_name}.key", key_pem(key)),
        )

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, ends_in: dt.timedelta = A_YEAR) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))  # clocks are moved in fault tests
            .not_valid_after(now + ends_in)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )


def signing_key(directory: Path, file_name: str) -> KeyPair:
    """A key pair for service-account tokens; the `certificate` is the bare public key."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return KeyPair(certificate=write(directory / f"{file_name}.pub", public), key=write(directory / f"{file_name}.key", key_pem(key)))


def certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def write(path: Path, content: bytes) -> Path:
    """Write the file, readable by its owner only."""
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path
