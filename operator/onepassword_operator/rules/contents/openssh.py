"""Private key in PEM → the same key as `ssh-keygen` writes it, always with the same bytes."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import textwrap
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization.ssh import SSHPrivateKeyTypes

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
_LABEL: Final = re.compile(rb"-----BEGIN ([^-]*PRIVATE KEY)-----")
_LENGTH: Final = rb"(?:[\x00-\x7f]|\x81.|\x82..)"
_OF_SSH: Final = re.compile(
    # A sequence of the version and of a sequence that begins with the kind: RSA, EC or Ed25519.
    rb"\x30%b\x02\x01[\x00\x01]\x30%b(?:"
    rb"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01|"
    rb"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01|"
    rb"\x06\x03\x2b\x65\x70)" % (_LENGTH, _LENGTH),
    re.DOTALL,
)
_Key = PrivateKeyTypes | SSHPrivateKeyTypes | None


def private_key(value: Confidential) -> Confidential | None:
    """Convert a key; None if it is none that SSH uses, or has a passphrase."""
    pem = value.reveal().strip() + b"\n"
    if len(pem) > _MOST_BYTES:
        return None
    try:
        key = _loaded(pem)
        if not isinstance(
            key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
        ) or (isinstance(key, rsa.RSAPrivateKey) and key.key_size < _LEAST_BITS):
            return None
        made = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
    except (ValueError, TypeError, NotImplementedError, UnsupportedAlgorithm, InternalError):
        # No key; one with a passphrase; one with a compressed point; one of a kind not known there;
        # one that OpenSSL does not take.
        return None
    return Confidential(_with_derived_check(made))


def _loaded(pem: bytes) -> _Key:
    labels = _LABEL.findall(pem)
    load: Callable[..., _Key] = serialization.load_pem_private_key
    encoded = pem
    if labels == [b"OPENSSH PRIVATE KEY"]:
        load = serialization.load_ssh_private_key
    elif labels == [b"PRIVATE KEY"]:
        _, _, body = pem.partition(b"-----BEGIN PRIVATE KEY-----")
        body, _, _ = body.partition(b"-----END PRIVATE KEY-----")
        load = serialization.load_der_private_key
        encoded = base64.b64decode(b"".join(body.split()), validate=True)
        # OpenSSL computes for minutes on keys of other kinds, so they are never given to it.
        if not _OF_SSH.match(encoded):
            return None
    elif labels not in ([b"RSA PRIVATE KEY"], [b"EC PRIVATE KEY"]):
        return None
    # The checks of an RSA key take seconds for a large one.
    return load(encoded, password=None, unsafe_skip_rsa_key_validation=True)


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
