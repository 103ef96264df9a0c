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

from onepassword_operator.connect.asked import ITEMS, Asked
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
_BAD_REQUEST: Final = 400
"""Also the answer of many servers to plain text on a TLS port."""


def to_error(
    code: int, headers: Mapping[str, str], *, asked: Asked
) -> BackendError | ItemNotFoundError | VaultNotFoundError:
    """Translate an HTTP status other than 200 into an error."""
    match code:
        case 401:
            return BackendDeniedError(
                f"{asked}: Connect refuses the token (401); it may be revoked, expired, cut off, "
                "encoded twice, or of another server. "
                "Put a valid one into OP_CONNECT_TOKEN, or into the file of OP_CONNECT_TOKEN_FILE"
            )
        case 403:
            return BackendForbiddenError(
                f"{asked}: the Connect token has no access to this vault (403); "
                "issue a token that includes it"
            )
        case 404 if asked.of_item:
            return ItemNotFoundError(f"{asked}: Connect knows no such item (404)")
        case 404 if asked.route == ITEMS:
            return VaultNotFoundError(f"{asked}: Connect knows no such vault (404)")
        case 429:
            delay = retry_after_seconds(headers.get("Retry-After")) or RETRY_AFTER_SECONDS
            return BackendRateLimitedError(
                f"{asked}: Connect asks to slow down (429); next try in {delay:.0f} s",
                delay_seconds=delay,
            )
        case _ if code in _UNAVAILABLE:
            return _unavailable(code, headers, asked=asked)
        case _:
            return _unusable(code, asked)


def _unavailable(code: int, headers: Mapping[str, str], *, asked: Asked) -> BackendUnavailableError:
    cold = "; it has not finished its first sync with 1Password" if code == _NOT_READY else ""
    said = f"{code}{cold}"
    return BackendUnavailableError(
        f"{asked}: the server answered {said}; trying again, and Connect's own log says more",
        delay_seconds=retry_after_seconds(headers.get("Retry-After")),
        warming_up=code == _NOT_READY,
        of_one_item=code == _INTERNAL_ERROR and asked.of_item,
    )


def _unusable(code: int, asked: Asked) -> BackendError:
    if code == _PROXY_PASSWORD:
        return BackendUnavailableError(
            f"{asked}: the proxy asks for a password (407); put it into HTTP_PROXY, as http://user:password@host:port"
        )
    if 300 <= code < 400:  # noqa: PLR2004
        return BackendAnswerError(
            f"{asked}: Connect redirects ({code}); set OP_CONNECT_HOST to the final URL"
        )
    tls = "; if the port serves TLS, begin it with https://" if code == _BAD_REQUEST else ""
    return BackendAnswerError(
        f"{asked}: the server answered {code}, which Connect does not; "
        f"check that OP_CONNECT_HOST is a Connect server{tls}"
    )


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
