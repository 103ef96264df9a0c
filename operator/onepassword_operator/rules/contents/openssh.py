"""Private key in PEM → the same key as `ssh-keygen` writes it, always with the same bytes."""

from __future__ import annotations

import base64
import hashlib
import struct
import textwrap
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from onepassword_operator.model.confidential import Confidential

_MOST_BYTES: Final = 32 * 1024
"""A key of RSA with 16,384 bits has 13,000."""
_LEAST_BITS: Final = 1024
"""Of an RSA key that OpenSSH reads."""
_BEGIN: Final = b"-----BEGIN OPENSSH PRIVATE KEY-----\n"
_END: Final = b"-----END OPENSSH PRIVATE KEY-----\n"
_MAGIC: Final = b"openssh-key-v1\0"
_STRINGS: Final = 3
"""The names of cipher and key derivation, and the options of the latter."""


def private_key(value: Confidential) -> Confidential | None:
    """Convert a key; None if it is none that SSH uses, or has a passphrase."""
    pem = value.reveal().strip() + b"\n"
    if len(pem) > _MOST_BYTES:
        return None
    load = (
        serialization.load_ssh_private_key
        if b"OPENSSH PRIVATE KEY" in pem
        else serialization.load_pem_private_key
    )
    try:
        # The checks of an RSA key take seconds for a large one.
        key = load(pem, password=None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(
            key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
        ) or (isinstance(key, rsa.RSAPrivateKey) and key.key_size < _LEAST_BITS):
            return None
        made = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
    except (ValueError, TypeError, NotImplementedError, UnsupportedAlgorithm):
        # No key; one with a passphrase; one with a compressed point; one of a kind not known there.
        return None
    return Confidential(_with_derived_check(made))


def _with_derived_check(made: bytes) -> bytes:
    # The private section begins with four bytes, twice, that tell a wrong passphrase. They are
    # random; here the same key has to give the same bytes.
    blob = bytearray(base64.b64decode(made.removeprefix(_BEGIN).removesuffix(_END)))
    at = len(_MAGIC)
    for _ in range(_STRINGS):
        at = _after_string(blob, at)
    at = _after_string(blob, at + 4) + 4  # behind the number of keys, the public key, and a length
    check = hashlib.sha256(blob[at + 8 :]).digest()[:4]
    blob[at : at + 8] = check * 2
    lines = textwrap.wrap(base64.b64encode(blob).decode(), 70)
    return _BEGIN + "".join(f"{line}\n" for line in lines).encode() + _END


def _after_string(blob: bytearray, at: int) -> int:
    (length,) = struct.unpack_from(">I", blob, at)
    return at + 4 + int(length)
