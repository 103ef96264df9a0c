"""The certificate of /metrics: two files that another tool renews, for example cert-manager.

Read again when they change.
"""

from __future__ import annotations

import logging
import pathlib
import ssl
from typing import Final

_log = logging.getLogger(__name__)

_HTTP_1: Final = ["http/1.1"]


class ServingCertificateError(Exception):
    """The files hold no certificate with its key; the message names them."""


def serving_tls(files: tuple[pathlib.Path, pathlib.Path] | None) -> ssl.SSLContext | None:
    """Make the TLS context to listen with from a certificate and its key; None without files.

    Raises:
        ServingCertificateError: they are no certificate and its key.
    """
    return None if files is None else ServingCertificate(*files).tls()


class ServingCertificate:
    """A certificate and its private key, both PEM.

    Every handshake checks whether the files have changed. If they are unusable, for example because
    only one of them has been replaced yet, the last good pair stays in use.
    """

    def __init__(self, certificate: pathlib.Path, key: pathlib.Path) -> None:
        self._files = certificate, key
        self._read = self._state()
        try:
            self._current = self._loaded()
        except (OSError, ssl.SSLError) as error:
            raise ServingCertificateError(
                f"--metrics-cert-path: {certificate} and {key} are no certificate with its private "
                f"key ({type(error).__name__}); both must be PEM, and belong together"
            ) from None

    def tls(self) -> ssl.SSLContext:
        """Return the TLS context to listen with."""
        listening = self._loaded()
        listening.sni_callback = self._choose
        return listening

    def _choose(self, handshake: ssl.SSLObject, *_: object) -> None:
        handshake.context = self._latest()

    def _latest(self) -> ssl.SSLContext:
        state = self._state()
        if state != self._read:
            self._read = state
            try:
                self._current = self._loaded()
                _log.info(
                    "the certificate of /metrics has been read again",
                    extra={"file": str(self._files[0])},
                )
            except (OSError, ssl.SSLError) as error:
                _log.warning(
                    "the new certificate of /metrics can't be used yet",
                    extra={"error": type(error).__name__},
                )
        return self._current

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.set_alpn_protocols(_HTTP_1)
        context.load_cert_chain(*self._files)
        return context

    def _state(self) -> list[tuple[int, int, int]]:
        # Follows symlinks: the kubelet replaces the files of a mounted Secret by exchanging a
        # symlink.
        found = []
        for file in self._files:
            try:
                seen = file.stat()
            except OSError:
                continue
            found.append((seen.st_ino, seen.st_mtime_ns, seen.st_size))
        return found
