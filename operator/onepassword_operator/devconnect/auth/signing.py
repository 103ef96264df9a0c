"""The key that signs a server's tokens: ES256, ECDSA over P-256 with SHA-256 (RFC 7518, 3.4)."""

from __future__ import annotations

import hashlib
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from onepassword_operator.devconnect import ids

_NUMBER_BYTES: Final = 32
_HASHED: Final = ec.ECDSA(hashes.SHA256())


class SigningKey:
    """A private key; signatures are the two numbers of ECDSA side by side, as JWTs carry them."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        public = key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
        )
        self.id = ids.derive("key", hashlib.sha256(public).hexdigest())

    @classmethod
    def make(cls) -> Self:
        """Make a new key."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def load(cls, pem: bytes) -> Self:
        """Read a key written by `pem`; anything else is a ValueError."""
        key = serialization.load_pem_private_key(pem, password=None)
        if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
            return cls(key)
        raise ValueError("not a private key of the curve P-256")

    def pem(self) -> bytes:
        """Write the key, so that tokens stay valid after a restart."""
        form = (
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return self._key.private_bytes(*form)

    def sign(self, message: bytes) -> bytes:
        """Sign a message."""
        r, s = decode_dss_signature(self._key.sign(message, _HASHED))
        return r.to_bytes(_NUMBER_BYTES, "big") + s.to_bytes(_NUMBER_BYTES, "big")

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether this key made the signature."""
        if len(signature) != 2 * _NUMBER_BYTES:
            return False
        r = int.from_bytes(signature[:_NUMBER_BYTES], "big")
        s = int.from_bytes(signature[_NUMBER_BYTES:], "big")
        try:
            self._key.public_key().verify(encode_dss_signature(r, s), message, _HASHED)
        except InvalidSignature:
            return False
        return True
