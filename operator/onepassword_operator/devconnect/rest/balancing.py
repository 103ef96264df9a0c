"""Which replica answers: decides, as a Kubernetes Service in front of several Connect pods would, by connection or by request.

The command line looks here for what may be chosen, so this file imports nothing of the server.
"""

from __future__ import annotations

import random
from typing import Final
from weakref import WeakKeyDictionary

BY_CONNECTION: Final = "connection"
BY_REQUEST: Final = "request"
BALANCES: Final = (BY_CONNECTION, BY_REQUEST)
MOST_REPLICAS: Final = 5


class BalanceError(ValueError):
    """A number of replicas or a way to balance that there is not; the message says what there is."""


class Balancer:
    """Gives connections or requests to replicas at random; the same seed and the same order of arrivals give the same choices."""

    def __init__(self, replicas: int = 1, *, balance: str = BY_CONNECTION, seed: int | None = None) -> None:
        if not 1 <= replicas <= MOST_REPLICAS:
            raise BalanceError(f"replicas must be a whole number from 1 to {MOST_REPLICAS}, not {replicas}")
        self.replicas = replicas
        self._connections: WeakKeyDictionary[object, int] = WeakKeyDictionary()
        self._random = random.Random(seed)  # noqa: S311  nothing here is secret
        self._balance = _known(balance)

    @property
    def balance(self) -> str:
        """What is given to a replica at random: each new connection, or each request."""
        return self._balance

    def change(self, *, balance: str | None = None, seed: int | None = None) -> None:
        """Balance otherwise from now on, or choose anew from a seed; a connection that has a replica keeps it."""
        if balance is not None:
            self._balance = _known(balance)
        if seed is not None:
            self._random.seed(seed)

    def pick(self, connection: object | None) -> int:
        """Return the number, from 0, of the replica for a request on this connection; None is one that has just ended."""
        if self.replicas == 1:
            return 0
        if self._balance == BY_REQUEST or connection is None:
            return self._draw()
        if connection not in self._connections:
            self._connections[connection] = self._draw()
        return self._connections[connection]

    def _draw(self) -> int:
        return self._random.randrange(self.replicas)


def _known(balance: str) -> str:
    if balance not in BALANCES:
        raise BalanceError(f"balance must be one of {', '.join(BALANCES)}, not {balance!r}")
    return balance
