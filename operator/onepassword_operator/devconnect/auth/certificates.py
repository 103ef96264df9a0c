"""TLS of the API port: a given certificate, or one made for this server.

The authority that signs a made one is made too, and its key is not kept.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import ipaddress
import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from onepassword_operator.devconnect.durable_file import write_whole

LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")
_VALID: Final = dt.timedelta(days=365)
_RENEWED_BEFORE: Final = dt.timedelta(days=30)
_PARTS: Final = 3
_END: Final = b"-----\n"


class CertificateError(Exception):
    """An unusable certificate or key; the message has the file and the remedy."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SelfMade:
    """Key, certificate, and the authority that clients have to trust; all PEM."""

    key: bytes
    certificate: bytes
    authority: bytes

    @classmethod
    def make(cls, names: Sequence[str]) -> Self:
        """Make a certificate for these host names and addresses."""
        authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        authority = _authority(authority_key)
        known_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
        unsigned = _certificate(key, names, issuer=authority.subject).add_extension(
            known_by, critical=False
        )
        certificate = unsigned.sign(authority_key, hashes.SHA256())
        form = (
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        pem = serialization.Encoding.PEM
        return cls(
            key=key.private_bytes(*form),
            certificate=certificate.public_bytes(pem),
            authority=authority.public_bytes(pem),
        )

    @classmethod
    def keep(cls, path: Path, names: Sequence[str]) -> Self:
        """Read the certificate kept in a file.

        If it is not for these names, or expires soon, make and keep a new one.
        """
        kept = cls._read(path)
        if kept is not None and kept.serves(names):
            return kept
        made = cls.make(names)
        write_whole(path, made.key + made.certificate + made.authority)
        return made

    @classmethod
    def _read(cls, path: Path) -> Self | None:
        parts = path.read_bytes().split(b"-----BEGIN ")[1:] if path.exists() else []
        if len(parts) != _PARTS or not all(part.endswith(_END) for part in parts):
            return None
        key, certificate, authority = (b"-----BEGIN " + part for part in parts)
        return cls(key=key, certificate=certificate, authority=authority)

    def serves(self, names: Sequence[str]) -> bool:
        """Tell whether the certificate is for these names and does not expire soon."""
        certificate = x509.load_pem_x509_certificate(self.certificate)
        known = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        later = dt.datetime.now(dt.UTC) + _RENEWED_BEFORE
        return set(map(_name, names)) <= set(known) and later < certificate.not_valid_after_utc

    def context(self) -> ssl.SSLContext:
        """Return the server's TLS context."""
        with tempfile.TemporaryDirectory() as folder:  # ssl reads files only
            both = Path(folder) / "both.pem"
            write_whole(both, self.key + self.certificate)
            return context(both, both)


def context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Read a certificate with its chain, and its key, or raise CertificateError."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        made.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        raise CertificateError(
            f"{certificate} and {key} do not make a certificate with its unencrypted key, "
            f"both PEM ({error.reason})"
        ) from None
    except OSError as error:
        raise CertificateError(f"cannot read {certificate} or {key} ({error.strerror})") from None
    return made


def _no_password() -> str:
    # Without this OpenSSL would ask on the terminal.
    return ""


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dev-connect authority")])
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
    builder = _builder(name, key, issuer=name).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    return builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())


def _certificate(
    key: ec.EllipticCurvePrivateKey, names: Sequence[str], *, issuer: x509.Name
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dev-connect")])
    usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return (
        _builder(subject, key, issuer=issuer)
        .add_extension(
            x509.SubjectAlternativeName(list(map(_name, dict.fromkeys(names)))), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usages, critical=False)
    )


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, issuer: x509.Name
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        pass
    try:
        return x509.DNSName(text)
    except ValueError:
        raise CertificateError(
            f"{text!r} is neither a host name nor an address; write names of other alphabets in "
            "punycode"
        ) from None
