"""Connect's refusals → leaves of the error tree, and the delay before the next try.

Bodies are ignored: they may quote the request, and proxies write their own.
"""

from __future__ import annotations

import contextlib
import email.utils
import random
import time
from collections.abc import Mapping
from typing import Final

from onepassword_operator.model.errors import (
    BackendAnswerError,
    BackendDeniedError,
    BackendError,
    BackendForbiddenError,
    BackendRateLimitedError,
    BackendUnavailableError,
    ItemNotFoundError,
    VaultNotFoundError,
)

FIRST_PAUSE_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 10.0
RETRY_AFTER_SECONDS: Final = 10.0
"""Delay after a 429 without `Retry-After`."""
RETRY_AFTER_CAP_SECONDS: Final = 300.0

_UNAVAILABLE: Final = frozenset({408, 425, 500, 502, 503, 504})
_NOT_READY: Final = 408
_INTERNAL_ERROR: Final = 500
_PROXY_PASSWORD: Final = 407


def to_error(
    code: int, headers: Mapping[str, str], *, route: str
) -> BackendError | ItemNotFoundError | VaultNotFoundError:
    """Translate an HTTP status other than 200 into an error."""
    match code:
        case 401:
            return BackendDeniedError(
                f"{route}: Connect refuses the token (401); it may be revoked, expired, cut off, "
                "encoded twice, or of another server. "
                "Put a valid one into OP_CONNECT_TOKEN, or into the file of OP_CONNECT_TOKEN_FILE"
            )
        case 403:
            return BackendForbiddenError(
                f"{route}: the Connect token has no access to this vault (403); "
                "issue a token that includes it"
            )
        case 404 if "items/:uuid" in route:
            return ItemNotFoundError(f"{route}: Connect knows no such item (404)")
        case 404 if "vaults/:uuid" in route:
            return VaultNotFoundError(f"{route}: Connect knows no such vault (404)")
        case 429:
            delay = retry_after_seconds(headers.get("Retry-After")) or RETRY_AFTER_SECONDS
            return BackendRateLimitedError(
                f"{route}: Connect asks to slow down (429); next try in {delay:.0f} s",
                delay_seconds=delay,
            )
        case _ if code in _UNAVAILABLE:
            return _unavailable(code, headers, route=route)
        case _:
            return _unusable(code, route)


def _unavailable(code: int, headers: Mapping[str, str], *, route: str) -> BackendUnavailableError:
    cold = "; it has not finished its first sync with 1Password" if code == _NOT_READY else ""
    said = f"{code}{cold}"
    return BackendUnavailableError(
        f"{route}: Connect answered {said}",
        delay_seconds=retry_after_seconds(headers.get("Retry-After")),
        warming_up=code == _NOT_READY,
        of_one_item=code == _INTERNAL_ERROR and "items/:uuid" in route,
    )


def _unusable(code: int, route: str) -> BackendError:
    if code == _PROXY_PASSWORD:
        return BackendUnavailableError(
            f"{route}: the proxy asks for a password (407); put it into HTTP_PROXY, as http://user:password@host:port"
        )
    if 300 <= code < 400:  # noqa: PLR2004
        return BackendAnswerError(
            f"{route}: Connect redirects ({code}); set OP_CONNECT_HOST to the final URL"
        )
    return BackendAnswerError(f"{route}: unexpected status {code}")


def retry_after_seconds(text: str | None) -> float | None:
    """Read `Retry-After`, as seconds between 1 and 300; None if it is absent or unreadable.

    It says seconds, or a date.
    """
    seconds = None
    if text and text.strip().isdecimal():
        seconds = float(text)
    elif text:
        with contextlib.suppress(ValueError, OverflowError):
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    return None if seconds is None else min(max(seconds, 1.0), RETRY_AFTER_CAP_SECONDS)


def pause_seconds(attempt: int, error: BackendError) -> float:
    """Return the delay after the n-th attempt: Connect's own, else exponential with jitter."""
    if error.delay_seconds is not None:
        return error.delay_seconds
    ceiling = min(FIRST_PAUSE_SECONDS * 2.0**attempt, LONGEST_PAUSE_SECONDS)
    return ceiling * random.random()  # noqa: S311  spreads retries
