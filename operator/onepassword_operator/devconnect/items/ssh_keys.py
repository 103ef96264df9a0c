"""SSH keys: derives public key, fingerprint and type of a private key, and makes keys for seeds."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

SEED_BYTES: Final = 32
_TYPES: Final[dict[type, str]] = {
    ed25519.Ed25519PrivateKey: "ed25519",
    rsa.RSAPrivateKey: "rsa",
    ec.EllipticCurvePrivateKey: "ecdsa",
    dsa.DSAPrivateKey: "dsa",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """Values derived from a private key."""

    public_key: str
    fingerprint: str
    key_type: str


def derive(private_key: str) -> Derived | None:
    """Derive public key, fingerprint and type from an unencrypted PEM, PKCS#8 or OpenSSH.

    Return None for any other text.
    """
    load = (
        serialization.load_ssh_private_key
        if "OPENSSH" in private_key
        else serialization.load_pem_private_key
    )
    try:
        key = load(private_key.encode(), password=None)
        public = (
            key.public_key()
            .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
            .decode()
        )
    except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm):
        # Not a key, one with a passphrase, or one of a kind that SSH does not have.
        return None
    digest = hashlib.sha256(base64.b64decode(public.split()[1])).digest()
    kind = next((name for family, name in _TYPES.items() if isinstance(key, family)), "unknown")
    return Derived(
        public_key=public,
        fingerprint="SHA256:" + base64.b64encode(digest).decode().rstrip("="),
        key_type=kind,
    )


def make(seed: bytes) -> str:
    """Make an Ed25519 private key, PKCS#8 in PEM; the same 32 bytes always give the same key."""
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    form = (
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return key.private_bytes(*form).decode()
