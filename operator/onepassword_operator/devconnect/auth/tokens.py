"""Bearer tokens: decides if one is valid (401), and the vaults it may read or write (403).

Tokens are compact JWTs, signed with ES256 as Connect's are; clients treat them as opaque.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import enum
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from onepassword_operator.devconnect import ids, json_codec
from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.errors import ApiError

# Stands for every vault, including vaults created later. Connect has no such token; tests and demos
# need it.
EVERY_VAULT: Final = "*"
FEATURES_CLAIM: Final = "1password.com/fts"
_ALGORITHM: Final = "ES256"
_AUDIENCE: Final = "com.1password.connect"
_PARTS: Final = 3
_MAX_LENGTH: Final = 16 * 1024


class Signer(Protocol):
    """The signing key of one server."""

    id: str

    def sign(self, message: bytes) -> bytes:
        """Return the signature in the form that JWTs carry."""

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether this key made the signature."""


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


MODES: Final[Mapping[str, Access]] = {
    "r": Access.READ,
    "w": Access.WRITE,
    "rw": Access.READ | Access.WRITE,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The permissions of a verified token."""

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
            raise ApiError(
                403,
                f"Authorization: token does not have permission to perform {action} on vault "
                f"{vault_id}",
            )


_ANYBODY: Final = Grant(
    id=ids.derive("token", "any"), expires_at=None, vaults={EVERY_VAULT: MODES["rw"]}
)


class Tokens:
    """Mints, verifies and revokes the tokens of one server.

    `remember` gets the revoked ids before a change takes effect.
    """

    def __init__(
        self,
        signer: Signer,
        *,
        clock: Callable[[], float],
        behaviour: Behaviour,
        revoked: Iterable[str] = (),
        remember: Callable[[frozenset[str]], None] = lambda _: None,
    ) -> None:
        self._signer = signer
        self._clock = clock
        self._behaviour = behaviour
        self._remember = remember
        self._revoked = frozenset(revoked)
        # Only tokens that this server signed are added, so the size is bounded by the number of
        # minted tokens.
        self._verified: dict[str, Grant] = {}

    def mint(self, vaults: Mapping[str, int], *, expires_in_seconds: float | None = None) -> str:
        """Sign a token for the given vault ids."""
        now = self._clock()
        claims: dict[str, Any] = {
            "iss": "com.1password.b5",
            "aud": [_AUDIENCE],
            "sub": ids.INTEGRATION_ID,
            "jti": ids.derive("token", secrets.token_hex(16)),
            "iat": int(now),
            "1password.com/auuid": ids.ACCOUNT_ID,
            "1password.com/token": secrets.token_urlsafe(24),
            FEATURES_CLAIM: ["vaultaccess"],
            "1password.com/vts": [
                {"u": vault_id, "a": int(access)} for vault_id, access in vaults.items()
            ],
        }
        if expires_in_seconds is not None:
            claims["exp"] = now + expires_in_seconds
        return self.sign(claims)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Sign claims without checking them; tests sign invalid ones."""
        signed = (
            _encode({"alg": _ALGORITHM, "kid": self._signer.id, "typ": "JWT"})
            + "."
            + _encode(claims)
        )
        return signed + "." + _base64(self._signer.sign(signed.encode()))

    def verify(self, authorization: str | None) -> Grant:
        """Return the grant of an Authorization header's token, or raise 401."""
        token = bearer(authorization)
        if self._behaviour.any_token:
            return _ANYBODY
        grant = self._verified.get(token)
        if grant is None:
            grant = self._verified[token] = _grant(self._signed(token))
        self._check_current(grant.id, grant.expires_at)
        return grant

    def claims(self, token: str, *, audience: str) -> Mapping[str, Any]:
        """Return the claims of a token for an audience other than Connect, or raise 401."""
        claims = self._signed(token)
        token_id, expires_at = _identity(claims, audience=audience)
        self._check_current(token_id, expires_at)
        return claims

    def token_id(self, token: str) -> str:
        """Return the id of a token of this server for any audience, or raise 401."""
        token_id = self._signed(token).get("jti")
        if not isinstance(token_id, str):
            raise _invalid()
        return token_id

    def revoke(self, token_id: str) -> None:
        """Refuse a token from now on."""
        self._set_revoked(self._revoked | {token_id})

    def restore(self, token_id: str) -> None:
        """Accept a revoked token again."""
        self._set_revoked(self._revoked - {token_id})

    def _set_revoked(self, revoked: frozenset[str]) -> None:
        self._remember(revoked)
        self._revoked = revoked

    def _check_current(self, token_id: str, expires_at: float | None) -> None:
        if token_id in self._revoked or (expires_at is not None and expires_at <= self._clock()):
            raise _invalid()

    def _signed(self, token: str) -> dict[str, Any]:
        if token.count(".") != _PARTS - 1 or not token.isascii() or len(token) > _MAX_LENGTH:
            raise _invalid()
        signed, _, signature = token.rpartition(".")
        header, claims = (_decode_object(part) for part in signed.split("."))
        if header.get("alg") != _ALGORITHM:
            raise _invalid()
        if not self._signer.verify(signed.encode(), _decode(signature)):
            raise ApiError(401, "Invalid token signature")
        return claims


def bearer(authorization: str | None) -> str:
    """Return the token of an Authorization header, or raise 401."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _invalid()
    return token


def _grant(claims: Mapping[str, Any]) -> Grant:
    token_id, expires_at = _identity(claims, audience=_AUDIENCE)
    vaults = claims.get("1password.com/vts")
    if not isinstance(vaults, list):
        raise _invalid()
    return Grant(
        id=token_id, expires_at=expires_at, vaults={claim["u"]: claim["a"] for claim in vaults}
    )


def _identity(claims: Mapping[str, Any], *, audience: str) -> tuple[str, float | None]:
    meant_for, expires_at, token_id = (claims.get(name) for name in ("aud", "exp", "jti"))
    if (
        not isinstance(meant_for, list)
        or audience not in meant_for
        or not isinstance(token_id, str)
    ):
        raise _invalid()
    if expires_at is not None and not isinstance(expires_at, int | float):
        raise _invalid()
    return token_id, expires_at


def _invalid() -> ApiError:
    return ApiError(401, "Invalid bearer token")


def _encode(value: Mapping[str, Any]) -> str:
    return _base64(json_codec.encode(value))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(part: str) -> bytes:
    try:
        decoded = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _invalid() from None
    if _base64(decoded) != part:
        # Spare bits in the last character would make several texts the same token.
        raise _invalid()
    return decoded


def _decode_object(part: str) -> dict[str, Any]:
    try:
        value = json_codec.decode(_decode(part))
    except json_codec.NotJsonError:
        raise _invalid() from None
    if not isinstance(value, dict):
        raise _invalid()
    return value
