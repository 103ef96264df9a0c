"""Selects the replica for a request, or for a connection, as a Kubernetes Service does.

The command line reads the possible choices from this file, so it imports nothing of the server.
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
    """An invalid number of replicas or way to balance; the message has the valid ones."""


class Balancer:
    """Gives connections or requests to replicas at random.

    The same seed and the same order of arrivals give the same choices.
    """

    def __init__(
        self, replicas: int = 1, *, balance: str = BY_CONNECTION, seed: int | None = None
    ) -> None:
        if not 1 <= replicas <= MOST_REPLICAS:
            raise BalanceError(
                f"replicas must be a whole number from 1 to {MOST_REPLICAS}, not {replicas}"
            )
        self.replicas = replicas
        self._connections: WeakKeyDictionary[object, int] = WeakKeyDictionary()
        self._random = random.Random(seed)  # noqa: S311  nothing here is secret
        self._balance = _known(balance)

    @property
    def balance(self) -> str:
        """The unit that goes to a random replica: each new connection, or each request."""
        return self._balance

    def change(self, *, balance: str | None = None, seed: int | None = None) -> None:
        """Change the way to balance, or restart the choices from a seed.

        A connection that has a replica keeps it.
        """
        if balance is not None:
            self._balance = _known(balance)
        if seed is not None:
            self._random.seed(seed)

    def pick(self, connection: object | None) -> int:
        """Return the number, from 0, of the replica for a request on this connection.

        A connection of None is one that has just ended.
        """
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
