"""Ids of 26 base32 characters, derived from names, so that a restart gives the same ids."""

from __future__ import annotations

import base64
import hashlib
import re

_WELL_FORMED = re.compile(r"[0-9a-z]{26}")
_LENGTH = 26


def derive(*parts: object) -> str:
    """Turn names into a 26-character lower-case id; the same names always give the same id."""
    hashed = hashlib.sha256("\x00".join(map(str, parts)).encode()).digest()
    return base64.b32encode(hashed)[:_LENGTH].decode().lower()


def digest(content: bytes) -> str:
    """Return a digest of bytes, to derive ids from."""
    return hashlib.sha256(content).hexdigest()


def is_well_formed(identifier: str) -> bool:
    """Tell whether an id has Connect's form; Connect answers 400 for any other."""
    return _WELL_FORMED.fullmatch(identifier) is not None


# Editors and actors carry upper-case ids on the wire.
INTEGRATION_ID = derive("editor", "integration").upper()
PERSON_ID = derive("editor", "person").upper()
ACCOUNT_ID = derive("account").upper()
