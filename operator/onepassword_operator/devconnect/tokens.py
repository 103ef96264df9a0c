"""Bearer tokens: decides who a caller is (401) and which vaults the caller may read or write (403), by the claims of Connect's tokens.

Tokens are compact JWTs signed with HMAC-SHA256. Connect signs with ES256; that algorithm follows with the full-fidelity work, and
clients treat a token as opaque either way.
"""

import base64
import binascii
import enum
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from onepassword_operator.devconnect import ids
from onepassword_operator.devconnect.errors import ApiError

# Instead of a vault id: every vault, also those created later. Connect has no such token; tests and demos need it.
EVERY_VAULT: Final = "*"
_AUDIENCE: Final = "com.1password.connect"
_PARTS: Final = 3


class Access(enum.IntFlag):
    """The permission bits of a vault claim, with the values 1Password uses."""

    NONE = 0
    REVEAL = 16
    READ_ITEMS = 32
    UPDATE = 64
    CREATE = 128
    ARCHIVE = 256
    READ = REVEAL | READ_ITEMS
    WRITE = UPDATE | CREATE | ARCHIVE


MODES: Final[Mapping[str, Access]] = {"r": Access.READ, "w": Access.WRITE, "rw": Access.READ | Access.WRITE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a verified token allows."""

    id: str
    expires_at: float | None
    vaults: Mapping[str, int]

    def access_to(self, vault_id: str) -> int:
        """Return the access mask for a vault, 0 when it is out of scope."""
        return self.vaults.get(vault_id, self.vaults.get(EVERY_VAULT, 0))

    def check(self, vault_id: str, needed: Access, *, action: str) -> None:
        """Raise 403 unless the vault is in scope and the mask holds the needed bits."""
        access = self.access_to(vault_id)
        if not access:
            raise ApiError(403, f"Authorization: token does not have access to vault {vault_id}")
        if access & needed != needed:
            raise ApiError(403, f"Authorization: token does not have permission to perform {action} on vault {vault_id}")


class Tokens:
    """Mints, verifies and revokes the tokens of one server; the key lives as long as the server."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock: Final = clock
        self._key: Final = secrets.token_bytes(32)
        self._revoked: Final[set[str]] = set()
        # Only tokens this server signed get in, so the size is bounded by what was minted.
        self._verified: Final[dict[str, Grant]] = {}

    def mint(self, vaults: Mapping[str, Access], *, expires_in_seconds: float | None = None) -> str:
        """Sign a token for the given vault ids."""
        now = self._clock()
        claims: dict[str, Any] = {
            "iss": "com.1password.b5",
            "aud": [_AUDIENCE],
            "sub": ids.INTEGRATION_ID,
            "jti": ids.derive("token", secrets.token_hex(16)),
            "iat": int(now),
            "1password.com/auuid": ids.derive("account").upper(),
            "1password.com/token": secrets.token_urlsafe(24),
            "1password.com/fts": ["vaultaccess"],
            "1password.com/vts": [{"u": vault_id, "a": int(access)} for vault_id, access in vaults.items()],
        }
        if expires_in_seconds is not None:
            claims["exp"] = now + expires_in_seconds
        signed = _encode({"alg": "HS256", "kid": ids.derive("key"), "typ": "JWT"}) + "." + _encode(claims)
        return signed + "." + _base64(self._sign(signed))

    def verify(self, authorization: str | None) -> Grant:
        """Decide whom an Authorization header stands for, or raise 401."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _invalid()
        grant = self._verified.get(token)
        if grant is None:
            grant = self._verified[token] = self._read(token)
        if grant.id in self._revoked or (grant.expires_at is not None and grant.expires_at <= self._clock()):
            raise _invalid()
        return grant

    def token_id(self, token: str) -> str:
        """Return the id of a token of this server, or raise 401."""
        return self._read(token).id

    def revoke(self, token_id: str) -> None:
        """Refuse a token from now on."""
        self._revoked.add(token_id)

    def restore(self, token_id: str) -> None:
        """Accept a revoked token again."""
        self._revoked.discard(token_id)

    def _read(self, token: str) -> Grant:
        if token.count(".") != _PARTS - 1 or not token.isascii():
            raise _invalid()
        signed, _, signature = token.rpartition(".")
        header, claims = (_decode(part) for part in signed.split("."))
        if header.get("alg") != "HS256":
            raise _invalid()
        if not hmac.compare_digest(_base64(self._sign(signed)), signature):
            raise ApiError(401, "Invalid token signature")
        if _AUDIENCE not in claims.get("aud", ()):
            raise _invalid()
        return Grant(
            id=claims["jti"], expires_at=claims.get("exp"), vaults={claim["u"]: claim["a"] for claim in claims["1password.com/vts"]}
        )

    def _sign(self, signed: str) -> bytes:
        return hmac.digest(self._key, signed.encode(), "sha256")


def _invalid() -> ApiError:
    return ApiError(401, "Invalid bearer token")


def _encode(value: Mapping[str, Any]) -> str:
    return _base64(orjson.dumps(value))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(part: str) -> dict[str, Any]:
    try:
        value = orjson.loads(base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise _invalid() from None
    if not isinstance(value, dict):
        raise _invalid()
    return value
