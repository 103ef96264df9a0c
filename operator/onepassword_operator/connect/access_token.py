"""The Connect token: a fixed value, or a file that is read again whenever it changes.

The only module that reveals the token: the Authorization header needs its text, and the token
itself holds its expiry.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import pathlib
from typing import Final

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.rules.token_syntax import problem as token_problem

_JWT_PARTS: Final = 3

_log = logging.getLogger(__name__)


class TokenFileError(ValueError):
    """The file holds no token; the message names the file and the remedy."""


class ConnectToken:
    """A bearer token that may change while the operator runs."""

    def __init__(self, given: Confidential | pathlib.Path) -> None:
        self._file = given if isinstance(given, pathlib.Path) else None
        self._state: tuple[int, int, int] | None = None
        self._generation = 0
        if isinstance(given, pathlib.Path):
            self._state = _state(given)
            self._token = _read(given)
        else:
            self._token = given

    @property
    def token(self) -> Confidential:
        """The token as last read."""
        return self._token

    def authorization(self) -> str:
        """Return the Authorization header for a request that is sent now."""
        self.generation()
        return f"Bearer {self._token.reveal().decode()}"

    def generation(self) -> int:
        """Return the number of the token in use, from 0.

        A caller whose request was refused sees by it whether there is a new token since.
        """
        state = _state(self._file) if self._file else self._state
        if self._file and state != self._state:
            self._take(self._file, state)
        return self._generation

    def _take(self, file: pathlib.Path, state: tuple[int, int, int] | None) -> None:
        self._state = state
        try:
            token = _read(file)
        except TokenFileError as error:
            _log.warning(
                "the new content of the token file can't be used; the previous token stays in use",
                extra={"detail": str(error)},
            )
            return
        if token != self._token:
            self._token = token
            self._generation += 1
            _log.info("the Connect token has been read again", extra={"file": str(file)})

    def expires_at(self) -> float | None:
        """Return the token's expiry as Unix time; None if the token has none."""
        parts = self._token.reveal().split(b".")
        if len(parts) != _JWT_PARTS:
            return None
        try:
            claims = json.loads(base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)))
        except (binascii.Error, ValueError, RecursionError):
            return None
        expiry = claims.get("exp") if isinstance(claims, dict) else None
        if isinstance(expiry, bool) or not isinstance(expiry, (int, float)):
            return None
        try:
            return float(expiry)
        except OverflowError:
            return None


def _state(file: pathlib.Path) -> tuple[int, int, int] | None:
    # Follows symlinks: the kubelet replaces the files of a mounted Secret by exchanging a symlink.
    try:
        seen = file.stat()
    except OSError:
        return None
    return (seen.st_ino, seen.st_mtime_ns, seen.st_size)


def _read(file: pathlib.Path) -> Confidential:
    try:
        content = file.read_bytes().strip()
    except OSError as error:
        raise TokenFileError(
            f"{file} can't be read ({type(error).__name__}); mount the token there"
        ) from None
    if problem := token_problem(content.decode("latin-1")):
        raise TokenFileError(f"{file} {problem}")
    return Confidential(content)
