"""Computes the `totp` member of a field from its otpauth URL or raw seed (RFC 6238)."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, urlsplit

_ALGORITHMS: Final[Mapping[str, str]] = {"SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
_MAX_DIGITS: Final = 10


def code(value: str, *, at: float) -> str | None:
    """Return the code at the given Unix time, or None if the value is no usable seed."""
    try:
        secret, digest, digits, period = _parameters(value)
    except ValueError:  # binascii.Error is one
        return None
    if not secret or period < 1 or not 1 <= digits <= _MAX_DIGITS:
        return None
    mac = hmac.digest(secret, int(at // period).to_bytes(8, "big"), digest)
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def _parameters(value: str) -> tuple[bytes, str, int, int]:
    if not value.startswith("otpauth://"):
        return _decode(value), "sha1", 6, 30
    query = {name.lower(): values[0] for name, values in parse_qs(urlsplit(value).query).items()}
    algorithm = query.get("algorithm", "SHA1").upper()
    if algorithm not in _ALGORITHMS:
        raise ValueError("unknown algorithm")
    return (
        _decode(query.get("secret", "")),
        _ALGORITHMS[algorithm],
        int(query.get("digits", "6")),
        int(query.get("period", "30")),
    )


def _decode(secret: str) -> bytes:
    compact = secret.replace(" ", "").replace("-", "").rstrip("=").upper()
    try:
        return base64.b32decode(compact + "=" * (-len(compact) % 8))
    except binascii.Error as error:
        raise ValueError("not base32") from error
