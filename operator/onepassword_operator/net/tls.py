"""Trusted roots and client certificate of the operator's own TLS connections.

Talks to the file system.

The rules are those of Go's TLS, because the environment was written for a Go program.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Final

_log = logging.getLogger(__name__)

CHECK_SECONDS: Final = 1.0
"""Seconds between checks of the files for changes; a directory of roots may hold hundreds of them.
"""

Trust = Callable[[], ssl.SSLContext]
"""Returns the current TLS context."""

Identity = tuple[pathlib.Path, pathlib.Path]
"""The PEM files of a certificate of our own and its key."""


class TlsFiles:
    """A TLS context from files.

    They are read again when they change; as long as they can't be used, the last good context
    stays.

    The roots are the system's, or those of SSL_CERT_FILE and SSL_CERT_DIR. Servers' certificates
    are always verified: there is no switch.
    """

    def __init__(
        self, *, file: str = "", directories: str = "", identity: Identity | None = None
    ) -> None:
        self._file = file
        self._directories = directories
        self._identity = identity
        self._seen = self._state()
        self._checked_at = time.monotonic()
        self._made: ssl.SSLContext | None = (
            None  # made on first use: it takes 2 MiB, and plain HTTP needs none
        )

    def context(self) -> ssl.SSLContext:
        """Return the current TLS context."""
        if time.monotonic() - self._checked_at >= CHECK_SECONDS:
            self._checked_at = time.monotonic()
            self._check()
        if self._made is None:
            self._made = self._make()
        return self._made

    def _check(self) -> None:
        state = self._state()
        if state == self._seen:
            return
        self._seen = state
        problems = [*unusable_roots(self._file, self._directories)]
        problems += (
            [problem] if self._identity and (problem := unusable_identity(self._identity)) else []
        )
        if problems:
            _log.warning(
                "the new content of the files for TLS can't be used; the previous one stays in use",
                extra={"detail": problems},
            )
            return
        self._made = self._make()
        _log.info("the files for TLS have been read again")

    def _make(self) -> ssl.SSLContext:
        context = client_tls(directories=self._directories)
        if self._identity:
            _show(context, self._identity)
        return context

    def _state(self) -> list[tuple[str, int, int, int]]:
        found = []
        named = [pathlib.Path(self._file)] if self._file else []
        for file in (*named, *_files(self._directories), *(self._identity or ())):
            with contextlib.suppress(OSError):
                seen = file.stat()
                found.append((str(file), seen.st_ino, seen.st_mtime_ns, seen.st_size))
        return found


def client_tls(authority: str | None = None, *, directories: str = "") -> ssl.SSLContext:
    """Make a TLS context for a client that trusts this authority (PEM), or else the system's roots.

    OpenSSL itself reads SSL_CERT_FILE instead of the system's file. Of SSL_CERT_DIR it reads only
    files named by a hash, while Go reads all of them, so `directories` is the value of that
    variable.

    Raises:
        ValueError: the authority is empty.
        ssl.SSLError: the authority is no certificate.
    """
    if authority is not None and not authority.strip():
        # The ssl module would take the system's roots instead.
        raise ValueError("the certificate authority is empty")
    context = ssl.create_default_context(cadata=authority)
    if authority is None:
        for file in _files(directories):
            _trust(context, file)
    # As in Go, every certificate among the roots is trusted, a server's own too (the official chart
    # mounts one), and a private authority need not follow every rule of RFC 5280, which Python
    # enforces since 3.13.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.set_alpn_protocols(["http/1.1"])
    return context


def unusable_roots(file: str, directories: str) -> Iterator[str]:
    """Yield the problems of SSL_CERT_FILE and SSL_CERT_DIR, each with its remedy."""
    if file and not _trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), pathlib.Path(file)):
        yield (
            f"SSL_CERT_FILE: no certificate can be read from {file}; "
            "name a readable PEM file, or unset it"
        )
    if directories and not any(
        _trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), found) for found in _files(directories)
    ):
        yield (
            f"SSL_CERT_DIR: no certificate can be read from any file in {directories}; "
            "name directories with PEM files, or unset it"
        )


def unusable_identity(identity: Identity) -> str:
    """Return the problem of a client certificate and its key, with the remedy; empty if none."""
    try:
        _show(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), identity)
    except (OSError, ssl.SSLError) as error:
        said = type(error).__name__
        return (
            f"{identity[0]} and {identity[1]} are no certificate and its key ({said}); "
            "name two PEM files, the key without a password"
        )
    return ""


def _show(context: ssl.SSLContext, identity: Identity) -> None:
    certificate, key = identity
    # Without a password OpenSSL would ask for one on the terminal.
    context.load_cert_chain(certificate, key, password=lambda: "")


def _files(directories: str) -> Iterator[pathlib.Path]:
    for directory in filter(None, directories.split(":")):
        # As in Go, unreadable directories are skipped.
        with contextlib.suppress(OSError), os.scandir(directory) as found:
            yield from sorted(path for path in map(pathlib.Path, found) if path.is_file())


def _trust(context: ssl.SSLContext, file: pathlib.Path) -> bool:
    try:
        context.load_verify_locations(cafile=file)
    except (OSError, ssl.SSLError):
        return False
    return True
