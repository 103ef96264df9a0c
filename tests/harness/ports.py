"""Ports for processes that are told where to listen."""

from __future__ import annotations

import contextlib
import random
import socket


def free_port() -> int:
    """A port nobody listens on, below those that the kernel gives to outgoing connections and could give away before it is used."""
    while True:
        port = random.randrange(12000, 30000)  # noqa: S311  spreads test workers, guards nothing
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
