"""Tokens of the Events API: decides which features a caller may read (401).

A token of Connect opens nothing here, and the reverse.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from onepassword_operator.devconnect import ids
from onepassword_operator.devconnect.auth.tokens import FEATURES_CLAIM, Tokens, bearer
from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.events.records import FEATURES

# Present tokens name a host here, and clients send requests to it. This is the older form without a
# host, so that no token of this server is sent elsewhere.
_AUDIENCE: Final = "com.1password.streamingservice"
INTEGRATION_ID: Final = ids.derive("events", "integration").upper()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventGrant:
    """The features of a verified token."""

    issued_at: float
    features: tuple[str, ...]

    def check(self, feature: str) -> None:
        """Raise 401 unless the token has the feature; the Events API knows no 403."""
        if feature not in self.features:
            raise ApiError(401, f"Unauthorized: the token does not have the {feature} feature")


class EventTokens:
    """Mints and verifies the tokens of one server.

    They are signed and revoked as those of Connect are.
    """

    def __init__(self, tokens: Tokens, *, clock: Callable[[], float], behaviour: Behaviour) -> None:
        self._tokens = tokens
        self._clock = clock
        self._behaviour = behaviour

    def mint(
        self, features: Iterable[str] = FEATURES, *, expires_in_seconds: float | None = None
    ) -> str:
        """Sign a token for features; ValueError for one that does not exist, or for none at all."""
        wanted = sorted(set(features))
        if not wanted or not set(wanted) <= set(FEATURES):
            raise ValueError(f"a feature is one of {', '.join(FEATURES)}")
        now = self._clock()
        claims: dict[str, Any] = {
            "iss": "com.1password.b5",
            "aud": [_AUDIENCE],
            "sub": INTEGRATION_ID,
            "jti": ids.derive("token", secrets.token_hex(16)),
            "iat": int(now),
            "1password.com/auuid": ids.ACCOUNT_ID,
            FEATURES_CLAIM: wanted,
        }
        if expires_in_seconds is not None:
            claims["exp"] = now + expires_in_seconds
        return self._tokens.sign(claims)

    def verify(self, authorization: str | None) -> EventGrant:
        """Return the grant of an Authorization header's token, or raise 401."""
        token = bearer(authorization)
        if self._behaviour.any_token:
            return EventGrant(issued_at=self._clock(), features=FEATURES)
        return _grant(self._tokens.claims(token, audience=_AUDIENCE))


def _grant(claims: Mapping[str, Any]) -> EventGrant:
    return EventGrant(
        issued_at=claims["iat"],
        features=tuple(feature for feature in FEATURES if feature in claims[FEATURES_CLAIM]),
    )
