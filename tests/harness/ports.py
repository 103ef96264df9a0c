"""Ports for processes that are told where to listen."""

import contextlib
import random
import socket

_draw = random.SystemRandom()
"""Not the module's own generator: pytest-randomly seeds that one alike in all test workers, which would draw the same ports."""
_given: set[int] = set()


def free_port() -> int:
    """A port nobody listens on, below those that the kernel gives to outgoing connections and could give away before it is used."""
    while True:
        port = _draw.randrange(12000, 30000)
        if port in _given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given.add(port)
            return port
